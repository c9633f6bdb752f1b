"""A calibrated accelerator as an overlay of the catalog."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import yaml

from clustersim.instrument.recording import Band
from clustersim.study.devices.calibration import Calibrated

SOURCE = "MEASURED"
HOW = {
    "between runs": "interval of the mean of the runs",
    "within runs": "interval of the stretches of too few runs",
    "deconvolved": "from all readings at once, the sensor's averaging undone by the times of the markers",
}


def conditions_text(found: Calibrated) -> str:
    """Return in one line what was measured, how, and when."""
    recording = found.recording
    known = [*_state(found), *(f"{key}: {value}" for key, value in recording.conditions.items())]
    window = found.window
    sensor = (
        f"sensor: mean over {1e3 * window.window_s:.4g} ms, {1e3 * window.delay_s:.3g} ms late, {window.how}"
        if window.known
        else f"sensor: not measured, taken to average over {window.window_s:g} s at most"
    )
    return f"{recording.name}: {recording.devices[found.device].name} by {recording.source}; " + "; ".join(
        [*known, sensor]
    )


def _state(found: Calibrated) -> list[str]:
    """Return limit, temperature and clocks of the device."""
    device, readings = found.recording.devices[found.device], found.recording.readings
    told = [f"limit {device.limit_w:g} W"] if device.limit_w is not None else []
    for name, words in (("temperature_c", "{:.0f} to {:.0f} degC"), ("sm_clock_mhz", "SM clock {:.0f} to {:.0f} MHz")):
        values = readings[name][:, found.device] if name in readings else np.array([])
        there = values[np.isfinite(values)]
        if there.size:
            told.append(words.format(there.min(), there.max()))
    return told


def overlay(found: Calibrated) -> dict[str, Any]:
    """Return the figures that were measured, in the form of the catalog's files; kinds without one are absent."""
    kinds: dict[str, dict[str, dict[str, Any]]] = {
        "device_power": {
            found.entry: {"figures": _power_figures(found)},
            "excess": {"figures": _overshoot_figures(found)},
        },
        "efficiency": {found.accelerator: {"figures": _product_figures(found)}},
        "power_capping": {found.accelerator: _capping_entry(found)},
    }
    title = f"Measured with clustersim calibrate. {conditions_text(found)}"
    told = {kind: {name: one for name, one in all_of.items() if one["figures"]} for kind, all_of in kinds.items()}
    return {kind: {"sources": {SOURCE: {"title": title}}, "entries": all_of} for kind, all_of in told.items() if all_of}


def overlay_text(found: Calibrated) -> str:
    """Return the overlay as a file."""
    head = "# Figures of an accelerator, measured; use them with clustersim --catalog FILE.\n"
    return head + yaml.safe_dump(overlay(found), sort_keys=False, width=120, allow_unicode=True)


def _power_figures(found: Calibrated) -> dict[str, Any]:
    figures = {}
    for one in found.levels:
        note = (
            f"{one.watts.value:.1f} W ({one.watts.low:.1f} to {one.watts.high:.1f}) of {found.rated_w:g} W; "
            f"{one.runs} runs, {one.readings} readings; {HOW[one.how]}; one device"
        )
        figures[one.label] = _figure(one.watts, 100.0 / found.rated_w, " %", note)
    if found.sensor is not None and found.sensor.lag_is_resolved:
        note = f"first-order lag behind {found.sensor.edges} changes of activity, {found.sensor.readings} readings"
        figures["time_constant"] = _figure(found.sensor.lag_s, 1e3, " ms", note)
    return figures


def _product_figures(found: Calibrated) -> dict[str, Any]:
    figures = {}
    for precision, fit in found.products.items():
        note = (
            f"{fit.products} products of {fit.shapes} shapes; mean error {100 * fit.mean_error:.1f} %, bias "
            f"{100 * fit.bias:+.1f} % on shapes left out"
        )
        key = f"product.{precision}"
        figures[key] = _figure(fit.share, 100.0, " %", note)
        figures[f"{key}.half_depth"] = _figure(fit.half_depth, 1.0, "", note)
        figures[f"{key}.fixed"] = _figure(fit.fixed_s, 1e6, " us", note)
    return figures


def _overshoot_figures(found: Calibrated) -> dict[str, Any]:
    """Return the overshoot of the longest bursts."""
    entered = found.capped.entered
    if entered is None:
        return {}
    bursts = entered.overshoot
    drawn = ", ".join(f"{level.watts.value:.0f} W at a limit of {limit:g} W" for limit, level in bursts.bursts.items())
    note = (
        f"of the way from a lowered limit to the free level of {entered.free_w:.0f} W, means of bursts of "
        f"{1e3 * bursts.burst_s:g} ms on {found.accelerator}: {drawn}"
    )
    return {"overshoot": _figure(entered.share, 100.0, " %", note)}


def _capping_entry(found: Calibrated) -> dict[str, Any]:
    drawn = found.capped.curve
    figures = {}
    for at, one in enumerate(drawn, 1):
        unit = "W" if one.quantity == "limit" else "MHz"
        setting = f"{one.quantity} as found" if np.isinf(one.value) else f"{one.quantity} {one.value:g} {unit}"
        clock = "" if one.clock_mhz is None else f", clock {one.clock_mhz:,.0f} MHz"
        note = f"{setting}{clock}, {1e-12 * one.flop_per_second:.1f} TFLOP/s"
        figures[f"power.{at}"] = _figure(one.watts, 1.0, " W", note)
        figures[f"speed.{at}"] = _figure(one.speed, 100.0, " %", note)
    what = (
        f"matrix products on one {found.accelerator}, with {'power limits' if found.capped.limits else 'locked clocks'}"
    )
    return {
        "properties": {"what": what, "accelerators": [found.accelerator], "points": len(drawn)},
        "figures": figures,
    }


def _figure(band: Band, scale: float, unit: str, note: str) -> Mapping[str, Any]:
    def text(value: float) -> Any:
        scaled = float(f"{scale * max(value, 0.0):.5g}")
        return f"{scaled:.12g}{unit}" if unit else scaled

    return {
        "value": text(band.value), "low": text(band.low), "high": text(band.high), "source": SOURCE,
        "confidence": "measured", "note": note,
    }  # fmt: skip
