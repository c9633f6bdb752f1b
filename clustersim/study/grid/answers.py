"""What the events of the grid do to a site and to its job."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from clustersim import catalog
from clustersim.operation import ExternalEvent, Timeline
from clustersim.plant import (
    DipLoad,
    IslandAnswer,
    SitePlantSpec,
    SiteRidden,
    Voltage,
    allowed_share,
    battery_for_w,
    boot_s,
    island_capacity_w,
    kept_output_w,
    left_alone,
    online_beside_grid,
    rated_it_part,
    ride_site,
    settled_heat,
    steady_cooling,
    steady_generation_w,
    trip_band,
    tripped_output_w,
    tripped_s,
    ups_feed,
    without_units,
)
from clustersim.plant.spec import (
    Curtailment,
    FrequencyExcursion,
    GeneratorTrip,
    IslandFormation,
    LoadLoss,
    VoltageDip,
)
from clustersim.power.damped import Floats
from clustersim.study.capped_speed import CappedSpeed
from clustersim.study.grid.schedule import Asked
from clustersim.study.horizon import EVALUATION
from clustersim.study.it_power import Pool, state_w
from clustersim.study.judging import SETTLED_S, reserved_battery_w
from clustersim.study.paces import BUSY
from clustersim.study.site.power import SitePower, site_it_w
from clustersim.study.step import StepStudy

OF_GRID = "grid: "
"""Beginning of the causes that are events of the grid."""
LOOK_S, LOOK_DT_S, LOOK_AT_S = 60.0, 10e-3, 20.0
"""Window in which the loop looks at an island, its bins, and where in it the event happens. [s]"""
FREQUENCY_DT_S = 10e-3
"""Clock on which a given course of frequency is looked at. [s]"""


@dataclass(frozen=True)
class SiteAnswer:
    """What one event does at one site."""

    ridden: SiteRidden | None = None
    """How its loads came through; None where they kept their voltage."""
    after_s: float = 0.0
    """From the event to time 0 of `ridden`, such as the trip of an island. [s]"""
    island: IslandAnswer | None = None
    target_w: float | None = None
    """Load that it keeps to; None without a cap. [W]"""
    shed_share: float = 0.0
    """Of the load that is cut off at the event. [-]"""
    late_s: float = 0.0
    """By which its load comes down after the notice is over, because its ramp is too slow. [s]"""
    externals: tuple[ExternalEvent, ...] = ()
    said: str = ""


@dataclass(frozen=True)
class Answer:
    """What one event does at all sites, and to the job."""

    asked: Asked
    sites: dict[str, SiteAnswer]

    @property
    def externals(self) -> tuple[ExternalEvent, ...]:
        """Events of the job that follow from it."""
        return tuple(event for site in self.sites.values() for event in site.externals)


@dataclass(frozen=True)
class Surroundings:
    """What the answers depend on beside the events: the place, and what it draws in every state of the job."""

    study: StepStudy
    pool: Pool
    steady: SitePower
    evaluation_it_w: dict[str, float] | None = None
    """Mean IT power of every site in an evaluation, where there are any and an alarm of the cooling may act. [W]"""
    _moments: dict[tuple[str, str], DipLoad] = field(default_factory=dict, repr=False)

    @cached_property
    def speed(self) -> CappedSpeed:
        """Speed of the job under a limit."""
        return CappedSpeed(self.study, self.pool, self.steady)

    @property
    def horizon_s(self) -> float:
        """Time that is simulated. [s]"""
        return self.study.scenario.operation.horizon

    def plant(self, site: str) -> SitePlantSpec:
        """Return the electrical plant of a site."""
        return self.study.place.topology.electrical[site]

    def reserved_w(self, site: str) -> float:
        """Power that smoothing takes of a site's battery while the job trains. [W]"""
        return reserved_battery_w(self.steady, site)

    def training_w(self, site: str) -> float:
        """Mean load of a site while the job trains. [W]"""
        return float(self.steady.waveform.power(site).mean())

    def load(self, site: str, state: str) -> DipLoad:
        """Return what a site draws in a state of the timeline; losses go with what they feed."""
        if (site, state) not in self._moments:
            wave, place = self.steady.waveform, self.study.place
            if state in (*BUSY, EVALUATION):
                it, cooling = float(wave.power(f"{site}/it").mean()), float(wave.power(f"{site}/cooling").mean())
            else:
                it = site_it_w(self.study, state_w(self.study, state))[site]
                cooled = place.topology.cooling[site]
                cooling = steady_cooling(cooled, settled_heat(self.plant(site), cooled, it)).power_w
            losses = 1.0 + float(wave.power(f"{site}/losses").mean()) / float(
                wave.power(f"{site}/it").mean() + wave.power(f"{site}/cooling").mean()
            )
            rated = sum(
                item.count * place.power[place.kind_of(item)].supply_w for item in place.topology.site[site].fleet
            )
            apart = not self.study.scenario.plant.ride_through.cooling_on_ups
            it_part = rated_it_part(self.plant(site), place.topology.cooling[site]) if apart else 1.0
            share, rating = ups_feed(self.plant(site), it_part)
            loading = max((it - place.network_watts[site]) / rated, 1e-3)
            self._moments[site, state] = DipLoad(it * losses, cooling * losses, loading, share, rating)
        return self._moments[site, state]

    def look_w(self, site: str, state: str) -> Floats:
        """Return a minute of a site's load in a state, with its swings while the job trains. [W]"""
        samples = round(LOOK_S / LOOK_DT_S)
        wave = self.steady.waveform
        if state in BUSY and wave.samples >= samples:
            return wave.power(site)[:samples].copy()
        return np.full(samples, self.load(site, state).total_w)


