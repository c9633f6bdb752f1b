"""Equipment in a voltage dip: when it drops, what it draws meanwhile, and when it is back."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from clustersim.catalog import Entry, entry
from clustersim.errors import InputError
from clustersim.plant.course import Course, Voltage

KIND = "ride_through"


@dataclass(frozen=True)
class Ridden:
    """How one part of a load came through; courses are shares of its load before the dip."""

    drawn: Course
    """From the grid."""
    served: Course
    """By any source: equipment that has its power."""
    lost_s: tuple[float, ...] = ()
    """When equipment lost its power. [s]"""
    back_s: tuple[float, ...] = ()
    """When the last of it had its power again; infinite where it stays off. [s]"""
    transfers_s: tuple[float, ...] = ()
    """When a UPS took the load over. [s]"""
    locked_s: float = math.inf
    """When it left the grid until it is reconnected by hand; infinite if not. [s]"""
    empty_s: float = math.inf
    """When its battery was empty; infinite if not. [s]"""
    battery_s: float = 0.0
    """What its battery gave to the load, in seconds of that load. [s]"""


@dataclass(frozen=True)
class Envelope:
    """Equipment that holds on exactly as long as a curve says.

    With corners ``(duration_k, voltage_k)`` a dip to at least ``voltage_k`` is ridden through when it lasts at most
    ``duration_k``; ``steady_pu`` is held for ever. So the equipment drops once the voltage has been below
    ``voltage_{k+1}`` for longer than ``duration_k``.
    """

    corners: tuple[tuple[float, float], ...]
    """Duration [s] and voltage [pu], both rising."""
    steady_pu: float
    return_pu: float
    """Voltage from which on the restart is timed."""
    restart_delay_s: float
    restart_spread_s: float
    """From the first to the last unit that is back. [s]"""
    current_limit: float
    """Current that it can take over that at nominal voltage. [-]"""

    def drop_s(self, voltage: Voltage, after_s: float) -> float:
        """Return when it drops. [s]"""
        levels = [*(level for _, level in self.corners[1:]), self.steady_pu]
        return min(
            voltage.held(True, level, duration, after_s)
            for (duration, _), level in zip(self.corners, levels, strict=True)
        )

    def share(self, level_pu: float) -> float:
        """Constant power up to the current limit. [-]"""
        return min(1.0, level_pu * self.current_limit)


@dataclass(frozen=True)
class Supply:
    r"""A power supply with power-factor correction: constant power P, limited current, a store of energy.

    .. math:: P_{in} = \min(P,\; v\, k_I P_r) \text{ for } v \ge v_{off},\; 0 \text{ below}; \qquad
              \dot E = P_{in} - P, \quad E_0 = t_h\, l_h P_r

    with the hold-up time :math:`t_h` stated at the loading :math:`l_h`; it drops when :math:`E` is empty.
    """

    loading: float
    """Load over rated power. [-]"""
    store_s: float
    """Energy of the store over rated power. [s]"""
    limit: float
    """Largest input current over that at rated power and nominal voltage. [-]"""
    cut_off_pu: float
    return_pu: float
    restart_delay_s: float
    restart_spread_s: float

    def drop_s(self, voltage: Voltage, after_s: float) -> float:
        """Return when its store is empty. [s]"""
        stored = self.store_s
        for begin, end, level in voltage.steps(after_s):
            missing = self.loading - self._input(level)
            if missing > 0.0 and begin + stored / missing < end - 1e-9:
                return begin + stored / missing
            stored = min(self.store_s, stored - missing * (end - begin)) if missing else stored
        return math.inf

    def share(self, level_pu: float) -> float:
        """Return what it takes at a voltage over its load; what recharges the store, a few ms, is left out. [-]"""
        return min(1.0, self._input(level_pu) / self.loading)

    def _input(self, level_pu: float) -> float:
        return level_pu * self.limit if level_pu >= self.cut_off_pu else 0.0


Equipment = Envelope | Supply
"""What drops in a dip and restarts after it."""


def envelope(name: str) -> Envelope:
    """Return the envelope of the catalog called `name`."""
    found = _of(name, "envelope")
    count = sum(1 for key in found.figures if key.startswith("duration."))
    corners = tuple((found.si(f"duration.{k}"), found.si(f"voltage.{k}")) for k in range(1, count + 1))
    steady = found.si("voltage.steady")
    return Envelope(
        corners=corners,
        steady_pu=steady,
        return_pu=found.si("return") if found.has("return") else steady,
        restart_delay_s=found.si("restart_delay"),
        restart_spread_s=found.si("restart_spread"),
        current_limit=found.si("current_limit"),
    )


def supplies(name: str, loading: float) -> Equipment:
    """Return the supplies of the catalog called `name`, an envelope or a store, at a loading of their rating.

    Raises
    ------
    InputError
        If the entry is of another model, such as a UPS.
    """
    if entry(KIND, name).properties.get("model") != "store":
        return envelope(name)
    found = _of(name, "store")
    return Supply(
        loading=loading,
        store_s=found.si("hold_up") * found.si("hold_up_loading"),
        limit=found.si("current_limit"),
        cut_off_pu=found.si("cut_off"),
        return_pu=found.si("return"),
        restart_delay_s=found.si("restart_delay"),
        restart_spread_s=found.si("restart_spread"),
    )


def _of(name: str, model: str) -> Entry:
    found = entry(KIND, name)
    if found.properties.get("model") != model:
        raise InputError(f"ride_through: expected an entry of model {model}, {name} is {found.properties.get('model')}")
    return found


def ride(equipment: Equipment, voltage: Voltage) -> Ridden:
    """Return how equipment comes through a course of the voltage.

    While it is on it draws what its current limit allows; what it lacks comes from its own store. Once dropped it
    stays off until the voltage has been back for the restart delay, and returns in a straight line over the spread; a
    dip meanwhile may drop it again, or begins the delay anew.

    Parameters
    ----------
    equipment : Equipment
    voltage : Voltage

    Returns
    -------
    Ridden
    """
    on, lost, back = -math.inf, list[float](), list[float]()
    while math.isfinite(drop := equipment.drop_s(voltage, on)):
        lost.append(drop)
        on = voltage.held(False, equipment.return_pu, equipment.restart_delay_s, drop)
        back.append(on + equipment.restart_spread_s)
        if not math.isfinite(on):
            break
    served = _served(lost, back, equipment.restart_spread_s)
    return Ridden(_drawn(equipment, voltage, served), served, tuple(lost), tuple(back))


def _served(lost: list[float], back: list[float], spread_s: float) -> Course:
    """Return the share of units that have power: none after a drop, rising over the spread until all are back."""
    corners, level, since = [(0.0, 1.0)], 1.0, -math.inf
    for drop, whole in zip(lost, back, strict=True):
        if since > drop:
            # dropped again while units were coming back
            level = max(0.0, 1.0 - (since - drop) / spread_s)
            corners[-1] = (drop, level)
        corners += [(drop, level), (drop, 0.0)]
        level, since = 1.0, whole
        if math.isfinite(whole):
            corners += [(whole - spread_s, 0.0), (whole, 1.0)]
    return Course.of(corners)


def _drawn(equipment: Equipment, voltage: Voltage, served: Course) -> Course:
    """Return what is drawn: the served share as far as the voltage lets it."""
    edges = {*voltage.start_s, *served.time_s.tolist()}
    times = sorted(edges)
    corners = [(times[0], 1.0)]
    levels = {begin: level for begin, _, level in voltage.steps()}
    now = 1.0
    for begin, end in pairwise([*times, times[-1] + 1.0]):
        now = equipment.share(levels[begin]) if begin in levels else now
        first, last = float(served.after(np.array([begin]))[0]), float(served.before(np.array([end]))[0])
        corners += [(begin, now * first), (end, now * last)]
    return Course.of(corners)
