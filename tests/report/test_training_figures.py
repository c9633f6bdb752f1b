"""Figures of the training page: what is drawn is what happened, merged or not; bars add up."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clustersim.report import step_gantt as drawing
from clustersim.report.plotted import csv_of
from clustersim.report.training_figures import (
    memory_by_stage,
    plan_scatter,
    step_parts,
    time_by_cause,
    units_histogram,
    waterfall,
)


def pipeline(stages, batches, forward_s=1.0, backward_s=2.0):
    """Operations of one unit: all forwards, then all backwards, one after the other with a gap for each stage."""
    rows = []
    for stage in range(stages):
        at = stage * forward_s
        for kind, seconds in (("forward", forward_s), ("backward", backward_s)):
            for batch in range(batches):
                rows.append((0, stage, kind, stage, batch, at, at + seconds))
                at += seconds
            at += (stages - stage) * forward_s
        rows.append((0, stage, "optimizer", -1, -1, at, at + 1.0))
    names = ["unit", "stage", "kind", "virtual_stage", "micro_batch", "start_s", "end_s"]
    return pd.DataFrame(rows, columns=names)


def bars_of(figure):
    """Stage, start and end of every bar."""
    return sorted(
        (int(stage), float(base), float(base) + float(x))
        for trace in figure.data
        if trace.type == "bar"
        for stage, base, x in zip(trace.y, trace.base, trace.x, strict=True)
    )


def test_every_operation_is_drawn_where_they_are_few():
    rows = pipeline(4, 8)
    end = float(rows["end_s"].max())
    found = drawing.step_gantt(rows, 0.0, end)
    assert bars_of(found.figure) == sorted(zip(rows["stage"], rows["start_s"], rows["end_s"], strict=True))
    assert "Every operation" in found.note
    assert csv_of(found.figure).count("\n") == 1 + len(rows)


@settings(max_examples=12, deadline=None)
@given(st.integers(1, 12), st.integers(1, 250), st.floats(0.01, 3.0), st.booleans())
def test_a_merged_drawing_keeps_ends_and_covers_all_work(stages, batches, backward_s, turns):
    rows = pipeline(stages, batches, 1.0, backward_s)
    if turns:
        kinds = np.where(rows["micro_batch"] % 2 == 0, "forward", "backward")
        rows["kind"] = np.where(rows["micro_batch"] >= 0, kinds, rows["kind"])
    end = float(rows["end_s"].max())
    bars = bars_of(drawing.step_gantt(rows, 0.0, end).figure)
    assert len(bars) <= drawing.MOST_BARS
    for stage, part in rows.groupby("stage"):
        mine = [bar for bar in bars if bar[0] == stage]
        assert mine[0][1] == pytest.approx(part["start_s"].min(), abs=1e-6)
        assert mine[-1][2] == pytest.approx(part["end_s"].max(), abs=1e-6)
        assert all(one[2] <= other[1] + 1e-5 for one, other in zip(mine, mine[1:], strict=False))
        work = float((part["end_s"] - part["start_s"]).sum())
        drawn = sum(bar[2] - bar[1] for bar in mine)
        assert work * (1.0 - 1e-6) - 1e-4 <= drawn <= end


def test_a_followed_micro_batch_is_never_merged():
    rows = pipeline(8, 300)
    end = float(rows["end_s"].max())
    found = drawing.step_gantt(rows, 0.0, end, followed=7)
    mine = rows[rows["micro_batch"] == 7]
    assert set(zip(mine["stage"], mine["start_s"], mine["end_s"], strict=True)) <= set(bars_of(found.figure))
    way = found.figure.data[-1]
    assert len(way.x) == len(mine) == 16
    assert "operations as" in found.note


def test_one_stage_and_a_part_of_the_step():
    rows = pipeline(4, 8)
    found = drawing.step_gantt(rows, 2.0, 6.0, stage=1)
    assert {bar[0] for bar in bars_of(found.figure)} == {1}
    assert all(start < 6.0 and end > 2.0 for _, start, end in bars_of(found.figure))
    assert tuple(found.figure.layout.xaxis.range) == (2.0, 6.0)


def test_the_waterfall_falls_from_bar_to_bar(small_result):
    summary = small_result.summary
    bars = waterfall(summary).data[0]
    for at in (1, 2, 3):
        assert bars.base[at] == pytest.approx(bars.base[at - 1] + bars.x[at - 1], abs=1e-5)
    assert bars.x[0] == pytest.approx(summary["mfu"] * summary["iteration_time_s"], abs=1e-6)
    assert bars.base[3] + bars.x[3] == pytest.approx(summary["iteration_time_s"], rel=1e-5)
    assert bars.x[-1] == pytest.approx(summary["iteration_time_s"] / summary["goodput"], rel=1e-5)


def test_a_job_that_never_trains_ends_at_its_step(small_result):
    assert waterfall(small_result.summary | {"goodput": 0.0}).data[0].y[-1] == "one step"


def test_parts_memory_units_and_plans_are_drawn_as_they_are():
    parts = {
        "matrix_s": 5.0,
        "memory_s": 1.0,
        "exchange_s": 2.0,
        "data_exchange_s": 0.5,
        "bubble_s": 1.4,
        "host_s": 0.1,
    }
    assert list(step_parts(parts, 10.0).data[0].x) == sorted(parts.values(), reverse=True)
    held = {"weights_gb": 1.0, "gradients_gb": 2.0, "optimizer_gb": 3.0, "activations_gb": 4.0, "working_gb": 5.0}
    memory = memory_by_stage([{"stage": 0, **held}, {"stage": 1, **held}], 80.0)
    assert [trace.y[1] for trace in memory.data[:-1]] == list(held.values())
    assert memory.data[-1].y == (80.0, 80.0)
    ends = {name: {"unit": 0, "end_s": at} for name, at in (("fastest", 1.0), ("median", 2.0), ("slowest", 3.0))}
    units = units_histogram({**ends, "histogram": {"edges_s": [1.0, 2.0, 3.0], "units": [3, 4]}})
    assert list(units.data[0].y) == [3, 4]
    cut = {"tensor": 8, "context": 1, "pipeline": 4, "virtual_stages": 2, "data": 4, "expert": 1, "micro_batches": 8}
    cut |= {"schedule": "1f1b", "recompute": "none", "sharding": "optimizer", "expert_overlap": "none"}
    row = cut | {"memory_gb": 60.0, "iteration_time_s": 2.0}
    scatter = plan_scatter([row], [row | {"memory_gb": 90.0}], 80.0)
    assert (scatter.data[0].x, scatter.data[1].x) == ((60.0,), (90.0,))
    assert "(2 chunks)" in scatter.data[0].text[0]


def test_hours_by_cause_add_up(small_result):
    accounts = small_result.accounts
    lost = accounts[accounts["category"] != "useful"]
    figure = time_by_cause(accounts, most=100)
    drawn = sum(sum(trace.x) for trace in figure.data)
    assert drawn == pytest.approx(lost["seconds"].sum() / 3600.0, abs=1e-3)
