"""The packs of rules: what each is for, and by which of them the draft is judged."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from clustersim.report.rules import SIGN, packs_data
from dashboard import limits_rules, show, state


@st.cache_data(max_entries=1, show_spinner=False)
def known() -> dict[str, dict[str, Any]]:
    """Return the shipped packs by name, as ``clustersim catalog limits --json`` prints them."""
    return {one["pack"]: one for one in packs_data()["packs"]}


def label(name: str) -> str:
    """Return a pack with what it is for."""
    return f"{name}: {known()[name]['title']}" if name in known() else name


def packs() -> None:
    """Show which packs judge the draft, and every rule of a pack."""
    scenario = state.scenario()
    assert scenario is not None  # noqa: S101 (the page looks first)
    limits = scenario.limits
    with st.form("limits-packs-form"):
        now = list(limits.packs)
        chosen = st.multiselect(
            "Packs that judge this design", list(dict.fromkeys([*known(), *now])), now, format_func=label,
            key="limits-chosen", help="Key path limits.packs of the scenario.",
        )  # fmt: skip
        if st.form_submit_button("Judge by these", icon=":material/gavel:", type="primary"):
            limits_rules.take({"limits.packs": chosen})
    _changed(dict(limits.overrides), list(limits.skip), [rule.id for rule in limits.rules])
    st.header("Rules of a pack", anchor=False)
    name = st.selectbox("Pack", list(known()), format_func=label, key="limits-pack", bind="query-params")
    rules = [
        {
            "rule": rule["rule"],
            "limit": f"{SIGN[rule['comparison']]} {rule['limit']}",
            "parameters": rule["parameters"] or "-",
            "status": rule["status"].replace("_", " "),
            "confidence": rule["confidence"],
            "measured as": rule["formula"],
            "source": f"{rule['source']}; {rule['where']}",
            "note": rule["note"],
        }
        for rule in known()[name]["rules"]
    ]
    show.table(pd.DataFrame(rows_as_text(rules)), f"limits-pack-{name}")


def rows_as_text(rows: list[dict[str, Any]]) -> list[dict[str, str]]:
    """Return rows with a dash where nothing is known."""
    return [{key: "-" if value in (None, "") else str(value) for key, value in row.items()} for row in rows]


def _changed(overrides: dict[str, str], skip: list[str], own: list[str]) -> None:
    """Show what this design changes of its packs, with buttons that take it back."""
    for rule, limit in overrides.items():
        if _line(f"{rule}: limit {limit} in place of the pack's", f"limits-undo-{rule}"):
            limits_rules.take({"limits.overrides": {name: text for name, text in overrides.items() if name != rule}})
    for rule in skip:
        if _line(f"{rule}: left out", f"limits-unskip-{rule}"):
            limits_rules.take({"limits.skip": [name for name in skip if name != rule]})
    if own:
        st.caption(show.plain(f"Rules of its own: {', '.join(own)}."))


def _line(text: str, key: str) -> bool:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(show.plain(text), width="content")
        return st.button("Take back", key=key, icon=":material/undo:", type="tertiary", help=text)
