"""The section `expect`: what is read, what is refused, and that it changes no answer but the identity."""

from __future__ import annotations

import math

import pytest
from pydantic import ValidationError

from clustersim.catalog import ASSUMED_BAND
from clustersim.errors import InputError
from clustersim.scenario import load_any, resolved, run_id, shipped
from clustersim.scenario.expectations import Expectation
from clustersim.study.questions import QUESTIONS
from clustersim.summary_keys import NO_QUANTITY, summary_key, summary_keys

PATH = shipped("scenarios") / "deepseek_v3.yaml"
PLAIN = (*NO_QUANTITY, "1", "1/s", "L/s", "m3", "USD/MW", "USD/MW/yr", "kg/MWh")
"""Units that no text in a file has."""
GOOD = {"key": "peak_mw", "figure": "361 MW", "source": "a survey", "confidence": "estimate"}


def one(**changes):
    return Expectation.model_validate(GOOD | changes)


def test_figures_are_si_and_the_spelling_does_not_matter():
    said, again = one(low="250 MW", high="500 MW"), one(figure="361000 kW", low="250000 kW", high="0.5 GW")
    assert said == again
    assert (said.low, said.figure, said.high) == (250e6, 361e6, 500e6)
    assert Expectation.model_validate(said.model_dump(mode="json")) == said
    assert one(key="mfu", figure="41 %").figure == pytest.approx(0.41)
    assert one(key="wue_l_per_kwh", figure="2.24 L/kWh").model_dump(mode="json")["figure"] == "2.24 L/kWh"
    assert one(key="tokens_per_s_per_gpu", figure=1542).figure == 1542.0


def test_a_band_is_the_source_s_or_follows_from_the_confidence():
    assert one(low="300 MW", high="400 MW").band == (300e6, 400e6)
    assert one(low="300 MW").band == (300e6, math.inf)
    assert one(figure=None, high="400 MW").band == (-math.inf, 400e6)
    for confidence, half in ASSUMED_BAND.items():
        found = one(confidence=confidence)
        assert found.band == pytest.approx((361e6 * (1 - half), 361e6 * (1 + half)))
        assert not found.band_given


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"key": "peak_watt"}, "did you mean 'peak_mw'"),
        ({"key": "schedule", "figure": 1}, "which has a word"),
        ({"key": "cooling_dip_ride_through", "figure": 1}, "which has a yes/no"),
        ({"figure": "361 MWh"}, "expected a power"),
        ({"figure": 361}, "expected a power with a unit"),
        ({"key": "accelerators", "figure": "200000 x"}, "number without a unit"),
        ({"key": "accelerators", "figure": True}, "number without a unit"),
        ({"figure": None}, "expected a figure, or one end of a band"),
        ({"low": "400 MW"}, "low <= figure <= high"),
        ({"low": "500 MW", "figure": None, "high": "400 MW"}, "low <= figure <= high"),
        ({"source": ""}, "at least 1 character"),
        ({"confidence": "sure"}, "'estimate'"),
        ({"figur": "361 MW"}, "Extra inputs"),
    ],
)
def test_what_is_refused(changes, said):
    with pytest.raises(ValidationError, match=said):
        one(**changes)


def test_a_problem_is_told_with_file_and_key_path():
    with pytest.raises(InputError, match=r"deepseek_v3\.yaml: expect\.0.*did you mean 'iteration_time_s'"):
        load_any(PATH, {"expect.0.key": "iteration_time"})
    with pytest.raises(InputError, match=r"expect\.0\.figurr: unknown key; did you mean 'figure'"):
        load_any(PATH, {"expect.0.figurr": "1 s"})


def test_it_belongs_to_the_identity_and_to_nothing_else():
    scenario = load_any(PATH)
    bare = scenario.model_copy(update={"expect": ()})
    assert run_id(bare) != run_id(scenario)
    trees = resolved(scenario), resolved(bare)
    assert {key for key in trees[0] if trees[0][key] != trees[1][key]} == {"expect"}


def test_the_registry_has_every_key_that_a_comparison_shows():
    known = summary_keys()
    assert {key for keys in QUESTIONS.values() for key in keys} <= set(known)
    for key in known.values():
        assert key.meaning
        assert (shipped("docs") / key.page.removeprefix("docs/")).is_file(), key.page
        assert key.dimension is not None or key.unit in PLAIN, key.name
    with pytest.raises(InputError, match="did you mean 'peak_mw'"):
        summary_key("peak_watts")


@pytest.mark.parametrize(
    ("ending", "unit"),
    [("_mw", "MW"), ("_mwh", "MWh"), ("_hz", "Hz"), ("_mhz", "mHz"), ("_usd", "USD"), ("_pu", "pu")],
)
def test_units_follow_the_endings_of_the_keys(ending, unit):
    named = [key for key in summary_keys().values() if key.name.endswith(ending) and "_per_" not in key.name]
    assert named
    assert {key.unit for key in named} == {unit}