def state_at(timeline: Timeline, time_s: float) -> str:
    """Return the state of the job just before a time: an event must not meet what it does itself."""
    table = timeline.table
    row = int(np.searchsorted(table["t_end_s"].to_numpy(), time_s, side="left"))
    return str(table["state"].iloc[min(row, len(table) - 1)])


def answer(surroundings: Surroundings, asked: Asked, state: str) -> Answer:
    """Return what an event does that meets the job in a state of its timeline."""
    event = asked.event
    found = {}
    for site in asked.sites:
        if isinstance(event, VoltageDip):
            found[site] = _dip(surroundings, asked, site, state, event)
        elif isinstance(event, GeneratorTrip):
            found[site] = _generator_trip(surroundings, asked, site, state, event)
        elif isinstance(event, IslandFormation):
            found[site] = _island(surroundings, asked, site, state, event)
        elif isinstance(event, LoadLoss):
            found[site] = _load_loss(surroundings, asked, site, state, event)
        elif isinstance(event, Curtailment):
            found[site] = _curtailed(surroundings, asked, site, event)
        else:
            found[site] = _frequency(surroundings, asked, site, state, event)
    return Answer(asked, found)


def _dip(surroundings: Surroundings, asked: Asked, site: str, state: str, event: VoltageDip) -> SiteAnswer:
    voltage = Voltage.dips(event.residual, event.duration, event.count, event.spacing or 0.0)
    return _ridden(surroundings, asked, site, state, voltage, 0.0, f"{OF_GRID}voltage dip")


def _ridden(
    surroundings: Surroundings, asked: Asked, site: str, state: str, voltage: Voltage, after_s: float, cause: str
) -> SiteAnswer:
    """Return how a site comes through a course of the voltage, and what that does to the job."""
    spec = surroundings.study.scenario.plant.ride_through
    ridden = ride_site(surroundings.load(site, state), spec, voltage)
    said = f"{ridden.lost_w / 1e6:.4g} MW off the grid when the voltage is back"
    if ridden.transfers:
        said += f"; {ridden.transfers} transfers of the UPS{', locked' if ridden.locked else ''}"
    outage, externals = ridden.outage_s, tuple[ExternalEvent, ...]()
    if outage is not None:
        begin, end = (asked.at_s + after_s + t for t in outage)
        said += f"; {ridden.it_lost_share:.0%} of the servers lose their power"
        externals = _lost(surroundings, begin, end + boot_s(spec), cause, ridden.it_lost_share)
    return SiteAnswer(ridden, after_s, externals=externals, said=said)


def _lost(surroundings: Surroundings, begin: float, end: float, cause: str, share: float) -> tuple[ExternalEvent, ...]:
    """Return the loss of a share of the servers; ranks that keep their power wait until it is noticed."""
    if begin >= surroundings.horizon_s:
        return ()
    noticed = catalog.entry("reliability", "detection").si("gpu_lost") if share < 1.0 - 1e-9 else 0.0
    # an outage without an end lasts to the end of what is simulated
    end = min(end, surroundings.horizon_s + 1.0)
    return (ExternalEvent(begin, end, cause, "site_lost", detection_s=min(noticed, end - begin)),)


