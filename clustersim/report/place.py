"""A place and the catalog as text and data."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import pandas as pd

from clustersim.fabric import BillItem, SiteFabric, bill_totals
from clustersim.fabric.bill import WAY_LABELS
from clustersim.fabric.failure_domains import MANY_PARTS
from clustersim.report.electrical_text import trees_data, trees_text
from clustersim.report.place_cooling import cooling_data, cooling_text
from clustersim.report.place_queries import domain_rows, how_to_read, outage_data
from clustersim.report.place_tables import OTHER_RAIL, bill_table, cable_table, fibre_table, latency_table
from clustersim.report.words import columns, counted, dollars, number, wrapped
from clustersim.study.places.place import Place
from clustersim.study.places.survey import PlaceSurvey
from clustersim.study.site.electrical import nameplate_trees


def site_counts(tree: SiteFabric) -> dict[str, int]:
    """Return what the fabric of a site consists of."""
    counts = {"scale_up_domains": tree.scale_up_domains, "pods": -(-tree.site.endpoints // tree.endpoints_per_pod)}
    counts |= {f"{tier.name}_switches": tier.count for tier in tree.switch_tiers}
    return counts | {f"{tier.name.replace('-', '_')}_links": tier.count for tier in tree.link_tiers}


def _money(bill: Iterable[BillItem], accelerators: int) -> dict[str, float]:
    """Return dollars and watts of a bill, in all and for each accelerator."""
    totals = bill_totals(bill)
    return {
        "network_typical_mw": totals.watts_typical / 1e6,
        "network_maximum_mw": totals.watts_maximum / 1e6,
        "network_usd": totals.usd,
        "network_usd_per_accelerator": totals.usd / accelerators,
        "network_watts_per_accelerator": totals.watts_typical / accelerators,
    }


def _site_data(place: Place, tree: SiteFabric) -> dict[str, Any]:
    name, bill = tree.site.name, place.bill
    return {
        "accelerators": tree.site.endpoints,
        **site_counts(tree),
        "bisection_gbit_per_s": tree.bisection * 8e-9,
        "tier_bisection_gbit_per_s": {tier: cut * 8e-9 for tier, cut in tree.tier_bisection().items()},
        **_money([item for item in bill if item.place == name], tree.site.endpoints),
    }


def cable_data(survey: PlaceSurvey) -> list[dict[str, Any]]:
    """Return a row per site and kind of links: how long the cables are, and what the modules reach."""
    return [
        {
            "site": cable.site,
            "links": cable.run.tier.name,
            "count": cable.run.tier.count,
            "shortest_m": cable.run.quantile(0.0),
            "median_m": cable.run.quantile(0.5),
            "p95_m": cable.run.quantile(0.95),
            "longest_m": cable.run.quantile(1.0),
            "total_km": cable.run.total / 1e3,
            "modules": list(cable.modules),
            "reach_m": cable.reach,
            "beyond_reach_share": cable.beyond,
            # no source has a price of cables per metre
            "usd": None,
        }
        for cable in survey.cables
    ]


def latency_data(survey: PlaceSurvey) -> list[dict[str, Any]]:
    """Return the one-way delay between two accelerators of each block and each pair of sites.

    Key ``way``: in a group of rails as :func:`~clustersim.fabric.latency.rail_ways` has it, else None.
    """
    return [
        {
            "a": cell.a,
            "b": cell.b,
            "block": cell.block,
            "way": cell.way or None,
            "switches": cell.hops,
            # the delay of a scale-up network is not modelled
            "switches_us": cell.switches_s * 1e6 if cell.hops else None,
            "cables_us": cell.cables_s * 1e6 if cell.hops else None,
            "cables_in_switches": survey.place.fabric.spec.hop_latency_with_cables,
            "fibre_us": cell.fibre_s * 1e6 if cell.hops else None,
            "total_us": cell.total_s * 1e6 if cell.hops else None,
        }
        for cell in survey.latency
    ]


def fibre_data(survey: PlaceSurvey) -> list[dict[str, Any]]:
    """Return what the fibre of each route costs to build or to lease."""
    rows = []
    for cost in survey.fibre:
        row: dict[str, Any] = {
            "a": cost.route.a,
            "b": cost.route.b,
            "length_km": cost.length / 1e3,
            "fibre_pairs": cost.route.fibre_pairs,
            "channels": cost.route.channels,
            "amplifier_huts": cost.huts,
            "amplifiers_kw": cost.huts * survey.amplifier_watts / 1e3,
        }
        for kind, money in (("underground_usd", cost.underground), ("aerial_usd", cost.aerial)):
            row |= {kind: money.value, f"{kind}_low": money.low, f"{kind}_high": money.high}
            row[f"{kind}_per_km"] = money.value / cost.length * 1e3
        lease = cost.lease
        row |= {"lease_usd_per_year": lease.value, "lease_usd_per_year_low": lease.low}
        row |= {"lease_usd_per_year_high": lease.high}
        rows.append(row)
    return rows


def no_losses(survey: PlaceSurvey) -> str | None:
    """Return why there is no table of losses; None where there is one."""
    if survey.whole is not None:
        return None
    return (
        f"left out beyond {number(MANY_PARTS)} flows, since it takes long: --losses gives all, --without PART one "
        "of them"
    )


def place_counts(place: Place) -> dict[str, Any]:
    """Return what a place consists of, as far as no path has to be looked for: counts, money, power, bill, fibre."""
    return {
        "name": place.topology.name,
        "title": place.topology.title,
        "accelerators": place.accelerators,
        "left_out": list(place.topology.left_out),
        "sites": {tree.site.name: _site_data(place, tree) for tree in place.fabric.sites},
        "links_between_sites": [
            {
                "a": r.a,
                "b": r.b,
                "route_km": r.route_m / 1e3,
                "one_way_ms": r.one_way_s * 1e3,
                "gbit_per_s": r.capacity * 8e-9,
            }
            for r in place.fabric.wan
        ],
        "bill": [
            {
                "place": item.place, "item": item.item, "part": item.part, "count": item.count,
                "watts_typical": item.watts_typical, "watts_maximum": item.watts_maximum, "usd": item.usd,
                "total_km": None, "in_accelerators": item.in_accelerators,
            }
            for item in place.bill
        ],
        **_money(place.bill, place.accelerators),
    }  # fmt: skip


def place_data(survey: PlaceSurvey, size_bytes: float) -> dict[str, Any]:
    """Return everything about a place as plain data for JSON; `size_bytes` is that of the all-reduce [B]."""
    place = survey.place
    totals = bill_totals(place.bill)
    lengths = {(cable.site, f"cable {cable.run.tier.name}"): cable.run.total / 1e3 for cable in survey.cables}
    lengths |= {
        (f"{r.a} - {r.b}", f"{label} fibre pair"): way.fibre_pairs * way.route_m / 1e3
        for r in place.fabric.wan
        for label, way in zip(WAY_LABELS, r.ways, strict=False)
    }
    counts = place_counts(place)
    bill = [{**row, "total_km": lengths.get((row["place"], row["item"]))} for row in counts["bill"]]
    return {
        **counts,
        "bill": bill,
        "without_watts": list(totals.without_watts),
        "without_price": list(totals.without_price),
        "fibre_routes": fibre_data(survey),
        "fibre_underground_usd": survey.fibre_usd,
        "cables": cable_data(survey),
        "diameter_switches": survey.diameter,
        "latency": latency_data(survey),
        "all_reduce": None if survey.whole is None else outage_data(survey.whole, size_bytes),
        "losses_left_out": no_losses(survey),
        "failure_domains": [
            {
                "kind": part.kind,
                "count": part.count,
                "among": part.site or "all sites",
                "before": outage_data(part.before, size_bytes)["policies"],
                **outage_data(part.outage, size_bytes),
            }
            for part in survey.domains
        ],
        "cooling": cooling_data(place),
        "electrical": trees_data(nameplate_trees(place)),
        "warnings": list(survey.warnings),
    }


def place_text(survey: PlaceSurvey, size_bytes: float) -> str:
    """Return everything about a place as text."""
    data = place_data(survey, size_bytes)
    lines = [f"{data['title']}: {number(data['accelerators'])} accelerators", "", _counts_text(survey, data)]
    lines += [
        f"  {link['a']} - {link['b']}: {number(link['route_km'])} km of fibre, "
        f"{number(link['one_way_ms'])} ms one way, {number(link['gbit_per_s'] / 1e3)} Tbit/s each way"
        for link in data["links_between_sites"]
    ]
    lines += [wrapped(f"left out: {text}", rest="    ") for text in data["left_out"]]
    lines += [
        "",
        "how far apart (one way, network cards and software not counted)",
        columns(*latency_table(data), widest=44),
    ]
    if any(cell["block"] == "group" for cell in data["latency"]):
        lines.append(wrapped(OTHER_RAIL))
    lines.append(
        f"\n  diameter: {counted(data['diameter_switches'], 'switch')} between the two that are farthest apart"
    )
    lines += ["", "cables, from the layout of the halls", columns(*cable_table(data), left=2)]
    lines += [wrapped(f"! {text}", rest="    ") for text in data["warnings"]]
    lines += ["", "what the loss of one part does"]
    if survey.whole is None:
        lines.append(wrapped(str(data["losses_left_out"])))
    else:
        lines.append(columns(*domain_rows(survey.whole, survey.domains)))
        lines.append(wrapped(how_to_read(survey.whole)))
    lines += ["", "bill of materials", columns(*bill_table(data), left=3)]
    lines.append(
        f"\n  network {number(data['network_typical_mw'])} MW typical, "
        f"{number(data['network_maximum_mw'])} MW at most, {dollars(data['network_usd'])}; for each accelerator "
        f"{number(data['network_watts_per_accelerator'])} W and {number(data['network_usd_per_accelerator'])} USD"
    )
    if data["without_price"]:
        lines.append(wrapped(f"no published price, not in the sum: {', '.join(data['without_price'])}"))
    lines += cooling_text(data["cooling"])
    if data["fibre_routes"]:
        lines += ["", "fibre between sites, to build or to lease (not in the sum)", columns(*fibre_table(data))]
    electrical = trees_text(nameplate_trees(survey.place))
    if electrical:
        lines += ["", electrical]
    return "\n".join(lines)


def _counts_text(survey: PlaceSurvey, data: dict[str, Any]) -> str:
    sites = data["sites"]
    trees = survey.place.fabric.sites
    keys = list(dict.fromkeys(key for tree in trees for key in ("accelerators", *site_counts(tree))))
    rows = [(key.replace("_", " "), *(number(site.get(key, 0)) for site in sites.values())) for key in keys]
    rows.append(("bisection [Tbit/s]", *(number(site["bisection_gbit_per_s"] / 1e3) for site in sites.values())))
    for tier in dict.fromkeys(tier for site in sites.values() for tier in site["tier_bisection_gbit_per_s"]):
        cuts = (site["tier_bisection_gbit_per_s"].get(tier) for site in sites.values())
        rows.append((f"  at {tier} [Tbit/s]", *(number(None if cut is None else cut / 1e3) for cut in cuts)))
    for key, label, scale in (
        ("network_usd", "network [million USD]", 1e6),
        ("network_usd_per_accelerator", "  each accelerator [USD]", 1.0),
        ("network_typical_mw", "network, typical [MW]", 1.0),
        ("network_watts_per_accelerator", "  each accelerator [W]", 1.0),
    ):
        rows.append((label, *(number(site[key] / scale) for site in sites.values())))
    return columns(("", *sites), rows)


def catalog_text(rows: Sequence[dict[str, str]], *, kinds_only: bool) -> str:
    """Return figures of the catalog as text: one line per kind, or a table of figures with their sources."""
    table = pd.DataFrame(rows)
    if kinds_only:
        counts = [(str(k), number(part["entry"].nunique()), number(len(part))) for k, part in table.groupby("kind")]
        return (
            f"{columns(('kind', 'entries', 'figures'), counts)}\n\n  clustersim catalog KIND [NAME] shows the figures"
        )
    lines = []
    for name, part in table.groupby("entry", sort=False):
        cells = [
            (r["figure"], r["value"], f"{r['low']} .. {r['high']}{' (assumed)' if r['band'] == 'assumed' else ''}",
             r["confidence"], r["source"])
            for r in part.to_dict("records")
        ]  # fmt: skip
        unread = f"  ({part['use'].iloc[0]}: no run reads it)" if part["use"].iloc[0] else ""
        lines.append(
            f"{name}{unread}\n{columns(('figure', 'value', 'band', 'confidence', 'source'), cells, left=5, widest=36)}"
        )
    return "\n\n".join(lines)
