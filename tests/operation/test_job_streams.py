"""Research jobs: the law has the moments of the published trace, the gangs have its work."""

import math

import numpy as np
import pytest

from clustersim import catalog
from clustersim.errors import CatalogError
from clustersim.operation.job_streams import draw_arrivals, gangs_of, stream_law

TRACES = ("acme-seren", "acme-kalos", "helios", "philly")


@pytest.mark.parametrize("name", TRACES)
def test_the_law_has_the_published_moments(name):
    law, entry = stream_law(name), catalog.entry("job_streams", name)
    weights, sizes = np.array(law.weights), np.array(law.sizes, dtype=float)
    means = np.array([law.mean_s(size) for size in sizes])
    assert weights.sum() == pytest.approx(1.0)
    assert weights @ sizes == pytest.approx(entry.si("gpus.mean"), rel=1e-9)
    assert weights @ means == pytest.approx(entry.si("run_time.mean"), rel=1e-9)
    assert weights @ (sizes * means) == pytest.approx(entry.si("gpu_time.mean"), rel=1e-9)
    assert sizes[-1] == entry.si("gpus.most")
    # the median of the mixture, by its distribution function
    medians = law.median_s * sizes**law.growth
    below = [0.5 * math.erfc(-math.log(122.0 / m) / law.sigma / math.sqrt(2.0)) for m in medians]
    if name == "acme-seren":
        assert weights @ below == pytest.approx(0.5, abs=1e-9)


@pytest.mark.parametrize("least", [1, 8, 64, 512])
def test_bundled_jobs_have_the_work_of_the_trace(least):
    """Arrivals are thinned by as much as the gangs grow: work per arrival of the trace does not change."""
    law = stream_law("acme-seren")
    gangs = gangs_of(law, 8, least, 4096)
    unit = max(8, least)
    kept = sum(w * min(1.0, g / unit) for w, g in zip(law.weights, law.sizes, strict=True))
    whole = sum(w * g * law.mean_s(g) for w, g in zip(law.weights, law.sizes, strict=True))
    assert gangs.server_s * 8 * kept == pytest.approx(whole, rel=1e-12)
    assert gangs.servers.min() == unit // 8


def test_larger_jobs_than_the_place_do_not_arrive():
    gangs = gangs_of(stream_law("acme-kalos"), 8, 8, 100)
    assert gangs.servers.max() == 8
    assert gangs.weights.sum() == pytest.approx(1.0)
    with pytest.raises(ValueError, match="at least 128"):
        gangs_of(stream_law("philly"), 8, 128, 64)


def test_arrivals_are_a_poisson_process_of_that_law():
    gangs = gangs_of(stream_law("acme-seren"), 8, 64, 1024)
    times, servers, durations = draw_arrivals(gangs, 100.0, 4e6, np.random.default_rng(5))
    assert times.size == pytest.approx(40_000, abs=4 * math.sqrt(40_000))
    assert (np.diff(times) >= 0).all()
    gaps = np.diff(times)
    assert gaps.std() == pytest.approx(gaps.mean(), rel=0.03)
    share = (servers == 128).mean()
    assert share == pytest.approx(gangs.weights[-1], abs=4 * math.sqrt(gangs.weights[-1] / times.size))
    small = durations[servers == 128]
    assert np.median(small) == pytest.approx(gangs.median_s[-1], rel=0.5)


def test_an_unknown_trace_is_named():
    with pytest.raises(CatalogError, match="acme-seren"):
        stream_law("acme-seran")
