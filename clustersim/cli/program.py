"""The command line: one verb per question; what a verb needs is imported when the verb runs.

Results go to stdout, progress and messages to stderr. Exit codes: 0 done (a failed rule is a result), 2 the input is
wrong, 130 interrupted, 1 a fault of the program.
"""

from __future__ import annotations

import gc
import json
import signal
from pathlib import Path
from typing import Annotated, Literal

import typer

import clustersim
from clustersim.cli.build_out import build_out
from clustersim.cli.calibrate import calibrate
from clustersim.cli.cite import cite
from clustersim.cli.compare import compare
from clustersim.cli.dashboard import dashboard
from clustersim.cli.evidence import evidence
from clustersim.cli.exercise import exercise
from clustersim.cli.explain import explain
from clustersim.cli.named_files import any_scenario_of, located, scenario_of, shipped
from clustersim.cli.nodes import nodes
from clustersim.cli.operate import operate
from clustersim.cli.options import JsonOption, ScenarioArgument, SetOption, different_files
from clustersim.cli.query import query
from clustersim.cli.record import record
from clustersim.cli.report import report
from clustersim.cli.results import OutOption
from clustersim.cli.sensitivity import pareto, sensitivity, uncertainty
from clustersim.cli.size import size
from clustersim.cli.sweep import sweep
from clustersim.cli.topology import topology
from clustersim.cli.traces import assess, fit_power
from clustersim.cli.waveform import waveform
from clustersim.console import INTERRUPTED, Group, show, show_json, told
from clustersim.errors import InputError
from clustersim.whole_file import write_text

