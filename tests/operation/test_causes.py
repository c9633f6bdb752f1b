"""Causes of failure: rates per component, their sources, their scaling, ages and domains."""

import csv
import math
import re
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clustersim import catalog
from clustersim.errors import CatalogError
from clustersim.operation import JobFacts, failure_causes
from clustersim.operation.causes import Cause, rates_per_component
from clustersim.operation.lives import Life
from clustersim.operation.spec_parts.failures import FailureSpec

REFERENCE = Path(__file__).resolve().parents[2] / ".." / "shared" / "reference" / "reliability.csv"
DAY, YEAR = 86400.0, 365.25 * 86400.0
COMPONENTS = "components-h100"
BESIDE = {"straggler", "power_feed", "cooling"}
JOB = JobFacts(
    gpus=16384, servers=2048, step_time_s=6.0, step_time_cv=0.0, checkpoint_bytes=1e13,
    links=16384, leaves=128, feeds=12, cooling_units=2, racks=256, routes=3,
)  # fmt: skip
RATES = [name for name, entry in catalog.entries("reliability").items() if "causes" in entry.properties]


def per_server_day(causes, servers):
    return math.fsum(c.rate_per_s for c in causes if c.name not in BESIDE) * DAY / servers


def by_name(causes):
    return {cause.name: cause for cause in causes}


@pytest.mark.parametrize("variant", RATES)
def test_every_cause_of_the_catalog_can_be_built(variant):
    """What is counted is a field of the facts; detection, effect and domain are known; every cause has one rate."""
    entry = catalog.entry("reliability", variant)
    facts = replace(JOB, family=entry.properties["family"], switches=40)
    assert [c.name for c in failure_causes(variant, facts)] == list(entry.properties["causes"])
    stated = [key for key in entry.figures if key.startswith(("rate.", "share.")) and key != "rate.server"]
    assert sorted(key.split(".")[1] for key in stated) == sorted(entry.properties["causes"])
    assert all(math.isfinite(rate) and rate > 0.0 for rate in rates_per_component(entry).values())


def test_rates_come_from_rows_that_may_be_fitted():
    if not REFERENCE.is_file():
        pytest.skip("reference table is not beside the repository")
    with REFERENCE.open() as file:
        use = {row["row_id"]: row["use"] for row in csv.DictReader(file)}
    for kind in ("reliability", "reliability_fleets"):
        for name, entry in catalog.entries(kind).items():
            for key, figure in entry.figures.items():
                if key.startswith(("rate.", "share.", "slowdown.")):
                    rows = re.findall(r"REL-\d{4}", figure.note)
                    assert {use[row] for row in rows} <= {"fit"}, (name, key)


def test_a_share_of_the_servers_rate_is_kept():
    """meta-h100: 2.3e-3 per server-day in all, of it 22.9 % for HBM (REL-0034, REL-0045)."""
    causes = by_name(failure_causes("meta-h100", JOB))
    assert per_server_day(causes.values(), 2048) == pytest.approx(2.3e-3, rel=1e-12)
    assert causes["hbm"].rate_per_s * DAY == pytest.approx(2048 * 2.3e-3 * 0.229, rel=1e-12)


def test_components_add_up_to_the_published_rate_of_a_server():
    """With its 8 access links counted by themselves a server has the rate that was published with the network in it."""
    causes = failure_causes(COMPONENTS, JOB)
    assert len(causes) == 24
    assert per_server_day(causes, JOB.servers) == pytest.approx(2.3e-3, rel=0.02)
    without = failure_causes(COMPONENTS, replace(JOB, links=0, leaves=0))
    assert per_server_day(without, JOB.servers) == pytest.approx(2.3e-3 * (1.0 - 0.053), rel=1e-3)


def test_components_split_the_published_shares_and_no_more():
    """What a published share was split into adds up to it."""
    entry, whole = catalog.entry("reliability", COMPONENTS), catalog.entry("reliability", "meta-h100")
    split = {
        "hbm": ("hbm_ecc", "hbm_memory"),
        "gpu": ("gpu_execution", "nvlink", "cuda", "gpu_driver"),
        "other": ("cpu", "dimm", "nic", "power_supply", "disk", "storage"),
    }
    for name, parts in split.items():
        assert sum(entry.si(f"share.{p}") for p in parts) == pytest.approx(whole.si(f"share.{name}"), rel=1e-3)
    same = {key for key in entry.figures if key.startswith("share.")} & set(whole.figures)
    assert len(same) == 7
    assert all(entry.si(key) == pytest.approx(whole.si(key)) for key in same)


COUNTED = ("gpus", "servers", "links", "leaves", "feeds", "cooling_units")


@pytest.mark.parametrize("factor", [1, 2, 12.5])
def test_mean_time_to_failure_goes_as_one_over_the_count(factor):
    """1k to 200k GPUs: nothing but the counts is scaled, and every cause scales with its own."""
    small = replace(JOB, gpus=1024, servers=128, links=1024, leaves=8, feeds=2, cooling_units=2)
    big = replace(small, **{name: round(getattr(small, name) * factor) for name in COUNTED})
    one, many = failure_causes(COMPONENTS, small), failure_causes(COMPONENTS, big)
    assert [c.life for c in one] == [c.life for c in many]
    mttf = [1.0 / math.fsum(c.rate_per_s for c in causes) for causes in (one, many)]
    assert mttf[0] / mttf[1] == pytest.approx(factor, rel=1e-12)


@pytest.mark.parametrize("name", COUNTED)
def test_each_count_scales_its_own_causes_only(name):
    factor, entry = 7, catalog.entry("reliability", COMPONENTS)
    plain = by_name(failure_causes(COMPONENTS, JOB))
    more = by_name(failure_causes(COMPONENTS, replace(JOB, **{name: getattr(JOB, name) * factor})))
    for cause, record in entry.properties["causes"].items():
        expected = factor if record.get("counted", "servers") == name else 1
        assert more[cause].rate_per_s == pytest.approx(expected * plain[cause].rate_per_s, rel=1e-12)


