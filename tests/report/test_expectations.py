"""Shipped scenarios over one day: each finishes, its answers are named and whole, and the page says what they are.

They are answered without the windows around events, which no public figure is of. One of each kind is a test, all
others are long tests, and so are runs over the whole horizon.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pandas as pd
import pytest
import yaml

from clustersim import catalog
from clustersim.report.check import problems
from clustersim.report.expectations import (
    LONG_MISSES,
    MISSES,
    expectations_markdown,
    misses,
    row_lines,
    shipped_names,
    shipped_tables,
    short_answer,
    short_scenario,
)
from clustersim.report.scenario_list import question, scenarios_markdown
from clustersim.scenario import load_any, shipped
from clustersim.study.expected import of_tables, short_settings
from clustersim.study.run import run
from clustersim.summary_keys import summary_keys


@cache
def loaded(name):
    """A shipped scenario, read once."""
    return load_any(shipped("scenarios") / f"{name}.yaml")


ROOT = Path(__file__).resolve().parents[2]
FACTS = ROOT / ".." / "shared" / "facts"
NAMES = shipped_names()
QUICK = {
    "colossus_200k": "one building",
    "deepseek_fleet_shared": "several jobs",
    "deepseek_v3": "a plan as published",
    "iowa_nebraska_diloco": "several sites",
    "llama3_405b_54d": "weeks of failures",
    "measured_load_memphis": "a measured load",
}
"""One of each kind; the others are answered in long tests."""
PAGE = (ROOT / "docs" / "expectations.md").read_text(encoding="utf-8")
SYSTEMS = {
    "xAI Colossus 1": ("colossus_200k", "memphis_surveyed"),
    "Stargate Abilene": ("abilene_as_said", "abilene_surveyed", "abilene_first_section"),
    "Google Iowa-Nebraska": ("iowa_nebraska", "iowa_nebraska_four_sites"),
    "Google Ohio": ("ohio_three_sites",),
    "Microsoft/OpenAI Goodyear": ("arizona_as_said", "arizona_130k"),
    "Meta 128k H100": ("meta_128k",),
    "Meta 24k": ("llama3_405b_54d",),
    "Meta Hyperion": ("hyperion",),
    "AWS Rainier": ("rainier_400k", "rainier_million"),
    "DeepSeek V3": ("deepseek_v3", "v3_on_h100", "v3_on_h20"),
    "DeepSeek fleet": ("deepseek_fleet_shared",),
    "GPT-4 run": ("gpt4_20k", "gpt4_25k"),
}
"""Systems that the interview names -> scenarios."""


def check_a_day(name):
    """Answer a scenario over one day; everything that holds of every one."""
    found, expected = short_answer(name)
    known = summary_keys()
    assert set(found.summary) <= set(known), "clustersim/summary_keys.yaml lists every key of a summary"
    for key, value in found.summary.items():
        assert (value is None) == (key in found.reasons), key
        assert value is None or isinstance(value, str) == (known[key].unit == "word"), key
    assert list(expected["key"]) == [one.key for one in loaded(name).expect]
    for row in expected.to_dict("records"):
        assert (row["inside"] is None) == bool(row["reason"]), row["key"]
    table = of_tables({name: expected})
    assert set(misses(table)) == {pair for pair in MISSES if pair[0] == name}
    for line in row_lines(table):
        assert line in PAGE, "run: python -m clustersim.report.expectations > docs/expectations.md"


@pytest.mark.parametrize(
    "name", [name if name in QUICK else pytest.param(name, marks=pytest.mark.soak) for name in NAMES]
)
def test_a_day(name):
    check_a_day(name)


def test_a_run_says_the_same_as_the_quick_answer():
    _, expected = short_answer("deepseek_v3")
    pd.testing.assert_frame_equal(run(short_scenario("deepseek_v3")).expected, expected)


def test_the_page_has_a_row_for_every_figure_and_a_reason_for_every_miss():
    figures = sum(len(loaded(name).expect) for name in NAMES)
    assert sum(line.startswith("| `") for line in PAGE.splitlines()) == figures
    assert f"{figures} figures of" in PAGE
    assert all(len(reason) > 40 or reason == "The same." for reason in MISSES.values())
    for name, key in MISSES:
        assert f"- `{name}`, `{key}`: {MISSES[name, key]}" in PAGE
        assert key in [one.key for one in loaded(name).expect]
    for name, key in LONG_MISSES:
        waits = [one.horizon for one in loaded(name).expect if one.key == key]
        assert max(waits) > 86400.0
        assert LONG_MISSES[name, key] in PAGE


def test_the_list_of_scenarios_is_that_of_the_files():
    page = (ROOT / "docs" / "scenarios.md").read_text(encoding="utf-8")
    assert page == scenarios_markdown(), "run: python -m clustersim.report.scenario_list > docs/scenarios.md"
    assert all(len(question(shipped("scenarios") / f"{name}.yaml")) > 30 for name in NAMES)


def test_every_system_of_the_interview_has_a_scenario_with_public_figures():
    for names in SYSTEMS.values():
        for name in names:
            expect = loaded(name).expect
            assert expect, name
    if FACTS.is_dir():
        told = yaml.load((FACTS / "claims.yaml").read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
        assert {row["system"] for row in told["systems"]["rows"]} == set(SYSTEMS)
        claims = {claim["id"] for claim in told["claims"]}
        named = {one.claim for name in NAMES for one in loaded(name).expect}
        assert named - {""} <= claims


def test_every_assumed_input_has_its_source():
    """What a job's, damping's or operation's section says is in the provenance, itself or a part of it."""
    for name in NAMES:
        tree = yaml.load((shipped("scenarios") / f"{name}.yaml").read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
        said = loaded(name).provenance
        for key in {
            **tree.get("set", {}),
            **{f"job.{key}": 0 for key in tree.get("job", {}) if key in ("model", "plan")},
        }:
            if key == "job.plan" and tree["job"]["plan"] == "best":
                continue
            assert any(key.startswith(path) or path.startswith(key) for path in said), f"{name}: {key}"


def test_public_figures_of_places_are_those_of_the_catalog():
    """IT power that a scenario expects of a surveyed place is the figure that the catalog has of it."""
    compared = 0
    for name in NAMES:
        scenario = loaded(name)
        public = catalog.entries("places").get(scenario.topology.name)
        for one in scenario.expect:
            if public is None or one.key != "provisioned_mw" or "Epoch" not in one.source or one.figure is None:
                continue
            figure = public.figure("it")
            assert one.figure == pytest.approx(figure.value), name
            assert one.band == pytest.approx((figure.low, figure.high), rel=1e-3), name
            compared += 1
    assert compared > 10


@pytest.mark.soak
@pytest.mark.parametrize("name", NAMES)
def test_check_finds_nothing(name):
    assert problems(shipped("scenarios") / f"{name}.yaml") == []


@pytest.mark.soak
def test_the_whole_page_is_that_of_the_runs():
    assert expectations_markdown(shipped_tables()) == PAGE


@pytest.mark.soak
@pytest.mark.parametrize("name", NAMES)
def test_the_whole_horizon(name):
    """Every figure is judged over its own horizon; what a day meets, a month meets."""
    path = shipped("scenarios") / f"{name}.yaml"
    found = run(load_any(path)).expected
    assert not any("the figure is of" in reason for reason in found["reason"])
    assert not short_settings(path) or set(misses(of_tables({name: found}))) <= {*MISSES, *LONG_MISSES}
