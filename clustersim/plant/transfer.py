"""A UPS in a series of voltage dips: transfers to its battery, walk-in, counter of disturbances, empty battery."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from clustersim.catalog import entry
from clustersim.errors import InputError
from clustersim.plant.course import Course, Voltage
from clustersim.plant.dip_equipment import KIND, Ridden


@dataclass(frozen=True)
class Ups:
    """A double-conversion UPS and what it carries."""

    transfer_pu: float
    """Voltage below which the rectifier stops. [pu]"""
    transfer_time_s: float
    return_pu: float
    return_delay_s: float
    """Time above `return_pu` until the rectifier walks in. [s]"""
    walk_in_s: float
    count_limit: int
    """Disturbances within the window at which it leaves the grid; 0: it does not count. [-]"""
    count_window_s: float
    manual_return_s: float
    store_s: float
    """What the full battery gives, in seconds of the load. [s]"""
    recharge: float
    """Power from the grid that recharges the battery, over the load. [-]"""
    efficiency: float
    """One way, battery to load or grid to battery. [-]"""
    current_limit: float
    """Input current over that at the load and nominal voltage. [-]"""
    restart_s: float = 0.0
    """From power to servers that switch on again after an empty battery. [s]"""
    backup_s: float = math.inf
    """Time on battery after which generators behind the UPS carry the load. [s]"""


def ups(name: str, load_w: float, rating_w: float, *, restart_s: float = 0.0, backup_s: float | None = None) -> Ups:
    """Return the UPS of the catalog called `name`, carrying `load_w` of its rating.

    Raises
    ------
    InputError
        If the entry is not a UPS.
    """
    found = entry(KIND, name)
    if found.properties.get("model") != "ups":
        raise InputError(f"ride_through: expected an entry of model ups, {name} is {found.properties.get('model')}")
    counts = found.has("count_limit")
    ratio = rating_w / load_w
    return Ups(
        transfer_pu=found.si("transfer_voltage"),
        transfer_time_s=found.si("transfer_time"),
        return_pu=found.si("return_voltage"),
        return_delay_s=found.si("return_delay"),
        walk_in_s=found.si("walk_in"),
        count_limit=round(found.si("count_limit")) if counts else 0,
        count_window_s=found.si("count_window") if counts else 0.0,
        manual_return_s=found.si("manual_return"),
        store_s=found.si("autonomy") * ratio,
        recharge=found.si("recharge") * ratio,
        efficiency=found.si("discharge_efficiency"),
        current_limit=found.si("current_limit") * ratio,
        restart_s=restart_s,
        backup_s=math.inf if backup_s is None else backup_s,
    )


def disturbances(unit: Ups, voltage: Voltage) -> tuple[float, ...]:
    """Return when the logic of a UPS sees a disturbance: below the transfer voltage for the transfer time. [s]

    Whether it is on its battery then does not matter. What lasts exactly the transfer time is not seen.
    """
    found, begin = list[float](), -math.inf
    while math.isfinite(seen := voltage.held(True, unit.transfer_pu, unit.transfer_time_s, begin)):
        found.append(seen)
        begin = voltage.held(False, unit.transfer_pu, 0.0, seen)
        if not math.isfinite(begin):
            break
    return tuple(found)


def lock_s(seen_s: tuple[float, ...], limit: int, window_s: float) -> float:
    """Return the time of the disturbance that is the `limit`-th within the window; infinite if none is. [s]

    Two disturbances exactly the window apart are within it. A limit of 0 never locks.
    """
    if limit < 1:
        return math.inf
    late = (t for k, t in enumerate(seen_s) if k + 1 >= limit and t - seen_s[k + 1 - limit] <= window_s + 1e-9)
    return next(late, math.inf)


Piece = tuple[float, float, float, float]
"""Begin and end [s], and what the rectifier takes of the load at either. [-]"""


def transfer(unit: Ups, voltage: Voltage) -> Ridden:
    r"""Return how the load of a UPS comes through a course of the voltage.

    On a disturbance the rectifier stops at once and the battery carries the load; when the voltage has been back for
    the return delay, the rectifier walks in on a straight line, then recharges the battery. The disturbance that is the
    `count_limit`-th within `count_window_s` keeps the load off the grid until it is reconnected by hand. Energy of the
    battery, in seconds of the load:

    .. math:: \dot S = -(1 - g) \text{ while } g < 1, \qquad \dot S = \eta^2 r \text{ until it is full again}

    with the share g of the load that the rectifier takes, the recharging power r over the load, and the one-way
    efficiency. Empty, it drops the load until the rectifier comes back. Generators behind the UPS, where there are any,
    take over after `backup_s` on battery and save what is left of it.

    Parameters
    ----------
    unit : Ups
    voltage : Voltage

    Returns
    -------
    Ridden
    """
    seen = disturbances(unit, voltage)
    locked = lock_s(seen, unit.count_limit, unit.count_window_s)
    pieces, transfers = _line(unit, voltage, locked)
    return _with_battery(unit, pieces, transfers, locked)


def _line(unit: Ups, voltage: Voltage, locked: float) -> tuple[list[Piece], list[float]]:
    """Return what the rectifier takes, piece by piece, and the times of transfers."""
    pieces, transfers, on = list[Piece](), list[float](), -math.inf
    while True:
        stop = voltage.held(True, unit.transfer_pu, unit.transfer_time_s, on)
        pieces += _on_line(unit, voltage, on, stop)
        if not math.isfinite(stop):
            return pieces, transfers
        transfers.append(stop)
        # a lock that comes while the battery carries the load holds it there
        back = voltage.held(False, unit.return_pu, unit.return_delay_s, stop)
        if math.isfinite(locked) and stop <= locked and (back > locked or stop == locked):
            free = voltage.held(False, unit.return_pu, unit.return_delay_s, locked + unit.manual_return_s)
            back = max(free, locked + unit.manual_return_s)
        pieces.append((stop, back, 0.0, 0.0))
        if not math.isfinite(back):
            return pieces, transfers
        on = back


def _on_line(unit: Ups, voltage: Voltage, on: float, stop: float) -> list[Piece]:
    """Return the pieces from the beginning of a walk-in to the next transfer; during detection the current limits."""
    found = list[Piece]()
    whole = on + unit.walk_in_s if math.isfinite(on) else -math.inf
    for begin, end, level in voltage.steps(on):
        if begin >= stop:
            break
        end = min(end, stop)
        most = min(1.0, level * unit.current_limit)
        for a, b in ((begin, min(end, whole)), (max(begin, whole), end)):
            if a < b:
                first = 1.0 if a >= whole else (a - on) / unit.walk_in_s
                last = 1.0 if a >= whole else (b - on) / unit.walk_in_s
                found.append((a, b, min(first, most), min(last, most)))
    return found


@dataclass
class _Battery:
    """Energy of the battery while the pieces go by, in seconds of the load."""

    unit: Ups
    stored: float
    given: float = 0.0
    dark: bool = False
    """Whether it has run empty and the load has no power yet."""

    def carry(self, piece: Piece) -> float:
        """Give what the rectifier does not take; return when that runs out, infinite if it lasts. [s]"""
        begin, end, first, final = piece
        wanting, growing = 1.0 - first, first - final
        span = min(end - begin, self.unit.backup_s) if first == final == 0.0 else end - begin
        curve = growing / (2.0 * span) if math.isfinite(span) else 0.0
        used = wanting * span + curve * span**2 if math.isfinite(span) else math.inf
        if used <= self.stored:
            self.stored, self.given = self.stored - used, self.given + used
            return math.inf
        root = math.sqrt(wanting**2 + 4.0 * curve * self.stored)
        after = 2.0 * self.stored / (wanting + root)
        self.given, self.stored, self.dark = self.given + self.stored, 0.0, True
        return begin + after

    def recharge(self, begin: float, end: float) -> float:
        """Take up energy; return when it is full or the time is over. [s]"""
        rate = self.unit.efficiency**2 * self.unit.recharge
        full = begin + (self.unit.store_s - self.stored) / rate
        if full <= end:
            self.stored = self.unit.store_s
            return full
        self.stored += rate * (end - begin)
        return end


def _with_battery(unit: Ups, pieces: list[Piece], transfers: list[float], locked: float) -> Ridden:
    """Return the whole answer: the battery drained, recharged, perhaps empty."""
    battery = _Battery(unit, unit.store_s)
    line, lost, back = list[tuple[float, float]](), list[float](), list[float]()
    for piece in pieces:
        begin, end, first, final = piece
        last = end if math.isfinite(end) else max(begin, line[-1][0] if line else 0.0) + 1.0
        if min(first, final) < 1.0:
            empty = math.inf if battery.dark else battery.carry(piece)
            if math.isfinite(empty):
                lost.append(empty)
            line += [(begin, first), (last, final)]
            continue
        if not math.isfinite(begin):
            line.append((min(0.0, last), 1.0))
            line.append((last, 1.0))
            continue
        if battery.dark and begin + unit.restart_s < end:
            battery.dark = False
            back.append(begin + unit.restart_s)
        full = battery.recharge(begin, end)
        if full > begin:
            line += [(begin, 1.0 + unit.recharge), (full, 1.0 + unit.recharge)]
        line += [(full, 1.0), (max(full, last), 1.0)]
    back += [math.inf] * (len(lost) - len(back))
    served = _served(lost, back)
    return Ridden(
        drawn=_product(Course.of(line), served),
        served=served,
        lost_s=tuple(lost),
        back_s=tuple(back),
        transfers_s=tuple(transfers),
        locked_s=locked,
        empty_s=lost[0] if lost else math.inf,
        battery_s=battery.given,
    )


def _served(lost: list[float], back: list[float]) -> Course:
    corners = [(0.0, 1.0)]
    for dark, again in zip(lost, back, strict=True):
        corners += [(dark, 1.0), (dark, 0.0)]
        if math.isfinite(again):
            corners += [(again, 0.0), (again, 1.0)]
    return Course.of(corners)


def _product(line: Course, served: Course) -> Course:
    """Return what is drawn: what the rectifier takes, nothing while the load has no power."""
    times = np.union1d(line.time_s, served.time_s)
    before, after = line.before(times) * served.before(times), line.after(times) * served.after(times)
    return Course(np.repeat(times, 2), np.stack([before, after], axis=1).ravel())
