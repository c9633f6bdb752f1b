"""What a fit recovers from traces of known truth, and what the record gives back."""

import numpy as np
import pytest
from pydantic import ValidationError

from clustersim.errors import InputError
from clustersim.power.measured_load import MeasuredLoad, load_text, load_waveform, read_load
from clustersim.power.trace import PowerTrace, boxcar
from clustersim.power.trace_fit import fit_load
from clustersim.power.trace_period import JobWindow

TRUTH = {
    "kind": "measured_load", "name": "truth", "source": "made", "high": "85 MW", "low": "20 MW", "period": "21 s",
    "period_sd": "0.2 s", "cycles": 10, "duty": "84 %", "noise": "1 MW", "noise_time": "0.3 s",
    "dips": [
        {"start": "0 s", "length": "3 s", "length_sd": "0.05 s", "level": "20 MW", "fall": "0.6 s", "rise": "0.3 s"},
        {"start": "7 s", "start_sd": "0.03 s", "length": "0.5 s", "level": "30 MW", "fall": "0.2 s", "rise": "0.2 s"},
    ],
}  # fmt: skip


def fit(trace):
    return fit_load(trace, JobWindow(trace.t0_s, trace.t0_s + trace.duration_s, "given"))


def blocks(seed=0, cycles=40, period=10.0, sd=0.15, dip=2.0, dt=0.01, noise=0.0):
    """A square wave with drawn cycle lengths, made here and not by the package; the cycle lengths too."""
    rng = np.random.default_rng(seed)
    lengths = period + sd * rng.standard_normal(cycles)
    starts = np.concatenate([[0.0], np.cumsum(lengths)])
    times = dt * (np.arange(round(starts[-1] / dt)) + 0.5)
    phase = times - starts[np.searchsorted(starts, times, side="right") - 1]
    power = np.where((phase >= 4.0) & (phase < 4.0 + dip), 2e7, 6e7) + noise * rng.standard_normal(times.size)
    return PowerTrace("blocks", 0.0, dt, np.maximum(power, 0.0)), lengths


@pytest.mark.parametrize("noise", [0.0, 2e6, 8e6])
@pytest.mark.parametrize("seed", [0, 1])
def test_a_square_wave_of_known_truth(noise, seed):
    trace, lengths = blocks(seed, noise=noise)
    load = fit(trace)
    # from mark to mark: all cycles but the pieces at the ends
    expected = lengths[:-1]
    assert load.period == pytest.approx(expected.mean(), abs=0.01)
    assert load.period_sd == pytest.approx(expected.std(ddof=1), rel=0.08, abs=0.01)
    assert (load.high, load.low) == pytest.approx((6e7, 2e7), rel=0.02)
    assert load.duty == pytest.approx(0.8, abs=0.005)
    (dip,) = load.dips
    assert (dip.start, dip.length) == pytest.approx((0.0, 2.0), abs=0.02)
    assert dip.level == pytest.approx(2e7, rel=0.02)
    assert load.noise == pytest.approx(noise, rel=0.05, abs=1.0)


def test_the_record_gives_back_what_was_put_in():
    truth = MeasuredLoad.model_validate(TRUTH)
    load = fit(load_waveform(truth, 2000.0, 0.02, seed=3))
    assert load.period == pytest.approx(21.0, abs=0.06)
    assert load.period_sd == pytest.approx(0.2, rel=0.25)
    assert len(load.dips) == 2
    for found, true in zip(load.dips, truth.dips, strict=True):
        assert found.start == pytest.approx(true.start, abs=0.05)
        assert found.length == pytest.approx(true.length, abs=0.05)
        assert found.level == pytest.approx(true.level, rel=0.08)
        assert found.fall == pytest.approx(true.fall, abs=0.12)
    assert load.noise == pytest.approx(1e6, rel=0.2)
    assert load.noise_time == pytest.approx(0.3, rel=0.3)
    assert load.duty == pytest.approx(1.0 - 3.5 / 21.0, abs=0.005)


