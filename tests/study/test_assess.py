"""A trace held against rules: what is judged, what is not and why, and the statistics beside it."""

import numpy as np
import pytest

from clustersim.errors import InputError
from clustersim.power.trace import PowerTrace, resampled
from clustersim.power.trace_period import dominant_period, job_window, two_levels
from clustersim.study.measured.assess import Question, assess, load_rules, spectrogram_of

DT = 0.02


def square(seconds=300.0, dt=DT, low=20e6, high=50e6, period=4.0, duty=0.75, **more):
    times = dt * np.arange(round(seconds / dt))
    return PowerTrace("square", 0.0, dt, np.where(times % period < duty * period, high, low), **more)


def row(found, rule):
    return found.verdict.table.set_index("rule").loc[rule]


def test_rules_of_power_are_judged_and_the_others_say_why_not():
    found = assess(square())
    assert row(found, "ercot-5s-range").measured == pytest.approx(30.0)
    assert row(found, "ercot-5s-range").passed is False
    assert row(found, "southern-ramp").measured == pytest.approx(30.0)
    assert row(found, "choukse-band-energy").window == "job"
    for rule in ("dominion-voltage", "flicker-pst", "island-rocof", "equipment-rating"):
        assert row(found, rule).passed is None
        assert row(found, rule).reason.startswith("not judged: needs plant")
    assert found.verdict.rules_failed == 4


def test_a_trace_that_is_too_short_is_not_judged():
    found = assess(square(50.0))
    assert row(found, "southern-ramp").reason == (
        "not judged: record: a sliding window of 60 s needs a longer record than 50 s"
    )
    assert "needs a record of 100 s, got 50 s" in row(found, "choukse-band-energy").reason
    assert row(found, "ercot-5s-range").passed is False


@pytest.mark.parametrize(
    ("sensor", "judged"), [(0.0, (True, True, True)), (1.0, (True, True, False)), (3.0, (True, False, False)),
                           (40.0, (False, False, False))],
)  # fmt: skip
def test_a_slow_sensor_hides_what_is_fast(sensor, judged):
    found = assess(square(sensor_s=sensor))
    for rule, seen in zip(("southern-ramp", "ercot-5s-range", "choukse-band-energy"), judged, strict=True):
        assert (row(found, rule).passed is not None) is seen
        if not seen:
            assert f"sensor averages over {sensor:g} s" in row(found, rule).reason


def test_coarse_samples_are_not_judged():
    found = assess(square(1200.0, dt=10.0, period=60.0))
    assert row(found, "ercot-5s-range").reason == "not judged: record: needs samples every 5 s or finer, got 10 s"
    assert "needs samples every 25 ms" in row(found, "choukse-band-energy").reason
    ramps = {item["over_s"]: item for item in found.statistics["ramps"]}
    assert ramps[1.0]["up_mw_per_s"] is None
    assert ramps[1.0]["reason"] == "a reading stands for 10 s"
    assert ramps[60.0]["range_mw"] == pytest.approx(30.0)


def test_statistics_of_a_square_wave():
    s = assess(square()).statistics
    assert s["mean_mw"] == pytest.approx(42.5, rel=0.01)
    assert (s["peak_mw"], s["trough_mw"], s["swing_mw"]) == pytest.approx((50.0, 20.0, 30.0))
    assert s["period_s"] == pytest.approx(4.0, abs=0.01)
    assert s["energy_mwh"] == pytest.approx(s["mean_mw"] * (s["to_s"] - s["from_s"]) / 3600)
    assert s["ramps"][0]["up_mw_per_s"] == pytest.approx(30.0)
    # 7.5 MW of power above the mean for 3 s are what a store must take in
    assert s["flattening_energy_mwh"] * 3600 == pytest.approx(22.5, rel=0.02)


@pytest.mark.parametrize(("frequency", "inside"), [(0.05, 0.0), (0.5, 1.0), (5.0, 1.0), (22.0, 0.0)])
def test_a_sine_is_in_its_band(frequency, inside):
    times = DT * np.arange(20_000)
    found = assess(PowerTrace("s", 0.0, DT, 5e7 + 1e7 * np.sin(2 * np.pi * frequency * times)))
    band = found.statistics["band_shares"][0]
    for window in ("rectangular", "hann"):
        assert band[f"energy_{window}"] == pytest.approx(inside, abs=1e-3)


def test_scaling_and_averaging():
    ten = assess(square(), Question(units=10, coherence=0.0))
    assert ten.statistics["mean_mw"] == pytest.approx(10 * assess(square()).statistics["mean_mw"])
    assert row(ten, "ercot-5s-range").measured == pytest.approx(30.0 * 10**0.5)
    slow = assess(square(), Question(averaged_s=4.0))
    assert row(slow, "ercot-5s-range").passed is None
    assert any("averages over 4 s" in note for note in slow.notes)


