"""From power limits and locked clocks of a virtual GPU, of which everything is known, to figures of the catalog."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pytest
import yaml

from clustersim import catalog
from clustersim.errors import InputError
from clustersim.instrument.capping import curve, overshoots, setting_levels
from clustersim.instrument.levels import Level, readings_of, unmeasured_window
from clustersim.instrument.recording import Band, Sensor
from clustersim.power.device import burst_peak_w, load_device_power
from clustersim.power.spec import ServerSpec
from clustersim.report.calibrate import calibrated_data, calibrated_text
from clustersim.study.devices.calibration import calibrate
from clustersim.study.devices.capping import _entered
from clustersim.study.devices.exercise import Kit, Permitted, performed
from clustersim.study.devices.overlay import overlay_text
from clustersim.workload.capping import capping_curve, speed_at_limit
from tests.instrument.fake_machine import VirtualMachine, VirtualSampler
from tests.instrument.made import recorded

FREE, IDLE, OVERSHOOT = 660.0, 120.0, 0.25
WINDOW, REFRESH, DELAY, LAG = 0.025, 0.1, 0.012, 0.007
FULL_MHZ = 1980.0


def speed_of(watts):
    """Speed by power of this device: the last watts buy little."""
    return (watts / FREE) ** 0.6


class Settings:
    """Knows what was set, and counts what was set back."""

    def __init__(self, machine, permitted):
        self.machine, self.permitted, self.restored, self.applied = machine, permitted, 0, []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.restore()

    def apply(self, setting):
        self.applied.append(setting)
        if setting.quantity == "limit":
            self.machine.limit = setting.value or 700.0
            return {"limit_w": self.machine.limit}
        self.machine.locked = setting.value
        return {} if setting.value is None else {"locked_mhz": setting.value}

    @property
    def by_hand(self):
        return "set it back"

    def restore(self):
        self.restored += 1
        self.machine.limit, self.machine.locked = 700.0, None


class Machine(VirtualMachine):
    """Products are as fast as limit and clock let them be; a limit acts after a second of products only."""

    limit, locked = 700.0, None

    def _times(self, each_s, seconds, moved=0.0):
        burst = seconds < 0.9
        held = 1.0 if burst or moved else speed_of(min(FREE, self.limit))
        if self.locked:
            held *= self.locked / FULL_MHZ
        return super()._times(each_s / held, seconds, moved)


def watts(marker):
    """The level of what was done."""
    figures = marker.figures
    if marker.activity == "matrix":
        if "locked_mhz" in figures:
            return 150.0 + (FREE - 150.0) * (figures["locked_mhz"] / FULL_MHZ) ** 2
        limit = min(figures.get("limit_w", 700.0), FREE)
        return limit + OVERSHOOT * (FREE - limit) if "burst_s" in figures else limit
    if marker.activity == "memory":
        return 400.0 if "locked_mhz" in figures else 480.0
    return {"idle": 74.0}.get(marker.activity, IDLE)


class Recorder(VirtualSampler):
    """A sampler whose sensor averages and is late, and that reads the clock too."""

    def __init__(self, computer):
        super().__init__(computer.machine)
        self.computer = computer

    def stop(self):
        inner = tuple(one for one in self.markers if one.activity not in ("duty", "step"))
        told, inner = inner, self.computer.seen(inner)
        known = {str(at): watts(one) for at, one in enumerate(inner)} | {"unmarked": IDLE}
        place = {id(one): str(at) for at, one in enumerate(inner)}
        made = recorded(
            inner,
            *self.computer.sensor,
            LAG,
            poll=self.computer.poll,
            levels=known,
            label=lambda one: place[id(one)],
            seed=self.computer.seed,
        )
        clock = np.full((made.times_s.size, 1), np.nan)
        clock[::50] = FULL_MHZ
        for one in told:
            if "locked_mhz" in one.figures:
                inside = (made.times_s >= one.begin_s) & (made.times_s < one.end_s)
                clock[inside & np.isfinite(clock[:, 0])] = one.figures["locked_mhz"]
        return replace(made, readings={**made.readings, "sm_clock_mhz": clock}, markers=tuple(self.markers))


class Computer:
    sensor, seed, poll = (WINDOW, REFRESH, DELAY), 0, 0.0093
    falls = False
    """Whether bursts begin at the free level, and come down to the limit after 100 ms."""

    def __init__(self):
        self.machine = Machine(precisions=("bf16",))
        self.settings = []
        self.kit = Kit(
            lambda device: 0, self.sampler, lambda device, seed: self.machine, lambda place, one: True, self.sleep,
            self.permit,
        )  # fmt: skip

    @contextmanager
    def sampler(self):
        yield Recorder(self)

    def sleep(self, seconds):
        self.machine.time_s += seconds

    def seen(self, markers):
        """What the device did, which may be more than the markers say."""
        made = []
        for one in markers:
            if self.falls and "burst_s" in one.figures:
                middle = min(one.begin_s + 0.1, one.end_s)
                free = {"limit_w": 700.0, "m": 8192.0}
                made.append(one.model_copy(update={"end_s": middle, "figures": free}))
                if middle < one.end_s:
                    held = {key: value for key, value in one.figures.items() if key != "burst_s"}
                    made.append(one.model_copy(update={"begin_s": middle, "figures": held}))
            else:
                made.append(one)
        return tuple(made)

    def permit(self, place, permitted):
        assert place == 0
        self.settings.append(Settings(self.machine, permitted))
        return self.settings[-1]


LIMITS = Permitted(limits_w=(350.0, 450.0, 550.0))


def sensor(window, refresh, delay):
    """What a sweep found of a sensor."""
    made = {"refresh_s": refresh, "window_s": window, "delay_s": delay}
    bands = {name: Band(value=one, low=one, high=one) for name, one in made.items()}
    return Sensor(**bands, edges=300, by="duty-cycle sweep")


SWEPT = sensor(WINDOW, REFRESH, DELAY)


@pytest.fixture(scope="module")
def limited():
    computer = Computer()
    found = performed(["limits"], scale=0.5, kit=computer.kit, permitted=LIMITS)
    assert computer.settings[0].restored >= 1
    assert (computer.machine.limit, computer.machine.locked) == (700.0, None)
    return replace(found.recording, sensor=SWEPT)


def test_power_and_speed_under_limits_come_back(limited):
    found = calibrate(limited)
    assert [one.value for one in found.capped.limits] == [350.0, 450.0, 550.0, 700.0]
    for one in found.capped.limits:
        truth = min(one.value, FREE)
        print(f"{one.value:g} W: {one.watts.value:.1f} ({one.watts.low:.1f} to {one.watts.high:.1f})")
        assert one.watts.value == pytest.approx(truth, abs=2.0)
        assert one.speed.value == pytest.approx(speed_of(truth), abs=2e-3)
        assert one.flop_per_joule == pytest.approx(4e14 * speed_of(truth) / truth, rel=0.01)
        assert one.clock_mhz == FULL_MHZ
    # nothing of it is taken for a level or a product of the catalog
    assert {one.label for one in found.levels} == {"idle"}
    assert not found.products


def test_the_overshoot_of_bursts_comes_back(limited):
    for one in calibrate(limited).capped.overshoots:
        print(f"{one.burst_s} s: {one.share.value:.3f} ({one.share.low:.3f} to {one.share.high:.3f}), {one.free_w}")
        assert one.share.low <= OVERSHOOT <= one.share.high
        assert one.share.high - one.share.low < 0.1
        assert one.free_w.value == pytest.approx(FREE, abs=4.0)
        for limit, level in one.bursts.items():
            truth = limit + OVERSHOOT * (FREE - limit) if limit < FREE else FREE
            assert level.watts.value == pytest.approx(truth, abs=5.0)
    assert [one.burst_s for one in calibrate(limited).capped.overshoots] == [0.05, 0.5]


def test_the_overlay_of_limits_is_what_the_simulator_reads(limited, tmp_path):
    found = calibrate(limited)
    before = {name: (capping_curve(name)[0].tolist(), speed_at_limit(name, 450.0)) for name in ("H200-SXM", "B300-SXM")}
    (tmp_path / "capped.yaml").write_text(overlay_text(found))
    catalog.use_overlays([tmp_path / "capped.yaml"])
    try:
        assert speed_at_limit("H100-SXM", 450.0) == pytest.approx(speed_of(450.0), abs=2e-3)
        assert speed_at_limit("H100-SXM", 700.0) == 1.0
        # an accelerator that was not measured keeps its curve
        after = {name: (capping_curve(name)[0].tolist(), speed_at_limit(name, 450.0)) for name in before}
        assert after == before
        device = load_device_power("H100-SXM", ServerSpec(cooling="air", accelerators_per_server=8, servers_per_rack=4))
        assert device.overshoot_share == pytest.approx(OVERSHOOT, abs=0.02)
        free = device.level_w.max()
        assert burst_peak_w(device, 450.0, 10.0) == pytest.approx(450.0 + device.overshoot_share * (free - 450.0))
    finally:
        catalog.use_overlays([])
    kinds = yaml.safe_load(overlay_text(found))
    assert set(kinds) == {"device_power", "power_capping"}
    assert kinds["power_capping"]["entries"]["H100-SXM"]["properties"]["points"] == 4


def test_locked_clocks_tell_speed_power_and_work_per_joule():
    computer = Computer()
    permitted = Permitted(clocks_mhz=(1000.0, 1400.0))
    found = performed(["clocks"], scale=0.5, kit=computer.kit, permitted=permitted)
    assert (computer.machine.limit, computer.machine.locked) == (700.0, None)
    done = calibrate(replace(found.recording, sensor=SWEPT))
    for one in done.capped.clocks:
        share = min(one.value, FULL_MHZ) / FULL_MHZ
        locked = np.isfinite(one.value)
        assert one.speed.value == pytest.approx(share, abs=2e-3)
        truth = 150.0 + (FREE - 150.0) * share**2 if locked else FREE
        assert one.watts.value == pytest.approx(truth, abs=2.0)
        assert one.stream.value == pytest.approx(400.0 if locked else 480.0, abs=2.0)
        assert one.clock_mhz == (one.value if locked else FULL_MHZ)
    # without limits the curve is that of the clocks
    assert [one.value for one in done.capped.curve] == [1000.0, 1400.0, np.inf]
    assert "locked clocks" in overlay_text(done)
    text, data = calibrated_text(done), calibrated_data(done)
    assert "locked MHz" in text
    assert data["clocks"][-1]["value"] is None
    assert data["limits"] == data["overshoots"] == []


def test_a_slow_sensor_tells_less_of_the_same():
    """A mean over a second, once a second: the markers undo it, with wider intervals."""
    computer = Computer()
    computer.sensor = (1.0, 1.0, 0.1)
    recording = performed(["limits"], scale=0.5, kit=computer.kit, permitted=LIMITS).recording
    short, long = calibrate(replace(recording, sensor=sensor(*computer.sensor))).capped.overshoots
    for one in (short, long):
        assert one.share.low <= OVERSHOOT <= one.share.high
    print(short.share, long.share)
    assert short.share.high - short.share.low > 0.1
    assert long.share.high - long.share.low < 0.1


def test_bursts_behind_a_sensor_that_was_not_measured_are_left_out(limited):
    readings = readings_of(limited.times_s, limited.power_w())
    markers = [one for one in limited.markers if one.activity != "idle"]
    known, missing = setting_levels(markers, readings, unmeasured_window(), lambda one: one.activity)
    assert "burst" not in {key[2] for key in known}
    assert set(missing) == {"bursts of 50 ms", "bursts of 500 ms"}
    assert "may average over 1 s" in missing["bursts of 50 ms"]


def test_intervals_of_the_overshoot_hold_it():
    """Five sensors with noise of their own, two lengths of bursts: with so few, one may miss."""
    computer = Computer()
    held = []
    for seed in range(5):
        computer.seed = seed
        recording = performed(["limits"], scale=0.34, kit=computer.kit, permitted=LIMITS).recording
        for one in calibrate(replace(recording, sensor=SWEPT)).capped.overshoots:
            held.append(one.share.low <= OVERSHOOT <= one.share.high)
    assert len(held) == 10
    assert sum(held) >= 9


def test_permission_and_pattern_go_together():
    computer = Computer()
    with pytest.raises(InputError, match="exercise limits: expected --permit-limits"):
        performed(["limits"], kit=computer.kit)
    with pytest.raises(InputError, match="--permit-clocks: expected with the pattern clocks"):
        performed(["levels"], kit=computer.kit, permitted=Permitted(clocks_mhz=(1000.0,)))
    with pytest.raises(InputError, match="--permit-limits: expected different ones above 0, twice 450 W"):
        Permitted(limits_w=(450.0, 450.0))
    with pytest.raises(InputError, match="found -1 MHz"):
        Permitted(clocks_mhz=(-1.0,))
    assert computer.settings == []


@pytest.mark.parametrize("failing", ["stop", "error"])
def test_whatever_happens_the_device_is_set_back(failing):
    computer = Computer()
    done = []

    class Stopped(Exception):
        pass

    def stop():
        done.append(1)
        if len(done) > 40 and failing == "error":
            raise Stopped
        return len(done) > 40

    try:
        found = performed(["limits"], scale=0.1, kit=computer.kit, permitted=LIMITS, stop=stop)
        assert failing == "stop"
        assert not found.performed[0].whole
    except Stopped:
        assert failing == "error"
    assert len({str(one) for one in computer.settings[0].applied}) > 1
    assert computer.machine.limit == 700.0


def level(watts, half=0.5):
    return Level("made", Band(value=watts, low=watts - half, high=watts + half), 3, 30, "between runs")


@pytest.mark.parametrize(("share", "free"), [(0.0, 660.0), (0.37, 1082.0), (0.7, 800.0), (1.0, 660.0)])
def test_the_law_of_bursts_is_found_again(share, free):
    """Exact means: also where the device never exceeds a limit, and where its highest limit holds it too."""
    limits = (400.0, 500.0, 600.0, 700.0)
    law = {one: min(one + share * (free - one), free) if one < free else free for one in limits}
    (found,), missing = overshoots({("limit", one, "burst", "matrix", 0.5): level(watts) for one, watts in law.items()})
    assert not missing
    assert found.share.value == pytest.approx(share, abs=1e-3)
    assert found.worst_w < 0.01
    if share in (0.37, 0.7):
        assert found.free_w.value == pytest.approx(free, abs=1.0)
    if share == 0.0:
        assert found.free_w is None


def test_bursts_below_every_limit_tell_no_overshoot():
    known = {("limit", one, "burst", "matrix", 0.5): level(390.0) for one in (400.0, 500.0, 700.0)}
    found, missing = overshoots(known)
    assert not found
    assert "expected two limits below what bursts draw (390 W)" in missing["overshoot of 500 ms"]


def test_settings_that_hold_nothing_back_are_no_curve(limited):
    measured = calibrate(limited).capped.limits
    assert len(curve(measured, 0.6)) == 4
    with pytest.raises(InputError, match="at least 2 settings that hold products back.* found none W"):
        curve(measured[-1:], 0.6)
    # one limit, or none that is low, would put a line to nothing in place of a curve
    with pytest.raises(InputError, match="one at 60% of the free 660 W or below; found 550 W"):
        curve(measured[2:], 0.6)
    with pytest.raises(InputError, match="found 450, 550 W"):
        curve(measured[1:], 0.6)
    turned = replace(measured[0], speed=measured[2].speed), replace(measured[2], speed=measured[0].speed)
    with pytest.raises(InputError, match="more power is not faster"):
        curve([*turned, measured[-1]], 0.6)


def test_a_device_found_under_a_lowered_limit_has_no_curve(limited):
    """Its fastest products are held, so speeds would be over a speed that is not the free one."""
    lowered = replace(limited, devices=(limited.devices[0].model_copy(update={"limit_w": 550.0}),))
    kept = tuple(one for one in lowered.markers if one.figures.get("limit_w", 0.0) < 700.0)
    found = calibrate(replace(lowered, markers=kept))
    assert found.capped.limits[-1].value == 550.0
    assert not found.capped.curve
    assert "the free power is not known" in found.left_out["speed by power"]


def test_the_overshoot_entered_is_of_the_longest_bursts_and_a_narrow_interval(limited):
    short, long = calibrate(limited).capped.overshoots
    left_out = {}
    assert _entered((short, long), 0.5, FREE, left_out).overshoot is long
    assert left_out == {}
    assert _entered((short,), 0.5, FREE, left_out) is None
    assert left_out["overshoot"] == "the catalog's is of the longest bursts, here 500 ms"
    rough = {limit: replace(one, watts=Band(value=500.0, low=400.0, high=600.0)) for limit, one in long.bursts.items()}
    assert _entered((replace(long, bursts=rough),), 0.5, FREE, left_out) is None
    assert "expected an interval of at most 30 points" in left_out["overshoot"]


def test_the_overshoot_is_told_with_the_free_level_that_the_simulator_has(limited):
    """A level that is 40 W below what bursts would run at takes a larger share of a shorter way."""
    long = calibrate(limited).capped.overshoots[-1]
    assert long.share_at(FREE).value == pytest.approx(OVERSHOOT, abs=0.01)
    lower = long.share_at(620.0)
    assert lower.value > OVERSHOOT + 0.02
    for limit in (350.0, 450.0):
        measured = long.bursts[limit].watts.value
        assert limit + lower.value * (620.0 - limit) == pytest.approx(measured, abs=12.0)


def test_the_mean_of_a_burst_is_that_of_all_of_it():
    """For 100 ms at the free level, then at the limit: the tail alone, which is what readings hold, would say less."""
    computer = Computer()
    computer.falls = True
    recording = performed(["limits"], scale=0.34, kit=computer.kit, permitted=LIMITS).recording
    found = calibrate(replace(recording, sensor=SWEPT)).capped.overshoots[-1]
    print(found.share)
    assert found.share.value == pytest.approx(0.1 / 0.5, abs=0.03)
