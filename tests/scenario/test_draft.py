"""Drafts: what an address holds brings the same scenario back, and nothing else can be named in it."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from clustersim.errors import InputError
from clustersim.scenario import Draft, draft_of_query, load_any, located, parse_override, resolved, run_id, setting_text

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**6), 10**6) | st.text(max_size=12) | st.floats(-1e6, 1e6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(min_size=1, max_size=6), inner, max_size=3),
    max_leaves=6,
)


@given(VALUES)
@example("\x85")
@example({"a\u2028": ["ü\u2029"]})
def test_a_setting_reads_back_as_it_was(value):
    assert parse_override(setting_text("job.model", value)) == ("job.model", value)


def asked(query):
    return {key: [value] if isinstance(value, str) else value for key, value in query.items()}


def test_the_address_of_a_preset_with_changes_brings_it_back():
    draft = Draft("gpt4_20k").changed({"seed": 5, "operation.horizon": "2 d", "damping": []})
    again = draft_of_query(asked(draft.query()))
    assert again == draft
    assert run_id(again.scenario()) == run_id(draft.scenario())


def test_the_address_of_an_uploaded_scenario_brings_it_back():
    tree = resolved(load_any(located("gpt4_20k", "scenarios")))
    draft = Draft("mine", tree).changed({"seed": 5})
    again = draft_of_query(asked(draft.query()))
    assert run_id(again.scenario()) == run_id(draft.scenario())
    assert len(draft.query()["link"]) < 8000


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd", "scenarios/gpt4_20k.yaml", "gpt4_20", "x" * 500])
def test_an_address_names_shipped_scenarios_only(name):
    with pytest.raises(InputError, match="expected a shipped one"):
        Draft(name).scenario()


def test_too_many_settings_are_refused():
    with pytest.raises(InputError, match="at most 200"):
        draft_of_query({"scenario": ["gpt4_20k"], "set": [f"a{i}=1" for i in range(201)]})


def test_changes_replace_each_other_and_can_be_taken_back():
    draft = Draft("gpt4_20k").changed({"seed": 1, "plant.mode": "island"}).changed({"seed": 2})
    assert dict(draft.settings) == {"plant.mode": "island", "seed": 2}
    assert dict(draft.without("seed").settings) == {"plant.mode": "island"}
    assert dict(draft.without().settings) == {}
    assert draft.command() == "clustersim run gpt4_20k --set plant.mode=island --set seed=2"
