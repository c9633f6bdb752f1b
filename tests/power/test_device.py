"""Levels of devices and servers, bursts under a limit, and what the damping strategies do in the device."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from clustersim import catalog
from clustersim.errors import CatalogError, InputError
from clustersim.power.device import BANDS, LEVELS, burst_peak_w, load_device_power
from clustersim.power.device_damping import DeviceDamping, device_damping
from clustersim.power.records import Waveform
from clustersim.power.sharing import DeviceSharing, device_sharing
from clustersim.power.spec import DummyCompute, GpuSmoothing, ServerSpec
from clustersim.power.states import STATE_LEVELS
from clustersim.training.records import ACTIVITIES

CHIPS = (
    "H100-SXM", "H200-SXM", "H800-SXM", "A100-80G-SXM", "A100-40G-PCIe", "B200-SXM", "B300-SXM", "GB200-NVL72",
    "GB300-NVL72", "Trainium2", "TPU7x",
)  # fmt: skip
REFERENCE = Path(__file__).resolve().parents[2] / ".." / "shared" / "reference" / "power"
AIR = ServerSpec(cooling="air", accelerators_per_server=8, servers_per_rack=4)


@pytest.fixture(scope="module")
def b300(servers):
    return load_device_power("B300-SXM", servers)


@pytest.fixture(scope="module")
def measured():
    """Rows of one B300 by case; averages and the highest reading of the instantaneous counter. [W]"""
    path = REFERENCE / "b300_single_gpu_by_activity.csv"
    if not path.is_file():
        pytest.skip("the measured rows are not here")
    return pd.read_csv(path).set_index("case")


@pytest.mark.parametrize("chip", CHIPS)
def test_levels_fall_from_matrix_to_idle(servers, chip):
    device = load_device_power(chip, servers)
    assert LEVELS[:5] == ACTIVITIES
    assert (np.diff(device.level_w[:5]) < 0).all()
    assert device.level_w[0] <= device.rated_w
    # a process holds more than none; a stall is between it and a collective; nothing that waits passes an exchange
    assert device.idle_w <= device.level("context") <= device.level("stall") <= device.level("exchange")
    assert device.idle_w < device.level("blocked") < device.level("exchange")
    assert device.rated_w <= device.excess_w <= 1.5 * device.rated_w
    # the server never draws more than its nameplate
    assert device.server_w(8 * device.level_w[0], 8) <= 8 * device.provisioned_w * 1.001


@pytest.mark.parametrize("chip", CHIPS)
def test_ends_of_the_bands_lie_around_the_levels(servers, chip):
    here = load_device_power(chip, servers)
    low = load_device_power(chip, servers, bounds=dict.fromkeys(BANDS, "low"))
    high = load_device_power(chip, servers, bounds=dict.fromkeys(BANDS, "high"))
    assert (low.level_w <= here.level_w).all()
    assert (here.level_w <= high.level_w).all()
    assert low.rest_w < here.rest_w < high.rest_w
    assert low.time_constant_s < here.time_constant_s < high.time_constant_s
    assert low.server_w(0.0, 8) < here.server_w(0.0, 8) < high.server_w(0.0, 8)
    with pytest.raises(InputError, match="found turbo"):
        load_device_power(chip, servers, bounds={"turbo": "low"})


def test_the_precision_chooses_the_matrix_level(servers, measured):
    """Ratios of one sweep of a B300; the level of bf16 is that of its loop of products."""
    levels = {p: load_device_power("B300-SXM", servers, precision=p) for p in ("bf16", "fp16", "fp8", "fp8_block")}
    for name in ("fp16", "fp8"):
        ratio = levels[name].level("matrix") / levels["bf16"].level("matrix")
        assert ratio == pytest.approx(measured.avg_w[f"prec-{name}"] / measured.avg_w["prec-bf16"], abs=2e-3)
        np.testing.assert_array_equal(levels[name].level_w[1:], levels["bf16"].level_w[1:])
    assert levels["fp8_block"].level("matrix") == levels["fp8"].level("matrix")
    with pytest.raises(CatalogError, match=r"matrix\.int3"):
        load_device_power("B300-SXM", servers, precision="int3")


def test_a_b300_draws_what_was_measured(b300, measured):
    """Prints each level beside its row. Exchange, stall and blocked have none."""
    rows = {
        "matrix": "train-gemm",
        "memory": "dram-only",
        "wait": "unit-atomic",
        "idle": "idle",
        "context": "infer-idle",
    }
    for level, case in rows.items():
        drawn, read = b300.level(level), float(measured.avg_w[case])
        print(f"{level:8} {drawn:7.0f} W  {case:12} {read:7.0f} W  {drawn / read - 1:+.1%}")
        assert drawn == pytest.approx(read, rel=0.01)
    # a training loop went above the limit for moments, never on average
    peak = float(measured.peak_instant_w["train-full"])
    assert b300.excess_w == pytest.approx(peak, rel=0.01)
    assert measured.p99_w["train-full"] < b300.rated_w


def test_an_h100_draws_what_was_measured(servers):
    """One node of 8 H100 with checkpoints: stalls, a context before the first step, idle before and after the job."""
    path = REFERENCE / "h100x8_ckpt_every_50_steps.csv.gz"
    if not path.is_file():
        pytest.skip("the measured trace is not here")
    trace = pd.read_csv(path)
    watts, t = trace["power_watts"].to_numpy() / 8, trace["time_seconds"].to_numpy()
    device = load_device_power("H100-SXM", servers)
    # windows by the clock of the trace; stalls are all that is near their level between the first step and the end
    parts = {
        "idle": watts[(t < 10.0) | (t > 675.0)],
        "context": watts[(t > 12.0) & (t < 109.0)],
        "stall": watts[(t > 128.0) & (t < 660.0) & (watts < 200.0)],
    }
    for level, read in parts.items():
        drawn = device.level(level)
        print(f"{level:8} {drawn:6.1f} W  measured {np.median(read):6.1f} W  {drawn / np.median(read) - 1:+.1%}")
        assert drawn == pytest.approx(np.median(read), rel=0.03)


NODES = (
    # chip, cooling, level, low and high published kW, at the supplies' input
    ("H100-SXM", "immersed", "matrix", 7.43, 7.43),
    ("H100-SXM", "immersed", "idle", 2.40, 2.40),
    ("H100-SXM", "air", "matrix", 9.30, 9.80),
    ("H100-SXM", "air", "idle", 3.10, 3.30),
    ("B200-SXM", "liquid", "matrix", 10.40, 10.40),
    ("B200-SXM", "liquid", "idle", 2.80, 3.30),
)
"""Nodes of 8 in MLPerf power submissions: the immersed one on its DC side, without fans. Matrix is beside the 99th
percentile (H100) or the maximum (B200)."""


@pytest.mark.parametrize(("chip", "cooling", "level", "low_kw", "high_kw"), NODES)
def test_nodes_draw_what_was_measured(servers, chip, cooling, level, low_kw, high_kw):
    device = load_device_power(chip, AIR if cooling == "air" else servers)
    drawn = 8 * device.level(level)
    node = drawn + 8 * device.rest_w if cooling == "immersed" else float(device.server_w(drawn, 8))
    nearest = min(max(node / 1e3, low_kw), high_kw)
    error = node / 1e3 / nearest - 1
    middle = node / 5e2 / (low_kw + high_kw) - 1
    published = f"published {low_kw:g}-{high_kw:g} kW"
    print(
        f"8 {chip} {cooling:8} {level:6} {node / 1e3:6.2f} kW  {published}  {error:+.1%}, to its middle {middle:+.1%}"
    )
    assert abs(error) < 0.06


def test_power_at_the_supplies_input(servers):
    device = load_device_power("H100-SXM", servers)
    behind = (5600 + 8 * device.rest_w) * (1 + device.fan_share)
    assert device.behind_supplies_w(5600.0, 8) == pytest.approx(behind)
    load = behind / (8 * device.supply_w)
    assert device.server_w(5600.0, 8) == pytest.approx(behind / device.supply.efficiency(load))
    air = AIR.model_copy(update={"nic_extra": 50.0})
    other = load_device_power("H100-SXM", air)
    assert other.rest_w == device.rest_w + 50.0
    assert other.fan_share > device.fan_share
    # supplies that sleep leave the others more loaded
    few = load_device_power("H100-SXM", servers.model_copy(update={"supplies": "standby"}))
    assert few.supply_w == pytest.approx(device.supply_w * 4 / 6, rel=1e-3)
    assert few.server_w(600.0, 8) < device.server_w(600.0, 8)


def test_variants_and_unknown_devices(servers):
    pod, rack = load_device_power("TPU7x", servers), load_device_power("TPU7x", servers, "TPU7x-rack")
    assert (pod.provisioned_w, rack.provisioned_w) == (1090.0, 1560.0)
    assert pod.fan_share == 0.0
    with pytest.raises(CatalogError):
        load_device_power("H100-SXM", servers, "no-such-variant")


BURSTS = ("over-500w-5ms", "over-500w-50ms", "over-500w-500ms", "over-700w-20ms")


def test_bursts_pass_a_lowered_limit_as_measured(b300, measured):
    """The overshoot is calibrated on the row of 500 ms alone; time constant and free level come from elsewhere."""
    for case in BURSTS:
        row = measured.loc[case]
        peak = burst_peak_w(b300, row.enforced_limit_w, row.duty_on_ms / 1e3, row.duty_off_ms / 1e3)
        error = peak / row.peak_instant_w - 1
        print(f"{case:16} {peak:5.0f} W  measured {row.peak_instant_w:5.0f} W  {error:+.1%}")
        assert abs(error) < 0.06
    # at the default limit no burst of products passes it
    for case in measured.index[measured.index.str.startswith("duty-")]:
        row = measured.loc[case]
        peak = burst_peak_w(b300, row.enforced_limit_w, row.duty_on_ms / 1e3, row.duty_off_ms / 1e3)
        assert max(peak, row.peak_instant_w) <= b300.rated_w


def test_bursts_rise_with_length_and_limit(b300):
    lengths = [burst_peak_w(b300, 500.0, burst) for burst in (0.0, 1e-3, 5e-3, 0.02, 0.5)]
    assert lengths[0] == b300.idle_w
    assert (np.diff(lengths) > 0).all()
    limits = [burst_peak_w(b300, limit, 0.5) for limit in (300.0, 500.0, 700.0, 900.0, 1100.0)]
    assert (np.diff(limits) > 0).all()
    # above the free level the limit does nothing; a device that never overshoots keeps it
    assert burst_peak_w(b300, 2000.0, 0.5) == pytest.approx(b300.level("matrix"))
    assert burst_peak_w(replace(b300, overshoot_share=0.0), 500.0, 10.0) == pytest.approx(500.0)
    # bursts without a pause are one long burst
    assert burst_peak_w(b300, 500.0, 1e-3, 0.0) == pytest.approx(burst_peak_w(b300, 500.0, 10.0))


def test_states_without_training_have_their_own_levels(devices):
    states = {"detect", "restart", "stopped", "reload", "checkpoint", "reconfigure", "wait"}
    assert set(STATE_LEVELS) == states
    for device in devices:
        found = {state: device.level(level) for state, level in STATE_LEVELS.items()}
        assert found["stopped"] == found["restart"] < found["reload"] < found["checkpoint"] <= found["detect"]
        assert found["reconfigure"] == found["reload"]
        assert found["reload"] < found["wait"] <= found["detect"]


def test_strategies_take_their_defaults_from_the_catalog():
    defaults = catalog.entry("device_power", "damping")
    dummy = DummyCompute(kind="dummy_compute", floor="80 %")
    smooth = GpuSmoothing(kind="gpu_smoothing", floor="60 %", ramp="10 %")
    assert device_damping(()) == DeviceDamping()
    both = device_damping((dummy, smooth))
    assert both == DeviceDamping(0.8, defaults.si("dummy.detection"))
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
