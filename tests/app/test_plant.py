"""The Plant page: course of the plant, equipment, cooling, and the event injector."""

from __future__ import annotations

import pytest

from clustersim.report.words import answer

DIP = {"kind": "voltage_dip", "at": "36 h", "residual": "0.3 pu", "duration": "55 ms"}


@pytest.fixture
def plant(open_page):
    return open_page("plant")


def tab(at, name):
    at.session_state["plant-tab"] = name
    return at.run()


def headings(at):
    return [text.value.replace("\\", "") for text in at.markdown]


def errors(at):
    return [one.value.replace("\\", "") for one in at.error]


def settings(at):
    return dict(at.session_state["draft"].settings)


def add(page, kind="voltage_dip", **fields):
    page.selectbox(key="plant-kind").set_value(kind).run()
    for name, value in fields.items():
        key = f"plant-event-{kind}-{name}"
        widget = page.number_input(key=key) if isinstance(value, int) else page.text_input(key=key)
        widget.set_value(value)
    next(one for one in page.button if one.label == "Add the event").click().run()
    assert not page.exception
    return page


def test_the_course_opens_on_steady_training(plant):
    assert plant.selectbox(key="plant-window").value == "steady"
    assert plant.segmented_control(key="plant-mode").value == "grid_parallel"
    assert any("Steady, beside the grid: 0 to 600 s" in text for text in headings(plant))
    assert {"Lowest, grid", "Flicker Pst"} <= {one.label for one in plant.metric}


def test_window_mode_and_stretch_can_be_chosen(plant, small_result):
    plant.selectbox(key="plant-window").set_value("crash").run()
    plant.segmented_control(key="plant-mode").set_value("island").run()
    plant.text_input(key="plant-from").set_value("5 s").run()
    plant.text_input(key="plant-to").set_value("12500 ms").run()
    assert not plant.exception
    assert any("Crash, as an island: 5 to 12.5 s" in text for text in headings(plant))
    # another window is looked at whole
    plant.selectbox(key="plant-window").set_value("steady").run()
    assert any("Steady, as an island: 0 to 600 s" in text for text in headings(plant))


def test_dragging_looks_closer_and_the_whole_window_comes_back(plant, monkeypatch):
    from dashboard import time_zoom

    whole = time_zoom.Span(0.0, 600.0)
    held = {"plant-chart": {"selection": {"box": [{"x": [60.125, 20.0], "y": [0.0, 1.0]}]}}}
    with monkeypatch.context() as patch:
        patch.setattr(time_zoom.st, "session_state", held)
        time_zoom.on_drag(time_zoom.Zoom("plant", whole, 0.01, whole))()
    assert (held["plant-from"], held["plant-to"]) == ("20 s", "60.125 s")
    for key in ("plant-from", "plant-to", "plant-back"):
        plant.session_state[key] = held[key]
    plant.run()
    assert any("20 to 60.125 s" in text for text in headings(plant))
    plant.button(key="plant-whole").click().run()
    assert any("0 to 600 s" in text for text in headings(plant))
    plant.button(key="plant-undo").click().run()
    assert any("20 to 60.125 s" in text for text in headings(plant))
    plant.button(key="plant-length-1-step").click().run()
    plant.button(key="plant-undo").click().run()
    plant.button(key="plant-right").click().run()
    plant.button(key="plant-out").click().run()
    assert any("20 to 100.25 s" in text for text in headings(plant))


def test_a_stretch_that_ends_before_it_begins_is_named(plant):
    plant.text_input(key="plant-from").set_value("50 s").run()
    plant.text_input(key="plant-to").set_value("20 s").run()
    assert any("to: expected a time at least" in text and "found 20 s" in text for text in errors(plant))
    assert any("0 to 600 s" in text for text in headings(plant))


def test_the_address_restores_the_stretch(open_page, small_link):
    at = open_page("plant", link=small_link, **{"plant-window": "Crash", "plant-from": "5 s", "plant-to": "12.5 s"})
    assert any("Crash, beside the grid: 5 to 12.5 s" in text for text in headings(at))


def test_generators_battery_and_modes_are_shown(plant, small_result):
    tab(plant, "Generators and battery")
    assert not plant.exception
    facts = plant.dataframe[0].value
    assert "GAST_openipsl" in set(facts["memphis"])
    assert {"Running", "Standby", "Governor", "Inertia H", "Ramp", "Loading"} <= set(facts[""])
    cards = {one.label: one.value for one in plant.metric}
    said = answer("battery_cycles_per_year", small_result.summary["battery_cycles_per_year"])
    assert cards["Full cycles"] == said


