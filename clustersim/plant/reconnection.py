"""A site in a voltage dip: supplies, UPS and motors together, as the grid sees them during the dip and after it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from clustersim.catalog import entry
from clustersim.plant.course import Course, Voltage, added
from clustersim.plant.dip_equipment import KIND, Ridden, envelope, ride, supplies
from clustersim.plant.spec import RideThroughSpec, SitePlantSpec
from clustersim.plant.stages import MAIN_SHARE
from clustersim.plant.transfer import transfer, ups

RECOVERED = 0.9
"""Share of the load before a dip at which it counts as recovered (ERCOT's and NERC's wording). [-]"""
ALL = 0.97
"""Share of the equipment from which a UPS counts as carrying all: shares of files have two digits. [-]"""
RAMP_S = 1.0
"""Time over which a reconnection ramp is taken (definition of the summary's ramps). [s]"""


@dataclass(frozen=True)
class DipLoad:
    """What a site draws before a dip, and how it is fed."""

    it_w: float
    """Equipment with its part of the losses. [W]"""
    cooling_w: float
    """Motors of the cooling with their part of the losses. [W]"""
    loading: float
    """Load of the servers' supplies over their rating. [-]"""
    ups_share: float = 0.0
    """Of the equipment that is behind a UPS. [-]"""
    ups_rating_w: float = 0.0

    @property
    def total_w(self) -> float:
        """All of it. [W]"""
        return self.it_w + self.cooling_w


@dataclass(frozen=True)
class Part:
    """One part of a site's load, and how it came through."""

    name: str
    """`supplies` (straight on the grid), `ups` or `motors`."""
    watts: float
    cooling_w: float
    """Of it: cooling. [W]"""
    ridden: Ridden


@dataclass(frozen=True)
class SiteRidden:
    """How a site came through a dip or a row of them."""

    voltage: Voltage
    parts: tuple[Part, ...]

    @property
    def total_w(self) -> float:
        """Load before the dip. [W]"""
        return math.fsum(part.watts for part in self.parts)

    @property
    def grid(self) -> Course:
        """What the site draws from the grid; each part at its power before the dip. [W]"""
        return added([(part.watts, part.ridden.drawn) for part in self.parts])

    @property
    def kept_share(self) -> float:
        """Share of the load that comes back by itself: neither dropped, nor held off until it is reconnected. [-]"""
        gone = (part.watts for part in self.parts if part.ridden.lost_s or math.isfinite(part.ridden.locked_s))
        return 1.0 - math.fsum(gone) / self.total_w

    @property
    def it_lost_share(self) -> float:
        """Share of the equipment that loses its power at some time. [-]"""
        it = [(part.watts - part.cooling_w, bool(part.ridden.lost_s)) for part in self.parts]
        total = math.fsum(watts for watts, _ in it)
        return math.fsum(watts for watts, gone in it if gone) / total if total else 0.0

    @property
    def outage_s(self) -> tuple[float, float] | None:
        """When the first equipment loses its power, and when the last has it again; None when none does. [s]"""
        hit = [part.ridden for part in self.parts if part.ridden.lost_s and part.watts > part.cooling_w]
        if not hit:
            return None
        return min(ridden.lost_s[0] for ridden in hit), max(ridden.back_s[-1] for ridden in hit)

    @property
    def transfers(self) -> int:
        """How often the UPS took its load over."""
        return sum(len(part.ridden.transfers_s) for part in self.parts)

    @property
    def locked(self) -> bool:
        """Whether the UPS holds its load off the grid until it is reconnected by hand."""
        return any(math.isfinite(part.ridden.locked_s) for part in self.parts)

    @property
    def locked_w(self) -> float:
        """Load that the UPS hold off the grid until it is reconnected by hand. [W]"""
        return math.fsum(part.watts for part in self.parts if math.isfinite(part.ridden.locked_s))

    @property
    def battery_j(self) -> float:
        """What the batteries of the UPS gave to the load. [J]"""
        return math.fsum(part.watts * part.ridden.battery_s for part in self.parts)

    @property
    def lost_w(self) -> float:
        """Largest part of the load that is not drawn from the grid once the voltage is back for good. [W]"""
        grid = self.grid
        times = np.append(grid.time_s[grid.time_s > self.voltage.cleared_s], self.voltage.cleared_s)
        least = min(
            float(grid.after(times).min()), float(grid.before(times[:-1]).min()) if times.size > 1 else math.inf
        )
        return max(0.0, self.total_w - least)

    @property
    def recovery_s(self) -> float:
        """Time from the end of the last dip until 90 % of the load is drawn again, for good. [s]"""
        grid, wanted = self.grid, RECOVERED * self.total_w
        clear = self.voltage.cleared_s
        times = np.unique(np.append(grid.time_s[grid.time_s > clear], clear))
        before, after = grid.before(times), grid.after(times)
        for k in range(times.size - 1, -1, -1):
            if after[k] < wanted - 1e-9:
                # it rises to the wanted level within the piece that begins here
                if k + 1 == times.size:
                    return math.inf
                share = (wanted - after[k]) / (before[k + 1] - after[k]) if before[k + 1] > wanted else 1.0
                return float(times[k] + share * (times[k + 1] - times[k]) - clear)
            if k and before[k] < wanted - 1e-9:
                return float(times[k] - clear)
        return 0.0

    @property
    def ramp_w_per_s(self) -> float:
        """Largest rise within a second once the voltage is back for good, over that second. [W/s]"""
        grid, clear = self.grid, self.voltage.cleared_s
        corners = np.unique(np.concatenate((grid.time_s, grid.time_s - RAMP_S, [clear])))
        starts = corners[corners >= clear]
        return max(0.0, float((grid.after(starts + RAMP_S) - grid.after(starts)).max()) / RAMP_S)


def ups_feed(plant: SitePlantSpec, it_part: float = 1.0) -> tuple[float, float]:
    """Return the share of the equipment behind a UPS [-] and the rating of those UPS [W]: stages named ``ups...``.

    Parameters
    ----------
    plant : SitePlantSpec
        Electrical plant of the site; the share of a stage is of the whole load.
    it_part : float, optional
        What IT is of the load at the rating, where no cooling is behind the UPS: with at least half of the load these
        stand in the way to the computers and carry nothing else. [-]
    """
    stages = [stage for stage in plant.conversion if stage.stage.startswith("ups")]
    share = math.fsum(stage.share for stage in stages)
    if share >= MAIN_SHARE:
        share /= it_part
    return 1.0 if share >= ALL else share, math.fsum(stage.whole_rating for stage in stages)


def ride_site(load: DipLoad, spec: RideThroughSpec, voltage: Voltage) -> SiteRidden:
    """Return how a site comes through a course of the voltage at its point of interconnection.

    Parameters
    ----------
    load : DipLoad
        Each part at constant power.
    spec : RideThroughSpec
        Which equipment it is.
    voltage : Voltage
        The drop on the way to the equipment is left out.

    Raises
    ------
    InputError
        If a name is of another model of the catalog than what it stands for.
    """
    servers = supplies(spec.supplies, load.loading)
    parts = []
    direct = load.it_w * (1.0 - load.ups_share)
    if direct > 0.0:
        parts.append(Part("supplies", direct, 0.0, ride(servers, voltage)))
    on_ups = load.ups_share if spec.cooling_on_ups else 0.0
    carried = load.it_w * load.ups_share + load.cooling_w * on_ups
    if carried > 0.0:
        unit = ups(
            spec.ups,
            carried,
            max(load.ups_rating_w, carried),
            restart_s=servers.restart_delay_s + servers.restart_spread_s,
            backup_s=spec.backup,
        )
        parts.append(Part("ups", carried, load.cooling_w * on_ups, transfer(unit, voltage)))
    motors = load.cooling_w * (1.0 - on_ups)
    if motors > 0.0:
        parts.append(Part("motors", motors, motors, ride(envelope(spec.motors), voltage)))
    return SiteRidden(voltage, tuple(parts))


def boot_s(spec: RideThroughSpec) -> float:
    """Return the time from power to servers that take a job. [s]"""
    return entry(KIND, spec.supplies).si("boot")


def worst_corner(load: DipLoad, spec: RideThroughSpec, curve: tuple[tuple[float, float], ...]) -> tuple[float, str]:
    """Return the least share of a load that stays connected over the corners of a curve, and at which corner.

    Parameters
    ----------
    load : DipLoad
    spec : RideThroughSpec
    curve : tuple of (float, float)
        Duration [s] and residual voltage [pu] of dips that must be ridden through.
    """
    found = [
        (ride_site(load, spec, Voltage.dips(residual, duration)).kept_share, f"{residual:g} pu for {duration:g} s")
        for duration, residual in curve
        if residual < 1.0
    ]
    return min(found, key=lambda item: item[0], default=(1.0, "no dip"))
