"""A battery from its cells to its converter: terminal voltage, losses, what it can give at a state of charge."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from clustersim.catalog import catalog_cache, entry

CHARGES = (0.0, 0.1, 0.5, 0.9, 1.0)
"""States of charge at which the catalog states the open-circuit voltage. [-]"""
NAMES = ("voltage.empty", "voltage.10", "voltage.50", "voltage.90", "voltage.full")


@dataclass(frozen=True)
class Pack:
    """Cells in series with a resistance, behind a converter; all per unit of its rated power.

    Voltage counts on the open-circuit voltage at half charge, current so that their product is power.
    """

    resistance: float
    """Voltage drop of the cells at rated power, about. [-]"""
    no_load: float
    proportional: float
    quadratic: float
    """Losses of the converter: of the rating, of the power, of the power squared. [-]"""
    charges: tuple[float, ...]
    voltages: tuple[float, ...]
    lowest: float
    highest: float
    """Limits of the voltage at the terminals. [-]"""


def _converter(pack: Pack, power: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return direct-current power of the cells for alternating-current power, positive when they discharge."""
    size = np.abs(power)
    return power + pack.no_load + pack.proportional * size + pack.quadratic * size**2


def cell_current(pack: Pack, power: ArrayLike, charge: ArrayLike) -> NDArray[np.float64]:
    r"""Current of the cells at alternating-current power `power` and state of charge `charge`.

    .. math:: U_0(s)\,I - R I^2 = P_{dc}

    the smaller root; NaN where the cells cannot give the power at all.
    """
    direct = _converter(pack, np.asarray(power, dtype=np.float64))
    open_circuit = np.interp(np.asarray(charge, dtype=np.float64), pack.charges, pack.voltages)
    inside = open_circuit**2 - 4.0 * pack.resistance * direct
    root = np.sqrt(np.where(inside >= 0.0, inside, np.nan))
    return np.asarray(2.0 * direct / (open_circuit + root))


def loss(pack: Pack, power: ArrayLike, charge: ArrayLike) -> NDArray[np.float64]:
    """Return the loss of cells and converter, per unit of the rating: chemical power drawn less power given."""
    current = cell_current(pack, power, charge)
    open_circuit = np.interp(np.asarray(charge, dtype=np.float64), pack.charges, pack.voltages)
    return np.asarray(open_circuit * current - np.asarray(power, dtype=np.float64))


def round_trip(pack: Pack, power: float, charge: float = 0.5) -> float:
    """Return the round-trip efficiency at a constant power above zero each way, per unit of the rating. [-]"""
    out, back = float(loss(pack, power, charge)), float(loss(pack, -power, charge))
    return (power - back) / (power + out)


@catalog_cache
def pack_of(battery: str) -> Pack:
    """Return the pack of a battery of the catalog: its resistance follows from the published round-trip efficiency.

    At the four-hour rating and half charge the converter's losses are known, and the cells'
    resistance is the only unknown.

    Raises
    ------
    CatalogError
        If the battery is not in catalog kind ``batteries``.
    ValueError
        If the converter alone loses more than the published efficiency allows.
    """
    wanted = entry("batteries", battery).si("round_trip_efficiency")
    cell, converter = entry("cells", "lithium_iron_phosphate"), entry("cells", "converter")
    middle = cell.si("voltage.50")

    def pack(resistance: float) -> Pack:
        return Pack(
            resistance=resistance,
            no_load=converter.si("no_load_loss"),
            proportional=converter.si("proportional_loss"),
            quadratic=converter.si("quadratic_loss"),
            charges=CHARGES,
            voltages=tuple(cell.si(name) / middle for name in NAMES),
            lowest=cell.si("voltage.lowest") / middle,
            highest=cell.si("voltage.highest") / middle,
        )

    low, high = 0.0, 0.2
    if round_trip(pack(low), 1.0) < wanted:
        raise ValueError(f"{battery}: the converter alone loses more than a round trip of {wanted:.3g} allows")
    while high - low > 1e-12:
        middle_r = 0.5 * (low + high)
        found = round_trip(pack(middle_r), 1.0)
        low, high = (middle_r, high) if math.isfinite(found) and found > wanted else (low, middle_r)
    return pack(0.5 * (low + high))


def power_limits(pack: Pack, charge: float) -> tuple[float, float]:
    """Return the largest power out and in at a state of charge, per unit of the rating, within the terminals' limits.

    The converter's rating, 1, limits both; an empty battery gives nothing and a full one takes nothing.
    """
    open_circuit = float(np.interp(charge, pack.charges, pack.voltages))
    out = 0.0 if charge <= 0.0 else _most(pack, charge, (open_circuit - pack.lowest) / pack.resistance, 1.0)
    into = 0.0 if charge >= 1.0 else _most(pack, charge, (pack.highest - open_circuit) / pack.resistance, -1.0)
    return out, into


def _most(pack: Pack, charge: float, current: float, sign: float) -> float:
    """Return the largest power of one direction whose current stays below `current`; at most the rating."""
    grid = np.linspace(0.0, 1.0, 1001)
    found = sign * cell_current(pack, sign * grid, charge)
    allowed = grid[np.nan_to_num(found, nan=np.inf) <= current]
    return float(allowed.max()) if allowed.size else 0.0
