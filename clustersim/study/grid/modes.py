"""What the steady power of the sites does to the modes of their grid and to the shafts of generators."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from clustersim import catalog
from clustersim.errors import InputError
from clustersim.limits import Evidence, Observation
from clustersim.plant.dispatch import generator_rating_w
from clustersim.plant.spec import GridSpec, SitePlantSpec
from clustersim.plant.torsional import generator_share, shaft_band, torsional_line
from clustersim.plant.voltage import grid_source
from clustersim.power.records import coarsen
from clustersim.power.spectrum import Harmonic, harmonics
from clustersim.study.grid.mode_answers import ModeAnswers, catalog_answers, network_answers
from clustersim.study.site.study import SiteStudy
from clustersim.study.site.tree import SitePower

Array = NDArray[np.float64]

SAMPLE_S = 0.02
"""Spacing to which the load is averaged: a mode at 2 Hz then loses 0.3 %. [s]"""
ABOVE = 1.5
"""Harmonics are looked at up to this multiple of the fastest mode. [-]"""
FEWEST_ORDERS, MOST_ORDERS = 3, 200
"""Harmonics in the table, however slow or quick the modes are against the cycle."""
SIGNIFICANT = 0.05
"""A harmonic counts for the resonance margin from this share of the largest one's amplitude. [-]"""
MW, MILLI = 1e6, 1e-3
COLUMNS = (
    "site", "mode", "mode_hz", "damping", "order", "frequency_hz", "amplitude_mw", "margin", "deviation_mhz",
    "worst_mhz", "waveform_mhz", "waveform_worst_mhz",
)  # fmt: skip
KEYS = ("modal_deviation_mhz", "modal_deviation_worst_mhz", "resonance_margin", "torsional_pu")


@dataclass(frozen=True)
class ModeFindings:
    """Answer of modes and shafts to the steady window."""

    table: pd.DataFrame
    """One row per site, mode and harmonic: columns :data:`COLUMNS`. Amplitudes are those of a sine; `margin` is
    ``|frequency / mode - 1|``, `deviation_mhz` with the mode at its usual frequency and damping, `worst_mhz` with it
    as near to the harmonic as its band allows and at its least damping. `waveform_mhz` is the mode's largest excursion
    under the whole waveform, `waveform_worst_mhz` the same with the mode at the worst place of its band."""
    observations: tuple[Observation, ...]
    keys: dict[str, float | None]
    """The summary keys :data:`KEYS`."""
    reasons: dict[str, str]
    """Why a key is None."""


@dataclass
class _Found:
    rows: list[dict[str, Any]] = field(default_factory=list)
    observations: list[Observation] = field(default_factory=list)
    reasons: dict[str, list[str]] = field(default_factory=lambda: {"modes": [], "torsional": []})


def grid_modes(
    plants: Mapping[str, SitePlantSpec],
    load_w: Mapping[str, Array],
    dt_s: float,
    cycle_s: float,
    *,
    island: bool = False,
    inertia_scale: float = 1.0,
    window: str = "steady",
) -> ModeFindings:
    """Return what the sites' power does to the modes of their grid and to the shafts of generators.

    Sites of one interconnection push its modes together: their power is added up. A site whose grid is given as a
    network has that network's electromechanical modes, and the network's whole linear answer at its worst machine.

    Parameters
    ----------
    plants : mapping of str to SitePlantSpec
        By site.
    load_w : mapping of str to ndarray, shape (n,)
        Power that each site takes, in the steady window. [W]
    dt_s : float
        Length of a bin. [s]
    cycle_s : float
        Time after which the power repeats. [s]
    island : bool, optional
        Whether the sites run without a grid.
    inertia_scale : float, optional
        Scales the inertia of the grid. [-]
    window : str, optional
        Name of the window.

    Raises
    ------
    InputError
        If a mode has no damping, or a network has no operating point or an unstable one.
    """
    found = _Found()
    for label, sites in _groups(plants, island, found).items():
        grid = plants[sites[0]].grid
        assert grid is not None  # noqa: S101 (a group has a grid)
        total = np.sum([load_w[site] for site in sites], axis=0)
        factor = max(1, round(SAMPLE_S / dt_s))
        _modes(found, label, sites, grid, coarsen(total, factor), dt_s * factor, cycle_s, inertia_scale, window)
    for site, plant in plants.items():
        _torsional(found, site, plant, load_w[site], dt_s, island, window)
    table = pd.DataFrame(found.rows, columns=list(COLUMNS))
    if len(table):
        table = table.sort_values("deviation_mhz", ascending=False, kind="stable").reset_index(drop=True)
    keys: dict[str, float | None] = dict.fromkeys(KEYS)
    values = {
        m: [o.value for o in found.observations if o.measure == m]
        for m in ("modal_deviation", "resonance_margin", "torsional")
    }
    if values["modal_deviation"]:
        keys["modal_deviation_mhz"] = max(values["modal_deviation"]) / MILLI
        keys["modal_deviation_worst_mhz"] = float(table["waveform_worst_mhz"].max()) if len(table) else 0.0
    keys["resonance_margin"] = min(values["resonance_margin"], default=None)
    keys["torsional_pu"] = max(values["torsional"], default=None)
    said = {
        key: "; ".join(dict.fromkeys(found.reasons["torsional" if key == "torsional_pu" else "modes"]))
        for key, value in keys.items()
        if value is None
    }
    return ModeFindings(table, tuple(found.observations), keys, said)


