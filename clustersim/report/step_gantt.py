"""One step of a lock-step unit, stage by stage: every operation, or merged where they cannot all be drawn."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import pandas as pd
import plotly.graph_objects as go

from clustersim.report.gantt import Gantt
from clustersim.report.style import ACTIVITY, INK, styled
from clustersim.report.words import number

MOST_BARS = 1500
"""Bars of a figure."""
FINEST = 400
"""Into so many parts a merged drawing cuts its time at first."""
WIDE = 1 / 56
"""Share of the drawn time from which a bar has room for the number of its micro-batch."""
TURNS = "passes in turn"
"""What merged bars of several kinds are called."""
PASSES = ("forward", "backward", "weight_gradients")
FAINT = 0.22


@dataclass(frozen=True)
class _Bar:
    """A stretch of one stage that is drawn in one colour."""

    stage: int
    kind: str
    start_s: float
    end_s: float
    count: int
    """Operations that it stands for."""
    micro_batch: int
    """-1 where it stands for several, or for none."""
    chunk: int
    """Model chunk of the stage, from 0; 0 where it stands for several."""


def step_gantt(
    operations: pd.DataFrame, t0_s: float, t1_s: float, *, stage: int | None = None, followed: int | None = None
) -> Gantt:
    """Return what the stages of one unit do between two times of the step.

    Where there are more than :data:`MOST_BARS` operations, neighbours of one kind are one bar, and so are short ones
    of several kinds that take turns; the parts that are merged grow until the bars can be drawn.

    Parameters
    ----------
    operations : DataFrame
        Of one unit, as :func:`clustersim.study.run_tables.operations_table` gives them.
    t0_s, t1_s : float
        What is drawn. [s]
    stage : int, optional
        Only this stage; all when left out.
    followed : int, optional
        A micro-batch whose way through the stages stands out; it is never merged.
    """
    stages = int(operations["stage"].max()) + 1
    inside = operations[(operations["end_s"] > t0_s) & (operations["start_s"] < t1_s)]
    inside = inside[inside["end_s"] > inside["start_s"]]
    rows = inside if stage is None else inside[inside["stage"] == stage]
    bars, least_s = _drawn(rows, t1_s - t0_s, stages, followed)
    figure = go.Figure([_trace(kind, bars, t1_s - t0_s, followed) for kind in _kinds(bars)])
    if followed is not None:
        figure.add_trace(_way(inside[inside["micro_batch"] == followed], stage))
    lanes = stages if stage is None else 1
    styled(figure, "time in the step [s]", "pipeline stage", min(640, 130 + (30 if lanes <= 16 else 20) * lanes))
    figure.update_layout(barmode="overlay", bargap=0.12, legend={"traceorder": "normal"})
    figure.update_xaxes(range=[t0_s, t1_s])
    shown = range(stages) if stage is None else [stage]
    figure.update_yaxes(range=[shown[-1] + 0.5, shown[0] - 0.5], dtick=1 if lanes <= 16 else 4)
    return Gantt(figure, _note(len(rows), len(bars), least_s))


def _drawn(rows: pd.DataFrame, view_s: float, stages: int, followed: int | None) -> tuple[list[_Bar], float]:
    """Return the bars, and the time [s] below which parts are merged; 0 where every operation is a bar."""
    single = [bar for _, part in rows.groupby("stage") for bar in _single(part, stages)]
    if len(single) <= MOST_BARS:
        return single, 0.0
    alone = [bar for bar in single if followed is not None and bar.micro_batch == followed]
    others = [bar for bar in single if followed is None or bar.micro_batch != followed]
    least_s = view_s / FINEST
    while True:
        merged = [bar for at in range(stages) for bar in _merged([b for b in others if b.stage == at], least_s)]
        if len(merged) + len(alone) <= MOST_BARS or least_s > view_s:
            return [*merged, *alone], least_s
        least_s *= 2.0


def _single(rows: pd.DataFrame, stages: int) -> list[_Bar]:
    ordered = rows.sort_values("start_s", kind="stable")
    columns = (ordered[name] for name in ("stage", "kind", "start_s", "end_s", "micro_batch", "virtual_stage"))
    return [
        _Bar(int(stage), str(kind), float(start), float(end), 1, int(batch), max(int(virtual), 0) // stages)
        for stage, kind, start, end, batch, virtual in zip(*columns, strict=True)
    ]


def _merged(bars: list[_Bar], least_s: float) -> list[_Bar]:
    """Return the bars of a stage with neighbours of one kind joined, and short ones that take turns."""

    def next_to(one: _Bar, other: _Bar) -> bool:
        return other.start_s - one.end_s <= 0.5 * least_s

    def short(bar: _Bar) -> bool:
        return bar.kind in PASSES and bar.end_s - bar.start_s < least_s

    runs = [_sum(run) for run in _joined(bars, lambda one, other: one.kind == other.kind and next_to(one, other))]
    turns = _joined(runs, lambda one, other: short(one) and short(other) and next_to(one, other))
    return [_sum(run) for run in turns]


def _joined(bars: Iterable[_Bar], belong: Callable[[_Bar, _Bar], bool]) -> list[list[_Bar]]:
    """Return the bars in runs of neighbours that belong together."""
    runs: list[list[_Bar]] = []
    for bar in bars:
        if runs and belong(runs[-1][-1], bar):
            runs[-1].append(bar)
        else:
            runs.append([bar])
    return runs


def _sum(run: list[_Bar]) -> _Bar:
    first, last = run[0], run[-1]
    if len(run) == 1:
        return first
    one_kind = all(bar.kind == first.kind for bar in run)
    chunk = first.chunk if all(bar.chunk == first.chunk for bar in run) else 0
    kind = first.kind if one_kind else TURNS
    return _Bar(first.stage, kind, first.start_s, last.end_s, sum(bar.count for bar in run), -1, chunk)


def _kinds(bars: list[_Bar]) -> list[str]:
    there = {bar.kind for bar in bars}
    return [name for name in dict.fromkeys((*PASSES, TURNS, *ACTIVITY)) if name in there]


def _trace(kind: str, bars: list[_Bar], view_s: float, followed: int | None) -> go.Bar:
    """Return the bars of one kind."""
    shown = [bar for bar in bars if bar.kind == kind]
    chunks = max(1, max((bar.chunk for bar in bars), default=0))
    marker: dict[str, object] = {
        "color": ACTIVITY["forward" if kind == TURNS else kind],
        "line": {"color": "white", "width": 0.5 if len(bars) < MOST_BARS // 3 else 0.0},
        # later model chunks of a stage are lighter
        "opacity": [
            (1.0 - 0.55 * bar.chunk / chunks) * (1.0 if followed in (None, bar.micro_batch) else FAINT) for bar in shown
        ],
    }
    if kind == TURNS:
        stripes = {"shape": "|", "bgcolor": ACTIVITY["forward"], "fgcolor": ACTIVITY["backward"], "size": 6}
        marker["pattern"] = {**stripes, "fillmode": "replace", "solidity": 0.5}
    return go.Bar(
        base=[round(bar.start_s, 6) for bar in shown],
        x=[round(bar.end_s - bar.start_s, 6) for bar in shown],
        y=[bar.stage for bar in shown],
        orientation="h",
        name=kind.replace("_", " "),
        marker=marker,
        text=[_label(bar, view_s) for bar in shown],
        textposition="inside",
        insidetextanchor="middle",
        textangle=0,
        textfont={"size": 10, "color": "white" if kind == "forward" else INK},
        constraintext="none",
        customdata=[_told(bar) for bar in shown],
        hovertemplate="stage %{y}, %{customdata}<br>from %{base:.4f} s, %{x:.4f} s long<extra></extra>",
    )


def _label(bar: _Bar, view_s: float) -> str:
    return str(bar.micro_batch) if bar.micro_batch >= 0 and bar.end_s - bar.start_s > WIDE * view_s else ""


def _told(bar: _Bar) -> str:
    name = bar.kind.replace("_", " ")
    if bar.count > 1:
        return f"{number(bar.count)} operations: {name}"
    if bar.micro_batch < 0:
        return name
    return f"{name} of micro-batch {bar.micro_batch}" + (f", model chunk {bar.chunk}" if bar.chunk else "")


def _way(rows: pd.DataFrame, stage: int | None) -> go.Scatter:
    """Return the way of a micro-batch through the stages, from pass to pass."""
    ordered = rows.sort_values("start_s", kind="stable")
    ordered = ordered if stage is None else ordered[ordered["stage"] == stage]
    middle = 0.5 * (ordered["start_s"] + ordered["end_s"])
    return go.Scatter(
        x=middle.round(6), y=ordered["stage"], mode="lines+markers", name="way of the micro-batch",
        line={"color": INK, "width": 1}, marker={"color": INK, "size": 4}, hoverinfo="skip",
    )  # fmt: skip


def _note(operations: int, bars: int, least_s: float) -> str:
    """Return how much of what happens is drawn."""
    if not least_s:
        return "Every operation is drawn; the numbers are micro-batches, and later model chunks of a stage are lighter."
    return (
        f"{number(operations)} operations as {number(bars)} bars: neighbours of one kind are joined, striped where "
        f"short passes take turns, and gaps below {number(0.5e3 * least_s)} ms are not drawn. Drag over a part "
        "to see it closer."
    )
