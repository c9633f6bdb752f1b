"""Spectra of waveforms whose spectrum is known in closed form, and of the production waveform."""

import numpy as np
import pytest
from scipy import signal

from clustersim.errors import InputError
from clustersim.power.spectrum import HARMONIC_SAMPLES, band_shares, band_table, harmonics, spectrogram, welch

DT = 0.01


def sine(frequency, amplitude, seconds, dt=DT, phase=0.3):
    return amplitude * np.sin(2 * np.pi * frequency * dt * np.arange(round(seconds / dt)) + phase)


@pytest.mark.parametrize("frequency", [0.05, 0.317, 2.0])
def test_a_sine_has_its_own_amplitude_in_one_harmonic(frequency):
    power = 50e6 + sine(frequency, 3e6, 20.0 / frequency)
    first, *higher = harmonics(power, DT, 1.0 / frequency)
    assert first.frequency_hz == pytest.approx(frequency)
    assert first.line_w == pytest.approx(3e6, rel=1e-6)
    assert first.near_w == pytest.approx(3e6, rel=1e-6)
    assert first.welch_w == pytest.approx(3e6, rel=5e-3)
    assert first.energy_share == pytest.approx(1.0, abs=1e-6)
    assert max(h.line_w for h in higher) < 10.0


def test_a_square_wave_has_odd_harmonics_only():
    """Height h about its mean at duty 1/2: amplitudes 4/(pi n) of h/2, energies 8/(pi n)^2."""
    times = DT * (np.arange(40_000) + 0.5)
    found = harmonics(np.where(times % 4.0 < 2.0, 60e6, 40e6), DT, 4.0, most=9)
    for item in found:
        if item.order % 2:
            assert item.line_w == pytest.approx(10e6 * 4.0 / (np.pi * item.order), rel=1e-3)
            assert item.near_w == pytest.approx(item.line_w, rel=1e-3)
            assert item.energy_share == pytest.approx(8.0 / (np.pi * item.order) ** 2, rel=2e-3)
        else:
            assert item.line_w < 1.0
            assert item.energy_share < 1e-6
    # all odd harmonics together are all of the energy: pi^2 / 8
    assert sum(item.energy_share for item in found) == pytest.approx(0.95947, abs=1e-3)


def test_the_order_stops_at_what_the_samples_know():
    assert [h.order for h in harmonics(sine(1.0, 1.0, 100.0, dt=0.2) + 5.0, 0.2, 1.0)] == [1, 2]


def test_jitter_moves_amplitude_from_the_line_to_its_neighbourhood():
    rng = np.random.default_rng(3)
    starts = np.cumsum(rng.normal(5.0, 0.15, 400))
    times = DT * np.arange(150_000)
    power = np.where(times - starts[np.searchsorted(starts, times, side="right") - 1] < 1.0, 2e7, 8e7)[1000:]
    third = harmonics(power, DT, 5.0)[2]
    assert third.line_w < 0.7 * third.near_w
    assert third.welch_w == pytest.approx(third.near_w, rel=0.1)


def test_a_long_record_gives_the_same_after_averaging():
    power = 5e7 + sine(0.5, 1e6, 1000.0, dt=1e-3) + sine(1.5, 4e5, 1000.0, dt=1e-3) + sine(200.0, 1e6, 1000.0, dt=1e-3)
    assert power.size > 4 * HARMONIC_SAMPLES
    found = harmonics(power, 1e-3, 2.0)
    assert found[0].line_w == pytest.approx(1e6, rel=1e-6)
    assert found[2].near_w == pytest.approx(4e5, rel=1e-4)
    # what is above the averaged samples counts in the whole
    assert found[0].energy_share == pytest.approx(1.0 / 2.16, rel=1e-3)


def test_harmonics_that_cannot_be_told():
    assert harmonics(np.full(1000, 7e7), DT, 2.0) == ()
    for period in (0.0, 6.0, float("nan")):
        with pytest.raises(InputError, match="expected at least two periods"):
            harmonics(np.ones(1000), DT, period)


def test_parseval():
    """Sum of the density over frequencies is the variance: exactly so for one segment without a window's help."""
    rng = np.random.default_rng(0)
    power = 1e6 * rng.standard_normal(200_000)
    frequency, density = welch(power, DT, 20.0)
    assert float(density.sum()) * frequency[1] == pytest.approx(float(power.var()), rel=0.01)
    found = spectrogram(power, DT, 20.0)
    assert found.variance_w2().mean() == pytest.approx(float(power.var()), rel=0.01)
    assert band_table(power, DT, [(0.0, 50.0)])[0] == (pytest.approx((1.0, 1.0)), pytest.approx((1.0, 1.0)))
    parts = band_table(power, DT, [(0.0, 10.0), (10.0001, 50.0)])
    assert sum(plain.energy for plain, _ in parts) == pytest.approx(1.0)
    assert parts[0][0].energy == pytest.approx(0.2, abs=0.01)


