"""Figures of an accelerator from recordings of what it did: sensor, levels, time constant, products, dummy compute."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from clustersim import catalog
from clustersim.errors import CatalogError, InputError
from clustersim.instrument.duty import sweep_parts
from clustersim.instrument.filling import Filled, filled_gaps
from clustersim.instrument.joining import joined
from clustersim.instrument.levels import Level, Window, levels, readings_of, unmeasured_window
from clustersim.instrument.patterns import AROUND
from clustersim.instrument.products import ProductFit, fit_products, products_of
from clustersim.instrument.recording import Marker, Recording, read_recording
from clustersim.instrument.sensor import SensorFit, fit_sensor
from clustersim.power.device import LEVELS, matrix_figure, rated_power_w
from clustersim.power.trace_files import Columns
from clustersim.study.marked_trace import read_marked_trace
from clustersim.workload.hardware import bare_hardware, constant, generation_of

OTHER = "other"
"""Label of what is no level, such as small products and filled gaps."""


@dataclass(frozen=True)
class Calibrated:
    """What recordings tell of an accelerator."""

    recording: Recording
    accelerator: str
    """Name in the catalog."""
    entry: str
    """Entry of the kind `device_power` that holds its levels."""
    rated_w: float
    sensor: SensorFit | None
    window: Window
    levels: tuple[Level, ...]
    products: Mapping[str, ProductFit]
    """By precision."""
    gaps: tuple[Filled, ...]
    left_out: Mapping[str, str]
    """What was looked for and is not entered, and why."""
    warnings: tuple[str, ...]


def calibrate_files(
    paths: Sequence[Path], accelerator: str | None = None, device: int = 0, tell: Callable[[str], None] = lambda _: None
) -> Calibrated:
    """Read recordings of one device and calibrate it; raises as :func:`calibrate` and ``read_recording`` do."""
    tell("recordings")
    return calibrate(joined([read_recording(path) for path in paths]), accelerator, device, tell)


def calibrate_marked(
    trace: Path,
    markers: Path,
    columns: Columns,
    count: int,
    accelerator: str,
    tell: Callable[[str], None] = lambda _: None,
) -> Calibrated:
    """Calibrate the mean of the accelerators in a trace of others; raises as ``read_marked_trace`` does."""
    tell("trace")
    name = catalog.entry("accelerators", accelerator).name
    return calibrate(read_marked_trace(trace, markers, columns, count, name), name, 0, tell)


def calibrate(
    recording: Recording,
    accelerator: str | None = None,
    device: int = 0,
    tell: Callable[[str], None] = lambda _: None,
) -> Calibrated:
    """Return the figures that a recording tells of an accelerator.

    Parameters
    ----------
    recording : Recording
        With markers of what the device did.
    accelerator : str, optional
        Name in the catalog; the one that the device's name holds when left out.
    device : int
        Place in the devices of the recording.
    tell : callable
        Is told each part.

    Raises
    ------
    InputError
        If there is no such device, it has no markers, or its name is not in the catalog.
    """
    if device >= len(recording.devices):
        raise InputError(f"--device: expected one of {len(recording.devices)} devices, found {device}")
    chip = catalog.entry("accelerators", accelerator or known_accelerator(recording.devices[device].name))
    entry = catalog.entry("device_power", chip.name)
    rated = rated_power_w(chip, entry)
    markers = [one for one in recording.markers if one.device == device and one.activity not in AROUND]
    if not markers:
        raise InputError(f"{recording.name}: expected markers of what device {device} did, found none")
    readings = readings_of(recording.times_s, recording.power_w(device))
    left_out: dict[str, str] = {}
    tell("sensor")
    sensor: SensorFit | None = None
    try:
        if readings.published is None:
            raise InputError("sensor: expected a power that changes, found one that stands still")
        # a duty-cycle sweep tells the sensor best, and holds two levels only
        sensor = fit_sensor(sweep_parts(markers) or markers, readings.published, _load_label)
    except InputError as error:
        left_out["sensor"] = str(error)
    window = _window(sensor, recording)
    tell("levels")
    found, missing = levels(markers, readings, window, level_label)
    left_out |= {name: why for name, why in missing.items() if name != OTHER}
    if sensor is not None and not sensor.lag_is_resolved:
        lag, over = sensor.lag_s, 1e3 * sensor.window_s.value
        left_out["time_constant"] = (
            f"{1e3 * lag.value:.3g} ms ({1e3 * lag.low:.3g} to {1e3 * lag.high:.3g}) is below the sensor's window of "
            f"{over:.3g} ms"
        )
    elif sensor is None:
        left_out["time_constant"] = "needs a sensor whose window is measured"
    tell("products")
    products = _products(chip.name, markers, left_out)
    tell("filled gaps")
    gaps = filled_gaps(markers, readings, window)
    return Calibrated(
        recording, chip.name, entry.name, rated, sensor, window, tuple(one for one in found if one.label != OTHER),
        products, gaps, left_out, _warnings(recording, device, rated, entry.aliases),
    )  # fmt: skip


def known_accelerator(name: str) -> str:
    """Return the accelerator of the catalog that a driver's name is of.

    The words of the catalog's name must all be in it: ``NVIDIA H100 80GB HBM3`` is the H100 on an SXM board, for those
    on PCIe say so.

    Raises
    ------
    InputError
        If there is none, or it could be several.
    """
    words = set(name.upper().replace("-", " ").split())
    # boards on PCIe and their memory are named; an SXM board is called by its family alone
    words |= {word.removesuffix("B") for word in words} | ({"SXM"} if "PCIE" not in words else set())
    chosen = [
        chip.name
        for chip in catalog.entries("accelerators").values()
        if set(chip.name.upper().split("-")) <= words and "-" in chip.name
    ]
    if len(chosen) != 1:
        which = f"could be {', '.join(chosen)}" if chosen else "is none of the catalog's accelerators"
        raise InputError(f"--accelerator: expected the name of the accelerator, for {name!r} {which}")
    return chosen[0]


def level_label(marker: Marker) -> str:
    """Return the level of which a marker is: a name of the catalog's figures, or :data:`OTHER`."""
    if marker.activity == "matrix":
        sizes = [marker.figures[name] for name in ("m", "n", "k") if name in marker.figures]
        large = catalog.entry("instrument", "calibration").si("product.large")
        return matrix_figure(marker.words.get("precision", "bf16")) if min(sizes, default=large) >= large else OTHER
    return marker.activity if marker.activity in LEVELS and "target_share" not in marker.figures else OTHER


