"""The tables of the Catalog page: figures, rules, keys of the summary."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import streamlit as st

from clustersim.errors import InputError
from clustersim.report.catalog_tables import assumed, figures_table, found_in, keys_table, read_by, rules_table
from clustersim.study.references import FILE, read_sources
from clustersim.study.result import Result
from dashboard import results, show

EVERY = "every"
HEIGHT = 560
TIGHT = {"small": 100, "number": 120, "medium": 148}
"""Widths of columns. [px]"""


@st.cache_resource(show_spinner=False)
def _figures() -> pd.DataFrame:
    return figures_table()


@st.cache_resource(show_spinner=False)
def _rules() -> pd.DataFrame:
    return rules_table()


@st.cache_resource(show_spinner=False)
def _keys() -> pd.DataFrame:
    return keys_table()


@st.cache_data(max_entries=8, show_spinner=False)
def _sources(folder: str) -> pd.DataFrame:
    return read_sources(Path(folder) / FILE)


def _search(key: str, example: str) -> str:
    return st.text_input(
        "Search", key=f"catalog-{key}", icon=":material/search:", placeholder=example, max_chars=80, width=230,
        bind="query-params", live=True,
    ) or ""  # fmt: skip


def figures(result: Result | None) -> None:
    """Show every figure with its band, confidence and source, and what narrows them down."""
    table = _figures()
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        words = _search("figures-search", "H100 tdp")
        kind = st.selectbox(
            "Kind", [EVERY, *sorted(table["kind"].unique())], key="catalog-kind", bind="query-params", width=160
        )
        confidence = st.selectbox(
            "Confidence", [EVERY, *table["confidence"].unique()], key="catalog-confidence", bind="query-params",
            width=150,
        )  # fmt: skip
        of_kind = table if kind == EVERY else table[table["kind"] == kind]
        source = st.selectbox("Source", [EVERY, *sorted(of_kind["title"].unique())], key="catalog-source", width=180)
        used = st.toggle(
            "Used by the run in hand", key="catalog-used", bind="query-params", disabled=result is None,
            help="Figures that the shown result has read: sources.csv of its folder.",
        )  # fmt: skip
    found = of_kind
    if confidence != EVERY:
        found = found[found["confidence"] == confidence]
    if source != EVERY:
        found = found[found["title"] == source]
    if used and result is not None:
        found = _used(found, result)
    found = found_in(found, words)
    nobody = len(assumed(found))
    st.caption(
        f"{len(found):,} of {len(table):,} figures, of {found['title'].nunique():,} sources; {nobody:,} of them are "
        "estimated or recalled: nobody published them."
    )
    if not len(found):
        show.empty("No figure has all of that.", "Take away a word, or one of the filters.")
        return
    show.table(found, "catalog-figures", height=HEIGHT, column_config=_columns(), column_order=[
        "kind", "entry", "figure", "value", "low", "high", "confidence", "title", "link", "date", "note", "use",
    ])  # fmt: skip
    st.caption(
        "Values are in the unit of the source. A range is the source's, or follows from the confidence: measured 3 %, "
        "vendor 5 %, reported 15 %, estimate 30 %, recalled 50 %."
    )


def _used(table: pd.DataFrame, result: Result) -> pd.DataFrame:
    folder = results.folder_of(result.name, result.run_id)
    try:
        return read_by(table, _sources(str(folder)))
    except InputError as error:
        st.warning(show.plain(f"What this run read is not known. {error}"), icon=":material/help:")
        return table


def _columns() -> dict[str, object]:
    return {
        "kind": st.column_config.TextColumn("Kind", width=TIGHT["small"]),
        "entry": st.column_config.TextColumn("Entry", width=TIGHT["medium"]),
        "figure": st.column_config.TextColumn("Figure", width=TIGHT["medium"]),
        "value": st.column_config.TextColumn("Value", width=TIGHT["number"]),
        "low": st.column_config.TextColumn("Low", width=TIGHT["number"]),
        "high": st.column_config.TextColumn("High", width=TIGHT["number"]),
        "confidence": st.column_config.TextColumn("Confidence", width=TIGHT["small"]),
        "title": st.column_config.TextColumn("Source", width=260),
        "link": st.column_config.LinkColumn("Link", display_text="open", width=60, validate="^https?://"),
        "date": st.column_config.TextColumn("Date", width=90),
        "note": st.column_config.TextColumn("Note", width=320),
        "use": st.column_config.TextColumn("Use", width=TIGHT["small"]),
    }


def rules() -> None:
    """Show every rule of every pack."""
    table = _rules()
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        words = _search("rules-search", "ramp")
        pack = st.selectbox(
            "Pack", [EVERY, *table["pack"].unique()], key="catalog-pack", bind="query-params", width=260
        )
    found = found_in(table if pack == EVERY else table[table["pack"] == pack], words)
    if pack != EVERY:
        st.caption(show.plain(str(table.loc[table["pack"] == pack, "title"].iloc[0])))
    st.caption(f"{len(found):,} of {len(table):,} rules in {found['pack'].nunique():,} packs.")
    if len(found):
        show.table(found.drop(columns="title"), "catalog-rules", height=HEIGHT)
    else:
        show.empty("No rule has all of that.", "Take away a word, or the pack.")


def keys() -> None:
    """Show every key that a summary may have."""
    table = _keys()
    words = _search("keys-search", "battery power")
    found = found_in(table, words)
    st.caption(
        f"{len(found):,} of {len(table):,} keys. `share` is a part of one and written in per cent; `1` counts; `word` "
        "and `yes/no` are no quantities."
    )
    if len(found):
        names = {"found": "how it is found", "page": "page of docs"}
        show.table(found.rename(columns=names), "catalog-keys", height=HEIGHT)
    else:
        show.empty("No key has all of that.", "Take away a word.")
