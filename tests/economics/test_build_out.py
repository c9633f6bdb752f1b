"""A growing site: counts by hand, and laws that hold for any course of power and accelerators."""

import datetime
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from clustersim.economics.build_out import COLUMNS, AcceleratorFacts, build_out
from clustersim.economics.build_outs import build_out_of, known_build_outs
from clustersim.economics.spec_parts.build_out import BuildOutSpec
from tests.drawn import examples

EACH = AcceleratorFacts(
    needed_w=1500.0, mean_w=1200.0, useful_tokens_per_s=10.0, equipment_usd=30e3, site_usd=15e3, idle_usd_per_h=0.8,
    grid_usd_per_j=60 / 3.6e9, onsite_usd_per_j=90 / 3.6e9,
)  # fmt: skip


def plan(**tree):
    base = {"name": "site", "start": "2025-01-01", "months": 4, "accelerators": [{"date": "2025-01-01", "count": 1000}]}
    return BuildOutSpec.model_validate(base | tree)


def test_a_step_in_the_middle_of_a_month_by_hand():
    """31 days: 0.75 MW feed 500 of 1,000 for 15 days, 3 MW all for 16."""
    spec = plan(months=1, grid=[{"date": "2025-01-01", "power": "0.75 MW"}, {"date": "2025-01-16", "power": "3 MW"}])
    found = build_out(spec, EACH)
    (row,) = found.table.to_dict("records")
    assert row["running"] == pytest.approx((500 * 15 + 1000 * 16) / 31)
    assert row["accelerator_hours"] == pytest.approx((500 * 15 + 1000 * 16) * 24)
    assert row["stranded_hours"] == pytest.approx(500 * 15 * 24)
    assert row["stranded_usd"] == pytest.approx(500 * 15 * 24 * 0.8)
    assert row["stranded_mw"] == pytest.approx((0.0 * 15 + 1.5 * 16) / 31)
    assert row["grid_mwh"] == pytest.approx((500 * 15 + 1000 * 16) * 24 * 1.2e-3)
    assert row["energy_usd"] == pytest.approx(row["grid_mwh"] * 60)
    assert row["tokens"] == pytest.approx(row["accelerator_hours"] * 36_000)
    assert row["capex_usd"] == pytest.approx(1000 * 45e3)
    assert tuple(found.table.columns) == COLUMNS


def test_turbines_bridge_until_the_grid_comes():
    spec = plan(
        months=2,
        onsite=[{"date": "2025-01-01", "power": "2 MW"}],
        onsite_use="75 %",
        grid=[{"date": "2025-02-01", "power": "2 MW"}],
    )
    first, second = build_out(spec, EACH).table.to_dict("records")
    assert (first["running"], second["running"]) == (1000, 1000)
    assert (first["bridged"], second["bridged"]) == (1000, 0)
    assert (first["grid_mwh"], second["onsite_mwh"]) == (0.0, 0.0)
    assert first["onsite_mwh"] == pytest.approx(1.2 * 744)
    assert first["energy_usd"] / first["onsite_mwh"] == pytest.approx(90.0)


def test_halls_hold_accelerators_back_and_carry_the_sites_capex():
    spec = plan(
        months=2, grid=[{"date": "2025-01-01", "power": "10 MW"}],
        halls=[{"date": "2025-01-01", "count": 400}, {"date": "2025-02-01", "count": 2000}],
    )  # fmt: skip
    first, second = build_out(spec, EACH).table.to_dict("records")
    assert (first["ready"], first["running"], second["running"]) == (400, 400, 1000)
    assert first["capex_usd"] == pytest.approx(1000 * 30e3 + 400 * 15e3)
    assert second["capex_usd"] == pytest.approx(1600 * 15e3)


def test_later_accelerators_may_need_more_power():
    spec = plan(
        months=1, grid=[{"date": "2025-01-01", "power": "3 MW"}],
        accelerators=[{"date": "2025-01-01", "count": 1000}, {"date": "2025-01-02", "count": 2000, "power": "2 x"}],
    )  # fmt: skip
    last = build_out(spec, EACH).spans[-1]
    assert (last.running, last.stranded) == (1500, 500)
    assert last.needed_w == pytest.approx(1500.0 * 3000)