def _load_label(marker: Marker) -> str:
    """Return the label in the fit of the sensor: products of each kind have a power of their own."""
    if marker.activity != "matrix":
        return f"{marker.activity} {marker.figures.get('target_share', '')} {marker.words.get('beside', '')}"
    sizes = "x".join(f"{marker.figures[name]:g}" for name in ("m", "n", "k") if name in marker.figures)
    return f"matrix {marker.words.get('precision', '')} {sizes}"


def _window(sensor: SensorFit | None, recording: Recording) -> Window:
    lag = catalog.entry("instrument", "sensor").si("lag")
    if sensor is not None:
        return Window(sensor.window_s.value, sensor.delay_s.value, sensor.lag_s.value, "measured")
    known = recording.sensor
    if known is not None and known.window_s is not None:
        return Window(
            known.window_s.value,
            known.delay_s.value if known.delay_s else 0.0,
            lag,
            "measured" if known.edges else "stated",
        )
    return unmeasured_window()


def _products(chip: str, markers: Sequence[Marker], left_out: dict[str, str]) -> dict[str, ProductFit]:
    timed = [one for one in markers if one.activity == "matrix" and "seconds_each" in one.figures]
    streams = [one.figures["bytes_per_second"] for one in markers if "bytes_per_second" in one.figures]
    found: dict[str, ProductFit] = {}
    for precision in sorted({one.words.get("precision", "bf16") for one in timed}):
        try:
            bare = bare_hardware([chip], [precision], [None])
        except CatalogError as error:
            left_out[f"product.{precision}"] = str(error)
            continue
        reached = max(streams) if streams else float(bare.bandwidth[0]) * constant(generation_of(chip), None, "memory")
        hw = replace(bare, bandwidth=np.array([reached]))
        try:
            own = [one.figures for one in timed if one.words.get("precision", "bf16") == precision]
            found[precision] = fit_products(hw, products_of(own))
        except InputError as error:
            left_out[f"product.{precision}"] = str(error)
    return found


def _warnings(recording: Recording, device: int, rated_w: float, aliases: Sequence[str]) -> tuple[str, ...]:
    said = []
    known = recording.devices[device]
    off = catalog.entry("instrument", "calibration").si("rated_off")
    if known.rated_w is not None and abs(known.rated_w / rated_w - 1.0) > off:
        said.append(f"the device's default limit is {known.rated_w:g} W, the catalog's rated power {rated_w:g} W")
    if known.limit_w is not None and known.rated_w is not None and known.limit_w < known.rated_w:
        said.append(f"it was recorded under a limit of {known.limit_w:g} W, below its default of {known.rated_w:g} W")
    if len(aliases) > 1:
        said.append(f"levels of this entry are those of {', '.join(aliases)} alike")
    said.append("one device: the spread between devices is not in the intervals")
    return tuple(said)
