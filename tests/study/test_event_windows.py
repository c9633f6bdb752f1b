"""Windows of a job's events: what they begin and end at, what is in them, and that no energy is lost."""

import numpy as np
import pytest

from clustersim.errors import InputError
from clustersim.operation import EVENT_AT_S, EVENT_S
from clustersim.power.records import coarsen
from clustersim.power.waveform import EXCHANGE, WAIT, Binner
from clustersim.study.event_parts import cut, evaluation, forward_passes, lead, play, stall, training
from clustersim.study.event_windows import checkpoint_window, evaluation_window, storm_window
from clustersim.study.horizon import PAUSED, QUIET
from clustersim.study.it_power import restart_window, state_w, tables
from clustersim.study.run import run
from clustersim.study.site.power import site_it_w
from clustersim.study.step import study_step
from clustersim.training.sequences import FORWARD

DT = 1e-3
BEFORE = (("restart", 0.0), ("reload", 5.0))


@pytest.fixture(scope="module")
def passes(small_study):
    return forward_passes(small_study[0])


@pytest.fixture(scope="module")
def training_w(small_study):
    """Mean power of the accelerators in a step. [W]"""
    study, pool = small_study
    return _drawn(study, pool.traces) / sum(trace.iteration_time_s for trace in pool.traces)


def _binner(study, bins=1):
    return Binner(tables(study), study.fleet, study.plan.pipeline, len(study.place.nodes), bins, DT)


def _drawn(study, parts):
    binner = _binner(study)
    play(binner, parts, 0.0)
    return binner.energy[:, 0].sum()


def _at(watts, begin, end):
    return watts[:, round(begin / DT) : round(end / DT)].sum(axis=0)


@pytest.mark.parametrize("damping", [(), ({"kind": "dummy_compute", "floor": "80 %", "detection": "2 ms"},)])
def test_a_windows_energy_is_that_of_its_parts(scenario, small_study, passes, damping):
    study, pool = study_step(scenario(damping=list(damping))), small_study[1]
    parts = [pool.traces[0], stall(pool.traces[0], 0.7, "stall"), passes[0], cut(passes[1], 0.4), pool.traces[1]]
    binner = _binner(study, 20_000)
    # an empty bin before, so that nothing counts as settled
    starts = play(binner, parts, DT)
    binner.clear(starts[-1])
    watts, held = binner.finish()
    alone = []
    for part in parts:
        one = _binner(study)
        play(one, [part], 0.0)
        alone.append(one.energy)
    np.testing.assert_allclose(binner.energy, sum(alone), rtol=1e-12)
    np.testing.assert_allclose(watts.sum(axis=1) * DT + held, binner.energy[:, 0], rtol=1e-9)
    assert starts[-1] == pytest.approx(DT + sum(part.iteration_time_s for part in parts))


def _level(study, name):
    """Power of all accelerators of the plan at a level of the device. [W]"""
    return study.place.power[0].level(name) * study.plan.accelerators


@pytest.mark.parametrize("level", ["stall", "blocked", "context"])
def test_a_stall_draws_its_level(small_study, level):
    study, pool = small_study
    drawn = _drawn(study, [stall(pool.traces[0], 3.0, level)])
    assert drawn == pytest.approx(3.0 * _level(study, level), rel=1e-12)


def test_a_batch_of_forward_passes_has_nothing_else(small_study, passes):
    """Its energy is that of its operations, of waiting in the pipeline, and of the exchange at its end."""
    study, pool = small_study
    table, trace = tables(study), passes[0]
    schedule = trace.timing.schedule
    assert (schedule.kind == FORWARD).all()
    virtual = trace.timing.operation_s.shape[2]
    assert schedule.per_stage == study.plan.micro_batches * virtual // study.plan.pipeline
    busy = trace.end_s - trace.start_s
    watts = table.operation_w.sum(axis=0)[study.fleet.unit_class][:, schedule.virtual_stage.ravel()]
    last = trace.end_s.reshape(-1, schedule.stages, schedule.per_stage).max(axis=2)
    gaps = last - busy.reshape(last.shape[0], schedule.stages, -1).sum(axis=2)
    at_end = trace.iteration_time_s - last
    level = table.level_w.sum(axis=0)[study.fleet.unit_class]
    drawn = (busy * watts).sum() + (gaps * level[:, [WAIT]]).sum() + (at_end * level[:, [EXCHANGE]]).sum()
    assert _drawn(study, [trace]) == pytest.approx(drawn, rel=1e-9)
    assert trace.iteration_time_s < 0.6 * pool.iteration_time_s
    assert sum(trace.breakdown.values()) == pytest.approx(trace.iteration_time_s)


