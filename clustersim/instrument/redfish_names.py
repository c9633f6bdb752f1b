"""What a property, a sensor or a metric of Redfish reads, by its name: the names end in the quantity and its unit.

Source: DMTF, "Redfish data model specification" (DSP0268): Power, EnvironmentMetrics, Sensor; in a MetricReport
MetricProperty is the path of a property. Names of sensors as in the metric reports of NVIDIA's HGX and of OpenBMC.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from clustersim.instrument.recording import POWER


class Quantity(NamedTuple):
    """What is read, and the factor from its unit to that of the reading."""

    name: str
    factor: float


AVERAGE = "average_w"
"""Power over an interval; read where an export tells no other."""
WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
BOUNDS = frozenset(
    {
        "limit", "cap", "capacity", "allocated", "available", "requested", "max", "maximum", "min", "minimum", "peak",
        "rated", "factor", "set", "threshold", "allowable", "apparent", "reactive", "headroom", "margin", "tlimit",
        "default", "lifetime",
    }
)  # fmt: skip
"""Words of names that are no reading of now."""
SENSORS = {"power_": Quantity(POWER, 1.0), "temperature_": Quantity("temperature_c", 1.0)}
"""Begin of a sensor's name -> what it reads: OpenBMC puts the kind there."""


def _words(name: str) -> list[str]:
    return [word.lower() for word in WORD.findall(name)]


@lru_cache(maxsize=4096)
def quantity(name: str) -> Quantity | None:
    """Return what a name reads, or None where it is neither power nor energy nor temperature, or a bound of one.

    Examples
    --------
    >>> quantity("PowerConsumedWatts")
    Quantity(name='power_w', factor=1.0)
    >>> quantity("HGX_GPU_0_TEMP_0")
    Quantity(name='temperature_c', factor=1.0)
    >>> quantity("PowerCapacityWatts") is None
    True
    """
    unit = next((unit for unit in ("kWh", "kW") if name.endswith(unit)), "")
    words = _words(name.removesuffix(unit)) + ([unit.lower()] if unit else [])
    if not words or BOUNDS.intersection(words):
        return None
    last, rest = words[-1], words[:-1]
    power = AVERAGE if "average" in rest or "avg" in rest else POWER
    if last in ("watts", "kw") and ("power" in rest or "consumed" in rest):
        return Quantity(power, 1e3 if last == "kw" else 1.0)
    if last == "power":
        return Quantity(power, 1.0)
    if last in ("temp", "temperature") or (last == "celsius" and "temperature" in rest):
        return Quantity("temperature_c", 1.0)
    if "energy" in rest and last in ("joules", "kwh"):
        return Quantity("energy_j", 1.0 if last == "joules" else 3.6e6)
    return None


@lru_cache(maxsize=4096)
def owner_and_quantity(path: str) -> tuple[str, Quantity] | None:
    """Return of a MetricProperty what the reading belongs to, and what it reads.

    Readings of one resource belong together: ``.../EnvironmentMetrics#/PowerWatts/Reading`` and
    ``.../EnvironmentMetrics#/TemperatureCelsius/Reading``; those of sensors by what is left of their names without
    the quantity: ``.../Sensors/GPU_0_Power_0`` and ``.../Sensors/GPU_0_Temp_0``.
    """
    owner, _, last = path.rstrip("/").removesuffix("Reading").rstrip("#/").rpartition("/")
    is_sensor = owner.endswith("/Sensors")
    kinds = [kind for begin, kind in SENSORS.items() if is_sensor and last.startswith(begin)]
    found = quantity(last) or (kinds[0] if kinds and not BOUNDS.intersection(_words(last)) else None)
    if found is None:
        return None
    if is_sensor:
        return f"{owner}/{re.sub('(?i)power|temperature|temp', '*', last)}", found
    return owner.rstrip("#"), found
