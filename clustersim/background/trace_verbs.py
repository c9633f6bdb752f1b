"""Verbs on files that a user sent: traces and tables of measurements. Files are looked at before they are read."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from clustersim.errors import InputError
from clustersim.power.trace import PowerTrace
from clustersim.units import MWH_J

if TYPE_CHECKING:
    from clustersim.background.verbs import Tell

MOST_TABLE = 20_000_000
"""Largest table of measurements. [B]"""


@contextmanager
def _named_shortly(path: str) -> Iterator[Path]:
    """Give the path of a file, and take its folder out of every message."""
    try:
        yield Path(path)
    except InputError as error:
        raise InputError(str(error).replace(f"{Path(path).parent}/", "")) from None


@contextmanager
def _made(out: str, *asked: Any) -> Iterator[tuple[Path, Path]]:
    """Give a folder to write into, and where it will lie once it is whole: its name tells what was asked."""
    from clustersim.study.whole_folder import whole_folder

    digest = hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()[:16]
    whole = Path(out) / digest
    if not Path(out).is_dir():
        raise InputError("the file is gone: files are kept for a day, or until the page is closed; open it again")
    with whole_folder(whole) as aside:
        yield aside, whole


def _save(folder: Path, name: str, trace: PowerTrace) -> dict[str, Any]:
    """Write the samples of a trace; return what is needed to draw them."""
    np.save(folder / f"{name}.npy", trace.watts)
    peak_mw = float(trace.watts.max()) * 1e-6
    return {"file": f"{name}.npy", "t0_s": trace.t0_s, "dt_s": trace.dt_s, "samples": trace.samples, "peak_mw": peak_mw}


def trace_columns(*, path: str, tell: Tell) -> dict[str, Any]:
    """Return the columns or channels of a file, and what is taken where nothing is chosen."""
    from clustersim.study.measured.sent_traces import looked_at

    tell("columns")
    with _named_shortly(path) as file:
        found = looked_at(file)
    return {
        "names": list(found.names), "time": found.time, "power": found.power, "units": list(found.units),
        "has_clock": found.has_clock,
    }  # fmt: skip


def trace_read(*, path: str, columns: Mapping[str, Any], out: str, tell: Tell) -> dict[str, Any]:
    """Read a trace; return its clock, what `assess` prints of it first, and the folder with its samples."""
    from clustersim.study.measured.sent_traces import Sent, sent_trace

    tell("trace")
    with _named_shortly(path) as file, _made(out, "read", path, dict(columns)) as (aside, whole):
        trace = sent_trace(file, Sent(columns))
        drawn = _save(aside, "trace", trace)
    return drawn | {
        "folder": str(whole), "name": trace.name, "duration_s": trace.duration_s, "clock": trace.clock,
        "sensor_s": trace.sensor_s,
        "mean_mw": float(trace.watts.mean()) * 1e-6, "energy_mwh": trace.energy_j / MWH_J,
    }  # fmt: skip


def assess(
    *, path: str, columns: Mapping[str, Any], question: Mapping[str, Any], setting: Mapping[str, Any], out: str,
    tell: Tell,
) -> dict[str, Any]:  # fmt: skip
    """Hold a trace against rules; return what ``clustersim assess --json`` prints, and the folder with its files."""
    from clustersim.report.assess import assessment_data, assessment_text, verdict_csv
    from clustersim.report.figures import amplitude_spectrum
    from clustersim.report.spectrogram import spectrogram_csv, spectrogram_figure
    from clustersim.study.measured.assess import assess as assessed
    from clustersim.study.measured.assess import spectrogram_of, write_site
    from clustersim.study.measured.sent_traces import Sent, sent_trace

    sent = Sent(columns, question, setting)
    with (
        _named_shortly(path) as file,
        _made(out, "assess", path, dict(columns), dict(question), dict(setting)) as (aside, whole),
    ):
        asked, around = sent.read_question(), sent.read_setting()
        tell("trace")
        trace = sent_trace(file, sent)
        found = assessed(trace, asked, tell, around)
        data = assessment_data(found)
        tell("spectrum")
        lines = {"measured": _save(aside, "judged", found.trace)}
        if found.damped is not None:
            lines["behind damping"] = _save(aside, "damped", found.damped.judged.trace)
        job = found.judged.trace.between(found.job.from_s, found.job.to_s - trace.dt_s)
        _write(aside / "spectrum.json", amplitude_spectrum(job.watts, job.dt_s, "job").to_json())
        _write(aside / "assess.json", json.dumps(data, indent=1, allow_nan=False) + "\n")
        _write(aside / "assess.txt", assessment_text(found) + "\n")
        _write(aside / "verdict.csv", verdict_csv(found))
        write_site(aside / "site.parquet", found)
        why = ""
        try:
            made = spectrogram_of(found.judged.trace, found.job)
        except InputError as error:
            why = str(error)
        else:
            _write(aside / "spectrogram.csv", spectrogram_csv(made))
            _write(aside / "spectrogram.json", spectrogram_figure(made, "").to_json())
    return {"data": data, "folder": str(whole), "lines": lines, "no_spectrogram": why}


def fit_power(
    *, path: str, columns: Mapping[str, Any], question: Mapping[str, Any], out: str, tell: Tell
) -> dict[str, Any]:
    """Fit a load record; return what ``clustersim fit-power --json`` prints, and the folder with its files."""
    from clustersim.report.fit_power import fit_data, fit_text
    from clustersim.study.measured.fit_power import fit_trace, load_text
    from clustersim.study.measured.sent_traces import Sent, sent_trace

    sent = Sent(columns, question)
    with _named_shortly(path) as file, _made(out, "fit", path, dict(columns), dict(question)) as (aside, whole):
        asked = sent.read_question()
        tell("trace")
        trace = sent_trace(file, sent)
        found = fit_trace(trace, asked.from_s, asked.to_s, 0, tell)
        data = fit_data(found)
        # the waveform begins with a cycle of the job
        drawn = _save(aside, "made", found.made) | {"t0_s": found.made.t0_s + found.job.from_s}
        _write(aside / "load.yaml", load_text(found.load))
        _write(aside / "fit.txt", fit_text(found) + "\n")
        _write(aside / "fit.json", json.dumps(data, indent=1) + "\n")
    return {"data": data, "folder": str(whole), "line": drawn}


def validate(*, path: str, out: str, tell: Tell) -> dict[str, Any]:
    """Predict a table of measurements; return statistics and reasons, and the folder with rows, text and scatter."""
    from clustersim.report.validated import validated

    with _named_shortly(path) as file, _made(out, "validate", path) as (aside, whole):
        if not file.is_file():
            raise InputError(f"{path}: no such file")
        size = file.stat().st_size
        if size > MOST_TABLE:
            raise InputError(f"{path}: expected at most {MOST_TABLE / 1e6:g} MB, found {size / 1e6:.1f} MB")
        found = validated(file, tell)
        _write(aside / "rows.csv", found.csv)
        _write(aside / "validation.txt", found.text + "\n")
        _write(aside / "validation.json", json.dumps(found.data, indent=1) + "\n")
        _write(aside / "scatter.json", found.scatter.to_json())
    return {
        "kind": found.kind, "folder": str(whole), "overall": found.data["overall"], "groups": found.data["groups"],
        "rows": len(found.data["rows"]), "not_modelled": found.data["not_modelled"],
    }  # fmt: skip


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
