"""An assessed trace as text, JSON data and files."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from clustersim.report.assess_damping import damped_data, damping_text
from clustersim.report.assess_site import site_data, site_text
from clustersim.report.verdict import verdict_word
from clustersim.study.measured.assess import Assessment


def shown_in(peak_mw: float) -> tuple[str, float]:
    """Return the unit in which powers of this size read well, and how many of it a megawatt has."""
    return next(((unit, per) for unit, per in (("MW", 1.0), ("kW", 1e3)) if peak_mw * per >= 1.0), ("W", 1e6))


def _finite(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _rows(table: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(key): _finite(value) for key, value in row.items()} for row in table.to_dict("records")]


def assessment_data(found: Assessment) -> dict[str, Any]:
    """Return everything that was found, for JSON."""
    trace, asked = found.trace, found.question
    return {
        "trace": {
            "name": trace.name, "samples": trace.samples, "dt_s": trace.dt_s, "t0_s": trace.t0_s,
            "duration_s": trace.duration_s, "sensor_s": trace.sensor_s, "clock": trace.clock,
        },
        "units": asked.units,
        "coherence": asked.coherence,
        "packs": list(asked.packs),
        "job": {"from_s": found.job.from_s, "to_s": found.job.to_s, "how": found.job.how},
        "statistics": found.statistics,
        "record_percentiles": found.record_percentiles,
        "rules_failed": found.verdict.rules_failed,
        "rules_not_judged": len(found.verdict.not_judged),
        "verdict": _rows(found.verdict.table),
        "site": None if found.plain.site is None else site_data(found.plain.site),
        "damped": None if found.damped is None else damped_data(found.damped, _rows),
        "notes": list(found.notes),
    }  # fmt: skip


def verdict_csv(found: Assessment) -> str:
    """Return the verdict, a row per rule and piece of equipment; with damping a column `damped` tells them apart."""
    if found.damped is None:
        return str(found.verdict.table.to_csv(index=False))
    both = [found.verdict.table.assign(damped=False), found.damped.judged.verdict.table.assign(damped=True)]
    return str(pd.concat(both, ignore_index=True).to_csv(index=False))


def assessment_text(found: Assessment) -> str:
    """Return the assessment for a terminal, at most 100 columns wide."""
    trace, job, s = found.trace, found.job, found.statistics
    unit, per = shown_in(s["peak_mw"])
    lines = [
        f"{trace.name}: {trace.samples:,} samples every {trace.dt_s * 1e3:.6g} ms, {trace.duration_s:,.6g} s",
        f"job {job.from_s:.6g} to {job.to_s:.6g} s ({job.how})",
        *(f"note: {note}" for note in found.notes),
        "",
        "POWER OF THE JOB",
        f"  mean {s['mean_mw'] * per:.4g} {unit}, peak {s['peak_mw'] * per:.4g}, trough {s['trough_mw'] * per:.4g}, "
        f"energy {s['energy_mwh'] * per:.4g} {unit}h",
        f"  {'percentile':15}" + "".join(f"{key[1:-3]:>9}" for key in found.record_percentiles),
        f"  {'  job, ' + unit:15}" + "".join(f"{s[key] * per:9.4g}" for key in found.record_percentiles),
        f"  {'  record, ' + unit:15}" + "".join(f"{value * per:9.4g}" for value in found.record_percentiles.values()),
        _period_line(s, unit, per),
        f"  a store that holds it at its mean needs {s['flattening_energy_mwh'] * 3600 * per:.4g} {unit} s",
        "",
        f"RAMPS (100 ms means){'up ' + unit + '/s':>12}{'down ' + unit + '/s':>12}{'range ' + unit:>11}",
    ]
    for row in s["ramps"]:
        name = f"  over {row['over_s']:g} s"
        if row["reason"]:
            lines.append(f"{name:20}not told: {row['reason']}")
        else:
            values = (row["up_mw_per_s"], row["down_mw_per_s"], row["range_mw"])
            lines.append(f"{name:20}" + "".join(f"{v * per:{w}.4g}" for v, w in zip(values, (12, 12, 11), strict=True)))
    lines += ["", "SHARES OF BANDS   energy: none     Hann    amplitude: none     Hann  (window)"]
    for row in s["band_shares"]:
        name = f"  {row['low_hz']:g} to {row['high_hz']:g} Hz"
        if row["reason"]:
            lines.append(f"{name:18}not told: {row['reason']}")
        else:
            lines.append(
                f"{name:18}{row['energy_rectangular']:13.3f}{row['energy_hann']:9.3f}"
                f"{row['amplitude_rectangular']:19.3f}{row['amplitude_hann']:9.3f}"
            )
    lines += _harmonics(s, unit, per)
    lines += [] if found.plain.site is None else site_text(found.plain.site)
    lines += damping_text(found, unit, per)
    if found.damped is not None and found.damped.judged.site is not None:
        lines += [line.replace("SITE", "BEHIND DAMPING: SITE", 1) for line in site_text(found.damped.judged.site)]
    lines += _rules(found)
    return "\n".join(lines)


def _harmonics(statistics: dict[str, Any], unit: str, per: float) -> list[str]:
    if not statistics["harmonics"]:
        return []
    head = f"HARMONICS{'Hz':>13}{'line ' + unit:>13}{'near ' + unit:>13}{'Welch ' + unit:>13}{'energy':>10}"
    lines = ["", f"{head}   (amplitudes of sines)"]
    for row in statistics["harmonics"]:
        values = (row["line_amplitude_mw"], row["near_amplitude_mw"], row["welch_amplitude_mw"])
        told = "".join(f"{'-':>13}" if value is None else f"{value * per:13.4g}" for value in values)
        lines.append(f"  {row['order']:<7}{row['frequency_hz']:13.4f}{told}{row['energy_share']:10.1%}")
    return lines


def _rules(found: Assessment) -> list[str]:
    behind = None if found.damped is None else found.damped.judged.verdict.table.to_dict("records")
    lines = ["", f"RULES ({', '.join(found.question.packs)})"]
    if behind is not None:
        lines[-1] += ": undamped, then behind damping"
    for place, row in enumerate(found.verdict.table.to_dict("records")):
        lines.append(f"  {_rule(row)}")
        if behind is not None and behind[place]["passed"] is not None:
            lines.append(f"     -> {_rule(behind[place])}")
    return lines


def _rule(row: dict[Any, Any]) -> str:
    node = "" if row["measured"] is None or ": " not in str(row["node"]) else f" {str(row['node']).split(': ')[1]}"
    name = f"{row['rule']}{node}"
    if row["passed"] is None:
        return f"-     {name:35}{row['reason']}"
    measured = f"{row['measured']:10.4g} of {row['limit']:g} {row['unit']}"
    return f"{verdict_word(row['passed'])}  {name:35}{measured:30}margin {row['margin']:+.0%}, {row['window']}"


def _period_line(statistics: dict[str, Any], unit: str, per: float) -> str:
    if statistics["period_s"] is None:
        return "  no period: nothing repeats within half of the job"
    swing = statistics["swing_mw"]
    told = "" if swing is None else f", swing {swing * per:.4g} {unit} (median of periods)"
    if not statistics["period_resolved"]:
        told += "; few readings: a multiple of a shorter one?"
    return f"  period {statistics['period_s']:.5g} s (autocorrelation {statistics['period_correlation']:.2f}){told}"
