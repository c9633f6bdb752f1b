"""Linearised network: eigenvalues of an independent program, closed forms, and the pulsating two-area case."""

from __future__ import annotations

import numpy as np
import pytest

from clustersim.errors import InputError
from clustersim.plant.network import network_model, read_network, run_network
from clustersim.plant.network_linear import (
    area_difference,
    forced_response,
    inter_area_mode,
    linearise,
    network_modes,
    transfer,
)
from clustersim.plant.spec_parts.network import NetworkSpec
from tests.plant.test_network import MW, island, needs_andes, two_area_reference

AREAS = (("G1", "G2"), ("G3", "G4"))


def two_area(load="constant_power", bus="7"):
    network = read_network("two_area")
    loads = tuple(item.model_copy(update={"model": load}) for item in network.loads)
    return network_model(network.model_copy(update={"loads": loads}), (bus,))


@pytest.fixture(scope="module")
def linear():
    return linearise(two_area(), "7")


def test_eigenvalues_equal_andes(linear):
    """Frequency and damping by the eigenvalue routine of ANDES 2.0.0 on the same case, loads at constant power."""
    expected = [
        (1.127765171874977, 0.09223950048736812),
        (1.087705400670406, 0.09504611334750131),
        (0.6723886032214751, 0.0453456609417909),
        (0.25911151137758603, 0.28412589709706965),
        (0.11691386146614183, 0.5892374120378174),
        (0.07108534646148304, 0.566931254176345),
    ]
    found = {round(m.frequency_hz, 4): m.damping for m in network_modes(linear)}
    for frequency, damping in expected:
        assert found[round(frequency, 4)] == pytest.approx(damping, rel=1e-5)


def test_inter_area_mode_with_impedance_loads():
    """The reference states 0.647 Hz and 3.4 % for it."""
    mode = inter_area_mode(network_modes(linearise(two_area("constant_impedance"), "7")))
    assert mode.frequency_hz == pytest.approx(0.647, abs=5e-4)
    assert mode.damping == pytest.approx(0.034, abs=5e-4)


def test_mode_shapes_and_participation(linear):
    modes = [mode for mode in network_modes(linear) if mode.mechanical]
    assert [len(modes), *(round(mode.frequency_hz, 2) for mode in modes)] == [3, 0.67, 1.09, 1.13]
    between = modes[0].shape.real
    assert (between[:2] * between[2:] < 0).all()  # one area against the other
    assert (np.sort(modes[1].participation)[:2] < modes[1].participation.max()).all()
    assert inter_area_mode(tuple(modes)) is modes[0]
    for mode in modes:
        assert 0.9 < mode.participation.sum() <= 1.0
        assert np.abs(mode.shape).max() == pytest.approx(1.0)


@needs_andes
@pytest.mark.parametrize(("multiple", "expected"), [("0.5x", 0.0203), ("1x", 0.2146), ("2x", 0.0277)])
def test_pulsating_load_of_the_two_area_system(linear, multiple, expected):
    """Mean of machines 1 and 2 less mean of 3 and 4, peak to peak after 25 s, under the reference's square wave."""
    _, added = two_area_reference(multiple)
    swing = area_difference(linear.machines, forced_response(linear, added, 1e-3), *AREAS)
    assert np.ptp(swing[25_000:]) == pytest.approx(expected, rel=0.1)


def test_the_swing_between_the_areas_is_mostly_the_inter_area_mode(linear):
    """Partial fractions: at its frequency its own term and the conjugate are all but some percent of the transfer."""
    mode = inter_area_mode(network_modes(linear))
    s = 2j * np.pi * mode.frequency_hz
    alone = mode.residue / (s - mode.eigenvalue) + np.conj(mode.residue) / (s - np.conj(mode.eigenvalue))
    swings = [area_difference(linear.machines, part, *AREAS)[0] for part in (alone[None].real, alone[None].imag)]
    whole = transfer(linear, mode.frequency_hz)
    both = [area_difference(linear.machines, part, *AREAS)[0] for part in (whole.real, whole.imag)]
    assert complex(*swings) == pytest.approx(complex(*both), rel=0.05)


def test_transfer_is_the_settled_answer_to_a_sine(linear):
    t = np.arange(60_000) * 2e-3
    found = forced_response(linear, MW * np.sin(2 * np.pi * 0.5 * (t + 1e-3)), 2e-3)[30_000:]
    assert np.ptp(found, axis=0) / 2 == pytest.approx(MW * np.abs(transfer(linear, 0.5)[0]), rel=1e-3)


