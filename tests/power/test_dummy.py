"""What fills the gaps of a job: the account of energy, the shapes, and what sharing the device costs."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from clustersim import catalog
from clustersim.errors import InputError
from clustersim.power.device_damping import DeviceDamping, device_damping
from clustersim.power.dummy import GapFiller, filled_power, filler_watts, gap_filler, shaped_levels
from clustersim.power.gap_kernels import FILL, GAP_SEGMENTS, INTERLEAVE, MOST_PARTS, SECONDARY, STAIRCASE, fill_gap
from clustersim.power.sharing import DeviceSharing, device_sharing, interleave_gain
from clustersim.power.spec import (
    CompilerShaping,
    DummyCompute,
    MicroBatchInterleave,
    PytorchDamper,
    SecondaryWorkload,
)

RATED_W = 700.0
seconds = st.floats(1e-3, 0.5)
levels = st.floats(0.0, 1.0)
fillers = st.one_of(
    st.builds(GapFiller, st.just(FILL), st.tuples(st.tuples(st.just(np.inf), levels)), st.floats(0.0, 2.0)),
    st.builds(
        GapFiller,
        st.just(STAIRCASE),
        st.lists(st.tuples(seconds, levels), min_size=1, max_size=8).map(tuple),
        repeat=st.booleans(),
    ),
    st.builds(
        GapFiller,
        st.just(SECONDARY),
        st.tuples(st.tuples(seconds, levels), st.tuples(seconds, st.just(0.0))),
        st.floats(0.0, 0.1),
    ),
    st.builds(
        GapFiller,
        st.just(INTERLEAVE),
        st.tuples(st.tuples(st.just(np.inf), levels)),
        st.floats(0.0, 0.1),
        st.floats(0.0, 0.1),
        levels,
    ),
)


def fill(filler, begin, end, low):
    """Return the starts, powers and burned energy of one filled gap of one accelerator."""
    times, watts = np.full(GAP_SEGMENTS + 2, np.nan), np.full(GAP_SEGMENTS + 2, np.nan)
    full = np.array([RATED_W])
    array = filler_watts(filler, full, np.ones((1, 1)), full)[0, 0]
    count, burned = fill_gap(times, watts, 1, begin, end, low, array)
    assert np.isnan(times[0])
    assert np.isnan(times[count:]).all()
    return times[1:count], watts[1:count], burned


def power_at(filler, gap_s, low, when):
    """Return the power at a time from the start of a gap, straight from the strategy's words."""
    since = when - filler.delay_s
    usable = filler.share * (gap_s - filler.lead_s - filler.delay_s)
    period = sum(part for part, _ in filler.cycle)
    if since < 0.0 or since >= usable or (not filler.repeat and since >= period):
        return low
    since = since % period if np.isfinite(period) else since
    for part, level in filler.cycle:
        if since < part:
            return max(low, level * RATED_W)
        since -= part
    raise AssertionError("a time within the period is within one of its parts")


@given(fillers, st.floats(-100.0, 100.0), st.floats(0.0, 30.0), st.floats(0.0, 600.0))
@settings(max_examples=300, deadline=None)
def test_what_is_burned_is_the_power_above_the_gap(filler, begin, length, low):
    end = begin + length
    times, watts, burned = fill(filler, begin, end, low)
    assert times[0] == begin
    assert len(times) <= GAP_SEGMENTS
    assert (np.diff(times) >= 0.0).all()
    assert times[-1] <= end
    assert (watts >= low).all()
    spent = float((np.diff(np.append(times, end)) * (watts - low)).sum())
    assert burned == pytest.approx(spent, rel=1e-9, abs=1e-9)


