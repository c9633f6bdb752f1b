"""Battery plants on a network: against an independent simulator, closed forms and a slow twin."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError
from scipy import optimize

from clustersim.catalog import entry
from clustersim.errors import CatalogError, InputError
from clustersim.plant import converter_kernels as c
from clustersim.plant import network_kernels as k
from clustersim.plant.network import network_model, read_network, run_network
from clustersim.plant.network_flow import power_flow
from clustersim.plant.network_linear import forced_response, linearise, network_modes
from clustersim.plant.plant_controller import battery_plants
from clustersim.plant.spec_parts.network import BatteryPlantSpec, NetworkSpec

ANDES = Path(__file__).resolve().parents[2] / ".." / "shared" / "reference" / "andes"
needs_andes = pytest.mark.skipif(not ANDES.is_dir(), reason="reference trajectories are not beside the repository")

MW = 1e6
DT = 1e-3
EVENT_DELAY_S = 5e-5  # the reference applies its events this late
BATTERY = {
    "bus": "site", "rating": "60 MVA", "type": "wecc_reference", "active": "1 MW", "voltage": "0.9957 pu",
    "droop": "3 %", "deadband": "0.0003 pu", "line": "plant",
}  # fmt: skip


def island(**changes):
    """The shipped island, with changes of its battery; without one for `battery=None`."""
    shipped = read_network("island_battery")
    if changes.get("battery", 0) is None:
        return shipped.model_copy(update={"batteries": {}})
    battery = BatteryPlantSpec.model_validate(BATTERY | changes)
    return shipped.model_copy(update={"batteries": {"battery": battery}})


def answer(network, added, dt_s=DT):
    return run_network(network_model(network, ("site",)), {"site": np.asarray(added)}, dt_s)


def disturbance(name, bins):
    t = np.arange(bins) * DT
    if name == "step30":
        return np.where(t >= 1.0 - 1e-9, 60 * MW, 0.0)
    half = np.floor(t - 1.0 + 1e-9) % 2
    return np.where(t < 1.0 - 1e-9, 0.0, np.where(half == 0, 20 * MW, -20 * MW))


@needs_andes
@pytest.mark.parametrize("change", ["step30", "sq0.5hz"])
@pytest.mark.parametrize("which", ["gfl", "nobess"])
def test_island_with_battery_equals_andes(which, change):
    """Asked: 1 mHz. The battery there discharges only."""
    table = pd.read_csv(ANDES / f"bess_{which}_{change}.csv.gz")
    added = disturbance(change, round(float(table.t.iloc[-1]) / DT) + 2)
    trace = answer(island(charges=False) if which == "gfl" else island(battery=None), added)
    times = np.arange(added.size) * DT + EVENT_DELAY_S
    assert np.abs(np.interp(table.t, times, trace.frequency_hz[:, 0]) - table.freq_hz).max() < 1e-4
    assert np.abs(np.interp(table.t, times, trace.mechanical_w[:, 0]) / MW - table.pm).max() < 2e-3
    jumps = (np.flatnonzero(np.diff(added)) + 1) * DT
    smooth = np.abs(table.t.to_numpy()[:, None] - jumps).min(axis=1) > 1.1e-3
    assert np.abs(np.interp(table.t, times, trace.voltage_pu[:, 1]) - table.v_load)[smooth].max() < 2e-5
    if which == "gfl":
        given = np.interp(table.t, times, trace.battery_va[:, 0].real / MW)
        assert np.abs(given - table.p_bess)[smooth].max() < 0.1  # the reference's step against lags of 20 ms


@pytest.mark.parametrize("active", ["1 MW", "0 MW", "-20 MW", "40 MW"])
@pytest.mark.parametrize("kind", ["wecc_reference", "wecc_andes"])
def test_undisturbed_nothing_moves(active, kind):
    trace = answer(island(active=active, type=kind), np.zeros(500), 1e-2)
    assert np.abs(trace.frequency_hz - 60.0).max() < 1e-9
    assert trace.battery_va.real == pytest.approx(np.full((500, 1), float(active.split()[0]) * MW), abs=1e-2)


def test_settles_on_droop_and_line():
    """Steady order: dispatch, droop beyond the dead band, and what the watched line carries more."""
    trace = answer(island(), np.full(3000, 40 * MW), 1e-2)
    v, first = trace.voltage_pu[-1, 1], trace.voltage_pu[0, 1]
    low = 1.0 - trace.frequency_hz[-1, 0] / 60.0 - 0.0003
    order = 0.01 + 20.0 * low + (trace.electrical_w[-1, 0] - 99 * MW) / 100e6
    gain, at_first = (v - 0.4) / 0.6, (0.9957 - 0.4) / 0.6
    offset = 0.01 / 0.9957 * (1.0 / at_first - 1.0)
    assert first < v < 1.0
    assert trace.battery_va[-1, 0].real / 100e6 == pytest.approx((order / v + offset) * gain * v, abs=1e-6)
    assert trace.electrical_w[-1, 0] + trace.battery_va[-1, 0].real == pytest.approx(140 * MW, abs=1.0)


def test_droop_alone():
    trace = answer(island(line=None), np.full(6000, 40 * MW), 1e-2)
    low = 1.0 - trace.frequency_hz[-1, 0] / 60.0 - 0.0003
    assert trace.battery_va[-1, 0].real == pytest.approx((1.0 + 2000.0 * low) * MW, rel=0.02)  # gain at low voltage


def test_charging_mirrors_discharging():
    """From zero dispatch with equal voltage on both sides of the converter's gain, small steps answer as mirrors."""
    changes = {"active": "0 MW", "type": "wecc_andes", "deadband": "0.0001 pu"}
    up = answer(island(**changes), np.full(2000, 4 * MW)).battery_va[:, 0].real
    down = answer(island(**changes), np.full(2000, -4 * MW)).battery_va[:, 0].real
    assert up.max() > 1.0 * MW
    assert np.abs(up + down).max() < 0.02 * up.max()