def _kept_to(
    surroundings: Surroundings, site: str, begin: float, end: float, target_w: float, cause: str
) -> tuple[ExternalEvent, ...]:
    """Return the cap under which the job keeps its site to a load, or its stop where it cannot."""
    if begin >= min(end, surroundings.horizon_s):
        return ()
    speed = surroundings.speed.at_load(site, target_w)
    if speed is None:
        return (ExternalEvent(begin, end, f"{cause}: below what the running job draws", "stop"),)
    return () if speed >= 1.0 else (ExternalEvent(begin, end, cause, "cap_fraction", speed),)


def _on_its_own(
    surroundings: Surroundings,
    asked: Asked,
    site: str,
    state: str,
    plant: SitePlantSpec,
    given_w: float,
    later: SitePlantSpec,
    duration_s: float,
    cause: str,
) -> SiteAnswer:
    """Return what becomes of a site that the units of `plant` must carry alone, and later those of `later`."""
    scenario = surroundings.study.scenario.plant
    look = surroundings.look_w(site, state)
    island = left_alone(
        plant, site, asked.name, look, LOOK_DT_S, LOOK_AT_S, given_w, scenario.frequency_response,
        scenario.inertia_scale, surroundings.reserved_w(site),
    )  # fmt: skip
    end = asked.at_s + duration_s
    dark = min(_black_start_s(surroundings), duration_s) if later.generators else duration_s
    if math.isfinite(island.tripped_s):
        after = island.tripped_s - LOOK_AT_S
        found = _ridden(surroundings, asked, site, state, Voltage.dips(0.0, dark), after, f"{cause}, island black")
        capacity = island_capacity_w(*later.generators) if later.generators else math.inf
        caps = _kept_to(surroundings, site, asked.at_s + after + dark, end, capacity, f"{cause}, few generators")
        said = f"{island.why}: black after {after:.3g} s for {dark / 60:.3g} min; {found.said}"
        return replace(found, island=island, externals=found.externals + caps, said=said)
    # the job may be at rest now and train later: what counts is the share that the frequency, once settled, leaves it
    settled = slice(-round(SETTLED_S / LOOK_DT_S), None)
    share = float(island.load_w[settled].mean() / look[settled].mean())
    lasting = island.capacity_w + battery_for_w(plant, duration_s, surroundings.reserved_w(site))
    target = min(share * surroundings.training_w(site), lasting)
    caps = _kept_to(surroundings, site, asked.at_s, end, target, f"{cause}, few generators")
    return SiteAnswer(island=island, target_w=target if caps else None, externals=caps, said=f"{island.why}: it holds")


def _black_start_s(surroundings: Surroundings) -> float:
    given = surroundings.study.scenario.plant.protection.black_start
    return catalog.entry("ride_through", "protection").si("black_start") if given is None else given


def _generator_trip(
    surroundings: Surroundings, asked: Asked, site: str, state: str, event: GeneratorTrip
) -> SiteAnswer:
    plant, load = surroundings.plant(site), surroundings.load(site, state).total_w
    left = without_units(plant, event.generator, event.units)
    cause = f"{OF_GRID}generator trip"
    if surroundings.study.scenario.plant.mode == "island":
        given = kept_output_w(plant, load, event.generator, event.units)
        return _on_its_own(surroundings, asked, site, state, left, given, left, event.duration, cause)
    assert plant.grid is not None  # noqa: S101 (beside the grid there is one)
    lost = tripped_output_w(plant, load, event.generator, event.units)
    allowed = plant.grid.capacity + steady_generation_w(left, surroundings.training_w(site), "grid_parallel")
    externals = _kept_to(surroundings, site, asked.at_s, asked.at_s + event.duration, allowed, cause)
    said = f"the grid takes over {lost / 1e6:.4g} MW"
    return SiteAnswer(target_w=allowed if externals else None, externals=externals, said=said)


def _island(surroundings: Surroundings, asked: Asked, site: str, state: str, event: IslandFormation) -> SiteAnswer:
    plant, load = surroundings.plant(site), surroundings.load(site, state).total_w
    online = online_beside_grid(plant, load)
    given = steady_generation_w(online, load, "grid_parallel") if online.generators else 0.0
    cause = f"{OF_GRID}island formation"
    return _on_its_own(surroundings, asked, site, state, online, given, plant, event.duration, cause)


