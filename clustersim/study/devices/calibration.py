"""Figures of an accelerator from recordings of what it did: sensor, levels, lag, products, dummy compute, settings."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from clustersim import catalog
from clustersim.catalog.records import Entry
from clustersim.errors import InputError
from clustersim.instrument.duty import sweep_parts
from clustersim.instrument.filling import Filled, filled_gaps
from clustersim.instrument.joining import joined
from clustersim.instrument.levels import Level, Readings, Window, levels, readings_of, unmeasured_window
from clustersim.instrument.patterns import AROUND
from clustersim.instrument.products import ProductFit
from clustersim.instrument.recording import Device, Marker, Recording, read_recording
from clustersim.instrument.sensor import SensorFit, fit_sensor
from clustersim.power.device import rated_power_w
from clustersim.power.trace_files import Columns
from clustersim.study.devices.capping import Capped, measured_capping
from clustersim.study.devices.marked_trace import read_marked_trace
from clustersim.study.devices.works import OTHER, level_label, level_markers, measured_products, work_of

LIMITED = frozenset({"matrix", "matrix.fp8", "matrix.fp16", "matrix.fp4", "memory"})
"""Levels that a lowered power limit changes."""
OTHER_BOARDS = frozenset({"PCIE", "NVL", "MIG", "GH200"})
"""Words of a driver's name that is no board with an SXM socket."""


@dataclass(frozen=True)
class Calibrated:
    """What recordings tell of an accelerator."""

    recording: Recording
    device: int
    """Place among its devices."""
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
    capped: Capped
    left_out: Mapping[str, str]
    """What was looked for and is not entered, and why."""
    warnings: tuple[str, ...]


def calibrate_files(
    paths: Sequence[Path],
    accelerator: str | None = None,
    device: int | None = None,
    tell: Callable[[str], None] = lambda _: None,
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
    device: int | None = None,
    tell: Callable[[str], None] = lambda _: None,
) -> Calibrated:
    """Return the figures that a recording tells of an accelerator.

    Parameters
    ----------
    recording : Recording
        With markers of what the device did.
    accelerator : str, optional
        Name in the catalog; the one that the device's name holds when left out.
    device : int, optional
        Place in the devices of the recording; the only one with markers when left out.
    tell : callable
        Is told each part.

    Raises
    ------
    InputError
        If there is no such device, it has no markers, its name is not in the catalog, or its default power limit is not
        that of the catalog.
    """
    device = _marked_device(recording, device)
    chip = catalog.entry("accelerators", accelerator or known_accelerator(recording.devices[device].name))
    entry = catalog.entry("device_power", chip.name)
    rated = rated_power_w(chip, entry)
    if accelerator is None:
        _check_rated(recording.devices[device], chip.name, rated)
    markers = [one for one in recording.markers if one.device == device and one.activity not in AROUND]
    readings = readings_of(recording.times_s, recording.power_w(device))
    left_out: dict[str, str] = {}
    tell("sensor")
    sensor = _fitted_sensor(recording, markers, readings, left_out)
    window = _window(sensor, recording)
    tell("levels")
    chosen, lowered = level_markers(markers), is_lowered(recording.devices[device])
    found, missing = levels(markers, readings, window, lambda one: level_label(one, chosen))
    left_out |= {name: why for name, why in missing.items() if not name.startswith(OTHER)}
    left_out |= _stand_ins(markers)
    if lowered:
        left_out |= {one.label: "recorded under a lowered power limit" for one in found if one.label in LIMITED}
    if sensor is not None and not sensor.lag_is_resolved:
        lag, over = sensor.lag_s, 1e3 * sensor.window_s.high
        left_out["time_constant"] = (
            f"{1e3 * lag.value:.3g} ms ({1e3 * lag.low:.3g} to {1e3 * lag.high:.3g}) is not above the sensor's window, "
            f"up to {over:.3g} ms"
        )
    elif sensor is None:
        left_out["time_constant"] = (
            "a sensor that the recording only tells of has none: give the recording of its sweep too"
            if _is_measured(recording)
            else "needs the duty-cycle sweep that measures the sensor"
        )
    tell("products")
    products: Mapping[str, ProductFit] = {}
    if lowered or chip.has("power.limit"):
        left_out["products"] = "the catalog's are those without a lowered power limit"
    else:
        products = measured_products(chip.name, markers, left_out)
    tell("filled gaps")
    gaps = filled_gaps(markers, readings, window)
    tell("settings")
    capped = measured_capping(recording, device, markers, readings, window, _free_w(found, entry, rated), left_out)
    return Calibrated(
        recording, device, chip.name, entry.name, rated, sensor, window,
        tuple(one for one in found if not one.label.startswith(OTHER) and one.label not in left_out),
        products, gaps, capped, left_out, _warnings(recording, device, rated, entry.aliases),
    )  # fmt: skip


