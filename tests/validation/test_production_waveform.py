"""The production waveform of arXiv 2508.14318 beside a job of that kind, simulated rank by rank."""

from pathlib import Path

import numpy as np
import pytest

from clustersim import catalog
from clustersim.power.trace_files import Columns, read_trace
from clustersim.scenario import load_scenario, shipped
from clustersim.study.it_power import step_pool
from clustersim.study.measured.waveform_match import PERCENTILES, features, server_level, table
from clustersim.study.step import study_step

TRACE = Path(__file__).resolve().parents[2] / ".." / "shared" / "reference" / "power" / "fig1_power_40hz.csv"
pytestmark = pytest.mark.skipif(not TRACE.is_file(), reason=f"no reference data at {TRACE}")
JOB_S = (7.0, 195.2)
DT_S = 0.025
IDLE_RATIO = catalog.entry("traces", "idle_share").si("node.air")
"""Nodes of 8 H100 in air at the AC input, as the racks of the trace."""
BAND = 0.08


def _level(**changes):
    scenario = load_scenario(
        shipped("scenarios") / "production_h100.yaml", {key.replace("__", "."): value for key, value in changes.items()}
    )
    study = study_step(scenario)
    return server_level(study, step_pool(study), DT_S, IDLE_RATIO)


@pytest.fixture(scope="module")
def record():
    return read_trace(TRACE, Columns(power=("power_norm_to_max",), unit="pu", base_w=1.0))


@pytest.fixture(scope="module")
def published(record):
    return features(record.between(*JOB_S).watts, DT_S)


@pytest.fixture(scope="module")
def level():
    return _level()


@pytest.fixture(scope="module")
def simulated(level, published):
    power, starts = level
    first = round(starts[0] / DT_S)
    found = features(power[first : first + round((JOB_S[1] - JOB_S[0]) / DT_S)], DT_S)
    print(f"\n{table(found, published)}")
    return found


def test_what_is_compared_with_is_what_was_published(published):
    assert published.percentiles == pytest.approx((0.196, 0.726, 0.826, 0.886, 0.905, 0.953), abs=0.001)
    assert (published.energy_rectangular, published.energy_hann) == pytest.approx((0.545, 0.570), abs=0.002)
    assert (published.deep_s, published.short_s, published.short_after_s) == pytest.approx((2.92, 0.32, 6.92), abs=0.02)


def test_percentiles(simulated, published):
    far = np.abs(np.subtract(simulated.percentiles, published.percentiles))
    within = dict(zip(PERCENTILES, far <= BAND, strict=True))
    # the 25th lies on the edges of the dips, where 4 % of the time move it by 0.13; the next test compares that time
    assert all(ok for percentile, ok in within.items() if percentile != 25), dict(zip(PERCENTILES, far, strict=True))
    assert far[1] < 0.15


def test_time_in_and_at_the_edges_of_the_dips(level, record):
    power, _ = level
    limit = np.percentile(record.between(*JOB_S).watts, 25)
    assert (power < limit).mean() == pytest.approx(0.25, abs=0.05)


def test_shares_of_the_spectrum(simulated, published):
    assert simulated.energy_rectangular == pytest.approx(published.energy_rectangular, abs=BAND)
    assert simulated.energy_hann == pytest.approx(published.energy_hann, abs=BAND)


def test_period_and_jitter(simulated, published):
    assert simulated.period_s == pytest.approx(20.93, rel=0.005)
    assert simulated.period_spread_s == pytest.approx(published.period_spread_s, rel=0.35)


def test_long_dip(simulated, published):
    assert simulated.deep_s == pytest.approx(published.deep_s, rel=0.05)
    assert simulated.deep_level == pytest.approx(published.deep_level, abs=0.03)


def test_short_dip(simulated, published):
    assert simulated.short_s == pytest.approx(published.short_s, abs=0.1)
    assert simulated.short_lowest == pytest.approx(published.short_lowest, abs=0.05)
    assert simulated.short_after_s == pytest.approx(published.short_after_s, rel=0.07)


def test_the_whole_record(level, record):
    """The same job with what precedes it in the record and the idle time behind it."""
    power, starts = level
    first, length = round(starts[1] / DT_S), round((JOB_S[1] - JOB_S[0]) / DT_S)
    idle = np.zeros(round((record.duration_s - JOB_S[1]) / DT_S))
    whole = np.concatenate([power[first - round(JOB_S[0] / DT_S) : first + length], idle])
    found, theirs = (np.percentile(values, PERCENTILES) for values in (whole, record.watts))
    print("\nwhole record", found.round(3), theirs.round(3))
    assert np.abs(found - theirs)[[0, 2, 3, 4, 5]].max() <= BAND


@pytest.mark.parametrize(
    ("changes", "short_s"),
    [({"job__plan__schedule": "1f1b"}, 0.16), ({"job__plan__virtual_stages": 8}, None)],
)
def test_other_plans_have_another_short_dip(simulated, published, changes, short_s):
    """Interleaved 1F1B leaves part of the stages at work; longer chunks fill, turn and drain more slowly."""
    power, _ = _level(**changes)
    found = features(power, DT_S)
    here = abs(simulated.short_s - published.short_s)
    assert abs(found.short_s - published.short_s) > 2 * here
    if short_s is not None:
        assert found.short_s < short_s


def test_with_exchange_beside_the_passes_there_is_no_such_long_dip(published):
    power, _ = _level(job__plan__gradient_overlap=True)
    assert features(power, DT_S).deep_s < 0.6 * published.deep_s
