"""Dummy compute switched on and off: two TITAN X in a small GPT job (github.com/grantwilkins/training_profile).

The job's own script, in public copies beside the traces, says what the burn is: 30 s of matrix products before the
first step and 30 s after the last, in line with the job, with a duty that follows power targets (140 to 185 W of one
device, then down to 100 W) through a calibration ``P = 109.4 W + 189.5 W x duty``. Nothing is burned between steps.
"""

import gzip

import numpy as np
import pytest

from clustersim.power.end_burn import EndBurn, with_end_burns

ACTIVE_W = 150.0
"""The published figures are of the time between the first and the last sample above it."""
WORK_W = 250.0
"""Between the levels of checkpoints (180 W) and of training (330 W)."""
WINDOW = 50
"""Samples in 5 s."""
DUTY_FIRST, DUTY_JOB = (140.0 - 109.4) / 189.5, (185.0 - 109.4) / 189.5
BURN = EndBurn(30.0, 30.0, DUTY_FIRST, DUTY_JOB)
PUBLISHED = {"time": 0.54, "mean power": -0.12, "energy": 0.36}
SWING_W = (167.0, 67.0)


@pytest.fixture(scope="module")
def pair(reference):
    folder = reference / "power"
    if not (folder / "titanx_x2_no_burn.csv.gz").is_file():
        pytest.skip(f"no pair of traces at {folder}")
    return tuple(_read(folder / f"titanx_x2_{name}_burn.csv.gz") for name in ("no", "with"))


@pytest.fixture(scope="module")
def modelled(pair):
    """The record without burn, with the burns of the script put at the ends of the job: no figure of the other."""
    time, power = pair[0]
    start, end = time[power > WORK_W][[0, -1]]
    # loaded and waiting for its first step; and the level of training, at which the burn's products are taken to run
    context = float(np.median(power[(time > start - 3.0) & (time < start - 1.0)]))
    full = float(np.median(power[power > WORK_W]))
    found = with_end_burns(time, power, start, end, BURN, context_w=context, full_w=full)
    return found.time_s, found.power_w


def _read(path):
    with gzip.open(path, "rt") as file:
        rows = [line.split(",")[1:3] for line in file.readlines()[1:]]
    power, time = np.array(rows, dtype=float).T
    return time, power


def _active(time, power):
    first, last = np.flatnonzero(power > ACTIVE_W)[[0, -1]]
    return time[first : last + 1], power[first : last + 1]


def _figures(time, power):
    time, power = _active(time, power)
    energy = float(np.trapezoid(power, time))
    windows = np.lib.stride_tricks.sliding_window_view(power, WINDOW)
    low, high = np.percentile(windows, [5, 95], axis=1)
    length = float(time[-1] - time[0])
    return {"time": length, "mean power": energy / length, "energy": energy, "swing": float(np.median(high - low))}


def _changes(without, burned):
    return {key: burned[key] / without[key] - 1.0 for key in PUBLISHED}


def _step_groups(time, power):
    """Return the seconds from one checkpoint to the next: falls through the level between work and checkpoint."""
    falls = time[1:][(power[1:] < WORK_W) & (power[:-1] >= WORK_W)]
    apart = np.diff(falls)
    return apart[apart > 5.0]


def test_the_published_figures_follow_from_the_files(pair):
    without, burned = (_figures(*trace) for trace in pair)
    for key, change in _changes(without, burned).items():
        assert change == pytest.approx(PUBLISHED[key], abs=0.005), key
    assert (without["swing"], burned["swing"]) == pytest.approx(SWING_W, rel=0.02)


def test_the_burn_does_not_slow_the_steps(pair):
    """From checkpoint to checkpoint the job is as fast with the burn: all of the time is at its ends."""
    without, burned = (float(np.median(_step_groups(*trace))) for trace in pair)
    assert burned == pytest.approx(without, rel=0.04)
    worked = [time[power > WORK_W][-1] - time[power > WORK_W][0] for time, power in pair]
    assert worked[1] == pytest.approx(worked[0], rel=0.04)


def test_the_model_makes_the_measured_changes(pair, modelled):
    """In sign and within a factor of 1.5, with no figure of the burnt trace."""
    without, burned, model = _figures(*pair[0]), _figures(*pair[1]), _figures(*modelled)
    measured, predicted = _changes(without, burned), _changes(without, model)
    for key in PUBLISHED:
        print(f"{key}: model {100 * predicted[key]:+.1f} %, measured {100 * measured[key]:+.1f} %")
        assert 1.0 / 1.5 < predicted[key] / measured[key] < 1.5, key
    print(
        f"swing in 5 s: model {model['swing']:.0f} W, measured {burned['swing']:.0f} W, {without['swing']:.0f} W before"
    )
    assert 1.0 / 1.5 < model["swing"] / burned["swing"] < 1.5


def test_the_swing_falls_by_quiet_time_and_not_in_the_steps(pair):
    """Windows that hold a checkpoint: more than half of them without the burn, fewer with it; the others are alike."""
    held, within = [], []
    for trace in pair:
        windows = np.lib.stride_tricks.sliding_window_view(_active(*trace)[1], WINDOW)
        low, high = np.percentile(windows, [5, 95], axis=1)
        crosses = (high > WORK_W) & (low < WORK_W)
        held.append(float(crosses.mean()))
        within.append(float(np.median((high - low)[low > WORK_W])))
    assert held[0] > 0.5 > held[1]
    assert within[1] == pytest.approx(within[0], rel=0.1)
