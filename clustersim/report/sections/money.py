"""What a place and its tokens cost."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from clustersim.report import charts
from clustersim.report.sections.records import Figure, Section, Table, cards
from clustersim.report.style import SERIES, styled
from clustersim.report.words import dollars, number
from clustersim.study.result import Result


def money_section(result: Result) -> Section:
    """Return cost by item, and the bill of materials of the network."""
    s = result.summary
    keys = (
        ("capex_usd", "to build"),
        ("energy_usd", "energy over the horizon"),
        ("usd_per_million_tokens", "a million tokens"),
        ("tco_usd_per_gpu_hour", "an accelerator hour, owned"),
        ("capex_usd_per_mw", "to build a megawatt"),
        ("tco_years_usd", "over the years that are looked at"),
    )
    items = [
        (
            str(c["group"]), str(c["item"]), number(c["quantity"]), str(c["unit"]), number(c["unit_usd"]),
            dollars(c["usd"]), "yes" if c["assumed"] else "", str(c["source"]),
        )
        for c in result.cost.to_dict("records")
    ]  # fmt: skip
    bill = [
        (
            str(b["place"]),
            str(b["item"]),
            str(b["part"]),
            number(b["count"]),
            number(b["watts_typical"]),
            number(b["usd"]),
        )
        for b in result.bill.to_dict("records")
    ]
    return Section(
        "money",
        "What it costs",
        cards=[*cards(s, keys), ("to own, per hour", dollars(s["tco_usd_per_h"]), False)],
        figures=[Figure("To build", charts.costs(result.cost)), *_paid(result.cash_flow)],
        tables=[
            Table(
                "Cost", ("group", "item", "quantity", "unit", "USD each", "sum", "assumed", "source"), items, (2, 4, 5)
            ),
            Table(
                "Bill of materials of the network",
                ("place", "item", "part", "count", "W each", "USD each"),
                bill,
                (3, 4, 5),
            ),
        ],
    )


def _paid(cash_flow: pd.DataFrame) -> list[Figure]:
    """Return what is paid when; nothing of runs that did not keep it."""
    if cash_flow.empty:
        return []
    figure = go.Figure()
    for (group, part), colour in zip(cash_flow.groupby("group", sort=False), SERIES, strict=False):
        by_year = part.groupby("year")["usd"].sum() / 1e6
        figure.add_trace(
            go.Bar(x=by_year.index.to_numpy(), y=by_year.to_numpy(), name=str(group), marker={"color": colour})
        )
    styled(figure, "year (0: the start)", "paid [million USD]")
    figure.update_layout(barmode="relative", legend={"traceorder": "normal"})
    worth = dollars(float(cash_flow["present_usd"].sum()))
    return [Figure("Paid by year", figure, f"Worth {worth} at the start, at the scenario's cost of capital.")]
