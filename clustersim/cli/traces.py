"""The verbs that take a measured power trace; the command line registers them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from clustersim.cli.options import JsonOption, different_files
from clustersim.console import show, show_json, told
from clustersim.errors import InputError, nearest
from clustersim.whole_file import write_text

if TYPE_CHECKING:
    from clustersim.study.measured.assess import Assessment, Columns, Devices, Setting

TraceArgument = Annotated[Path, typer.Argument(metavar="TRACE", help="CSV, Parquet, or COMTRADE by its .cfg.")]
LoadArgument = Annotated[
    Path, typer.Argument(metavar="TRACE", help="CSV, Parquet, COMTRADE by its .cfg, or a load record (.yaml).")
]
TimeOption = Annotated[str | None, typer.Option("--time", metavar="COLUMN", help="Column of time: seconds or dates.")]
PowerOption = Annotated[
    list[str] | None,
    typer.Option("--power", metavar="COLUMN", help="Column or channel of power; repeated ones are added up."),
]
UnitOption = Annotated[str | None, typer.Option("--unit", help="W, kW, MW, GW or pu; else from the column's name.")]
BaseOption = Annotated[str | None, typer.Option("--base", "--peak", help="With pu: power at a reading of 1, '100 MW'.")]
ZeroOption = Annotated[
    str | None, typer.Option("--zero", help="With pu: power at a reading of 0, on a min-max scale; 0 W.")
]
RatioOption = Annotated[
    float | None,
    typer.Option("--idle-ratio", min=0.0, max=0.999, help="With pu, for --zero: that power over the one at 1."),
]
SensorOption = Annotated[str | None, typer.Option("--sensor", help="Time over which the sensor averages, '1 s'.")]
StepOption = Annotated[str | None, typer.Option("--step", help="Width of the bins onto which the trace is brought.")]
BetweenOption = Annotated[str, typer.Option("--between", help="Of uneven times: power between readings, line or hold.")]
GapOption = Annotated[float | None, typer.Option("--gap", min=1.0, help="Median steps that are no gap yet; 5.")]
FromOption = Annotated[str | None, typer.Option("--from", help="Start of the job on the trace's clock, '7 s'.")]
ToOption = Annotated[str | None, typer.Option("--to", help="End of the job, '195.2 s'.")]


def quantity(option: str, text: str | None, dimension: str) -> float | None:
    """Return the value of an option in SI, None where it is not given.

    Raises
    ------
    InputError
        If it has no unit of the dimension; the message names the option.
    """
    if text is None:
        return None
    from clustersim.units import parse_named

    return parse_named(f"--{option}", text, dimension)


def trace_columns(
    time: str | None, power: list[str] | None, reactive: str | None, unit: str | None, base: str | None,
    zero: str | None, ratio: float | None, step: str | None, between: str, gap: float | None, sensor: str | None,
) -> Columns:  # fmt: skip
    """Return what the options of a trace say of its columns.

    Raises
    ------
    InputError
        If a quantity has no unit of its dimension, or options contradict each other.
    """
    from clustersim.study.measured.assess import Columns

    base_w, zero_w = quantity("base", base, "power"), quantity("zero", zero, "power")
    if ratio is not None:
        if zero is not None or base_w is None:
            raise InputError("--idle-ratio: expected with --base and without --zero")
        zero_w = ratio * base_w
    if between not in ("line", "hold"):
        raise InputError(f"--between: expected line or hold, got {between!r}{nearest(between, ('line', 'hold'))}")
    return Columns(
        time=time,
        power=tuple(power or ()),
        reactive=reactive,
        unit=unit,
        base_w=base_w,
        zero_w=zero_w or 0.0,
        dt_s=quantity("step", step, "time"),
        between="line" if between == "line" else "hold",
        gap=gap,
        sensor_s=quantity("sensor", sensor, "time") or 0.0,
    )


BAND = re.compile(r"\s*(\d+(?:\.\d+)?)\s*-\s*(\d+(?:\.\d+)?)\s*(?:Hz)?\s*")


def _band(text: str) -> tuple[float, float]:
    match = BAND.fullmatch(text)
    if match is None or not float(match[1]) < float(match[2]):
        raise InputError(f"--band: expected two frequencies in Hz, the lower first, such as 0.1-20, got {text!r}")
    return float(match[1]), float(match[2])


def _setting(
    columns: Columns,
    damping: Path | None,
    devices: Devices,
    topology: str | None,
    site: str | None,
    inertia_scale: float | None,
) -> Setting:
    from clustersim.study.measured.assess import place_of, setting_of

    for option, value in (("--site", site), ("--inertia-scale", inertia_scale)):
        if topology is None and value is not None:
            raise InputError(f"{option}: expected with --topology")
    if inertia_scale is not None and not inertia_scale > 0.0:
        raise InputError(f"--inertia-scale: expected a factor above 0, got {inertia_scale:g}")
    if damping is None and devices != type(devices)():
        raise InputError("--accelerators, --accelerator, --tmp, --idle and --rest: expected with --damping")
    place = None
    if topology is not None:
        from clustersim.scenario import load_topology, located

        place = place_of(load_topology(located(topology, "topologies")), site, inertia_scale or 1.0)
    return setting_of(columns, damping, devices, place)


OUT_FILES = ("assess.json", "verdict.csv", "site.parquet")
"""What `assess --out` writes: the answer, its verdict and, with a place, the site over time."""


def assess(
    trace: LoadArgument,
    limits: Annotated[
        list[str] | None,
        typer.Option(
            "--limits", metavar="PACK", help="Rule pack, a file with one, or one as section limits; may be repeated."
        ),
    ] = None,
    time: TimeOption = None,
    power: PowerOption = None,
    reactive: Annotated[str | None, typer.Option("--reactive", metavar="COLUMN", help="Reactive power.")] = None,
    unit: UnitOption = None,
    base: BaseOption = None,
    zero: ZeroOption = None,
    ratio: RatioOption = None,
    step: StepOption = None,
    between: BetweenOption = "line",
    gap: GapOption = None,
    sensor: SensorOption = None,
    averaged: Annotated[
        str | None, typer.Option("--averaged", help="Show it as a sensor would that averages over this time.")
    ] = None,
    scale: Annotated[int, typer.Option("--scale", min=1, help="Number of loads like the one measured.")] = 1,
    coherence: Annotated[
        float | None,
        typer.Option("--coherence", min=0.0, max=1.0, help="Pairwise correlation of their fluctuations; 1."),
    ] = None,
    mean: Annotated[
        str | None, typer.Option("--mean", help="Scale it to this mean in the job, in place of --scale: '120 MW'.")
    ] = None,
    start: FromOption = None,
    end: ToOption = None,
    bands: Annotated[
        list[str] | None, typer.Option("--band", metavar="LOW-HIGH", help="Also tell shares of this band, in Hz.")
    ] = None,
    damping: Annotated[
        Path | None, typer.Option("--damping", metavar="FILE", help="YAML list of damping records; one chain.")
    ] = None,
    accelerators: Annotated[
        int | None, typer.Option("--accelerators", min=1, help="For --damping: how many, before it is scaled.")
    ] = None,
    accelerator: Annotated[str | None, typer.Option("--accelerator", help="Their name in the catalog.")] = None,
    tmp: Annotated[
        str | None, typer.Option("--tmp", help="Power of one of which a smoothing floor is a share, '700 W'.")
    ] = None,
    idle: Annotated[
        str | None, typer.Option("--idle", help="Power of an idle one; of a min-max trace, its zero.")
    ] = None,
    rest: Annotated[
        str | None, typer.Option("--rest", help="Constant part of the trace per accelerator that is not its own.")
    ] = None,
    topology: Annotated[
        str | None,
        typer.Option("--topology", metavar="PLACE", help="Take it as the IT load of a site: plant, all rules."),
    ] = None,
    site: Annotated[str | None, typer.Option("--site", help="Which site of that place.")] = None,
    inertia_scale: Annotated[
        float | None,
        typer.Option("--inertia-scale", help="Factor on the inertia of that place's grid and machines; 1."),
    ] = None,
    duration: Annotated[
        str | None, typer.Option("--duration", help="Of a load record's waveform; 600 s or 20 cycles.")
    ] = None,
    seed: Annotated[int | None, typer.Option("--seed", min=0, help="Of a load record's waveform; 0.")] = None,
    spectrogram: Annotated[
        Path | None, typer.Option("--spectrogram", metavar="FILE", help="Of the record: .csv or .html.")
    ] = None,
    segment: Annotated[
        str | None, typer.Option("--segment", help="Length of its segments; four periods of the job.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder for assess.json, verdict.csv, with a place site.parquet.")
    ] = None,
    export: Annotated[
        Path | None,
        typer.Option("--export", help="Write the trace as judged, damped if asked: .csv, .parquet, or COMTRADE .cfg."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Hold a measured power trace against rules: alone, behind damping, or as the load of a site."""
    from clustersim.report.assess import assessment_data, assessment_text, verdict_csv
    from clustersim.study.measured.assess import Devices, Drawn, Question, assess_file, write_site, write_trace

    if coherence is not None and scale == 1 and mean is None:
        raise InputError("--coherence: expected with --scale, of two loads or more")
    if segment is not None and spectrogram is None:
        raise InputError("--segment: expected with --spectrogram")
    question = Question(
        packs=tuple(limits or ("standard",)),
        units=scale,
        coherence=1.0 if coherence is None else coherence,
        from_s=quantity("from", start, "time"),
        to_s=quantity("to", end, "time"),
        averaged_s=quantity("averaged", averaged, "time"),
        mean_w=quantity("mean", mean, "power"),
        bands=tuple(map(_band, bands or ())),
    )
    in_folder = {f"out {name}": out / name for name in OUT_FILES} if out is not None else {}
    different_files(spectrogram=spectrogram, export=export, **in_folder)
    columns = trace_columns(time, power, reactive, unit, base, zero, ratio, step, between, gap, sensor)
    devices = Devices(
        accelerators,
        accelerator,
        quantity("tmp", tmp, "power"),
        quantity("idle", idle, "power"),
        quantity("rest", rest, "power") or 0.0,
    )
    setting = _setting(columns, damping, devices, topology, site, inertia_scale)
    if (duration is not None or seed is not None) and trace.suffix not in (".yaml", ".yml"):
        raise InputError("--duration and --seed: expected with a load record (.yaml), which a waveform is made of")
    drawn = Drawn(quantity("duration", duration, "time"), seed or 0)
    with told() as tell:
        found = assess_file(trace, columns, question, tell, setting, drawn)
    data = assessment_data(found)
    if spectrogram is not None:
        _write_spectrogram(spectrogram, found, quantity("segment", segment, "time"))
    if export is not None:
        write_trace(export, found.judged.trace)
    of_site: tuple[Path, ...] = ()
    if out is not None:
        answer, verdict, course = (out / name for name in OUT_FILES)
        write_text(verdict, verdict_csv(found))
        write_text(answer, json.dumps(data, indent=1, allow_nan=False) + "\n")
        of_site = write_site(course, found)
    if as_json:
        show_json(data)
        return
    show(assessment_text(found))
    written = [] if out is None else [*(out / name for name in OUT_FILES[:2]), *of_site]
    written += [path for path in (spectrogram, export) if path is not None]
    if written:
        show(f"\nwritten: {', '.join(map(str, written))}")


