"""Smoothing, low-pass and storage against the production waveform of arXiv 2508.14318 (figures 1 and 6)."""

import numpy as np
import pytest

from clustersim import catalog
from clustersim.power.smoothing import SmoothingProfile, energy_overhead, smooth
from clustersim.power.stores import StoreElement, flattening_energy_j, low_pass
from clustersim.study.measured.damping import idle_shares_of_nodes

DT = 0.025
JOB_S = (7.0, 195.2)
RATE = 0.0714
"""Slope of floor and ceiling in figure 6, of the plotted range per second."""


@pytest.fixture(scope="module")
def figures(reference):
    folder = reference / "power"
    if not folder.is_dir():
        pytest.skip(f"no power traces at {folder}")
    read = {
        name: np.loadtxt(folder / f"{name}.csv", delimiter=",", skiprows=1)
        for name in ("fig1_power_40hz", "fig6_original", "fig6_final_green")
    }
    t = read["fig1_power_40hz"][:, 0]
    job = (t >= JOB_S[0]) & (t <= JOB_S[1])
    return {name: np.interp(t, rows[:, 0], rows[:, 1]) for name, rows in read.items()}, job


@pytest.fixture(scope="module")
def smoothed(figures):
    """Floor at 0.8 of the range, ceiling at 1.0, no hysteresis, the job's end known."""
    original = figures[0]["fig6_original"]
    last_at_floor_s = (np.flatnonzero(original >= 0.8)[-1] + 1) * DT
    return smooth(original, DT, SmoothingProfile(0.8, 1.0, RATE, RATE, release_s=last_at_floor_s))


def test_the_smoothed_waveform_is_that_of_the_figure(figures, smoothed):
    traces, job = figures
    error = (smoothed.power_w - traces["fig6_final_green"])[job]
    assert np.sqrt(np.mean(error**2)) < 0.01
    assert abs(error.mean()) < 1e-3


@pytest.mark.parametrize(("idle_over_peak", "published"), [(0.0, 0.151), (0.22, 0.106), (0.29, 0.093)])
def test_the_energy_that_the_floor_costs(figures, smoothed, idle_over_peak, published):
    original = figures[0]["fig6_original"]
    assert energy_overhead(original, smoothed.power_w, idle_over_peak) == pytest.approx(published, abs=0.0006)


def test_the_band_of_idle_powers_follows_from_the_readings_of_nodes():
    """Idle over highest power, kW: (2.8 to 3.3) / 10.4, (3.1 to 3.3) / (9.3 to 9.8), 2.4 / 7.5, with 59.57 kW / 64."""
    figures = catalog.entry("traces", "idle_share").figures
    network = 59.57 / 64
    readings = {
        "node.air": (3.2 / 9.55, 3.1 / 9.8, 3.3 / 9.3),
        "node.immersed": (2.4 / 7.5, 2.4 / 7.5, 2.4 / 7.43),
        "node.b200": (3.05 / 10.4, 2.8 / 10.4, 3.3 / 10.4),
        "node.network": ((2.4 + network) / (7.5 + network), 2.4 / 7.5, (2.4 + network) / (7.5 + network)),
    }
    assert {name for name in figures if name.startswith("node.")} == set(readings)
    for name, shares in readings.items():
        figure = figures[name]
        assert (figure.value, figure.low, figure.high) == pytest.approx(shares, abs=0.0006), name
    assert idle_shares_of_nodes() == pytest.approx((2.8 / 10.4, (2.4 + network) / (7.5 + network)), abs=0.0006)


@pytest.mark.parametrize(("part", "expected"), [("record", (0.0968, 0.0759)), ("job", (0.1042, 0.0827))])
def test_the_published_overhead_lies_above_the_band_of_idle_powers_of_nodes(figures, smoothed, part, expected):
    """The paper's 10.5 % needs r = 0.22 (0.26 in the job alone); no node has less than 0.27."""
    traces, job = figures
    chosen = job if part == "job" else np.ones_like(job)
    original, damped = traces["fig6_original"][chosen], smoothed.power_w[chosen]
    least, most = idle_shares_of_nodes()
    found = tuple(energy_overhead(original, damped, r) for r in (least, most))
    print(f"\n{part}: energy {found[0]:+.1%} to {found[1]:+.1%} for r of {least:.3g} to {most:.3g}")
    assert found == pytest.approx(expected, abs=0.0006)
    assert not found[1] <= 0.105 <= found[0]


@pytest.mark.parametrize(("tau", "swing"), [(1, 0.702), (2, 0.557), (5, 0.318), (10, 0.183), (20, 0.102), (60, 0.037)])
def test_the_low_pass_leaves_the_published_swing(figures, tau, swing):
    traces, job = figures
    load = traces["fig1_power_40hz"][job]
    assert np.ptp(low_pass(load, DT, tau)[0]) == pytest.approx(swing, rel=0.03)
    # a store that is large enough is that low-pass
    assert StoreElement("store", "rack", 1.0, 10.0, tau).apply(load, DT).report.after.peak_to_peak_w == pytest.approx(
        swing, rel=0.03
    )


def test_the_energy_of_perfect_flattening(figures):
    traces, job = figures
    assert flattening_energy_j(traces["fig1_power_40hz"][job], DT) == pytest.approx(1.955, rel=0.03)
