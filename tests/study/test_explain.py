"""Explanations hold for the numbers of real runs."""

import pytest

from clustersim import catalog
from clustersim.errors import InputError
from clustersim.report.explain import explain_data, explain_text
from clustersim.study.explain import TOLERANCE, explain
from clustersim.summary_keys import summary_keys


def test_every_key_of_a_run_is_explained(small_result):
    assert set(small_result.summary) <= set(summary_keys())


@pytest.mark.parametrize("key", [key for key in summary_keys().values() if key.identity], ids=lambda key: key.name)
def test_identities_give_the_value(small_result, key):
    found = explain(small_result, key.name)
    if found.value is None:
        assert found.reason
    else:
        assert found.worked_out == pytest.approx(found.value, rel=TOLERANCE, abs=1e-12)


@pytest.mark.parametrize("key", summary_keys().values(), ids=lambda key: key.name)
def test_registry_names_what_there_is(key):
    assert bool(key.identity) != bool(key.formula)
    assert set(key.of) <= set(summary_keys())
    assert set(key.catalog) <= set(catalog.kinds())


def test_inputs_come_with_their_sources(small_result):
    found = explain(small_result, "capex_usd")
    assert "topology.site.memphis.fleet.0.count" in set(found.inputs["path"]) or found.left_out
    found = explain(small_result, "cooling_capacity_mw")
    assert found.inputs.set_index("path").loc["topology.cooling.memphis.count", "value"] == 90
    assert not found.figures.empty


def test_key_says_what_it_enters(small_result):
    assert "usd_per_million_tokens" in explain(small_result, "goodput").followers


def test_text_and_data_tell_the_reason_of_a_missing_value(small_result):
    found = explain(small_result, "grid_events")
    assert "no events of the grid" in explain_text(found)
    assert explain_data(found)["value"] is None


def test_unknown_key_gets_the_nearest_name(small_result):
    with pytest.raises(InputError, match="did you mean 'swing_mw'"):
        explain(small_result, "swingmw")
