"""GPT-3 175B on 64 nodes of 8 H100 (MLPerf Training v4.0, power submission, DC), simulated rank by rank.

The plan is the submission's (TP4, PP8, 12 virtual stages, micro-batches of 2, fp8), evaluations and the pauses before
them are those of its event log. No level and no time is read off the power readings. Not independent of them is the
catalog's `rest` of a Hopper node, which is from this submission's idle power; its 99th percentile (690 W per GPU) is a
second source, beside a B300, of the level of matrix products. The step time of the same runs is among the rows that the
constants of training were fitted on.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from clustersim.power.waveform import Binner
from clustersim.scenario import load_scenario
from clustersim.study.event_parts import evaluation, forward_passes, lead, play, training
from clustersim.study.it_power import Pool, tables
from clustersim.study.places.place import place_power
from clustersim.study.step import study_step

POWER = Path(__file__).resolve().parents[2] / ".." / "shared" / "reference" / "power"
RUN = "smc_h100x512_gpt3_5849-240518014016374832336_3"
pytestmark = pytest.mark.skipif(not POWER.is_dir(), reason=f"no reference data at {POWER}")
NODES, GPUS = 64, 8
DT = 10e-3
READ_S = 2.0
"""Every node is read every 2 s, at instants of its own; a reading is a mean over as long. [s]"""
NEAR_S = 4.0
"""A minimum belongs to a switch when it is as near to it. [s]"""
HELD = 0.08
SCENARIO = """
name: gpt3_512
title: GPT-3 175B on 64 nodes of 8 H100
topology: meta_24k_infiniband
job:
  model: gpt3-175b
  sequence_length: 2048
  tokens_per_step_max: 4194304
  token_budget: 1.2e+9
  precision: fp8
  plan: {tensor: 4, pipeline: 8, virtual_stages: 12, data: 16, micro_batch: 2, micro_batches: 64, precision: fp8,
         tensor_overlap: true}
