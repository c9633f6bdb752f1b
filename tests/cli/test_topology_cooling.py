"""Cooling of a place as `clustersim topology` shows it."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from typer.testing import CliRunner

from clustersim.cli import app
from clustersim.report.place_cooling import cooling_data, cooling_text
from clustersim.scenario import load_topology, shipped
from clustersim.study.places.place import build_place


@pytest.fixture(scope="module")
def place():
    return build_place(load_topology(shipped("topologies") / "colossus_memphis.yaml"), "bf16")


def _with_weather(place, weather):

    spec = place.topology.cooling["memphis"].model_copy(update={"weather": weather})
    return replace(place, topology=place.topology.model_copy(update={"cooling": {"memphis": spec}}))


def test_a_place_tells_its_cooling(place):
    plain = cooling_data(_with_weather(place, None))["memphis"]
    assert plain["capacity_mw"] == pytest.approx(164.25)
    assert plain["pue_annual"] is None
    assert "none given" in "\n".join(cooling_text({"memphis": plain}))
    data = cooling_data(_with_weather(place, "memphis_tn"))["memphis"]
    assert data["capacity_least_mw"] < data["capacity_at_design_mw"] < data["capacity_mw"]
    assert data["hours_above_capacity"] == 8760  # 282 MW of nameplates on 164 MW
    text = "\n".join(cooling_text({"memphis": data}))
    assert "90 chiller_memphis" in text
    assert "capacity at design weather" in text
    assert (data["pue_annual"], data["peak_hour_pue"]) == (None, None)
    assert "no PUE where the heat is above the capacity in most hours" in text
    assert data["units_spare"] is None
    assert data["minutes_to_alarm_dip"] < data["minutes_to_alarm_n1"]
    assert "alarm after a dip [min]" in text


def test_a_place_without_cooling_says_nothing(place):

    bare = replace(place, topology=place.topology.model_copy(update={"cooling": {}}))
    assert cooling_data(bare) == {}
    assert cooling_text({}) == []


def _says_its_chillers(place):
    done = CliRunner().invoke(app, ["topology", str(place)])
    assert done.exit_code == 0, done.output
    assert "90 chiller_memphis" in done.output
    done = CliRunner().invoke(app, ["topology", str(place), "--json"])
    assert json.loads(done.stdout)["cooling"]["memphis"]["count"] == 90


def test_the_command_prints_it(tmp_path):
    """Of 2,048 accelerators, whose fabric is quick; the plant is that of the shipped place."""
    text = (shipped("topologies") / "colossus_memphis.yaml").read_text(encoding="utf-8")
    small = tmp_path / "small_place.yaml"
    small.write_text(
        text.replace("count: 100000", "count: 1024").replace("name: colossus_memphis", "name: small_place")
    )
    _says_its_chillers(small)


@pytest.mark.soak
def test_the_command_prints_it_of_the_shipped_place():
    _says_its_chillers("colossus_memphis")
