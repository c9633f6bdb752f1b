"""Files that the command line names: a path, or the bare name of a shipped scenario or topology."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from clustersim.scenario import AnyScenario, Scenario


def shipped(folder: Literal["app", "scenarios", "topologies"]) -> Path:
    """Return the folder of shipped files."""
    from clustersim.scenario import shipped as found

    return found(folder)


def located(text: str, folder: Literal["scenarios", "topologies"]) -> Path:
    """Return the file that `text` means: a path, or the bare name of a shipped file."""
    from clustersim.scenario import located as found

    return found(text, folder)


def scenario_of(text: str, settings: Sequence[str] | None = None) -> Scenario:
    """Return the scenario that `text` means, with the settings ``PATH=VALUE`` in place."""
    from clustersim.errors import InputError
    from clustersim.scenario import Scenario, load_scenario, parse_override

    if _is_run(text):
        found = any_scenario_of(text, settings)
        if not isinstance(found, Scenario):
            raise InputError(f"{text[:60]}: load: the load of this run is measured, so that it has no job")
        return found
    return load_scenario(located(text, "scenarios"), dict(parse_override(item) for item in settings or []))


def any_scenario_of(text: str, settings: Sequence[str] | None = None) -> AnyScenario:
    """Return the same, where the scenario's load may be measured.

    `text` may also be a report of this program, the link in it, or a result folder: then the scenario is that run's.
    """
    from clustersim.scenario import is_link, load_any, load_linked, load_resolved, page_link, parse_override, read_link
    from clustersim.scenario.files import read_yaml, resolved_tree

    changes = dict(parse_override(item) for item in settings or [])
    if is_link(text):
        return load_linked(read_link(text), "link", changes)
    if Path(text).suffix == ".html" and Path(text).is_file():
        return load_linked(page_link(Path(text)), text, changes)
    if is_result(text):
        where = Path(text) / "scenario.yaml"
        return load_resolved(resolved_tree(read_yaml(where), str(where), changes), str(where))
    return load_any(located(text, "scenarios"), changes)


def _is_run(text: str) -> bool:
    """Whether `text` means a run that was made, and not a scenario that somebody wrote."""
    from clustersim.scenario import is_link

    return is_link(text) or (Path(text).suffix == ".html" and Path(text).is_file()) or is_result(text)


def is_result(text: str) -> bool:
    """Whether `text` is a result folder."""
    return (Path(text) / "manifest.json").is_file() and (Path(text) / "scenario.yaml").is_file()