def test_the_job_is_found_between_idle_and_held_readings():
    rng = np.random.default_rng(1)
    idle = 5e6 + 1e4 * rng.standard_normal(1500)
    job = square(100.0).watts + 1e5 * rng.standard_normal(5000)
    trace = PowerTrace("t", 2.0, DT, np.concatenate([np.full(1000, 4e7), idle, job, np.full(800, 5e6)]))
    window = job_window(trace)
    assert window.from_s == pytest.approx(2.0 + 50.0, abs=0.1)
    assert window.to_s == pytest.approx(2.0 + 150.0, abs=1.1)
    assert job_window(square()).how == "the whole record"
    given = assess(trace, Question(from_s=60.0, to_s=120.0))
    assert (given.job.how, given.statistics["from_s"]) == ("given", pytest.approx(60.0))
    assert given.record_percentiles["p99_mw"] >= 40.0


def test_what_does_not_repeat_has_no_period():
    rng = np.random.default_rng(2)
    assert dominant_period(np.full(1000, 3.0), 0.1) is None
    assert dominant_period(np.linspace(0.0, 1.0, 1000), 0.1) is None
    assert dominant_period(rng.standard_normal(1000), 0.1) is None
    assert two_levels(np.full(100, 5.0)) is None
    assert assess(PowerTrace("c", 0.0, 0.1, np.full(3000, 5e6))).statistics["period_s"] is None


@pytest.mark.parametrize("noise", [0.0, 0.05, 0.2])
def test_the_period_is_found_under_noise_and_fine_structure(noise):
    rng = np.random.default_rng(4)
    times = 0.05 * np.arange(8000)
    power = (
        np.where(times % 21.0 < 18.0, 1.0, 0.2) + 0.1 * np.sin(2 * np.pi * times) + noise * rng.standard_normal(8000)
    )
    assert dominant_period(power, 0.05).seconds == pytest.approx(21.0, abs=0.05)


def test_packs_and_files_of_rules(tmp_path):
    path = tmp_path / "own.yaml"
    path.write_text("packs: [southern]\noverrides: {southern-ramp: 5 MW/min}\n")
    rules = load_rules(("ercot-lel", str(path)))
    assert [rule.id for rule in rules] == ["ercot-5s-range", "southern-ramp"]
    assert rules[1].limit == "5 MW/min"
    path.write_text("pack: [southern]\n")
    with pytest.raises(InputError, match=r"own.yaml: pack: "):
        load_rules((str(path),))
    with pytest.raises(InputError, match="no-such.yaml: expected a file, found none"):
        load_rules(("no-such.yaml",))
    with pytest.raises(InputError, match="unknown rule pack 'ercot'"):
        load_rules(("ercot",))


def test_a_slow_rise_is_all_job_and_a_held_reading_that_was_resampled_is_none():
    rise = PowerTrace("rise", 0.0, DT, np.linspace(1e7, 5e7, 20_000))
    assert job_window(rise).how == "the whole record"
    held = 3e7 * (1.0 + 1e-16 * np.arange(1000) % 3e-16)
    late = PowerTrace("late", 0.0, DT, np.concatenate([held, square(100.0).watts]))
    assert job_window(late).from_s == pytest.approx(20.0, abs=0.1)


@pytest.mark.parametrize("dt", [0.5, 1.0, 2.0])
def test_coarse_samples_do_not_double_the_period(dt):
    """A period of 10.47 s: sampled at 2 s, two of it lie nearer to a whole number of samples than one."""
    times = 0.01 * np.arange(60_000)
    fine = PowerTrace("s", 0.0, 0.01, np.where(times % 10.47 < 8.0, 5e7, 2e7))
    assert dominant_period(resampled(fine, dt).watts, dt).seconds == pytest.approx(10.47, abs=0.1)
    found = assess(resampled(fine, dt)).statistics
    assert found["period_resolved"] is (10.47 / dt >= 8.0)


def test_asked_bands_and_harmonics_stand_beside_the_usual_ones():
    found = assess(square(), Question(bands=((0.2, 0.3), (30.0, 40.0)))).statistics
    rows = {(row["low_hz"], row["high_hz"]): row for row in found["band_shares"]}
    first = found["harmonics"][0]
    assert rows[0.2, 0.3]["energy_hann"] == pytest.approx(first["energy_share"], abs=0.01)
    assert "nothing is known above 25 Hz" in rows[30.0, 40.0]["reason"]
    # height 30 MW at a duty of 3/4: 2 h / pi sin(3 pi / 4)
    assert first["line_amplitude_mw"] == pytest.approx(60.0 / np.pi * np.sin(0.75 * np.pi), rel=2e-3)
    slow = assess(square(sensor_s=1.0)).statistics["harmonics"]
    assert max(row["frequency_hz"] for row in slow) <= 0.5 * (1 + 1e-3)
    assert assess(PowerTrace("c", 0.0, 0.1, np.full(3000, 5e6))).statistics["harmonics"] == []


@pytest.mark.parametrize("segment", [None, 20.0])
def test_a_spectrogram_is_on_the_clock_of_the_trace(segment):
    trace = square(seconds=400.0)
    late = PowerTrace("late", 1000.0, trace.dt_s, trace.watts)
    found = spectrogram_of(late, job_window(late), segment)
    assert found.segment_s == pytest.approx(16.0 if segment is None else 20.0, rel=0.01)
    assert found.times_s[0] == pytest.approx(1000.0 + 0.5 * found.segment_s)
