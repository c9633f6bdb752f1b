"""Synchronous machines on a network: against an independent simulator, closed forms and a slow twin."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError
from scipy import optimize

from clustersim.errors import InputError
from clustersim.plant import network_kernels as k
from clustersim.plant.network import network_model, read_network, run_network
from clustersim.plant.spec_parts.network import NetworkSpec

ANDES = Path(__file__).resolve().parents[2] / ".." / "shared" / "reference" / "andes"
needs_andes = pytest.mark.skipif(not ANDES.is_dir(), reason="reference trajectories are not beside the repository")

MW = 1e6
DT = 1e-3
EVENT_DELAY_S = 5e-5  # the reference applies its events this late
TRAPEZOID_DELAY_S = 1 / 240  # and its files with an impedance load in the middle of a step of 1/120 s

GOVERNORS = {
    "none": None,
    "tgov1": {"model": "TGOV1", "droop": "5 %", "t1": "0.5 s", "t2": "3 s", "t3": "10 s"},
    "gast": {"model": "GAST", "droop": "5 %", "t1": "0.4 s", "t2": "0.1 s", "t3": "3 s", "temperature_gain": 2.0},
}
GOVERNORS["tgov1_db"] = GOVERNORS["tgov1"] | {"deadband": 0.0006}
SEXS = {"model": "SEXS", "gain": 100, "lead": "1 s", "lag": "10 s", "regulator": "0.05 s", "most": 5, "least": -5}
FLUX = {"xl": 0.15, "xd": 1.8, "xq": 1.7, "xd1": 0.3, "xq1": 0.55, "x2": 0.25}
TIMES = {"td10": "8 s", "tq10": "0.4 s", "td20": "0.03 s", "tq20": "0.05 s"}


def island(machine="genrou", governor="gast", load="constant_power", **more):
    base = {"bus": "gen", "rating": "200 MVA", "inertia": "4 s", "slack": True, "voltage": "1 pu"}
    kind = {"model": "classical", "xd1": 0.25} if machine == "gencls" else FLUX | TIMES | {"exciter": SEXS}
    return NetworkSpec.model_validate(
        {
            "source": "test",
            "frequency": "60 Hz",
            "buses": {"gen": "20 kV", "site": "20 kV"},
            "branches": [{"ends": ["gen", "site"], "reactance": 0.02}],
            "loads": [{"bus": "site", "active": "100 MW", "reactive": "20 MVA", "model": load}],
            "machines": {
                "G": base | kind | {"governor": GOVERNORS[governor] if isinstance(governor, str) else governor} | more
            },
        }
    )


def disturbance(name, end_s):
    t = np.arange(round(end_s / DT) + 2) * DT
    if name.startswith("step"):
        high = {"step10": 20 * MW, "step30": 60 * MW}[name]
        return np.where(t >= 1.0 - 1e-9, high, 0.0)
    half = np.floor((t - 1.0) * 2.0 * float(name[2:-2]) + 1e-9) % 2
    return np.where(t < 1.0 - 1e-9, 0.0, np.where(half == 0, 20 * MW, -20 * MW))


CASES = (
    sorted(path.name.removesuffix(".csv.gz") for path in ANDES.glob("gen*.csv.gz"))
    if ANDES.is_dir()
    else ["genrou_gast_step10"]
)


QUICK = ("genrou_gast_step10", "gencls_tgov1_db_step30", "genrou_tgov1_sq0.5hz", "genrou_tgov1_zload_step10")
"""Both machines, both governors, with and without deadband, a step and a square wave, both kinds of load."""


@needs_andes
@pytest.mark.parametrize(
    "name", [name if name in QUICK else pytest.param(name, marks=pytest.mark.soak) for name in CASES]
)
def test_island_equals_andes(name):
    """Every case with one machine: both machines, governors, steps and square waves, both kinds of load."""
    machine, *governor, change = name.split("_")
    shunt = "zload" in governor
    kind = "constant_impedance" if shunt else "constant_power"
    table = pd.read_csv(ANDES / f"{name}.csv.gz")
    added = disturbance(change, float(table.t.iloc[-1]))
    model = network_model(island(machine, "_".join(g for g in governor if g != "zload"), kind), ("site",))
    trace = run_network(model, {"site": added}, DT, kind)
    delay = TRAPEZOID_DELAY_S if shunt else EVENT_DELAY_S
    times = np.arange(added.size) * DT + delay
    error = np.abs(np.interp(table.t, times, trace.frequency_hz[:, 0]) - table.freq_hz)
    assert error.max() < 2e-5
    assert np.abs(np.interp(table.t, times, trace.mechanical_w[:, 0]) / MW - table.pm).max() < 2e-3
    # Voltage jumps with the load: the sample in whose millisecond, or step, it does is left out.
    jumps = (np.flatnonzero(np.diff(added)) + 1) * DT
    near = np.abs(table.t.to_numpy()[:, None] - jumps).min(axis=1) < (1e-2 if shunt else 1.1e-3)
    for column, bus in (("v_gen", 0), ("v_load", 1)):
        voltage = np.interp(table.t, times, trace.voltage_pu[:, bus])
        assert np.abs(voltage - table[column])[~near].max() < 1e-5


@needs_andes
def test_pulses_of_the_two_area_system_equal_andes():
    """The full model under the reference's square wave, whose edges lie on its steps: read from its own power."""
    model = network_model(read_network("two_area"), ("7",))
    for multiple, expected in (("0.5x", 0.0203), ("1x", 0.2146), ("2x", 0.0277)):
        table, added = two_area_reference(multiple)
        trace = run_network(model, {"7": added}, DT)
        times = np.arange(added.size) * DT
        swing = areas(trace.frequency_hz)
        reference = areas(table[["f1_hz", "f2_hz", "f3_hz", "f4_hz"]].to_numpy())
        assert np.ptp(reference[table.t >= 25.0]) == pytest.approx(expected, abs=1e-4)
        assert np.ptp(swing[times >= 25.0]) == pytest.approx(expected, rel=0.01)
        # the reference takes steps of 1/60 s
        assert np.abs(np.interp(table.t, times, swing) - reference).max() < 2.5e-3


