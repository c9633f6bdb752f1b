"""Figures and tables of the plant: what is drawn is what the records hold."""

import dataclasses

import numpy as np
import pytest

from clustersim.limits import Rule
from clustersim.report.envelope import MOST_POINTS, samples_between
from clustersim.report.plant_figures import (
    ROWS,
    Level,
    course,
    group_loading,
    heat_bars,
    levels_of,
    levels_of_run,
    notes_of,
    rocof,
    smoothing_note,
)
from clustersim.report.plant_tables import battery_table, cooling_table, generator_table, labels_of_groups


def answers(result, window, mode):
    return [one for one in result.responses if (one.window, one.mode) == (window, mode)]


def test_the_course_draws_every_quantity_over_one_axis(small_result):
    (one,) = answers(small_result, "steady", "island")
    figure = course([one])
    assert all(trace.type == "scatter" and len(trace.x) <= MOST_POINTS for trace in figure.data)
    drawn = {trace.name: np.asarray(trace.y) for trace in figure.data}
    assert drawn["frequency"].min() == one.frequency_hz.min()
    assert drawn["load"].max() == one.load_w.max() / 1e6
    assert drawn["charge"].min() == 100.0 * one.state_of_charge.min()
    assert "grid" not in drawn
    titles = [figure.layout[f"yaxis{number or ''}"].title.text for number in ("", 2, 3, 4, 5)]
    assert titles == [title for _, title, _ in ROWS]


def test_a_place_without_a_battery_has_no_charge(small_result):
    (one,) = answers(small_result, "steady", "grid_parallel")
    figure = course([dataclasses.replace(one, state_of_charge=np.zeros_like(one.state_of_charge))])
    assert "charge" not in {trace.name for trace in figure.data}
    assert "charge [%]" not in {axis.title.text for axis in figure.select_yaxes()}
    assert [axis.title.text for axis in figure.select_xaxes()][-1] == "time in the window [s]"


def test_a_stretch_is_sampled_again(small_result):
    (one,) = answers(small_result, "crash", "grid_parallel")
    figure = course([one], (), 10.0, 11.0)
    load = next(trace for trace in figure.data if trace.name == "load")
    assert (load.x[0], load.x[-1]) == (pytest.approx(10.0), pytest.approx(11.0, abs=2 * one.dt_s))
    # a second at a millisecond is drawn whole
    assert np.array_equal(load.y, one.load_w[10_000:11_001] / 1e6)


def test_several_sites_have_their_colours(small_result):
    (one,) = answers(small_result, "steady", "island")
    (other,) = answers(small_result, "steady", "grid_parallel")
    figure = course([one, other])
    first, second = (trace.line.color for trace in figure.data if trace.name.endswith(", frequency"))
    assert first != second


def test_rocof_over_500_ms_is_the_key_of_the_summary(small_result):
    most = max(
        np.abs(rocof(one.frequency_hz, one.dt_s)).max() for one in small_result.responses if one.mode == "island"
    )
    assert most == pytest.approx(small_result.summary["island_max_rocof_hz_per_s"])


def test_rocof_stands_where_its_500_ms_end(small_result):
    (one,) = answers(small_result, "crash", "island")
    step = np.where(np.arange(one.frequency_hz.size) * one.dt_s < 10.0, 60.0, 59.9)
    stepped = dataclasses.replace(one, frequency_hz=step)
    for span in ((None, None), (9.0, 11.0), (9.9, 10.1)):
        drawn = next(trace for trace in course([stepped], (), *span).data if trace.name.startswith("RoCoF"))
        moved = drawn.x[np.asarray(drawn.y) != 0.0]
        assert moved.min() == pytest.approx(10.0, abs=one.dt_s)
    whole = next(trace for trace in course([stepped]).data if trace.name.startswith("RoCoF"))
    assert whole.x[0] == pytest.approx(0.5, abs=0.1)
    assert whole.x[-1] <= (one.frequency_hz.size - 1) * one.dt_s


def test_limits_are_drawn_where_they_lie_near(small_result):
    (one,) = answers(small_result, "steady", "island")
    names = {level.text for level in levels_of_run(small_result, [one])}
    assert {"island-min-frequency", "island-rocof"} <= names
    lowest = float(one.frequency_hz.min())
    near, far = Level("frequency", lowest - 1e-3, "near"), Level("frequency", 40.0, "far")
    figure = course([one], [near, far])
    assert [note.text for note in figure.layout.annotations] == ["near"]


def test_limits_of_other_systems_and_modes_are_left_out():
    rule = Rule.model_validate(
        {"id": "r", "measure": "min_frequency", "limit": "49 Hz", "comparison": "at_least", "mode": "island"}
    )
    assert levels_of([rule], "island", 50.0) == [Level("frequency", 49.0, "r")]
    assert levels_of([rule], "island", 60.0) == []
    assert levels_of([rule], "grid_parallel", 50.0) == []


def test_a_voltage_that_was_not_simulated_is_said(small_result):
    (one,) = answers(small_result, "steady", "island")
    assert notes_of([one, one])[-1].startswith("the island's voltage was not simulated")
    assert course([one]).layout.yaxis3.range == (0.98, 1.02)
    (beside,) = answers(small_result, "steady", "grid_parallel")
    assert notes_of([beside]) == list(beside.warnings)


def test_groups_of_generators_add_up_to_the_output(small_result):
    (one,) = answers(small_result, "steady", "island")
    figure = group_loading([one], labels_of_groups(small_result, [one.site]), 0.0, 5.0)
    assert len(figure.data) == len(one.group_w)
    total = np.sum([trace.y for trace in figure.data], axis=0) * 1e6
    assert total == pytest.approx(one.generator_w[: total.size], rel=1e-9)
    (beside,) = answers(small_result, "steady", "grid_parallel")
    assert group_loading([beside], []) is None


def test_heat_is_drawn_against_capacity(small_result):
    s = small_result.summary
    (bars,) = heat_bars(s).data
    assert bars.x[0] == s["cooling_heat_mw"]
    assert bars.x[1] + bars.error_x.array[1] == pytest.approx(s["cooling_capacity_high_mw"])


def test_tables_name_the_equipment(small_result):
    (generators,) = generator_table(small_result).to_dict("records")
    count = int(generators["units"].split(" x ")[0])
    assert int(generators["running"]) + int(generators["standby"]) == count
    assert generators["inertia H"].endswith(" s")
    (battery,) = battery_table(small_result).to_dict("records")
    assert battery["charge, as an island"].count("%") == 2
    (cooling,) = cooling_table(small_result).to_dict("records")
    assert cooling["kind"] == "chillers"


def test_a_battery_that_smooths_is_said_to_act_before(small_result):
    of = lambda *kinds: smoothing_note(  # noqa: E731
        dataclasses.replace(
            small_result, scenario=small_result.scenario | {"damping": [{"kind": kind} for kind in kinds]}
        )
    )
    assert "beyond that" in of("power_cap", "site_battery")
    assert of() == of("power_cap") == ""


def test_a_span_of_points_holds_the_one_at_its_end():
    """Of means over bins none that begins at the end of the span; both keep two samples at least."""
    assert samples_between(100, 0.1, 1.0, 2.0) == (10, 20)
    assert samples_between(100, 0.1, 1.0, 2.0, of_points=True) == (10, 21)
    assert samples_between(100, 0.1, None, None) == samples_between(100, 0.1, -1.0, 99.0, of_points=True) == (0, 100)
    assert samples_between(100, 0.1, 50.0, 60.0) == (98, 100)
