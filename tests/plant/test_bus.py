"""Swing equation, GAST and battery: an independent simulator, closed forms, a slow twin, conservation."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clustersim.plant import bus
from clustersim.plant.bus import Battery, BusTrace, Group
from clustersim.plant.governors import Constant, Gast, Governor
from tests.drawn import examples

ANDES = Path(__file__).resolve().parents[2] / ".." / "shared" / "reference" / "andes"
needs_andes = pytest.mark.skipif(not ANDES.is_dir(), reason="reference trajectories are not beside the repository")

MW = 1e6
DT = 1e-3
EVENT_DELAY_S = 5e-5  # the reference applies its events this late
GAST = Gast(droop=0.05, t1_s=0.4, t2_s=0.1, t3_s=3.0, ambient=1.0, kt=2.0, vmax=1.0, vmin=0.0)


@dataclass(frozen=True)
class Bus:
    """One machine of 200 MW with one governor, and perhaps a battery."""

    inertia_ws: float = 4.0 * 200 * MW
    mechanical_w: float = 100 * MW
    governor: Governor = GAST
    battery: Battery | None = None
    damping_w: float = 0.0
    form: str = "torque"

    @property
    def full(self) -> bus.Bus:
        group = Group("machine", 200 * MW, self.inertia_ws, self.mechanical_w, self.governor)
        stores = () if self.battery is None else (self.battery,)
        return bus.Bus(60.0, (group,), stores, damping_w=self.damping_w, form=self.form)


@dataclass(frozen=True)
class Trace:
    """A trace of it, without the dimensions of groups and storage."""

    whole: BusTrace

    def __getattr__(self, name):
        return getattr(self.whole, name)

    @property
    def mechanical_w(self):
        return self.whole.mechanical_w[0]

    @property
    def battery_w(self):
        return self.whole.storage_w[0]

    @property
    def state_of_charge(self):
        return self.whole.charge[0]


def run_bus(one: Bus, load: np.ndarray, dt: float, warm_s: float = 0.0) -> Trace:
    return Trace(bus.run_bus(one.full, load, dt, warm_s))


BUS = Bus()
FREE = replace(BUS, governor=Constant())
BATTERY = Battery(
    power_w=30 * MW,
    energy_j=3600 * 30 * MW,
    droop=0.01,
    deadband=0.0006,
    latency_s=0.02,
    time_constant_s=0.05,
    one_way_efficiency=0.95,
    state_of_charge=0.5,
)


def step_load(end_s: float, step_w: float, dt_s: float = DT) -> np.ndarray:
    t = np.arange(round(end_s / dt_s)) * dt_s
    return np.where(t >= 1.0 - 1e-9, 100 * MW + step_w, 100 * MW)


def square_load(end_s: float) -> np.ndarray:
    t = np.arange(round(end_s / DT)) * DT
    half = np.floor(t - 1.0 + 1e-9) % 2
    return np.where(t < 1.0 - 1e-9, 100 * MW, np.where(half == 0, 120 * MW, 80 * MW))


def andes_errors(name: str, one: Bus, load: np.ndarray) -> tuple[float, float]:
    """Largest difference in frequency [Hz] and mechanical power [MW] from a reference trajectory."""
    table = pd.read_csv(ANDES / f"{name}.csv.gz")
    times = np.arange(load.size) * DT + EVENT_DELAY_S
    table = table[table.t <= times[-1]]
    trace = run_bus(one, load, DT)
    f = np.interp(table.t, times, trace.frequency_hz)
    p = np.interp(table.t, times, trace.mechanical_w) / MW
    return float(np.abs(f - table.freq_hz).max()), float(np.abs(p - table.pm).max())


@needs_andes
@pytest.mark.parametrize(
    ("name", "one", "load"),
    [
        ("gencls_none_step10", FREE, step_load(6.0, 20 * MW)),
        ("gencls_gast_step10", BUS, step_load(40.0, 20 * MW)),
        ("gencls_gast_sq0.5hz", BUS, square_load(31.0)),
    ],
)
def test_classical_machine_equals_andes(name, one, load):
    frequency, mechanical = andes_errors(name, one, load)
    assert frequency < 2e-5
    assert mechanical < 1e-3


@needs_andes
@pytest.mark.parametrize(
    ("name", "load"),
    [
        ("genrou_gast_step10", step_load(40.0, 20 * MW)),
        ("genrou_gast_sq0.5hz", square_load(31.0)),
        ("bess_nobess_step30", step_load(20.0, 60 * MW)),
    ],
)
def test_flux_decay_does_not_move_the_frequency_of_a_constant_power_load(name, load):
    assert andes_errors(name, BUS, load)[0] < 2e-5


@needs_andes
def test_swing_follows_a_given_electrical_power():
    """Beside the reference's grid-following battery: its machine's electrical power is the load here."""
    table = pd.read_csv(ANDES / "bess_gfl_step30.csv.gz")
    times = np.arange(round(float(table.t.iloc[-1]) / DT)) * DT
    load = np.interp(times + 0.5 * DT, table.t, table.pe) * MW
    one = replace(BUS, mechanical_w=float(table.pm[0]) * MW)
    f = run_bus(one, load, DT).frequency_hz
    assert np.abs(f - np.interp(times, table.t, table.freq_hz)).max() < 3e-4


def test_initial_rocof_is_that_of_the_trajectory():
    load = step_load(1.1, 20 * MW)
    f = run_bus(BUS, load, DT).frequency_hz
    expected = bus.initial_rocof(BUS.full, 20 * MW)
    assert expected == pytest.approx(-20 / (2 * 4 * 200) * 60)
    assert (f[1001] - f[1000]) / DT == pytest.approx(expected, rel=1e-5)


def test_without_governor_the_frequency_falls_in_a_straight_line():
    f = run_bus(FREE, step_load(6.0, 20 * MW), DT).frequency_hz
    assert f[-1] == pytest.approx(60.0 - 0.75 * 4.999, abs=1e-9)


def test_power_form_without_governor_has_a_closed_form():
    """2H w' = m/w - e integrates to (1 - w) + (m/e) ln((m/e - 1)/(m/e - w)) = e t / 2H."""
    load = np.full(4000, 120 * MW)
    w = run_bus(replace(FREE, form="power"), load, DT).frequency_hz / 60.0
    ratio, e = 100 / 120, 120 / 200
    t = np.arange(load.size) * DT
    assert (1 - w) + ratio * np.log((ratio - 1) / (ratio - w)) == pytest.approx(e * t / (2 * 4.0), abs=1e-9)