def _marked_device(recording: Recording, device: int | None) -> int:
    marked = sorted({one.device for one in recording.markers})
    if device is None:
        if len(marked) != 1:
            found = "none" if not marked else f"those of {', '.join(map(str, marked))}"
            raise InputError(f"{recording.name}: expected markers of one device, or --device, found {found}")
        return marked[0]
    if device >= len(recording.devices):
        raise InputError(f"--device: expected one of {len(recording.devices)} devices, found {device}")
    if device not in marked:
        raise InputError(f"{recording.name}: expected markers of what device {device} did, found none")
    return device


def is_lowered(device: Device) -> bool:
    """Return whether a device was recorded under a power limit below its default."""
    return device.limit_w is not None and device.rated_w is not None and device.limit_w < device.rated_w


def _check_rated(device: Device, name: str, rated_w: float) -> None:
    off = catalog.entry("instrument", "calibration").si("rated_off")
    if device.rated_w is not None and abs(device.rated_w / rated_w - 1.0) > off:
        raise InputError(
            f"--accelerator: expected it to be named, for {device.name!r} has a default limit of {device.rated_w:g} W "
            f"and {name} one of {rated_w:g} W"
        )


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
    words |= {word.removesuffix("B") for word in words} | (set() if words & OTHER_BOARDS else {"SXM"})
    chosen = [
        chip.name
        for chip in catalog.entries("accelerators").values()
        if set(chip.name.upper().split("-")) <= words and "-" in chip.name
    ]
    if len(chosen) != 1:
        which = f"could be {', '.join(chosen)}" if chosen else "is none of the catalog's accelerators"
        raise InputError(f"--accelerator: expected the name of the accelerator, for {name!r} {which}")
    return chosen[0]


def _fitted_sensor(
    recording: Recording, markers: Sequence[Marker], readings: Readings, left_out: dict[str, str]
) -> SensorFit | None:
    """Return what the markers tell of the sensor; `left_out` is told why they tell nothing.

    A duty-cycle sweep tells it best, and holds two levels only; where it was in another recording whose result this
    one has, nothing less is asked.
    """
    sweep = sweep_parts(markers)
    if not sweep and _is_measured(recording):
        return None
    try:
        if readings.published is None:
            raise InputError("sensor: expected a power that changes, found one that stands still")
        return fit_sensor(sweep or markers, readings.published, work_of)
    except InputError as error:
        left_out["sensor"] = str(error)
        return None


def _free_w(found: Sequence[Level], entry: Entry, rated_w: float) -> float:
    """Return the level of matrix products as the catalog will have it: measured here, else its own. [W]"""
    measured = [one.watts.value for one in found if one.label == "matrix"]
    return measured[0] if measured else rated_w * entry.si("matrix")


def _is_measured(recording: Recording) -> bool:
    """Return whether the recording says what its sensor is the mean of, from changes of a known load."""
    return recording.sensor is not None and recording.sensor.window_s is not None and recording.sensor.edges > 0


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
            "measured" if _is_measured(recording) else "stated",
        )
    return unmeasured_window()


def _stand_ins(markers: Sequence[Marker]) -> dict[str, str]:
    """Return which levels an exercise only stands in for, where it has markers of them."""
    told = {
        "exchange": "kernels that wait stand for it in an exercise, and move nothing; their level is `wait`",
        "stall": "an idle context stands for it in an exercise; its level is `context`",
    }
    done = {one.activity for one in markers if "pattern" in one.words}
    return {name: why for name, why in told.items() if name in done}


def _warnings(recording: Recording, device: int, rated_w: float, aliases: Sequence[str]) -> tuple[str, ...]:
    said = []
    known = recording.devices[device]
    if known.rated_w is not None and known.rated_w != rated_w:
        said.append(f"the device's default limit is {known.rated_w:g} W, the catalog's rated power {rated_w:g} W")
    if is_lowered(known):
        said.append(f"it was recorded under a limit of {known.limit_w:g} W, below its default of {known.rated_w:g} W")
    if len(aliases) > 1:
        said.append(f"levels of this entry are those of {', '.join(aliases)} alike")
    said.append("one device: the spread between devices is not in the intervals")
    return tuple(said)
