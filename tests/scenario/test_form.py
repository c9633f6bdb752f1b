"""Forms of scenarios: every shipped file can be shown in one, and what is shown reads back as what is written."""

from __future__ import annotations

import pytest

from clustersim.errors import InputError
from clustersim.scenario import Draft, load_any, located, shipped_names
from clustersim.scenario.choices import names_at
from clustersim.scenario.donors import donors, example
from clustersim.scenario.form import fields, kinds_at, of_kind, record_at
from clustersim.scenario.names import _of_scenario

TREES = {name: Draft(name).written() for name in shipped_names("scenarios")}
SECTIONS = ("topology.fabric", "damping", "operation", "plant", "economics", "limits", "job")


def all_fields(path, tree):
    """Yield every field below a key path whose record is written."""
    for field in fields(path, tree):
        yield field
        if field.kind == "record" and isinstance(field.value, dict) and "network" not in field.path:
            yield from all_fields(field.path, tree)
        elif field.kind == "records" and isinstance(field.value, list):
            for at in range(len(field.value)):
                yield from all_fields(f"{field.path}.{at}", tree)
        elif field.kind == "records" and isinstance(field.value, dict):
            yield from all_fields(field.path, tree)


def of_scenario(tree):
    for section in SECTIONS:
        if section == "damping":
            for at in range(len(tree.get("damping", ()))):
                yield from all_fields(f"damping.{at}", tree)
        elif section not in ("job", "operation") or "job" in tree:
            yield from all_fields(section, tree)
    for part in ("site", "electrical", "cooling"):
        for site in tree["topology"].get(part, {}):
            yield from all_fields(f"topology.{part}.{site}", tree)


@pytest.mark.parametrize("name", TREES)
def test_what_a_form_shows_reads_back_as_it_is_written(name):
    found = list(of_scenario(TREES[name]))
    assert len(found) > 100
    for field in found:
        if field.value is not None and field.kind in ("text", "choice"):
            assert field.read(field.text) == field.value, field.path


@pytest.mark.parametrize("name", ["colossus_200k", "iowa_nebraska", "virginia_dips", "measured_load_memphis"])
def test_every_name_that_a_scenario_gives_is_among_the_choices(name):
    for path, kind, found in _of_scenario(load_any(located(name, "scenarios"))):
        offered = names_at(path, TREES[name])
        if path.startswith(("plant.ride_through", "economics.tariff", "economics.server")):
            continue
        assert offered.names, (path, kind)
        assert offered.free or found in offered.names, (path, found)


def test_every_default_of_a_form_is_what_the_specification_takes():
    draft = Draft("colossus_200k")
    for field in of_scenario(TREES["colossus_200k"]):
        if field.value is None and field.default is not None and field.kind != "records":
            draft = draft.changed({field.path: field.default})
    assert len(draft.settings) > 20
    draft.scenario()


def test_a_quantity_names_its_units_and_a_number_its_range():
    shown = {field.name: field for field in fields("topology.cooling.memphis", TREES["colossus_200k"])}
    assert shown["loop_time_constant"].units[:4] == ("ns", "us", "ms", "s")
    assert shown["count"].meaning == "Units installed, spares and lost ones among them. (above 0)"
    assert shown["alarm_temperature"].meaning == "Loop temperature at which equipment must shed load."
    assert "memphis_tn" in shown["weather"].choices
    assert shown["weather"].free
    stage = {field.name: field for field in fields("topology.electrical.memphis.conversion.0", TREES["colossus_200k"])}
    assert "MVA" in stage["unit"].units


def test_a_cooling_unit_may_be_of_the_kind_of_cooling_alone():
    tree = Draft("colossus_200k").changed({"topology.cooling.memphis.kind": "dry"}).written()
    offered = names_at("topology.cooling.memphis.unit", tree).names
    assert offered
    assert "chiller_memphis" not in offered


def test_another_kind_keeps_what_it_knows():
    tree = TREES["colossus_200k"]
    turned = of_kind("topology.fabric", tree, "dragonfly")
    assert turned["switch"] == "SN5600"
    assert "tiers" not in turned
    assert "dragonfly_plus" in {field.name: field for field in fields("topology.fabric", tree)}["kind"].choices
    assert "power_cap" in kinds_at("damping", tree)
    assert kinds_at("topology.site.memphis.fleet", tree) == ()


def test_where_no_record_can_stand_is_told():
    for path in ("job.modle", "topology.nowhere", "seed"):
        with pytest.raises(InputError, match="key path of a record"):
            record_at(path, TREES["colossus_200k"])


def test_records_are_lent_by_shipped_places_and_scenarios():
    lent = donors("topology.electrical.anywhere.battery")
    assert lent["colossus_memphis"]["type"] == "megapack_2xl"
    assert all(record for record in lent.values())
    assert len(donors("topology.cooling.anywhere")) > 20
    assert example("damping", "site_battery")["kind"] == "site_battery"
    assert example("damping", "no_such_kind") == {"kind": "no_such_kind"}
    # what is lent may be changed without harm
    lent["colossus_memphis"]["type"] = "changed"
    assert donors("topology.electrical.anywhere.battery")["colossus_memphis"]["type"] == "megapack_2xl"
