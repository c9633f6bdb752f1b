"""A place and the catalog as text, data and GraphML."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import networkx as nx
import numpy as np
import pandas as pd

from clustersim.fabric import SiteFabric, bill_totals, bisection_bandwidth, to_networkx
from clustersim.report.words import columns, dollars, number, wrapped
from clustersim.study.place import Place


def site_counts(tree: SiteFabric) -> dict[str, int]:
    """Return what the fabric of a site consists of."""
    counts = {"scale_up_domains": tree.scale_up_domains, "pods": -(-tree.site.endpoints // tree.endpoints_per_pod)}
    counts |= {f"{tier.name}_switches": tier.count for tier in tree.switch_tiers}
    return counts | {f"{tier.name.replace('-', '_')}_links": tier.count for tier in tree.link_tiers}


def place_data(place: Place) -> dict[str, Any]:
    """Return counts, bisection and bill of materials of a place as plain data for JSON."""
    sites = {}
    for tree in place.fabric.sites:
        name = tree.site.name
        cut = bisection_bandwidth(place.fabric, name)
        counts = site_counts(tree)
        sites[name] = {"accelerators": tree.site.endpoints, **counts, "bisection_gbit_per_s": cut * 8e-9}
    totals = bill_totals(place.bill)
    bill = [
        {
            "place": item.place, "item": item.item, "part": item.part, "count": item.count,
            "watts_typical": item.watts_typical, "watts_maximum": item.watts_maximum, "usd": item.usd,
        }
        for item in place.bill
    ]  # fmt: skip
    return {
        "name": place.topology.name,
        "title": place.topology.title,
        "accelerators": place.accelerators,
        "sites": sites,
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
        "bill": bill,
        "network_typical_mw": totals.watts_typical / 1e6,
        "network_maximum_mw": totals.watts_maximum / 1e6,
        "network_usd": totals.usd,
        "without_watts": list(totals.without_watts),
        "without_price": list(totals.without_price),
    }


def place_text(place: Place) -> str:
    """Return counts, bisection and bill of materials of a place as text."""
    data = place_data(place)
    sites = data["sites"]
    keys = list(dict.fromkeys(key for tree in place.fabric.sites for key in ("accelerators", *site_counts(tree))))
    rows = [(key.replace("_", " "), *(number(site.get(key, 0)) for site in sites.values())) for key in keys]
    rows.append(("bisection [Tbit/s]", *(number(site["bisection_gbit_per_s"] / 1e3) for site in sites.values())))
    lines = [f"{data['title']}: {number(data['accelerators'])} accelerators", "", columns(("", *sites), rows)]
    lines += [
        f"  {link['a']} - {link['b']}: {number(link['route_km'])} km of fibre, "
        f"{number(link['one_way_ms'])} ms one way, {number(link['gbit_per_s'] / 1e3)} Tbit/s each way"
        for link in data["links_between_sites"]
    ]
    bill = [
        (b["item"], b["part"] or "-", b["place"], number(b["count"]), number(b["watts_typical"]), number(b["usd"]))
        for b in data["bill"]
    ]
    lines += ["", "bill of materials", columns(("item", "part", "place", "count", "W each", "USD each"), bill, left=3)]
    lines.append(
        f"\n  network {number(data['network_typical_mw'])} MW typical, "
        f"{number(data['network_maximum_mw'])} MW at most, {dollars(data['network_usd'])}"
    )
    if data["without_price"]:
        lines.append(wrapped(f"no published price, not in the sum: {', '.join(data['without_price'])}"))
    return "\n".join(lines)


def graphml(place: Place) -> str:
    """Return the switch graph as GraphML; a link without a limit of its own has no capacity attribute [B/s]."""
    graph = to_networkx(place.fabric)
    for _, _, link in graph.edges(data=True):
        if np.isinf(link["capacity"]):
            del link["capacity"]
    text = io.BytesIO()
    nx.write_graphml_xml(graph, text)
    return text.getvalue().decode("utf-8")


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
        lines.append(
            f"{name}\n{columns(('figure', 'value', 'band', 'confidence', 'source'), cells, left=5, widest=36)}"
        )
    return "\n\n".join(lines)
