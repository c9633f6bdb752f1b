"""A place as one HTML page: pictures of its fabric, and the tables."""

from __future__ import annotations

import clustersim
from clustersim.fabric.path_query import PathAnswer
from clustersim.report.electrical_text import trees_text
from clustersim.report.one_line import one_line
from clustersim.report.page import rendered
from clustersim.report.place import place_data
from clustersim.report.place_queries import domain_rows, how_to_read, loss_text, path_text
from clustersim.report.place_tables import OTHER_RAIL, Grid, bill_table, cable_table, fibre_table, latency_table
from clustersim.report.pod_picture import fabric_pictures
from clustersim.report.sections import Card, Section, Table
from clustersim.report.svg import Picture
from clustersim.report.words import dollars, number
from clustersim.study.places.survey import Loss, PlaceSurvey
from clustersim.study.site.electrical import nameplate_trees

NAMEPLATES = "All computers at their nameplates, with the cooling that takes."


def _table(title: str, grid: Grid, left: int = 1) -> Table:
    head, rows = grid
    return Table(title, head, rows, tuple(range(left, len(head))))


def electrical_sections(survey: PlaceSurvey) -> list[Section]:
    """Return the electrical tree of a place with its one-line diagram; nothing where the file has no such section."""
    trees = nameplate_trees(survey.place)
    if not trees:
        return []
    drawn = Picture("One-line diagram", one_line(trees, survey.place.topology.title), NAMEPLATES)
    return [Section("electrical", "Electrical tree", figures=[drawn], texts=[trees_text(trees)])]


def place_html(survey: PlaceSurvey, size_bytes: float, lost: Loss | None = None, way: PathAnswer | None = None) -> str:
    """Return a place as one HTML page that asks for nothing from outside.

    Parameters
    ----------
    survey : PlaceSurvey
        The place.
    size_bytes : float
        Of the all-reduce. [B]
    lost : Loss, optional
        A loss to show beside the table of losses.
    way : PathAnswer, optional
        A path to show.
    """
    data, topology = place_data(survey, size_bytes), survey.place.topology
    whole = survey.whole
    cards: list[Card] = [
        ("accelerators", number(data["accelerators"]), False),
        ("switches across", number(data["diameter_switches"]), False),
        ("network, typical", f"{number(data['network_typical_mw'])} MW", False),
        ("network", dollars(data["network_usd"]), False),
        ("network, each accelerator", f"{number(data['network_usd_per_accelerator'])} USD", False),
        ("network, each accelerator", f"{number(data['network_watts_per_accelerator'])} W", False),
    ]
    queries = [text for text in (path_text(way) if way else "", loss_text(lost, size_bytes) if lost else "") if text]
    parts = [
        Section(
            "fabric",
            "Fabric",
            cards=cards,
            alerts=list(survey.warnings),
            notes=[f"Left out: {text}" for text in data["left_out"]],
            figures=list(fabric_pictures(survey.place.fabric, topology.title)),
        ),
        Section(
            "delay",
            "How far apart",
            notes=[OTHER_RAIL] if any(cell["block"] == "group" for cell in data["latency"]) else [],
            tables=[_table("One way, cards and software not counted", latency_table(data))],
        ),
        *electrical_sections(survey),
        Section("cables", "Cables", tables=[_table("From the layout of the halls", cable_table(data), 2)]),
        Section(
            "losses",
            "What the loss of one part does",
            notes=[how_to_read(whole) if whole else f"The table is {data['losses_left_out']}."],
            texts=queries,
            tables=[_table("One of each kind", domain_rows(whole, survey.domains))] if whole else [],
        ),
        Section("bill", "Bill of materials", tables=[_table("", bill_table(data), 3)]),
    ]
    if data["fibre_routes"]:
        parts[-1].tables.append(_table("Fibre between sites, not in the sum", fibre_table(data)))
    return rendered(
        "place.html.j2",
        scripts=False,
        title=topology.title,
        subtitle=f"{topology.name}, as of {topology.as_of}; clustersim {clustersim.__version__}",
        sections=parts,
    )
