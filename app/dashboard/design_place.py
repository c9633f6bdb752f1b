"""Pictures, counts and tables of the place in hand, before any run; and its files."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st
import yaml

from clustersim.background.records import Request, State
from clustersim.errors import InputError
from clustersim.report.fabric_picture import place_picture
from clustersim.report.map_look import DARK, LIGHT
from clustersim.report.map_places import mapped_place
from clustersim.report.one_line import one_line
from clustersim.report.place import place_counts
from clustersim.report.place_cooling import cooling_data
from clustersim.report.place_graph import FORMATS
from clustersim.report.place_tables import Grid, bill_table, cable_table, fibre_table, latency_table
from clustersim.report.site_map import NARROW, WIDTH, site_map
from clustersim.report.words import dollars, number
from clustersim.scenario import TopologySpec, topology_of_tree
from clustersim.study.places.place import Place, build_place
from clustersim.study.site.electrical import nameplate_trees
from dashboard import design_edit, show, state, theme, work
from dashboard.pictures import wide_or_narrow
from dashboard.settings import settings


@dataclass(frozen=True)
class Drawn:
    """A place with what is quick to draw of it."""

    place: Place
    counts: dict[str, Any]
    tree: dict[str, Any]
    """As a topology file has it."""
    digest: str


@st.cache_resource(max_entries=32, show_spinner=False)
def _drawn(digest: str, _topology: TopologySpec) -> tuple[Drawn | None, str]:
    try:
        place = build_place(_topology, "bf16")
        return Drawn(place, place_counts(place), _topology.model_dump(mode="json", exclude_none=True), digest), ""
    except InputError as error:
        return None, str(error)


def drawn() -> tuple[Drawn | None, str]:
    """Return the place of the draft; None, and why, where it cannot be built. A wrong place has the last one."""
    try:
        topology = topology_of_tree(design_edit.tree(), state.draft().name)
    except InputError:
        return st.session_state.get("design-drawn"), ""  # the bar tells what is wrong
    digest = hashlib.sha256(topology.model_dump_json().encode()).hexdigest()[:16]
    found, why = _drawn(digest, topology)
    if found is not None:
        st.session_state["design-drawn"] = found
    return found, why


def headline(found: Drawn) -> None:
    """Show what the place consists of in a row of numbers."""
    counts = found.counts
    switches = sum(
        value for site in counts["sites"].values() for key, value in site.items() if key.endswith("_switches")
    )
    cards = [
        ("Accelerators", number(counts["accelerators"]), "Of all sites; `accelerators` of `clustersim topology`."),
        ("Sites", number(len(counts["sites"])), "Of the place."),
        ("Switches", number(switches), "Of the scale-out fabric, all tiers of all sites."),
        ("Network", dollars(counts["network_usd"]), "Switches, optics and cables with a price; `network_usd`."),
        ("Network power", f"{number(counts['network_typical_mw'])} MW", "Typical; `network_typical_mw`."),
    ]  # fmt: skip
    with st.container(horizontal=True, gap="small"):
        for label, value, meaning in cards:
            st.metric(label, value, help=meaning, border=True, width=230 if label == "Network" else 165)


@st.cache_data(max_entries=64, show_spinner=False)
def _map(digest: str, dark: bool, width: float, _place: Place) -> str:  # noqa: ARG001 (the key of the cache)
    try:
        return site_map([mapped_place(_place)], width=width, colours=DARK if dark else LIGHT)
    except InputError as error:
        return f"!{error}"


@st.cache_data(max_entries=64, show_spinner=False)
def _one_line(digest: str, _place: Place) -> str:  # noqa: ARG001
    return one_line(nameplate_trees(_place), _place.topology.title)


@st.cache_data(max_entries=64, show_spinner=False)
def _fabric(digest: str, _place: Place) -> str:  # noqa: ARG001
    return place_picture(_place.fabric, _place.topology.title)


@st.cache_data(max_entries=64, show_spinner=False)
def _cooling(digest: str, _place: Place) -> dict[str, dict[str, Any]]:  # noqa: ARG001
    return cooling_data(_place) if _place.topology.cooling else {}


def pictures(found: Drawn, section: str) -> None:
    """Show what belongs to a section."""
    title = found.place.topology.title
    if section in ("place", "fibre", "job", "text"):
        _show_map(found)
    if section in ("electrical", "supply", "damping") and found.place.topology.electrical:
        show.picture(
            _one_line(found.digest, found.place), "One-line diagram",
            "All computers at their nameplates, with the cooling that takes; sites that are alike are drawn once.",
            "one-line",
        )  # fmt: skip
    if section == "cooling" and found.place.topology.cooling:
        _cooling_table(_cooling(found.digest, found.place))
    if section in ("fabric", "fibre"):
        show.picture(
            _fabric(found.digest, found.place), f"Fabric by tiers: {title}",
            "Ratios: capacity below over capacity above.", "fabric",
        )  # fmt: skip
    if section in ("place", "fabric"):
        counts_table(found)
    if section == "fabric":
        st.markdown("**Bill of materials**")
        show.table(_frame(bill_table(found.counts)).drop(columns="km"), "design-bill")


def _show_map(found: Drawn) -> None:
    wide, narrow = (_map(found.digest, theme.is_dark(), width, found.place) for width in (WIDTH, NARROW))
    if wide.startswith("!"):
        show.empty("No map.", wide[1:])
        return
    st.markdown("**Where it stands**")
    wide_or_narrow(wide, narrow, f"Map of the sites of {found.place.topology.title}")


def counts_table(found: Drawn) -> None:
    """Show the counts of each site side by side."""
    sites = found.counts["sites"]
    keys = list(dict.fromkeys(key for site in sites.values() for key in site if not isinstance(site[key], dict)))
    rows = [(key.replace("_", " "), *(number(site.get(key)) for site in sites.values())) for key in keys]
    st.markdown("**Counts**")
    show.table(pd.DataFrame(rows, columns=["", *sites]), "design-counts")


def _cooling_table(data: dict[str, dict[str, Any]]) -> None:
    keys = list(dict.fromkeys(key for site in data.values() for key in site))
    rows = [(key.replace("_", " "), *(_cell(site.get(key)) for site in data.values())) for key in keys]
    st.markdown("**Cooling of the edited place**")
    show.table(pd.DataFrame(rows, columns=["", *data]), "design-cooling")


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return value if isinstance(value, str) else number(value)


def _frame(grid: Grid) -> pd.DataFrame:
    head, rows = grid
    return pd.DataFrame(rows, columns=list(head))


def survey(found: Drawn) -> None:
    """Show pods switch by switch, cables, delays: what takes a worker process seconds."""
    request = Request("survey_place", {"topology": found.tree}, f"survey of {found.place.topology.name}")
    ticket = work.ticket_of(request)
    if ticket is None:
        if st.button(
            "Draw the first pod switch by switch; lay cables, measure delays", key="survey", icon=":material/cable:"
        ):
            work.ask(request)
            st.rerun()
        return
    ended = work.answered(request, "survey")
    if ended is None:
        return
    data, pods = ended.answer["data"], ended.answer["pods"]
    for at, pod in enumerate(pods):
        show.picture(pod["svg"], pod["title"], "Of long rows the first are drawn.", f"pod-{at}")
    for warning in data["warnings"]:
        st.warning(show.plain(warning), icon=":material/straighten:")
    st.markdown("**How far apart: one way, cards and software not counted**")
    show.table(_frame(latency_table(data)), "design-latency")
    st.markdown("**Cables, from the layout of the halls**")
    show.table(_frame(cable_table(data)), "design-cables")
    if data["fibre_routes"]:
        st.markdown("**Fibre between sites, to build or to lease**")
        show.table(_frame(fibre_table(data)), "design-fibre")


def files(found: Drawn) -> None:
    """Offer the place as files: topology, drawings, graph."""
    name = found.place.topology.name
    with st.popover("Files of the place", icon=":material/download:"):
        _file("Topology (YAML)", lambda: _yaml(found.tree), f"{name}.yaml", "application/yaml")
        _file("Counts and bill (JSON)", lambda: json.dumps(found.counts, indent=1), f"{name}.json", "application/json")
        if found.place.topology.electrical:
            _file(
                "One-line diagram (SVG)", _one_line(found.digest, found.place), f"{name}-one-line.svg", "image/svg+xml"
            )
        _file("Fabric by tiers (SVG)", _fabric(found.digest, found.place), f"{name}-fabric.svg", "image/svg+xml")
        st.caption("The switch graph is written when it is asked for; of a large place it takes a minute.")
        for ending in FORMATS:
            _graph(found, ending)


def _yaml(tree: dict[str, Any]) -> str:
    return yaml.safe_dump(tree, sort_keys=False, allow_unicode=True)


def _graph(found: Drawn, ending: str) -> None:
    folder = settings().results / "graphs" / found.digest
    arguments = {"topology": found.tree, "ending": ending, "out": str(folder)}
    request = Request("place_graph", arguments, f"graph of {found.place.topology.name}")
    file = folder / f"{found.place.topology.name}{ending}.zip"
    label = {".graphml": "GraphML", ".json": "node-link JSON", ".csv": "edge list CSV"}[ending]
    if file.is_file():
        _file(f"Graph as {label} (ZIP)", file.read_bytes, file.name, "application/zip")
        return
    ticket = work.ticket_of(request)
    if ticket is not None and ticket.state in (State.FAILED, State.CANCELLED):
        work.failed(ticket)
    if ticket is None or ticket.state.over:
        if st.button(f"Write the graph as {label}", key=f"graph-{ending}", width="stretch"):
            work.ask(request)
            st.rerun()
        return
    work.progress(request, f"graph{ending}")


def _file(label: str, data: Any, name: str, mime: str) -> None:
    st.download_button(label, data, Path(name).name, mime, key=f"file-{label}", on_click="ignore", width="stretch")


__all__: Sequence[str] = ("Drawn", "drawn", "files", "headline", "pictures", "survey")
