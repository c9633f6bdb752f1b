"""A fitted load as text and JSON data."""

from __future__ import annotations

from typing import Any

from clustersim.report.assess import shown_in
from clustersim.study.measured.fit_power import Fitted


def fit_data(found: Fitted) -> dict[str, Any]:
    """Return the record in SI and the figures of trace and waveform, for JSON."""
    load = found.load
    return {
        "load": load.model_dump(mode="json"),
        "period_s": load.period,
        "period_sd_s": load.period_sd,
        "high_w": load.high,
        "low_w": load.low,
        "idle_w": load.idle,
        "duty": load.duty,
        "cycles": load.cycles,
        "dips": [dip.model_dump() for dip in load.dips],
        "noise_w": load.noise,
        "noise_time_s": load.noise_time,
        "job": {"from_s": found.job.from_s, "to_s": found.job.to_s, "how": found.job.how},
        "measured": found.measured,
        "reproduced": found.reproduced,
        "warnings": list(found.warnings),
    }


def fit_text(found: Fitted) -> str:
    """Return the fitted load for a terminal."""
    load = found.load
    unit, per = shown_in(load.high * 1e-6)
    watts = per * 1e-6
    idle = "" if load.idle is None else f", idle {load.idle * watts:.4g} {unit}"
    lines = [
        f"{load.name}: job {found.job.from_s:.6g} to {found.job.to_s:.6g} s ({found.job.how})",
        f"period {load.period:.5g} s, sd {load.period_sd:.3g} s over {load.cycles} cycles; duty {load.duty:.1%}",
        f"high {load.high * watts:.4g} {unit}, low {load.low * watts:.4g} {unit}{idle}",
        f"noise at the high level {load.noise * watts:.3g} {unit}, correlated over {load.noise_time:.3g} s",
        "",
        f"DIPS      start s   (sd)   length s   (sd){'level ' + unit:>11}   fall s   rise s",
    ]
    lines += [
        f"{dip.start:15.3f}{dip.start_sd:8.3f}{dip.length:10.3f}{dip.length_sd:8.3f}{dip.level * watts:11.4g}"
        f"{dip.fall:9.2f}{dip.rise:9.2f}"
        for dip in load.dips
    ]
    lines += ["", "THE RECORD'S WAVEFORM BESIDE THE TRACE     trace   waveform"]
    for key, value in found.measured.items():
        made = found.reproduced.get(key, float("nan"))
        name, factor = (f"{key[:-3]}, {unit}", per) if key.endswith("_mw") else ("energy share 0.1-20 Hz (Hann)", 1.0)
        lines.append(f"  {name:36}{value * factor:10.4g}{made * factor:11.4g}")
    lines += ["", *(f"warning: {text}" for text in found.warnings)] if found.warnings else []
    return "\n".join(lines)
