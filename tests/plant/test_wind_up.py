"""The common reference of load-sharing lines and of secondary control rests while its units are at their limits."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from clustersim.catalog import entry
from clustersim.errors import InputError
from clustersim.plant import governor_catalog
from clustersim.plant.bus import Battery, Bus, Group, run_bus
from clustersim.plant.governor_catalog import governor
from clustersim.plant.governors import Gast

MW, DT = 1e6, 1e-3
GAST = Gast(droop=0.05, t1_s=0.4, t2_s=0.1, t3_s=3.0, ambient=0.9, kt=2.0, vmax=1.0, vmin=0.0)
STORE = Battery(100 * MW, 3600 * 400 * MW, 0.02, 0.0006, 0.0, 0.05, 0.95, 0.5)
LINES_PER_S = 4.0


def group(control, rating=165 * MW, share=120 / 165, **more) -> Group:
    return Group(f"{rating:g}", rating, 6.0 * rating, share * rating, control, **more)


def bus(*groups: Group, secondary: float = 0.0) -> Bus:
    return Bus(60.0, groups, (STORE,), lines_per_s=LINES_PER_S, secondary_per_s=secondary)


def pulse(extra_w: float, end_s: float = 75.0, length_s: float = 30.0) -> np.ndarray:
    t = np.arange(round(end_s / DT)) * DT
    return np.where((t >= 5.0) & (t < 5.0 + length_s), 120 * MW + extra_w, 120 * MW)


@pytest.mark.parametrize(
    ("name", "most_hz", "wound_hz"),
    [
        ("GAST_openipsl", 60.19, 60.378),
        ("TGOV1_openipsl", 60.18, 60.299),
        ("IEEEG1_steam", 60.50, 60.573),
        ("HYGOV_andes", 60.50, 60.761),
        ("GGOV1_openipsl", 60.56, 60.576),
        ("gas_engine_cg260", 60.63, 60.774),
    ],
)
def test_an_overload_does_not_wind_the_reference_up(name, most_hz, wound_hz):
    """30 s of a load that the units cannot carry: the overshoot afterwards; it was `wound_hz` with free integration."""
    f = run_bus(bus(group(governor(name), on_lines=1.0)), pulse(95 * MW), DT).frequency_hz
    droop = run_bus(bus(group(governor(name))), pulse(95 * MW), DT).frequency_hz
    assert droop.max() < f.max() < most_hz < wound_hz
    assert f[-1] == pytest.approx(60.0, abs=0.15)


def test_secondary_control_does_not_wind_up_either():
    """Free integration ends at 60.378 Hz."""
    f = run_bus(bus(group(GAST, on_secondary=1.0), secondary=1.0), pulse(95 * MW), DT).frequency_hz
    assert f.max() < 60.16


def test_the_lower_limit_holds_it_too():
    """Units at their least valve while the battery charges: free integration dips to 59.316 Hz afterwards."""
    f = run_bus(bus(group(replace(GAST, vmin=0.4), on_lines=1.0)), pulse(-100 * MW), DT).frequency_hz
    assert f.min() > 59.65


def test_one_unit_with_room_keeps_it_moving():
    """The smaller group is at its temperature limit; the larger brings the frequency back alone."""
    full = group(GAST, 60 * MW, 0.88, on_lines=1.0)
    free = group(GAST, 200 * MW, 0.5, on_lines=1.0)
    load = np.full(90000, 0.88 * 60 * MW + 130 * MW)
    trace = run_bus(Bus(60.0, (full, free), lines_per_s=LINES_PER_S), load, DT)
    assert trace.frequency_hz[-1] == pytest.approx(60.0, abs=1e-4)
    assert trace.mechanical_w[0, -1] == pytest.approx(0.9 * 60 * MW, rel=1e-3)


def test_lumped_equals_unlumped_at_the_limit():
    load = pulse(95 * MW, 50.0)
    for control in (GAST, governor("GGOV1_openipsl"), governor("HYGOV_andes"), governor("gas_engine_cg260")):
        single = [group(control, 16.5 * MW, on_lines=1.0) for _ in range(10)]
        one = run_bus(bus(group(control, on_lines=1.0)), load, DT).frequency_hz
        many = run_bus(bus(*single), load, DT).frequency_hz
        assert np.abs(one - many).max() < 1e-9, control


def test_the_step_does_not_matter():
    control = bus(group(GAST, on_lines=1.0))
    coarse, fine = (run_bus(control, pulse(95 * MW, 50.0), DT, substeps=n).frequency_hz for n in (1, 4))
    assert np.abs(coarse - fine).max() < 1e-5


def slopes(y: np.ndarray, load_w: float) -> np.ndarray:
    """Speed, reference, valve, fuel, exhaust, battery: the equations written slowly."""
    w, raised, x1, x2, x3, out = y
    asked = 120 / 165 + raised - w / GAST.droop
    warm = GAST.ambient + GAST.kt * (GAST.ambient - x3)
    room = min(warm, GAST.vmax) - asked if w < 0 else asked - GAST.vmin
    dx1 = (min(asked, warm) - x1) / GAST.t1_s
    if (x1 >= GAST.vmax and dx1 > 0) or (x1 <= GAST.vmin and dx1 < 0):
        dx1 = 0.0
    beyond = np.copysign(max(abs(w) - STORE.deadband, 0.0), -w)
    target = np.clip(STORE.power_w * beyond / STORE.droop, -STORE.power_w, STORE.power_w)
    dw = (x2 * 165 * MW + out - load_w) / (2 * 6.0 * 165 * MW)
    draised = -LINES_PER_S * w * min(max(room / 1e-3, 0.0), 1.0)
    rest = [(x1 - x2) / GAST.t2_s, (x2 - x3) / GAST.t3_s, (target - out) / STORE.time_constant_s]
    return np.array([dw, draised, dx1, *rest])


def test_kernel_equals_the_slow_twin():
    load = pulse(95 * MW, 12.0, 4.0)
    trace = run_bus(bus(group(GAST, on_lines=1.0)), load, DT)
    y, f = np.array([0.0, 0.0, 120 / 165, 120 / 165, 120 / 165, 0.0]), []
    for watts in load:
        f.append(60.0 * (1.0 + y[0]))
        k1 = slopes(y, watts)
        k2 = slopes(y + DT / 2 * k1, watts)
        k3 = slopes(y + DT / 2 * k2, watts)
        k4 = slopes(y + DT * k3, watts)
        y = y + DT / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
        y[2] = min(max(y[2], GAST.vmin), GAST.vmax)
    assert trace.frequency_hz == pytest.approx(np.array(f), abs=1e-9)


@pytest.mark.parametrize("name", ["HYGOV_andes", "gas_engine_cg260"])
def test_the_dead_band_of_the_catalog_is_read(name, monkeypatch):
    found = entry("governors", name)
    banded = found.model_copy(update={"figures": {**found.figures, "deadband": found.figures["R"]}})
    monkeypatch.setattr(governor_catalog, "entry", lambda kind, name: banded)  # noqa: ARG005
    control = governor(name)
    load = np.where(np.arange(1500) >= 500, 120.1 * MW, 120 * MW)
    quiet, moved = (
        np.ptp(run_bus(Bus(60.0, (group(one),)), load, DT).mechanical_w[0])
        for one in (control, replace(control, deadband=0.0))
    )
    assert quiet == pytest.approx(0.0, abs=1.0)
    assert moved > 100.0


def test_a_dead_band_under_the_wrong_name_is_refused(monkeypatch):
    found = entry("governors", "GGOV1_openipsl")
    banded = found.model_copy(update={"figures": {**found.figures, "deadband": found.figures["R"]}})
    monkeypatch.setattr(governor_catalog, "entry", lambda kind, name: banded)  # noqa: ARG005
    with pytest.raises(InputError, match="expected the dead band of GGOV1 as `db`, got `deadband`"):
        governor("GGOV1_openipsl")
