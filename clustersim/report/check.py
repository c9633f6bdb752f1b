"""Every problem of a scenario or topology file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from clustersim.errors import InputError
from clustersim.limits import rules_of
from clustersim.limits.spec import is_pack, pack_rules
from clustersim.scenario import AnyScenario, LoadScenario, Scenario, load_any, load_topology
from clustersim.scenario.files import read_yaml
from clustersim.scenario.topology import TopologySpec
from clustersim.study.fleet_check import check_fleet
from clustersim.study.grid.mode_answers import mode_problems
from clustersim.study.measured.study import load_trace, study_load
from clustersim.study.places.place import build_place
from clustersim.study.step import study_step
from clustersim.workload import load_model


def problems(path: Path) -> list[str]:
    """Return every problem of a file, each with its key path; empty when it can be run.

    A place without `electrical` and `cooling` has no problem: its steps can be timed, though not its power.

    A file with the section `site` is a topology, one with `sources` or a mapping `rules` a pack of rules, any other a
    scenario. A scenario that reads well is also asked for its
    model, its rules, a plan that fits and room for all that shares the cluster, since a run would refuse it otherwise.
    """
    try:
        tree = read_yaml(path)
        if is_pack(tree):
            pack_rules(tree, str(path))
            return []
        if "site" in tree:
            place = load_topology(path)
            return _refusals(path, [lambda: build_place(place, "bf16")]) + _modes(path, place, "")
        scenario = load_any(path)
    except InputError as error:
        return str(error).splitlines()
    return scenario_problems(scenario, path)


def scenario_problems(scenario: AnyScenario, path: Path) -> list[str]:
    """Return every problem of a scenario that reads well, as a run would refuse it; `path` is named in each."""
    if isinstance(scenario, LoadScenario):
        questions = [lambda: rules_of(scenario.limits), lambda: study_load(scenario), lambda: load_trace(scenario)]
        return _refusals(path, questions) + _modes(path, scenario.topology, "topology.")
    found = _refusals(path, [lambda: load_model(scenario.job.model), lambda: rules_of(scenario.limits)])
    found += _refusals(path, [lambda: build_place(scenario.topology, scenario.job.precision)])
    found += _modes(path, scenario.topology, "topology.")
    return found or _step_problems(path, scenario)


def _modes(path: Path, place: TopologySpec, within: str) -> list[str]:
    """Return a line for every grid of a place whose modes a run could not answer."""
    grids = {f"{within}electrical.{site}.grid": plant.grid for site, plant in place.electrical.items()}
    return [f"{path}: {line}" for line in mode_problems({key: grid for key, grid in grids.items() if grid is not None})]


def _step_problems(path: Path, scenario: Scenario) -> list[str]:
    return _refusals(path, [lambda: check_fleet(study_step(scenario))])


def _refusals(path: Path, questions: list[Callable[[], Any]]) -> list[str]:
    found = []
    for question in questions:
        try:
            question()
        except InputError as error:
            found += [f"{path}: {line}" for line in str(error).splitlines()]
    return found
