"""Quantities at the edge: text with a unit in files, plain SI floats inside.

The table is strict on purpose: case matters, each unit has one spelling, bits and bytes are different dimensions of
text, and a bare number where a unit is due is an error. Inside the program a bit rate and a byte rate are both bytes
per second.
"""

from __future__ import annotations

import math
import re
from functools import partial
from typing import Annotated

from pydantic import BeforeValidator, Field, PlainSerializer

from clustersim.errors import UnitError, nearest

KM_PER_MILE = 1.609344

TABLE: dict[str, dict[str, float]] = {
    "power": {"W": 1.0, "kW": 1e3, "MW": 1e6, "GW": 1e9},
    "apparent power": {"VA": 1.0, "kVA": 1e3, "MVA": 1e6, "GVA": 1e9},
    "reactive power": {"var": 1.0, "kvar": 1e3, "Mvar": 1e6},
    "energy": {"J": 1.0, "kJ": 1e3, "MJ": 1e6, "Wh": 3.6e3, "kWh": 3.6e6, "MWh": 3.6e9, "GWh": 3.6e12},
    "time": {
        "ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0, "month": 2629800.0,
        "yr": 31557600.0,
    },
    "frequency": {"mHz": 1e-3, "Hz": 1.0, "kHz": 1e3, "MHz": 1e6, "GHz": 1e9},
    "voltage": {"V": 1.0, "kV": 1e3},
    "current": {"A": 1.0, "kA": 1e3},
    "length": {"m": 1.0, "km": 1e3, "mile": KM_PER_MILE * 1e3, "ft": 0.3048},
    "data rate": {
        "bit/s": 0.125, "Mbit/s": 0.125e6, "Gbit/s": 0.125e9, "Tbit/s": 0.125e12, "Pbit/s": 0.125e15,
        "B/s": 1.0, "kB/s": 1e3, "MB/s": 1e6, "GB/s": 1e9, "TB/s": 1e12,
    },
    "data": {
        "B": 1.0, "kB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12, "PB": 1e15,
        "KiB": 2.0**10, "MiB": 2.0**20, "GiB": 2.0**30, "TiB": 2.0**40,
    },
    "compute rate": {"FLOP/s": 1.0, "TFLOP/s": 1e12, "PFLOP/s": 1e15, "EFLOP/s": 1e18},
    "integer rate": {"OP/s": 1.0, "TOP/s": 1e12},
    "compute": {"FLOP": 1.0, "TFLOP": 1e12, "PFLOP": 1e15, "EFLOP": 1e18},
    "ramp": {"W/s": 1.0, "kW/s": 1e3, "MW/s": 1e6, "kW/min": 1e3 / 60, "MW/min": 1e6 / 60},
    "rocof": {"Hz/s": 1.0, "mHz/s": 1e-3},
    "temperature": {"degC": 1.0},
    "ratio": {"%": 0.01, "pu": 1.0, "x": 1.0},
    "delay per length": {"us/km": 1e-9},
    "failure rate": {"1/h": 1 / 3600.0, "1/d": 1 / 86400.0, "1/month": 1 / 2629800.0, "1/yr": 1 / 31557600.0},
    "money": {"USD": 1.0, "kUSD": 1e3, "MUSD": 1e6, "BUSD": 1e9},
    "price of energy": {"USD/J": 1.0, "USD/kWh": 1 / 3.6e6, "USD/MWh": 1 / 3.6e9, "USD/MMBtu": 1 / 1.05505585e9},
    "price of power": {"USD/W": 1.0, "USD/kW": 1e-3, "MUSD/MW": 1.0},
    "price of apparent power": {"USD/VA": 1.0, "USD/kVA": 1e-3, "USD/MVA": 1e-6},
    "price of storage": {"USD/kWh": 1 / 3.6e6},
    "price of length": {"USD/m": 1.0, "USD/km": 1e-3, "USD/ft": 1 / 0.3048},
    "price of time": {"USD/h": 1 / 3600.0, "USD/yr": 1 / 31557600.0},
    "heat rate": {"J/J": 1.0, "Btu/kWh": 1055.05585 / 3.6e6, "MJ/kWh": 1 / 3.6},
    "water": {"L/kWh": 1 / 3.6e6},
    "mass": {"kg": 1.0, "g": 1e-3, "t": 1e3, "short_ton": 907.18474},
    "emission factor": {
        "kg/J": 1.0, "kg/GJ": 1e-9, "kg/MMBtu": 1 / 1.05505585e9, "lb/MMBtu": 0.45359237 / 1.05505585e9,
        "kg/MWh": 1 / 3.6e9, "g/kWh": 1 / 3.6e9, "lb/MWh": 0.45359237 / 3.6e9,
    },
    "price of mass": {"USD/kg": 1.0, "USD/t": 1e-3},
    "price of volume": {"USD/m3": 1.0, "USD/kgal": 1 / 3.785411784, "USD/ccf": 1 / 2.8316846592},
    "price of power per time": {"MUSD/MW/yr": 1 / 31557600.0, "USD/kW/month": 1e-3 / 2629800.0},
}
"""Dimension -> unit -> factor to SI. SI here also covers B/s, USD, and degC for temperatures."""

