"""Sizing on a button: the least-cost damping and storage that keep the rules, the front, and the proof."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from clustersim.background.records import Request
from clustersim.report.size_figures import (
    apart_table,
    bill_table,
    cost_words,
    front_figure,
    front_table,
    margin_figure,
    not_judged_table,
    proof_table,
    rules_table,
    winner_settings,
)
from clustersim.scenario import LoadScenario
from clustersim.study.sizing.sizing import OWN
from clustersim.study.sizing.space import AT_SITE, ELEMENTS
from dashboard import limits_packs, limits_rules, show, state, work


def size() -> None:
    """Show the form, how far the sizing is, and what it found."""
    st.caption(
        "Finds the least-cost mix of damping and storage that keeps the rules, runs it whole, and shows that one notch "
        "less fails. It takes some minutes of one processor."
    )
    request = _request()
    ticket = work.ticket_of(request)
    busy = ticket is not None and not ticket.state.over
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button("Size it", key="size", icon=":material/straighten:", type="primary", disabled=busy):
            work.ask(request)
            st.rerun()
        st.code(_command(request.arguments), language="bash", wrap_lines=True)
    ended = work.answered(request, "size")
    if ended is not None:
        _found(ended.answer)
    elif ticket is None:
        show.empty("Nothing was sized yet.", "Choose what to keep and what may be built, then press Size it.")


def _request() -> Request:
    scenario = state.scenario()
    possible = [one for one in ELEMENTS if one in AT_SITE or not isinstance(scenario, LoadScenario)]
    left, right = st.columns(2)
    with left:
        packs = st.multiselect(
            "Rules to keep", [OWN, *limits_packs.known()], [OWN], key="size-packs", bind="query-params",
            format_func=_pack, help="'own' are the rules that judge this design.",
        )  # fmt: skip
    with right:
        using = st.multiselect(
            "What may be built", possible, key="size-using", bind="query-params", placeholder="all that is possible",
            format_func=_words, help="Elements whose sizes are looked for; all when none is chosen.",
        )  # fmt: skip
    arguments = work.drafted(state.draft()) | {"packs": packs or [OWN], "using": using or None}
    return Request("size", arguments, f"sizing of {state.draft().name}")


def _pack(name: str) -> str:
    return "own: the rules of this design" if name == OWN else limits_packs.label(name)


def _words(name: str) -> str:
    return name.replace("_", " ")


def _command(arguments: Mapping[str, Any]) -> str:
    asked = [f"--meet {pack}" for pack in arguments["packs"]]
    asked += [f"--using {element}" for element in arguments["using"] or ()]
    return " ".join([state.draft().command("size"), *asked])


def _found(answer: Mapping[str, Any]) -> None:
    data, files = answer["data"], answer["files"]
    winner = data["winner"]
    if winner is None:
        nearest = data["nearest"]
        st.error(
            f"No mix passes. Nearest: {show.plain(nearest['text'])}; {show.plain(cost_words(nearest))}.",
            icon=":material/cancel:",
        )
    else:
        _winner(data, winner, files)
    _downloads(files)
    _tables(data, winner or data["nearest"])
    with st.expander("As the command line prints it", icon=":material/terminal:"):
        st.code(answer["text"], language=None)


def _winner(data: Mapping[str, Any], winner: Mapping[str, Any], files: Mapping[str, str]) -> None:
    st.success(f"Least cost: {show.plain(winner['text'])}.", icon=":material/check_circle:")
    st.markdown(f"{show.plain(cost_words(winner))}.")
    if data["robust"]:
        st.markdown(":material/verified: It passes every check: whole runs with less inertia and other seeds.")
    else:
        st.warning("It does not pass every check with less inertia and other seeds.", icon=":material/warning:")
        if data["sturdy"] is not None:
            st.markdown(f"The next design that does: {show.plain(data['sturdy']['text'])}.")
    settings = winner_settings(files)
    if st.button(
        "Put it into the design", key="size-take", icon=":material/input:", help="Its changes become settings."
    ):
        limits_rules.take(settings)


def _tables(data: Mapping[str, Any], shown: Mapping[str, Any]) -> None:
    if data["front"]:
        left, right = st.columns(2)
        with left:
            show.figure(
                front_figure(data), "size-front", "Front",
                "Designs that keep the rules and that no other one beats in capital, energy and lost work at once.",
            )  # fmt: skip
        with right:
            show.figure(
                margin_figure(data), "size-margin", "Cost against margin",
                "The least margin of each design of the front; left and high is better.",
            )  # fmt: skip
        show.table(front_table(data), "size-front-table")
    st.markdown("**Its rules**")
    _margins(rules_table(shown["rows"]), "size-rules")
    for title, table, key in (
        ("What it is made of", bill_table(data), "size-bill"),
        ("Proof: whole runs", proof_table(data), "size-proof"),
        ("What no design meets", apart_table(data), "size-apart"),
        ("Not judged", not_judged_table(data), "size-not-judged"),
    ):
        if not table.empty:
            st.markdown(f"**{title}**")
            _margins(table, key)
    for note in data["notes"]:
        st.caption(show.plain(note))


def _margins(table: pd.DataFrame, key: str) -> None:
    columns = {name: st.column_config.NumberColumn(format="%+.3g") for name in table if str(name).endswith("[%]")}
    if "verdict" in table:
        table = table.assign(verdict=[limits_rules.ICONS.get(word, word) for word in table["verdict"]])
    show.table(table, key, column_config=columns)


def _downloads(files: Mapping[str, str]) -> None:
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    with st.container(horizontal=True):
        st.download_button(
            "All files (ZIP)", whole.getvalue(), "sizing.zip", "application/zip", key="size-zip", on_click="ignore",
            icon=":material/download:",
        )  # fmt: skip
        for name, text in files.items():
            if name in ("winner.yaml", "front.csv", "sizing.json"):
                st.download_button(name, text, name, "text/plain", key=f"size-{name}", on_click="ignore")
