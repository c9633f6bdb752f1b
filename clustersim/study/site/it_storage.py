"""What damps the halls between their supplies and the site: rising ceilings, storage in supplies and racks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from clustersim.errors import InputError
from clustersim.power.chain import DampingChain
from clustersim.power.damped import LEVELS, Element, Floats, Level, Report
from clustersim.power.shaping import GradualStartElement, gradual_start
from clustersim.power.spec import GradualStart, HybridStorage, PsuStorage, RackStorage
from clustersim.power.stores import hybrid_storage, psu_storage, rack_storage
from clustersim.study.step import StepStudy


def it_chain(
    study: StepStudy,
    accelerators: float,
    initial_w: float | None = None,
    levels: tuple[Level, ...] = ("node", "rack"),
    site: str | None = None,
    ceiling: GradualStartElement | None = None,
) -> DampingChain:
    """Return what the scenario has between so many accelerators and the input of their racks.

    Parameters
    ----------
    study : StepStudy
        Its scenario says what there is.
    accelerators : float
        How many share it; their servers and racks act together.
    initial_w : float, optional
        Power at which the storage had settled before; the mean of the waveform when absent. [W]
    levels : tuple
        Where storage is counted.
    site : str, optional
        Whose racks they stand in; those of the first site when absent.
    ceiling : GradualStartElement, optional
        What power may not pass; it acts first.

    Raises
    ------
    CatalogError
        If the catalog has no such rack storage.
    """
    elements: list[Element] = []
    servers = study.place.topology.site[site or next(iter(study.place.topology.site))].servers
    racks = accelerators / (servers.accelerators_per_server * servers.servers_per_rack)
    for strategy in study.scenario.damping:
        if isinstance(strategy, PsuStorage):
            elements.append(psu_storage(strategy, accelerators, initial_w))
        elif isinstance(strategy, RackStorage):
            elements.append(rack_storage(strategy, accelerators, initial_w))
        elif isinstance(strategy, HybridStorage) and strategy.at == "rack":
            elements.append(hybrid_storage(strategy, racks, initial_w))
    # the file may name them in any order; power passes the supplies first
    inside = sorted((e for e in elements if e.level in levels), key=lambda e: LEVELS.index(e.level))
    return DampingChain((*((ceiling,) if ceiling is not None else ()), *inside))


def hall_ceilings(
    study: StepStudy, accelerators: Floats, idle_w: Floats, start_s: Floats | None
) -> tuple[GradualStartElement | None, ...]:
    """Return the ceiling of every hall's IT power, or None where there is none.

    Parameters
    ----------
    study : StepStudy
        Its scenario says whether there is one, and its place which hall belongs to which site.
    accelerators : ndarray, shape (halls,)
        By which a site's ceiling is shared out.
    idle_w : ndarray, shape (halls,)
        What each hall draws without work, which no software can take off. [W]
    start_s : ndarray, shape (halls,), optional
        When the job starts in each; long ago when absent, so that only the limit holds. [s]

    Raises
    ------
    InputError
        If a ceiling begins below what a hall draws idle.
    """
    spec = next((s for s in study.scenario.damping if isinstance(s, GradualStart)), None)
    names = [name for name, _ in study.place.nodes]
    found: list[GradualStartElement | None] = []
    for hall, (name, number) in enumerate(study.place.nodes):
        if spec is None or (start_s is None and spec.limit is None):
            found.append(None)
            continue
        mine = sum(accelerators[row] for row, other in enumerate(names) if other == name)
        share = 1.0 if spec.at == "hall" else float(accelerators[hall] / mine)
        ceiling = gradual_start(spec, 0.0 if start_s is None else float(start_s[hall]), share)
        if ceiling.initial_w < idle_w[hall]:
            raise InputError(
                f"damping: gradual_start begins at {ceiling.initial_w / 1e6:.4g} MW in hall {number + 1} of {name}, "
                f"which draws {idle_w[hall] / 1e6:.4g} MW without any work; expected an initial of "
                f"{idle_w[hall] / share / 1e6:.4g} MW or more per {spec.at}"
            )
        if start_s is None:
            ceiling = GradualStartElement(0.0, ceiling.limit_w, ceiling.rate_w_per_s, ceiling.limit_w)
        found.append(ceiling)
    return tuple(found)


def behind_it_storage(
    study: StepStudy,
    halls_w: NDArray[np.float64],
    dt_s: float,
    accelerators: NDArray[np.float64],
    initial_w: NDArray[np.float64] | None,
    ceilings: tuple[GradualStartElement | None, ...],
) -> tuple[Floats, tuple[tuple[Report, ...], ...]]:
    """Return the power of the halls above supplies and racks, and by hall the account of each element.

    Parameters
    ----------
    halls_w : ndarray, shape (halls, samples)
        At the input of the supplies without storage. [W]
    accelerators : ndarray, shape (halls,)
        How many there are in each.
    initial_w : ndarray, shape (halls,), optional
        Power at which the storage of each had settled before. [W]
    ceilings : tuple
        What the power of each may not pass (:func:`hall_ceilings`).
    """
    reports: list[tuple[Report, ...]] = []
    above = np.empty_like(halls_w)
    for hall, power in enumerate(halls_w):
        start = None if initial_w is None else float(initial_w[hall])
        site = study.place.nodes[hall][0]
        chain = it_chain(study, float(accelerators[hall]), start, site=site, ceiling=ceilings[hall])
        found = chain.apply(power, dt_s)
        above[hall] = found.power_w
        reports.append(found.reports)
    return above, tuple(reports)


def has_it_storage(study: StepStudy) -> bool:
    """Whether the scenario asks for storage in supplies or racks."""
    return any(
        isinstance(strategy, (PsuStorage, RackStorage))
        or (isinstance(strategy, HybridStorage) and strategy.at == "rack")
        for strategy in study.scenario.damping
    )