@given(fillers, st.floats(0.01, 2.0), st.floats(0.0, 600.0), st.lists(st.floats(0.0, 1.0), min_size=1, max_size=20))
@settings(max_examples=300, deadline=None)
def test_the_power_is_what_the_strategy_says(filler, length, low, places):
    times, watts, _ = fill(filler, 0.0, length, low)
    merged = len(times) >= GAP_SEGMENTS - len(filler.cycle) - 1
    for when in np.array(places) * length:
        around = {power_at(filler, length, low, when + shift) for shift in (-1e-7, 0.0, 1e-7)}
        if merged or len(around) > 1 or when >= length:
            continue  # where it changes, rounding decides
        assert watts[np.searchsorted(times, when, side="right") - 1] == pytest.approx(around.pop())


@pytest.mark.parametrize("detection", [0.0, 1e-3, 0.05, 0.2])
@pytest.mark.parametrize("level", [0.1, 0.5, 1.0])
def test_dummy_compute_fills_to_one_level_after_its_detection(detection, level):
    low, begin, end = 203.0, 1.5, 1.7
    times, watts, burned = fill(GapFiller(FILL, ((np.inf, level),), detection), begin, end, low)
    if level * RATED_W > low and end - begin > detection:
        assert (times.tolist(), watts.tolist()) == ([begin, begin + detection], [low, level * RATED_W])
        assert burned == (level * RATED_W - low) * (end - begin - detection)
    else:
        assert (times.tolist(), watts.tolist(), burned) == ([begin], [low], 0.0)


@pytest.mark.parametrize("kind", [FILL, STAIRCASE, SECONDARY, INTERLEAVE])
def test_a_gap_shorter_than_the_delay_burns_nothing(kind):
    filler = GapFiller(kind, ((0.5, 1.0),), delay_s=0.1)
    assert fill(filler, 0.0, 0.1, 200.0)[2] == 0.0
    assert fill(filler, 0.0, 0.11, 200.0)[2] > 0.0
    assert fill(None, 0.0, 10.0, 200.0)[1].tolist() == [200.0]


def test_the_default_damper_is_this_staircase():
    """100 80 50 2: 50 ms in two steps, on all multiprocessors and on 90 % of them, then again."""
    damper = gap_filler((PytorchDamper(kind="pytorch_damper"),))
    times, watts, burned = fill(damper, 0.0, 0.11, 200.0)
    assert times == pytest.approx([0.0, 0.025, 0.05, 0.075, 0.1])
    assert watts == pytest.approx([700.0, 630.0, 700.0, 630.0, 700.0])
    assert burned == pytest.approx(0.06 * 500.0 + 0.05 * 430.0)
    once = gap_filler((PytorchDamper(kind="pytorch_damper", configuration="100 80 50 2", repeat=False),))
    times, watts, burned = fill(once, 0.0, 0.11, 200.0)
    assert times == pytest.approx([0.0, 0.025, 0.05])
    assert watts == pytest.approx([700.0, 630.0, 200.0])
    assert burned == pytest.approx(0.025 * (500.0 + 430.0))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("100 80 50", "expected four whole numbers .* found '100 80 50'"),
        ("100 80 50 two", "expected four whole numbers"),
        ("100 80 50 2.5", "expected four whole numbers"),
        ("0 0 50 2", "tdp_pct_start: expected 1 to 100 %, found 0"),
        ("120 80 50 2", "tdp_pct_start: expected 1 to 100 %, found 120"),
        ("80 100 50 2", "tdp_pct_end: expected at most tdp_pct_start"),
        ("100 80 0 2", "damper_ms and damper_steps: expected at least 1, found 0 and 2"),
        ("100 80 50 0", "damper_ms and damper_steps: expected at least 1, found 50 and 0"),
    ],
)
def test_a_wrong_damper_configuration_is_named(text, words):
    with pytest.raises(ValidationError, match=words):
        PytorchDamper(kind="pytorch_damper", configuration=text)


