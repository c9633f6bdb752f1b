"""The verbs as Python offers them: names of shipped files or paths in, records and tables out."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from clustersim import scenario as files
from clustersim.errors import InputError
from clustersim.scenario import AnyScenario, LoadScenario, Scenario, TopologySpec, located, resolved, run_id
from clustersim.study.compare import Comparison, Design, of_folder, of_result, of_summary
from clustersim.study.compare import compare as compare_designs
from clustersim.study.plans import PlanJob, find_plans
from clustersim.study.result import Result
from clustersim.study.run import run
from clustersim.study.run_tables import plan_table
from clustersim.study.sensitivity.analysis import rank_correlations, read_swept, sobol, tornado
from clustersim.study.sensitivity.pareto import pareto_front, read_aim
from clustersim.study.steady import steady_answer
from clustersim.study.step import study_step
from clustersim.study.sweep.collect import Engine
from clustersim.study.sweep.in_process import InProcess
from clustersim.study.sweep.local_engine import LocalEngine
from clustersim.study.sweep.records import Outcome
from clustersim.study.sweep.store import Store
from clustersim.study.sweep.study import Study, load_study, study_of_tree
from clustersim.study.sweep.sweep import lay_out, run_sweep
from clustersim.study.tables.throughput_table import read_table
from clustersim.study.tables.validation import Validation
from clustersim.study.tables.validation import validate as validate_table

Settings = Mapping[str, Any]


def load_scenario(name: str | Path, settings: Settings | None = None) -> Scenario:
    """Return a scenario of a job: a file, or a shipped one by name.

    Parameters
    ----------
    name : str or Path
        Such as ``colossus_200k``, ``one_or_many/one_building`` or ``mine/site.yaml``.
    settings : mapping, optional
        Key path -> value, as with ``--set``: ``{"operation.horizon": "3 d"}``. A quantity is text with its unit.

    Raises
    ------
    InputError
        Listing everything that is wrong, each with its key path.
    """
    return files.load_scenario(located(str(name), "scenarios"), settings)


def load_any(name: str | Path, settings: Settings | None = None) -> AnyScenario:
    """Return a scenario whose load is a job or was measured; otherwise as :func:`load_scenario`.

    Raises
    ------
    InputError
        Listing everything that is wrong, each with its key path.
    """
    return files.load_any(located(str(name), "scenarios"), settings)


def load_topology(name: str | Path) -> TopologySpec:
    """Return a place: a file, or a shipped one by name.

    Raises
    ------
    InputError
        Listing everything that is wrong, each with its key path.
    """
    return files.load_topology(located(str(name), "topologies"))


def plans(job: PlanJob | Scenario, top: int = 10) -> pd.DataFrame:
    """Return the fastest parallel plans that fit, the fastest first.

    Parameters
    ----------
    job : PlanJob or Scenario
        A model on accelerators of one kind; or a scenario, whose own place is searched and whose best plans are ranked
        again rank by rank.
    top : int
        How many at most.

    Returns
    -------
    DataFrame
        Sizes of each plan, with `iteration_time_s`, `mfu` (of a `PlanJob`) and memory.

    Raises
    ------
    InputError
        If something is unknown, or no plan fits.
    """
    if isinstance(job, PlanJob):
        return pd.DataFrame(find_plans(job).rows(top)).drop(columns="parts_s")
    searched = job.model_copy(update={"job": job.job.model_copy(update={"plan": "best"})})
    return plan_table(study_step(searched), top)


def compare(
    designs: Sequence[Result | AnyScenario | Design | str | Path],
    base: str | None = None,
    level: Literal["steady", "run"] = "run",
) -> Comparison:
    """Put designs side by side.

    Parameters
    ----------
    designs : sequence
        Two or more: results, result folders, or scenarios, which are answered first.
    base : str, optional
        Name of the design that the others are held against; left out: the first.
    level : {"steady", "run"}
        How much of a scenario is answered: `steady` leaves out the windows around events, and with them what needs
        them (:func:`clustersim.steady`); such designs have no rows of rules and no break-even.

    Raises
    ------
    InputError
        If there are fewer than two designs, two are the same run, or none is called `base`.
    """
    if level not in ("steady", "run"):
        raise InputError(f"level: expected steady or run, found {level!r}")
    return compare_designs([_design(one, level) for one in designs], base)


def _design(source: Result | AnyScenario | Design | str | Path, level: str) -> Design:
    if isinstance(source, Design):
        return source
    if isinstance(source, Scenario | LoadScenario):
        if level == "run":
            return of_result(run(source))
        return of_summary(run_id(source), source.name, resolved(source), steady_answer(source).summary)
    return of_result(source) if isinstance(source, Result) else of_folder(Path(source))


def sweep(
    study: str | Path | Mapping[str, Any],
    settings: Settings | None = None,
    *,
    out: str | Path | None = None,
    workers: int | None = None,
    engine: Engine | None = None,
    retry_failed: bool = False,
    tell: Callable[[Outcome], None] = lambda _: None,
) -> pd.DataFrame:
    """Answer every point of a study.

    Parameters
    ----------
    study : str, Path or mapping
        A study file, the name of a shipped one, or what such a file holds.
    settings : mapping, optional
        Key path -> value, for every point.
    out : str or Path, optional
        Folder in which the store's folder ``sweep-<name>`` is put; one that is there goes on with what is missing.
        Left out: nothing stays on the disk.
    workers : int, optional
        Processes that work at the same time; left out: the points are answered in this process. A script that asks for
        processes keeps its own work under ``if __name__ == "__main__":``.
    engine : Engine, optional
        In place of `workers`: a started engine, such as ``DaskEngine``.
    retry_failed : bool
        Whether points that failed before are answered again.
    tell : callable, optional
        Told every row once it is safe.

    Returns
    -------
    DataFrame
        A row per point, in the order of the study: `index`, `point_id`, the axes, the answers, `error` (None where
        there is none).

    Raises
    ------
    InputError
        If the study is wrong, or the store is of another study, version or catalog. A point that fails raises nothing.
    KeyboardInterrupt
        On Ctrl-C; with `out`, what was answered stays.
    """
    if workers is not None and engine is not None:
        raise InputError("sweep: expected workers or an engine, found both")
    loaded = _study(study, settings)
    for text in loaded.warnings:
        warnings.warn(text, stacklevel=2)
    found = lay_out(loaded)
    with (
        _started(workers, engine) as started,
        _folder(out, loaded.spec.name) as folder,
        Store.open(folder, found.header, found.columns, found.about) as store,
    ):
        run_sweep(found, started, store, tell, retry_failed=retry_failed)
        store.finish()
        return store.table()


def _study(study: str | Path | Mapping[str, Any], settings: Settings | None) -> Study:
    if isinstance(study, Mapping):
        return study_of_tree(study, Path("study"), settings)
    return load_study(
        Path(study) if Path(study).suffix in (".yaml", ".yml") else located(str(study), "studies"), settings
    )


@contextmanager
def _started(workers: int | None, engine: Engine | None) -> Iterator[Engine]:
    """Give the engine that answers: the caller's, processes of our own, or none beside this process."""
    if workers is None:
        yield engine or InProcess()
        return
    with LocalEngine(workers) as processes:
        yield processes


