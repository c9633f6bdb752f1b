"""The temperature of the cooling loop over the horizon."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from clustersim.report.cooling_course import alarms_c, loop_figure, loop_words
from clustersim.report.text import summary_text


def test_hours_agree_with_the_summary(small_result):
    rows, s = small_result.cooling_course, small_result.summary
    alarm = alarms_c(small_result)["memphis"]
    hours = round(small_result.timeline["t_end_s"].max() / 3600.0)
    assert list(rows["t_start_s"]) == [3600.0 * hour for hour in range(hours)]
    assert (rows["loop_highest_c"] >= rows["loop_lowest_c"]).all()
    # what is above the alarm for a share of the time is above it in at least that share of the hours
    assert (rows["loop_highest_c"] > alarm).mean() >= s["cooling_share_above_alarm"] - 1e-9
    first = s["cooling_first_alarm_hours"]
    above = rows.loc[rows["loop_highest_c"] > alarm, "t_start_s"]
    assert above.empty if first is None else above.min() / 3600.0 == np.floor(first)


def test_the_course_is_stored(small_result, tmp_path):
    again = type(small_result).load(small_result.save(tmp_path / "run"))
    pd.testing.assert_frame_equal(again.cooling_course, small_result.cooling_course)


def test_the_figure_has_the_loop_its_supply_and_the_alarm(small_result):
    figure = loop_figure(small_result)
    assert [trace.name.split(",")[0] for trace in figure.data] == ["loop", "loop", "supply"]
    assert figure.layout.shapes[0].y0 == alarms_c(small_result)["memphis"]
    assert max(figure.data[0].y) == pytest.approx(small_result.cooling_course["loop_highest_c"].max(), abs=1e-3)


def test_many_hours_are_drawn_in_groups_with_their_extremes(small_result):
    rows = small_result.cooling_course
    year = pd.concat([rows] * (8760 // len(rows) + 1), ignore_index=True)
    year["t_start_s"] = np.arange(len(year)) * 3600.0
    year.loc[5000, "loop_highest_c"] = 99.0
    figure = loop_figure(dataclasses.replace(small_result, cooling_course=year))
    assert len(figure.data[0].x) <= 1500
    assert max(figure.data[0].y) == 99.0


def test_words(small_result):
    words = loop_words(small_result)
    assert words is not None
    assert words in " ".join(summary_text(small_result).split())
    assert "degC" in words
    assert "alarm" in words
    hot = small_result.cooling_course.assign(loop_highest_c=60.0)
    assert "in 100 % of the hours" in loop_words(dataclasses.replace(small_result, cooling_course=hot))
    boiled = hot.assign(loop_highest_c=9533.0)
    assert "to more than 100 degC, above its alarm" in loop_words(
        dataclasses.replace(small_result, cooling_course=boiled)
    )
    assert loop_words(dataclasses.replace(small_result, cooling_course=pd.DataFrame())) is None
