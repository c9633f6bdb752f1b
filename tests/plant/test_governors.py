"""Governors against two independent simulators, closed forms and each other."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from clustersim.plant.bus import Bus, Group, run_bus
from clustersim.plant.governor_catalog import governor
from clustersim.plant.governors import Gast, Hygov, Ieeeg1, Tgov1

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
