"""What a worker process can be asked for. Every verb takes plain data and returns plain data: paths, keys, numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from clustersim.background import trace_verbs
from clustersim.background.design_verbs import check, place_graph, survey_place
from clustersim.background.overview_verbs import gallery
from clustersim.background.power_verbs import waveform
from clustersim.background.sweep_verbs import sweep
from clustersim.background.training_verbs import plan, step
from clustersim.scenario import AnyScenario, Draft
from clustersim.study.part_names import RUN_PARTS

Tell = Callable[[Any], None]
"""Told text, or text and the fraction that is done."""


def drafted(name: str, tree: Mapping[str, Any] | None, settings: Mapping[str, Any]) -> AnyScenario:
    """Return the scenario of a draft that was sent as plain data.

    Raises
    ------
    InputError
        Listing everything that is wrong, each with its key path.
    """
    return Draft(name, tree, settings).scenario()


def run(
    *, name: str, tree: Mapping[str, Any] | None, settings: Mapping[str, Any], out: str, force: bool = False, tell: Tell
) -> dict[str, Any]:
    """Run a scenario; return its identity and folder."""
    from clustersim.report.stored import result_of

    def told(part: str) -> None:
        at = next((at for at, known in enumerate(RUN_PARTS) if part.endswith(known)), 0)
        tell((part, at / len(RUN_PARTS)))

    result, folder, reused = result_of(drafted(name, tree, settings), Path(out), force, told)
    return {"run_id": result.run_id, "folder": str(folder), "reused": reused}


def size(
    *,
    name: str,
    tree: Mapping[str, Any] | None,
    settings: Mapping[str, Any],
    packs: list[str],
    using: list[str] | None,
    tell: Tell,
) -> dict[str, Any]:
    """Size damping and storage; return what ``clustersim size --json`` prints, and the files that ``--out`` writes."""
    from clustersim.report.size import size_data, size_files, size_text
    from clustersim.study.sizing.sizing import size as sized

    found = sized(drafted(name, tree, settings), packs, using, 1, tell)
    files = {path.name: text for path, text in size_files(found, Path()).items()}
    return {"data": size_data(found), "text": size_text(found), "files": files}


VERBS: dict[str, Callable[..., Any]] = {
    "run": run,
    "size": size,
    "step": step,
    "plan": plan,
    "waveform": waveform,
    "sweep": sweep,
    "check": check,
    "survey_place": survey_place,
    "place_graph": place_graph,
    "gallery": gallery,
    "trace_columns": trace_verbs.trace_columns,
    "trace_read": trace_verbs.trace_read,
    "assess": trace_verbs.assess,
    "fit_power": trace_verbs.fit_power,
    "validate": trace_verbs.validate,
}
"""Name -> function. Each is told of progress by `tell`, and raises InputError for what a user can cause."""