@pytest.mark.parametrize(("samples", "segment"), [(4, 4), (5, 4), (7, 5), (1000, 999), (4097, 64), (300_001, 4001)])
def test_welch_equals_that_of_scipy(samples, segment):
    power = 1e8 + 1e6 * np.random.default_rng(samples).random(samples)
    frequency, density = welch(power, DT, segment * DT)
    expected = signal.welch(power, 1.0 / DT, nperseg=segment, noverlap=segment // 2, detrend="constant")
    np.testing.assert_allclose(frequency, expected[0], rtol=1e-12)
    np.testing.assert_allclose(density, expected[1], rtol=1e-9, atol=1e-12 * density.max())


def test_a_spectrogram_shows_when_a_frequency_is_there():
    power = np.concatenate([sine(0.5, 1e6, 300.0), sine(5.0, 2e6, 300.0)]) + 5e7
    found = spectrogram(power, DT, 20.0)
    middle = np.sqrt(found.edges_hz[1:] * found.edges_hz[:-1])
    for column, frequency, amplitude in ((0, 0.5, 1e6), (-1, 5.0, 2e6)):
        assert middle[np.argmax(found.density[:, column])] == pytest.approx(frequency, rel=0.1)
        assert found.variance_w2()[column] == pytest.approx(0.5 * amplitude**2, rel=1e-6)
    assert found.times_s[0] == pytest.approx(10.0)
    assert found.times_s[-1] <= 590.0
    assert found.edges_hz[0] == pytest.approx(0.5 / 20.0)


def test_a_spectrogram_is_that_of_scipy():
    power = 5e7 + 1e6 * np.random.default_rng(5).standard_normal(4096)
    mine = spectrogram(power, DT, 1.28)
    _, times, theirs = signal.spectrogram(
        power - power.mean(), 1.0 / DT, "hann", nperseg=128, noverlap=96, detrend=False, mode="psd"
    )
    assert mine.times_s == pytest.approx(times)
    # 64 lines in fewer bands: the first bands hold one line each
    lines = np.round(mine.edges_hz * 1.28 + 0.5).astype(int)
    theirs = np.stack([theirs[a:b].mean(axis=0) for a, b in zip(lines[:-1], lines[1:], strict=True)])
    # scipy takes off the mean of the record, not that of the segment under its window: the lowest lines differ
    assert mine.density[2:] == pytest.approx(theirs[2:], rel=1e-9)


def test_a_spectrogram_of_a_long_record_stays_small():
    found = spectrogram(np.random.default_rng(1).random(2_000_000), 1e-3, 2.0)
    assert found.density.shape[0] <= 120
    assert 500 <= found.density.shape[1] <= 600


@pytest.mark.parametrize("segment", [0.03, 11.0, float("nan"), float("inf"), -1.0])
def test_segments_that_do_not_fit(segment):
    for function in (welch, spectrogram):
        with pytest.raises(InputError, match="expected segments of at least 0.04 s and at most the 10 s"):
            function(np.ones(1000), DT, segment)


def test_the_shares_of_the_published_production_waveform(reference):
    """Whole record of arXiv 2508.14318 fig. 1, and the paper's own transform of it in fig. 3."""
    path = reference / "power" / "fig1_power_40hz.csv"
    if not path.is_file():
        pytest.skip(f"no power traces at {path.parent}")
    power = np.loadtxt(path, delimiter=",", skiprows=1)[:, 1]
    bands = [(0.0, 0.2), (0.2, 3.0), (3.0, 20.0)]
    plain = [both[0] for both in band_table(power, 0.025, bands)]
    assert [share.amplitude for share in plain] == pytest.approx([0.41, 0.41, 0.18], abs=0.008)
    assert [share.energy for share in plain] == pytest.approx([0.856, 0.141, 0.003], abs=0.002)
    frequency, magnitude = np.loadtxt(path.with_name("fig3_fft.csv"), delimiter=",", skiprows=1).T
    inside = [(frequency > low) & (frequency <= high) for low, high in bands]
    assert [magnitude[i].sum() / magnitude.sum() for i in inside] == pytest.approx([0.37, 0.46, 0.17], abs=0.006)
    energy = magnitude**2
    assert [energy[i].sum() / energy.sum() for i in inside] == pytest.approx([0.825, 0.172, 0.003], abs=0.002)


def test_the_harmonics_of_the_published_production_waveform(reference):
    path = reference / "power" / "fig1_power_40hz.csv"
    if not path.is_file():
        pytest.skip(f"no power traces at {path.parent}")
    rows = np.loadtxt(path, delimiter=",", skiprows=1)
    job = rows[(rows[:, 0] >= 7.0) & (rows[:, 0] <= 195.2), 1]
    found = harmonics(job, 0.025, 20.93)
    assert found[0].frequency_hz == pytest.approx(0.0478, abs=1e-4)
    assert found[0].near_w > max(item.near_w for item in found[1:])
    # the fundamental and its first three harmonics carry most of the energy, as the notes on the trace say
    assert 0.5 < sum(item.energy_share for item in found[:4]) < 0.85
    inside = band_shares(job, 0.025, 0.5 / 20.93, 10.5 / 20.93).energy
    assert sum(item.energy_share for item in found) == pytest.approx(inside, abs=0.02)
