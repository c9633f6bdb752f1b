"""Energy by hour: its sums are the run's, its order is the timeline's."""

import math

import numpy as np
import pytest

from clustersim.economics import estimate_cost
from clustersim.economics.spec_parts.energy import FIRST_DAY
from clustersim.economics.spec_parts.tariff import TariffSpec
from clustersim.economics.tariff import bill
from clustersim.economics.tariffs import tariff_of
from clustersim.study.energy_hours import ENERGY_COLUMNS, energy_hours, meter_records, site_course
from clustersim.study.generation import generation
from clustersim.study.judging import respond
from clustersim.study.run_parts import cost_facts
from clustersim.study.trained import trained

MWH = 3.6e9


@pytest.fixture(scope="module")
def findings(scenario):
    done = trained(scenario(operation__horizon="30 h"), lambda _: None)
    return done.findings((done.steady,), respond(done.study, (done.steady,)))


@pytest.fixture(scope="module")
def cost(findings):
    return estimate_cost(findings.study.scenario.economics, cost_facts(findings, 1.0, 1.0))


def test_sums_are_those_of_the_run(findings, cost):
    intensity = 400.0 / MWH
    table = energy_hours(findings, cost.table, FIRST_DAY, grid_kg_per_j=intensity)
    assert tuple(table.columns) == ENERGY_COLUMNS
    assert len(table) == 30
    assert table["grid_mwh"].sum() * MWH == pytest.approx(findings.grid_energy_j, rel=1e-9)
    made = sum(findings.generator_energy_j.values())
    assert made > 0.0
    assert (table["gas_mwh"] + table["diesel_mwh"]).sum() * MWH == pytest.approx(made, rel=1e-9)
    assert table["usd"].sum() == pytest.approx(cost.energy_usd, rel=1e-9)
    fuel_kg = math.fsum(run.burned.co2_kg for run in generation(findings))
    assert table["co2_t"].sum() * 1e3 == pytest.approx(fuel_kg + findings.grid_energy_j * intensity, rel=1e-9)


def test_the_course_follows_the_timeline(findings):
    course = site_course(findings, "memphis")
    assert course.edges_s[-1] == pytest.approx(findings.horizon_s, rel=1e-12)
    ends = set(np.round(course.edges_s, 6))
    rows = findings.timeline.table
    stops = rows[rows["state"] == "restart"]
    assert set(np.round(stops["t_end_s"], 6)) <= ends
    training = max(findings.history["memphis"].seconds, key=findings.history["memphis"].seconds.get)
    states = [state for state, _ in findings.history["memphis"].spans]
    total = course.grid_w + course.generated_w
    assert total[states.index(training)] == pytest.approx(findings.history["memphis"].load_w[training], rel=0.02)


def test_a_meter_has_the_energy_and_the_power_factor_of_the_run(findings):
    (record,) = meter_records(findings, FIRST_DAY).values()
    assert record.energy_j == pytest.approx(findings.grid_energy_j, rel=1e-9)
    assert 0.9 < record.power_factor <= 1.0


def test_hours_under_a_tariff_cost_its_energy_charges(findings, cost):
    tariff = tariff_of(TariffSpec(name="tva_manufacturing_tou_2024"))
    table = energy_hours(findings, cost.table, FIRST_DAY, tariff)
    (record,) = meter_records(findings, FIRST_DAY).values()
    gas = cost.table[cost.table["item"].str.startswith("gas")]["usd"].sum()
    assert table["usd"].sum() == pytest.approx(bill(tariff, record).group_usd("energy") + gas, rel=1e-9)
