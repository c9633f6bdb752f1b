"""Figures and tables of what a sizing found, from the object that ``clustersim size --json`` prints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import plotly.graph_objects as go
import yaml

from clustersim.report.style import BLUE, GREEN, ORANGE, styled
from clustersim.report.verdict import verdict_word
from clustersim.report.words import dollars, number, percent

Data = Mapping[str, Any]


def front_figure(data: Data) -> go.Figure:
    """Return what designs that keep the rules cost to build and a year; the least-cost one is the star."""
    points = list(data["front"])
    figure = go.Figure(
        go.Scatter(
            x=[one["capex_usd"] / 1e6 for one in points], y=[one["usd_per_year"] / 1e6 for one in points],
            mode="markers", name="on the front", marker={"color": BLUE, "size": 10},
            customdata=[_hover(one) for one in points], hovertemplate="%{customdata}<extra></extra>",
        )
    )  # fmt: skip
    for key, name, symbol, colour in (("winner", "least cost", "star", GREEN), ("nearest", "nearest", "x", ORANGE)):
        one = data.get(key)
        if one is not None and (key == "winner" or data["winner"] is None):
            figure.add_trace(
                go.Scatter(
                    x=[one["capex_usd"] / 1e6], y=[one["usd_per_year"] / 1e6], mode="markers", name=name,
                    marker={"color": colour, "size": 16, "symbol": symbol}, customdata=[_hover(one)],
                    hovertemplate="%{customdata}<extra></extra>",
                )
            )  # fmt: skip
    return styled(figure, "to build [million USD]", "a year [million USD]", 340)


def margin_figure(data: Data) -> go.Figure:
    """Return the least margin of each design of the front against what it costs a year."""
    points = [(one, worst_margin(one)) for one in data["front"]]
    known = [(one, margin) for one, margin in points if margin is not None]
    figure = go.Figure(
        go.Scatter(
            x=[one["usd_per_year"] / 1e6 for one, _ in known], y=[100.0 * margin for _, margin in known],
            mode="markers", marker={"color": BLUE, "size": 10}, customdata=[_hover(one) for one, _ in known],
            hovertemplate="%{customdata}<br>least margin %{y:+.3g} %<extra></extra>", showlegend=False,
        )
    )  # fmt: skip
    figure.add_hline(y=0.0, line={"color": ORANGE, "dash": "dash", "width": 1.2})
    return styled(figure, "a year [million USD]", "least margin of its rules [%]", 340)


def worst_margin(judged: Data) -> float | None:
    """Return the least margin of a design over the rules that were judged; None where none was."""
    return min((row["margin"] for row in judged["rows"] if row["margin"] is not None), default=None)


def _hover(one: Data) -> str:
    return f"{one['text']}<br>{cost_words(one)}"


def cost_words(one: Data) -> str:
    """Return what a design costs in a line."""
    return (
        f"{dollars(one['capex_usd'])} to build, {number(one['energy_mwh_per_year'])} MWh a year, "
        f"{percent(one['throughput_loss'])} of the work: {dollars(one['usd_per_year'])} a year"
    )


def rules_table(rows: Sequence[Data]) -> pd.DataFrame:
    """Return what a design measures against each rule."""
    return pd.DataFrame(
        [
            {
                "verdict": verdict_word(row["passed"]),
                "rule": row["rule"],
                "where": row["node"],
                "measured": f"{number(row['measured'])} {row['unit']}",
                "limit": f"{number(row['limit'])} {row['unit']}",
                "margin [%]": None if row["margin"] is None else 100.0 * row["margin"],
                "window": row["window"],
            }
            for row in rows
        ]
    )


def front_table(data: Data) -> pd.DataFrame:
    """Return the front by capital."""
    return pd.DataFrame(
        [
            {
                "to build": dollars(one["capex_usd"]),
                "MWh a year": number(one["energy_mwh_per_year"]),
                "lost work": percent(one["throughput_loss"]),
                "a year": dollars(one["usd_per_year"]),
                "design": one["text"],
            }
            for one in data["front"]
        ]
    )


def proof_table(data: Data) -> pd.DataFrame:
    """Return the whole runs of the winner, and those of one notch less, which must fail."""
    rows = [("the winner", one["name"], one["passes"], one["worst"], one["note"]) for one in data["checks"]]
    rows += [
        ("one notch less", one["what"], one["passes"], one["fails"], "" if one["sold"] else "no less is sold")
        for one in data["neighbours"]
    ]
    return pd.DataFrame(
        [
            {
                "run": run,
                "what": what,
                "verdict": "PASS" if passes else "FAIL" if worst is not None else "-",
                "decided by": "-" if worst is None else f"{worst['rule']} at {worst['node']}",
                "margin [%]": None if worst is None or worst["margin"] is None else 100.0 * worst["margin"],
                "note": note,
            }
            for run, what, passes, worst, note in rows
        ]
    )


def apart_table(data: Data) -> pd.DataFrame:
    """Return rules that no design meets: those that damping does not move, and those that it moves but not enough."""
    groups = (("not a matter of damping: left out", "not_a_matter_of_damping"), ("not met by the strongest", "not_met"))
    return pd.DataFrame(
        [
            {
                "why": why,
                "rule": one["row"]["rule"],
                "where": one["row"]["node"],
                "without anything": f"{number(one['row']['measured'])} {one['row']['unit']}",
                "limit": f"{number(one['row']['limit'])} {one['row']['unit']}",
                "best margin [%]": None if one["best_margin"] is None else 100.0 * one["best_margin"],
            }
            for why, key in groups
            for one in data[key]
        ]
    )


def not_judged_table(data: Data) -> pd.DataFrame:
    """Return the rules that could not be judged, and why."""
    rows = data["not_judged"]
    return pd.DataFrame([{"rule": row["rule"], "where": row["node"], "why": row["reason"]} for row in rows])


def bill_table(data: Data) -> pd.DataFrame:
    """Return what the winner is made of and costs to build."""
    return pd.DataFrame(
        [
            {
                "item": one["item"],
                "quantity": f"{number(one['quantity'])} {one['unit']}",
                "price": f"{number(one['unit_usd'])} USD" + (" (assumed)" if one["assumed"] else ""),
                "to build": dollars(one["usd"]),
                "a year": dollars(one["usd_per_year"]),
                "source": one["source"],
            }
            for one in data["bill"]
        ]
    )


def winner_settings(files: Mapping[str, str]) -> dict[str, Any]:
    """Return what ``winner.yaml`` changes of its base, as settings of a scenario; none where there is no winner."""
    if "winner.yaml" not in files:
        return {}
    tree = yaml.safe_load(files["winner.yaml"])
    return {"damping": tree["damping"], **tree["set"]}
