"""The production waveform of arXiv 2508.14318 and other published traces, read as a user would."""

from pathlib import Path

import numpy as np
import pytest

from clustersim.power.stores import flattening_energy_j, low_pass
from clustersim.power.trace_files import Columns, read_trace
from clustersim.study.measured.assess import Question, assess
from clustersim.study.measured.fit_power import fit_trace

POWER = Path(__file__).resolve().parents[2] / ".." / "shared" / "reference" / "power"
pytestmark = pytest.mark.skipif(not POWER.is_dir(), reason=f"no reference data at {POWER}")
BASE_W = 100e6


@pytest.fixture(scope="module")
def record():
    columns = Columns(power=("power_norm_to_max",), unit="pu", base_w=BASE_W)
    return read_trace(POWER / "fig1_power_40hz.csv", columns)


@pytest.fixture(scope="module")
def job(record):
    return record.between(7.0, 195.2)


@pytest.fixture(scope="module")
def found(record):
    return assess(record, Question(from_s=7.0, to_s=195.2))


def test_percentiles_of_the_job(found):
    expected = {"p10": 0.196, "p25": 0.726, "p50": 0.826, "p75": 0.886, "p90": 0.905, "p99": 0.953}
    for name, value in expected.items():
        assert found.statistics[f"{name}_mw"] / 100 == pytest.approx(value, abs=0.0006)


def test_percentiles_of_the_record(found):
    expected = {"p10": 0.118, "p25": 0.548, "p50": 0.816, "p75": 0.881, "p90": 0.902, "p99": 0.952}
    for name, value in expected.items():
        assert found.record_percentiles[f"{name}_mw"] / 100 == pytest.approx(value, abs=0.0006)


def test_shares_of_the_bands(found):
    shares = {(row["low_hz"], row["high_hz"]): row for row in found.statistics["band_shares"]}
    assert shares[0.1, 20.0]["energy_rectangular"] == pytest.approx(0.545, abs=0.005)
    assert shares[0.1, 20.0]["energy_hann"] == pytest.approx(0.57, abs=0.005)
    for band, share in (((0.0, 0.2), 0.785), ((0.2, 3.0), 0.212), ((3.0, 20.0), 0.003)):
        assert shares[band]["energy_rectangular"] == pytest.approx(share, abs=0.003)


def test_the_job_is_found_without_help(record):
    window = assess(record).job
    assert window.from_s == pytest.approx(7.0, abs=0.5)
    assert window.to_s == pytest.approx(195.2, abs=0.5)


def test_ramps_and_period(found):
    ramps = found.statistics["ramps"][0]
    assert ramps["up_mw_per_s"] / 100 == pytest.approx(0.89, abs=0.02)
    assert ramps["down_mw_per_s"] / 100 == pytest.approx(0.70, abs=0.02)
    assert found.statistics["period_s"] == pytest.approx(20.93, abs=0.05)


@pytest.mark.parametrize(
    ("tau", "range_pu"), [(1, 0.702), (2, 0.557), (5, 0.318), (10, 0.183), (20, 0.102), (60, 0.037)]
)
def test_a_first_order_low_pass(job, tau, range_pu):
    assert np.ptp(low_pass(job.watts, job.dt_s, tau)[1]) / BASE_W == pytest.approx(range_pu, rel=0.03)


def test_energy_of_perfect_flattening(job):
    assert flattening_energy_j(job.watts, job.dt_s) / BASE_W == pytest.approx(1.955, rel=0.01)


def test_the_other_traces_are_read(record):
    uneven = read_trace(
        POWER / "fig6_original.csv", Columns(power=("power_norm",), unit="pu", base_w=BASE_W, gap=400, dt_s=0.025)
    )
    same = uneven.between(8.0, 190.0).watts / record.between(8.0, 190.0).watts[: uneven.between(8.0, 190.0).samples]
    assert np.median(np.abs(same - 1.0)) < 0.02
    meter = read_trace(POWER / "h100x8_ckpt_every_50_steps.csv.gz", Columns(time="time_seconds", sensor_s=1.0, gap=100))
    assert 1e3 < np.median(meter.watts) < 6e3


def test_the_fit_recovers_period_dips_and_levels(record):
    fitted = fit_trace(record, 7.0, 195.2)
    load = fitted.load
    assert load.period == pytest.approx(20.93, abs=0.02)
    assert load.period_sd == pytest.approx(0.10, abs=0.02)
    deep, short = load.dips
    assert 2.85 <= deep.length <= 3.35
    assert 0.11 <= deep.level / BASE_W <= 0.22
    assert short.start == pytest.approx(6.94, abs=0.2)
    assert load.idle == 0.0
    for key in ("p25_mw", "p50_mw", "p75_mw", "p90_mw", "p99_mw", "p10_mw"):
        assert fitted.reproduced[key] / 100 == pytest.approx(fitted.measured[key] / 100, abs=0.08)
    assert fitted.reproduced["mean_mw"] == pytest.approx(fitted.measured["mean_mw"], rel=0.01)
    assert fitted.reproduced["band_energy_share"] == pytest.approx(0.57, abs=0.08)
