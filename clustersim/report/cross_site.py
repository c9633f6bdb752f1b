"""Traffic between sites, and the table of training across sites, as text and as data."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import Any

from clustersim.fabric.fibre_cost import Dollars, FibreCost, total_dollars
from clustersim.report.predicted_tables import HEAD, by_group, markdown_table
from clustersim.report.words import columns, dollars, number, percent, wrapped
from clustersim.study.several_sites.cross_site import BetweenSites, Cut, Way
from clustersim.study.tables.multisite_table import MultisiteValidation, points_by

NAMES = {
    "synchronous": "synchronous all-reduce",
    "diloco": "DiLoCo",
    "streaming_diloco": "streaming DiLoCo",
    "overlapped_outer": "DiLoCo, eager",
}
SHOWN_CUTS = 3
"""Cuts that are told in words; the JSON has all."""


def _gbit_s(rate: float) -> float | None:
    return 8e-9 * rate if math.isfinite(rate) else None


def _rate(rate: float) -> str:
    """Return a rate in bits with a sensible magnitude."""
    if not math.isfinite(rate):
        return "none"
    for size, unit in ((1e15, "Pbit/s"), (1e12, "Tbit/s"), (1e9, "Gbit/s")):
        if 8.0 * rate >= size:
            return f"{number(8.0 * rate / size)} {unit}"
    return f"{number(8e-6 * rate)} Mbit/s"


def _milliseconds(seconds: float | None) -> str:
    return "-" if seconds is None else f"{number(1e3 * seconds)} ms"


def _band(amount: Dollars) -> dict[str, float]:
    return asdict(amount)


def _way_data(way: Way) -> dict[str, Any]:
    return {
        "method": way.sync.method,
        "period_steps": way.sync.period,
        "bits": way.sync.bits,
        "fragments": way.sync.fragments,
        "overlap_steps": way.sync.delay,
        "mean_gbit_s": _gbit_s(way.mean_rate),
        "peak_gbit_s": _gbit_s(way.peak_rate),
        "needed_gbit_s": _gbit_s(way.needed),
        "exposed_s": way.exposed_s,
        "compute_utilisation": way.utilisation,
        "published_loss_change_percent": None if way.loss_change is None else 100.0 * way.loss_change,
    }


def _cut_data(cut: Cut) -> dict[str, Any]:
    return {
        "route": [cut.a, cut.b],
        "lost_share": cut.lost,
        "parted": [list(group) for group in cut.parted],
        "path": list(cut.path),
        "one_way_s": cut.one_way_s,
        "bandwidth_gbit_s": _gbit_s(cut.bandwidth),
        "second_way": cut.second_way,
        "exposed_s": cut.exposed_s,
        "step_s": cut.step_s,
    }


def _cost_data(cost: FibreCost) -> dict[str, Any]:
    return {
        "route": [cost.route.a, cost.route.b],
        "length_km": cost.length / 1e3,
        "fibre_pairs": cost.route.fibre_pairs,
        "capacity_gbit_s": _gbit_s(cost.route.capacity),
        "amplifier_huts": cost.huts,
        "regeneration_sites": sum(way.regeneration_sites for way in cost.route.ways),
        "underground_usd": _band(cost.underground),
        "aerial_usd": _band(cost.aerial),
        "transceivers_usd": _band(cost.transceivers),
        "lease_usd_per_year": _band(cost.lease),
        "usd_per_km": _band(cost.usd_per_km),
        "built_usd_per_gbit_s_year": _band(cost.built_per_gbit_s_year),
        "leased_usd_per_gbit_s_year": _band(cost.leased_per_gbit_s_year),
    }


def between_sites_data(found: BetweenSites) -> dict[str, Any]:
    """Return the traffic between sites as plain data for JSON; rates are those of one site in one direction."""
    return {
        "sites": found.job.sites,
        "parameters": found.job.parameters,
        "latency_s": found.job.latency_s,
        "bandwidth_gbit_s": _gbit_s(found.bandwidth),
        "exchange_s": found.exchange_s,
        "exposed_s": found.exposed_s,
        "hidden_from_compute_utilisation": found.hidden_share,
        "ways": [_way_data(way) for way in found.ways],
        "cuts": [_cut_data(cut) for cut in found.cuts],
        "costs": [_cost_data(cost) for cost in found.costs],
    }


def _way_row(way: Way) -> tuple[str, ...]:
    period = "1" if way.sync.method == "synchronous" else f"{way.sync.period:.0f}"
    loss = "-" if way.loss_change is None else f"{100.0 * way.loss_change:+.1f} %"
    return (
        NAMES[way.sync.method],
        period,
        f"{way.sync.bits:.0f}",
        _rate(way.mean_rate),
        _rate(way.peak_rate),
        _rate(way.needed),
        _milliseconds(way.exposed_s),
        "0" if way.sync.method == "synchronous" else loss,
    )


def _cut_words(cut: Cut, step_s: float) -> str:
    what = "cut" if cut.lost == 1.0 else f"{percent(cut.lost)} of the pairs lost"
    head = f"{cut.a} - {cut.b} {what}: "
    if cut.parted or cut.step_s is None or cut.one_way_s is None:
        apart = " | ".join(", ".join(group) for group in cut.parted)
        return f"{head}sites parted ({apart}): a synchronous job stops; under DiLoCo each part trains on by itself"
    way = f"by way of {', '.join(cut.path[1:-1])}, " if len(cut.path) > 2 else ""
    way = "over its second way, " if cut.second_way and not way else way
    slower = 100.0 * (cut.step_s / step_s - 1.0)
    return (
        f"{head}{way}{number(1e6 * cut.one_way_s)} us one way, {_rate(cut.bandwidth)} per site; the step waits "
        f"{_milliseconds(cut.exposed_s)} and takes {number(cut.step_s)} s ({slower:+.1f} %)"
    )


def _money(amount: Dollars) -> str:
    return f"{dollars(amount.value)} ({dollars(amount.low)} to {dollars(amount.high)})"


def _plain(amount: Dollars) -> str:
    return f"{number(amount.value)} ({number(amount.low)} to {number(amount.high)})"


def _cost_lines(costs: tuple[FibreCost, ...]) -> list[str]:
    rows = [
        (
            f"{cost.route.a} - {cost.route.b}",
            number(cost.length / 1e3),
            number(cost.underground.value / 1e6),
            number(cost.transceivers.value / 1e6),
            number(cost.usd_per_km.value / 1e3),
            _plain(cost.built_per_gbit_s_year),
            _plain(cost.leased_per_gbit_s_year),
        )
        for cost in costs
    ]
    head = ("route", "km", "dig MUSD", "optics MUSD", "kUSD/km", "built USD/Gbit/s/yr", "leased USD/Gbit/s/yr")
    huts = sum(cost.huts for cost in costs)
    total = total_dollars(cost.underground + cost.transceivers for cost in costs)
    note = f"built under ground with transceivers: {_money(total)}. Aerial, and the bands, are in the JSON."
    note += " A lease is priced for the route; its high end takes that price for each pair."
    if huts:
        note += f" {huts} amplifier huts are not in it: nobody published their price."
    return [columns(head, rows, widest=30), wrapped(note)]


def between_sites_text(found: BetweenSites) -> str:
    """Return the traffic between sites in words."""
    job = found.job
    has = (
        f"{job.sites} sites exchange {number(job.parameters / 1e9)} billion parameters; each has "
        f"{_rate(found.bandwidth)} to the others and is {number(1e6 * job.latency_s)} us away. The step above "
        f"exchanges for {_milliseconds(found.exchange_s)}; its schedule leaves {_milliseconds(found.exposed_s)} "
        f"({percent(found.exposed_s / found.step_s)} of the step) exposed."
    )
    head = ("kept together by", "every", "bits", "mean", "peak", "hidden from", "waits", "loss")
    streaming = max(found.ways, key=lambda way: way.sync.fragments).sync
    note = (
        "every so many steps; rates of one site, one direction; hidden: layer by layer behind one backward, at "
        f"{percent(found.hidden_share)} compute utilisation; streaming: {streaming.fragments} fragments per stage, "
        f"{streaming.delay:g} step(s) of overlap; waits: per step, with the "
        "fibre there is; loss: published change at equal tokens (1B, two replicas), no part of any time here"
    )
    lines = ["  between sites", wrapped(has, "    "), "", columns(head, map(_way_row, found.ways)), wrapped(note), ""]
    lines += ["  when fibre is lost (worst first)"]
    lines += [wrapped(_cut_words(cut, found.step_s), "    ", "      ") for cut in found.cuts[:SHOWN_CUTS]]
    if len(found.cuts) > SHOWN_CUTS:
        lines.append(f"    {len(found.cuts) - SHOWN_CUTS} more, none worse, in --json")
    return "\n".join([*lines, "", "  what the fibre costs", *_cost_lines(found.costs)])


def multisite_data(found: MultisiteValidation) -> dict[str, Any]:
    """Return the predicted table of training across sites as plain data for JSON."""
    kept = (
        "row_id", "predicted", "measured", "error_percent", "metric", "unit", "utilisation", "utilisation_points",
        "grid_points", "scored_points", "assumed",
    )  # fmt: skip
    table = found.rows.astype(object).where(found.rows.notna(), None)
    points = points_by(found, "use")
    return {
        "overall": {
            **asdict(found.overall),
            "points_rows": sum(line[1] for line in points),
            "points_within_5": sum(line[2] for line in points),
            "points_within_5_over_grid_step": sum(line[3] for line in points),
        },
        "groups": {by: {name: asdict(s) for name, s in groups.items()} for by, groups in found.groups.items()},
        "rows": [{name: row[name] for name in kept} for row in table.to_dict("records")],
        "not_modelled": [
            {"row_id": refusal.row_id, "reason": refusal.reason, "wrong": refusal.wrong} for refusal in found.refused
        ],
    }


POINTS_HEAD = ("", "rows", "within 5", "over the grid step", "worst")
POINTS = (
    "points of compute utilisation: of an efficiency, predicted - published; of a bandwidth, at that bandwidth, from "
    "0.5 Gbit/s; over the grid step: anywhere from the published bandwidth to the next of its grid"
)


def _points(found: MultisiteValidation) -> list[tuple[str, ...]]:
    return [
        (name, str(rows), str(met), str(grid), f"{worst:.1f}")
        for by in ("use", "method")
        for name, rows, met, grid, worst in points_by(found, by)
    ]


def multisite_text(found: MultisiteValidation) -> str:
    """Return rows, statistics and what is not modelled, for a terminal."""
    rows = [
        (r["row_id"], r["method"], number(r["predicted"]), number(r["measured"]), r["unit"],
         f"{r['error_percent']:+.1f}", f"{r['utilisation_points']:+.1f}" if r["scored_points"] else "", r["metric"])
        for r in found.rows.to_dict("records")
    ]  # fmt: skip
    head = ("row", "method", "predicted", "published", "unit", "error %", "points", "metric")
    lines = [line for _, group in by_group(found) for line in (*group, ("",) * len(HEAD))]
    parts = [
        "ROWS\n" + columns(head, rows, left=2, widest=26),
        "ERRORS (error = 100 (predicted / published - 1))\n" + columns(HEAD, lines[:-1], widest=44),
        f"POINTS\n{wrapped(POINTS, '  ', '  ')}\n" + columns(POINTS_HEAD, _points(found), widest=44),
    ]
    if found.refused:
        left = "\n".join(f"  {refusal.row_id}: {refusal.reason}" for refusal in found.refused)
        parts.append(f"NOT MODELLED, {len(found.refused)} rows\n{left}")
    return "\n\n".join(parts)


def multisite_markdown(found: MultisiteValidation) -> str:
    """Return the statistics and what is not modelled as tables of Markdown."""
    parts = []
    for by, rows in by_group(found):
        lines = [f"| {' | '.join(HEAD)} |", f"|{'---|' * len(HEAD)}", *(f"| {' | '.join(row)} |" for row in rows)]
        parts.append(f"## {'All rows' if by == 'all' else f'By {by}'}\n\n" + "\n".join(lines))
    parts.append(f"## Points\n\n{POINTS}.\n\n{markdown_table(POINTS_HEAD, _points(found))}")
    left = ["| row | reason |", "|---|---|", *(f"| {one.row_id} | {one.reason} |" for one in found.refused)]
    return "\n\n".join([*parts, "## Not modelled\n\n" + "\n".join(left)]) + "\n"
