"""Groups of halls that start their steps one after the other."""

import dataclasses

import numpy as np
import pytest

from clustersim.errors import InputError
from clustersim.power.spec import PhaseStagger
from clustersim.study.it_power import crash_window, restart_window, steady_window
from clustersim.study.run import run
from clustersim.study.site.power import site_power
from clustersim.study.staggering import hall_groups, hall_shifts, shift_halls
from clustersim.study.step import study_step

STAGGER = {"kind": "phase_stagger", "groups": 4, "independent": True}


@pytest.fixture(scope="module")
def staggered(scenario):
    return run(scenario(damping=[STAGGER]))


def test_halls_out_of_step_swing_less_at_no_cost(staggered, small):
    damped, plain = staggered.summary, small.summary
    assert damped["swing_mw"] < 0.5 * plain["swing_mw"]
    assert damped["it_mean_mw"] == pytest.approx(plain["it_mean_mw"], rel=1e-9)
    for key in ("energy_mwh", "tokens_per_s", "iteration_time_s"):
        assert damped[key] == pytest.approx(plain[key], rel=1e-9), key
    assert damped["damping_energy_share"] == pytest.approx(0.0, abs=1e-9)
    assert any("separate jobs or take local steps" in text for text in staggered.warnings)


def test_every_hall_has_the_same_energy_as_before(staggered, small):
    plain, moved = small.waveforms["steady"], staggered.waveforms["steady"]
    halls = [node for node in plain.nodes if "/hall_" in node]
    assert len(halls) == 4
    for node in halls:
        assert moved.energy_j(node) == pytest.approx(plain.energy_j(node), rel=1e-12)
    np.testing.assert_array_equal(moved.power(halls[0]), plain.power(halls[0]))


@pytest.mark.parametrize("groups", [2, 3, 4])
def test_equal_halls_cancel_all_harmonics_but_multiples_of_the_groups(groups):
    one = np.tile(np.r_[np.full(60, 100.0), np.full(24, 20.0)], 30)
    shifts = np.array([k * 8.4 / groups for k in range(groups)])
    total = shift_halls(np.tile(one, (groups, 1)), 0.1, shifts, steady=True, period_bins=84).sum(axis=0)
    before, after = np.abs(np.fft.rfft(groups * one)), np.abs(np.fft.rfft(total))
    for harmonic in range(1, 8):
        if harmonic % groups:
            assert after[30 * harmonic] < 1e-9 * before[30]
        else:
            assert after[30 * harmonic] > 0.9 * before[30 * harmonic]


def test_groups_start_and_stop_one_after_the_other(scenario, small_study):
    plain, pool = small_study
    study = study_step(scenario(damping=[{**STAGGER, "period": "4 s"}]))
    for hall in (
        crash_window(plain, pool, 0.0, "gpu", 5.0),
        restart_window(plain, pool, 0.0, "gpu", (("restart", 0.0),)),
    ):
        before, after = (site_power(s, hall).waveform for s in (plain, study))
        for group in range(4):
            node, late = f"memphis/hall_{group + 1}", 1000 * group
            end = before.samples - late
            np.testing.assert_allclose(after.power(node)[late:], before.power(node)[:end], rtol=1e-12)


def test_what_came_before_a_crash_is_an_iteration_earlier(scenario, small_study):
    plain, pool = small_study
    study = study_step(scenario(damping=[STAGGER]))
    hall = crash_window(plain, pool, 0.0, "gpu", 5.0)
    power = site_power(study, hall, period_s=pool.iteration_time_s)
    last = power.waveform.power("memphis/hall_4")
    # no stretch of constant power before the crash
    assert np.ptp(last[:2000]) > 0.3 * np.ptp(last[:19000])


def test_groups_are_runs_of_halls_or_sites(small_study):
    place = small_study[0].place
    halves = PhaseStagger(kind="phase_stagger", groups=2)
    np.testing.assert_array_equal(hall_groups(place, halves), [0, 0, 1, 1])
    np.testing.assert_array_equal(hall_shifts((halves,), place, 6.0, 600.0), [0.0, 0.0, 3.0, 3.0])
    one = PhaseStagger(kind="phase_stagger", groups=1, by="site")
    np.testing.assert_array_equal(hall_shifts((one,), place, 6.0, 600.0), np.zeros(4))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"independent": False}, "4 groups of halls whose replicas wait for each other.*independent: true"),
        ({"groups": 5}, "5 groups of halls, but colossus_memphis has 4"),
        ({"groups": 2, "by": "site"}, "2 groups of sites, but colossus_memphis has 1"),
    ],
)
def test_groups_that_cannot_be_shifted_are_refused(scenario, changes, words):
    with pytest.raises(InputError, match=words):
        study_step(scenario(damping=[{**STAGGER, **changes}]))


@pytest.mark.parametrize("period", ["1e9 s", "1e6 s", "800 s"])
def test_a_shift_longer_than_the_window_is_refused(scenario, period):
    with pytest.raises(InputError, match=r"phase_stagger.period: expected .* 600 s of a steady window, found"):
        run(scenario(damping=[{**STAGGER, "period": period}]))


def test_one_group_changes_nothing(scenario, small_study):
    plain, pool = small_study
    study = study_step(scenario(damping=[{"kind": "phase_stagger", "groups": 1}]))
    hall = dataclasses.replace(steady_window(plain, pool, 0.0))
    np.testing.assert_array_equal(
        site_power(study, hall).waveform.power("meter"), site_power(plain, hall).waveform.power("meter")
    )