"""


@pytest.fixture(scope="module")
def log():
    events = pd.read_csv(POWER / f"{RUN}_events.csv").drop_duplicates().sort_values("t_s")
    stats = events[events["key"] == "tracked_stats"]

    def timed(name):
        rows = stats[stats["value"].str.contains(name)]
        return rows["t_s"].to_numpy(), rows["value"].str.extract(r"([\d.]+)\}")[0].astype(float).to_numpy()

    start = events.loc[events["key"] == "eval_start", "t_s"].to_numpy()
    stop = events.loc[events["key"] == "eval_stop", "t_s"].to_numpy()
    trained, step_s = timed("train_step")
    batch_end, batch_s = timed("validation_step")
    last = np.array([trained[trained < t].max() for t in start])
    first = np.array([batch_s[batch_end > t][0] for t in start])
    # from the last step to the evaluation, and what its first batch takes longer than the others
    pause = start - last + first - np.median(batch_s)
    return {"start": start, "stop": stop, "last": last, "pause": pause, "step_s": step_s, "batch_s": batch_s}


@pytest.fixture(scope="module")
def measured(log):
    """Mean over the distinct nodes of the readings; what is compared of it."""
    table = pd.read_csv(POWER / f"{RUN}.csv")
    t, power = table["t_s"].to_numpy(), table.drop(columns="t_s").to_numpy(float).mean(axis=1)
    windows = list(zip(log["start"], log["stop"], strict=True))
    evaluated = np.concatenate([power[(t >= a + 3.0) & (t <= b - 2.0)] for a, b in windows])
    aside = np.any([(t > a - 3.0) & (t < b + 3.0) for a, b in windows], axis=0)
    lowest = np.array([power[np.abs(t - a) < NEAR_S].min() for a in log["start"]])
    return {"t": t, "mean": power.mean(), "train": power[~aside].mean(), "eval": evaluated.mean(), "switch": lowest}


@pytest.fixture(scope="module")
def job(tmp_path_factory):
    path = tmp_path_factory.mktemp("gpt3") / "gpt3.yaml"
    path.write_text(SCENARIO, encoding="utf-8")
    place = {"topology.site.cluster.fleet": [{"accelerator": "H100-SXM", "count": NODES * GPUS}],
             "topology.site.cluster.halls": 1}  # fmt: skip
    study = study_step(load_scenario(path, place))
    return study, Pool(tuple(study.trace(index) for index in range(8))), forward_passes(study)


def node_w(job, before_s, duration_s, pause_s, after_s, seed):
    """Mean node power at DC: training, from `before_s` on an evaluation of `duration_s`, training. [W], 10 ms"""
    study, pool, passes = job
    until = before_s + duration_s + after_s
    binner = Binner(tables(study), study.fleet, study.plan.pipeline, 1, round(until / DT), DT)
    rng = np.random.default_rng(seed)
    steps = training(pool, rng)
    first, begin = lead(steps, before_s)
    play(binner, first, begin)
    end = play(binner, evaluation(pool, passes, rng, duration_s, pause_s), before_s)[-1]
    play(binner, steps, end, until)
    # immersion cooled, read at DC: no fans, no supplies
    return binner.finish()[0][0] / NODES + GPUS * study.place.power[0].rest_w


def read(power_w):
    """Mean of many nodes' readings, whose clocks differ by anything up to the time between two of them. [W]

    A mean over 2 s, and over clocks that are spread evenly over 2 s.
    """
    once = np.full(round(READ_S / DT), DT / READ_S)
    return np.convolve(np.convolve(power_w, once, "same"), once, "same")


def lowest_reading(power_w):
    """Lowest of the readings around a switch: the mean over all instants at which the first of them may be taken."""
    each = round(READ_S / DT)
    return float(power_w[: power_w.size // each * each].reshape(-1, each).min(axis=0).mean())


@pytest.fixture(scope="module")
def simulated(job, log):
    """The same figures from one window around every switch, with the pauses of the event log."""
    before, after = 16.0, 8.0
    lowest, evaluated = [], []
    for index, (start, stop, last, pause) in enumerate(
        zip(log["start"], log["stop"], log["last"], log["pause"], strict=True)
    ):
        power = read(node_w(job, before, stop - last, pause, after, index))
        times = np.arange(power.size) * DT + last - before
        lowest.append(lowest_reading(power[np.abs(times - start) < NEAR_S]))
        evaluated.append(power[(times >= start + 3.0) & (times <= stop - 2.0)].mean())
    step = job[1].iteration_time_s
    train = float(node_w(job, 10 * step, 1.0, 0.0, 0.0, 99)[: round(10 * step / DT)].mean())
    every, length = 12 * step, float(np.mean(log["stop"] - log["last"]))
    mean = (every * train + length * np.mean(evaluated)) / (every + length)
    return {"mean": mean, "train": train, "eval": np.mean(evaluated), "switch": np.array(lowest)}


UNCERTAIN = ("matrix", "memory", "exchange", "wait", "blocked", "rest")


def _levels_w(job, bounds):
    """Mean node power of training, and of an evaluation without its pause. [W]"""
    study, *traces = job
    power = place_power(study.scenario.topology, study.scenario.job.precision, bounds)
    moved = (replace(study, place=replace(study.place, power=power)), *traces)
    watts = node_w(moved, 20.0, 12.0, 0.0, 0.0, 7)
    return np.array([watts[: round(20.0 / DT)].mean(), watts[round(21.0 / DT) :].mean()])


@pytest.fixture(scope="module")
def bands(job):
    """Low and high of the node in training and in evaluations: every level moved alone, added in quadrature. [W]"""
    middle = _levels_w(job, {})
    low, high = (
        np.sqrt(sum((_levels_w(job, {name: end}) - middle) ** 2 for name in UNCERTAIN)) for end in ("low", "high")
    )
    return dict(zip(("train", "eval"), np.stack([middle - low, middle + high], axis=1), strict=True))


def compare(name, predicted, published):
    error = predicted / published - 1.0
    print(f"{name:34} predicted {predicted:8.1f}  measured {published:8.1f}  error {100 * error:+5.1f} %")
    return error


def test_the_log_is_that_of_the_benchmark(log):
    assert log["start"].size == 24
    assert np.median(np.diff(log["start"])) == pytest.approx(142.1, abs=0.1)
    assert np.median(log["stop"] - log["start"]) == pytest.approx(12.96, abs=0.01)
    # the first evaluation has more to set up than the others
    assert log["pause"][0] == pytest.approx(1.1, abs=0.05)
    assert np.median(log["pause"][1:]) == pytest.approx(0.2, abs=0.05)


@pytest.mark.parametrize("row", ["mean", "train", "eval"])
def test_node_power(simulated, measured, row):
    assert abs(compare(f"node, {row} [W]", simulated[row], measured[row])) < HELD


@pytest.mark.parametrize("row", ["train", "eval"])
def test_the_measurement_lies_in_the_band_of_the_levels(bands, measured, row):
    low, high = bands[row]
    print(f"node, {row} [W]: band {low:.0f} to {high:.0f}, measured {measured[row]:.0f}")
    assert low < measured[row] < high


def test_minimum_between_training_and_evaluation(simulated, measured):
    """The first switch, where the cluster's lowest power of the run is, and the mean of all 24."""
    first = compare("node, minimum, first switch [W]", simulated["switch"][0], measured["switch"][0])
    every = compare("node, minimum, all switches [W]", simulated["switch"].mean(), measured["switch"].mean())
    assert measured["switch"].argmin() == simulated["switch"].argmin() == 0
    assert abs(first) < HELD
    assert abs(every) < HELD


def test_the_other_runs(simulated):
    """Means of 10 s of the sum of the 64 nodes, over three runs."""
    table = pd.read_csv(POWER / "power_timeseries_gpt3_512h100.csv")
    for run, rows in table.groupby("run"):
        published = rows["cluster_kw_64nodes_dc"].mean() * 1e3 / NODES
        assert abs(compare(f"node, mean, run {run[-1]} [W]", simulated["mean"], published)) < HELD


def test_step_time(job, log):
    _, pool, _ = job
    assert abs(compare("step [ms]", 1e3 * pool.iteration_time_s, 1e3 * np.median(log["step_s"]))) < HELD


def test_batches_of_an_evaluation_are_too_fast(job, log):
    """A known miss (docs/models/events.md): the framework does not overlap exchanges where no gradient is wanted."""
    predicted = np.mean([trace.iteration_time_s for trace in job[2]])
    error = compare("batch of an evaluation [ms]", 1e3 * predicted, 1e3 * np.median(log["batch_s"]))
    assert -0.35 < error < 0.0
