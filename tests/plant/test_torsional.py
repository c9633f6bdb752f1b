"""Torsional screening: amplitudes of known sines, what samples tell, shares of generators."""

from __future__ import annotations

import numpy as np
import pytest

from clustersim import catalog
from clustersim.errors import InputError
from clustersim.plant.torsional import generator_share, shaft_band, torsional_line
from clustersim.plant.voltage import Source

MW = 1e6


def sampled(f, amplitude, dt=0.01, seconds=60.0):
    """Means over bins of a sine: what a record of that spacing holds."""
    t = (np.arange(round(seconds / dt)) + 0.5) * dt
    return 100 * MW + amplitude * np.sinc(f * dt) * np.sin(2 * np.pi * f * t)


@pytest.mark.parametrize("f", [8.0, 12.6, 25.13, 33.9])
def test_a_sine_has_its_amplitude(f):
    line = torsional_line(sampled(f, 2 * MW), 0.01, 7.0, 60.0)
    assert line.amplitude_w == pytest.approx(2 * MW, rel=0.01)
    assert line.frequency_hz == pytest.approx(f, abs=0.5)
    assert (line.low_hz, line.high_hz) == (7.0, 40.0)  # samples of 10 ms tell up to 40 Hz


def test_what_lies_outside_the_band_does_not_count():
    slow = sampled(1.0, 50 * MW) + sampled(20.0, 0.1 * MW) - 100 * MW
    assert torsional_line(slow, 0.01, 7.0, 60.0).amplitude_w == pytest.approx(0.1 * MW, rel=0.02)
    assert torsional_line(np.full(6000, MW), 0.01, 7.0, 60.0).amplitude_w == pytest.approx(0.0, abs=1e-3)


def test_a_line_just_below_the_band_does_not_count():
    line = torsional_line(sampled(6.5, 10 * MW) + sampled(30.0, MW) - 100 * MW, 0.01, 7.0, 60.0)
    assert line.frequency_hz == pytest.approx(30.0, abs=0.25)
    assert line.amplitude_w == pytest.approx(MW, rel=0.02)


def test_finer_samples_tell_more():
    assert torsional_line(sampled(55.0, MW, 1e-3), 1e-3, 7.0, 60.0).high_hz == 60.0


def test_what_samples_cannot_tell_is_named():
    with pytest.raises(InputError, match=r"samples of 100 ms tell up to 4 Hz, the band begins at 7 Hz"):
        torsional_line(np.ones(1000), 0.1, 7.0, 60.0)
    with pytest.raises(InputError, match="expected segments"):
        torsional_line(np.ones(100), 0.01, 7.0, 60.0)


def test_shares():
    assert generator_share(100 * MW, None) == 1.0
    strong, weak = (generator_share(100 * MW, Source.from_strength(s, 1e6)) for s in (20e9, 1e9))
    assert strong == pytest.approx((1 / 20e9) / (1 / 20e9 + 0.26 / 100e6), rel=1e-6)
    assert 0.0 < strong < weak < 1.0


def test_every_class_of_generator_has_a_band_or_no_shaft():
    for entry in catalog.entries("generators").values():
        kind = entry.properties.get("class")
        band = shaft_band(kind)
        assert (band is None) == (kind == "fuel_cell"), entry.name
        assert band is None or band[0] < band[1]
    assert shaft_band(None) == (7.0, 60.0)
