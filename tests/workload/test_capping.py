"""Speed under a power limit: the measured curve, its limits, and what it does to the blocks of a step."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clustersim import catalog
from clustersim.errors import CatalogError
from clustersim.workload.capping import capping_curve, speed_at_limit, speed_under_cap
from clustersim.workload.hardware import capped, hardware_of

NAMES = sorted(n for e in catalog.entries("power_capping").values() for n in e.properties["accelerators"])


@pytest.mark.parametrize(("limit", "seconds"), [(448.2, 4.0368), (546.9, 3.2663), (692.1, 2.5990), (886.4, 2.1146)])
def test_the_measured_limits_of_a_b300(limit, seconds):
    """Four thousand products took 2.0016 s without a limit that was felt."""
    assert 1.0 / speed_at_limit("B300-SXM", limit) == pytest.approx(seconds / 2.0016, rel=1e-3)


def test_the_last_watts_buy_little():
    """As between GB200 and B200: a fifth more power, 3 % more speed in the products that draw most."""
    assert speed_at_limit("B200-SXM", 1025.7 / 1.2) == pytest.approx(1.0 / 1.06, abs=0.03)


@pytest.mark.parametrize("name", NAMES)
def test_a_curve_rises_to_one_and_wastes_no_power_below(name):
    power, speed = capping_curve(name)
    assert power[-1] == speed[-1] == 1.0
    assert (np.diff(power) > 0.0).all()
    assert (np.diff(speed) > 0.0).all()
    # each further watt buys less, but for measurement noise
    assert (
        np.diff(speed) / np.diff(power) <= np.concatenate(([2.0], (np.diff(speed) / np.diff(power))[:-1])) + 0.1
    ).all()


@given(limit=st.floats(1.0, 2000.0), drawn=st.floats(1.0, 2000.0))
def test_speed_is_a_share_that_grows_with_the_limit(limit, drawn):
    speed = speed_under_cap("H100-SXM", limit, drawn)
    assert 0.0 < speed <= 1.0
    assert speed <= speed_under_cap("H100-SXM", 1.1 * limit, drawn)
    assert drawn > limit or speed == 1.0


def test_capped_hardware_slows_what_draws_more():
    names = ["H100-SXM", "H100-SXM"]
    plain = hardware_of(names, ["bf16"] * 2, [None] * 2, [None] * 2)
    held = capped(plain, names, [700.0, 500.0], np.array([[665.0, 504.0]] * 2))
    assert held.share[0] == plain.share[0]
    assert held.share[1] == pytest.approx(plain.share[1] * speed_under_cap("H100-SXM", 500.0, 665.0))
    assert held.attention[1] < plain.attention[1]
    assert 0.98 < held.bandwidth[1] / plain.bandwidth[1] < 1.0
    assert held.scale_up[1] == plain.scale_up[1]


def test_every_calibrated_gpu_has_a_curve():
    with pytest.raises(CatalogError, match="no curve of speed under a power limit for 'Trainium1'"):
        speed_at_limit("Trainium1", 300.0)
    for generation in catalog.entries("calibration").values():
        for name in generation.properties["accelerators"]:
            assert name.startswith("Trainium") or name in NAMES
