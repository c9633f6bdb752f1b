"""Levels of devices and servers, and what the damping strategies do in the device."""

import numpy as np
import pytest

from clustersim import catalog
from clustersim.errors import CatalogError
from clustersim.power.device import load_device_power
from clustersim.power.device_damping import DeviceDamping, device_damping
from clustersim.power.records import Waveform
from clustersim.power.sharing import DeviceSharing, device_sharing
from clustersim.power.spec import DummyCompute, GpuSmoothing, ServerSpec

CHIPS = ("H100-SXM", "H200-SXM", "H800-SXM", "A100-80G-SXM", "TPU7x")


@pytest.mark.parametrize("chip", CHIPS)
def test_levels_fall_from_matrix_to_idle(servers, chip):
    device = load_device_power(chip, servers)
    assert (np.diff(device.level_w) < 0).all()
    assert device.level_w[0] <= device.rated_w
    # the server never draws more than its nameplate
    assert device.server_w(8 * device.level_w[0], 8) <= 8 * device.provisioned_w * 1.001


def test_an_h100_node_draws_what_was_measured(servers):
    """GPT-3 on 64 nodes of 8 H100, immersion cooled, DC side: mean 6.75 kW, 99th percentile 7.43 kW, idle 2.4 kW."""
    device = load_device_power("H100-SXM", servers)
    assert 8 * (device.level_w[0] + device.rest_w) / 1e3 == pytest.approx(7.43, rel=0.04)
    assert 8 * (device.level_w[4] + device.rest_w) / 1e3 == pytest.approx(2.4, rel=0.04)


def test_power_at_the_supplies_input(servers):
    device = load_device_power("H100-SXM", servers)
    assert device.server_w(5600.0, 8) == pytest.approx((5600 + 8 * device.rest_w) * 1.05 / 0.96)
    air = ServerSpec(cooling="air", accelerators_per_server=8, servers_per_rack=4, nic_extra="50 W")
    other = load_device_power("H100-SXM", air)
    assert other.rest_w == device.rest_w + 50.0
    assert other.fan_share > device.fan_share


def test_variants_and_unknown_devices(servers):
    pod, rack = load_device_power("TPU7x", servers), load_device_power("TPU7x", servers, "TPU7x-rack")
    assert (pod.provisioned_w, rack.provisioned_w) == (1090.0, 1560.0)
    assert pod.fan_share == 0.0
    with pytest.raises(CatalogError):
        load_device_power("H100-SXM", servers, "no-such-variant")


def test_strategies_take_their_defaults_from_the_catalog():
    defaults = catalog.entry("device_power", "damping")
    dummy = DummyCompute(kind="dummy_compute", floor="80 %")
    smooth = GpuSmoothing(kind="gpu_smoothing", floor="60 %", ramp="10 %")
    assert device_damping(()) == DeviceDamping()
    both = device_damping((dummy, smooth))
    assert both == DeviceDamping(0.6, 0.8, defaults.si("dummy.detection"), 0.1, defaults.si("smoothing.hysteresis"))
    assert device_damping((DummyCompute(kind="dummy_compute", floor="80 %", detection="1 ms"),)).detection_s == 1e-3
    assert device_sharing((smooth,)) == DeviceSharing()
    slower = defaults.si("dummy.slowdown")
    assert device_sharing((smooth, dummy)) == DeviceSharing(slower, slower)


def test_waveforms_are_checked_and_read_only():
    watts, reactive = np.array([[3.0, 5.0], [1.0, 2.0]]), np.zeros((2, 2))
    wave = Waveform(10.0, 0.5, ("meter", "hall"), (None, "meter"), watts, reactive)
    assert wave.energy_j("meter") == 4.0
    assert wave.power("hall").tolist() == [1.0, 2.0]
    assert wave.reactive("hall").tolist() == [0.0, 0.0]
    assert wave.times_s().tolist() == [10.0, 10.5]
    assert wave.samples == 2
    with pytest.raises(ValueError, match="read-only"):
        wave.watts[0, 0] = 0.0
    with pytest.raises(ValueError, match=r"expected arrays of shape \(1, 2\)"):
        Waveform(0.0, 0.5, ("meter",), (None,), watts, reactive)
