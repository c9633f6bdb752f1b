"""A calibrated accelerator as text and data."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np

from clustersim import catalog
from clustersim.instrument.capping import Overshoot, Point
from clustersim.instrument.recording import Band
from clustersim.instrument.sensor import SensorFit
from clustersim.report.words import columns
from clustersim.study.devices.calibration import Calibrated
from clustersim.study.devices.capping import Entered
from clustersim.study.devices.overlay import conditions_text, overlay
from clustersim.workload.capping import capping_curve

__all__ = ["calibrated_data", "calibrated_text"]


def calibrated_text(found: Calibrated) -> str:
    """Return what was measured beside what the catalog says, what is left out and why."""
    shipped = catalog.entry("device_power", found.entry)
    parts = [f"{found.accelerator}, {found.rated_w:g} W: {conditions_text(found)}"]
    if found.sensor is not None:
        parts.append(_sensor(found.sensor))
    rows = []
    for one in found.levels:
        known = shipped.figure(one.label) if shipped.has(one.label) else None
        was = "-" if known is None else f"{known.value * found.rated_w:.0f}"
        band = "-" if known is None else f"{known.low * found.rated_w:.0f} .. {known.high * found.rated_w:.0f}"
        off = "-" if known is None else f"{100 * (one.watts.value / (known.value * found.rated_w) - 1):+.1f} %"
        rows.append(
            (one.label, f"{one.watts.value:.1f}", _span(one.watts, 1.0, 1), str(one.runs), one.how, was, band, off)
        )
    if rows:
        head = ("level [W]", "measured", "95 %", "runs", "interval", "catalog", "its band", "off")
        parts.append(columns(head, rows, widest=40))
    if found.products:
        parts.append(_products(found))
    if found.gaps:
        parts.append(_gaps(found))
    parts += [_points(found, one) for one in (found.capped.limits, found.capped.clocks) if one]
    if found.capped.overshoots:
        parts.append(_overshoots(found.capped.overshoots))
    if found.capped.entered is not None:
        parts.append(_entered(found.capped.entered))
    said = [f"not entered, {name}: {why}" for name, why in found.left_out.items()]
    said += [f"note: {one}" for one in found.warnings]
    return "\n\n".join([*parts, "\n".join(said)])


def _sensor(sensor: SensorFit) -> str:
    rows = [
        (name, f"{1e3 * band.value:.2f}", _span(band, 1e3, 2))
        for name, band in (("window", sensor.window_s), ("delay", sensor.delay_s), ("lag of power", sensor.lag_s))
    ]
    left = f"{sensor.readings} readings, {sensor.edges} changes of activity, {sensor.residual_w:.1f} W rms left"
    return f"{columns(('sensor [ms]', 'measured', '95 %'), rows)}\n{left}"


def _products(found: Calibrated) -> str:
    shipped = catalog.entry("efficiency", found.accelerator)
    rows = []
    for precision, fit in found.products.items():
        key = f"product.{precision}"
        was = f"{100 * shipped.si(key):.1f}" if shipped.has(key) else "-"
        rows.append(
            (precision, f"{100 * fit.share.value:.1f}", _span(fit.share, 100.0, 1), was, f"{fit.half_depth.value:.0f}",
             f"{1e6 * fit.fixed_s.value:.1f}", str(fit.shapes), f"{100 * fit.mean_error:.1f}", f"{100 * fit.bias:+.1f}")
        )  # fmt: skip
    head = ("products", "share %", "95 %", "catalog", "half depth", "fixed us", "shapes", "error %", "bias %")
    return f"{columns(head, rows)}\nerrors on shapes that were left out of the fit"


def _gaps(found: Calibrated) -> str:
    rows = [
        (one.beside, f"{100 * one.target:.0f}", f"{100 * one.reached:.0f}", str(one.gaps), f"{one.watts:.0f}",
         f"{one.low_w:.0f} .. {one.high_w:.0f}",
         "-" if one.copy_bytes_per_s is None else f"{1e-9 * one.copy_bytes_per_s:.0f}",
         "-" if one.slowdown is None else f"{100 * one.slowdown:+.1f}")
        for one in found.gaps
    ]  # fmt: skip
    head = ("gaps beside", "target %", "reached %", "gaps", "W", "95 %", "copy GB/s", "copy slower %")
    return columns(head, rows)


def _points(found: Calibrated, measured: tuple[Point, ...]) -> str:
    power, speed = capping_curve(found.accelerator)
    free = measured[-1].watts.value
    rows = [
        ("as found" if np.isinf(one.value) else f"{one.value:g}", f"{one.watts.value:.1f}", _span(one.watts, 1.0, 1),
         "-" if one.clock_mhz is None else f"{one.clock_mhz:.0f}", f"{1e-12 * one.flop_per_second:.1f}",
         f"{100 * one.speed.value:.1f}", _span(one.speed, 100.0, 1),
         f"{100 * np.interp(one.watts.value / free, power, speed):.1f}", f"{1e-9 * one.flop_per_joule:.1f}",
         "-" if one.stream is None else f"{one.stream.value:.0f}",
         "-" if one.bytes_per_second is None else f"{1e-9 * one.bytes_per_second:.0f}")
        for one in measured
    ]  # fmt: skip
    first = "limit W" if measured[0].quantity == "limit" else "locked MHz"
    head = (first, "W", "95 %", "clock MHz", "TFLOP/s", "speed %", "95 %", "catalog", "GFLOP/J", "stream W", "GB/s")
    return f"{columns(head, rows)}\ncatalog: its speed at the measured share of power"


def _overshoots(measured: tuple[Overshoot, ...]) -> str:
    shipped = catalog.entry("device_power", "excess").figure("overshoot")
    rows = [
        (f"{1e3 * one.burst_s:g}", f"{100 * one.share.value:.1f}", _span(one.share, 100.0, 1),
         f"{100 * shipped.value:.0f} ({100 * shipped.low:.0f} .. {100 * shipped.high:.0f})",
         "-" if one.free_w is None else f"{one.free_w.value:.0f}",
         ", ".join(f"{level.watts.value:.0f} at {limit:g}" for limit, level in one.bursts.items()),
         f"{one.worst_w:.1f}")
        for one in measured
    ]  # fmt: skip
    head = ("bursts ms", "overshoot %", "95 %", "catalog", "free W", "W at a limit of W", "off W")
    return columns(head, rows, widest=60)


def _entered(found: Entered) -> str:
    share = found.share
    return (
        f"entered: overshoot {100 * share.value:.1f} % ({_span(share, 100.0, 1)}) of the way to {found.free_w:.0f} W, "
        "the free level that the catalog has then"
    )


def _span(band: Band, scale: float, digits: int) -> str:
    return f"{scale * band.low:.{digits}f} .. {scale * band.high:.{digits}f}"


def calibrated_data(found: Calibrated) -> dict[str, Any]:
    """Return the same as plain data, in SI, with the overlay."""
    sensor = found.sensor
    return {
        "accelerator": found.accelerator,
        "entry": found.entry,
        "rated_w": found.rated_w,
        "conditions": conditions_text(found),
        "sensor": None if sensor is None else {
            "window_s": sensor.window_s.model_dump(), "delay_s": sensor.delay_s.model_dump(),
            "lag_s": sensor.lag_s.model_dump(), "readings": sensor.readings, "edges": sensor.edges,
            "residual_w": sensor.residual_w,
        },
        "levels": [
            {"level": one.label, "watts": one.watts.model_dump(), "runs": one.runs, "readings": one.readings,
             "interval": one.how}
            for one in found.levels
        ],
        "products": {
            precision: {
                "share": fit.share.model_dump(), "half_depth": fit.half_depth.model_dump(),
                "fixed_s": fit.fixed_s.model_dump(), "products": fit.products, "shapes": fit.shapes,
                "mean_error": fit.mean_error, "bias": fit.bias,
            }
            for precision, fit in found.products.items()
        },
        "gaps": [asdict(one) for one in found.gaps],
        "limits": [_point_data(one) for one in found.capped.limits],
        "clocks": [_point_data(one) for one in found.capped.clocks],
        "overshoots": [
            {
                "burst_s": one.burst_s, "share": one.share.model_dump(),
                "free_w": None if one.free_w is None else one.free_w.model_dump(), "worst_w": one.worst_w,
                "bursts": [
                    {"limit_w": limit, "watts": level.watts.model_dump(), "interval": level.how}
                    for limit, level in one.bursts.items()
                ],
            }
            for one in found.capped.overshoots
        ],
        "left_out": dict(found.left_out),
        "warnings": list(found.warnings),
        "overlay": overlay(found),
    }  # fmt: skip


def _point_data(one: Point) -> dict[str, Any]:
    return {
        "setting": one.quantity,
        "value": None if np.isinf(one.value) else one.value,
        "watts": one.watts.model_dump(),
        "speed": one.speed.model_dump(),
        "flop_per_second": one.flop_per_second,
        "flop_per_joule": one.flop_per_joule,
        "clock_mhz": one.clock_mhz,
        "stream_watts": None if one.stream is None else one.stream.model_dump(),
        "bytes_per_second": one.bytes_per_second,
    }
