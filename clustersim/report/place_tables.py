"""The tables of a place as titles and rows of text."""

from __future__ import annotations

from typing import Any

from clustersim.report.words import number, percent

BLOCKS = {
    "scale_up": "same scale-up domain",
    "leaf": "same leaf",
    "pod": "same pod",
    "site": "same site",
    "sites": "between sites",
}
"""Where two accelerators are, in words."""
WAYS = {
    "same_rail": "same leaf (same rail)",
    "inside_the_server": "other rail, server first",
    "over_the_spine": "other rail, over the spine",
}
"""How two accelerators of a group of rails reach each other, in words."""
OTHER_RAIL = (
    "other rail: of two servers whose cards hang on the same group of leaves, one per rail. Server first: the flow "
    "changes rails inside the sender's server (policy rail_local)."
)
"""What the rows of rails mean."""

Grid = tuple[tuple[str, ...], list[tuple[str, ...]]]
"""Titles and rows of a table."""


def latency_table(data: dict[str, Any]) -> Grid:
    """Return the delays as rows of text."""
    rows: list[tuple[str, ...]] = [
        (
            f"{cell['a']}, {WAYS[cell['way']] if cell['way'] else BLOCKS[cell['block']]}"
            if cell["a"] == cell["b"]
            else f"{cell['a']} - {cell['b']}",
            number(cell["switches"]),
            number(cell["switches_us"]),
            "in them" if cell["switches"] and cell["cables_in_switches"] else number(cell["cables_us"]),
            number(cell["fibre_us"]),
            number(cell["total_us"]),
        )
        for cell in data["latency"]
    ]
    return ("", "switches", "in them [us]", "cables [us]", "fibre [us]", "total [us]"), rows


def cable_table(data: dict[str, Any]) -> Grid:
    """Return the lengths of the cables as rows of text."""
    rows = [
        (
            cable["site"],
            cable["links"],
            number(cable["count"]),
            *(number(cable[key]) for key in ("shortest_m", "median_m", "p95_m", "longest_m", "total_km", "reach_m")),
            percent(cable["beyond_reach_share"]),
        )
        for cable in data["cables"]
    ]
    head = ("site", "links", "count", "min [m]", "median", "95 %", "max", "all [km]", "reach [m]", "beyond")
    return head, rows


def bill_table(data: dict[str, Any]) -> Grid:
    """Return the bill of materials as rows of text."""
    rows: list[tuple[str, ...]] = [
        (
            b["item"], b["part"] or "-", b["place"], number(b["count"]), number(b["watts_typical"]),
            number(b["usd"]), number(b["total_km"]),
        )
        for b in data["bill"]
    ]  # fmt: skip
    return ("item", "part", "place", "count", "W each", "USD each", "km"), rows


def fibre_table(data: dict[str, Any]) -> Grid:
    """Return what fibre costs as rows of text, in million dollars."""
    rows = [
        (
            f"{row['a']} - {row['b']}",
            number(row["length_km"]),
            number(row["underground_usd_per_km"]),
            *(
                f"{number(row[key] / 1e6)} ({number(row[f'{key}_low'] / 1e6)}-{number(row[f'{key}_high'] / 1e6)})"
                for key in ("underground_usd", "aerial_usd", "lease_usd_per_year")
            ),
            number(row["amplifier_huts"]),
        )
        for row in data["fibre_routes"]
    ]
    head = ("route", "km", "USD/km", "buried [M USD]", "on poles [M USD]", "lease [M USD/yr]", "huts")
    return head, rows
