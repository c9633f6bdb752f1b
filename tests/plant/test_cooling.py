"""Cooling: capacity, conservation, alarm time, monotonicity."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from clustersim.plant import (
    SiteCoolingSpec,
    SitePlantSpec,
    cooling_history,
    cooling_response,
    electrical_losses,
    steady_cooling,
    time_to_alarm,
)

MW = 1e6
TEXT = {
    "kind": "chillers",
    "unit": "chiller_memphis",
    "count": 90,
    "liquid_share": "80 %",
    "supply_temperature": "25 degC",
    "design_rise": "10 degC",
    "alarm_temperature": "45 degC",
    "loop_time_constant": "5 min",
}
MEMPHIS = SiteCoolingSpec.model_validate(TEXT)
TOWERS = SiteCoolingSpec.model_validate({**TEXT, "kind": "evaporative", "unit": "wet_tower", "count": 36})
CAPACITY = 90 * 1.825 * MW


def test_ninety_chillers_at_memphis_fall_short():
    state = steady_cooling(MEMPHIS, 220 * MW)
    assert 157 * MW < state.capacity_low_w <= state.capacity_w <= state.capacity_high_w <= 171.1 * MW
    assert state.shortfall_w == pytest.approx(220 * MW - CAPACITY)
    assert state.temperature_c == math.inf
    assert 0.0 < state.time_to_alarm_s < 3600.0


def test_power_is_heat_over_cop_plus_auxiliaries():
    state = steady_cooling(MEMPHIS, 100 * MW)
    assert state.power_w == pytest.approx(100 * MW * (1 / 4 + 0.03 + 0.2 * 0.08))
    assert state.water_l_per_s == 0.0
    better = steady_cooling(MEMPHIS.model_copy(update={"cop": 5.0}), 100 * MW)
    assert state.power_w - better.power_w == pytest.approx(100 * MW * (1 / 4 - 1 / 5))


def test_a_site_with_towers_meets_the_reported_pue():
    plant = SitePlantSpec.model_validate(
        {
            "frequency": "60 Hz",
            "grid": {"capacity": "300 MW", "voltage": "161 kV", "system": "EI", "point": "omaha_345_161kv"},
            "conversion": [{"stage": s, "rating": "300 MW"} for s in ("hv_transformer", "mv_transformer")],
        }
    )
    state = steady_cooling(TOWERS, 200 * MW)
    pue = 1.0 + (state.power_w + float(electrical_losses(plant, 200 * MW + state.power_w))) / (200 * MW)
    assert pue == pytest.approx(1.10, abs=0.015)
    assert state.water_l_per_s * 3600 / 200e3 == pytest.approx(2.0, rel=0.02)  # L per kWh


def test_chillers_do_not_evaporate_and_towers_have_no_cop():
    with pytest.raises(ValidationError, match="no meaning"):
        SiteCoolingSpec.model_validate({**TEXT, "kind": "evaporative", "unit": "wet_tower", "cop": 4})
    with pytest.raises(ValidationError, match="alarm_temperature must be above"):
        SiteCoolingSpec.model_validate({**TEXT, "alarm_temperature": "30 degC"})
    with pytest.raises(ValidationError, match="greater than 0"):
        SiteCoolingSpec.model_validate({**TEXT, "count": 0})


def test_a_settled_loop_stays():
    answer = cooling_response(MEMPHIS, np.full(100, 120 * MW), 1.0)
    assert answer.temperature_c == pytest.approx(25.0 + 10.0 * 120 * MW / CAPACITY)
    assert answer.rejected_w == pytest.approx(120 * MW)
    assert answer.alarm_s == math.inf


def test_the_loop_follows_its_time_constant():
    answer = cooling_response(MEMPHIS, np.full(601, 150 * MW), 1.0, initial_heat_w=50 * MW)
    rise = answer.temperature_c - 25.0
    settled, start = 10 * 150 * MW / CAPACITY, 10 * 50 * MW / CAPACITY
    assert rise == pytest.approx(settled + (start - settled) * np.exp(-np.arange(601) / 300.0), rel=1e-9)


def test_the_loop_does_not_follow_training_steps():
    t = np.arange(0.0, 600.0, 0.1)
    heat = 120 * MW + 40 * MW * np.sign(np.sin(2 * np.pi * t / 5.0))
    answer = cooling_response(MEMPHIS, heat, 0.1)
    assert np.ptp(answer.power_w[1000:]) < 0.02 * np.ptp(heat) * 0.296


def test_alarm_time_equals_the_trajectory():
    answer = cooling_response(MEMPHIS, np.full(3600, 220 * MW), 1.0, initial_heat_w=100 * MW)
    closed = time_to_alarm(MEMPHIS, 220 * MW, 25.0 + 10.0 * 100 * MW / CAPACITY)
    assert answer.alarm_s == pytest.approx(closed, rel=1e-9)
    assert answer.temperature_c[math.floor(closed)] < 45.0 < answer.temperature_c[math.ceil(closed) + 1]
    assert time_to_alarm(MEMPHIS, 220 * MW, 50.0) == 0.0
    assert time_to_alarm(MEMPHIS, 100 * MW, 30.0) == math.inf
    hot = cooling_response(MEMPHIS.model_copy(update={"alarm_temperature": 20.0}), np.full(3, MW), 1.0)
    assert hot.alarm_s == 0.0


def test_an_overheated_loop_recovers_at_full_capacity():
    heat = np.concatenate([np.full(300, 220 * MW), np.full(3000, 100 * MW)])
    answer = cooling_response(MEMPHIS, heat, 1.0, initial_heat_w=160 * MW)
    assert answer.rejected_w[310] == pytest.approx(CAPACITY)
    assert answer.rejected_w[-1] == pytest.approx(100 * MW, rel=1e-2)


@settings(max_examples=40, deadline=None)
@given(
    heat=st.lists(st.floats(0.0, 400.0), min_size=1, max_size=40),
    before=st.floats(0.0, 300.0),
    dt=st.floats(0.1, 900.0),
)
def test_heat_is_conserved(heat, before, dt):
    watts = np.array(heat) * MW
    answer = cooling_response(MEMPHIS, watts, dt, initial_heat_w=before * MW)
    into, out = watts.sum() * dt, answer.rejected_w.sum() * dt
    scale = max(into, out, abs(answer.stored_j), 1.0)
    assert abs(into - out - answer.stored_j) <= 1e-9 * scale
    assert answer.rejected_w.max() <= CAPACITY * (1 + 1e-12)
    assert (answer.temperature_c >= 25.0 - 1e-9).all()


@settings(max_examples=20, deadline=None)
@given(heat=st.floats(1.0, 400.0), more=st.floats(0.1, 100.0), count=st.integers(1, 200))
def test_more_heat_costs_more_and_more_units_never_hurt(heat, more, count):
    spec = MEMPHIS.model_copy(update={"count": count})
    first, second = steady_cooling(spec, heat * MW), steady_cooling(spec, (heat + more) * MW)
    assert second.power_w >= first.power_w
    assert second.shortfall_w >= first.shortfall_w
    assert second.time_to_alarm_s <= first.time_to_alarm_s
    wider = steady_cooling(MEMPHIS.model_copy(update={"count": count + 1}), heat * MW)
    assert wider.shortfall_w <= first.shortfall_w


def test_negative_heat_is_refused():
    with pytest.raises(ValueError, match="heat >= 0"):
        steady_cooling(MEMPHIS, -1.0)
    with pytest.raises(ValueError, match="none below 0 W"):
        cooling_response(MEMPHIS, [-1.0], 1.0)


def slow_loop(heat, dt, start, conductance, capacity, mass, steps):
    """Explicit Euler twin of the compiled loop."""
    rise, rises = start, []
    for q in heat:
        rises.append(rise)
        for _ in range(steps):
            rise += (q - min(conductance * rise, capacity)) / mass * dt / steps
    return np.array(rises)


def test_loop_equals_the_slow_twin():
    from clustersim.plant.cooling_kernels import integrate_loop

    heat = np.array([50.0, 220.0, 220.0, 220.0, 80.0, 10.0, 300.0, 0.0])
    rise, _, _ = integrate_loop(heat, np.full(heat.size, 200.0), 3.0, 16.0, 160.0, 4800.0)
    assert rise == pytest.approx(slow_loop(heat, 200.0, 3.0, 16.0, 160.0, 4800.0, 20000), rel=1e-3)


def test_history_equals_the_response_on_fine_bins():
    heat = np.array([100.0, 220.0, 60.0, 240.0, 30.0]) * MW
    span = np.array([1800.0, 7200.0, 900.0, 3600.0, 5000.0])
    past = cooling_history(MEMPHIS, heat, span, 50 * MW)
    fine = cooling_response(MEMPHIS, np.repeat(heat, span.astype(int)), 1.0, initial_heat_w=50 * MW)
    assert past.energy_j == pytest.approx(fine.power_w.sum(), rel=1e-9)
    assert past.stored_j == pytest.approx(fine.stored_j, rel=1e-9)
    assert past.rejected_j + past.stored_j == pytest.approx(heat @ span, rel=1e-9)
    assert past.first_alarm_s == pytest.approx(fine.alarm_s, rel=1e-9)
    assert past.above_alarm_s == pytest.approx((fine.temperature_c > 45.0).sum(), abs=5)
    assert past.peak_temperature_c == pytest.approx(fine.temperature_c.max(), rel=1e-3)
    cool = cooling_history(MEMPHIS, [100 * MW], [1e6], 50 * MW)
    assert (cool.first_alarm_s, cool.above_alarm_s) == (math.inf, 0.0)


def test_history_refuses_spans_without_length():
    with pytest.raises(ValueError, match="spans above 0 s"):
        cooling_history(MEMPHIS, [1.0], [0.0], 1.0)