app = typer.Typer(
    cls=Group,
    help="Simulate AI training megaclusters: step time, power, plant, grid rules and cost.",
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


@app.callback(invoke_without_command=True)
def _program(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version and stop.")] = False,
    overlays: Annotated[
        list[Path] | None,
        typer.Option("--catalog", metavar="FILE", help="Lay a catalog overlay over the figures; may be repeated."),
    ] = None,
) -> None:
    if version:
        typer.echo(clustersim.__version__)
        raise typer.Exit
    if overlays:
        from clustersim.catalog import use_overlays

        use_overlays(overlays)
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


@app.command()
def run(
    scenario: ScenarioArgument,
    out: OutOption = Path("results"),
    as_json: JsonOption = False,
    seed: Annotated[int | None, typer.Option("--seed", help="Seed, in place of the scenario's.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Run even if this run's results are there.")] = False,
    settings: SetOption = None,
) -> None:
    """Run a scenario and write its result folder."""
    from clustersim.report.stored import result_of

    seeded = [*(settings or []), *([] if seed is None else [f"seed={seed}"])]
    with told() as tell:
        result, folder, reused = result_of(any_scenario_of(scenario, seeded), out, force, tell)
    if as_json:
        from clustersim.report.text import as_data

        show_json(as_data(result) | {"folder": str(folder), "reused": reused})
        return
    from clustersim.report.text import summary_text

    show(summary_text(result))
    show(f"\nresults {'(of an earlier run, --force repeats it) ' if reused else ''}in {folder}")
    show(f"report  {folder / 'report.html'}")


@app.command()
def step(
    scenario: ScenarioArgument,
    as_json: JsonOption = False,
    trace: Annotated[Path | None, typer.Option("--trace", help="Write the step as a Chrome trace (Perfetto).")] = None,
    units: Annotated[
        list[str] | None,
        typer.Option("--unit", help="With --trace: fastest, median, slowest or a number; may be repeated."),
    ] = None,
    settings: SetOption = None,
) -> None:
    """Time one training step: MFU, memory, breakdown."""
    from clustersim.report.cross_site import between_sites_data, between_sites_text
    from clustersim.report.step import chrome_trace, step_data, step_text
    from clustersim.study.it_power import step_pool
    from clustersim.study.part_names import STEP_AND_PLAN
    from clustersim.study.several_sites.cross_site import between_sites
    from clustersim.study.step import study_step

    if units and trace is None:
        raise InputError("step --unit: expected --trace FILE too, found none")
    with told() as tell:
        tell(STEP_AND_PLAN)
        study = study_step(scenario_of(scenario, settings))
        pool = step_pool(study)
        between = between_sites(study, pool.iteration_time_s)
    if trace is not None:
        write_text(trace, json.dumps(chrome_trace(study, units or ()), separators=(",", ":")))
    if as_json:
        several = {} if between is None else {"between_sites": between_sites_data(between)}
        show_json(step_data(study, pool) | several)
        return
    show(step_text(study, pool))
    if between is not None:
        show(f"\n{between_sites_text(between)}")
    if trace is not None:
        show(f"\ntrace in {trace}: open it at ui.perfetto.dev or chrome://tracing")


@app.command()
def plan(
    scenario: Annotated[
        str | None, typer.Argument(metavar="[SCENARIO]", help="Scenario file, or the name of a shipped one.")
    ] = None,
    model: Annotated[
        str | None, typer.Option("--model", help="A model instead of a scenario, on one building.")
    ] = None,
    accelerator: Annotated[str, typer.Option("--accelerator", help="With --model: its accelerator.")] = "H100",
    accelerators: Annotated[int | None, typer.Option("--accelerators", help="With --model: how many.")] = None,
    sequences: Annotated[int | None, typer.Option("--sequences", help="With --model: sequences of a step.")] = None,
    length: Annotated[int, typer.Option("--sequence-length", help="With --model: tokens of a sequence.")] = 8192,
    precision: Annotated[str, typer.Option("--precision", help="With --model: bf16, fp8, fp8_block or fp4.")] = "bf16",
    top: Annotated[int, typer.Option("--top", min=1, max=100, help="How many plans to show.")] = 10,
    as_json: JsonOption = False,
    settings: SetOption = None,
) -> None:
    """Search parallel plans: the fastest that fit, and what binds each."""
    if (scenario is None) == (model is None):
        raise InputError("plan: expected a scenario or --model MODEL, found " + ("both" if scenario else "neither"))
    if model is not None:
        from clustersim.report.plans import found_data, found_text
        from clustersim.study.plans import PlanJob, find_plans

        if accelerators is None or sequences is None or settings:
            raise InputError("plan --model: expected --accelerators and --sequences, and no --set")
        with told() as tell:
            tell("search of parallel plans")
            found = find_plans(PlanJob(model, accelerator, accelerators, sequences, length, precision))
        if as_json:
            show_json(found_data(found, top))
        else:
            show(found_text(found, top))
        return
    from clustersim.report.step import plans_data, plans_text
    from clustersim.study.step import study_step

    with told() as tell:
        tell("search of parallel plans")
        study = study_step(scenario_of(str(scenario), [*(settings or []), "job.plan=best"]))
    if as_json:
        show_json(plans_data(study, top))
    else:
        show(plans_text(study, top))


@app.command()
def validate(
    table: Annotated[Path, typer.Argument(metavar="TABLE", help="CSV of published figures.")],
    as_json: JsonOption = False,
    csv: Annotated[Path | None, typer.Option("--csv", help="Write every row beside its prediction.")] = None,
    html: Annotated[Path | None, typer.Option("--html", help="Write a page with the scatter and the tables.")] = None,
    markdown: Annotated[Path | None, typer.Option("--markdown", help="Write the tables as Markdown.")] = None,
    fitted: Annotated[
        Path | None, typer.Option("--fit", help="Fit the calibration to the table; write it as a catalog overlay.")
    ] = None,
) -> None:
    """Predict measured steps, collectives, training across sites or reliability: errors by row and by group."""
    from clustersim.cli import tables as cli_tables
    from clustersim.study.tables.collectives_table import is_collectives_table
    from clustersim.study.tables.multisite_table import is_multisite
    from clustersim.study.tables.reliability_rows import is_reliability

    different_files(csv=csv, html=html, markdown=markdown, fit=fitted)
    if is_collectives_table(table):
        cli_tables.collectives(table, as_json, csv, html, markdown, fitted)
    elif is_multisite(table):
        if html is not None or fitted is not None:
            raise InputError("validate: --html and --fit are for tables of training steps and of collectives")
        cli_tables.multisite(table, as_json, csv, markdown)
    elif is_reliability(table):
        if html is not None or fitted is not None:
            raise InputError("validate: --html and --fit are for tables of training steps and of collectives")
        cli_tables.reliability(table, as_json, csv, markdown)
    else:
        cli_tables.steps(table, as_json, csv, html, markdown, fitted)


app.command()(topology)


@app.command()
def catalog(
    kind: Annotated[str | None, typer.Argument(metavar="[KIND]", help="Such as accelerators.")] = None,
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="Such as H100.")] = None,
    diff: Annotated[
        bool, typer.Option("--diff", help="What `clustersim --catalog FILE` changes, beside the shipped figures.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Show the built-in figures with their sources; of kind `limits` the packs of rules."""
    if diff:
        from clustersim.report.catalog_diff import diff_data, diff_text, differences

        changed = differences(kind, name)
        if as_json:
            show_json(diff_data(changed))
        else:
            show(diff_text(changed))
        return
    if kind == "limits":
        from clustersim.report.rules import packs_data, packs_text

        if as_json:
            show_json(packs_data(name))
        else:
            show(packs_text(name))
        return
    from clustersim.catalog.listing import rows
    from clustersim.report.place import catalog_text

    found = rows(kind, name)
    if as_json:
        show_json({"figures": found})
    else:
        show(catalog_text(found, kinds_only=kind is None))


@app.command()
def check(
    files: Annotated[list[str], typer.Argument(metavar="FILE...", help="Scenario or topology files, or names.")],
) -> None:
    """Check files: every problem, each with its key path."""
    from clustersim.report.check import problems

    wrong = 0
    # a scenario may be called as its place: then both are meant
    for name, folder in [(one, kind) for one in files for kind in _folders(one)]:
        try:
            path = located(name, folder)
            found = problems(path)
        except InputError as error:
            path, found = Path(name), [str(error)]
        for line in found:
            typer.echo(line, err=True)
        wrong += len(found)
        show(f"{path}: {'ok' if not found else f'{len(found)} problem(s)'}")
    if wrong:
        raise typer.Exit(2)


def _folders(name: str) -> list[Literal["scenarios", "topologies"]]:
    """Return the kinds of shipped files that have a name; scenarios where none has."""
    kinds: tuple[Literal["scenarios", "topologies"], ...] = ("topologies", "scenarios")
    found = [kind for kind in kinds if not Path(name).is_file() and (shipped(kind) / f"{name}.yaml").is_file()]
    return found or ["scenarios"]


app.command()(dashboard)
app.command()(assess)
app.command()(waveform)
app.command()(nodes)
app.command("fit-power")(fit_power)
app.command()(calibrate)
app.command()(record)
app.command()(size)
app.command("build-out")(build_out)
app.command()(operate)
app.command()(exercise)
app.command()(explain)
app.command()(evidence)
app.command()(sweep)
app.command()(query)
app.command()(report)
app.command()(cite)
app.command()(compare)
app.command()(sensitivity)
app.command()(uncertainty)
app.command()(pareto)


RUBBISH_AFTER = 50_000
"""Objects that are made more than dropped before Python looks for cycles among them; 700 or 2,000 by itself."""


def main() -> None:
    """Run the command line."""
    # Nearly all that a verb makes lives until its end: looking for rubbish as often as usual is a tenth of its time.
    gc.set_threshold(RUBBISH_AFTER, *gc.get_threshold()[1:])
    try:
        app(prog_name="clustersim")
    except SystemExit as end:
        if end.code == INTERRUPTED:
            # a second Ctrl-C would end the interpreter while it puts its threads away
            signal.signal(signal.SIGINT, signal.SIG_IGN)
        raise