def site_modes(study: SiteStudy, steady: SitePower, cycle_s: float) -> ModeFindings:
    """Return :func:`grid_modes` of the steady window of a run.

    Parameters
    ----------
    study : SiteStudy
        Scenario and place.
    steady : SitePower
        Power of the steady window.
    cycle_s : float
        Time after which it repeats. [s]
    """
    wave, mode = steady.waveform, study.scenario.plant
    plants = study.place.topology.electrical
    return grid_modes(
        plants,
        {site: wave.power(site) for site in plants},
        wave.dt_s,
        cycle_s,
        island=mode.mode == "island",
        inertia_scale=mode.inertia_scale,
        window=steady.window,
    )


def with_modes(seen: Evidence, modes: ModeFindings) -> Evidence:
    """Return evidence with what was found of modes and shafts."""
    return replace(seen, observations=(*seen.observations, *modes.observations))


def mode_keys(modes: ModeFindings, reasons: dict[str, str]) -> dict[str, Any]:
    """Return the summary keys of modes and shafts."""
    reasons |= modes.reasons
    return dict(modes.keys)


def _groups(plants: Mapping[str, SitePlantSpec], island: bool, found: _Found) -> dict[str, list[str]]:
    """Return the sites that push the same modes, by a label."""
    groups: dict[str, list[str]] = {}
    for site, plant in plants.items():
        if island or plant.grid is None:
            found.reasons["modes"].append("an island has no interconnection whose modes it could push")
        elif plant.grid.network is not None:
            groups[f"{site}, own network"] = [site]
        else:
            groups.setdefault(catalog.entry("grids", plant.grid.system).name, []).append(site)
    return groups


def _modes(
    found: _Found,
    label: str,
    sites: list[str],
    grid: GridSpec,
    load: Array,
    dt_s: float,
    cycle_s: float,
    inertia_scale: float,
    window: str,
) -> None:
    seen = (
        catalog_answers(grid, load, dt_s, inertia_scale)
        if grid.network is None
        else network_answers(grid, load, dt_s, inertia_scale)
    )
    if not seen:
        found.reasons["modes"].append(f"the catalog has no modes of {label}")
        return
    orders = min(MOST_ORDERS, max(FEWEST_ORDERS, math.ceil(ABOVE * max(mode.frequency_hz for mode in seen) * cycle_s)))
    try:
        lines = harmonics(load, dt_s, cycle_s, most=orders)
    except InputError as error:
        found.reasons["modes"].append(str(error))
        return
    name = " + ".join(sites)
    pushed = []
    for mode in seen:
        usual, worst = mode.excursion(), mode.worst_excursion([line.frequency_hz for line in lines])
        pushed.append((usual, worst, mode))
        found.rows += [_row(name, mode, line, usual, worst) for line in lines]
    found.observations += _deviations(pushed, sites, window, grid.network is not None)
    strong = [line for line in lines if line.near_w >= SIGNIFICANT * max(each.near_w for each in lines)]
    if not strong:
        found.reasons["modes"].append("the load does not move")
        return
    margin, line, mode = min(
        ((abs(line.frequency_hz / mode.frequency_hz - 1.0), line, mode) for line in strong for mode in seen),
        key=lambda each: each[0],
    )
    said = f"harmonic {line.order} at {line.frequency_hz:.3g} Hz, {mode.name} at {mode.frequency_hz:.3g} Hz"
    found.observations += [Observation("resonance_margin", site, window, margin, said) for site in sites]


