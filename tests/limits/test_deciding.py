"""Where a rule is decided: the stretch holds what the judge measures, and lies where the record breaks it."""

import numpy as np
import pytest

from clustersim.limits import Evidence, Rule, Trace, judge
from clustersim.limits.deciding import deciding_frequency, deciding_power, deciding_voltage
from clustersim.limits.evidence import Trace as Record
from clustersim.plant.records import PlantResponse

DT = 0.01


def rule(**what):
    return Rule.model_validate({"id": "r", **what})


def trace(power, steady=True, **more):
    return Trace("site", "steady" if steady else "crash", DT, power, steady=steady, **more)


def measured(asked, evidence):
    return judge([asked], evidence).table.iloc[0]


@pytest.fixture
def noisy():
    """Fifty minutes of small noise with one jump of 30 MW at 1,000 s that lasts 3 s."""
    power = 100e6 + 1e5 * np.random.default_rng(1).standard_normal(300_000)
    power[100_000:100_300] += 30e6
    return power


@pytest.mark.parametrize(
    "what",
    [
        {"measure": "range", "window": "5 s", "limit": "10 MW"},
        {"measure": "ramp", "lag": "60 s", "limit": "20 MW/min"},
        {"measure": "step_change", "window": "1 s", "limit": "1 %"},
    ],
)
def test_a_jump_decides_and_its_levels_give_what_is_measured(noisy, what):
    asked, strength = rule(**what), 2e9
    found = deciding_power(asked, trace(noisy), strength)
    row = measured(asked, Evidence((trace(noisy),), short_circuit_va={"site": strength}))
    factor = {"range": 1e6, "ramp": 1e6 / 60.0, "step_change": 0.01}[asked.measure]
    assert found.value / factor == pytest.approx(row["measured"], rel=1e-12)
    assert found.from_s <= 1003.0
    assert found.until_s >= 1000.0
    low, high = found.levels
    over = {"range": 1.0, "ramp": 60.0, "step_change": strength}[asked.measure]
    assert (high - low) / over == pytest.approx(found.value, rel=1e-9)
    # the level that would just keep the rule lies as far above the lowest as the rule allows
    assert found.allowed[0] - low == pytest.approx(asked.limit_si * over)


def test_what_recurs_decides_where_one_excursion_is_allowed():
    power = 100e6 + 1e5 * np.random.default_rng(1).standard_normal(300_000)
    power[100_000:100_030] += 30e6
    power[200_000:200_030] += 20e6
    asked = rule(measure="range", window="5 s", limit="10 MW", allowed_per_hour=1)
    found = deciding_power(asked, trace(power))
    assert found.from_s <= 2003.0
    assert found.until_s >= 2000.0
    assert found.levels[1] - found.levels[0] == pytest.approx(20e6, rel=0.05)


def test_a_ramp_may_reach_into_what_comes_after_a_window():
    power = np.full(6_000, 50e6)
    asked = rule(measure="ramp", lag="60 s", limit="20 MW/min")
    found = deciding_power(asked, trace(power, steady=False, before_w=50e6, settled_w=90e6))
    assert found.value == pytest.approx(40e6 / 60.0)
    assert found.until_s >= 60.0
    assert found.levels == (50e6, 90e6)


def test_a_band_is_decided_between_the_extremes_of_what_it_holds():
    time = np.arange(60_000) * DT
    power = 100e6 + 5e6 * np.sin(2.0 * np.pi * time) * (np.abs(time - 300.0) < 30.0)
    asked = rule(measure="band_range", band=["0.5 Hz", "2 Hz"], limit="1 MW")
    found = deciding_power(asked, trace(power))
    assert 265.0 < found.from_s < found.until_s < 335.0
    assert found.value == pytest.approx(measured(asked, Evidence((trace(power),)))["measured"] * 1e6)
    whole = deciding_power(rule(measure="band_energy", band=["0.5 Hz", "2 Hz"], limit="20 %"), trace(power))
    assert (whole.from_s, whole.until_s) == (0.0, 600.0)


@pytest.mark.parametrize(
    ("what", "level", "limit"),
    [
        ({"measure": "min_voltage", "limit": "0.9 pu", "comparison": "at_least"}, 0.7, 0.9),
        ({"measure": "min_voltage", "limit": "0.9 pu", "comparison": "at_least", "lasting": "100 ms"}, 0.8, 0.9),
        ({"measure": "max_voltage", "limit": "1.05 pu"}, 1.1, 1.05),
        ({"measure": "voltage_dip", "limit": "10 %"}, 0.7, 0.9),
        ({"measure": "voltage_change", "limit": "10 %", "lasting": "100 ms"}, 0.8, 0.9),
    ],
)
def test_a_voltage_is_decided_at_its_dip(what, level, limit):
    voltage = np.ones(10_000)
    voltage[2_000:2_005], voltage[5_000:5_050], voltage[8_000:8_050] = 0.7, 0.8, 1.1
    asked = rule(**what)
    found = deciding_voltage(asked, voltage, DT)
    assert found.levels == (level,)
    assert found.allowed == (pytest.approx(limit),)
    at = {0.7: 20.0, 0.8: 50.0, 1.1: 80.0}[level]
    assert at <= found.from_s < at + 0.5
    record = Record("site", "steady", DT, np.ones(10_000), voltage_pu=voltage)
    factor = 0.01 if what["limit"].endswith("%") else 1.0
    assert found.value / factor == pytest.approx(measured(asked, Evidence((record,)))["measured"], rel=1e-12)


def response(frequency, window="crash"):
    flat = np.ones(frequency.size)
    return PlantResponse(
        "site", window, "island", 0.0, DT, flat, frequency, flat, 0.0 * flat, flat, 0.0 * flat, flat, 0.0
    )


@pytest.fixture
def swing():
    """60 Hz, from 10 s on a dip to 59 Hz that decays within seconds."""
    time = np.arange(6_000) * DT
    return 60.0 - np.where(time >= 10.0, np.exp(-(time - 10.0) / 2.0), 0.0)


@pytest.mark.parametrize(
    ("what", "span"),
    [
        ({"measure": "min_frequency", "limit": "59.5 Hz", "comparison": "at_least"}, (10.0, 10.0)),
        ({"measure": "transient_dip", "limit": "1 %"}, (10.0, 10.0)),
        ({"measure": "rocof", "window": "500 ms", "limit": "1 Hz/s"}, (9.5, 10.5)),
        ({"measure": "time_outside", "band": ["59.5 Hz", "60.5 Hz"], "limit": "3 s"}, (10.0, 11.39)),
        ({"measure": "recovery_band_time", "tolerance": "0.2 %", "limit": "5 s"}, (10.0, 14.25)),
    ],
)
def test_a_frequency_is_decided_in_its_dip(swing, what, span):
    asked, answered = rule(**what), response(swing)
    found = deciding_frequency(asked, answered)
    assert found.from_s >= span[0] - 0.02
    assert found.until_s <= span[1] + 0.02
    row = measured(asked, Evidence(responses=(answered,)))
    factor = 0.01 if what["limit"].endswith("%") else 1.0
    assert found.value / factor == pytest.approx(row["measured"], rel=1e-12)
    if asked.measure in ("time_outside", "recovery_band_time"):
        assert found.until_s - found.from_s == pytest.approx(found.value, abs=0.02)
