"""The switch graph of a place as files for other programs."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Mapping
from pathlib import Path

import networkx as nx
import numpy as np

from clustersim.errors import InputError
from clustersim.fabric import to_networkx
from clustersim.study.places.place import Place


def switch_graph(place: Place) -> nx.Graph:
    """Return the switch graph; a link without a limit of its own has no capacity attribute [B/s]."""
    graph = to_networkx(place.fabric)
    for _, _, link in graph.edges(data=True):
        if np.isinf(link["capacity"]):
            del link["capacity"]
    return graph


def graphml(graph: nx.Graph) -> str:
    """Return a graph as GraphML."""
    text = io.BytesIO()
    nx.write_graphml_xml(graph, text)
    return text.getvalue().decode("utf-8")


def node_link(graph: nx.Graph) -> str:
    """Return a graph as JSON in networkx' node-link form (keys ``nodes`` and ``edges``)."""
    return json.dumps(nx.node_link_data(graph, edges="edges"), allow_nan=False)


def edge_list(graph: nx.Graph) -> str:
    """Return a graph as CSV: a line per link with both ends, their tiers, count and capacity [B/s]."""
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow(("a", "b", "tier_a", "tier_b", "count", "capacity_bytes_per_s"))
    for a, b, link in graph.edges(data=True):
        tiers = (graph.nodes[end]["tier"] for end in (a, b))
        lines.writerow((a, b, *tiers, link["count"], link.get("capacity", "")))
    return text.getvalue()


FORMATS: Mapping[str, Callable[[nx.Graph], str]] = {".graphml": graphml, ".json": node_link, ".csv": edge_list}
"""How the graph is written, by the ending of the file."""


def check_format(file: Path) -> None:
    """Refuse a file whose ending names no format.

    Raises
    ------
    InputError
        With the endings that are known.
    """
    if file.suffix not in FORMATS:
        raise InputError(
            f"{file}: expected a file ending in {', '.join(FORMATS)}, found {file.suffix or 'no ending'!r}"
        )


def export(place: Place, file: Path) -> str:
    """Return the switch graph of a place in the format that the ending of `file` names.

    Raises
    ------
    InputError
        If the ending names no format.
    """
    check_format(file)
    return FORMATS[file.suffix](switch_graph(place))
