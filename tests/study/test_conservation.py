"""Nothing is lost between the rooms: the electrical tree, the battery, what damping burns, the energies."""

import dataclasses

import numpy as np
import pytest

from clustersim.power.spec import (
    CompilerShaping,
    DummyCompute,
    GpuSmoothing,
    MicroBatchInterleave,
    PytorchDamper,
    SecondaryWorkload,
    SmoothingProfileSpec,
)
from clustersim.power.waveform import Binner
from clustersim.study.it_power import steady_window, tables
from clustersim.study.site.power import site_power
from clustersim.study.step import study_step


@pytest.mark.parametrize("which", ["small", "battery"])
def test_children_add_up_to_their_parent(which, request):
    result = request.getfixturevalue(which)
    assert set(result.waveforms) == {"steady", "crash", "restart", "job_start", "checkpoint"}
    for wave in result.waveforms.values():
        for node in set(wave.parents) - {None}:
            rows = [row for row, parent in enumerate(wave.parents) if parent == node]
            total = wave.watts[rows].sum(axis=0)
            np.testing.assert_allclose(total, wave.power(node), rtol=1e-9)
        assert [wave.nodes[row] for row, parent in enumerate(wave.parents) if parent is None] == ["meter"]


def test_reactive_power_adds_up_over_the_halls(small):
    wave = small.waveforms["steady"]
    rows = [row for row, parent in enumerate(wave.parents) if parent == "memphis/it"]
    np.testing.assert_allclose(wave.vars[rows].sum(axis=0), wave.reactive("memphis/it"), rtol=1e-9)
    cooling = wave.reactive("memphis/cooling")
    transformers = wave.reactive("memphis/losses")
    assert (transformers > 0.0).all()
    np.testing.assert_allclose(wave.reactive("memphis/it") + cooling + transformers, wave.reactive("meter"), rtol=1e-9)


def test_energy_through_the_battery(scenario, small_study):
    """Meter = load + losses + change of what is stored."""
    study, pool = small_study
    smoothed = study_step(scenario(damping=[{"kind": "site_battery", "time_constant": "30 s"}]))
    hall = steady_window(study, pool, 0.0)
    load = site_power(study, hall).waveform.energy_j("meter")
    found = site_power(smoothed, hall)
    trace = found.storage["memphis"]
    stored = trace.stored_j[-1] - trace.initial_j
    assert trace.loss_j > 0
    assert found.waveform.energy_j("meter") == pytest.approx(load + trace.loss_j + stored, rel=1e-9)


def test_the_battery_takes_the_swing_off_the_meter_and_not_off_the_load(small, battery):
    plain, smooth = small.waveforms["steady"], battery.waveforms["steady"]
    np.testing.assert_array_equal(plain.power("memphis/it"), smooth.power("memphis/it"))
    # the battery's own delay and lag leave the edges of a step on the meter
    assert battery.summary["swing_mw"] < 0.6 * small.summary["swing_mw"]
    assert battery.summary["it_swing_mw"] == small.summary["it_swing_mw"]


def _energy(study, trace, damping):
    study = dataclasses.replace(study, scenario=study.scenario.model_copy(update={"damping": damping}))
    halls = len(study.place.nodes)
    binner = Binner(tables(study), study.fleet, study.plan.pipeline, halls, 1, 1e-3)
    binner.add_step(trace, 0.0)
    return binner.energy.sum(axis=0)


@pytest.mark.parametrize(
    "damping",
    [
        (DummyCompute(kind="dummy_compute", floor="70 %", detection="0 s"),),
        (DummyCompute(kind="dummy_compute", floor="70 %", detection="2 ms"),),
        (PytorchDamper(kind="pytorch_damper"),),
        (SecondaryWorkload(kind="secondary_workload", level="90 %"),),
        (CompilerShaping(kind="compiler_shaping"),),
        (GpuSmoothing(kind="gpu_smoothing", floor="60 %"),),
        (SmoothingProfileSpec(kind="gpu_smoothing_profile", percent_tmp_floor="60 %", ramp_down_hysteresis="1 ms"),),
        (
            GpuSmoothing(kind="gpu_smoothing", floor="60 %"),
            DummyCompute(kind="dummy_compute", floor="80 %", detection="1 ms"),
        ),
    ],
)
def test_what_damping_burns_comes_on_top(small_study, damping):
    study, pool = small_study
    plain, none, *_ = _energy(study, pool.traces[0], ())
    drawn, burned, cut, other = _energy(study, pool.traces[0], damping)
    assert none == 0.0
    assert burned > 0.0
    assert drawn == pytest.approx(plain + burned - cut + other, rel=1e-9)


def test_another_jobs_work_is_not_burned(small_study):
    study, pool = small_study
    plain = _energy(study, pool.traces[0], ())[0]
    drawn, burned, cut, other = _energy(study, pool.traces[0], (MicroBatchInterleave(kind="micro_batch_interleave"),))
    assert other > 0.0
    assert (burned, cut) == (0.0, 0.0)
    assert drawn == pytest.approx(plain + other, rel=1e-9)


def test_the_steady_window_is_made_of_many_different_steps(small_study):
    study, pool = small_study
    assert len({trace.iteration_time_s for trace in pool.traces}) >= 8
    hall = steady_window(study, pool, 0.0)
    assert hall.dt_s == 10e-3
    assert hall.watts.shape[1] * hall.dt_s == pytest.approx(600.0)
    starts = np.round(hall.steps_s / hall.dt_s).astype(int)
    total = hall.watts.sum(axis=0)
    means = {float(total[a:b].mean()) for a, b in zip(starts, starts[1:], strict=False)}
    assert len(means) >= 8


def test_a_windows_energy_is_that_of_its_steps(small_study):
    """The mean of the steady window is the pool's mean energy per second, up to the last step's cut."""
    study, pool = small_study
    hall = steady_window(study, pool, 0.0)
    energy = sum(_energy(study, trace, ())[0] for trace in pool.traces)
    seconds = sum(trace.iteration_time_s for trace in pool.traces)
    assert hall.watts.sum(axis=0).mean() == pytest.approx(energy / seconds, rel=5e-3)


@pytest.mark.parametrize("which", ["small", "battery"])
def test_energies_of_the_summary(which, request):
    summary = request.getfixturevalue(which).summary
    assert summary["pue"] == pytest.approx(summary["energy_mwh"] / summary["it_energy_mwh"], rel=1e-8)
    hours = 24 * summary["horizon_days"]
    assert summary["trough_mw"] <= summary["mean_mw"] <= summary["peak_mw"]
    assert 0.5 * summary["mean_mw"] * hours < summary["energy_mwh"] <= summary["peak_mw"] * hours
    assert summary["it_mean_mw"] < summary["provisioned_mw"]


def test_parts_of_a_step_add_up(small):
    summary = small.summary
    parts = sum(summary[key] for key in ("compute_fraction", "bubble_fraction", "exposed_comm_fraction"))
    assert parts == pytest.approx(1.0, abs=1e-6)
    assert summary["tokens_per_s"] == pytest.approx(summary["tokens_per_step"] / summary["iteration_time_s"], rel=1e-8)


def test_the_timeline_fills_the_horizon(small):
    table = small.timeline
    assert table["t_start_s"].iloc[0] == 0.0
    assert table["t_end_s"].iloc[-1] == pytest.approx(3 * 86400.0)
    np.testing.assert_allclose(table["t_start_s"].to_numpy()[1:], table["t_end_s"].to_numpy()[:-1])