HOUR_S, DAY_S, YEAR_S = TABLE["time"]["h"], TABLE["time"]["d"], TABLE["time"]["yr"]
KWH_J, MWH_J = TABLE["energy"]["kWh"], TABLE["energy"]["MWh"]

_QUANTITY = re.compile(r"\s*([-+]?(?:\d+(?:_\d+)*)(?:\.\d+)?(?:[eE][-+]?\d+)?)\s*(\S+)\s*")


def dimension_of(unit: str) -> str | None:
    """Return the first dimension that knows `unit`, or None."""
    return next((dimension for dimension, units in TABLE.items() if unit in units), None)


def split(text: str) -> tuple[float, str]:
    """Return number and unit of a quantity such as ``'150 MW'``.

    Raises
    ------
    UnitError
        If the text is not a number followed by a unit.
    """
    match = _QUANTITY.fullmatch(text)
    if match is None:
        raise UnitError(f"expected a number and a unit such as '150 MW', got {text!r}")
    return float(match[1].replace("_", "")), match[2]


def parse(text: object, dimension: str) -> float:
    """Return `text` (``'150 MW'``) in the SI base unit of `dimension`.

    Raises
    ------
    UnitError
        If there is no unit, or the unit is not one of the dimension's; the message names the nearest valid unit.

    Examples
    --------
    >>> parse("150 MW", "power")
    150000000.0
    >>> parse("800 Gbit/s", "data rate")
    100000000000.0
    """
    units = TABLE[dimension]
    if not isinstance(text, str):
        raise UnitError(f"expected a {dimension} with a unit ({', '.join(units)}), got {text!r}")
    number, unit = split(text)
    if unit not in units:
        raise UnitError(
            f"expected a {dimension} with a unit ({', '.join(units)}), got {text!r}{nearest(unit, units)}"
        )
    if not math.isfinite(number):
        raise UnitError(f"expected a finite {dimension}, got {text!r}")
    return number * units[unit]


def parse_named(name: str, text: object, dimension: str) -> float:
    """Return `text` in SI as :func:`parse` does; what is wrong with it is told with the name of what was given.

    Raises
    ------
    UnitError
        As :func:`parse`, behind the name, such as ``--from``.
    """
    try:
        return parse(text, dimension)
    except UnitError as error:
        raise UnitError(f"{name}: {error}") from None


def number_and_unit(value: object) -> tuple[float, str] | None:
    """Return number and unit of a text that is a quantity of any dimension; None for anything else."""
    if not isinstance(value, str):
        return None
    try:
        number, unit = split(value)
    except UnitError:
        return None
    return (number, unit) if dimension_of(unit) is not None else None


def text(value: float, unit: str) -> str:
    """Return an SI value as text in `unit`: ``text(150e6, "MW") == "150 MW"``."""
    dimension = dimension_of(unit)
    if dimension is None:
        raise UnitError(f"unknown unit {unit!r}")
    return f"{value / TABLE[dimension][unit]:.12g} {unit}"


def _quantity(dimension: str) -> tuple[BeforeValidator, PlainSerializer]:
    """Return the pydantic validator of a dimension; a float already in SI passes only when it comes from Python.

    Files are read with every quantity as text; the serializer writes text that reads back as the same float.
    """
    # partial functions, so that a form can ask a field for its dimension
    read = partial(parse, dimension=dimension)
    return BeforeValidator(read), PlainSerializer(partial(shortest, dimension=dimension), return_type=str)


def shortest(value: float, dimension: str) -> str:
    """Return an SI value as the shortest text that reads back as the same float: ``150 MW``, not ``150000000.0 W``."""
    texts = [f"{value / factor:.15g} {unit}" for unit, factor in TABLE[dimension].items()]
    exact = [text for text in texts if parse(text, dimension) == value]
    # the unit nearest to SI; a few dimensions have no unit that is SI itself
    base, factor = min(TABLE[dimension].items(), key=lambda item: abs(math.log(item[1])))
    return min(exact, key=len, default=f"{value / factor!r} {base}")


Power = Annotated[float, *_quantity("power")]
ApparentPower = Annotated[float, *_quantity("apparent power")]
Energy = Annotated[float, *_quantity("energy")]
Time = Annotated[float, *_quantity("time")]
UtcOffset = Annotated[float, Field(ge=-12 * HOUR_S, le=14 * HOUR_S), *_quantity("time")]
"""Local time less universal time; the clocks of the world are from UTC-12 to UTC+14."""
Frequency = Annotated[float, *_quantity("frequency")]
Voltage = Annotated[float, *_quantity("voltage")]
Current = Annotated[float, *_quantity("current")]
Length = Annotated[float, *_quantity("length")]
DataRate = Annotated[float, *_quantity("data rate")]
Data = Annotated[float, *_quantity("data")]
Ramp = Annotated[float, *_quantity("ramp")]
Temperature = Annotated[float, *_quantity("temperature")]
Ratio = Annotated[float, *_quantity("ratio")]
Mass = Annotated[float, *_quantity("mass")]
Money = Annotated[float, *_quantity("money")]
EnergyPrice = Annotated[float, *_quantity("price of energy")]
