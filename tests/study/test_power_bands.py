"""Bands of the levels carried to the power of a step."""

from dataclasses import replace

import numpy as np
import pytest

from clustersim import catalog
from clustersim.power.device import BANDS, LEVELS
from clustersim.power.supplies import SupplyCurve
from clustersim.study import power_bands as module
from clustersim.study.places.place import place_power
from clustersim.study.power_bands import KEYS, power_bands
from clustersim.study.run import run

MOVED = tuple(name for name in BANDS if name != "time_constant")


@pytest.fixture(scope="module")
def step(small_study):
    study, pool = small_study
    return study, pool.traces[0]


def drawn(study, weights):
    """The study with every level at a weight between the ends of its band, for all kinds at once."""
    job = study.scenario.job
    low, high = (
        place_power(study.scenario.topology, job.precision, dict.fromkeys(MOVED, end)) for end in ("low", "high")
    )
    devices = []
    for a, b in zip(low, high, strict=True):
        levels = np.array([weights[name] for name in LEVELS])
        curve = a.supply.input + weights["supply"] * (b.supply.input - a.supply.input)
        devices.append(
            replace(
                a,
                level_w=a.level_w + levels * (b.level_w - a.level_w),
                rest_w=a.rest_w + weights["rest"] * (b.rest_w - a.rest_w),
                fan_share=a.fan_share + weights["fans"] * (b.fan_share - a.fan_share),
                supply=SupplyCurve(a.supply.output, curve),
                time_constant_s=study.place.power[0].time_constant_s,
            )
        )
    return replace(study, place=replace(study.place, power=tuple(devices)))


def test_without_bands_there_is_one_waveform(step):
    for correlation in ("independent", "full"):
        bands = power_bands(*step, correlation, names=())
        np.testing.assert_array_equal(bands.low_w, bands.nominal_w)
        np.testing.assert_array_equal(bands.high_w, bands.nominal_w)
        assert all(low == here == high for low, here, high in bands.figures.values())


def test_one_level_alone_is_the_waveform_with_that_level_moved(step):
    study, trace = step
    bands = power_bands(study, trace, names=("exchange",))
    place = LEVELS.index("exchange")
    band = catalog.entry("device_power", "H100-SXM").figure("exchange")
    for end, wave in ((band.low, bands.low_w), (band.high, bands.high_w)):
        devices = []
        for device in study.place.power:
            levels = device.level_w.copy()
            levels[place] = end * device.rated_w
            devices.append(replace(device, level_w=levels))
        moved = replace(study, place=replace(study.place, power=tuple(devices)))
        np.testing.assert_allclose(wave, module._it_w(moved, trace), rtol=1e-12)
    assert bands.widest == "exchange"


@pytest.mark.parametrize("seed", range(4))
def test_any_draw_of_levels_lies_in_the_full_band(step, seed):
    study, trace = step
    bands = power_bands(study, trace, "full")
    weights = dict(zip(BANDS, np.random.default_rng(seed).uniform(size=len(BANDS)), strict=True))
    if seed == 0:
        weights = {name: float(name != "supply") for name in BANDS}
    power = module._it_w(drawn(study, weights), trace)
    tiny = 1e-9 * bands.nominal_w.max()
    assert (power >= bands.low_w - tiny).all()
    assert (power <= bands.high_w + tiny).all()
    if seed == 0:
        # all levels high and the supplies at their least efficiency: the edge itself
        np.testing.assert_allclose(power, bands.high_w, rtol=1e-12)


def test_independent_levels_leave_a_narrower_band(step):
    quadrature, full = power_bands(*step), power_bands(*step, "full")
    assert (quadrature.low_w >= full.low_w).all()
    assert (quadrature.high_w <= full.high_w).all()
    for key in KEYS:
        low, here, high = quadrature.figures[key]
        assert low < here < high
    # quadrature: no wider than the sum of the parts, no narrower than the widest
    falls = [min(*pair, 0.0) for pair in quadrature.mean_change_w.values()]
    low, here, _ = quadrature.figures["mean"]
    assert -sum(falls) > here - low > -min(falls)
    assert here - low == pytest.approx(np.sqrt(np.square(falls).sum()), rel=1e-9)


def test_levels_that_no_step_uses_change_nothing(step):
    changes = power_bands(*step).mean_change_w
    for name in ("blocked", "stall", "context"):
        assert changes[name] == (0.0, 0.0)
    # a lag moves power within a step and leaves its mean
    assert abs(changes["time_constant"][1]) < 1e-3 * abs(changes["rest"][1])


def test_the_summary_has_the_band_around_its_figures(small, scenario):
    for key in KEYS:
        low, here, high = (small.summary[f"it_{key}{end}_mw"] for end in ("_low", "", "_high"))
        assert low < here < high
    stored = run(scenario(damping=[{"kind": "psu_storage"}]))
    assert stored.summary["it_swing_low_mw"] is None
    assert "storage" in stored.reasons["it_swing_low_mw"]
    assert stored.summary["it_mean_low_mw"] < stored.summary["it_mean_mw"]


def test_peaks_that_coincide_are_above_all_else(small):
    """117 % of the rated power on Hopper, beside a step that never asks for more than 95 %."""
    assert small.summary["it_excess_peak_mw"] > 1.1 * small.summary["it_computing_mw"]
    assert small.summary["it_excess_peak_mw"] > small.summary["it_peak_high_mw"]
