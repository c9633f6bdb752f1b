"""Parameters of the load models that utilities put into their studies, as far as a run knows them.

The electronic load of the WECC composite load (``LDELEC``; ``Fel``, ``PFel``, ``Vd1``, ``Vd2``, ``Frcel`` of ``CMPLDW``
and ``CMPLDWG``): constant power above ``Vd1``, in a straight line to nothing at ``Vd2``; of what tripped the share
``Frcel`` comes back as the voltage recovers (PowerWorld Simulator help, "Load Characteristic LDELEC"). It has no
time; a load behind a UPS depends on how long a dip lasts, so the sheet gives the three for several lengths.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

from clustersim.catalog import Entry, entry
from clustersim.plant.dip_equipment import KIND
from clustersim.study.interconnection.ride_through import SETTLED_S, SiteLoad, site_loads
from clustersim.study.result import Result

DURATIONS_S = (0.05, 0.1, 0.15, 0.5)
"""Lengths of dips for which the thresholds are told. [s]"""
GRID_PU = 0.005
"""Steps of residual voltage in which thresholds are looked for. [pu]"""
COLUMNS = ("site", "model", "parameter", "meaning", "value", "unit", "basis")
NOT = "not provided"
"""Value of what a run does not know."""


@dataclass(frozen=True)
class Thresholds:
    """Where a dip of one length begins to take load off the grid, and where all electronic load is off."""

    duration_s: float
    vd1: float
    vd2: float
    frcel: float
    """Of the electronic load that is off when the voltage is back: share drawn again a minute later."""


def load_model(result: Result) -> pd.DataFrame:
    """Return the parameter sheet: columns :data:`COLUMNS`; values that a run does not know are "not provided"."""
    rows = [row for site in site_loads(result) for row in _rows(result, site)]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def thresholds(site: SiteLoad, duration_s: float) -> Thresholds:
    """Return the thresholds of a site's electronic load for dips of one length, by trying residual voltages.

    Vd1 is the lowest residual voltage at which all of it stays on the grid, Vd2 the highest at which none does (0 where
    some stays in every dip). Motors are left out.
    """
    levels = np.round(np.arange(1.0 - GRID_PU, -GRID_PU / 2.0, -GRID_PU), 6)
    vd1, vd2, frcel = 1.0, 0.0, 1.0
    for level in levels.tolist():
        off = _off_share(site, level, duration_s)
        if off <= 1e-9:
            vd1 = level
        elif off >= 1.0 - 1e-9:
            vd2 = level
            break
    worst = site.ridden(0.0, duration_s)
    gone = [part for part in worst.parts if part.name != "motors" and (part.ridden.lost_s or part.ridden.transfers_s)]
    total = math.fsum(part.watts for part in gone)
    if total > 0.0:
        at = worst.voltage.cleared_s + SETTLED_S
        back = math.fsum(part.watts * min(1.0, part.ridden.drawn.integral(at, at + 1.0)) for part in gone)
        frcel = back / total
    return Thresholds(duration_s, vd1, vd2, frcel)


def _off_share(site: SiteLoad, residual_pu: float, duration_s: float) -> float:
    """Return the share of the electronic load that a dip takes off the grid. [-]"""
    parts = [part for part in site.ridden(residual_pu, duration_s).parts if part.name != "motors"]
    total = math.fsum(part.watts for part in parts)
    off = math.fsum(part.watts for part in parts if part.ridden.lost_s or part.ridden.transfers_s)
    return off / total if total else 0.0


def _rows(result: Result, site: SiteLoad) -> list[tuple[str, ...]]:
    wave = result.waveforms["steady"]
    watts, vars_ = float(wave.power(site.site).mean()), float(wave.reactive(site.site).mean())
    rows = [
        ("power flow", "P", "active power in steady training, mean", f"{watts / 1e6:.6g}", "MW", "steady window"),
        ("power flow", "Q", "reactive power absorbed, mean", f"{vars_ / 1e6:.6g}", "Mvar", "steady window"),
        *_composite(result, site),
        *_electronic(site),
        *_reconnection(site),
        *_absent(),
    ]
    return [(site.site, *row) for row in rows]


def _composite(result: Result, site: SiteLoad) -> list[tuple[str, ...]]:
    wave, load = result.waveforms["steady"], site.load
    it, it_vars = float(wave.power(f"{site.site}/it").mean()), float(wave.reactive(f"{site.site}/it").mean())
    drives = site.equipment.motors == "motor_drive"
    electronic = 1.0 if drives else load.it_w / load.total_w
    said = "computers, network and cooling on drives" if drives else "computers and network; cooling is motors"
    motors = "0" if drives else f"{1.0 - electronic:.4f}"
    factor = it / math.hypot(it, it_vars) if it else 1.0
    return [
        ("CMPLDW", "Fel", "electronic fraction of the load", f"{electronic:.4f}", "-", f"{said}; losses included"),
        (
            "CMPLDW",
            "FmA + FmB + FmC",
            "three-phase motor fraction",
            motors,
            "-",
            f"cooling, ride-through {site.equipment.motors}; how it divides into A, B, C is not modelled",
        ),
        ("CMPLDW", "FmD", "single-phase air-conditioner fraction", "0", "-", "a data centre has none"),
        ("CMPLDW", "PFel", "power factor of the electronic load", f"{factor:.4f}", "-", "IT nodes, steady window"),
        ("ZIP", "constant power", "share of the electronic load at constant power", "1", "-",
         "supplies with power-factor correction, down to their current limit"),
    ]  # fmt: skip


def _electronic(site: SiteLoad) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    for duration in DURATIONS_S:
        found = thresholds(site, duration)
        basis = f"dip of {duration * 1e3:g} ms; UPS {site.equipment.ups}, supplies {site.equipment.supplies}"
        rows += [
            ("LDELEC", "Vd1", "upper voltage cutoff: none is lost above", f"{found.vd1:.3f}", "pu", basis),
            ("LDELEC", "Vd2", "lower voltage cutoff: all is lost below", f"{found.vd2:.3f}", "pu", basis),
            ("LDELEC", "Frcel", "share of what tripped that restarts", f"{found.frcel:.3f}", "-",
             f"{basis}; has power again {SETTLED_S:g} s after it, servers that lost it then boot"),
        ]  # fmt: skip
    return rows


def _reconnection(site: SiteLoad) -> list[tuple[str, ...]]:
    """Return thresholds and times of the equipment itself, for models with time."""
    servers = entry(KIND, site.equipment.supplies)
    found = []
    if site.load.ups_share > 0.0:
        unit = entry(KIND, site.equipment.ups)
        told = (
            ("transfer_voltage", "voltage below which the UPS leaves the grid", "pu"),
            ("transfer_time", "time below it until it does", "s"),
            ("return_voltage", "voltage above which its return is timed", "pu"),
            ("return_delay", "time above it until it walks in", "s"),
            ("walk_in", "ramp from nothing to the whole load", "s"),
            ("count_limit", "disturbances within the window at which it stays off", "-"),
            ("count_window", "that window", "s"),
        )
        found += [_of(unit, key, meaning, sign) for key, meaning, sign in told]
        share = f"{site.load.ups_share:.4f}"
        found.append(("UPS", "share", "of the electronic load behind a UPS", share, "-", "conversion stages ups..."))
    if site.load.ups_share < 1.0:
        asked = (
            ("hold_up", "without voltage, until servers lose power", "s"),
            ("current_limit", "largest input current over rated", "pu"),
            ("cut_off", "voltage below which nothing is drawn", "pu"),
            ("restart_delay", "from voltage to outputs", "s"),
            ("restart_spread", "from the first to the last unit back", "s"),
            ("boot", "from power to servers that take a job", "s"),
        )
        found += [_of(servers, key, meaning, sign) for key, meaning, sign in asked]
    return found


def _of(unit: Entry, key: str, meaning: str, sign: str) -> tuple[str, ...]:
    """Return one figure of the catalog; equipment of another model has none of that name."""
    what = "UPS" if unit.properties.get("model") == "ups" else "supplies"
    if not unit.has(key):
        return (what, key, meaning, NOT, sign, f"{unit.name} has no such figure")
    figure = unit.figure(key)
    basis = f"catalog ride_through {unit.name}, {figure.confidence}, {figure.low:g} to {figure.high:g}"
    return (what, key, meaning, f"{figure.value:g}", sign, basis)


def _absent() -> list[tuple[str, ...]]:
    """Return what these models ask for and a run does not know."""
    why = (
        ("CMPLDW", "Bss, Rfdr, Xfdr, Fb, Xxf, Tfixhs ...", "substation and feeder equivalent",
         "the meter is at the connection; the electrical tree has its own impedances (one-line diagram)"),
        ("CMPLDW", "motor parameters (Ls, Lp, Rs, H, ...)", "dynamics of three-phase motors",
         "stalling and inrush of motors are not modelled"),
        ("CMPLDWG", "FDER and DER_A", "generation on the load's feeder", "generators on site are units of their own"),
        ("PERC1", "Fcease, Frecon", "share that ceases, and of it that reconnects", "see Vd1, Vd2 and Frcel above"),
        ("PERC1", "Tap, Tbp, Taq, Tbq", "lead and lag of active and reactive power",
         "the exchange of supplies with the grid within milliseconds is not modelled"),
        ("PERC1", "Dbfl, Dbfh", "dead band of frequency, low and high",
         "the load follows frequency only with plant.frequency_response"),
        ("all", "unbalanced faults, phase jumps, overvoltage", "", "not modelled"),
        ("all", "harmonics above 20 Hz", "", "not modelled"),
    )  # fmt: skip
    return [(model, name, meaning, NOT, "-", reason) for model, name, meaning, reason in why]