def test_forms_agree_for_small_deviations():
    """Pm/w acts as a damping of Pm beside the droop's 1/R: 0.5 against 20 here."""
    load = step_load(20.0, 0.1 * MW)
    torque, power = (run_bus(replace(BUS, form=form), load, DT).frequency_hz for form in ("torque", "power"))
    assert np.abs(torque - power).max() < 0.05 * np.abs(torque - 60.0).max()


def test_settles_on_the_droop():
    f = run_bus(BUS, step_load(60.0, 20 * MW), DT).frequency_hz
    assert f[-1] - 60.0 == pytest.approx(-0.05 * 20 / 200 * 60, abs=1e-5)


def test_inertia_alone_integrates_a_square_wave_to_a_triangle():
    """Peak to peak of the triangle: dP f0 T / (4 HS) for a half-amplitude dP/2 and a period T."""
    load = square_load(11.0)[1000:]
    f = run_bus(FREE, load, DT).frequency_hz
    assert np.ptp(f) == pytest.approx(20 * 60 * 1.0 / (2 * 4 * 200), rel=1e-9)


@pytest.mark.parametrize("inertia_s", [4.0, 0.01])
def test_load_response_alone_is_a_first_order_lag(inertia_s):
    """w - 1 = -(dP/D)(1 - exp(-D t / 2HS)); with next to no inertia the frequency follows the load at once."""
    one = replace(FREE, inertia_ws=inertia_s * 200 * MW, damping_w=400 * MW)
    w = run_bus(one, np.full(2000, 120 * MW), DT).frequency_hz / 60.0 - 1.0
    lag = 2 * inertia_s * 200 / 400
    assert w == pytest.approx(-20 / 400 * (1 - np.exp(-np.arange(2000) * DT / lag)), abs=1e-5)