def test_a_staircase_of_more_steps_than_a_gap_holds_is_refused():
    most = PytorchDamper(kind="pytorch_damper", configuration=f"100 80 500 {MOST_PARTS}")
    times, _, burned = fill(gap_filler((most,)), 0.0, 100.0, 200.0)
    assert len(times) <= GAP_SEGMENTS
    assert burned == pytest.approx(100.0 * (np.mean([700.0 * level for _, level in gap_filler((most,)).cycle]) - 200.0))
    more = PytorchDamper(kind="pytorch_damper", configuration=f"100 80 500 {MOST_PARTS + 1}")
    with pytest.raises(InputError, match=f"at most {MOST_PARTS} damper_steps, found {MOST_PARTS + 1}"):
        gap_filler((more,))


def test_a_long_gap_keeps_the_energy_of_all_its_cycles():
    secondary = SecondaryWorkload(kind="secondary_workload", level="90 %", period="50 ms", back_off="20 %")
    filler = gap_filler((secondary,))
    times, watts, burned = fill(filler, 0.0, 1000.0, 150.0)
    assert GAP_SEGMENTS - 4 < len(times) <= GAP_SEGMENTS
    assert burned == pytest.approx((1000.0 - filler.delay_s) * 0.8 * (630.0 - 150.0), rel=1e-4)
    # the last segment is the mean of what repeats
    assert watts[-1] == pytest.approx(150.0 + 0.8 * 480.0, rel=1e-4)


@given(fillers, st.floats(0.0, 600.0))
@settings(deadline=None, max_examples=25)
def test_the_power_of_an_endless_gap_is_the_mean_of_a_long_one(filler, low):
    full = np.array([RATED_W])
    mean = filled_power(filler_watts(filler, full, np.ones((1, 1)), full), np.array([[low]]))[0, 0]
    assert fill(filler, 0.0, 1e6, low)[2] / 1e6 == pytest.approx(mean - low, abs=2e-3)


def test_nothing_fills_an_endless_gap_without_a_filler():
    full = np.array([RATED_W])
    assert filled_power(filler_watts(None, full, np.ones((1, 2)), full), np.array([[200.0, 300.0]])).tolist() == [
        [200.0, 300.0]
    ]


def test_a_workload_that_always_backs_off_is_none():
    always = SecondaryWorkload(kind="secondary_workload", level="100 %", back_off="100 %")
    assert gap_filler((always,)) is None
    assert device_damping((always,)) == DeviceDamping()
    assert device_sharing((always,)) == DeviceSharing()


def test_a_back_off_too_short_to_read_counters_is_refused():
    slow = SecondaryWorkload(kind="secondary_workload", level="100 %", detection="100 ms")
    with pytest.raises(InputError, match=r"at least one reading of the counters \(100 ms\), found 5 ms"):
        gap_filler((slow,))


def test_two_strategies_for_the_same_gap_are_refused():
    two = (DummyCompute(kind="dummy_compute", floor="70 %"), PytorchDamper(kind="pytorch_damper"))
    with pytest.raises(InputError, match="dummy_compute and pytorch_damper all fill gaps; expected one"):
        device_damping(two)


@pytest.mark.parametrize("back_off", [0.02, 0.1, 0.5])
def test_a_job_comes_back_beside_what_is_left_of_a_burst(back_off):
    """The mean lateness beside a count over the times at which the job can come back."""
    period, contention = 0.2, 0.3
    strategy = SecondaryWorkload(
        kind="secondary_workload",
        level="90 %",
        period="200 ms",
        back_off=f"{100 * back_off} %",
        contention="30 %",
    )
    back = (np.arange(100_000) + 0.5) / 100_000 * period
    late = contention * np.maximum(period * (1.0 - back_off) - back, 0.0).mean()
    found = device_sharing((strategy,))
    assert found.release_s == pytest.approx(late, rel=1e-4)
    assert found.noticed_s == catalog.entry("device_power", "damping").si("secondary.detection")


