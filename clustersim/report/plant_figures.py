"""Figures of the plant's answer and of its cooling: pure functions from records to plotly figures, drawn as SVG."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray
from plotly.subplots import make_subplots

from clustersim.limits import Rule
from clustersim.limits.definitions import ROCOF_S
from clustersim.limits.island import NO_VOLTAGE, nominal_hz
from clustersim.plant.records import PlantResponse
from clustersim.report.envelope import envelope, samples_between
from clustersim.report.evidence import rules_of_run
from clustersim.report.style import BLUE, GREEN, GREY, INK, ORANGE, PURPLE, RED, SERIES, styled
from clustersim.study.result import Result
from clustersim.summary_keys import summary_keys

MW = 1e6
DASHES = ("solid", "dot", "dash", "dashdot")
"""Of load, grid, generators and battery where the colour tells the site."""
Array = NDArray[np.float64]


@dataclass(frozen=True)
class Level:
    """A limit that is a level of frequency, voltage or RoCoF."""

    row: str
    value: float
    text: str


def levels_of(rules: Sequence[Rule], mode: str, nominal_hz: float | None = None) -> list[Level]:
    """Return the rules that draw a line beside frequency, RoCoF or voltage in a mode of supply.

    Limits that lie far from the nominal frequency of the site are meant for other systems, and are not drawn.
    """
    found = []
    for rule in rules:
        if rule.measure in ("min_frequency", "max_frequency") and (rule.mode or "island") in (mode, "any"):
            if nominal_hz is None or abs(rule.limit_si / nominal_hz - 1.0) < 0.1:
                found.append(Level("frequency", rule.limit_si, rule.id))
        elif rule.measure == "rocof" and (rule.mode or "island") in (mode, "any"):
            found += [Level("rocof", sign * rule.limit_si, rule.id) for sign in (1.0, -1.0)]
        elif rule.measure in ("min_voltage", "max_voltage") and (rule.mode or "grid_parallel") in (mode, "any"):
            found.append(Level("voltage", rule.limit_si, rule.id))
    return found


def rocof(frequency_hz: Array, dt_s: float) -> Array:
    """Return the change of frequency over 500 ms, over that time; the first value is that after 500 ms. [Hz/s]"""
    lag = _lag(frequency_hz.size, dt_s)
    return np.asarray((frequency_hz[lag:] - frequency_hz[:-lag]) / (lag * dt_s), dtype=np.float64)


def _lag(samples: int, dt_s: float) -> int:
    """Return the samples over which RoCoF is told; a shorter record has fewer."""
    return min(max(1, round(ROCOF_S / dt_s)), max(1, samples - 1))


ROWS = (
    ("frequency", "frequency [Hz]", 0.22),
    ("rocof", "RoCoF [Hz/s]", 0.14),
    ("voltage", "voltage [pu]", 0.16),
    ("power", "power [MW]", 0.32),
    ("charge", "charge [%]", 0.16),
)
"""Row -> title of its axis, share of the height."""


def course(
    responses: Sequence[PlantResponse],
    levels: Sequence[Level] = (),
    t0_s: float | None = None,
    t1_s: float | None = None,
) -> go.Figure:
    """Return frequency, RoCoF, voltage, sources and charge of sites over one time axis, or over a part of it.

    Parameters
    ----------
    responses : sequence of PlantResponse
        Of one window and one mode of supply, a site each; every site has its colour where there are several.
    levels : sequence of Level
        Limits, drawn where they lie near what is shown.
    t0_s, t1_s : float, optional
        From the beginning of the window.
    """
    # nothing is stored at a place without a battery, which is not a battery without charge
    stored = any(np.any(one.state_of_charge) for one in responses)
    rows = [row for row in ROWS if stored or row[0] != "charge"]
    figure = make_subplots(
        rows=len(rows), cols=1, shared_xaxes=True, vertical_spacing=0.035, row_heights=[height for *_, height in rows]
    )
    spans: dict[str, tuple[float, float]] = {}
    for number, response in enumerate(responses):
        colour = SERIES[number % len(SERIES)] if len(responses) > 1 else BLUE
        prefix = f"{response.site}, " if len(responses) > 1 else ""
        first, last = _span(response, t0_s, t1_s)
        for row, (name, title, _) in enumerate(rows, 1):
            for label, values, tone, dash in _series(response, name, colour, several=len(responses) > 1):
                # RoCoF stands where its 500 ms end, as a relay tells it: no sooner than what it answers
                behind = response.frequency_hz.size - values.size
                begin = max(first, behind)
                part = values[begin - behind : max(last - behind, 0)]
                if not part.size:
                    continue
                low, high = spans.get(name, (float("inf"), float("-inf")))
                spans[name] = (min(low, float(part.min())), max(high, float(part.max())))
                shown = envelope(begin * response.dt_s, response.dt_s, part)
                unit = title.rsplit("[", 1)[1].rstrip("]")
                figure.add_trace(
                    go.Scatter(
                        x=np.round(shown.x, 6), y=shown.y, mode="lines", name=f"{prefix}{label}",
                        showlegend=name == "power", line={"color": tone, "width": 1.2, "dash": dash},
                        hovertemplate=f"%{{x:.3f}} s<br>%{{y:.6g}} {unit}<extra>{prefix}{label}</extra>",
                    ),
                    row=row, col=1,
                )  # fmt: skip
    styled(figure, "", "", 760).update_layout(margin={"l": 98, "t": 58})
    _draw_levels(figure, levels, spans)
    for row, (name, *_) in enumerate(rows, 1):
        low, high = spans.get(name, (0.0, 1.0))
        if low == high and low:
            # a flat line gets a narrow axis in place of one from zero
            figure.update_yaxes(range=[low * (1.0 - FLAT), low * (1.0 + FLAT)], row=row, col=1)
    for row, (name, title, _) in enumerate(rows, 1):
        figure.update_yaxes(title={"text": title, "font": {"size": 12}}, row=row, col=1)
        figure.update_yaxes(tickformat=".9~g" if name == "frequency" else ".5~g", row=row, col=1)
    return figure.update_xaxes(title_text="time in the window [s]", row=len(rows), col=1)


def _span(response: PlantResponse, t0_s: float | None, t1_s: float | None) -> tuple[int, int]:
    return samples_between(response.load_w.size, response.dt_s, t0_s, t1_s, of_points=True)


def _series(
    response: PlantResponse, row: str, colour: str, several: bool
) -> list[tuple[str, Array, str, str]]:  # fmt: skip
    if row == "frequency":
        return [("frequency", response.frequency_hz, colour, "solid")]
    if row == "rocof":
        return [("RoCoF over 500 ms", rocof(response.frequency_hz, response.dt_s), colour, "solid")]
    if row == "voltage":
        return [("voltage", response.voltage_pu, colour, "solid")]
    if row == "charge":
        return [("charge", 100.0 * response.state_of_charge, colour if several else PURPLE, "solid")]
    sources = (
        ("load", response.load_w, INK), ("grid", response.grid_w, BLUE),
        ("generators", response.generator_w, GREEN), ("battery", response.battery_w, PURPLE),
    )  # fmt: skip
    return [
        (name, watts / MW, colour if several else tone, dash if several else "solid")
        for (name, watts, tone), dash in zip(sources, DASHES, strict=True)
        if np.any(watts)
    ]


FLAT = 0.02
"""Half of what the axis of a record that never changes spans, over its value. [-]"""
NEAR = 2.0
"""A limit is drawn within this many times what the record spans, beyond it. [-]"""


def _draw_levels(figure: go.Figure, levels: Sequence[Level], spans: Mapping[str, tuple[float, float]]) -> None:
    names = [name for name, *_ in ROWS]
    # lines of one value are one line
    alike: dict[tuple[str, float], list[str]] = {}
    for level in levels:
        alike.setdefault((level.row, level.value), []).append(level.text)
    for (row, value), texts in alike.items():
        if row not in spans:
            continue
        low, high = spans[row]
        room = NEAR * max(high - low, 1e-3 * max(abs(high), abs(low)))
        if not low - room <= value <= high + room:
            continue
        figure.add_hline(
            y=value, row=names.index(row) + 1, col=1, line={"color": RED, "width": 1.2, "dash": "dash"},
            annotation={"text": ", ".join(texts), "font": {"size": 11, "color": "#B3440A"}},
            annotation_position="top left" if value >= high else "bottom left",
        )  # fmt: skip


HEAT_KEYS = (
    ("cooling_heat_mw", "heat", ORANGE),
    ("cooling_capacity_mw", "capacity", BLUE),
    ("cooling_capacity_worst_hour_mw", "capacity, worst hour of a year", GREY),
)


def heat_bars(summary: Mapping[str, Any]) -> go.Figure:
    """Return the heat of a run beside what its cooling can reject; the band is that of the catalog's figures."""
    known = [(key, label, tone) for key, label, tone in HEAT_KEYS if summary.get(key) is not None]
    low, high = summary.get("cooling_capacity_low_mw"), summary.get("cooling_capacity_high_mw")
    plus = [high - summary[key] if key == "cooling_capacity_mw" and high is not None else 0.0 for key, *_ in known]
    minus = [summary[key] - low if key == "cooling_capacity_mw" and low is not None else 0.0 for key, *_ in known]
    figure = go.Figure(
        go.Bar(
            x=[summary[key] for key, *_ in known], y=[label for _, label, _ in known], orientation="h",
            marker={"color": [tone for *_, tone in known]}, width=0.55,
            error_x={"type": "data", "array": plus, "arrayminus": minus, "color": INK, "thickness": 1.4},
            customdata=[f"{summary[key]:.4g} {summary_keys()[key].unit}" for key, *_ in known],
            hovertemplate="%{y}: %{customdata}<extra></extra>",
        )
    )  # fmt: skip
    styled(figure, "heat [MW]", "", 90 + 44 * len(known), [label for _, label, _ in known])
    return figure.update_yaxes(autorange="reversed")


