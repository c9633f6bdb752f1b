"""What can be asked for the readings of accelerators; NVIDIA's through NVML, which is only asked and never set."""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import cycle
from typing import Any, Literal, Protocol

from clustersim.errors import InputError
from clustersim.instrument.recording import POWER, Device

Field = Literal["instant", "average"]
INSTANT = "instant: NVML_FI_DEV_POWER_INSTANT"
AVERAGE = (
    "average: nvmlDeviceGetPowerUsage, by NVIDIA's documentation the mean over 1 s on Ampere (except GA100) and newer, "
    "the power of the moment on GA100 and older"
)
VALUES = ("dVal", "uiVal", "ulVal", "ullVal", "sllVal", "siVal", "usVal")
"""Members of NVML's union of values, by its types of values."""
GONE = (
    "NVML_ERROR_UNINITIALIZED",
    "NVML_ERROR_DRIVER_NOT_LOADED",
    "NVML_ERROR_GPU_IS_LOST",
    "NVML_ERROR_RESET_REQUIRED",
)
"""After these a device answers no more."""


class Meter(Protocol):
    """Reads all its devices at once."""

    @property
    def devices(self) -> tuple[Device, ...]:
        """What it reads."""

    @property
    def conditions(self) -> Mapping[str, str]:
        """What a reader must know to judge the readings, so far."""

    def read(self) -> Mapping[str, Sequence[float]]:
        """Return one value of each device for each reading that it knows, NaN where it has none now; power first.

        Raises
        ------
        InputError
            If a device answers no more.
        """

    def close(self) -> None:
        """Give back what it holds."""


