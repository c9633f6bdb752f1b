"""Groups of halls or sites that start their steps one after the other."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from clustersim.errors import InputError
from clustersim.power.damped import Floats
from clustersim.power.shaping import StaggerElement, delayed, stagger_shifts
from clustersim.power.spec import PhaseStagger
from clustersim.study.places.place import Place


def stagger_of(strategies: tuple[object, ...]) -> PhaseStagger | None:
    """Return the staggering among the strategies, or None."""
    return next((strategy for strategy in strategies if isinstance(strategy, PhaseStagger)), None)


def hall_groups(place: Place, spec: PhaseStagger) -> NDArray[np.int64]:
    """Return the group of every hall: runs of halls or sites in order, as even as they divide; shape (halls,).

    Raises
    ------
    InputError
        If there are fewer halls or sites than groups.
    """
    names = list(place.topology.site)
    members = (
        np.arange(len(place.nodes)) if spec.by == "hall" else np.array([names.index(site) for site, _ in place.nodes])
    )
    count = int(members.max()) + 1
    if spec.groups > count:
        raise InputError(
            f"damping: phase_stagger has {spec.groups} groups of {spec.by}s, but {place.topology.name} has {count}; "
            f"expected at most {count}"
        )
    return np.asarray(members * spec.groups // count, dtype=np.int64)


def check_stagger(strategies: tuple[object, ...], place: Place, busy_halls: NDArray[np.int64]) -> None:
    """Raise if halls were to be shifted against each other that train one synchronous job.

    Parameters
    ----------
    strategies : tuple
        Of the scenario.
    place : Place
        Its halls.
    busy_halls : ndarray
        Halls in which the plan has ranks; its replicas reduce their gradients together in every step.

    Raises
    ------
    InputError
        If the groups are more than there are halls, or their replicas wait for each other.
    """
    spec = stagger_of(strategies)
    if spec is None:
        return
    groups = np.unique(hall_groups(place, spec)[np.unique(busy_halls)])
    if groups.size > 1 and not spec.independent:
        raise InputError(
            f"damping: phase_stagger would shift {groups.size} groups of {spec.by}s whose replicas wait for each other "
            "in every step of one synchronous job; expected one group, or independent: true if the groups train "
            "separate jobs or take local steps"
        )


def stagger_warnings(strategies: tuple[object, ...]) -> list[str]:
    """Return what the user must know about groups that do not train one job."""
    spec = stagger_of(strategies)
    if spec is None or not spec.independent or spec.groups == 1:
        return []
    return [
        f"phase_stagger: the {spec.groups} groups of {spec.by}s train separate jobs or take local steps; tokens are "
        "those of all of them, and steps are timed with the reduction of one job"
    ]


def hall_shifts(strategies: tuple[object, ...], place: Place, period_s: float, longest_s: float) -> Floats:
    """Return how much later each hall starts its steps; zeros without staggering. [s], shape (halls,)

    Raises
    ------
    InputError
        If a group starts `longest_s` or more after the first: no window shows it.
    """
    spec = stagger_of(strategies)
    if spec is None:
        return np.zeros(len(place.nodes))
    shifts = np.array(stagger_shifts(spec.groups, period_s if spec.period is None else spec.period))
    if shifts[-1] >= longest_s:
        raise InputError(
            f"damping: phase_stagger.period: expected a period that shifts the last of {spec.groups} groups by less "
            f"than the {longest_s:.4g} s of a steady window, found {shifts[-1]:.4g} s"
        )
    return np.asarray(shifts[hall_groups(place, spec)])


def shift_halls(watts: Floats, dt_s: float, shifts_s: Floats, *, steady: bool, period_bins: int) -> Floats:
    """Return the power of the halls, each shifted in time, as exact bin means; shape (halls, samples).

    Parameters
    ----------
    watts : ndarray, shape (halls, samples)
        Constant over each bin. [W]
    dt_s : float
        Width of a bin. [s]
    shifts_s : ndarray, shape (halls,)
        Delays. [s]
    steady : bool
        Whether the window is training without an event: it is closed into a circle, which keeps its energy.
    period_bins : int
        What comes before an event's window is taken to be its first so many bins, one iteration, or its first bin.
    """
    moved = watts.copy()
    for hall in np.flatnonzero(shifts_s > 0.0):
        if steady:
            moved[hall] = StaggerElement((float(shifts_s[hall]),)).apply(watts[hall], dt_s).power_w
        else:
            moved[hall] = delayed(watts[hall], dt_s, float(shifts_s[hall]), watts[hall, :period_bins])
    return moved
