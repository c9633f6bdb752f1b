"""The quick answer says what a run says, wherever it says anything."""

from __future__ import annotations

import pytest

from clustersim.scenario import load_scenario
from clustersim.study.run import run
from clustersim.study.steady import KEYS_OF_EVENTS, NEEDS_EVENTS, steady_answer


@pytest.fixture(scope="module")
def quick(small_scenario):
    return steady_answer(load_scenario(small_scenario))


def test_every_key_is_that_of_the_run_or_says_that_it_needs_events(quick, small_result):
    whole = small_result.summary
    assert list(quick.summary) == list(whole)
    left = {key for key, reason in quick.reasons.items() if reason == NEEDS_EVENTS}
    assert {key: value for key, value in quick.summary.items() if key not in left} == {
        key: value for key, value in whole.items() if key not in left
    }
    assert left == {key for key in KEYS_OF_EVENTS if whole.get(key) is not None}
    assert all(quick.summary[key] is None for key in left)


def test_a_reason_stands_beside_every_null(quick, small_result):
    assert {key for key, value in quick.summary.items() if value is None} <= set(quick.reasons)
    assert {key: why for key, why in quick.reasons.items() if why != NEEDS_EVENTS} == small_result.reasons


def test_a_rule_is_judged_as_in_the_run_or_not_at_all(quick, small_result):
    seen, whole = quick.verdict, small_result.verdict
    assert seen[["rule", "node"]].equals(whole[["rule", "node"]])
    rows = list(zip(seen.to_dict("records"), whole.to_dict("records"), strict=True))
    kept = [(a, b) for a, b in rows if a["passed"] is not None]
    assert kept
    assert [a["passed"] for a, _ in kept] == [b["passed"] for _, b in kept]
    assert [a["measured"] for a, _ in kept if a["passed"]] == [b["measured"] for _, b in kept if b["passed"]]
    assert all(a["margin"] >= b["margin"] for a, b in kept)
    opened = [a["reason"] for a, b in rows if a["passed"] is None and b["passed"] is not None]
    assert opened
    assert set(opened) == {f"not judged: {NEEDS_EVENTS}"}


def test_energy_of_evaluations_is_that_of_the_run(small_scenario):
    scenario = load_scenario(
        small_scenario, {"operation.horizon": "6 h", "operation.evaluation": {"every": "2 h", "duration": "10 min"}}
    )
    quick, whole = steady_answer(scenario), run(scenario).summary
    assert whole["time_share_evaluation"] > 0.0
    assert quick.summary["energy_mwh"] == whole["energy_mwh"]