def test_small_steps_of_the_full_model_follow_the_linear_one():
    model = two_area()
    found = linearise(model, "7")
    added = np.where(np.arange(1500) < 100, 0.0, 1 * MW)
    full = run_network(model, {"7": added}, 1e-2).frequency_hz - 60.0
    assert forced_response(found, added, 1e-2) == pytest.approx(full, abs=0.01 * np.abs(full).max())


def test_two_classical_machines_have_a_closed_form():
    """Angular frequency squared: w0 K (1/2H1 + 1/2H2), with K = E1 E2 / X cos(angle between them)."""
    machine = {"rating": "100 MVA", "model": "classical", "xd1": 0.3, "voltage": "1 pu"}
    network = NetworkSpec.model_validate(
        {
            "source": "test",
            "frequency": "60 Hz",
            "buses": {"a": "20 kV", "b": "20 kV"},
            "branches": [{"ends": ["a", "b"], "reactance": 0.2}],
            "loads": [{"bus": "b", "active": "60 MW", "model": "constant_impedance"}],
            "machines": {
                "A": machine | {"bus": "a", "inertia": "3 s", "slack": True, "damping": 0.2},
                "B": machine | {"bus": "b", "inertia": "5 s", "active": "60 MW", "damping": 0.2},
            },
        }
    )
    # each side carries its own: no current between the machines, and the shunt load draws from both sides
    (mode,) = network_modes(linearise(network_model(network, ("b",)), "b"))
    lossless = network.model_copy(update={"loads": ()})
    machines = dict(lossless.machines)
    machines["B"] = machines["B"].model_copy(update={"active": 0.0})
    idle = network_model(lossless.model_copy(update={"machines": machines}), ("b",))
    (plain,) = network_modes(linearise(idle, "b"))
    closed = np.sqrt(2 * np.pi * 60 * (1 / 6 + 1 / 10) / (0.3 + 0.2 + 0.3)) / (2 * np.pi)
    assert plain.frequency_hz == pytest.approx(closed, rel=1e-3)
    assert plain.shape.real.min() == pytest.approx(-3 / 5, rel=1e-3)  # momenta balance
    assert plain.damping == pytest.approx(0.2 * (1 / 6 * 5 + 1 / 10 * 3) / 8 / (4 * np.pi * closed), rel=5e-3)
    assert mode.frequency_hz == pytest.approx(closed, rel=0.1)


def test_one_machine_has_no_inter_area_mode():
    found = linearise(network_model(island(governor="tgov1"), ("site",)), "site")
    with pytest.raises(InputError, match="there is no inter-area mode"):
        inter_area_mode(network_modes(found))


def test_the_governor_of_an_island_is_seen():
    """Slow limit of the transfer function: the droop; fast limit: the inertia."""
    found = linearise(network_model(island(governor="gast", load="constant_impedance"), ("site",)), "site")
    steady = network_model(island(governor="gast"), ("site",))
    slow = transfer(linearise(steady, "site"), 1e-5)[0, 0]
    assert slow == pytest.approx(-0.05 * 60 / 200e6, rel=1e-3)
    fast = transfer(found, 20.0)[0, 0]
    assert abs(fast) == pytest.approx(60 / (2 * 4 * 200e6 * 2 * np.pi * 20), rel=0.15)


def test_an_unstable_point_names_its_eigenvalue():
    network = read_network("two_area")
    machines = {
        name: m.model_copy(update={"exciter": m.exciter.model_copy(update={"gain": 200.0, "feedback_gain": 0.0})})
        for name, m in network.machines.items()
    }
    with pytest.raises(InputError, match=r"unstable operating point: eigenvalue \+.*j 1/s \(.* Hz\), largest in G\d\."):
        linearise(network_model(network.model_copy(update={"machines": machines}), ("7",)), "7")


def test_unknown_places_are_named(linear):
    with pytest.raises(InputError, match="bus '77' has no load that could vary; did you mean '7'"):
        linearise(two_area(), "77")
    with pytest.raises(InputError, match="unknown bus '77'; did you mean '7'"):
        network_model(read_network("two_area"), ("77",))
    with pytest.raises(InputError, match="unknown machine 'G9'"):
        area_difference(linear.machines, np.zeros((2, 4)), ("G9",), ("G1",))
