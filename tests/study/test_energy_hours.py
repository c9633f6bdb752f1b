"""Energy by hour: its sums are the run's, its order is the timeline's."""

import math
from dataclasses import replace

import numpy as np
import pytest

from clustersim.economics import estimate_cost
from clustersim.economics.spec_parts.build_out import BuildOutSpec
from clustersim.economics.spec_parts.energy import FIRST_DAY
from clustersim.economics.spec_parts.tariff import TariffSpec
from clustersim.economics.tariff import bill
from clustersim.economics.tariffs import tariff_of
from clustersim.study.build_out import accelerator_facts
from clustersim.study.cost_facts import cost_facts
from clustersim.study.energy_bill import OF_CARBON, OF_TARIFF, energy_bill_keys
from clustersim.study.energy_hours import ENERGY_COLUMNS, energy_hours, meter_records, run_hours, site_course
from clustersim.study.generation import generation
from clustersim.study.judging import respond
from clustersim.study.trained_job import train_job

MWH = 3.6e9


@pytest.fixture(scope="module")
def done(scenario):
    return train_job(scenario(operation__horizon="30 h"), lambda _: None)


@pytest.fixture(scope="module")
def findings(done):
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


@pytest.mark.parametrize("basis", ["mean", "peak", "provisioned"])
def test_an_accelerator_of_a_build_out_is_a_share_of_the_run(done, findings, cost, basis):
    spec = BuildOutSpec.model_validate(
        {"name": "s", "start": "2025-01-01", "months": 1, "basis": basis,
         "accelerators": [{"date": "2025-01-01", "count": 2048}]}
    )  # fmt: skip
    each = accelerator_facts(spec, done, findings)
    assert each.mean_w * 2048 * findings.horizon_s == pytest.approx(findings.meter_energy_j)
    assert (each.equipment_usd + each.site_usd) * 2048 == pytest.approx(cost.capex_usd)
    mean_w = findings.steady.waveform.power("memphis").mean() / 2048
    if basis == "mean":
        assert each.needed_w == pytest.approx(mean_w, rel=1e-3)
    else:
        assert each.needed_w > mean_w
    assert each.useful_tokens_per_s == pytest.approx(findings.tokens_per_s * done.timeline.goodput / 2048)


def of_contract(findings, **changes):
    """Return the findings under another contract for energy: nothing but prices changes."""
    study = findings.study
    economics = study.scenario.economics.model_copy(update=changes)
    return replace(findings, study=replace(study, scenario=study.scenario.model_copy(update={"economics": economics})))


def priced_keys(findings, reasons):
    economics = findings.study.scenario.economics
    cost = estimate_cost(economics, cost_facts(findings, findings.tokens_per_s, findings.timeline.goodput))
    return cost, energy_bill_keys(findings, cost, reasons)


def test_without_a_contract_the_keys_say_why(findings):
    reasons = {}
    cost, keys = priced_keys(findings, reasons)
    assert {key for key, value in keys.items() if value is None} == {*OF_TARIFF, *OF_CARBON} == set(reasons)
    grid = float(cost.table[cost.table["item"] == "grid"]["usd"].sum())
    assert keys["grid_usd_per_mwh"] * findings.grid_energy_j / MWH == pytest.approx(grid)
    assert keys["water_usd"] == pytest.approx(keys["water_m3"] * 3.86 / 3.785411784, rel=1e-6)


def test_the_parts_of_the_bill_and_of_the_carbon_add_up(findings):
    reasons = {}
    asked = of_contract(findings, tariff=TariffSpec(name="tva_direct_2003"), grid_carbon="TN", carbon_price=0.05)
    cost, keys = priced_keys(asked, reasons)
    assert not reasons
    rows = cost.table[cost.table["item"].str.startswith("grid: ")]
    parts = keys["energy_charge_usd"] + keys["demand_charge_usd"] + keys["fixed_charge_usd"]
    assert parts == pytest.approx(rows["usd"].sum())
    assert keys["grid_usd_per_mwh"] == pytest.approx(parts / (findings.grid_energy_j / MWH))
    (record,) = meter_records(findings, FIRST_DAY).values()
    assert record.energy_j / record.horizon_s <= keys["billed_demand_mw"] * 1e6 <= record.watts.max() * (1 + 1e-9)
    assert keys["co2_grid_t"] == pytest.approx(findings.grid_energy_j / MWH * 938.6 * 0.45359237e-3)
    paid = float(cost.table[cost.table["item"] == "carbon dioxide"]["usd"].sum())
    assert paid == pytest.approx(keys["co2_total_t"] * 50.0)
    assert keys["co2_kg_per_mwh"] == pytest.approx(keys["co2_total_t"] * 1e3 / (findings.meter_energy_j / MWH))
    tokens = findings.tokens_per_s * findings.timeline.goodput * findings.horizon_s
    assert keys["co2_g_per_million_tokens"] == pytest.approx(keys["co2_total_t"] * 1e6 / (tokens / 1e6))


def test_the_hours_of_a_run_have_its_contract(findings):
    asked = of_contract(findings, tariff=TariffSpec(name="tva_direct_2003"), grid_carbon="TN")
    reasons = {}
    cost, keys = priced_keys(asked, reasons)
    table = run_hours(asked, cost.table)
    gas = cost.table[cost.table["item"].str.startswith("gas")]["usd"].sum()
    assert table["usd"].sum() == pytest.approx(keys["energy_charge_usd"] + gas, rel=1e-9)
    assert table["co2_t"].sum() == pytest.approx(keys["co2_total_t"], rel=1e-9)