def test_an_evaluation_lasts_as_long_as_it_is_said_to(small_study, passes):
    _, pool = small_study
    rng = np.random.default_rng(0)
    for duration, pause in ((13.0, 0.0), (13.0, 1.5), (0.01, 0.0)):
        parts = evaluation(pool, passes, rng, duration, pause)
        assert sum(part.iteration_time_s for part in parts) == pytest.approx(duration, rel=1e-12)
        traces = [getattr(part, "trace", part) for part in parts]
        assert all((trace.end_s <= trace.iteration_time_s + 1e-12).all() for trace in traces)


def test_an_evaluation_draws_between_waiting_and_forward_passes(small_study, training_w):
    study, pool = small_study
    hall = evaluation_window(study, pool, 0.0, "schedule", 15.0, 1.0)
    table, fleet = tables(study), study.fleet
    forward = table.operation_w.sum(axis=0)[fleet.unit_class][:, : table.operation_w.shape[2] // 2]
    most = forward.reshape(fleet.unit_class.size, -1, study.plan.pipeline).max(axis=1).sum()
    least = _level(study, "blocked")
    inside = _at(hall.watts, EVENT_AT_S + 1.1, EVENT_AT_S + 15.0)
    assert least < inside.mean() < most
    assert inside.max() <= most * (1 + 1e-9)
    pause = _at(hall.watts, EVENT_AT_S + 0.1, EVENT_AT_S + 1.0)
    np.testing.assert_allclose(pause, least, rtol=1e-5)
    for part in (_at(hall.watts, 0.0, EVENT_AT_S), _at(hall.watts, EVENT_AT_S + 15.0, EVENT_S)):
        assert part.mean() == pytest.approx(training_w, rel=0.03)


def test_a_checkpoint_stalls_for_its_blocking_time(small_study, training_w):
    study, pool = small_study
    hall = checkpoint_window(study, pool, 0.0, "schedule", 4.0)
    assert hall.watts.shape == (len(study.place.nodes), 60_000)
    least = _level(study, "stall")
    np.testing.assert_allclose(_at(hall.watts, EVENT_AT_S + 0.1, EVENT_AT_S + 4.0), least, rtol=1e-5)
    assert (_at(hall.watts, EVENT_AT_S + 4.1, EVENT_AT_S + 4.2) > 1.2 * least).all()
    assert _at(hall.watts, 0.0, EVENT_AT_S).mean() == pytest.approx(training_w, rel=0.03)
    assert _at(hall.watts, EVENT_AT_S + 4.0, EVENT_S).mean() == pytest.approx(training_w, rel=0.03)
    assert hall.after == "train"
    # the step before the checkpoint is whole
    np.testing.assert_allclose(np.abs(hall.steps_s - EVENT_AT_S).min(), 0.0, atol=1e-9)


def test_a_checkpoint_that_outlasts_its_window(small_study):
    study, pool = small_study
    hall = checkpoint_window(study, pool, 0.0, "schedule", 300.0)
    assert hall.after == "checkpoint"
    assert hall.watts[:, -1].sum() == pytest.approx(_level(study, "stall"), rel=1e-9)


def test_dummy_kernels_fill_a_stall(scenario, small_study):
    _, pool = small_study
    study = study_step(scenario(damping=[{"kind": "dummy_compute", "floor": "60 %", "detection": "50 ms"}]))
    hall = checkpoint_window(study, pool, 0.0, "schedule", 4.0)
    rated = sum(device.rated_w for device in study.place.power)
    filled = _at(hall.watts, EVENT_AT_S + 0.2, EVENT_AT_S + 4.0)
    np.testing.assert_allclose(filled, 0.6 * rated * study.plan.accelerators, rtol=1e-5)


def test_lead_ends_with_a_whole_step(small_study):
    _, pool = small_study
    steps, begin = lead(training(pool, np.random.default_rng(1)), 20.0)
    assert begin <= 0.0
    assert begin + steps[-1].iteration_time_s > 0.0
    assert begin + sum(step.iteration_time_s for step in steps) == pytest.approx(20.0)


def test_the_start_of_a_job_ends_at_its_mean(small, small_study, training_w):
    study, _ = small_study
    wave = small.waveforms["job_start"]
    assert wave.t0_s == -EVENT_AT_S
    levels = {state: site_it_w(study, state_w(study, state))["memphis"] for state in QUIET}
    power = wave.power("memphis/it")
    assert power[0] == pytest.approx(levels["restart"], rel=1e-9)
    assert power[round(EVENT_AT_S / DT) - 1] == pytest.approx(levels["reload"], rel=1e-9)
    steady = small.waveforms["steady"].power("memphis/it").mean()
    assert power[-30_000:].mean() == pytest.approx(steady, rel=0.02)


def _ramp(hall):
    """Steepest rise within a second of 100 ms means. [W/s]"""
    means = coarsen(hall.watts.sum(axis=0), 100)
    return float((means[10:] - means[:-10]).max())


def test_halls_that_start_one_after_the_other_ramp_less(small_study, training_w):
    study, pool = small_study
    halls = len(study.place.nodes)
    assert halls > 1
    one = restart_window(study, pool, 0.0, "gpu", BEFORE)
    at_once = storm_window(study, pool, 0.0, "gpu", BEFORE, 0.0)
    np.testing.assert_array_equal(at_once.watts, one.watts)
    staggered = storm_window(study, pool, 0.0, "gpu", BEFORE, 10.0)
    assert staggered.watts.shape[1] * DT == pytest.approx(EVENT_S + 10.0 * (halls - 1))
    np.testing.assert_array_equal(staggered.watts[:, 0], one.watts[:, 0])
    assert _ramp(staggered) < 0.6 * _ramp(at_once)
    assert staggered.watts[:, -20_000:].sum(axis=0).mean() == pytest.approx(training_w, rel=0.03)
    # each hall does what it would have done, later
    np.testing.assert_array_equal(staggered.watts[1, 10_000:70_000], one.watts[1])


def test_halls_that_take_too_long_to_start(small_study):
    with pytest.raises(InputError, match=r"operation.restart_spacing: expected at most 180 s for 4 halls.*found 200 s"):
        storm_window(*small_study, 0.0, "gpu", BEFORE, 200.0)


@pytest.fixture(scope="module")
def evaluated(scenario):
    """The small scenario with evaluations, and halls that start one after the other."""
    return run(
        scenario(
            operation__evaluation={"every_steps": 40, "duration": "15 s", "pause": "1 s"},
            operation__restart_spacing="2 s",
        )
    )


def test_a_run_with_evaluations(evaluated, small, small_study):
    study, _ = small_study
    names = {"steady", "crash", "restart", "job_start", "checkpoint", "evaluation", "restart_storm"}
    assert set(evaluated.waveforms) == names
    assert names <= set(evaluated.events["kind"])
    steady = evaluated.waveforms["steady"].power("memphis/it").mean()
    wave = evaluated.waveforms["evaluation"].power("memphis/it")
    watts = {state: site_it_w(study, state_w(study, state))["memphis"] for state in PAUSED}
    watts |= dict.fromkeys(("train", "lost"), steady)
    watts["evaluation"] = wave[20_000:35_000].mean()
    table = evaluated.timeline
    spans = (table["t_end_s"] - table["t_start_s"]).to_numpy()
    drawn = np.array([watts[state] for state in table["state"]]) @ spans
    assert evaluated.summary["it_energy_mwh"] == pytest.approx(drawn / 3.6e9, rel=1e-8)
    assert evaluated.summary["goodput"] < small.summary["goodput"]


def test_the_windows_are_judged(evaluated):
    responses = {response.window for response in evaluated.responses}
    assert {"job_start", "checkpoint", "evaluation", "restart_storm"} <= responses
    assert evaluated.verdict["passed"].notna().any()


def test_nobody_asks_nobody_looks(small):
    assert "evaluation" not in small.waveforms
    assert "restart_storm" not in small.waveforms
