"""Verbs on what an answer depends on: sensitivity, uncertainty, pareto; the command line registers them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from clustersim.cli.named_files import any_scenario_of
from clustersim.cli.options import JsonOption, ScenarioArgument, SetOption
from clustersim.cli.sweep import answer_points, engine_of, ready
from clustersim.console import show, show_json, told
from clustersim.errors import InputError
from clustersim.whole_file import write_all

if TYPE_CHECKING:
    from clustersim.scenario import AnyScenario

StoreArgument = Annotated[Path, typer.Argument(metavar="STORE", help="Folder of a sweep's store.")]
KeyOption = Annotated[
    list[str] | None, typer.Option("--key", metavar="KEY", help="Answer to look at; may be repeated.")
]
HtmlOption = Annotated[Path | None, typer.Option("--html", help="Write a page with figures and tables.")]
DEFAULT = ("usd_per_million_tokens", "tokens_per_s", "mean_mw", "swing_mw", "goodput")
"""Answers that are looked at where neither user nor study says which; those that the rows have."""


def sensitivity(
    store: StoreArgument, keys: KeyOption = None, html: HtmlOption = None, as_json: JsonOption = False
) -> None:
    """Tell what moves the answers of a sweep: tornado, Sobol's indices or rank correlations, by how it was drawn."""
    _shown(store, keys, html, as_json)


def _shown(store: Path, keys: list[str] | None, html: Path | None, as_json: bool) -> None:
    from clustersim.report.sensitivity import analyse, analysis_data, analysis_html, analysis_text
    from clustersim.study.sensitivity.analysis import read_swept

    swept = read_swept(store)
    chosen = keys or [key for key in swept.spec.keys or DEFAULT if key in swept.answers]
    if not chosen:
        raise InputError(f"{store}: --key: expected an answer to look at, such as {', '.join(swept.answers[:5])}")
    found = analyse(swept, chosen)
    if html is not None:
        write_all({html: analysis_html(found)})
    if as_json:
        show_json(analysis_data(found))
    else:
        show(analysis_text(found))


def uncertainty(
    scenario: ScenarioArgument,
    keys: KeyOption = None,
    samples: Annotated[int, typer.Option("--samples", min=8, max=100_000, help="Draws of all figures at once.")] = 128,
    evaluate: Annotated[
        Literal["steady", "run"], typer.Option("--evaluate", help="How much of a run is made for a draw.")
    ] = "steady",
    workers: Annotated[int | None, typer.Option("--workers", min=1, max=1024, help="Processes.")] = None,
    out: Annotated[Path, typer.Option("--out", help="Folder in which the store's folder is put.")] = Path("results"),
    resume: Annotated[bool, typer.Option("--resume", help="Go on with a store: only what is missing.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Begin anew; what the store holds is gone.")] = False,
    html: HtmlOption = None,
    as_json: JsonOption = False,
    settings: SetOption = None,
) -> None:
    """Draw every figure of the catalog that a run reads within its band; tell how far the answers spread, and why."""
    from clustersim.study.sensitivity.catalog_bands import band_study, banded, figures_read

    loaded = any_scenario_of(scenario, settings)
    folder = out / f"uncertainty-{loaded.name}"
    store = folder / "store"
    with told() as tell:
        tell(f"{loaded.name}: figures that the answer reads")
        reads, _ = figures_read(loaded, evaluate)
        tree = band_study(loaded, banded(reads), samples, evaluate, keys)
        ready(store, resume, force)
        own_sweep(loaded, tree, folder, workers, tell, f"clustersim uncertainty {scenario} --resume")
    _shown(store, keys, html, as_json)
    if not as_json:
        show(f"\nrows {store / 'points.parquet'}, study {folder / 'study.yaml'}")


def own_sweep(
    scenario: AnyScenario,
    tree: Mapping[str, Any],
    folder: Path,
    workers: int | None,
    tell: Callable[[str], None],
    again: str,
) -> None:
    """Sweep a study of our own making: its files into `folder`, its rows into the folder `store` there.

    What the store has already is not answered again. `again` is the command that goes on after Ctrl-C.
    """
    import yaml

    from clustersim.study.sensitivity.catalog_bands import scenario_files
    from clustersim.study.sweep.study import load_study
    from clustersim.study.sweep.sweep import lay_out

    files = {**scenario_files(scenario), "study.yaml": tree}
    write_all({folder / name: yaml.safe_dump(body, sort_keys=False) for name, body in files.items()})
    found = lay_out(load_study(folder / "study.yaml"), tell)
    answer_points(found, folder / "store", engine_of("local", workers, None, tell), tell, again)


def pareto(
    store: StoreArgument,
    aims: Annotated[list[str], typer.Argument(metavar="KEY:min|max ...", help="Two or more answers, with direction.")],
    html: HtmlOption = None,
    csv: Annotated[Path | None, typer.Option("--csv", help="Write the rows of the front.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Show the rows of a sweep that no other row beats on every key."""
    from clustersim.report.sensitivity import front_data, front_html, front_text
    from clustersim.study.sensitivity.analysis import read_swept
    from clustersim.study.sensitivity.pareto import pareto_front, read_aim

    swept, wanted = read_swept(store), [read_aim(text) for text in aims]
    front = pareto_front(swept.table, wanted)
    texts: dict[Path, str | bytes] = {}
    if csv is not None:
        texts[csv] = front.to_csv(index=False)
    if html is not None:
        texts[html] = front_html(swept, wanted, front)
    write_all(texts)
    if as_json:
        show_json(front_data(swept, wanted, front))
    else:
        show(front_text(swept, wanted, front))
