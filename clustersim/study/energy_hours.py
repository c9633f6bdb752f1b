"""Energy of a run by source and by hour of its horizon, and the record of every site's meter."""

from __future__ import annotations

import datetime
import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from clustersim.economics.carbon import grid_intensity
from clustersim.economics.meter import MeterRecord
from clustersim.economics.running import fuel_of
from clustersim.economics.tariff import energy_usd_by_hour
from clustersim.economics.tariffs import Tariff, tariff_of
from clustersim.plant import burn, steady_generation_w
from clustersim.study.generation import GroupRun, generation
from clustersim.study.horizon import TRAIN
from clustersim.study.site.findings import SiteFindings
from clustersim.units import HOUR_S, KWH_J, MWH_J

ENERGY_COLUMNS = ("t_start_s", "grid_mwh", "gas_mwh", "diesel_mwh", "usd", "co2_t")
TONNE = 1e3
Array = NDArray[np.float64]


@dataclass(frozen=True)
class SiteCourse:
    """Power of one site over the horizon, constant between edges."""

    edges_s: Array
    """Shape (spans + 1,). [s]"""
    generated_w: Array
    """Made on site; shape (spans,). [W]"""
    grid_w: Array
    """Bought at the meter; shape (spans,). [W]"""

    def hourly_j(self, watts: Array, marks_s: Array) -> Array:
        """Return the energy between each two marks of a power that is constant between the edges. [J]"""
        total = np.concatenate([[0.0], np.cumsum(watts * np.diff(self.edges_s))])
        return np.asarray(np.diff(np.interp(marks_s, self.edges_s, total)))


@dataclass(frozen=True)
class SiteLoad:
    """What one site takes over the horizon: one power for every stretch in which it is in one state."""

    states: tuple[str, ...]
    edges_s: Array
    """Shape (stretches + 1,). [s]"""
    watts: Array
    """Shape (stretches,). [W]"""


def site_load(found: SiteFindings, site: str) -> SiteLoad:
    """Return what a site takes over the horizon: that of each state of its timeline, when it was in it.

    The energies of a run hold what a power per state does not: cooling as integrated, losses of the swing, falls after
    stops. The states' powers are scaled to them by one factor, so that the sum over time is the energy of the summary.
    """
    record = found.history[site]
    spans = record.spans or ((TRAIN, found.horizon_s),)
    states = tuple(state for state, _ in spans)
    loads = {state: record.load_w[state] + found.site_damping_w(site, state) for state in dict.fromkeys(states)}
    seconds = np.array([length for _, length in spans])
    load = np.array([loads[state] for state in states])
    load *= found.site_energy_j(site) / float(load @ seconds)
    return SiteLoad(states, np.concatenate([[0.0], np.cumsum(seconds)]), load)


def site_course(found: SiteFindings, site: str) -> SiteCourse:
    """Return where the power of a site comes from over the horizon.

    What generators make in each state is scaled to their energy as :func:`site_load` is to the site's.
    """
    record, taken = found.history[site], site_load(found, site)
    plant, mode = found.study.place.topology.electrical[site], found.study.scenario.plant.mode
    states = dict.fromkeys(taken.states)
    loads = {state: record.load_w[state] + found.site_damping_w(site, state) for state in states}
    made = {state: steady_generation_w(plant, watts, mode) for state, watts in loads.items()}
    generated = np.array([made[state] for state in taken.states])
    by_states = float(generated @ np.diff(taken.edges_s))
    if by_states > 0.0:
        generated *= found.generator_energy_j[site] / by_states
    grid = np.zeros_like(taken.watts) if found.island else taken.watts - generated
    return SiteCourse(taken.edges_s, generated, grid)


def meter_records(found: SiteFindings, start: datetime.date) -> dict[str, MeterRecord]:
    """Return the record of each site's meter; the power factor is the mean one of the steady window.

    Parameters
    ----------
    found : SiteFindings
        Records of the run.
    start : date
        Day at whose local midnight the horizon begins.
    """
    records = {}
    for site in found.sites:
        course = site_course(found, site)
        records[site] = MeterRecord(start, course.edges_s, course.grid_w, power_factor(found, site))
    return records


