"""A module `pynvml` of two devices with the names of the real one, whose sensors show a new power at fixed times."""

from __future__ import annotations

import time
import types

import numpy as np

NAMES = {
    "NVML_SUCCESS": 0,
    "NVML_ERROR_UNINITIALIZED": 1,
    "NVML_ERROR_NOT_SUPPORTED": 3,
    "NVML_ERROR_NO_PERMISSION": 4,
    "NVML_ERROR_DRIVER_NOT_LOADED": 9,
    "NVML_ERROR_TIMEOUT": 10,
    "NVML_ERROR_LIBRARY_NOT_FOUND": 12,
    "NVML_ERROR_GPU_IS_LOST": 15,
    "NVML_ERROR_RESET_REQUIRED": 16,
    "NVML_CLOCK_SM": 1,
    "NVML_CLOCK_MEM": 2,
    "NVML_TEMPERATURE_GPU": 0,
    "NVML_FI_DEV_POWER_INSTANT": 186,
}
FUNCTIONS = (
    "nvmlInit", "nvmlShutdown", "nvmlSystemGetDriverVersion", "nvmlDeviceGetCount", "nvmlDeviceGetHandleByIndex",
    "nvmlDeviceGetName", "nvmlDeviceGetPowerManagementLimit", "nvmlDeviceGetPowerManagementDefaultLimit",
    "nvmlDeviceGetFieldValues", "nvmlDeviceGetPowerUsage", "nvmlDeviceGetTotalEnergyConsumption",
    "nvmlDeviceGetClockInfo", "nvmlDeviceGetTemperature", "nvmlDeviceGetUtilizationRates",
    "nvmlDeviceSetPowerManagementLimit", "nvmlDeviceGetPowerManagementLimitConstraints",
    "nvmlDeviceSetGpuLockedClocks", "nvmlDeviceResetGpuLockedClocks", "nvmlDeviceGetEnforcedPowerLimit",
    "nvmlDeviceGetSupportedMemoryClocks", "nvmlDeviceGetSupportedGraphicsClocks",
)  # fmt: skip


class FakeNvml(types.ModuleType):
    """Counts what it is asked; `fails` maps a function to the error that it raises."""

    def __init__(self, count=2, refresh_s=0.02, fails=None, instant=True, clock=time.monotonic):
        super().__init__("pynvml")
        for name, value in NAMES.items():
            setattr(self, name, value)
        self.count, self.refresh_s, self.instant, self.clock = count, refresh_s, instant, clock
        self.fails = dict(fails or {})
        self.asked = []
        self.set = []
        self.limit_mw, self.locked, self.capped_mw = 650_000, None, 700_000
        self.open = 0
        self.begin = clock()
        self.shown = np.round(300e3 + 5e3 * np.random.default_rng(1).standard_normal((100_000, 8)))
        fake = self

        class NVMLError(Exception):
            def __init__(self, value):
                super().__init__(value)
                self.value = value

            def __str__(self):
                return next(name for name, value in NAMES.items() if value == self.value)

        self.NVMLError = NVMLError

        def wrapped(name):
            method = getattr(fake, f"_{name}")

            def function(*args):
                fake.asked.append(name)
                if name in fake.fails:
                    raise NVMLError(fake.fails[name])
                return method(*args)

            return function

        for name in FUNCTIONS:
            setattr(self, name, wrapped(name))

    def _power_mw(self, handle):
        return int(self.shown[int((self.clock() - self.begin) / self.refresh_s), handle])

    def _nvmlInit(self):
        self.open += 1

    def _nvmlShutdown(self):
        self.open -= 1

    def _nvmlSystemGetDriverVersion(self):
        return "550.54.15"

    def _nvmlDeviceGetCount(self):
        return self.count

    def _nvmlDeviceGetHandleByIndex(self, at):
        return at

    def _nvmlDeviceGetName(self, _):
        return "NVIDIA H100 80GB HBM3"

    def _nvmlDeviceGetPowerManagementLimit(self, _):
        return self.limit_mw

    def _nvmlDeviceSetPowerManagementLimit(self, handle, milliwatts):
        assert isinstance(milliwatts, int)
        self.set.append((handle, milliwatts))
        self.limit_mw = milliwatts

    def _nvmlDeviceGetPowerManagementLimitConstraints(self, _):
        return [200_000, 700_000]

    def _nvmlDeviceSetGpuLockedClocks(self, handle, low, high):
        assert isinstance(low, int)
        assert low == high
        self.set.append((handle, "lock", low))
        self.locked = low

    def _nvmlDeviceResetGpuLockedClocks(self, handle):
        self.set.append((handle, "unlock"))
        self.locked = None

    def _nvmlDeviceGetEnforcedPowerLimit(self, _):
        return min(self.limit_mw, self.capped_mw)

    def _nvmlDeviceGetSupportedMemoryClocks(self, _):
        return [2619, 1593]

    def _nvmlDeviceGetSupportedGraphicsClocks(self, _, memory):
        return {2619: list(range(1980, 330, -15)), 1593: [345]}[memory]

    def _nvmlDeviceGetPowerManagementDefaultLimit(self, _):
        return 700_000

    def _nvmlDeviceGetFieldValues(self, handle, fields):
        assert fields == [186]
        value = types.SimpleNamespace(ullVal=self._power_mw(handle), uiVal=None)
        return [types.SimpleNamespace(nvmlReturn=0 if self.instant else 3, valueType=3, value=value)]

    def _nvmlDeviceGetPowerUsage(self, handle):
        return self._power_mw(handle) + 7

    def _nvmlDeviceGetTotalEnergyConsumption(self, _):
        return int((self.clock() - self.begin) * 300e3) + 5_000_000

    def _nvmlDeviceGetClockInfo(self, _, which):
        return {1: 1980, 2: 2619}[which]

    def _nvmlDeviceGetTemperature(self, _, which):
        return {0: 41}[which]

    def _nvmlDeviceGetUtilizationRates(self, _):
        return types.SimpleNamespace(gpu=97, memory=3)