days = st.dates(datetime.date(2025, 1, 1), datetime.date(2025, 4, 30))
powers = st.dictionaries(days, st.floats(0.0, 5e6), max_size=4)
counts = st.dictionaries(days, st.integers(0, 4000), min_size=1, max_size=4)


def drawn(grid, onsite, installed, halls, more_w=0.0):
    totals = dict(zip(sorted(installed), sorted(installed.values()), strict=True))
    places = dict(zip(sorted(halls), sorted(halls.values()), strict=True))
    return plan(
        grid=[{"date": d, "power": f"{w + more_w!r} W"} for d, w in sorted(grid.items())],
        onsite=[{"date": d, "power": f"{w!r} W"} for d, w in sorted(onsite.items())],
        accelerators=[{"date": d, "count": c} for d, c in totals.items()],
        halls=[{"date": d, "count": c} for d, c in places.items()],
    )


@settings(max_examples=examples(40), deadline=None)
@given(powers, powers, counts, st.dictionaries(days, st.integers(0, 4000), max_size=3), st.floats(0.0, 2e6))
def test_laws(grid, onsite, installed, halls, more_w):
    found = build_out(drawn(grid, onsite, installed, halls), EACH)
    for span in found.spans:
        assert 0 <= span.by_grid <= span.running <= span.ready <= span.installed
        assert span.running * EACH.needed_w <= (span.grid_w + span.onsite_w) * (1 + 1e-9)
        assert span.running + span.stranded == span.installed
        assert span.stranded_w >= -1e-6 * (span.grid_w + span.onsite_w)
    table = found.table
    assert table["accelerator_hours"].sum() + table["stranded_hours"].sum() == pytest.approx(
        math.fsum(span.installed * span.seconds / 3600 for span in found.spans)
    )
    assert (table["grid_mwh"] + table["onsite_mwh"]).sum() == pytest.approx(table["accelerator_hours"].sum() * 1.2e-3)
    assert table["capex_usd_total"].is_monotonic_increasing
    more = build_out(drawn(grid, onsite, installed, halls, more_w), EACH)
    assert more.total("accelerator_hours") >= found.total("accelerator_hours")
    assert more.total("stranded_hours") <= found.total("stranded_hours")


@pytest.mark.parametrize(
    ("tree", "said"),
    [
        ({"start": "2025-01-02"}, "first day of a month"),
        ({"months": 0}, "greater than or equal to 1"),
        ({"accelerators": []}, "at least 1"),
        (
            {"grid": [{"date": "2025-02-01", "power": "1 MW"}, {"date": "2025-01-01", "power": "2 MW"}]},
            "dates that grow",
        ),
        ({"halls": [{"date": "2025-02-01", "count": 2}, {"date": "2025-03-01", "count": 1}]}, "they are totals"),
        ({"grid": [{"date": "2025-02-01", "power": 1e6}]}, "a power with a unit"),
        ({"scenario": "../secret"}, "pattern"),
    ],
)
def test_what_is_wrong_is_said(tree, said):
    with pytest.raises(ValidationError, match=said):
        plan(**tree)


@pytest.mark.parametrize("name", known_build_outs())
def test_shipped_build_outs_run(name):
    spec = build_out_of(name)
    found = build_out(spec, EACH)
    assert len(found.table) == spec.months
    assert found.total("accelerator_hours") > 0


def test_memphis_has_the_published_steps():
    spec = build_out_of("memphis")
    assert [(step.date.isoformat(), step.power / 1e6) for step in spec.grid] == [
        ("2024-07-01", 8.0), ("2025-05-01", 150.0), ("2025-10-15", 300.0),
    ]  # fmt: skip
    assert [step.count for step in spec.accelerators] == [25_000, 100_000, 200_000, 230_000]
