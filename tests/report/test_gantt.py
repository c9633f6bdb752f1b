"""Bars of a Gantt chart: nothing is lost where all is drawn, and the note tells how far a thinned one is off."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clustersim.operation.bands import band
from clustersim.report import gantt as drawing
from clustersim.report.goodput import goodput_bars
from clustersim.report.style import STATES

NAMES = tuple(STATES)


def lane(lengths, states=None):
    ends = np.cumsum(np.asarray(lengths, dtype=float))
    names = [NAMES[i % len(NAMES)] for i in range(len(lengths))] if states is None else states
    return pd.DataFrame(
        {"t_start_s": ends - lengths, "t_end_s": ends, "state": names, "cause": ["gpu"] * len(lengths)}
    )  # fmt: skip


def drawn_s(chart, scale):
    """Seconds that the bars of every state take, and where all bars together begin and end."""
    seconds = {trace.name: scale * sum(trace.x) for trace in chart.figure.data}
    begins = [scale * base for trace in chart.figure.data for base in trace.base]
    ends = [scale * (base + x) for trace in chart.figure.data for base, x in zip(trace.base, trace.x, strict=True)]
    return seconds, min(begins), max(ends)


def test_few_stretches_are_all_drawn():
    table = lane([3600.0, 600.0, 7200.0, 60.0])
    chart = drawing.gantt({"job": table}, 0.0, float(table["t_end_s"].iloc[-1]))
    seconds, begin, end = drawn_s(chart, 3600.0)
    assert seconds == pytest.approx(dict(zip(table["state"], [3600.0, 600.0, 7200.0, 60.0], strict=True)), rel=1e-4)
    assert (begin, end) == pytest.approx((0.0, 11460.0), rel=1e-5)
    assert chart.note == "Every stretch is drawn."


@given(st.integers(0, 2**32 - 1), st.integers(drawing.MOST_BARS + 1, 4000))
@settings(max_examples=15)
def test_a_long_lane_is_tiled_by_columns_of_what_took_most(seed, rows):
    lengths = np.random.default_rng(seed).exponential(100.0, rows)
    table = lane(lengths)
    horizon = float(table["t_end_s"].iloc[-1])
    bars = drawing._columns(table, 0.0, horizon)
    assert len(bars) <= drawing.MOST_BARS
    assert bars[0].start_s == 0.0
    assert bars[-1].end_s == pytest.approx(horizon)
    for before, after in zip(bars, bars[1:], strict=False):
        assert before.end_s == after.start_s
        assert before.state != after.state
    # a column is of the state that took most of it: never less than its even share
    assert min(bar.share for bar in bars) >= 1.0 / len(NAMES) - 1e-9
    # a stretch of two columns or more fills one alone, in its own colour
    width = horizon / drawing.MOST_BARS
    for start, end, state in zip(table["t_start_s"], table["t_end_s"], table["state"], strict=True):
        if end - start >= 2.0 * width:
            middle = (np.floor(start / width) + 1.5) * width
            assert next(bar.state for bar in bars if bar.start_s <= middle < bar.end_s) == state


def test_the_note_tells_what_thinning_hides():
    """Nine of ten parts of every column are training: the drawing is training alone, and the note says so."""
    table = lane([90.0, 10.0] * 1000, ["train", "restart"] * 1000)
    chart = drawing.gantt({"job": table}, 0.0, 100_000.0)
    assert [trace.name for trace in chart.figure.data] == ["train"]
    assert "2,000 stretches are merged into columns of 1.67 min" in chart.note
    assert "100 % of the drawing, 90.0 % of the time" in chart.note or "0 % of the drawing, 10.0 %" in chart.note


def test_the_close_up_begins_before_the_first_interruption():
    table = lane([5e4, 2e3, 60.0, 5e4], ["train", "lost", "detect", "train"])
    begin, end = drawing.close_up_s({"job": table}, 102_060.0)
    assert begin == 52_000.0 - drawing.BEFORE_S
    assert end == begin + drawing.ZOOM_S
    calm = lane([5e4], ["train"])
    assert drawing.close_up_s({"job": calm}, 5e4) == (0.0, drawing.ZOOM_S)
    assert drawing.close_up_s({"job": lane([600.0], ["train"])}, 600.0) == (0.0, 600.0)


def test_every_lane_has_its_row_and_a_window_cuts():
    tables = {name: lane([100.0, 200.0, 300.0], ["train", "restart", "train"]) for name in ("a", "b")}
    chart = drawing.gantt(tables, 50.0, 400.0)
    assert {y for trace in chart.figure.data for y in trace.y} == {"a", "b"}
    seconds, begin, end = drawn_s(chart, 60.0)
    assert seconds == pytest.approx({"train": 2 * 150.0, "restart": 2 * 200.0}, rel=1e-4)
    assert (begin, end) == pytest.approx((50.0, 400.0), rel=1e-4)


def test_the_largest_jobs_are_drawn_and_the_others_counted():
    """Sixty jobs, each one GPU larger than the one before: the first is drawn, and the 39 largest of the others."""
    table = pd.concat([lane([100.0], ["train"]).assign(part=f"j{i}", gpus=i + 1) for i in range(60)])
    shown, left = drawing.lanes(table)
    assert list(shown) == ["j0", *(f"j{i}" for i in range(21, 60))]
    assert left == 20
    (_, _, note), *_ = drawing.gantt_figures(table, 100.0)
    assert "20 jobs with less accelerator time" in note


def test_a_job_that_comes_late_has_no_colour_before(monkeypatch):
    monkeypatch.setattr(drawing, "MOST_BARS", 100)
    late = lane([1.0] * 400)
    late[["t_start_s", "t_end_s"]] += 600.0
    bars = drawing._columns(late, 0.0, 1000.0)
    assert bars[0].start_s == 600.0
    assert sum(bar.end_s - bar.start_s for bar in bars) == pytest.approx(400.0)


def test_stacked_bars_add_up_and_carry_the_band():
    shares = {"x": {"useful": 0.6, "restart": 0.3, "idle": 0.1}}
    bands = {"x": {"useful": band([0.5, 0.6, 0.7])}}
    figure = goodput_bars(shares, bands)
    bars = [trace for trace in figure.data if trace.type == "bar"]
    assert [trace.name for trace in bars] == ["useful", "restart", "idle"]
    assert sum(x for trace in bars for x in trace.x) == pytest.approx(100.0)
    (whisker,) = [trace for trace in figure.data if trace.type == "scatter"]
    assert whisker.x[0] == pytest.approx(60.0)
    assert whisker.error_x.array[0] == pytest.approx(9.0)
    assert whisker.error_x.arrayminus[0] == pytest.approx(9.0)
    assert all(trace.type == "bar" for trace in goodput_bars(shares, {}).data)
