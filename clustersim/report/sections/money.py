"""What a place and its tokens cost."""

from __future__ import annotations

from clustersim.report import charts
from clustersim.report.sections.records import Figure, Section, Table, cards
from clustersim.report.words import dollars, number
from clustersim.study.result import Result


def money_section(result: Result) -> Section:
    """Return cost by item, and the bill of materials of the network."""
    s = result.summary
    keys = (
        ("capex_usd", "to build"),
        ("energy_usd", "energy over the horizon"),
        ("usd_per_million_tokens", "a million tokens"),
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
        figures=[Figure("To build", charts.costs(result.cost))],
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