def two_area_reference(multiple):
    """A reference file, and the load that it adds at bus 7 in bins of a millisecond."""
    table = pd.read_csv(ANDES / f"kundur_pulse_{multiple}.csv.gz")
    change = (table.pe1 + table.pe2 + table.pe3 + table.pe4).diff().to_numpy()
    edges = table.t.to_numpy()[np.abs(change) > 40.0] - 1e-4
    passed = np.searchsorted(edges, np.arange(round(41.0 / DT)) * DT, side="right")
    return table, np.where(passed == 0, 0.0, np.where(passed % 2 == 1, 50 * MW, -50 * MW))


def areas(frequency):
    """Mean of machines 1 and 2 less mean of 3 and 4: the statistic whose swing the reference states."""
    return (frequency[:, 0] + frequency[:, 1] - frequency[:, 2] - frequency[:, 3]) / 2.0


def test_power_flow_balances():
    flow = network_model(read_network("two_area")).flow
    loss = flow.generated.sum() - flow.load.sum() - (flow.voltage * np.conj(flow.admittance @ flow.voltage)).sum()
    assert abs(loss) < 1e-9
    assert np.abs(flow.voltage[:4]) == pytest.approx(1.0, abs=1e-12)
    assert flow.generated[1:4].real == pytest.approx(7.0, abs=1e-10)


def test_undisturbed_nothing_moves():
    trace = run_network(network_model(read_network("two_area"), ("7",)), {"7": np.zeros(2000)}, 1e-2)
    assert np.abs(trace.frequency_hz - 60.0).max() < 1e-9
    assert trace.mechanical_w[-1] == pytest.approx(trace.electrical_w[-1], rel=1e-9)


def test_initial_rate_of_change():
    added = np.full(3, 20 * MW)
    f = run_network(network_model(island(governor="none"), ("site",)), {"site": added}, 1e-3).frequency_hz[:, 0]
    assert (f[1] - f[0]) / 1e-3 == pytest.approx(-20 * 60 / (2 * 4 * 200), rel=1e-9)


def test_settles_on_the_droop():
    f = run_network(network_model(island(), ("site",)), {"site": np.full(8000, 20 * MW)}, 1e-2).frequency_hz
    assert f[-1, 0] - 60.0 == pytest.approx(-0.05 * 20 / 200 * 60, abs=1e-5)


def test_held_flux_is_the_classical_machine():
    """Rotor circuits that never change: a voltage behind the transient reactance, for a load that follows voltage."""
    slow = {"td10": "1e12 s", "tq10": "1e12 s", "td20": "1e12 s", "tq20": "1e12 s", "exciter": None}
    near = {"xl": 0.1, "x2": 0.25, "xd1": 0.25, "xd": 0.25 + 1e-9, "xq1": 0.25, "xq": 0.25 + 1e-9}
    added = {"site": np.full(2000, 20 * MW)}
    full = run_network(
        network_model(island(governor="none", load="constant_impedance", **near, **slow), ("site",)), added, 1e-2
    )
    plain = run_network(network_model(island("gencls", "none", load="constant_impedance"), ("site",)), added, 1e-2)
    assert full.frequency_hz == pytest.approx(plain.frequency_hz, abs=1e-6)
    assert full.voltage_pu == pytest.approx(plain.voltage_pu, abs=1e-8)