def test_discharge_only_takes_nothing():
    changes = {"active": "0 MW", "charges": False}
    down = answer(island(**changes), np.full(2000, -40 * MW))
    both = answer(island(active="0 MW"), np.full(2000, -40 * MW))
    assert np.abs(down.battery_va.real).max() < 1.0
    assert both.battery_va.real.min() < -20 * MW
    assert both.frequency_hz.max() < down.frequency_hz.max() - 0.1


def test_ordered_power_stays_within_the_rating():
    trace = answer(island(rating="20 MVA"), np.full(2000, 60 * MW))
    order = 0.2 / trace.voltage_pu[-1, 1]
    offset = 0.01 / 0.9957 * (0.6 / 0.5957 - 1.0)
    gain = (trace.voltage_pu[-1, 1] - 0.4) / 0.6
    given = (order + offset) * gain * trace.voltage_pu[-1, 1]
    assert trace.battery_va[-1, 0].real / 100e6 == pytest.approx(given, rel=1e-3)
    limited = answer(island(rating="20 MVA", current_limit="0.5 pu"), np.full(2000, 60 * MW))
    assert limited.battery_va[-1, 0].real < 10.1 * MW


def plant(**changes):
    """States and parameters of the shipped battery at its operating point."""
    own = network_model(island(**changes), ("site",)).plants
    return own.start[0].copy(), own.parameters[0].copy()


def moved(u, q, v=0.9957 + 0j, line=-0.99):
    return c.plant_slopes(u, q, 2 * math.pi * 60, v * np.exp(1j * u[c.ANGLE]), line)


@pytest.mark.parametrize(
    ("first", "charges", "active", "reactive"),
    [
        (1.0, 1.0, 0.3, 0.0),
        (0.0, 1.0, math.sqrt(0.3**2 - 0.1**2), 0.1),
        (1.0, 0.0, 0.3, 0.0),
    ],
)
def test_limit_of_apparent_current(first, charges, active, reactive):
    u, q = plant()
    q[[c.I_MAX, c.P_FIRST, c.CHARGES, c.P_OFFSET, c.Q_OFFSET, c.RATE_P]] = 0.3, first, charges, 0.0, 0.0, 1e3
    u[[c.ORDER, c.ORDERED_Q, c.ACTIVE, c.REACTIVE]] = 0.5, 0.1, 0.0, 0.0
    assert moved(u, q, 1.0)[c.ACTIVE] == pytest.approx(active / 0.02, rel=1e-12)
    assert moved(u, q, 1.0)[c.REACTIVE] == pytest.approx(reactive / 0.02, abs=1e-12)
    u[c.ORDER] = -0.5
    assert moved(u, q, 1.0)[c.ACTIVE] == pytest.approx(-active / 0.02 * charges, abs=1e-12)


def test_controls_freeze_in_a_dip():
    u, q = plant()
    u[c.REFERENCE] = 0.3
    assert moved(u, q)[c.ORDER] == pytest.approx((0.3 - 0.01) / 0.02)
    for v in (0.79, 1.21):
        assert moved(u, q, v)[c.ORDER] == 0.0
        assert moved(u, q, v)[c.ORDERED_Q] == 0.0


