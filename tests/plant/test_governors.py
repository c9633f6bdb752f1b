"""Governors against two independent simulators, closed forms and each other."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from clustersim.catalog import entries
from clustersim.errors import InputError
from clustersim.plant import bus_kernels as b
from clustersim.plant.bus import Battery, Bus, Event, Group, arrays, run_bus
from clustersim.plant.governor_catalog import governor
from clustersim.plant.governor_models.hygov import Hygov
from clustersim.plant.governors import Constant, Gast, Ieeeg1, Tgov1
from clustersim.plant.limited_governors import Converter
from clustersim.plant.stability import modes, require_slack, require_stable

ANDES = Path(__file__).resolve().parents[2] / ".." / "shared" / "reference" / "andes"
needs_andes = pytest.mark.skipif(not ANDES.is_dir(), reason="reference trajectories are not beside the repository")

MW = 1e6
DT = 1e-3
EVENT_DELAY_S = 5e-5
GAST = Gast(droop=0.05, t1_s=0.4, t2_s=0.1, t3_s=3.0, ambient=1.0, kt=2.0, vmax=1.0, vmin=0.0)
TGOV1 = Tgov1(droop=0.05, t1_s=0.5, t2_s=3.0, t3_s=10.0, vmax=1.0, vmin=0.0)
HYGOV = Hygov(
    droop=0.05, temporary=0.3, tr_s=5.0, tf_s=0.05, tg_s=0.2, tw_s=1.0, turbine_gain=1.2, no_load_flow=0.08,
    velocity=0.2, gmax=1.0, gmin=0.0,
)  # fmt: skip
STEAM = Ieeeg1(20.0, 0.0, 0.0, 0.1, 0.1, -0.1, 1.0, 0.0, (0.4, 9.0, 0.5, 0.0), (0.3, 0.4, 0.3, 0.0))
GGOV1 = governor("GGOV1_openipsl")
ENGINE = governor("gas_engine_cg260")


def machine(control, load=100 * MW, inertia_s=4.0, **more) -> Group:
    return Group("machine", 200 * MW, inertia_s * 200 * MW, load, control, **more)


def island(control, form="torque", **more) -> Bus:
    return Bus(60.0, (machine(control, **more),), form=form)


def step_load(end_s: float, step_w: float) -> np.ndarray:
    t = np.arange(round(end_s / DT)) * DT
    return np.where(t >= 1.0 - 1e-9, 100 * MW + step_w, 100 * MW)


def square_load(end_s: float, frequency_hz: float) -> np.ndarray:
    t = np.arange(round(end_s / DT)) * DT
    half = np.floor(2 * frequency_hz * (t - 1.0) + 1e-9) % 2
    return np.where(t < 1.0 - 1e-9, 100 * MW, np.where(half == 0, 120 * MW, 80 * MW))


def error_hz(name: str, bus: Bus, load: np.ndarray, delay_s: float = EVENT_DELAY_S) -> float:
    table = pd.read_csv(ANDES / f"{name}.csv.gz")
    times = np.arange(load.size) * DT + delay_s
    table = table[table.t <= times[-1]]
    f = np.interp(table.t, times, run_bus(bus, load, DT).frequency_hz)
    return float(np.abs(f - table.freq_hz).max())


@needs_andes
@pytest.mark.parametrize(
    ("name", "control", "load", "most_hz"),
    [
        ("gencls_tgov1_step10", TGOV1, step_load(40.0, 20 * MW), 2e-5),
        ("gencls_tgov1_sq0.5hz", TGOV1, square_load(31.0, 0.5), 2e-5),
        ("gencls_tgov1_db_step10", replace(TGOV1, deadband=0.0006), step_load(40.0, 20 * MW), 2e-5),
        ("gencls_tgov1_db_step30", replace(TGOV1, deadband=0.0006), step_load(40.0, 60 * MW), 7e-3),
        ("gencls_tgov1_db_sq1hz", replace(TGOV1, deadband=0.0006), square_load(31.0, 1.0), 2e-5),
    ],
)
def test_steam_turbine_equals_andes(name, control, load, most_hz):
    """At +30 % the valve reaches its limit; how a program lets go of a limit differs."""
    assert error_hz(name, island(control), load) < most_hz


@needs_andes
@pytest.mark.parametrize(
    ("name", "control", "step_w", "most_hz"),
    [
        ("tops_tgov1_step10", TGOV1, 20 * MW, 2e-4),
        ("tops_tgov1_step30", TGOV1, 60 * MW, 1e-3),
        ("tops_hygov_step10", HYGOV, 20 * MW, 2e-4),
        ("tops_hygov_step30", HYGOV, 60 * MW, 1e-3),
    ],
)
def test_governors_equal_tops_in_power_form(name, control, step_w, most_hz):
    assert error_hz(name, island(control, "power"), step_load(40.0, step_w)) < most_hz


def test_identical_units_lumped_equal_the_unlumped_run():
    load = square_load(21.0, 0.5)
    store = Battery(30 * MW, 3600 * 30 * MW, 0.01, 0.0006, 0.02, 0.05, 0.95, 0.5)
    for control in (GAST, TGOV1, GGOV1, HYGOV, STEAM, ENGINE):
        single = [Group(f"{n}", 200 * MW / 15, 800 * MW / 15, 100 * MW / 15, control) for n in range(15)]
        one, many = (run_bus(Bus(60.0, groups, (store,)), load, DT) for groups in ((machine(control),), tuple(single)))
        assert np.abs(one.frequency_hz - many.frequency_hz).max() < 1e-9, control
        assert one.mechanical_w[0] == pytest.approx(many.mechanical_w.sum(axis=0), rel=1e-12)


@pytest.mark.parametrize("name", [n for n, e in entries("governors").items() if e.properties["model"] != "none"])
@pytest.mark.parametrize("share", [0.35, 0.6])
def test_every_governor_of_the_catalog_is_at_rest(name, share):
    """Beside a GAST machine that carries the rest; no state moves and no frequency."""
    group = machine(governor(name), share * 200 * MW)
    bus = Bus(60.0, (machine(GAST), group))
    trace = run_bus(bus, np.full(3000, bus.mechanical_w), DT)
    assert trace.valid == 3000
    assert trace.frequency_hz == pytest.approx(60.0, abs=1e-9)
    assert trace.mechanical_w[1] == pytest.approx(group.mechanical_w, rel=1e-9)


@pytest.mark.parametrize(
    ("control", "settled_hz"),
    [
        (GAST, -0.05 * 0.1 * 60),
        (TGOV1, -0.05 * 0.1 * 60),
        (STEAM, -0.1 / 20 * 60),
        (HYGOV, -0.05 * 0.1 / 1.2 * 60),
        (GGOV1, -0.04 * 0.1 * 60),
        (replace(GGOV1, rselect=-1), -0.04 * 0.1 / 1.5 * 60),
        (replace(GGOV1, rselect=-2), -0.04 * 0.1 / 1.5 * 60),
        (replace(GGOV1, rselect=0), 0.0),
        (ENGINE, -0.04 * 0.1 * 60),
    ],
)
def test_settles_on_its_droop(control, settled_hz):
    """Droop on gate, stroke or power: the deviation is that of the change of what is fed back."""
    f = run_bus(island(control), step_load(150.0, 20 * MW), DT).frequency_hz
    assert f[-1] - 60.0 == pytest.approx(settled_hz, abs=2e-4)


def test_ggov1_reduces_to_tgov1():
    """With droop on its own output and no integral, GGOV1 is a lag with gain Kp/(1 + Kp R) on the valve: TGOV1."""
    gain = 1e4
    plain = replace(
        GGOV1, rselect=-2, R=0.05, Kpgov=gain, Kigov=0.0, maxerr=9.0, Kturb=1.0, Wfnl=0.0, Tact=0.4, Tb=2.0, Tc=0.5,
        Ropen=99.0, Rclose=-99.0, Ka=0.0, Vmin=0.0, Kpload=0.0, Kiload=0.0,
    )  # fmt: skip
    alike = Tgov1(droop=0.05, t1_s=0.4, t2_s=0.5, t3_s=2.0, vmax=1.0, vmin=0.0)
    load = step_load(30.0, 20 * MW)
    a, c = (run_bus(island(control), load, DT).frequency_hz for control in (plain, alike))
    # 1/(R + 1/Kp) against 1/R: 0.2 % of the deviation, and the integral holds the start
    assert np.abs(a - c).max() < 0.01 * np.abs(c - 60.0).max()


def test_ggov1_holds_its_valve_rate_and_load_limit():
    made = run_bus(island(replace(GGOV1, Tb=0.0)), step_load(20.0, 40 * MW), DT).mechanical_w[0]
    assert np.diff(made).max() <= 1.5 * 0.1 * 200 * MW * DT * (1 + 1e-9)
    limited = run_bus(island(replace(GGOV1, Ldref=0.55)), step_load(60.0, 20 * MW), DT)
    assert limited.mechanical_w[0, -1] == pytest.approx(0.55 * 200 * MW, rel=1e-3)


def test_ggov1_accelerates_no_faster_than_its_limiter_allows():
    """After a load rejection the limiter cuts fuel earlier than the speed control alone."""
    reject = np.where(np.arange(10000) * DT < 1.0, 100 * MW, 20 * MW)
    fast = replace(GGOV1, Ropen=9.0, Rclose=-9.0, Aset=0.005, Tact=0.1)
    with_it, without = (run_bus(island(g), reject, DT).frequency_hz.max() for g in (fast, replace(fast, Ka=0.0)))
    assert with_it < without


def test_gas_engine_keeps_the_published_load_steps():
    """CG260-16: 16, 13, 10, 9, 9, 9, 9, 9, 7, 9 % of rating, each about 8 % speed dip and 10 s recovery; H 0.7 s."""
    load, dips, times = 0.0, [], []
    for step in (16, 13, 10, 9, 9, 9, 9, 9, 7, 9):
        bus = Bus(50.0, (Group("engine", MW, 0.7 * MW / 0.8, load * MW, ENGINE),))
        load += step / 100
        f = run_bus(bus, np.full(2000, load * MW), 0.01).frequency_hz
        dips.append(1 - f.min() / 50)
        times.append(0.01 * (1 + np.flatnonzero(np.abs(f - f[-1]) > 0.01 * 50)[-1]))
    assert max(dips) == pytest.approx(0.08, abs=0.012)
    assert np.median(dips) == pytest.approx(0.08, abs=0.012)
    assert max(times) <= 10.0


def test_a_larger_block_than_the_engine_accepts_dips_further():
    bus = Bus(50.0, (Group("engine", MW, 0.7 * MW / 0.8, 0.0, ENGINE),))
    dips = [50 - run_bus(bus, np.full(1000, s * MW), 0.01).frequency_hz.min() for s in (0.1, 0.16, 0.25)]
    assert dips[0] < dips[1] < dips[2]


def test_gast_amplifies_at_half_a_hertz():
    """One machine with GAST against its transfer function: the swing at 0.5 Hz is 2.0 times that at rest of inertia."""
    amplitude, w = 1 * MW, 2 * np.pi * 0.5
    t = np.arange(60000) * DT
    f = run_bus(island(GAST), 100 * MW + amplitude * np.sin(w * (t + DT / 2)), DT).frequency_hz[-20000:]
    s = 1j * w
    turbine = 20 / ((1 + 0.4 * s) * (1 + 0.1 * s))
    expected = abs(1 / (8 * s + turbine)) * amplitude / (200 * MW) * 60
    assert np.ptp(f) / 2 == pytest.approx(expected, rel=1e-3)
    assert expected > 60 * amplitude / (200 * MW) / abs(8 * s)  # more than the inertia alone would swing
    values = modes(island(GAST))[0]
    peak = values[np.argmax(np.abs(values.imag))]
    assert 0.2 < abs(peak.imag) / (2 * np.pi) < 0.6


def test_ramp_limit_is_kept_in_the_integration():
    limited = island(GAST, ramp_up=0.02)
    trace = run_bus(limited, step_load(20.0, 20 * MW), DT)
    assert np.diff(trace.mechanical_w[0]).max() <= 0.02 * 200 * MW * DT * (1 + 1e-9)
    free = run_bus(island(GAST), step_load(20.0, 20 * MW), DT)
    assert trace.frequency_hz.min() < free.frequency_hz.min()


def test_a_converter_ramps_and_adds_no_inertia():
    cell = Group("cell", 50 * MW, 0.0, 20 * MW, Converter(1.0, 20.0), ramp_up=0.01, ramp_down=0.01)
    bus = Bus(60.0, (machine(GAST), cell))
    trace = run_bus(bus, step_load(30.0, 40 * MW), DT)
    assert bus.total_inertia_ws == 800 * MW
    assert np.abs(np.diff(trace.mechanical_w[1])).max() <= 0.01 * 50 * MW * DT * (1 + 1e-9)


def test_isochronous_units_bring_the_frequency_back_and_share_by_rating():
    iso = [Group(str(r), r * MW, 4 * r * MW, 0.5 * r * MW, GAST, on_lines=1.0) for r in (120, 80)]
    droop = Group("droop", 100 * MW, 400 * MW, 50 * MW, GAST)
    bus = Bus(60.0, (*iso, droop), lines_per_s=4.0)
    trace = run_bus(bus, np.full(90000, 170 * MW), DT)
    assert trace.frequency_hz[-1] == pytest.approx(60.0, abs=1e-4)
    taken = trace.mechanical_w[:, -1] - trace.mechanical_w[:, 0]
    assert taken == pytest.approx([12 * MW, 8 * MW, 0.0], abs=0.01 * MW)


def test_a_lost_unit_takes_its_power_and_inertia():
    bus = island(GAST)
    trace = run_bus(bus, np.full(40000, 100 * MW), DT, events=(Event(1.0, b.TRIP, 0, 0.8),))
    slope = (trace.frequency_hz[1001] - trace.frequency_hz[1000]) / DT
    assert slope == pytest.approx(-20 / (2 * 4 * 160) * 60, rel=1e-3)
    assert trace.frequency_hz[-1] - 60 == pytest.approx(-0.05 * (100 / 160 - 0.5) * 60, rel=1e-3)


def test_a_trip_curve_takes_a_group_off_after_its_time():
    weak = machine(GAST, 40 * MW, trips=((-0.01, 0.5),))
    strong = replace(machine(GAST, 60 * MW), name="strong")
    trace = run_bus(Bus(60.0, (weak, strong)), step_load(20.0, 160 * MW), DT)
    below = np.flatnonzero(trace.frequency_hz < 59.4)[0] * DT
    assert trace.tripped == {"machine": pytest.approx(below + 0.5, abs=0.003)}
    assert trace.mechanical_w[0, -1] == 0.0


def test_a_set_point_moves_the_frequency_by_the_droop():
    f = run_bus(island(GAST), np.full(60000, 100 * MW), DT, events=(Event(1.0, b.SET, 0, 0.1),)).frequency_hz
    assert f[-1] - 60 == pytest.approx(0.05 * 0.1 * 60, rel=1e-3)


FORMING = Battery(30 * MW, 3600 * 30 * MW, 0.5, 0.0, 0.0, 0.01, 0.95, 0.5)


def test_virtual_inertia_slows_the_fall():
    """After the lag the rate of change is that of machine and virtual inertia together."""
    control = Constant()
    bus = Bus(60.0, (machine(control),), (replace(FORMING, virtual_ws=800 * MW, droop=1e9),))
    f = run_bus(bus, step_load(2.0, 5 * MW), DT).frequency_hz
    assert (f[1500] - f[1400]) / 0.1 == pytest.approx(-5 / (2 * 1600) * 60, rel=1e-3)


def test_battery_answers_as_a_first_order_lag():
    """A stiff bus with a speed held off nominal by a load step: P = K w (1 - exp(-t/T))."""
    bus = Bus(60.0, (machine(Constant(), inertia_s=1e6),), (replace(FORMING, time_constant_s=0.05),), damping_w=0.0)
    ramp = run_bus(bus, step_load(3.0, 50 * MW), DT)
    t = np.arange(2000) * DT + DT / 2
    slope = 50 / (2 * 1e6 * 200) * 30 / 0.5
    expected = slope * (t - 0.05 * (1 - np.exp(-t / 0.05))) * MW
    assert ramp.storage_w[0, 1000:] == pytest.approx(expected, rel=1e-3, abs=1.0)


def test_discharge_only_never_charges():
    store = replace(FORMING, droop=0.01, discharge_only=True)
    trace = run_bus(Bus(60.0, (machine(GAST),), (store,)), square_load(11.0, 0.5), DT)
    assert trace.storage_w.min() >= -1e-6
    assert trace.storage_w.max() > MW


def test_charge_returns_to_its_target():
    store = replace(FORMING, energy_j=60 * MW, state_of_charge=0.3, target=0.5, restore_w=2 * MW)
    trace = run_bus(Bus(60.0, (machine(GAST),), (store,)), np.full(60000, 100 * MW), DT)
    assert trace.charge[0, -1] == pytest.approx(0.5, abs=0.02)
    assert abs(trace.storage_w).max() <= 2 * MW * 1.01


def test_energy_closes():
    """What the shaft gives and the load does not take is in the rotor: H S (w_end^2 - w_0^2)."""
    load = np.full(5000, 110 * MW)
    trace = run_bus(island(Constant(), "power"), load, DT)
    w = trace.frequency_hz / 60.0
    torque_work = np.trapezoid(100 * MW - w * 110 * MW, dx=DT)  # 2HS w dw/dt = Pm - w Pe
    assert 800 * MW * (w[-1] ** 2 - w[0] ** 2) == pytest.approx(torque_work, rel=2e-4)


def test_bad_islands_are_named():
    with pytest.raises(InputError, match="no inertia"):
        arrays(Bus(60.0, (machine(GAST, inertia_s=0.0),)))
    with pytest.raises(InputError, match="no slack source"):
        require_slack(Bus(60.0, (machine(Converter(1.0), inertia_s=0.0),)), "here")
    with pytest.raises(InputError, match=r"electrical\.here: the controls are unstable.*Gast of machine"):
        require_stable(island(replace(GAST, droop=0.005)), "here")
    with pytest.raises(InputError, match=r"T2: expected a time constant above 0 s"):
        arrays(island(replace(GAST, t2_s=0.0)))
    with pytest.raises(InputError, match="too fast"):
        run_bus(island(replace(GAST, t2_s=1e-7)), np.full(10, 100 * MW), DT)


def test_a_divergence_stops_and_names_its_state():
    """A step far too long for the fastest state."""
    trace = run_bus(island(replace(GAST, t2_s=1e-4)), step_load(5.0, 20 * MW), 1e-2, substeps=1)
    assert 1000 < trace.valid < 1100
    assert trace.diverged is not None
    assert trace.diverged == "state 2 of Gast of machine"
