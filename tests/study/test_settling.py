"""The meter after a window goes on from where the window left it, and settles on the load of the state that follows."""

import numpy as np
import pytest

from clustersim.power.records import coarsen
from clustersim.study.event_windows import evaluation_it_w, event_windows
from clustersim.study.horizon import histories
from clustersim.study.it_power import step_pool
from clustersim.study.job_operation import operate
from clustersim.study.site.power import training_it_w
from clustersim.study.site.settling import DT_S, meter_until_settled
from clustersim.study.step import study_step
from clustersim.study.trained_job import steady_of

TAU_S = 100.0


def _made(record):
    study = study_step(record)
    pool = step_pool(study)
    timeline = operate(study, pool)
    steady = steady_of(study, pool, timeline)
    windows = (steady, *event_windows(study, pool, timeline, steady))
    history = histories(study, timeline, training_it_w(windows[0]), evaluation_it_w(study, windows))
    return study, windows, history["memphis"].load_w


@pytest.fixture(scope="module")
def smoothed(scenario):
    battery = {"kind": "site_battery", "time_constant": f"{TAU_S} s"}
    grown = {"type": "megapack_2xl", "count": 10, "power": "10 MW", "droop": "2 %", "deadband": "36 mHz"}
    return _made(scenario(damping=[battery], **{"topology.electrical.memphis.battery": grown}))


def test_the_window_itself_is_unchanged(smoothed):
    study, windows, states = smoothed
    for power in windows[1:]:
        meter, dt = meter_until_settled(study, power, "memphis", windows[0])
        wave = power.waveform
        inside = coarsen(wave.power("memphis"), round(DT_S / wave.dt_s))
        assert dt == DT_S
        # the load is held over 10 ms in place of 1 ms: the battery's lag sees other edges, of single bins
        assert meter[: inside.size].mean() == pytest.approx(inside.mean(), rel=1e-4)
        assert meter[inside.size - 1] == pytest.approx(inside[-1], rel=0.02)


def test_a_stopped_job_falls_with_the_time_constant(smoothed):
    study, windows, states = smoothed
    crash = next(power for power in windows if power.window == "crash")
    meter, dt = meter_until_settled(study, crash, "memphis", windows[0])
    end = round(crash.waveform.samples * crash.waveform.dt_s / dt)
    # the load that the meter comes to, cooling settled: but for the return of the charge within 1 h
    gap = meter[end:] - states[crash.hall.after]
    assert gap[0] > 0.1 * states["train"]
    assert np.all(np.abs(np.diff(meter[end - 100 :])) < 1e-3 * states["train"])
    assert -0.03 * states["train"] < gap[-1] < 0.1 * gap[0]


def test_without_storage_at_the_site_nothing_follows(scenario):
    study, windows, states = _made(scenario())
    for power in windows:
        meter, dt = meter_until_settled(study, power, "memphis", windows[0])
        assert dt == power.waveform.dt_s
        assert np.array_equal(meter, power.waveform.power("memphis"))