def test_voltage_support_beyond_its_band():
    u, q = plant()
    u[c.SEEN] = 0.9
    gain = 0.6 * (1.0 - 0.9 - 0.02)
    resting = u[c.ORDERED_Q] * 0.9957 / 0.9957
    assert moved(u, q)[c.REACTIVE] == pytest.approx((resting + gain - u[c.REACTIVE]) / 0.02)
    q[c.RATE_Q_UP] = 0.5
    assert moved(u, q)[c.REACTIVE] == 0.5


def test_low_voltage_power_logic():
    u, q = plant(type="wecc_andes")
    u[c.SEEN_LOW] = 0.6
    assert c.active_limit(u, q) == pytest.approx(0.6 * (0.6 - 0.5) / 0.5)
    u[c.ACTIVE] = 0.12
    u[c.ORDER] = 0.5
    assert moved(u, q)[c.ACTIVE] == 0.0
    u[c.SEEN_LOW] = 0.4
    assert c.active_limit(u, q) == 0.0
    u[c.SEEN_LOW] = 1.0
    assert c.active_limit(u, q) == np.inf


def test_current_recovers_at_its_rate():
    u, q = plant()
    u[c.ORDER] = 0.6
    q[c.RATE_P] = 2.0
    assert moved(u, q)[c.ACTIVE] == 2.0
    u[c.ORDER] = -0.6
    assert moved(u, q)[c.ACTIVE] < -2.0


@pytest.mark.parametrize("v", [0.3, 0.55, 0.9, 1.05, 1.3])
def test_power_over_voltage(v):
    u, q = plant()
    u[[c.ACTIVE, c.REACTIVE]] = 0.4, 0.1
    numeric = (c.given_power(u, q, v + 1e-6)[0] - c.given_power(u, q, v - 1e-6)[0]) / 2e-6
    assert c.given_power(u, q, v)[1] == pytest.approx(numeric, abs=1e-8)
    gain = min(max((v - 0.4) / 0.6, 0.0), 1.0)
    over = max(0.0, 0.7 * 0.6 * (v - 1.2))
    assert c.given_power(u, q, v)[0] == pytest.approx(complex(0.4 * gain, 0.1 - over) * v)


def test_integral_stops_at_the_limit():
    u, q = plant(type="wecc_andes")
    q[[c.PI_MAX, c.ERR_MAX]] = 0.02, 0.05
    u[c.LINE] = -1.5  # the line asks for 0.5 pu more: held to 0.05
    assert moved(u, q)[c.INTEGRAL] == pytest.approx(0.1 * (0.05 - 2.0 * (0.05 - 0.02)))
    assert moved(u, q)[c.ASKED] == pytest.approx(0.02 / 0.02)


def twin(network, x, u, model):
    """Bus voltages by a general solver, derivatives of the plant written from the block diagrams."""
    spec, found = network.batteries["battery"], entry("battery_plants", "wecc_reference")
    f = {key: found.si(key) for key in found.figures}
    rating, emf = spec.rating / network.base, k.internal(x, model.parameters)[0]
    low = min(max((1.0 - f["regc.Lvpnt0"]) and 1.0 / (f["regc.Lvpnt1"] - f["regc.Lvpnt0"]), 0.0), 1e9)

    def current(v):
        gain = min(max((abs(v) - f["regc.Lvpnt0"]) * low, 0.0), 1.0)
        return complex(u[c.ACTIVE] * gain, -u[c.REACTIVE]) * v / abs(v)

    def mismatch(parts):
        v = parts[:2] + 1j * parts[2:]
        into = -model.flow.admittance @ v
        into[0] += (emf - v[0]) / (1j * model.parameters[0, k.XDD])
        into[1] += current(v[1]) - np.conj((1.1 + 0.2j) / v[1])
        return np.concatenate([into.real, into.imag])

    guess = np.concatenate([model.flow.voltage.real, model.flow.voltage.imag])
    parts = optimize.fsolve(mismatch, guess, xtol=1e-13)
    v = parts[:2] + 1j * parts[2:]
    line = (v[1] * np.conj((v[1] - v[0]) / 0.02j)).real
    w0 = 2 * math.pi * 60
    slip = (u[c.ANGLE] - u[c.WASHED]) / f["busfreq.Tw"] / w0
    error = -slip - math.copysign(min(abs(slip), spec.deadband), -slip)
    wrong = error * rating / spec.droop - 0.99 - u[c.LINE]
    q = model.plants.parameters[0]
    size = abs(v[1])
    return v, np.array([
        (np.angle(v[1]) - u[c.ANGLE]) / f["busfreq.Tf"],
        (u[c.ANGLE] - u[c.WASHED]) / f["busfreq.Tw"],
        (line - u[c.LINE]) / f["repc.Tp"],
        0.0,
        (wrong * f["repc.Kpg"] + u[c.INTEGRAL] - u[c.ASKED]) / f["repc.Tg"],
        (0.01 + u[c.ASKED] - u[c.REFERENCE]) / f["reec.Tpfilt"],
        (u[c.REFERENCE] - u[c.ORDER]) / f["reec.Tpord"],
        (u[c.ORDER] / size + q[c.P_OFFSET] - u[c.ACTIVE]) / f["regc.Tg"],
        (size - u[c.SEEN]) / f["reec.Trv"],
        (q[c.Q0] / size - u[c.ORDERED_Q]) / f["reec.Tiq"],
        (u[c.ORDERED_Q] - u[c.REACTIVE]) / f["regc.Tg"],
        (size - u[c.SEEN_LOW]) / f["regc.Tfltr"],
    ])  # fmt: skip


