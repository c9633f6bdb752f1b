"""What is asked of a trace: columns, rules, scale, place and damping; a field is an option of the command line."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from clustersim.report.rules import packs_data
from clustersim.scenario import load_topology, located, shipped_names
from dashboard.measured_source import Source

UNITS = ("from the name", "W", "kW", "MW", "GW", "pu")
BETWEEN = {"line": "straight lines between readings", "hold": "each reading holds until the next"}
NOWHERE = "(none)"
DAMPING = """\
- {kind: rack_storage, energy_per_accelerator: 40 kJ, power_per_accelerator: 1 kW, time_constant: 30 s}
- {kind: site_battery, time_constant: 20 s, type: megapack_2xl, power: 30 MW, energy: 60 MWh}
"""
Asked = dict[str, Any]


def columns(source: Source, offered: Mapping[str, Any]) -> tuple[Asked, str]:
    """Show which columns mean what; return them, and what is still to be chosen, empty where nothing is."""
    if source.record:
        return {}, ""
    names: list[str] = offered["names"]
    missing = "a column of power" if offered["power"] is None else ""
    if not offered["has_clock"] and offered["time"] is None:
        missing = missing or "a column of time"
    asked: Asked = {}
    with st.expander("Columns", expanded=bool(missing), icon=":material/table_chart:"):
        with st.container(horizontal=True, gap="small"):
            if not offered["has_clock"]:
                at = names.index(offered["time"]) if offered["time"] in names else None
                asked["time"] = st.selectbox(
                    "Time", names, index=at, key="measured-column-time", width=220, help="Seconds, or dates."
                )
            guess = [offered["power"]] if offered["power"] in names else []
            asked["power"] = st.multiselect(
                "Power", names, guess, key="measured-column-power", width=300, help="Several are added up."
            )
            unit = st.selectbox("Unit", UNITS, key="measured-column-unit", width=170)
            asked["unit"] = None if unit == UNITS[0] else unit
        with st.container(horizontal=True, gap="small"):
            if unit == "pu":
                asked["base"] = _text("Power at a reading of 1", "base", "100 MW")
                asked["zero"] = _text("Power at a reading of 0", "zero", "0 W")
            asked["sensor"] = _text("Sensor averages over", "sensor", "1 s")
            asked["step"] = _text("Bins", "step", "the median step")
            asked["between"] = st.selectbox(
                "Between readings", list(BETWEEN), format_func=BETWEEN.__getitem__, key="measured-column-between",
                width=260, help="Of times that are not even.",
            )  # fmt: skip
    if not asked["power"]:
        missing = "a column of power"
    elif not offered["has_clock"] and asked["time"] is None:
        missing = "a column of time"
    elif unit == UNITS[0] and offered["units"][names.index(asked["power"][0])] is None:
        missing = "the unit: the column's name does not tell it"
    else:
        missing = "the power at a reading of 1" if unit == "pu" and not asked["base"] else ""
    return {key: value for key, value in asked.items() if value not in (None, "", [])}, missing


def _text(label: str, name: str, example: str, prefix: str = "column", explained: str | None = None) -> str:
    return str(
        st.text_input(
            label, key=f"measured-{prefix}-{name}", placeholder=example, width=170, max_chars=40, help=explained
        )
        or ""
    ).strip()


def question() -> tuple[Asked, Asked]:
    """Show what the trace is held against; return the question and what the trace is put into."""
    titles = _packs()
    asked: Asked = {}
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        asked["limits"] = st.multiselect(
            "Rules", list(titles), ["standard"], format_func=titles.__getitem__, key="measured-limits", width=420,
            bind="query-params",
        )  # fmt: skip
        asked["scale"] = int(
            st.number_input(
                "Loads like this one", 1, 1_000_000, 1, key="measured-scale", width=170, bind="query-params"
            )
        )
        if asked["scale"] > 1:
            asked["coherence"] = st.slider(
                "Correlation", 0.0, 1.0, 1.0, 0.05, key="measured-coherence", width=200, bind="query-params",
                help="Pairwise, of their fluctuations: 1 where they move together.",
            )  # fmt: skip
        asked["mean"] = _text(
            "or scale to a mean of", "mean", "120 MW", "asked", "In place of a number of loads: mean power in the job."
        )
    return {key: value for key, value in asked.items() if value not in (None, "", [])} | _window(), _setting()


def _window() -> Asked:
    with (
        st.expander("Job window and sensor", icon=":material/width:"),
        st.container(horizontal=True, gap="small"),
    ):
        found = {
            "from": _text("Job begins", "from", "found", "asked", "On the clock of the trace, such as 7 s."),
            "to": _text("Job ends", "to", "found", "asked"),
            "averaged": _text("As a sensor of", "averaged", "1 s", "asked", "Shows it averaged over this time."),
        }
    return {key: value for key, value in found.items() if value}


def _setting() -> Asked:
    found: Asked = {}
    with st.expander("Place and damping", icon=":material/factory:"):
        with st.container(horizontal=True, gap="small"):
            place = st.selectbox(
                "As the IT load of", [NOWHERE, *shipped_names("topologies")], key="measured-topology", width=260,
                bind="query-params", help="Cooling, losses, battery and grid of that place; all rules are then judged.",
            )  # fmt: skip
            if place != NOWHERE:
                found["topology"] = place
                sites = _sites(place)
                if len(sites) > 1:
                    found["site"] = st.selectbox("Site", sites, key="measured-site", width=200)
        if st.toggle("Behind damping", key="measured-damped", bind="query-params"):
            st.caption("A YAML list of damping records, as for --damping; they act from the accelerator to the site.")
            found["damping"] = st.text_area(
                "Damping", DAMPING, height=110, key="measured-asked-damping", max_chars=20_000,
                label_visibility="collapsed",
            )  # fmt: skip
            with st.container(horizontal=True, gap="small"):
                count = st.number_input(
                    "Accelerators behind the trace", 1, 10_000_000, None, key="measured-asked-count", width=220
                )
                found["accelerators"] = None if count is None else int(count)
                found["accelerator"] = _text("Accelerator", "accelerator", "H100", "asked", "Name in the catalog.")
                found["idle"] = _text("Idle power of one", "idle", "100 W", "asked")
                found["rest"] = _text("Rest of the server, each", "rest", "200 W", "asked")
    return {key: value for key, value in found.items() if value not in (None, "")}


@st.cache_data(show_spinner=False)
def _packs() -> dict[str, str]:
    return {one["pack"]: f"{one['pack']}: {one['title']}" for one in packs_data()["packs"]}


@st.cache_data(show_spinner=False)
def _sites(place: str) -> list[str]:
    return list(load_topology(located(place, "topologies")).site)


def command(verb: str, name: str, *asked: Mapping[str, Any]) -> str:
    """Return the line that asks the same on the command line."""
    words: list[str] = []
    for key, value in (item for one in asked for item in one.items()):
        if key == "damping":
            words += ["--damping", "damping.yaml"]
            continue
        if (key, value) in (("scale", 1), ("between", "line"), ("coherence", 1.0)):
            continue
        many: Sequence[Any] = value if isinstance(value, list) else [value]
        words += [part for one in many for part in (f"--{key}", str(one))]
    return shlex.join(["clustersim", verb, name, *words])