def test_a_missed_and_a_doubled_dip_do_not_move_the_period():
    trace, _ = blocks(sd=0.05)
    watts = trace.watts.copy()
    watts[round(103.5 / 0.01) : round(107.0 / 0.01)] = 6e7
    watts[round(210.5 / 0.01) : round(211.5 / 0.01)] = 2e7
    load = fit(PowerTrace("t", 0.0, 0.01, watts))
    assert load.period == pytest.approx(10.0, abs=0.03)
    assert load.period_sd < 0.1
    assert len(load.dips) == 1


def test_a_slow_sensor_lengthens_edges_and_keeps_the_period():
    trace, lengths = blocks()
    load = fit(boxcar(trace, 1.0))
    assert load.sensor == 1.0
    assert load.period == pytest.approx(lengths[:-1].mean(), abs=0.01)
    assert load.dips[0].length == pytest.approx(2.0, abs=0.05)
    assert load.dips[0].fall == pytest.approx(1.0, abs=0.05)


def test_idle_is_what_lies_outside_the_job():
    trace, _ = blocks()
    whole = np.concatenate([np.full(2000, 5e6), trace.watts])
    load = fit_load(PowerTrace("t", 0.0, 0.01, whole), JobWindow(20.0, 20.0 + trace.duration_s, "given"))
    assert load.idle == pytest.approx(5e6)
    assert fit(trace).idle is None


def test_what_is_no_cycle_is_refused():
    rng = np.random.default_rng(0)
    with pytest.raises(InputError, match="no two levels"):
        fit(PowerTrace("flat", 0.0, 0.1, np.full(1000, 5e6) + rng.random(1000)))
    with pytest.raises(InputError, match="nothing repeats"):
        fit(PowerTrace("step", 0.0, 0.1, np.repeat([5e6, 9e6], 500)))


def test_the_waveform_keeps_mean_and_depends_on_its_seed_alone():
    truth = MeasuredLoad.model_validate(TRUTH)
    wave = load_waveform(truth, 4000.0, 0.1, seed=1)
    expected = 85e6 - (65e6 * 3.0 + 55e6 * 0.5) / 21.0
    assert wave.watts.mean() == pytest.approx(expected, rel=0.01)
    assert np.array_equal(wave.watts, load_waveform(truth, 4000.0, 0.1, seed=1).watts)
    assert not np.array_equal(wave.watts, load_waveform(truth, 4000.0, 0.1, seed=2).watts)
    quiet = truth.model_copy(update={"noise": 0.0, "period_sd": 0.0})
    fine, coarse = (load_waveform(quiet, 420.0, dt, seed=1) for dt in (0.01, 0.1))
    assert fine.watts.reshape(-1, 10).mean(axis=1) == pytest.approx(coarse.watts, rel=1e-6)


def test_a_record_round_trips_and_a_wrong_one_is_named(tmp_path):
    load = fit(load_waveform(MeasuredLoad.model_validate(TRUTH), 800.0, 0.02))
    path = tmp_path / "load.yaml"
    path.write_text(load_text(load))
    assert read_load(path) == load
    assert "us" not in load_text(load).split("source")[1]
    path.write_text(load_text(load).replace("period: ", "perod: "))
    with pytest.raises(InputError, match=r"load.yaml: (period|perod): "):
        read_load(path)
    with pytest.raises(InputError, match="expected a file with a load record, found none"):
        read_load(tmp_path / "none.yaml")
    for change, told in (
        ({"low": "90 MW"}, "below the high level"),
        ({"dips": TRUTH["dips"][::-1]}, "in order"),
        ({"period": "7 s"}, "within the period"),
        ({"high": 85e6}, "with a unit"),
    ):
        with pytest.raises(ValidationError, match=told):
            MeasuredLoad.model_validate(TRUTH | change) if "high" not in change else MeasuredLoad.model_validate(
                TRUTH | {"high": 85}
            )


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("name: a\nname: b\n", "load.yaml:2: not valid YAML: key 'name' is given twice"),
        ("a: &x 1\nb: *x\n", "load.yaml:2: not valid YAML: anchors and aliases are not supported"),
        ("name: [\n", "load.yaml:2: not valid YAML"),
        ("- 1\n", "load.yaml: expected a load record"),
    ],
)
def test_a_record_is_read_as_strictly_as_a_scenario(tmp_path, text, told):
    path = tmp_path / "load.yaml"
    path.write_text(text)
    with pytest.raises(InputError) as refused:
        read_load(path)
    assert told in str(refused.value)
