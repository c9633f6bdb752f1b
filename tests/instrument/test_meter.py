"""NVML is asked as it is documented, and what is missing is said in one line."""

from __future__ import annotations

import importlib.util
import math
import sys

import pytest

from clustersim.errors import InputError
from clustersim.instrument.meter import NvmlMeter
from tests.instrument.fake_nvml import FUNCTIONS, NAMES, FakeNvml


def metered(monkeypatch, field="instant", slow_every=4, **more):
    fake = FakeNvml(clock=lambda: 0.0, **more)
    monkeypatch.setitem(sys.modules, "pynvml", fake)
    return fake, NvmlMeter(field, slow_every)


def test_devices_and_conditions(monkeypatch):
    fake, meter = metered(monkeypatch)
    assert [(one.index, one.name, one.limit_w, one.rated_w) for one in meter.devices] == [
        (at, "NVIDIA H100 80GB HBM3", 650.0, 700.0) for at in range(2)
    ]
    assert meter.conditions["driver"] == "550.54.15"
    assert meter.conditions["field"] == "instant: NVML_FI_DEV_POWER_INSTANT"
    assert "not_offered" not in meter.conditions
    meter.close()
    assert fake.open == 0


def test_the_first_sweep_asks_for_everything_the_others_in_turn(monkeypatch):
    fake, meter = metered(monkeypatch, slow_every=2)
    first = meter.read()
    assert next(iter(first)) == "power_w"
    assert first["power_w"] == pytest.approx([fake.shown[0, 0] / 1e3, fake.shown[0, 1] / 1e3])
    assert first["energy_j"] == [5000.0, 5000.0]
    assert (first["sm_clock_mhz"], first["memory_clock_mhz"]) == ([1980.0] * 2, [2619.0] * 2)
    assert (first["temperature_c"], first["utilisation_percent"]) == ([41.0] * 2, [97.0] * 2)
    sweeps = [meter.read() for _ in range(20)]
    for sweep in sweeps:
        assert not any(map(math.isnan, sweep["power_w"]))
    asked = [sum(not math.isnan(one) for name in list(sweep)[1:] for one in sweep[name]) for sweep in sweeps]
    assert asked == [0, 1] * 10
    for name in list(first)[1:]:
        assert [sum(not math.isnan(sweep[name][at]) for sweep in sweeps) for at in range(2)] == [1, 1]


def test_average_is_asked_and_said(monkeypatch):
    fake, meter = metered(monkeypatch, "average")
    assert meter.read()["power_w"][0] == pytest.approx(fake.shown[0, 0] / 1e3 + 7e-3)
    assert "the mean over 1 s on Ampere (except GA100) and newer" in meter.conditions["field"]
    assert "was asked for" not in meter.conditions["field"]
    assert "nvmlDeviceGetFieldValues" not in fake.asked


@pytest.mark.parametrize("more", [{"instant": False}, {"fails": {"nvmlDeviceGetFieldValues": 3}}])
def test_without_the_power_of_the_moment_the_average_is_taken_and_said(monkeypatch, more):
    fake, meter = metered(monkeypatch, **more)
    assert meter.read()["power_w"][0] == pytest.approx(fake.shown[0, 0] / 1e3 + 7e-3)
    assert meter.conditions["field"].startswith("average")
    assert "the power of the moment was asked for" in meter.conditions["field"]


def test_what_a_device_does_not_offer_is_left_out_and_said(monkeypatch):
    fails = {"nvmlDeviceGetTotalEnergyConsumption": 3, "nvmlDeviceGetPowerManagementLimit": 3}
    _, meter = metered(monkeypatch, fails=fails)
    assert "energy_j" not in meter.read()
    assert "gpu1 energy_j: NVML_ERROR_NOT_SUPPORTED" in meter.conditions["not_offered"]
    assert (meter.devices[0].limit_w, meter.devices[0].rated_w) == (None, 700.0)


def test_a_reading_that_fails_once_is_a_hole_and_counted(monkeypatch):
    fake, meter = metered(monkeypatch)
    fake.fails["nvmlDeviceGetFieldValues"] = NAMES["NVML_ERROR_TIMEOUT"]
    assert all(map(math.isnan, meter.read()["power_w"]))
    del fake.fails["nvmlDeviceGetFieldValues"]
    assert not any(map(math.isnan, meter.read()["power_w"]))
    assert meter.conditions["failed_readings"] == "2"


def test_a_device_that_is_lost_is_said(monkeypatch):
    fake, meter = metered(monkeypatch)
    fake.fails["nvmlDeviceGetFieldValues"] = NAMES["NVML_ERROR_GPU_IS_LOST"]
    with pytest.raises(InputError, match="gpu0: power_w: NVML_ERROR_GPU_IS_LOST"):
        meter.read()


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"fails": {"nvmlInit": 12}}, r"driver is missing.*nvidia-smi.*--gpus all"),
        ({"fails": {"nvmlInit": 9}}, r"driver is missing"),
        ({"fails": {"nvmlInit": 10}}, r"cannot be started: NVML_ERROR_TIMEOUT"),
        ({"count": 0}, r"expected an NVIDIA GPU, the driver found none"),
        ({"fails": {"nvmlDeviceGetPowerUsage": 3}, "instant": False}, r"gpu0 \(NVIDIA H100.*tells no power"),
        ({"fails": {"nvmlDeviceGetHandleByIndex": 15}}, r"NVML: NVML_ERROR_GPU_IS_LOST"),
    ],
)
def test_what_is_missing_is_said(monkeypatch, more, said):
    fake = FakeNvml(**more)
    monkeypatch.setitem(sys.modules, "pynvml", fake)
    with pytest.raises(InputError, match=said) as raised:
        NvmlMeter()
    assert "\n" not in str(raised.value)
    assert fake.open == 0


def test_without_the_package_the_way_to_it_is_said(monkeypatch):
    monkeypatch.setitem(sys.modules, "pynvml", None)
    with pytest.raises(InputError, match=r"nvidia-ml-py is missing: pip install 'clustersim\[record\]'"):
        NvmlMeter()


def test_an_old_package_is_refused(monkeypatch):
    fake = FakeNvml()
    del fake.NVML_FI_DEV_POWER_INSTANT
    monkeypatch.setitem(sys.modules, "pynvml", fake)
    with pytest.raises(InputError, match="too old"):
        NvmlMeter()


@pytest.mark.skipif(importlib.util.find_spec("pynvml") is None, reason="nvidia-ml-py is not installed")
def test_the_fake_has_the_names_of_the_real_package():
    real = importlib.import_module("pynvml")
    assert {name: getattr(real, name) for name in NAMES} == NAMES
    assert all(callable(getattr(real, name)) for name in FUNCTIONS)
    kinds = ("DOUBLE", "UNSIGNED_INT", "UNSIGNED_LONG", "UNSIGNED_LONG_LONG", "SIGNED_LONG_LONG", "SIGNED_INT")
    assert [getattr(real, f"NVML_VALUE_TYPE_{one}") for one in kinds] == list(range(6))
    assert {name for name, _ in real.c_nvmlValue_t._fields_} >= {"dVal", "uiVal", "ulVal", "ullVal", "sllVal", "siVal"}
