"""Figures and tables of a sizing, from the object that the command line prints."""

import json
from pathlib import Path

import pytest

from clustersim.report.size import size_data, size_files
from clustersim.report.size_figures import (
    apart_table,
    bill_table,
    cost_words,
    front_figure,
    front_table,
    margin_figure,
    not_judged_table,
    proof_table,
    rules_table,
    winner_settings,
    worst_margin,
)
from clustersim.scenario import Draft, load_any
from tests.sizings import sizing


@pytest.fixture
def scenario(small_scenario):
    return load_any(small_scenario)


@pytest.fixture
def found(scenario):
    return sizing(scenario, passes=True)


@pytest.fixture
def data(found):
    return json.loads(json.dumps(size_data(found)))


def test_the_front_is_drawn_in_money_and_margin(data):
    front, winner = front_figure(data).data
    assert list(front.x) == [one["capex_usd"] / 1e6 for one in data["front"]]
    assert (winner.x[0], winner.y[0]) == (8.1, 0.81)
    (margins,) = margin_figure(data).data
    assert list(margins.y) == pytest.approx([5.0, 30.0])
    assert worst_margin(data["front"][1]) == pytest.approx(0.3)


def test_tables_tell_proof_price_and_rules(data):
    proof = proof_table(data)
    assert list(proof["verdict"]) == ["PASS", "PASS", "FAIL"]
    assert rules_table(data["winner"]["rows"])["verdict"].tolist() == ["PASS"]
    assert front_table(data)["to build"].tolist() == ["8.10 million USD", "10.0 million USD"]
    assert bill_table(data)["price"].tolist() == ["250 USD (assumed)"]
    assert not_judged_table(data)["rule"].tolist() == ["flicker-pst"]
    assert "8.10 million USD to build" in cost_words(data["winner"])
    assert apart_table(data).empty


def test_without_a_winner_the_nearest_is_marked(scenario):
    data = size_data(sizing(scenario, passes=False))
    assert [trace.name for trace in front_figure(data).data] == ["on the front", "nearest"]
    assert apart_table(data)["best margin [%]"].tolist() == [-20.0]
    assert winner_settings({}) == {}


def test_the_settings_of_the_winner_make_the_sized_scenario(found):
    files = {path.name: text for path, text in size_files(found, Path()).items()}
    settings = winner_settings(files)
    sized = Draft("colossus_200k").changed(settings).scenario()
    assert sized.topology.electrical["memphis"].battery == found.sized.topology.electrical["memphis"].battery
    assert sized.damping == found.sized.damping
