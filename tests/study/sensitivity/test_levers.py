"""The levers of a run."""

import pytest

from clustersim.errors import InputError
from clustersim.scenario import load_scenario
from clustersim.study.explain import needed_keys
from clustersim.study.sensitivity.levers import SHARE, lever_study, quantities, reach, within
from clustersim.study.sweep.axes import axes_of
from clustersim.study.sweep.spec import StudySpec
from clustersim.summary_keys import summary_keys


@pytest.fixture
def scenario(small_scenario):
    return load_scenario(small_scenario)


def test_quantities_are_texts_with_a_unit_above_zero(scenario):
    found = quantities(scenario)
    assert found["damping.0.time_constant"][1] == "s"
    assert all(number > 0.0 for number, _ in found.values())
    assert not any("provenance" in path.split(".") for path in found)
    assert "operation.horizon" not in found


def test_every_quantity_moves_by_a_tenth_about_itself(scenario):
    spec = StudySpec.model_validate(lever_study(scenario, [], "steady"))
    told = quantities(scenario)
    assert set(spec.axes) == set(told)
    for axis in axes_of(spec, "s"):
        number = told[axis.key][0]
        assert (axis.drawn.low, axis.drawn.middle, axis.drawn.high) == pytest.approx(
            ((1.0 - SHARE) * number, number, (1.0 + SHARE) * number)
        )


def test_sections_bound_what_is_moved(scenario):
    spec = StudySpec.model_validate(lever_study(scenario, [], "steady", ["damping"]))
    assert set(spec.axes) == {path for path in quantities(scenario) if path.startswith("damping.")}
    assert within("damping.0.power", ["damping"])
    assert not within("damping_other.0", ["damping"])
    with pytest.raises(InputError, match="found none"):
        lever_study(scenario, [], "steady", ["no.section"])


@pytest.mark.parametrize("name", summary_keys())
def test_reach_holds_what_the_keys_behind_a_key_reach(name):
    kinds, sections = reach(name)
    key = summary_keys()[name]
    assert set(key.catalog) <= kinds
    assert set(key.inputs) <= set(sections)
    for other in needed_keys(key):
        behind, there = reach(other)
        assert behind <= kinds
        assert set(there) <= set(sections)


def test_cost_of_a_token_reaches_from_the_job_to_the_prices():
    kinds, sections = reach("usd_per_million_tokens")
    assert {"prices", "efficiency", "device_power", "reliability", "cooling"} <= kinds
    assert within("job.model", sections)
    assert within("operation.checkpoint.interval", sections)
    assert within("economics.electricity_price", sections)