def test_machines_share_a_step_by_droop():
    written = NetworkSpec.model_validate(read_network("two_area").model_dump())
    trace = run_network(network_model(written, ("7",)), {"7": np.full(12000, 50 * MW)}, 1e-2)
    more = trace.mechanical_w[-1] - trace.mechanical_w[0]
    assert more == pytest.approx(np.full(4, more.mean()), rel=1e-3)
    assert trace.frequency_hz[-1] == pytest.approx(60.0 - 0.05 * 60 * more.mean() / 900e6, abs=1e-4)


def twin_slopes(network, model, x, added):
    """The same equations, written slowly from the spec: all bus voltages by a general solver."""
    base, w0 = network.base, 2 * math.pi * network.frequency
    names, machines = list(network.buses), list(network.machines.values())

    def emf(m, row):
        d, q = m.xd1 - m.xl, m.xq1 - m.xl
        psi_d = (m.x2 - m.xl) / d * row[k.E1Q] + (m.xd1 - m.x2) / d * row[k.E2D]
        psi_q = (m.x2 - m.xl) / q * row[k.E1D] + (m.xq1 - m.x2) / q * row[k.E2Q]
        return complex(psi_d, -psi_q) * np.exp(1j * row[k.ANGLE])

    def current(m, row, v):
        return (emf(m, row) - v) / (1j * m.x2) * m.rating / base

    def mismatch(parts):
        v = parts[: len(names)] + 1j * parts[len(names) :]
        into = -model.flow.admittance @ v
        for m, row in zip(machines, x, strict=True):
            into[names.index(m.bus)] += current(m, row, v[names.index(m.bus)])
        for load in network.loads:
            i = names.index(load.bus)
            s = complex(load.active, load.reactive) / base + (added if load.bus == "7" else 0.0)
            into[i] -= np.conj(s / v[i])
        return np.concatenate([into.real, into.imag])

    guess = np.concatenate([model.flow.voltage.real, model.flow.voltage.imag])
    found = optimize.fsolve(mismatch, guess, xtol=1e-13)
    v = found[: len(names)] + 1j * found[len(names) :]
    out = np.zeros_like(x)
    for n, (m, row) in enumerate(zip(machines, x, strict=True)):
        w, e, g, vt = row[k.SPEED], m.exciter, m.governor, v[names.index(m.bus)]
        idq = current(m, row, vt) / (m.rating / base) * np.exp(-1j * row[k.ANGLE])
        i_d, i_q = -idq.imag, idq.real
        torque = (vt * np.exp(-1j * row[k.ANGLE]) * np.conj(idq)).real
        turbine = row[k.X2] + g.t2 / g.t3 * (row[k.X1] - row[k.X2])
        out[n, k.ANGLE], out[n, k.SPEED] = w0 * w, (turbine - torque) / (2 * m.inertia)
        d, q = m.xd1 - m.xl, m.xq1 - m.xl
        field = row[k.FIELD] * (1 + w)
        through_d = (m.x2 - m.xl) / d * i_d + (m.xd1 - m.x2) / d**2 * (row[k.E1Q] - row[k.E2D])
        through_q = -(m.x2 - m.xl) / q * i_q + (m.xq1 - m.x2) / q**2 * (row[k.E1D] - row[k.E2Q])
        out[n, k.E1Q] = (field - row[k.E1Q] - (m.xd - m.xd1) * through_d) / m.td10
        out[n, k.E1D] = (-row[k.E1D] - (m.xq - m.xq1) * through_q) / m.tq10
        out[n, k.E2D] = (row[k.E1Q] - row[k.E2D] - d * i_d) / m.td20
        out[n, k.E2Q] = (row[k.E1D] - row[k.E2Q] + q * i_q) / m.tq20
        p = model.parameters[n]
        out[n, k.SENSED] = (abs(vt) - row[k.SENSED]) / e.sensing
        washed = e.feedback_gain * (row[k.FIELD] - row[k.FEEDBACK]) / e.feedback
        out[n, k.FEEDBACK] = (row[k.FIELD] - row[k.FEEDBACK]) / e.feedback
        error = p[k.VREF] - row[k.SENSED] - washed
        out[n, k.LEADLAG] = (error - row[k.LEADLAG]) / e.lag
        led = row[k.LEADLAG] + e.lead / e.lag * (error - row[k.LEADLAG])
        out[n, k.REGULATOR] = (e.gain * led - row[k.REGULATOR]) / e.regulator
        out[n, k.FIELD] = (row[k.REGULATOR] - e.self_excitation * row[k.FIELD]) / e.exciter
        out[n, k.X1] = (p[k.TORQUE] - w / g.droop - row[k.X1]) / g.t1
        out[n, k.X2] = (row[k.X1] - row[k.X2]) / g.t3
    return out