def test_cooling_says_whether_it_is_enough(plant, small_result):
    tab(plant, "Cooling")
    assert not plant.exception
    said = [one.value for one in (plant.error if small_result.summary["cooling_shortfall_mw"] else plant.success)]
    assert any("Cooling: heat" in text for text in said)
    assert "memphis" in plant.dataframe[0].value.columns


def test_an_event_is_added_listed_and_removed(plant):
    tab(plant, "Events")
    assert any("No event is injected" in text for text in headings(plant))
    add(plant, residual="0.3 pu", duration="55 ms")
    (event,) = settings(plant)["plant.events"]
    assert event == {**DIP, "count": 1}
    add(plant, "load_loss", duration="1 min")
    assert [one["kind"] for one in settings(plant)["plant.events"]] == ["voltage_dip", "load_loss"]
    plant.button(key="plant-remove-0").click().run()
    assert [one["kind"] for one in settings(plant)["plant.events"]] == ["load_loss"]
    plant.button(key="plant-remove-0").click().run()
    assert settings(plant)["plant.events"] == []


@pytest.mark.parametrize(
    ("kind", "fields", "said"),
    [
        ("voltage_dip", {"residual": "0.3", "duration": "55 ms"}, "residual"),
        ("voltage_dip", {"residual": "0.3 pu", "duration": "55 ms", "at": "40 d"}, "within the horizon"),
        ("voltage_dip", {"residual": "0.3 pu", "duration": "55 ms", "count": 3}, "spacing: expected the time"),
        ("generator_trip", {"duration": "1 min", "generator": 7}, "generator: expected one of the"),
        ("curtailment", {"duration": "1 h"}, "expected one of cap and share"),
        ("frequency_excursion", {"deviation": "-0.5 Hz"}, "the time of its recovery"),
    ],
)
def test_a_wrong_event_is_refused_as_the_command_line_does(plant, kind, fields, said):
    tab(plant, "Events")
    add(plant, kind, **fields)
    assert any(said in text and "plant.events.0" in text for text in errors(plant)), plant.error
    assert "plant.events" not in settings(plant)


def test_a_course_of_frequency_is_given_by_its_corners(plant):
    tab(plant, "Events")
    corners = "[{after: 0 s, frequency: 60 Hz}, {after: 5 s, frequency: 59.5 Hz}]"
    add(plant, "frequency_excursion", trajectory=corners)
    assert settings(plant)["plant.events"][0]["trajectory"][1] == {"after": "5 s", "frequency": "59.5 Hz"}


def test_what_answers_is_set_and_taken_away(plant):
    tab(plant, "Events")
    plant.selectbox(key="plant-ride_through-supplies").set_value("itic")
    plant.button(key="plant-ride_through-set").click().run()
    assert settings(plant)["plant.ride_through"]["supplies"] == "itic"
    plant.text_input(key="plant-frequency_response-threshold").set_value("0.1 Hz")
    plant.text_input(key="plant-frequency_response-droop").set_value("1 %")
    plant.button(key="plant-frequency_response-set").click().run()
    assert settings(plant)["plant.frequency_response"]["threshold"] == "0.1 Hz"
    plant.button(key="plant-frequency_response-none").click().run()
    assert settings(plant)["plant.frequency_response"] is None
    plant.selectbox(key="plant-protection-cooling_alarm").set_value("throttle")
    plant.button(key="plant-protection-set").click().run()
    assert settings(plant)["plant.protection"]["cooling_alarm"] == "throttle"


def test_a_wrong_answer_changes_nothing(plant):
    tab(plant, "Events")
    plant.text_input(key="plant-frequency_response-threshold").set_value("fast")
    plant.text_input(key="plant-frequency_response-droop").set_value("1 %")
    plant.button(key="plant-frequency_response-set").click().run()
    assert any("plant.frequency_response.threshold" in text for text in errors(plant))
    assert "plant.frequency_response" not in settings(plant)


def test_without_a_result_events_can_still_be_put_together(open_page, tmp_path):
    at = open_page("plant", results=tmp_path, scenario="gpt4_20k")
    assert not at.dataframe
    tab(at, "Events")
    add(at, residual="0.3 pu", duration="55 ms")
    assert len(settings(at)["plant.events"]) == 1