def _load_loss(surroundings: Surroundings, asked: Asked, site: str, state: str, event: LoadLoss) -> SiteAnswer:
    scenario = surroundings.study.scenario.plant
    share, duration, said = event.share, event.duration, f"{event.share:.0%} of the load is cut off"
    if scenario.mode == "island":
        load = surroundings.look_w(site, state)
        given = steady_generation_w(surroundings.plant(site), float(load.mean()), "island")
        load[round(LOOK_AT_S / LOOK_DT_S) :] *= 1.0 - share
        rest = left_alone(
            surroundings.plant(site), site, asked.name, load, LOOK_DT_S, LOOK_AT_S, given,
            inertia_scale=scenario.inertia_scale, reserved_w=surroundings.reserved_w(site),
        )  # fmt: skip
        said += f", {rest.why}"
        if math.isfinite(rest.tripped_s):
            share, duration, said = 1.0, max(duration, _black_start_s(surroundings)), f"{said}: black"
    end = asked.at_s + duration + boot_s(scenario.ride_through)
    return SiteAnswer(
        shed_share=share, externals=_lost(surroundings, asked.at_s, end, f"{OF_GRID}load loss", share), said=said
    )


def _curtailed(surroundings: Surroundings, asked: Asked, site: str, event: Curtailment) -> SiteAnswer:
    usual = surroundings.training_w(site)
    target = event.cap if event.cap is not None else (event.share or 1.0) * usual
    due, ramp = asked.at_s + event.notice, 0.0 if event.ramp is None else max(usual - target, 0.0) / event.ramp
    begin = max(asked.at_s, due - ramp)
    externals = _kept_to(surroundings, site, begin, due + event.duration + ramp, target, f"{OF_GRID}curtailment")
    said = f"from {usual / 1e6:.4g} to {min(target, usual) / 1e6:.4g} MW"
    late = begin + ramp - due if begin + ramp > due + 1e-9 else 0.0
    if late > 0.0:
        said += f", {late:.3g} s late"
    return SiteAnswer(target_w=target if externals else None, late_s=late, externals=externals, said=said)


def course_hz(event: FrequencyExcursion, nominal_hz: float, times_s: Floats) -> Floats:
    """Return the frequency of the interconnection at times after the beginning of an excursion. [Hz]"""
    if event.trajectory:
        corners = [(point.after, point.frequency) for point in event.trajectory]
    else:
        low = nominal_hz + (event.deviation or 0.0)
        corners = [(0.0, low), (event.hold, low), (event.hold + (event.recovery or 0.0), nominal_hz)]
    table = np.array(corners)
    return np.asarray(np.interp(times_s, table[:, 0], table[:, 1]))


def _frequency(
    surroundings: Surroundings, asked: Asked, site: str, state: str, event: FrequencyExcursion
) -> SiteAnswer:
    nominal = surroundings.plant(site).frequency
    times = np.arange(0.0, event.lasts_s + FREQUENCY_DT_S, FREQUENCY_DT_S)
    course = course_hz(event, nominal, times)
    band = trip_band(nominal)
    trip = tripped_s(course, FREQUENCY_DT_S, band)
    if math.isfinite(trip):
        outside = np.flatnonzero((course < band[0]) | (course > band[1]))
        back = float(times[outside[-1]]) + FREQUENCY_DT_S
        dark = Voltage.dips(0.0, max(back - trip, FREQUENCY_DT_S))
        return _ridden(surroundings, asked, site, state, dark, trip, f"{OF_GRID}frequency outside the trip band")
    follows = surroundings.study.scenario.plant.frequency_response
    said = f"frequency between {course.min():.3f} and {course.max():.3f} Hz"
    if follows is None:
        return SiteAnswer(said=said)
    share = allowed_share(follows, course, nominal)
    low = np.flatnonzero(share < 1.0 - 1e-9)
    if not low.size:
        return SiteAnswer(said=f"{said}, above the threshold")
    begin, end = float(times[low[0]]), float(times[low[-1]]) + FREQUENCY_DT_S
    target = float(share[low].mean()) * surroundings.training_w(site)
    cause = f"{OF_GRID}frequency response"
    externals = _kept_to(surroundings, site, asked.at_s + begin, asked.at_s + end, target, cause)
    return SiteAnswer(target_w=target, after_s=begin, externals=externals, said=f"{said}: down to {share.min():.0%}")
