"""What a power trace is like: levels, ramps, spectrum, period."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clustersim import catalog
from clustersim.errors import InputError
from clustersim.limits import BandShares, band_table, max_ramp, sliding_range, swing
from clustersim.limits.definitions import meter_means
from clustersim.power.spectrum import SEGMENT_PERIODS, Spectrogram, harmonics, spectrogram
from clustersim.power.stores import flattening_energy_j
from clustersim.power.trace import PowerTrace
from clustersim.power.trace_period import JobWindow, Period, dominant_period
from clustersim.units import MWH_J

PERCENTILES = (1, 10, 25, 50, 75, 90, 99)
PERCENTILE_KEYS = tuple(f"p{p}_mw" for p in PERCENTILES)
LAGS_S = (1.0, 5.0, 60.0)
"""Times over which ramps are told: a second, ERCOT's window, a minute. [s]"""
BANDS_HZ = ((0.1, 20.0), (0.0, 0.2), (0.2, 3.0), (3.0, 20.0), (0.1, 2.0), (3.0, 30.0))
"""arXiv 2508.14318: the example rule, the bands of its text, and those of the same team's OCP talk. [Hz]"""
Shares = Mapping[tuple[float, float], tuple[BandShares, BandShares]]
"""By band [Hz]: with a rectangular window, with Hann."""


def percentiles(power_w: NDArray[np.float64]) -> dict[str, float]:
    """Return percentiles by name, ``p50_mw``. [MW]"""
    levels = np.percentile(power_w, PERCENTILES)
    return {key: float(v) * 1e-6 for key, v in zip(PERCENTILE_KEYS, levels, strict=True)}


def trace_statistics(trace: PowerTrace, shares: Shares, bands: Sequence[tuple[float, float]] = ()) -> dict[str, Any]:
    """Return the statistics of a trace, keys with their units; what cannot be told is None with its reason.

    ``swing_mw`` is the median over periods of max - min (100 ms means), None without a period; ``band_shares`` has the
    share of energy and of amplitude in each band, with a rectangular and with a Hann window, from :func:`spectrum`;
    `bands` [Hz] are told beside the usual ones. ``harmonics`` are empty without a period.
    """
    power, dt = meter_means(trace.watts, trace.dt_s)
    period = dominant_period(trace.watts, trace.dt_s)
    return {
        "from_s": trace.t0_s,
        "to_s": trace.t0_s + trace.duration_s,
        "mean_mw": float(trace.watts.mean()) * 1e-6,
        "peak_mw": float(power.max()) * 1e-6,
        "trough_mw": float(power.min()) * 1e-6,
        "energy_mwh": trace.energy_j / MWH_J,
        **percentiles(trace.watts),
        "period_s": None if period is None else period.seconds,
        "period_correlation": None if period is None else period.correlation,
        "period_resolved": None if period is None else _resolved(trace, period),
        "iteration_frequency_hz": None if period is None else 1.0 / period.seconds,
        "swing_mw": _swing(power, dt, period),
        "flattening_energy_mwh": flattening_energy_j(trace.watts, trace.dt_s) / MWH_J,
        "ramps": [_ramps(trace, power, dt, lag) for lag in LAGS_S],
        "band_shares": _bands(trace, shares, bands),
        "harmonics": _harmonics(trace, period),
    }


def _resolved(trace: PowerTrace, period: Period) -> bool:
    """Whether a period has so many readings that it cannot be a multiple of a shorter one."""
    return period.seconds >= catalog.entry("traces", "period").si("resolved") * trace.resolution_s


def _swing(power_w: NDArray[np.float64], dt_s: float, period: Period | None) -> float | None:
    if period is None:
        return None
    count = int(power_w.size * dt_s / period.seconds + 1e-9)
    starts = np.rint(np.arange(count + 1) * period.seconds / dt_s).astype(np.int64)
    starts = np.minimum(starts, power_w.size)
    return swing(power_w, starts) * 1e-6 if count and np.all(np.diff(starts) > 0) else None


def _ramps(trace: PowerTrace, power_w: NDArray[np.float64], dt_s: float, lag_s: float) -> dict[str, Any]:
    row: dict[str, Any] = {
        "over_s": lag_s,
        "up_mw_per_s": None,
        "down_mw_per_s": None,
        "range_mw": None,
        "reason": None,
    }
    if trace.resolution_s > lag_s * (1.0 + 1e-9):
        return row | {"reason": f"a reading stands for {trace.resolution_s:g} s"}
    try:
        found = max_ramp(power_w, dt_s, lag_s)
        widest = sliding_range(power_w, dt_s, lag_s)
    except InputError as error:
        return row | {"reason": str(error)}
    return row | {
        "up_mw_per_s": found.up * 1e-6, "down_mw_per_s": found.down * 1e-6, "range_mw": widest * 1e-6,
    }  # fmt: skip


def _highest_hz(trace: PowerTrace) -> float:
    return 0.5 / trace.resolution_s * (1.0 + 1e-6)


def spectrum(trace: PowerTrace, bands: Iterable[tuple[float, float]]) -> Shares:
    """Return the shares of :data:`BANDS_HZ` and of further bands, as far as the record knows their frequencies."""
    known = [band for band in dict.fromkeys((*BANDS_HZ, *bands)) if band[1] <= _highest_hz(trace)]
    return dict(zip(known, band_table(trace.watts, trace.dt_s, known), strict=True)) if known else {}


def _harmonics(trace: PowerTrace, period: Period | None) -> list[dict[str, Any]]:
    if period is None or 2.0 * period.seconds > trace.duration_s:
        return []
    return [
        {
            "order": item.order,
            "frequency_hz": item.frequency_hz,
            "line_amplitude_mw": item.line_w * 1e-6,
            "near_amplitude_mw": item.near_w * 1e-6,
            "welch_amplitude_mw": None if item.welch_w is None else item.welch_w * 1e-6,
            "energy_share": item.energy_share,
        }
        for item in harmonics(trace.watts, trace.dt_s, period.seconds)
        if item.frequency_hz <= _highest_hz(trace)
    ]


def _bands(trace: PowerTrace, shares: Shares, bands: Sequence[tuple[float, float]]) -> list[dict[str, Any]]:
    rows = []
    for low, high in dict.fromkeys((*BANDS_HZ, *bands)):
        row: dict[str, Any] = {"low_hz": low, "high_hz": high}
        found = shares.get((low, high))
        for place, window in enumerate(("rectangular", "hann")):
            row[f"energy_{window}"] = None if found is None else found[place].energy
            row[f"amplitude_{window}"] = None if found is None else found[place].amplitude
        told = f"a reading stands for {trace.resolution_s:g} s: nothing is known above {0.5 / trace.resolution_s:g} Hz"
        rows.append(row | {"reason": None if found else told})
    return rows


def spectrogram_of(trace: PowerTrace, job: JobWindow, segment_s: float | None = None) -> Spectrogram:
    """Return the spectrogram of a whole record, on its clock.

    Segments hold four periods of the job, or a sixteenth of the record where nothing repeats, unless their length is
    given.

    Raises
    ------
    InputError
        If a segment does not hold four samples or is longer than the record.
    """
    if segment_s is None:
        inside = trace.between(job.from_s, job.to_s - trace.dt_s)
        period = dominant_period(inside.watts, inside.dt_s)
        usual = trace.duration_s / 16.0 if period is None else SEGMENT_PERIODS * period.seconds
        segment_s = min(max(usual, 4.0 * trace.dt_s), trace.duration_s)
    found = spectrogram(trace.watts, trace.dt_s, segment_s)
    return replace(found, times_s=found.times_s + trace.t0_s)
