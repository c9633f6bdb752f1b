"""Power limit and clocks of an accelerator through NVML: set where the user permits it, and set back."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

from clustersim.ending import undisturbed
from clustersim.errors import InputError
from clustersim.instrument.patterns import Permitted
from clustersim.instrument.torch_device import HOW_TO_GET
from clustersim.instrument.works import Setting


class NotSetBackError(InputError):
    """A device is left with settings that were changed."""


class NvmlSettings:
    """Settings of one accelerator, set back when the block ends, however it ends.

    The power limit is set back to what it was. A lock of the clock cannot be read, so one that was there before is gone
    afterwards.

    Parameters
    ----------
    place : int
        In NVML's list.
    permitted : Permitted
        What may be set; whether the driver lets this user do so is tried before anything is measured.

    Raises
    ------
    InputError
        If NVML is missing, the user may not set that, or a value is not one that the device can have.
    """

    def __init__(self, place: int, permitted: Permitted) -> None:
        try:
            self._nvml: Any = importlib.import_module("pynvml")
        except ImportError:
            raise InputError(f"exercise: nvidia-ml-py is missing: {HOW_TO_GET}") from None
        self._place = place
        self._permitted = permitted
        self._locked = False

    def __enter__(self) -> Self:
        """Look up how the device is, and check what is permitted."""
        nvml = self._nvml
        try:
            nvml.nvmlInit()
        except nvml.NVMLError as error:
            raise InputError(f"exercise: the NVIDIA driver is missing: {error}") from None
        try:
            self._handle = nvml.nvmlDeviceGetHandleByIndex(self._place)
            if self._permitted.limits_w:
                self._found_mw = int(nvml.nvmlDeviceGetPowerManagementLimit(self._handle))
                self._check_limits()
                # the same again: tells whether this user may
                nvml.nvmlDeviceSetPowerManagementLimit(self._handle, self._found_mw)
            if self._permitted.clocks_mhz:
                self._clocks = self._supported()
                nvml.nvmlDeviceResetGpuLockedClocks(self._handle)
        except nvml.NVMLError as error:
            nvml.nvmlShutdown()
            raise InputError(f"exercise: {self._refused(error)}; nothing was changed") from None
        except InputError:
            nvml.nvmlShutdown()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Set everything back."""
        try:
            self.restore()
        finally:
            self._nvml.nvmlShutdown()

    @property
    def by_hand(self) -> str:
        """Commands that set the device back, for what is killed on the way."""
        told = [f"nvidia-smi -i {self._place} -pl {self._found_mw / 1e3:g}"] if self._permitted.limits_w else []
        return "; ".join([*told, *([f"nvidia-smi -i {self._place} -rgc"] if self._permitted.clocks_mhz else [])])

    def apply(self, setting: Setting) -> Mapping[str, float]:
        """Set it, and return what is in force; raises InputError where the driver refuses."""
        nvml, handle = self._nvml, self._handle
        try:
            if setting.quantity == "limit":
                wanted = self._found_mw if setting.value is None else round(1e3 * setting.value)
                nvml.nvmlDeviceSetPowerManagementLimit(handle, wanted)
                return {"limit_w": nvml.nvmlDeviceGetEnforcedPowerLimit(handle) * 1e-3}
            if setting.value is None:
                self._unlock()
                return {}
            clock = self._clocks[setting.value]
            self._locked = True
            nvml.nvmlDeviceSetGpuLockedClocks(handle, clock, clock)
            return {"locked_mhz": float(clock)}
        except nvml.NVMLError as error:
            raise InputError(f"exercise: {setting}: {self._refused(error)}") from None

    def restore(self) -> None:
        """Set power limit and clocks as they were found, the one also where the other fails.

        Raises
        ------
        NotSetBackError
            If one fails; with the commands.
        """
        failed = []
        with undisturbed():
            for back in (self._limit_back, self._unlock):
                try:
                    back()
                except self._nvml.NVMLError as error:
                    failed.append(str(error))
        if failed:
            raise NotSetBackError(f"exercise: the device could not be set back ({', '.join(failed)}): {self.by_hand}")

    def _limit_back(self) -> None:
        if self._permitted.limits_w:
            self._nvml.nvmlDeviceSetPowerManagementLimit(self._handle, self._found_mw)

    def _unlock(self) -> None:
        if self._locked:
            self._nvml.nvmlDeviceResetGpuLockedClocks(self._handle)
            self._locked = False

    def _check_limits(self) -> None:
        low, high = (1e-3 * one for one in self._nvml.nvmlDeviceGetPowerManagementLimitConstraints(self._handle))
        for value in self._permitted.limits_w:
            if not low <= value <= high:
                raise InputError(f"--permit-limits: expected {low:g} to {high:g} W on this device, found {value:g} W")

    def _supported(self) -> dict[float, int]:
        """Return the clock that the device has nearest to each permitted one. [MHz]"""
        nvml, handle = self._nvml, self._handle
        memory = max(nvml.nvmlDeviceGetSupportedMemoryClocks(handle))
        steps = sorted(int(one) for one in nvml.nvmlDeviceGetSupportedGraphicsClocks(handle, memory))
        chosen: dict[float, int] = {}
        for value in self._permitted.clocks_mhz:
            if not steps[0] <= value <= steps[-1]:
                raise InputError(
                    f"--permit-clocks: expected {steps[0]} to {steps[-1]} MHz on this device, found {value:g} MHz"
                )
            clock = min(steps, key=lambda one: abs(one - value))
            if clock in chosen.values():
                raise InputError(f"--permit-clocks: {value:g} MHz and another are both {clock} MHz on this device")
            chosen[value] = clock
        return chosen

    def _refused(self, error: Any) -> str:
        if error.value == self._nvml.NVML_ERROR_NO_PERMISSION:
            return f"settings of a device are for root to change, outside of unprivileged containers ({error})"
        return str(error)