def test_kernel_equals_the_slow_twin():
    network = read_network("two_area")
    model = network_model(network, ("7",))
    rng = np.random.default_rng(3)
    for _ in range(5):
        x = model.start * (1 + 0.02 * rng.standard_normal(model.start.shape))
        x[:, k.SPEED] = 1e-3 * rng.standard_normal(4)
        taken = model.constant.copy()
        taken[model.load_place("7")] += 0.5
        found = k.slopes(
            x, model.parameters, model.angular_frequency, model.impedance, model.machine_buses, model.load_buses,
            taken, np.zeros_like(taken), model.load_voltage,
        )  # fmt: skip
        assert found[4]
        assert found[0] == pytest.approx(twin_slopes(network, model, x, 0.5), abs=1e-8, rel=1e-8)


def test_a_load_beyond_the_nose_stops_with_its_time():
    model = network_model(island(governor="none"), ("site",))
    added = np.where(np.arange(200) < 100, 0.0, 3000 * MW)
    with pytest.raises(InputError, match=r"no operating point at t = 0\.1 s"):
        run_network(model, {"site": added}, 1e-3)


def test_a_falling_machine_is_named_with_its_time():
    with pytest.raises(InputError, match=r"speed of machine 'G' left the model at t = 13\.3"):
        run_network(
            model=network_model(island("gencls", "none"), ("site",)),
            added_va={"site": np.full(2000, 60 * MW)},
            dt_s=1e-2,
        )


def test_no_power_flow_solution_is_named():
    tree = island().model_copy(update={"loads": (island().loads[0].model_copy(update={"active": 4000 * MW}),)})
    with pytest.raises(InputError, match="power flow has no solution with 4000 MW"):
        network_model(tree)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"slack": False, "active": "700 MW"}, "expected one machine with `slack: true`.*found none"),
        ({"bus": "sitee"}, "unknown bus 'sitee'; did you mean 'site'"),
        ({"xd1": 2.0}, "expected xl < x2 <= xd1 < xd"),
        ({"td10": None}, "a round-rotor machine needs `td10`"),
        ({"model": "classical"}, "takes no `exciter`"),
        ({"exciter": SEXS | {"most": -6}}, "expected least < most"),
        ({"exciter": SEXS | {"model": "EXDC2"}}, "an EXDC2 needs `sensing`"),
        ({"active": "5 MW"}, "none for the slack machine"),
        ({"inertia": "0 s"}, "greater than 0"),
    ],
)
def test_bad_networks_are_named(change, message):
    with pytest.raises(ValidationError, match=message):
        island(**change)


def test_a_bus_without_path_is_named():
    with pytest.raises(ValidationError, match="bus 'far' has no path to the slack machine"):
        NetworkSpec(
            source="test",
            frequency="60 Hz",
            buses={"gen": "20 kV", "far": "20 kV"},
            branches=(),
            machines={"G": island("gencls").machines["G"].model_dump()},
        )


def test_limits_of_controls_at_the_start_are_named():
    with pytest.raises(InputError, match=r"machines\.G\.governor: the operating point needs 0\.5 pu, outside"):
        network_model(island(governor=GOVERNORS["gast"] | {"most": 0.4}))
    with pytest.raises(InputError, match=r"machines\.G\.exciter: the operating point needs 1\.4.* pu, outside"):
        network_model(island(exciter=SEXS | {"most": 1.2}))


def test_unknown_networks_are_named(tmp_path):
    with pytest.raises(InputError, match="found 'two_arae'; did you mean 'two_area'"):
        read_network("two_arae")
    (tmp_path / "grid.yaml").write_text("source: x\nfrequency: 60\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"grid\.yaml: frequency: .*expected a frequency with a unit"):
        read_network(tmp_path / "grid.yaml")