def _deviations(
    pushed: list[tuple[float, float, ModeAnswers]], sites: list[str], window: str, network: bool
) -> list[Observation]:
    """Return how far the modes move at their usual place and at the worst of their bands, the worst mode of each."""
    most, elsewhere, usual = max(pushed, key=lambda each: each[0])
    _, worst, mode = max(pushed, key=lambda each: each[1])
    details = (
        f"{usual.name} at {usual.frequency_hz:.3g} Hz; {elsewhere / MILLI:.3g} mHz at the worst place of its band",
        f"{mode.name}, anywhere in its band and at its least damping",
    )
    if network:
        details = ("all modes of the network together, at its worst machine",) * 2
    else:
        details = (f"{details[0]}; {_participation(usual)}", f"{details[1]}; {_participation(mode)}")
    values = {"modal_deviation": (most, details[0]), "modal_deviation_worst": (worst, details[1])}
    return [Observation(measure, site, window, *found) for measure, found in values.items() for site in sites]


def _participation(mode: ModeAnswers) -> str:
    """Return the participation of a catalog's mode with its band; the deviation is in proportion to it."""
    figure = catalog.entry("modes", mode.name).figure("participation")
    return f"participation {figure.value:g} ({figure.low:g} to {figure.high:g})"


def _row(site: str, mode: ModeAnswers, line: Harmonic, usual_hz: float, worst_hz: float) -> dict[str, Any]:
    return {
        "site": site,
        "mode": mode.name,
        "mode_hz": mode.frequency_hz,
        "damping": mode.damping,
        "order": line.order,
        "frequency_hz": line.frequency_hz,
        "amplitude_mw": line.near_w / MW,
        "margin": abs(line.frequency_hz / mode.frequency_hz - 1.0),
        "deviation_mhz": line.near_w * mode.usual(line.frequency_hz) / MILLI,
        "worst_mhz": line.near_w * mode.worst(line.frequency_hz) / MILLI,
        "waveform_mhz": usual_hz / MILLI,
        "waveform_worst_mhz": worst_hz / MILLI,
    }


def _torsional(
    found: _Found, site: str, plant: SitePlantSpec, load: Array, dt_s: float, island: bool, window: str
) -> None:
    """Screen the shafts of the on-site generators and of the nearest one of the utility."""
    shafts = [(u.type, catalog.entry("generators", u.type).properties.get("class")) for u in plant.generators]
    turning = tuple(u for u, (_, kind) in zip(plant.generators, shafts, strict=True) if shaft_band(kind) is not None)
    machines = [
        (units.type, shaft_band(kind), generator_rating_w(*turning))
        for units, (_, kind) in zip(plant.generators, shafts, strict=True)
    ]
    if not island and plant.grid is not None and plant.grid.nearest_generator is not None:
        machines.append(("nearest generator", shaft_band(None), plant.grid.nearest_generator))
    source = None if island or plant.grid is None else grid_source(plant.grid)
    judged = False
    for name, band, rating in machines:
        if band is None:
            continue
        try:
            line = torsional_line(load, dt_s, *band)
        except InputError as error:
            found.reasons["torsional"].append(str(error))
            continue
        judged = True
        value = line.amplitude_w * generator_share(rating, source) / rating
        detail = f"{name}: {line.frequency_hz:.3g} Hz in {line.low_hz:g} to {line.high_hz:g} Hz"
        found.observations.append(Observation("torsional", site, window, value, detail))
    if not judged and not found.reasons["torsional"]:
        found.reasons["torsional"].append("no generator with a shaft is named at or near the site")
