"""Single modes of an interconnection: closed forms, exactness, the catalog, and the network that they stand for."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clustersim import catalog
from clustersim.errors import CatalogError, InputError
from clustersim.plant.modes import (
    GridMode,
    largest_excursion,
    mode_entries,
    mode_transfer,
    mode_waveform,
    modes_of,
)
from clustersim.plant.network_linear import linearise, network_modes
from tests.plant.test_network_linear import two_area

MW = 1e6
MODE = GridMode("test", 0.5, 0.03, 2.7 * 60e9, 60.0, low_hz=0.45, high_hz=0.6, low_damping=0.02)


def test_resonance_worked_by_hand():
    """100 MW on 60 GVA, H 2.7 s, damping 3 %, 0.5 Hz: 60 x 1.667e-3 / (4 x 0.03 x 3.1416 x 2.7) = 0.0982 Hz."""
    assert 100 * MW * abs(mode_transfer(MODE, 0.5)) == pytest.approx(0.0982, abs=5e-5)


@pytest.mark.parametrize("ratio", [0.5, 2.0])
def test_off_resonance_by_two(ratio):
    """|df| relative to resonance: 2 zeta r / sqrt((1 - r^2)^2 + (2 zeta r)^2), the same at r and 1/r: 25 times less."""
    found = abs(mode_transfer(MODE, 0.5 * ratio) / mode_transfer(MODE, 0.5))
    assert found == pytest.approx(0.06 * ratio / np.hypot(1 - ratio**2, 0.06 * ratio), rel=1e-12)
    assert 1 / found == pytest.approx(25.0, rel=0.01)


def test_fast_loads_see_inertia_alone():
    f = 50.0
    inertia = 60.0 / (2 * MODE.inertia_ws * 2 * np.pi * f)
    assert abs(mode_transfer(MODE, f)) == pytest.approx(inertia, rel=1e-3)


def test_waveform_is_exact_for_a_step():
    """Step response: -(gain/wd) exp(-zeta wn t) sin(wd t), whatever the spacing of samples."""
    wn = 2 * np.pi * 0.5
    wd = wn * np.sqrt(1 - 0.03**2)
    for dt in (0.3, 0.05):
        n = round(60.0 / dt)
        load = np.zeros(n)
        load[n // 2 :] = 10 * MW
        t = (np.arange(n) - n // 2) * dt
        gain = 60.0 / (2 * MODE.inertia_ws) * 10 * MW / wd

        def step(after, gain=gain):
            return np.where(after > 0, -gain * np.exp(-0.03 * wn * after) * np.sin(wd * after), 0.0)

        # the mean is taken off: the record starts with a step of minus the mean
        assert mode_waveform(MODE, load, dt) == pytest.approx(step(t) - 0.5 * step(t + n // 2 * dt), abs=1e-12)


def test_waveform_of_a_sine_is_the_transfer():
    t = (np.arange(40_000) + 0.5) * 0.01
    found = largest_excursion(MODE, 5 * MW * np.sin(2 * np.pi * 0.4 * t), 0.01)
    assert found == pytest.approx(5 * MW * abs(mode_transfer(MODE, 0.4)), rel=1e-2)


def test_a_square_wave_drives_a_mode_through_its_harmonic():
    """Third harmonic 4 P / (3 pi) on the mode; the others add little."""
    t = np.arange(120_000) * 0.005
    load = 30 * MW * np.sign(np.sin(2 * np.pi * t / 6.0) + 1e-12)
    alone = 4 * 30 * MW / (3 * np.pi) * abs(mode_transfer(MODE, 0.5))
    assert largest_excursion(MODE, load, 0.005) == pytest.approx(alone, rel=0.15)


def test_worst_place_of_a_band():
    assert MODE.worst_for(0.55).frequency_hz == 0.55
    assert MODE.worst_for(0.1).frequency_hz == 0.45
    assert MODE.worst_for(9.0).frequency_hz == 0.6
    assert MODE.worst_for(0.55).damping == 0.02
    assert replace(MODE, low_hz=None, high_hz=None, low_damping=None).worst_for(0.55).frequency_hz == 0.5


@settings(max_examples=30, deadline=None)
@given(f=st.floats(0.05, 3.0), damping=st.floats(0.01, 0.5), more=st.floats(1.01, 4.0))
def test_inertia_and_damping_never_raise_the_answer(f, damping, more):
    mode = replace(MODE, damping=damping, low_damping=None)
    base = abs(mode_transfer(mode, f))
    assert abs(mode_transfer(replace(mode, inertia_ws=more * mode.inertia_ws), f)) == pytest.approx(base / more)
    assert abs(mode_transfer(replace(mode, damping=min(0.99, more * damping)), f)) <= base * (1 + 1e-12)


def test_one_mode_stands_for_a_network():
    """The inter-area mode of the two-area system, read back into one mode, gives its part of the network's answer."""
    model = two_area("constant_impedance")
    linear = linearise(model, "7")
    mode = next(m for m in network_modes(linear) if m.mechanical)
    inertia = sum(m.inertia * m.rating for m in model.network.machines.values())
    # a lightly damped mode has the residue f0 participation / (4 sum HS), which mode_transfer is made from
    seen = [4.0 * inertia * abs(residue) / 60.0 for residue in mode.residue]
    assert 0.15 < min(seen) < max(seen) < 1.0  # below the 1 that the catalog assumes
    single = GridMode("inter-area", abs(mode.eigenvalue) / (2 * np.pi), mode.damping, inertia, 60.0, seen[0])
    s = 2j * np.pi * mode.frequency_hz
    own = mode.residue[0] / (s - mode.eigenvalue) + np.conj(mode.residue[0]) / (s - np.conj(mode.eigenvalue))
    assert abs(mode_transfer(single, mode.frequency_hz)) == pytest.approx(abs(own), rel=0.02)


def test_the_catalog_has_modes_of_the_interconnection():
    modes = modes_of("eastern_interconnection")
    assert modes == modes_of("EI")
    assert [mode.name for mode in modes] == sorted(
        mode_entries("EI"), key=lambda n: catalog.entry("modes", n).si("frequency")
    )
    grid = catalog.entry("grids", "EI")
    for mode in modes:
        assert 0.1 < mode.low_hz <= mode.frequency_hz <= mode.high_hz < 0.5
        assert mode.inertia_ws == grid.si("inertia") * grid.si("online_capacity")
    assert modes_of("EI", 0.8)[0].inertia_ws == pytest.approx(0.8 * modes[0].inertia_ws)
    assert modes_of("memphis_161kv") == ()
    with pytest.raises(CatalogError, match="did you mean 'eastern_interconnection'"):
        modes_of("eastern_interconection")


def test_every_recalled_mode_says_so():
    for entry in catalog.entries("modes").values():
        if entry.properties["kind"] == "electromechanical":
            assert {entry.figure(f).confidence for f in ("frequency", "damping")} == {"from_memory"}
            assert entry.figure("participation").confidence == "estimate"


def test_modes_without_damping_are_named():
    with pytest.raises(InputError, match="mode test: expected a damping ratio between 0 and 1, found 0: a load at"):
        replace(MODE, damping=0.0)
    with pytest.raises(InputError, match="mode test: expected a damping ratio"):
        replace(MODE, low_damping=-0.01)
    with pytest.raises(InputError, match="mode test: expected inertia above zero, found 0"):
        replace(MODE, inertia_ws=0.0)