def test_costs_of_sharing_come_from_the_catalog():
    defaults = catalog.entry("device_power", "damping")
    slower, exchange = defaults.si("dummy.slowdown"), defaults.si("secondary.exchange")
    damper = device_sharing((PytorchDamper(kind="pytorch_damper"),))
    assert (damper.compute, damper.exchange, damper.gap_exchange) == (slower, slower, exchange)
    assert damper.release_s == pytest.approx(defaults.si("secondary.compute") * defaults.si("damper.kernel") / 2)
    other = device_sharing((MicroBatchInterleave(kind="micro_batch_interleave"),))
    assert other == DeviceSharing(gap_exchange=exchange)
    shaped = CompilerShaping(kind="compiler_shaping")
    share = defaults.si("compiler.slowdown")
    assert device_sharing((shaped,)) == DeviceSharing(share, share)
    assert device_sharing((shaped, PytorchDamper(kind="pytorch_damper"))) == DeviceSharing(
        slower + share, slower + share, exchange, damper.release_s
    )


@given(st.lists(st.floats(10.0, 1000.0), min_size=3, max_size=6), st.floats(0.0, 1.0))
def test_shaping_lowers_the_swing_by_its_share_and_no_level(levels_w, share):
    before = np.array([levels_w, levels_w[::-1]])
    after = shaped_levels(before, share)
    assert (after >= before - 1e-12).all()
    assert (after[:, 4:] == before[:, 4:]).all()
    for old, new in zip(before[:, :4], after[:, :4], strict=True):
        assert new.max() == pytest.approx(old.max())
        assert np.ptp(new) == pytest.approx((1.0 - share) * np.ptp(old), abs=1e-9)


def test_levels_of_a_running_program_are_shaped():
    level = np.array([680.0, 500.0, 200.0, 150.0, 75.0, 120.0])
    damping = device_damping((CompilerShaping(kind="compiler_shaping", swing="50 %"),))
    assert shaped_levels(level, damping.shaping_share).tolist() == [680.0, 590.0, 440.0, 415.0, 75.0, 120.0]
    assert (shaped_levels(level, DeviceDamping().shaping_share) == level).all()


def test_a_rank_group_is_filled_by_all_of_its_members():
    rated, matrix = np.array([700.0, 400.0]), np.array([665.0, 380.0])
    members = np.array([[6.0, 8.0], [2.0, 0.0]])
    dummy = device_damping((DummyCompute(kind="dummy_compute", floor="50 %", detection="1 ms"),))
    array = filler_watts(dummy.gap_filler, rated, members, matrix)
    assert array[0, 0].tolist() == [FILL, 1e-3, 0.0, 1.0, 1.0, np.inf, 2100.0]
    assert array[..., -1].tolist() == [[2100.0, 2800.0], [400.0, 0.0]]
    other = device_damping((MicroBatchInterleave(kind="micro_batch_interleave", switch="2 ms", ready="70 %"),))
    array = filler_watts(other.gap_filler, rated, members, matrix)
    assert array[1, 0].tolist() == pytest.approx([INTERLEAVE, 2e-3, 2e-3, 0.7, 1.0, np.inf, 760.0])
    assert filler_watts(DeviceDamping().gap_filler, rated, members, matrix).tolist() == [[[0.0], [0.0]], [[0.0], [0.0]]]


def test_the_second_job_gains_the_time_that_its_power_fills():
    filler = gap_filler((MicroBatchInterleave(kind="micro_batch_interleave", switch="5 ms", ready="80 %"),))
    gaps, step = np.array([0.004, 0.2, 1.0]), 3.0
    gain = interleave_gain(gaps, step, filler, 1e4)
    filled = sum(fill(filler, 0.0, gap, 200.0)[2] for gap in gaps) / (RATED_W - 200.0)
    assert gain.compute_share == pytest.approx(filled / step)
    assert gain.filled_share == pytest.approx(filled / gaps.sum())
    assert gain.tokens_per_s == pytest.approx(1e4 * filled / step)
    assert interleave_gain(np.zeros(0), step, filler, 1e4).filled_share == 0.0
    with pytest.raises(InputError, match="sum to at most step_s = 1 s, found a sum of 1.204 s"):
        interleave_gain(gaps, 1.0, filler, 1e4)