def power_factor(found: SiteFindings, site: str) -> float:
    """Return real over apparent energy of a site's meter in the steady window. [-]"""
    wave = found.steady.waveform
    row = wave.nodes.index(site)
    watts, reactive = float(np.sum(wave.watts[row])), float(np.sum(wave.vars[row]))
    apparent = float(np.hypot(watts, reactive))
    return min(1.0, abs(watts) / apparent) if apparent > 0.0 else 1.0


def energy_hours(
    found: SiteFindings,
    cost: pd.DataFrame,
    start: datetime.date,
    tariff: Tariff | None = None,
    grid_kg_per_j: float | None = None,
) -> pd.DataFrame:
    """Return energy by source, its price and its carbon dioxide, for every hour of the horizon; all sites together.

    Parameters
    ----------
    found : SiteFindings
        Records of the run.
    cost : DataFrame
        Its cost by item: gives the price of each source.
    start : date
        Day at whose local midnight the horizon begins.
    tariff : Tariff, optional
        Where there is one, the grid's energy costs its hours' price; `usd` has energy alone, no demand charge.
    grid_kg_per_j : float, optional
        Carbon dioxide of the grid's energy; left out: `co2_t` has the fuel's alone. [kg/J]

    Returns
    -------
    DataFrame
        Columns :data:`ENERGY_COLUMNS`; their sums are the energies, the energy cost and the carbon of the summary.
    """
    marks = _marks(found.horizon_s)
    hours = marks.size - 1
    columns = {name: np.zeros(hours) for name in ENERGY_COLUMNS[1:]}
    unit_usd = dict(zip(cost["item"], cost["unit_usd"], strict=True))
    runs = generation(found)
    for site in found.sites:
        course = site_course(found, site)
        grid = course.hourly_j(course.grid_w, marks)
        columns["grid_mwh"] += grid / MWH_J
        columns["co2_t"] += grid * (grid_kg_per_j or 0.0) / TONNE
        if tariff is not None:
            columns["usd"] += energy_usd_by_hour(tariff, MeterRecord(start, course.edges_s, course.grid_w))
        elif "grid" in unit_usd:
            columns["usd"] += grid / KWH_J * unit_usd["grid"]
        for run in (one for one in runs if one.site == site and one.energy_j > 0.0):
            _add_generators(columns, run, course, marks, unit_usd)
    return pd.DataFrame({"t_start_s": marks[:-1], **columns})


def run_hours(found: SiteFindings, cost: pd.DataFrame) -> pd.DataFrame:
    """Return :func:`energy_hours` under the prices of the scenario; no rows where the supply cannot carry the load."""
    if found.uncarried is not None:
        return pd.DataFrame(columns=list(ENERGY_COLUMNS), dtype="float64")
    spec = found.study.scenario.economics
    tariff = None if spec.tariff is None else tariff_of(spec.tariff)
    intensity = None if spec.grid_carbon is None else grid_intensity(spec.grid_carbon).value
    return energy_hours(found, cost, spec.billing_start, tariff, intensity)


def _marks(horizon_s: float) -> Array:
    marks = np.arange(math.ceil(round(horizon_s / HOUR_S, 9)) + 1, dtype=np.float64) * HOUR_S
    marks[-1] = horizon_s
    return np.asarray(marks, dtype=np.float64)


def _add_generators(
    columns: dict[str, Array], run: GroupRun, course: SiteCourse, marks: Array, unit_usd: dict[str, float]
) -> None:
    """Add a group of generators: fuel cost by energy, exhaust of Willans' line by running time and energy."""
    total = course.hourly_j(course.generated_w, marks)
    energy = total * (run.energy_j / float(total.sum()))
    running = course.hourly_j((course.generated_w > 0.0).astype(float), marks)
    word = "diesel" if fuel_of(run.units.type) == "diesel" else "gas"
    columns[f"{word}_mwh"] += energy / MWH_J
    columns["usd"] += energy / KWH_J * unit_usd.get(f"{word}: {run.units.type}", 0.0)
    idle = burn(run.units, run.online, 0.0, float(running.sum()))
    of_energy = (run.burned.co2_kg - idle.co2_kg) * energy / run.energy_j
    columns["co2_t"] += (idle.co2_kg * running / float(running.sum()) + of_energy) / TONNE
