"""Fields of the events: every kind can be asked for with what its fields say."""

from clustersim import units
from clustersim.catalog import entries
from clustersim.plant.spec import PlantModeSpec
from clustersim.scenario.event_kinds import answer_fields, event_kinds

EXAMPLES = {"time": "10 s", "ratio": "30 %", "power": "5 MW", "ramp": "1 MW/min", "frequency": "-0.5 Hz"}


def test_every_kind_is_there_with_units_and_meanings():
    kinds = event_kinds()
    assert set(kinds) == {
        "voltage_dip", "generator_trip", "load_loss", "curtailment", "island_formation", "frequency_excursion",
    }  # fmt: skip
    for kind in kinds.values():
        assert kind.meaning.endswith(".")
        for field in kind.fields:
            assert field.meaning, (kind.kind, field.name)
            assert field.dimension in ("", *units.TABLE)
            # what is no quantity is a number, a list or the name of a site
            assert field.dimension or field.whole or field.rows or field.name == "site"


def test_required_fields_alone_make_an_event():
    one_of = {"curtailment": {"cap": "5 MW"}, "frequency_excursion": {"deviation": "-0.5 Hz", "recovery": "10 s"}}
    for kind in event_kinds().values():
        given = {one.name: EXAMPLES[one.dimension] for one in kind.fields if one.required}
        event = {"kind": kind.kind, "at": "1 h", **given, **one_of.get(kind.kind, {})}
        assert PlantModeSpec.model_validate({"events": [event]}).events[0].kind == kind.kind


def test_answers_name_entries_of_the_catalog():
    fields = {one.name: one for one in answer_fields()["ride_through"]}
    named = [*fields["supplies"].choices, *fields["ups"].choices, *fields["motors"].choices]
    assert sorted(named) == sorted(entries("ride_through"))
    for name in ("supplies", "ups", "motors"):
        assert fields[name].default in fields[name].choices
    assert fields["cooling_on_ups"].flag
    assert {one.name for one in answer_fields()["frequency_response"] if one.required} == {"threshold", "droop"}