def test_battery_shares_a_step_by_droop():
    battery = replace(BATTERY, deadband=0.0)
    f = run_bus(replace(BUS, battery=battery), step_load(60.0, 20 * MW), DT).frequency_hz
    stiffness = 200 / 0.05 + 30 / 0.01
    assert f[-1] - 60.0 == pytest.approx(-20 / stiffness * 60, abs=1e-5)


def test_battery_sleeps_inside_its_dead_band():
    trace = run_bus(replace(BUS, battery=replace(BATTERY, deadband=0.1)), step_load(20.0, 20 * MW), DT)
    assert not trace.battery_w.any()
    assert np.ptp(trace.state_of_charge) == 0.0


def test_battery_never_exceeds_its_power():
    trace = run_bus(replace(BUS, battery=replace(BATTERY, droop=1e-4)), step_load(20.0, 60 * MW), DT)
    assert trace.battery_w.max() == pytest.approx(30 * MW, rel=1e-6)
    assert trace.battery_w.max() <= 30 * MW * (1 + 1e-12)


def test_battery_energy_is_conserved():
    battery = replace(BATTERY, deadband=0.0)
    trace = run_bus(replace(BUS, battery=battery), square_load(31.0), DT)
    out, taken = np.maximum(trace.battery_w, 0.0)[:-1], np.minimum(trace.battery_w, 0.0)[:-1]
    stored = (trace.state_of_charge[-1] - trace.state_of_charge[0]) * battery.energy_j
    assert stored == pytest.approx(DT * (-taken.sum() * 0.95 - out.sum() / 0.95), rel=1e-3)
    with_one_sign = run_bus(replace(BUS, battery=battery), step_load(20.0, 20 * MW), DT)
    spent = (with_one_sign.state_of_charge[0] - with_one_sign.state_of_charge[-1]) * battery.energy_j
    assert spent == pytest.approx(DT * with_one_sign.battery_w[:-1].sum() / 0.95, rel=1e-9)


@pytest.mark.parametrize(("charge", "step"), [(0.0, 20 * MW), (1.0, -20 * MW)])
def test_an_empty_or_full_battery_does_not_help(charge, step):
    alone = run_bus(BUS, step_load(5.0, step), DT)
    with_battery = run_bus(replace(BUS, battery=replace(BATTERY, state_of_charge=charge)), step_load(5.0, step), DT)
    assert not with_battery.battery_w[:2000].any()
    assert with_battery.frequency_hz[:2000] == pytest.approx(alone.frequency_hz[:2000])


def test_an_overloaded_island_stops_and_holds():
    trace = run_bus(FREE, np.full(20000, 250 * MW), 1e-2)
    assert 0 < trace.valid < 20000
    assert (trace.frequency_hz[trace.valid :] <= 30.0).all()
    assert np.ptp(trace.frequency_hz[trace.valid :]) == 0.0


def test_temperature_limit_caps_the_turbine():
    trace = run_bus(replace(BUS, governor=replace(GAST, ambient=0.55)), step_load(30.0, 20 * MW), 1e-3)
    assert trace.mechanical_w[-1] == pytest.approx(0.55 * 200 * MW, rel=1e-2)


def test_a_run_in_ends_in_the_periodic_state():
    """A square wave that starts at rest overshoots; after the run-in each period is like the last."""
    load = square_load(41.0)[1000:]
    battery = replace(BATTERY, deadband=0.0)
    cold = run_bus(replace(BUS, battery=battery), load, DT)
    warm = run_bus(replace(BUS, battery=battery), load, DT, warm_s=30.0)
    assert warm.frequency_hz.size == load.size
    assert warm.state_of_charge[0] == battery.state_of_charge
    assert np.ptp(warm.frequency_hz[:4000]) == pytest.approx(np.ptp(cold.frequency_hz[-4000:]), rel=0.05)


