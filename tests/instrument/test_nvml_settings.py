"""Settings are changed where that is permitted, and always set back."""

from __future__ import annotations

import os
import signal
import sys

import pytest

from clustersim.errors import InputError
from clustersim.instrument.nvml_settings import NotSetBackError, NvmlSettings
from clustersim.instrument.patterns import Permitted
from clustersim.instrument.works import Setting
from tests.instrument.fake_nvml import NAMES, FakeNvml

BOTH = Permitted(limits_w=(450.0, 300.5), clocks_mhz=(1000.0,))
DENIED = NAMES["NVML_ERROR_NO_PERMISSION"]


@pytest.fixture
def nvml(monkeypatch):
    made = FakeNvml()
    monkeypatch.setitem(sys.modules, "pynvml", made)
    return made


def test_a_limit_is_in_force_and_back_afterwards(nvml):
    with NvmlSettings(1, BOTH) as settings:
        assert settings.apply(Setting("limit", 450.0)) == {"limit_w": 450.0}
        assert nvml.limit_mw == 450_000
        assert settings.apply(Setting("limit", None)) == {"limit_w": 650.0}
        assert settings.apply(Setting("limit", 300.5)) == {"limit_w": 300.5}
        assert settings.by_hand == "nvidia-smi -i 1 -pl 650; nvidia-smi -i 1 -rgc"
    assert nvml.limit_mw == 650_000
    assert {one[0] for one in nvml.set} == {1}
    assert nvml.open == 0


def test_a_clock_is_locked_and_unlocked(nvml):
    with NvmlSettings(0, Permitted(clocks_mhz=(1000.0,))) as settings:
        assert settings.apply(Setting("clock", None)) == {}
        assert settings.apply(Setting("clock", 1000.0)) == {"locked_mhz": 1005.0}
        # the device has steps of 15 MHz
        assert nvml.locked == 1005
    assert nvml.locked is None
    # what was not permitted is not touched, nor asked for
    assert not [name for name in nvml.asked if "PowerManagement" in name]


def test_an_error_on_the_way_sets_it_back(nvml):
    def measured():
        with NvmlSettings(0, BOTH) as settings:
            settings.apply(Setting("limit", 450.0))
            settings.apply(Setting("clock", 1000.0))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        measured()
    assert (nvml.limit_mw, nvml.locked, nvml.open) == (650_000, None, 0)


def test_a_signal_waits_until_the_device_is_set_back(nvml, monkeypatch):
    """Ctrl-C a second time comes while the limit is set back."""

    def slow(handle, milliwatts, usual=nvml.nvmlDeviceSetPowerManagementLimit):
        if milliwatts == 650_000 and nvml.limit_mw == 450_000:
            os.kill(os.getpid(), signal.SIGINT)
        usual(handle, milliwatts)

    monkeypatch.setattr(nvml, "nvmlDeviceSetPowerManagementLimit", slow)

    def measured():
        with NvmlSettings(0, BOTH) as settings:
            settings.apply(Setting("limit", 450.0))
            settings.apply(Setting("clock", 1000.0))

    with pytest.raises(KeyboardInterrupt):
        measured()
    assert (nvml.limit_mw, nvml.locked, nvml.open) == (650_000, None, 0)


def test_who_may_not_is_told_before_anything_is_measured(nvml):
    nvml.fails = {"nvmlDeviceSetPowerManagementLimit": DENIED}
    with (
        pytest.raises(InputError, match=r"for root to change.* \(NVML_ERROR_NO_PERMISSION\); nothing was changed"),
        NvmlSettings(0, BOTH),
    ):
        pass
    nvml.fails = {"nvmlDeviceResetGpuLockedClocks": DENIED}
    with pytest.raises(InputError, match="for root to change"), NvmlSettings(0, Permitted(clocks_mhz=(1000.0,))):
        pass
    assert nvml.open == 0


@pytest.mark.parametrize(
    ("permitted", "said"),
    [
        (Permitted(limits_w=(150.0,)), "--permit-limits: expected 200 to 700 W on this device, found 150 W"),
        (Permitted(limits_w=(450.0, 701.0)), "found 701 W"),
        (Permitted(clocks_mhz=(2000.0,)), "--permit-clocks: expected 345 to 1980 MHz on this device, found 2000 MHz"),
        (Permitted(clocks_mhz=(0.3,)), "found 0.3 MHz"),
        (Permitted(clocks_mhz=(1000.0, 1003.0)), "1003 MHz and another are both 1005 MHz on this device"),
    ],
)
def test_values_that_the_device_cannot_have_are_refused(nvml, permitted, said):
    with pytest.raises(InputError, match=said), NvmlSettings(0, permitted):
        pass
    assert (nvml.set, nvml.open) == ([], 0)


def test_the_clock_is_unlocked_also_where_the_limit_cannot_be_set_back(nvml):
    def measured():
        with NvmlSettings(0, BOTH) as settings:
            settings.apply(Setting("clock", 1000.0))
            nvml.fails = {"nvmlDeviceSetPowerManagementLimit": NAMES["NVML_ERROR_TIMEOUT"]}

    with pytest.raises(NotSetBackError, match="NVML_ERROR_TIMEOUT"):
        measured()
    assert nvml.locked is None


def test_the_limit_in_force_is_told_where_another_caps_it(nvml):
    nvml.capped_mw = 500_000
    with NvmlSettings(0, Permitted(limits_w=(550.0, 450.0))) as settings:
        assert settings.apply(Setting("limit", 550.0)) == {"limit_w": 500.0}
        assert settings.apply(Setting("limit", 450.0)) == {"limit_w": 450.0}


def test_a_device_that_cannot_be_set_back_is_told_how(nvml):
    def measured():
        with NvmlSettings(0, Permitted(limits_w=(450.0,))) as settings:
            settings.apply(Setting("limit", 450.0))
            nvml.fails = {"nvmlDeviceSetPowerManagementLimit": NAMES["NVML_ERROR_GPU_IS_LOST"]}

    with pytest.raises(InputError, match=r"could not be set back .*: nvidia-smi -i 0 -pl 650"):
        measured()
    assert nvml.open == 0


def test_without_the_package_or_the_driver_one_line_says_so(monkeypatch, nvml):
    nvml.fails = {"nvmlInit": NAMES["NVML_ERROR_LIBRARY_NOT_FOUND"]}
    with pytest.raises(InputError, match="the NVIDIA driver is missing"), NvmlSettings(0, BOTH):
        pass
    monkeypatch.setitem(sys.modules, "pynvml", None)
    with pytest.raises(InputError, match="nvidia-ml-py is missing"):
        NvmlSettings(0, BOTH)
