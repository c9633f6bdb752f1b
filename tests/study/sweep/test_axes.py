"""Values of axes: ranges end where the file says, distributions have their quantiles, columns have their unit."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clustersim.errors import InputError
from clustersim.study.sweep.axes import axes_of
from clustersim.study.sweep.spec import AxisSpec, StudySpec


def axis(spec, key="plant.margin", **study):
    keys = {"name": "trial", "title": "t", "scenario": "s", "axes": {key: spec}} | study
    return axes_of(StudySpec.model_validate(keys), "trial.yaml")[0]


def drawn(spec):
    return axis(spec, combine="latin_hypercube", samples=4)


def test_a_range_has_both_ends_and_its_unit():
    found = axis({"range": {"from": "60 %", "to": "90 %", "step": "10 %"}}, "damping.0.floor")
    assert [one.value for one in found.settings] == ["60 %", "70 %", "80 %", "90 %"]
    assert [one.si for one in found.settings] == pytest.approx([0.6, 0.7, 0.8, 0.9])
    assert [one.shown for one in found.settings] == [60.0, 70.0, 80.0, 90.0]
    assert (found.name, found.column) == ("floor", "floor_percent")


def test_steps_of_decimals_are_what_the_file_means():
    found = axis({"range": {"from": 0.0, "to": 1.0, "step": 0.1}})
    assert [one.value for one in found.settings] == [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1]


@settings(max_examples=30, deadline=None)
@given(st.floats(1e-3, 1e3), st.floats(1.5, 1e6), st.integers(2, 40))
def test_a_log_range_has_equal_ratios(low, factor, steps):
    high = low * factor
    values = [one.si for one in axis({"log_range": {"from": low, "to": high, "steps": steps}}).settings]
    assert len(values) == steps
    assert values[0] == low
    assert values[-1] == high
    ratios = [b / a for a, b in zip(values, values[1:], strict=False)]
    assert ratios == pytest.approx([factor ** (1 / (steps - 1))] * (steps - 1), rel=1e-9)


def test_distributions_have_their_quantiles():
    ends = {"from": "100 MW", "to": "400 MW"}
    uniform, log, normal = (drawn({kind: ends}) for kind in ("uniform", "log_uniform", "normal"))
    assert uniform.at(0.25).si == pytest.approx(175e6)
    assert log.at(0.5).si == pytest.approx(200e6)
    assert [normal.at(share).si for share in (0.05, 0.5, 0.95)] == pytest.approx([100e6, 250e6, 400e6])
    assert drawn({"uniform": {"from": 1, "to": 8}, "whole": True}).at(0.5).value == round(4.5)


def test_a_list_has_one_unit_in_its_column():
    found = axis(["100 MW", "1 GW", "250 MW"], "plant.grid.capacity")
    assert found.column == "capacity_mw"
    assert [one.shown for one in found.settings] == pytest.approx([100.0, 1000.0, 250.0])
    assert [one.value for one in found.settings] == ["100 MW", "1 GW", "250 MW"]
    words = axis(["best", "60 %", None, True, 4])
    assert [one.shown for one in words.settings] == ["best", "60 %", None, True, 4]
    sections = axis({"values": [[], [{"kind": "load_bank"}]], "labels": ["none", "bank"]}, "damping")
    assert [one.shown for one in sections.settings] == ["none", "bank"]
    assert [one.value for one in sections.settings] == [[], [{"kind": "load_bank"}]]


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        ({"range": {"from": "1 MW", "to": "2 s", "steps": 2}}, "ends of one unit"),
        ({"range": {"from": "1 MW", "to": 2, "steps": 2}}, "ends of one unit"),
        ({"range": {"from": 1, "to": 2, "step": -1}}, "a step that leads"),
        ({"range": {"from": 1, "to": 2, "step": 0}}, "a step that leads"),
        ({"range": {"from": 0, "to": 1, "step": 1e-9}}, "at most 100,000"),
        ({"range": {"from": 0, "to": 1, "steps": 1}}, "at least 2 steps"),
        ({"log_range": {"from": 0, "to": 1, "steps": 3}}, "ends above 0"),
        ({"range": {"from": "1 MWatt", "to": "2 MWatt", "steps": 3}}, "a known unit"),
        ({"range": {"from": "many", "to": "2 MW", "steps": 3}}, "a number and a unit"),
    ],
)
def test_ends_that_do_not_go_together(spec, told):
    with pytest.raises(InputError, match=rf"trial\.yaml: axes\.plant\.margin.*{told}"):
        axis(spec)


@pytest.mark.parametrize(
    "spec",
    [{}, {"values": []}, {"values": [1], "range": {"from": 1, "to": 2, "steps": 2}},
     {"values": [1], "labels": ["a", "b"]}, {"range": {"from": 1, "to": 2}},
     {"range": {"from": 1, "to": 2, "steps": 2, "step": 1}}, {"uniform": {"from": 1}}],
)  # fmt: skip
def test_an_axis_is_of_one_kind(spec):
    with pytest.raises(ValueError, match="expected|Field|List|Tuple|least"):
        AxisSpec.model_validate(spec)


def test_names_are_the_last_part_of_the_key_or_the_whole_of_it():
    keys = {"a.power": [1], "b.power": [1], "c.rate": [1], "d.max": [1], "e.share": {"values": [2], "name": "mine"}}
    spec = StudySpec.model_validate({"name": "t", "title": "t", "scenario": "s", "axes": keys})
    assert [one.name for one in axes_of(spec, "t")] == ["a_power", "b_power", "rate", "max", "mine"]
    two = {"a.b": {"values": [1], "name": "x"}, "a.c": {"values": [1], "name": "x"}}
    with pytest.raises(InputError, match="the name 'x' is that of"):
        axes_of(StudySpec.model_validate({"name": "t", "title": "t", "scenario": "s", "axes": two}), "t")


def test_the_normal_distribution_is_symmetric():
    found = drawn({"normal": {"from": -1.0, "to": 1.0}})
    assert math.isclose(found.at(0.2).si, -found.at(0.8).si, abs_tol=1e-12)