class NvmlMeter:
    """All NVIDIA accelerators of this machine.

    Power is asked of every device in every sweep. The other readings take longer, the counter of energy some
    milliseconds: every `slow_every` sweeps one of them is asked of one device, in turn, and is NaN in between; the
    first sweep asks for all. What a device does not offer is left out and told in the conditions.

    Raises
    ------
    InputError
        If the package, the driver or an accelerator is missing, or one tells no power.
    """

    def __init__(self, field: Field = "instant", slow_every: int = 2) -> None:
        self._nvml = _package()
        self._slow_every = slow_every
        self._sweeps = 0
        self._failed = 0
        try:
            self._nvml.nvmlInit()
        except self._nvml.NVMLError as error:
            raise InputError(_no_driver(self._nvml, error)) from None
        try:
            self._handles = self._found()
            self._devices = tuple(self._device(at, handle) for at, handle in enumerate(self._handles))
            self._instant = field == "instant" and all(self._has_instant(handle) for handle in self._handles)
            self._power: Callable[[Any], float] = self._instant_power if self._instant else self._average_power
            missing = self._missing()
        except InputError:
            self.close()
            raise
        except self._nvml.NVMLError as error:
            self.close()
            raise InputError(f"NVML: {error}") from None
        pairs = [(name, at) for name in self._slow() for at in range(len(self._handles)) if (name, at) not in missing]
        self._names = [name for name in self._slow() if any(name == other for other, _ in pairs)]
        self._pairs = pairs
        self._turn: Iterator[tuple[str, int]] = cycle(pairs)
        self._told = self._described(field, missing)

    @property
    def devices(self) -> tuple[Device, ...]:
        """Names and power limits as the driver tells them."""
        return self._devices

    @property
    def conditions(self) -> Mapping[str, str]:
        """Driver, field of the power, what is not offered, how many readings failed."""
        return self._told | ({"failed_readings": str(self._failed)} if self._failed else {})

    def read(self) -> Mapping[str, Sequence[float]]:
        """Return the readings of now; see :class:`Meter`."""
        found = {POWER: [self._asked(self._power, POWER, at) for at in range(len(self._handles))]}
        found |= {name: [math.nan] * len(self._handles) for name in self._names}
        if self._sweeps == 0:
            due = self._pairs
        else:
            due = [next(self._turn)] if self._pairs and self._sweeps % self._slow_every == 0 else []
        self._sweeps += 1
        slow = self._slow()
        for name, at in due:
            found[name][at] = self._asked(slow[name], name, at)
        return found

    def close(self) -> None:
        """Shut NVML down for this program."""
        self._nvml.nvmlShutdown()

    def _asked(self, ask: Callable[[Any], float], name: str, at: int) -> float:
        """Return a reading; NaN, and counted, where the driver fails to give it this time."""
        try:
            return ask(self._handles[at])
        except self._nvml.NVMLError as error:
            if error.value in [getattr(self._nvml, one) for one in GONE]:
                raise InputError(f"gpu{at}: {name}: {error}") from None
            self._failed += 1
            return math.nan

    def _slow(self) -> dict[str, Callable[[Any], float]]:
        nvml = self._nvml
        return {
            "energy_j": lambda handle: nvml.nvmlDeviceGetTotalEnergyConsumption(handle) * 1e-3,
            "sm_clock_mhz": lambda handle: float(nvml.nvmlDeviceGetClockInfo(handle, nvml.NVML_CLOCK_SM)),
            "memory_clock_mhz": lambda handle: float(nvml.nvmlDeviceGetClockInfo(handle, nvml.NVML_CLOCK_MEM)),
            "temperature_c": lambda handle: float(nvml.nvmlDeviceGetTemperature(handle, nvml.NVML_TEMPERATURE_GPU)),
            "utilisation_percent": lambda handle: float(nvml.nvmlDeviceGetUtilizationRates(handle).gpu),
        }

    def _instant_power(self, handle: Any) -> float:
        value = self._nvml.nvmlDeviceGetFieldValues(handle, [self._nvml.NVML_FI_DEV_POWER_INSTANT])[0]
        if value.nvmlReturn != self._nvml.NVML_SUCCESS:
            raise self._nvml.NVMLError(value.nvmlReturn)
        # in milliwatts; drivers differ in the type of the number
        return float(getattr(value.value, VALUES[value.valueType])) * 1e-3

    def _average_power(self, handle: Any) -> float:
        return float(self._nvml.nvmlDeviceGetPowerUsage(handle)) * 1e-3

    def _has_instant(self, handle: Any) -> bool:
        try:
            return self._instant_power(handle) > 0.0
        except self._nvml.NVMLError:
            return False

    def _found(self) -> list[Any]:
        count = self._nvml.nvmlDeviceGetCount()
        if count == 0:
            raise InputError(
                "NVML: expected an NVIDIA GPU, the driver found none; `nvidia-smi -L` lists those it knows"
            )
        return [self._nvml.nvmlDeviceGetHandleByIndex(at) for at in range(count)]

    def _device(self, at: int, handle: Any) -> Device:
        name = self._nvml.nvmlDeviceGetName(handle)
        return Device(
            index=at,
            name=name.decode() if isinstance(name, bytes) else name,
            limit_w=self._limit(self._nvml.nvmlDeviceGetPowerManagementLimit, handle),
            rated_w=self._limit(self._nvml.nvmlDeviceGetPowerManagementDefaultLimit, handle),
        )

    def _limit(self, ask: Callable[[Any], int], handle: Any) -> float | None:
        try:
            return ask(handle) * 1e-3 or None
        except self._nvml.NVMLError:
            return None

    def _missing(self) -> dict[tuple[str, int], str]:
        """Ask each device for everything once; return what it does not offer, and why."""
        missing = {}
        for at, handle in enumerate(self._handles):
            try:
                self._power(handle)
            except self._nvml.NVMLError as error:
                raise InputError(f"gpu{at} ({self._devices[at].name}): tells no power: {error}") from None
            for name, ask in self._slow().items():
                try:
                    ask(handle)
                except self._nvml.NVMLError as error:
                    missing[name, at] = str(error)
        return missing

    def _described(self, field: Field, missing: Mapping[tuple[str, int], str]) -> dict[str, str]:
        driver = self._nvml.nvmlSystemGetDriverVersion()
        told = {
            "driver": driver.decode() if isinstance(driver, bytes) else driver,
            "field": INSTANT if self._instant else AVERAGE,
            "slow_readings": f"one of one device every {self._slow_every} sweeps, in turn",
        }
        if field == "instant" and not self._instant:
            told["field"] += "; the power of the moment was asked for, which not every device offers"
        if missing:
            told["not_offered"] = "; ".join(f"gpu{at} {name}: {why}" for (name, at), why in missing.items())
        return told


def _package() -> Any:
    try:
        nvml = importlib.import_module("pynvml")
    except ImportError:
        raise InputError("NVML: the Python package nvidia-ml-py is missing: pip install 'clustersim[record]'") from None
    if not hasattr(nvml, "NVML_FI_DEV_POWER_INSTANT"):
        raise InputError("NVML: the package pynvml that is installed is too old: pip install 'clustersim[record]'")
    return nvml


def _no_driver(nvml: Any, error: Any) -> str:
    if error.value in (nvml.NVML_ERROR_LIBRARY_NOT_FOUND, nvml.NVML_ERROR_DRIVER_NOT_LOADED):
        return (
            f"NVML: the NVIDIA driver is missing ({error}): install it until `nvidia-smi` works; "
            "a container needs its GPUs handed in (docker run --gpus all)"
        )
    return f"NVML: cannot be started: {error}"
