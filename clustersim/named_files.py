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
    from clustersim.scenario import load_scenario, parse_override

    return load_scenario(located(text, "scenarios"), dict(parse_override(item) for item in settings or []))


def any_scenario_of(text: str, settings: Sequence[str] | None = None) -> AnyScenario:
    """Return the same, where the scenario's load may be measured."""
    from clustersim.scenario import load_any, parse_override

    return load_any(located(text, "scenarios"), dict(parse_override(item) for item in settings or []))
