"""A calibrated accelerator as text and data."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from clustersim import catalog
from clustersim.instrument.recording import Band
from clustersim.instrument.sensor import SensorFit
from clustersim.report.words import columns
from clustersim.study.device_calibration import Calibrated
from clustersim.study.device_overlay import conditions_text, overlay

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
        "left_out": dict(found.left_out),
        "warnings": list(found.warnings),
        "overlay": overlay(found),
    }  # fmt: skip
