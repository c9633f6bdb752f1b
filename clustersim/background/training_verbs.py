"""What the page of the training step asks a worker process for: the step in detail, and the search of plans."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from clustersim.errors import InputError
from clustersim.scenario import AnyScenario, Draft, Scenario, run_id
from clustersim.study.part_names import STEP_AND_PLAN
from clustersim.study.step import StepStudy

Tell = Callable[[Any], None]
DATA, OPERATIONS, TRACE = "step.json", "operations.parquet", "trace.json"
"""Files of a step: what ``clustersim step --json`` prints, what its units do, and the file of ``--trace``."""
MOST_ROWS = 200_000
"""Operations that are kept of a step; the named units are always among them."""


def step_folder(out: Path, name: str, identity: str) -> Path:
    """Return the folder in which the step of a run is kept."""
    return out / "steps" / f"{name}-{identity}"


def is_kept(folder: Path) -> bool:
    """Whether a folder holds a whole step."""
    return all((folder / name).is_file() for name in (DATA, OPERATIONS, TRACE))


def step(*, name: str, tree: Mapping[str, Any] | None, settings: Mapping[str, Any], out: str, tell: Tell) -> Any:
    """Time the step of a draft; return the folder of its files."""
    scenario = with_job(Draft(name, tree, settings).scenario())
    folder = step_folder(Path(out), scenario.name, run_id(scenario))
    if not is_kept(folder):
        _write(folder, _step_files(scenario, tell))
    return {"folder": str(folder)}


def plan(
    *, name: str, tree: Mapping[str, Any] | None, settings: Mapping[str, Any], top: int, tell: Tell
) -> dict[str, Any]:
    """Search plans; return what ``clustersim plan --json`` prints."""
    from clustersim.report.step import plans_data
    from clustersim.study.step import study_step

    tell("search of parallel plans")
    scenario = with_job(Draft(name, tree, {**settings, "job.plan": "best"}).scenario())
    return plans_data(study_step(scenario), top)


def with_job(scenario: AnyScenario) -> Scenario:
    """Return a scenario that has a job.

    Raises
    ------
    InputError
        If its load is measured.
    """
    if not isinstance(scenario, Scenario):
        raise InputError(f"{scenario.name}: expected a scenario with a job, found a measured load")
    return scenario


def _step_files(scenario: Scenario, tell: Tell) -> dict[str, Callable[[Path], object]]:
    from clustersim.report.cross_site import between_sites_data
    from clustersim.report.step import chrome_trace, step_data
    from clustersim.study.it_power import step_pool
    from clustersim.study.run_tables import operations_table
    from clustersim.study.several_sites.cross_site import between_sites
    from clustersim.study.step import study_step

    tell((STEP_AND_PLAN, 0.1))
    study = study_step(scenario)
    tell(("steps with jitter", 0.5))
    pool = step_pool(study)
    tell(("traffic between sites", 0.7))
    between = between_sites(study, pool.iteration_time_s)
    several = {} if between is None else {"between_sites": between_sites_data(between)}
    tell(("operations", 0.8))
    data = json.dumps(step_data(study, pool) | several)
    table = operations_table(study, pool.traces[0], kept_units(study))
    trace = json.dumps(chrome_trace(study), separators=(",", ":"))
    return {
        DATA: lambda path: path.write_text(data, encoding="utf-8"),
        OPERATIONS: lambda path: table.to_parquet(path, index=False, compression="zstd"),
        TRACE: lambda path: path.write_text(trace, encoding="utf-8"),
    }


def kept_units(study: StepStudy) -> Sequence[int]:
    """Return the units whose operations are kept: all, or those with a name and the first ones."""
    from clustersim.study.step_parts import PLACES, unit_named

    trace = study.trace(0)
    count, operations = trace.start_s.shape
    named = [unit_named(trace, name) for name in PLACES]
    most = max(len(named), MOST_ROWS // operations)
    return sorted(list(dict.fromkeys([*named, *range(count)]))[:most])


def _write(folder: Path, files: Mapping[str, Callable[[Path], object]]) -> None:
    """Write a folder of files; it appears whole or not at all."""
    from clustersim.study.whole_folder import whole_folder

    with whole_folder(folder) as working:
        for name, write in files.items():
            write(working / name)
