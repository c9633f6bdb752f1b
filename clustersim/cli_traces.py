"""The verbs that take a measured power trace; the command line registers them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from clustersim.console import show, show_json, told, write
from clustersim.errors import InputError, nearest

if TYPE_CHECKING:
    from clustersim.study.assess import Columns

TraceArg = Annotated[Path, typer.Argument(metavar="TRACE", help="CSV, Parquet, or COMTRADE by its .cfg.")]
TimeOption = Annotated[str | None, typer.Option("--time", metavar="COLUMN", help="Column of time: seconds or dates.")]
PowerOption = Annotated[
    list[str] | None,
    typer.Option("--power", metavar="COLUMN", help="Column or channel of power; repeated ones are added up."),
]
UnitOption = Annotated[str | None, typer.Option("--unit", help="W, kW, MW, GW or pu; else from the column's name.")]
BaseOption = Annotated[str | None, typer.Option("--base", help="With pu: power at a reading of 1, '100 MW'.")]
ZeroOption = Annotated[str, typer.Option("--zero", help="With pu: power at a reading of 0, on a min-max scale.")]
SensorOption = Annotated[str | None, typer.Option("--sensor", help="Time over which the sensor averages, '1 s'.")]
StepOption = Annotated[str | None, typer.Option("--step", help="Width of the bins onto which the trace is brought.")]
BetweenOption = Annotated[str, typer.Option("--between", help="Of uneven times: power between readings, line or hold.")]
GapOption = Annotated[float | None, typer.Option("--gap", min=1.0, help="Median steps that are no gap yet; 5.")]
FromOption = Annotated[str | None, typer.Option("--from", help="Start of the job on the trace's clock, '7 s'.")]
ToOption = Annotated[str | None, typer.Option("--to", help="End of the job, '195.2 s'.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout and nothing else.")]


def _quantity(option: str, text: str | None, dimension: str) -> float | None:
    if text is None:
        return None
    from clustersim import units

    try:
        return units.parse(text, dimension)
    except InputError as error:
        raise InputError(f"--{option}: {error}") from None


def _columns(
    time: str | None, power: list[str] | None, reactive: str | None, unit: str | None, base: str | None, zero: str,
    step: str | None, between: str, gap: float | None, sensor: str | None,
) -> Columns:  # fmt: skip
    from clustersim.study.assess import Columns

    if between not in ("line", "hold"):
        raise InputError(f"--between: expected line or hold, got {between!r}{nearest(between, ('line', 'hold'))}")
    return Columns(
        time=time,
        power=tuple(power or ()),
        reactive=reactive,
        unit=unit,
        base_w=_quantity("base", base, "power"),
        zero_w=_quantity("zero", zero, "power") or 0.0,
        dt_s=_quantity("step", step, "time"),
        between="line" if between == "line" else "hold",
        gap=gap,
        sensor_s=_quantity("sensor", sensor, "time") or 0.0,
    )


def assess(
    trace: TraceArg,
    limits: Annotated[
        list[str] | None,
        typer.Option("--limits", metavar="PACK", help="Rule pack, or a YAML file as section limits; may be repeated."),
    ] = None,
    time: TimeOption = None,
    power: PowerOption = None,
    reactive: Annotated[str | None, typer.Option("--reactive", metavar="COLUMN", help="Reactive power.")] = None,
    unit: UnitOption = None,
    base: BaseOption = None,
    zero: ZeroOption = "0 W",
    step: StepOption = None,
    between: BetweenOption = "line",
    gap: GapOption = None,
    sensor: SensorOption = None,
    averaged: Annotated[
        str | None, typer.Option("--averaged", help="Show it as a sensor would that averages over this time.")
    ] = None,
    scale: Annotated[int, typer.Option("--scale", min=1, help="Number of loads like the one measured.")] = 1,
    coherence: Annotated[
        float, typer.Option("--coherence", min=0.0, max=1.0, help="Pairwise correlation of their fluctuations.")
    ] = 1.0,
    start: FromOption = None,
    end: ToOption = None,
    out: Annotated[Path | None, typer.Option("--out", help="Folder for assess.json and verdict.csv.")] = None,
    export: Annotated[
        Path | None, typer.Option("--export", help="Write the trace as judged: .csv, .parquet, or COMTRADE .cfg.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Hold a measured power trace against rules; no model of the cluster is needed."""
    from clustersim.report.assess import assessment_data, assessment_text, verdict_csv
    from clustersim.study.assess import Question, assess_file, write_trace

    question = Question(
        packs=tuple(limits or ("standard",)),
        units=scale,
        coherence=coherence,
        from_s=_quantity("from", start, "time"),
        to_s=_quantity("to", end, "time"),
        averaged_s=_quantity("averaged", averaged, "time"),
    )
    columns = _columns(time, power, reactive, unit, base, zero, step, between, gap, sensor)
    with told() as tell:
        found = assess_file(trace, columns, question, tell)
    data = assessment_data(found)
    if export is not None:
        write_trace(export, found.trace)
    if out is not None:
        write(out / "verdict.csv", verdict_csv(found))
        write(out / "assess.json", json.dumps(data, indent=1, allow_nan=False) + "\n")
    if as_json:
        show_json(data)
        return
    show(assessment_text(found))
    written = [] if out is None else [out / "assess.json", out / "verdict.csv"]
    written += [] if export is None else [export]
    if written:
        show(f"\nwritten: {', '.join(map(str, written))}")


def fit_power(
    trace: TraceArg,
    time: TimeOption = None,
    power: PowerOption = None,
    unit: UnitOption = None,
    base: BaseOption = None,
    zero: ZeroOption = "0 W",
    step: StepOption = None,
    between: BetweenOption = "line",
    gap: GapOption = None,
    sensor: SensorOption = None,
    start: FromOption = None,
    end: ToOption = None,
    out: Annotated[Path | None, typer.Option("--out", help="Write the load record as YAML.")] = None,
    export: Annotated[
        Path | None, typer.Option("--export", help="Write a waveform made of the record: .csv, .parquet or .cfg.")
    ] = None,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of the waveform.")] = 0,
    as_json: JsonOption = False,
) -> None:
    """Recover period, levels, duty and jitter from a measured power trace; write a load record."""
    from clustersim.report.fit_power import fit_data, fit_text
    from clustersim.study.fit_power import fit_file, load_text, write_trace

    columns = _columns(time, power, None, unit, base, zero, step, between, gap, sensor)
    with told() as tell:
        found = fit_file(trace, columns, _quantity("from", start, "time"), _quantity("to", end, "time"), seed, tell)
    if export is not None:
        write_trace(export, found.made)
    if out is not None:
        write(out, load_text(found.load))
    if as_json:
        show_json(fit_data(found))
        return
    show(fit_text(found))
    written = [str(path) for path in (out, export) if path is not None]
    if written:
        show(f"\nwritten: {', '.join(written)}")