def _write_spectrogram(path: Path, found: Assessment, segment_s: float | None) -> None:
    from clustersim.report.spectrogram import spectrogram_csv, spectrogram_html
    from clustersim.study.measured.assess import spectrogram_of

    if path.suffix.lower() not in (".csv", ".html"):
        raise InputError(f"--spectrogram: expected .csv or .html, got {path}")
    trace = found.judged.trace
    made = spectrogram_of(trace, found.job, segment_s)
    write_text(path, spectrogram_csv(made) if path.suffix.lower() == ".csv" else spectrogram_html(made, trace.name))


def fit_power(
    trace: TraceArgument,
    time: TimeOption = None,
    power: PowerOption = None,
    unit: UnitOption = None,
    base: BaseOption = None,
    zero: ZeroOption = None,
    ratio: RatioOption = None,
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
    from clustersim.study.measured.fit_power import fit_file, load_text, write_trace

    different_files(out=out, export=export)
    columns = trace_columns(time, power, None, unit, base, zero, ratio, step, between, gap, sensor)
    with told() as tell:
        found = fit_file(trace, columns, quantity("from", start, "time"), quantity("to", end, "time"), seed, tell)
    if export is not None:
        write_trace(export, found.made)
    if out is not None:
        write_text(out, load_text(found.load))
    if as_json:
        show_json(fit_data(found))
        return
    show(fit_text(found))
    written = [str(path) for path in (out, export) if path is not None]
    if written:
        show(f"\nwritten: {', '.join(written)}")