def test_what_has_no_components_or_no_rate_is_left_out():
    bare = JobFacts(gpus=8, servers=1, step_time_s=1.0, step_time_cv=0.0, checkpoint_bytes=1.0)
    assert not {"link", "leaf_switch", "power_feed", "cooling"} & set(by_name(failure_causes(COMPONENTS, bare)))
    assert failure_causes(COMPONENTS, JOB, 0.0) == ()
    assert "pcie" not in by_name(failure_causes(COMPONENTS, JOB, factors={"pcie": 0.0}))


@settings(max_examples=20)
@given(st.floats(0.1, 10.0), st.floats(0.1, 10.0))
def test_factors_multiply(scale, factor):
    plain = by_name(failure_causes(COMPONENTS, JOB))
    changed = by_name(failure_causes(COMPONENTS, JOB, scale, factors={"link": factor}))
    assert changed["link"].rate_per_s == pytest.approx(scale * factor * plain["link"].rate_per_s)
    assert changed["nic"].rate_per_s == pytest.approx(scale * plain["nic"].rate_per_s)


def test_ages_make_hardware_fail_less_with_time_and_leave_software_alone():
    def rates(spec):
        return {c.name: c.mean_rate_per_s(28 * DAY) for c in failure_causes(COMPONENTS, JOB, spec=spec)}

    plain = rates(None)
    new, old = (rates(FailureSpec.model_validate({"age": age})) for age in ("0 d", "3 yr"))
    early = rates(FailureSpec.model_validate({"age": "0 d", "early_life": True}))
    ageing = {name for name, r in catalog.entry("reliability", COMPONENTS).properties["causes"].items() if "ages" in r}
    for name in plain:
        assert (new[name] > plain[name] > old[name]) if name in ageing else (new[name] == plain[name] == old[name])
    # early mortality is 15 times the usual failures of a link over its first four weeks, 14 times on top of it
    assert early["link"] - new["link"] == pytest.approx(14.0 * plain["link"], rel=1e-9)
    assert {name for name in plain if early[name] != new[name]} == {"link"}


def test_a_life_with_age_meets_the_published_rate_over_the_ages_it_was_counted_at():
    spec = FailureSpec.model_validate({"age": "0 d"})
    aged, plain = (by_name(failure_causes(COMPONENTS, JOB, spec=s))["hbm_ecc"] for s in (spec, None))
    assert aged.mean_rate_per_s(365 * DAY) == pytest.approx(plain.rate_per_s, rel=1e-9)
    draws = aged.life.draw(np.random.default_rng(3), 200_000, aged.age_s)
    expected = plain.rate_per_s / plain.count * 365 * DAY * draws.size
    # those that fail twice in the year are few: 1 % of components fail once
    assert (draws < 365 * DAY).sum() == pytest.approx(
        expected, abs=4.0 * math.sqrt(expected) + expected**2 / draws.size
    )


def test_outages_of_domains_at_a_rate_of_the_user():
    spec = FailureSpec.model_validate(
        {"domains": [{"domain": d, "every": "2 yr", "outage": "3 h"} for d in ("rack", "building", "route")]}
    )
    rack, building, route = failure_causes("none", JOB, spec=spec)
    assert (rack.domain, rack.count, building.count, route.count) == ("rack", 256, 1, 3)
    assert rack.rate_per_s * YEAR == pytest.approx(128.0)
    assert {c.outage_s for c in (rack, building, route)} == {3 * 3600.0}
    assert failure_causes("none", replace(JOB, racks=0, routes=0), spec=spec) == (building,)
    both = failure_causes(COMPONENTS, JOB, spec=spec)
    assert both == (*failure_causes(COMPONENTS, JOB), rack, building, route)


def test_silent_and_slow_causes():
    causes = by_name(failure_causes(COMPONENTS, JOB))
    assert (causes["silent_corruption"].effect, causes["silent_corruption"].detection_s) == ("silent", 3600.0)
    assert (causes["straggler"].effect, causes["straggler"].slow_fraction) == ("slow", pytest.approx(0.95))
    assert {name for name, c in causes.items() if c.effect != "stop"} == {"silent_corruption", "straggler"}


def test_unknown_rates_name_the_nearest():
    with pytest.raises(CatalogError, match="did you mean 'components-h100'"):
        failure_causes("component-h100", JOB)
    with pytest.raises(CatalogError, match="unknown failure rates 'checkpoint'"):
        failure_causes("checkpoint", JOB)


def test_early_life_needs_an_age():
    with pytest.raises(ValueError, match=r"failures.early_life: expected failures.age"):
        FailureSpec(early_life=True)


@pytest.mark.parametrize(
    "wrong",
    [
        {"count": 0},
        {"detection_s": -1.0},
        {"effect": "explode"},
        {"domain": "planet"},
        {"slow_fraction": 0.5},
        {"effect": "slow", "slow_fraction": 0.0},
    ],
)
def test_impossible_causes(wrong):
    good = {"name": "x", "part": "gpu", "count": 1, "life": Life(1.0), "detection_s": 0.0, "replaces_server": False}
    with pytest.raises(ValueError, match="cause x"):
        Cause(**{**good, **wrong})


def test_what_is_counted_is_a_field_of_the_facts():
    known = {field.name for field in fields(JobFacts)}
    counted = {
        r.get("counted", "servers")
        for v in RATES
        for r in catalog.entry("reliability", v).properties["causes"].values()
    }
    assert counted <= known
