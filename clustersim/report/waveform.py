"""Power at nodes of the electrical tree, and how far ranks move together, as text and JSON data."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from clustersim.report.assess import shown_in
from clustersim.study.power_bands import PowerBands
from clustersim.study.waveforms.coherence import BANDS_HZ, Coherence
from clustersim.study.waveforms.file import Account

SHARED = {"all": "any two", "stage": "of the same stage", "replica": "of the same replica"}


def waveform_text(names: Sequence[str], account: Account, dt_s: float, found: Sequence[Coherence]) -> str:
    """Return mean, highest and lowest sample of each node, and the correlation of ranks when it was asked for."""
    wide = max(len(name) for name in names)
    lines = [f"{account.samples:,} samples of {dt_s:g} s of training", ""]
    lines.append(f"{'node':{wide}}  {'mean':>9}  {'lowest':>9}  {'highest':>9}  {'swing':>6}")
    for row, name in enumerate(names):
        mean, low, high = account.mean[row], account.lowest[row], account.highest[row]
        unit, per = shown_in(high / 1e6)
        values = "  ".join(f"{f'{per * value / 1e6:.4g} {unit}':>9}" for value in (mean, low, high))
        # of a battery's mean a swing is no share
        swing = f"{(high - low) / mean:6.1%}" if low >= 0.0 and mean > 0.0 else f"{'-':>6}"
        lines.append(f"{name:{wide}}  {values}  {swing}")
    if found:
        bands = "".join(f"{f'{low:g}-{high:g} Hz':>12}" for low, high in BANDS_HZ)
        lines += ["", f"correlation of two ranks  overall  iteration{bands}"]
        lines += [
            f"{SHARED[c.name]:24}  {_said(c.overall):>7}  {_said(c.fundamental):>9}"
            + "".join(f"{_said(value):>12}" for value in c.bands)
            for c in found
        ]
    return "\n".join(lines)


def _said(value: float) -> str:
    return f"{value:.2f}" if math.isfinite(value) else "-"


def waveform_data(names: Sequence[str], account: Account, dt_s: float, found: Sequence[Coherence]) -> dict[str, Any]:
    """Return the same for JSON."""
    return {
        "samples": account.samples,
        "dt_s": dt_s,
        "nodes": [
            {"node": name, "mean_w": account.mean[k], "lowest_w": account.lowest[k], "highest_w": account.highest[k]}
            for k, name in enumerate(names)
        ],
        "bands_hz": [list(band) for band in BANDS_HZ],
        "correlation": [
            {
                "shared": c.name,
                "overall": _finite(c.overall),
                "iteration": _finite(c.fundamental),
                "bands": [_finite(value) for value in c.bands],
            }
            for c in found
        ],
    }


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def band_csv(found: PowerBands) -> str:
    """Return one step's IT power with the band that the catalog's figures leave: time, watts, low and high."""
    rows = zip(found.times_s, found.nominal_w, found.low_w, found.high_w, strict=True)
    return "time_s,it_w,low_w,high_w\n" + "".join(f"{t:.3f},{w:.0f},{low:.0f},{high:.0f}\n" for t, w, low, high in rows)