def test_coarse_bins_give_the_same_answer():
    fine = run_bus(BUS, step_load(20.0, 20 * MW, 1e-3), 1e-3).frequency_hz[::10]
    coarse = run_bus(BUS, step_load(20.0, 20 * MW, 1e-2), 1e-2).frequency_hz
    assert coarse == pytest.approx(fine, abs=1e-12)


def twin(one: Bus, load: np.ndarray, dt: float) -> tuple[list[float], list[float]]:
    """The same equations, written slowly: frequency and battery power at the start of each bin."""
    g, b = one.governor, one.battery
    delay = round(b.latency_s / dt)
    share = one.mechanical_w / (200 * MW)
    y = np.array([0.0, share, share, share, b.dispatch_w])
    seen = [0.0] * (delay + 1)

    def target(w):
        beyond = math.copysign(max(abs(w) - b.deadband, 0.0), -w)
        return min(max(b.dispatch_w + b.power_w * beyond / b.droop, -b.power_w), b.power_w)

    def slope(y, load_w, w_seen):
        w, x1, x2, x3, out = y
        fuel = min(share - w / g.droop, g.ambient + g.kt * (g.ambient - x3))
        dx1 = (fuel - x1) / g.t1_s
        if (x1 >= g.vmax and dx1 > 0) or (x1 <= g.vmin and dx1 < 0):
            dx1 = 0.0
        mechanical = x2 * 200 * MW / (1 + w if one.form == "power" else 1)
        dw = (mechanical + out - load_w - one.damping_w * w) / (2 * one.inertia_ws)
        rates = [dw, dx1, (x1 - x2) / g.t2_s, (x2 - x3) / g.t3_s, (target(w_seen) - out) / b.time_constant_s]
        return np.array(rates)

    f, out = [], []
    for load_w in load:
        f.append(60.0 * (1 + y[0]))
        out.append(y[4])
        seen.append(y[0])
        old, new = seen[-1 - delay], seen[-delay]
        mid = 0.5 * (old + new)
        k1 = slope(y, load_w, old)
        k2 = slope(y + dt / 2 * k1, load_w, mid)
        k3 = slope(y + dt / 2 * k2, load_w, mid)
        k4 = slope(y + dt * k3, load_w, new)
        y = y + dt / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
        y[1] = min(max(y[1], g.vmin), g.vmax)
    return f, out


@pytest.mark.parametrize("form", ["torque", "power"])
@pytest.mark.parametrize("step", [20 * MW, 90 * MW, -99 * MW])
def test_kernel_equals_the_slow_twin(form, step):
    one = replace(BUS, battery=replace(BATTERY, dispatch_w=2 * MW), form=form, mechanical_w=98 * MW, damping_w=50 * MW)
    load = step_load(6.0, step)
    trace = run_bus(one, load, DT)
    f, out = twin(one, load, DT)
    assert trace.valid == load.size
    assert trace.frequency_hz == pytest.approx(np.array(f), abs=1e-9)
    means = 0.5 * (np.array(out[:-1]) + np.array(out[1:]))
    assert trace.battery_w[:-1] == pytest.approx(means, abs=1e-4 * 30 * MW)


@settings(max_examples=examples(15), deadline=None)
@given(inertia=st.floats(1.0, 8.0), more=st.floats(1.05, 3.0), step=st.floats(1.0, 30.0))
def test_more_inertia_or_a_battery_never_deepens_the_dip(inertia, more, step):
    load = step_load(8.0, step * MW, 1e-2)
    light = replace(BUS, inertia_ws=inertia * 200 * MW)
    heavy = replace(light, inertia_ws=more * inertia * 200 * MW)
    nadir = run_bus(light, load, 1e-2).frequency_hz.min()
    assert run_bus(heavy, load, 1e-2).frequency_hz.min() >= nadir - 1e-9
    assert run_bus(replace(light, battery=BATTERY), load, 1e-2).frequency_hz.min() >= nadir - 1e-9