def test_kernel_equals_the_slow_twin():
    network = island()
    model = network_model(network, ("site",))
    own = model.plants
    rng = np.random.default_rng(5)
    for _ in range(5):
        u = own.start + 0.01 * rng.standard_normal(own.start.shape)
        u[:, c.ACTIVE] = u[:, c.ORDER] = 0.1
        x = model.start * (1 + 0.01 * rng.standard_normal(model.start.shape))
        found = c.slopes(
            x, model.parameters, u, own.parameters, model.angular_frequency, model.impedance, model.machine_buses,
            model.load_buses, own.places, own.far, own.branch, model.constant + 0.1, np.zeros_like(model.constant),
            model.load_voltage,
        )  # fmt: skip
        v, derivatives = twin(network, x, u[0], model)
        assert found[5]
        assert found[3] == pytest.approx(v, abs=1e-9)
        assert found[1][0] == pytest.approx(derivatives, abs=1e-6, rel=1e-8)


def test_linear_model_equals_the_full_one():
    """Small load on the island, droop without dead band: trajectory and steady state."""
    model = network_model(island(deadband="0 pu"), ("site",))
    linear = linearise(model, "site")
    assert "battery.order" in linear.states
    added = np.where(np.arange(1000) < 500, 0.01 * MW, -0.01 * MW)
    full = run_network(model, {"site": added}, 1e-2).frequency_hz[:, 0] - 60.0
    assert np.abs(forced_response(linear, added, 1e-2)[:, 0] - full).max() < 2e-3 * np.abs(full).max()


def test_modes_of_a_network_with_a_battery():
    with_plant = network_modes(linearise(network_model(island(), ("site",)), "site"))
    without = network_modes(linearise(network_model(island(battery=None), ("site",)), "site"))
    assert len(with_plant) > len(without)
    assert all(mode.machines == ("turbine",) and mode.participation.shape == (1,) for mode in with_plant)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"bus": "plant"}, "bus 'plant' holds more than one machine or battery"),
        ({"bus": "sit"}, r"batteries\.battery\.bus: unknown bus 'sit'; did you mean 'site'"),
        ({"line": "plan"}, r"batteries\.battery\.line: .* at bus 'site' \(plant\), found 'plan'; did you mean 'plant'"),
        ({"active": "70 MW"}, "dispatch of 70 MW is beyond the rating of 60 MVA"),
        ({"active": "-5 MW", "charges": False}, "dispatch of -5 MW charges a plant with `charges: false`"),
        ({"droop": "0 %"}, "greater than 0"),
    ],
)
def test_bad_plants_are_named(change, message):
    with pytest.raises(ValidationError, match=message):
        NetworkSpec.model_validate(
            {
                "source": "test",
                "frequency": "60 Hz",
                "buses": {"plant": "20 kV", "site": "20 kV"},
                "branches": [{"ends": ["plant", "site"], "reactance": 0.02}],
                "machines": {
                    "G": {
                        "bus": "plant", "rating": "200 MVA", "inertia": "4 s", "slack": True, "voltage": "1 pu",
                        "model": "classical", "xd1": 0.25,
                    }
                },
                "batteries": {"battery": BATTERY | change},
            }
        )  # fmt: skip


def test_an_operating_point_beyond_the_controls_is_named():
    with pytest.raises(InputError, match=r"batteries\.battery: the operating point of 1\.21 pu lies outside"):
        battery_plants(island(voltage="1.21 pu"), power_flow(island(voltage="1.21 pu")), [1])
    with pytest.raises(CatalogError, match="wecc_andse"):
        network_model(island(type="wecc_andse"))


def test_a_written_network_gives_the_same_plant():
    network = read_network("island_battery")
    again = NetworkSpec.model_validate(network.model_dump())
    assert again.batteries["battery"] == network.batteries["battery"]
    assert network.batteries == island().batteries