@contextmanager
def _folder(out: str | Path | None, name: str) -> Iterator[Path]:
    """Give the folder of a store; without `out` one that is gone afterwards."""
    if out is not None:
        yield Path(out) / f"sweep-{name}"
        return
    with tempfile.TemporaryDirectory() as scratch:
        yield Path(scratch) / "store"


def pareto(table: pd.DataFrame, *aims: str) -> pd.DataFrame:
    """Return the rows that no other row beats on every aim, the best by the first aim first.

    Parameters
    ----------
    table : DataFrame
        Such as :func:`sweep` returns.
    *aims : str
        Two or more of ``KEY:min`` or ``KEY:max``.

    Raises
    ------
    InputError
        If an aim has no such direction, or names no column of numbers.
    """
    return pareto_front(table, [read_aim(aim) for aim in aims])


def sensitivity(store: str | Path, key: str) -> pd.DataFrame:
    """Return what moves an answer of a sweep, by how its points were chosen.

    Parameters
    ----------
    store : str or Path
        Folder of the sweep's store.
    key : str
        The answer.

    Returns
    -------
    DataFrame
        One row per axis: both ends (``combine: one_at_a_time``), Sobol's indices (``saltelli``), else rank
        correlations.

    Raises
    ------
    InputError
        If there is no store, no such answer, or there are too few rows.
    """
    swept = read_swept(Path(store))
    kinds = {"one_at_a_time": tornado, "saltelli": sobol}
    return kinds.get(swept.spec.combine, rank_correlations)(swept, key)


def validate(table: str | Path) -> Validation:
    """Predict a table of measured training steps: rows beside their predictions, and statistics of the errors.

    Parameters
    ----------
    table : str or Path
        CSV with the columns of docs/models/training.md.

    Raises
    ------
    InputError
        If the file cannot be read, or lacks a column.
    """
    return validate_table(read_table(Path(table)))
