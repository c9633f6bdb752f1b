"""Records of power that a page asks for: samples of any node, as long and as fine as asked, in a file."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from clustersim import units
from clustersim.errors import InputError
from clustersim.scenario import Draft, Scenario, run_id

FOLDER = "waveforms"
"""Folder of such records, below that of the results."""
MOST_SAMPLES = 20_000_000
"""Samples of a record, all nodes together."""


def waveform(
    *,
    name: str,
    tree: Mapping[str, Any] | None,
    settings: Mapping[str, Any],
    nodes: list[str],
    step: str,
    length: str,
    out: str,
    tell: Callable[[Any], None],
) -> dict[str, Any]:
    """Write what ``clustersim waveform --out`` writes; return what it prints with ``--json``, and the name of the file.

    The answer stands beside the samples, written after them: a record that has one is whole.
    """
    from clustersim.report.waveform import waveform_data
    from clustersim.study.part_names import STEP_AND_PLAN
    from clustersim.study.step import study_step
    from clustersim.study.waveforms.file import write_pieces
    from clustersim.study.waveforms.stream import stream
    from clustersim.study.waveforms.tree_nodes import find_node
    from clustersim.whole_file import write_whole

    scenario = Draft(name, tree, settings).scenario()
    if not isinstance(scenario, Scenario):
        raise InputError(f"{scenario.name}: expected a scenario with a job, found a measured load")
    dt_s, duration_s = units.parse_named("--step", step, "time"), units.parse_named("--length", length, "time")
    asked = list(dict.fromkeys(nodes))
    total = max(1.0, duration_s / max(dt_s, 1e-12))
    if total * len(asked) > MOST_SAMPLES:
        least = duration_s * len(asked) / MOST_SAMPLES
        raise InputError(
            f"--step: expected {least:.2g} s or more, as {MOST_SAMPLES:,} samples of all nodes are kept; found {step}"
        )
    folder = record_folder(Path(out), scenario.name, run_id(scenario))
    identity = record_id(asked, dt_s, duration_s)
    tell((STEP_AND_PLAN, 0.0))
    study = study_step(scenario)
    found = [find_node(study, one) for one in asked]
    listed = [one.name for one in found]
    folder.mkdir(parents=True, exist_ok=True)
    account = write_pieces(
        folder / f"{identity}.parquet",
        stream(study, found, dt_s, duration_s),
        listed,
        dt_s,
        {"unit": "W", "step_s": repr(dt_s), "scenario": scenario.name, "seed": str(scenario.seed)},
        lambda done: tell((f"power, {done:,} samples", min(1.0, done / total))),
    )
    answer = {"record": identity, "step": step, "length": length, "data": waveform_data(listed, account, dt_s, ())}
    text = json.dumps(answer, indent=1) + "\n"
    write_whole(folder / f"{identity}.json", lambda working: Path(working).write_text(text, encoding="utf-8"))
    return answer


def record_folder(out: Path, name: str, identity: str) -> Path:
    """Return the folder of the records of a run."""
    return out / FOLDER / f"{name}-{identity}"


def record_id(nodes: list[str], dt_s: float, duration_s: float) -> str:
    """Return text that is the same for records of the same samples."""
    asked = json.dumps([nodes, repr(dt_s), repr(duration_s)])
    return hashlib.sha256(asked.encode()).hexdigest()[:10]