def group_loading(responses: Sequence[PlantResponse], labels: Sequence[str], t0_s: float | None = None,
                  t1_s: float | None = None) -> go.Figure | None:  # fmt: skip
    """Return the output of each group of generators of an island over a window; None where there is no group."""
    figure, number = go.Figure(), 0
    for response in responses:
        first, last = _span(response, t0_s, t1_s)
        for watts in response.group_w:
            shown = envelope(first * response.dt_s, response.dt_s, watts[first:last] / MW)
            label = labels[number] if number < len(labels) else f"{response.site}, group {number + 1}"
            figure.add_trace(
                go.Scatter(
                    x=np.round(shown.x, 6), y=shown.y, mode="lines", name=label,
                    line={"color": SERIES[number % len(SERIES)], "width": 1.2},
                    hovertemplate=f"%{{x:.3f}} s<br>%{{y:.4g}} MW<extra>{label}</extra>",
                )
            )  # fmt: skip
            number += 1
    return styled(figure, "time in the window [s]", "output [MW]", 280) if number else None


def notes_of(responses: Sequence[PlantResponse]) -> list[str]:
    """Return what must be known of responses: their warnings, and whether an island's voltage was simulated."""
    found = [text for one in responses for text in one.warnings]
    if any(one.mode == "island" and np.ptp(one.voltage_pu) == 0.0 for one in responses):
        found.append(NO_VOLTAGE)
    return list(dict.fromkeys(found))


def smoothing_note(result: Result) -> str:
    """Return what of a battery that smooths the load these figures do not show; empty where there is none."""
    if all(strategy["kind"] != "site_battery" for strategy in result.scenario["damping"]):
        return ""
    return (
        "The battery that smooths the load has done so before: its power is on the Power page, as the battery of the "
        "site. The power of the battery on this page is what it does beyond that, to answer frequency; the charge is "
        "that of both."
    )


def levels_of_run(result: Result, responses: Sequence[PlantResponse]) -> list[Level]:
    """Return the limits of a run's own rules that draw a line beside responses of one mode of supply."""
    nominal = nominal_hz(responses[0])
    return levels_of(list(rules_of_run(result).values()), responses[0].mode, nominal)
