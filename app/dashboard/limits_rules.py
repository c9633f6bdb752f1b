"""The verdict of a run: rules with their margins, filtered, and the evidence of the one that is chosen."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from clustersim.errors import InputError
from clustersim.report.dark import PARTNERS
from clustersim.report.evidence import Evidence, evidence_of, evidence_words
from clustersim.report.evidence_figures import evidence_figure, has_times, view_s
from clustersim.report.figures import margins
from clustersim.report.rules import rules_asked
from clustersim.report.verdict import ORDER
from clustersim.report.verdict_rows import shown_rows, verdict_rows
from clustersim.report.words import counted
from clustersim.study.result import Result
from dashboard import results, show, state, theme

ICONS = {"FAIL": "✕ FAIL", "not judged": "○ not judged", "PASS": "✓ PASS"}
COLOURS = {"FAIL": "#b3440a", "not judged": "#52606d", "PASS": "#00735a"}
MOST_ROWS = 12
"""Rows of the table that are seen at once."""
NO_TIMES = "The evidence of this rule is no course over time: there is no window to see more of."
CARDS = (("rules_failed", "Rules broken"), ("rules_not_judged", "Not judged"))
SHOWN = (
    "verdict", "rule", "where", "measured", "limit", "margin_percent", "window", "decided", "issuer", "applies", "pack",
    "says", "source",
)  # fmt: skip


@st.cache_data(max_entries=16, show_spinner=False)
def rows_of(folder: str) -> pd.DataFrame:
    """Return the verdict of a stored result as rows."""
    return verdict_rows(results.loaded(folder))


def rules(result: Result) -> None:
    """Show the verdict of a run."""
    rows = rows_of(str(results.folder_of(result.name, result.run_id)))
    if rows.empty:
        show.empty("No rule judged this run.", "Packs, on the next tab, has the rules to choose from.")
        return
    _headline(result, rows)
    _verdict(result, rows)


def _headline(result: Result, rows: pd.DataFrame) -> None:
    failed = list(dict.fromkeys(rows.loc[rows["verdict"] == "FAIL", "rule"]))
    if failed:
        st.error(f"{counted(len(failed), 'rule')} broken: {show.plain(', '.join(failed))}.", icon=":material/cancel:")
    elif (rows["verdict"] == "not judged").all():
        st.info("No rule could be judged; the table tells why.", icon=":material/help:")
    else:
        st.success("Every rule that could be judged is kept.", icon=":material/check_circle:")
    show.metrics(result.summary, CARDS, result.reasons)


@st.fragment
def _verdict(result: Result, rows: pd.DataFrame) -> None:
    found = _filtered(rows)
    if found.empty:
        show.empty("No rule is left.", "Take a filter away.")
        return
    names = [_name(row) for row in found.to_dict("records")]
    _take_row(names)
    _table(found, result.run_id)
    left, right = st.columns([3, 2])
    with left:
        if st.session_state.get("limits-rule") not in (None, *names):
            del st.session_state["limits-rule"]
        name = st.selectbox(
            "Evidence of", names, key="limits-rule", bind="query-params",
            help="Or click a row of the table.",
        )  # fmt: skip
    row = found.iloc[names.index(name)]
    evidence = evidence_of(result, row["rule"], row["where"])
    timed = has_times(evidence)
    with right:
        whole = st.toggle(
            "The whole window", key="limits-whole", bind="query-params", disabled=not timed,
            help="All of the record, not only what lies around the stretch that decides." if timed else NO_TIMES,
        )  # fmt: skip
    _evidence(result, evidence, row, whole and timed)
    judged = result.verdict[[passed is not None for passed in result.verdict["passed"]]]
    judged = judged[[_name(one) in names for one in judged.rename(columns={"node": "where"}).to_dict("records")]]
    if not judged.empty:
        show.figure(
            margins(judged), f"limits-margins-{len(judged)}", "Margins of all rules shown",
            "How much of its limit each rule uses: a circle left of 1 is kept, a cross right of it is broken.",
            file="margins",
        )  # fmt: skip


def _name(row: Mapping[Any, Any]) -> str:
    return f"{row['rule']}, {row['where']}"


def _filtered(rows: pd.DataFrame) -> pd.DataFrame:
    known = list(dict.fromkeys(pack for packs in rows["pack"] for pack in packs.split(", ")))
    kept = [one for one in st.session_state.get("limits-packs") or [] if one in known]
    if kept != (st.session_state.get("limits-packs") or []):
        st.session_state["limits-packs"] = kept
    with st.container(horizontal=True, gap="medium", vertical_alignment="bottom"):
        verdicts = st.pills(
            "Verdict", ORDER, selection_mode="multi", key="limits-verdicts", format_func=ICONS.__getitem__,
            bind="query-params",
        )  # fmt: skip
        packs = st.multiselect(
            "Pack", known, key="limits-packs", placeholder="all packs", bind="query-params", width=320
        )
    return shown_rows(rows, verdicts, packs)


def _table(rows: pd.DataFrame, run_id: str) -> None:
    shown = rows[list(SHOWN)].copy()
    shown["verdict"] = [ICONS[word] for word in shown["verdict"]]
    ground = PARTNERS if theme.is_dark() else {}
    colours = {ICONS[word]: f"color: {ground.get(tone, tone)}; font-weight: 600" for word, tone in COLOURS.items()}
    config = {
        "margin_percent": st.column_config.NumberColumn(
            "margin", format="%+.3g %%", help="Relative to the limit; positive where the rule is kept."
        ),
        "says": st.column_config.TextColumn("what it says", width="medium"),
        "source": st.column_config.TextColumn(width="medium"),
        "issuer": st.column_config.TextColumn("whose", help="Who asks it: an operator, a standard, an example."),
        "applies": st.column_config.TextColumn(
            "asked here", help="Empty where the rule is one of the site's own grid, or of none in particular."
        ),
        "decided": st.column_config.TextColumn("decided at", help="In the window, from its beginning."),
    }
    st.session_state["limits-drawn"] = f"limits-table-{run_id}-{len(rows)}"
    coloured = shown.style.map(lambda word: colours[str(word)], subset=["verdict"])
    st.dataframe(
        coloured, hide_index=True, width="stretch", key=st.session_state["limits-drawn"], column_config=config,
        on_select="rerun", selection_mode="single-row",
        height="content" if len(rows) <= MOST_ROWS else 38 + 35 * MOST_ROWS,
        alt="Verdict of every rule with margin, window and source",
    )  # fmt: skip


def _take_row(names: list[str]) -> None:
    """Choose the rule whose row was clicked, once."""
    drawn = st.session_state.get(st.session_state.get("limits-drawn", "limits-drawn"))
    rows = drawn["selection"]["rows"] if isinstance(drawn, dict) else []
    if rows != st.session_state.get("limits-clicked"):
        st.session_state["limits-clicked"] = rows
        if rows and rows[0] < len(names):
            st.session_state["limits-rule"] = names[rows[0]]


def _evidence(result: Result, found: Evidence, row: Any, whole: bool) -> None:
    drawn = evidence_figure(found, result.verdict, whole)
    first, last = view_s(found, whole)
    st.header(f"{ICONS[row['verdict']]}: {show.plain(row['rule'])}", anchor=False)
    st.markdown(f"{show.plain(evidence_words(found))}.")
    if drawn is not None:
        span = f", {first:.2f} to {last:.2f} s" if last > first else ""
        show.figure(
            drawn, f"limits-evidence-{result.run_id}-{row['rule']}-{row['where']}-{whole}",
            f"{row['where']}: {row['says']}{span}", _reading(found), file=f"evidence-{row['rule']}",
        )  # fmt: skip
    whose = f"rule of {row['issuer']}" + (f", {row['applies']}" if row["applies"] else "")
    told = [f"Pack: {row['pack']}", whose, f"status: {row['status']}", f"source: {row['source']}"]
    st.caption(show.plain("; ".join(told) + (f". {row['reason']}" if row["reason"] else "")))
    said = " ".join(["clustersim evidence", shlex.quote(result.name), shlex.quote(found.rule.id)])
    st.caption(f"On the command line: {show.plain(said)}")
    if found.rule.formula:
        st.caption(show.plain(f"Measured as: {found.rule.formula}"))
    if found.rule.measure != "rating":
        _other_limit(found)


def _reading(found: Evidence) -> str:
    if found.record is None:
        return "What was found, against its limit; the dashed line is the limit."
    if found.deciding is not None and not found.deciding.allowed:
        return "The stretch or band that decides is shaded."
    return (
        "The stretch that decides is shaded; dashed is the level that would just keep the rule, dotted what was found."
    )


def _other_limit(found: Evidence) -> None:
    """Offer another limit of the rule for the draft, or to leave it out."""
    scenario = state.scenario()
    if scenario is None:
        return
    try:
        asked = {rule.id for rule in rules_asked(scenario)}
    except InputError as error:
        st.error(show.plain(str(error)), icon=":material/error:")
        return
    if found.rule.id not in asked:
        return
    with st.expander("Judge the draft by another limit", icon=":material/tune:"):
        with st.form(f"limits-other-{found.rule.id}", border=False):
            limit = st.text_input(
                "Limit", found.rule.limit, max_chars=60, key=f"limits-limit-{found.rule.id}",
                help="A number and a unit, such as 30 MW/min; the rule then counts as your own.",
            )  # fmt: skip
            with st.container(horizontal=True):
                sent = st.form_submit_button("Set the limit", key="limits-set")
                out = st.form_submit_button("Leave the rule out", key="limits-skip")
        if sent:
            take({"limits.overrides": {**scenario.limits.overrides, found.rule.id: limit.strip()}})
        elif out:
            take({"limits.skip": [*scenario.limits.skip, found.rule.id]})


def take(settings: Mapping[str, Any]) -> None:
    """Take settings into the draft, or say what is wrong with them and leave it as it is."""
    try:
        rules_asked(state.draft().changed(settings).scenario())
    except InputError as error:
        st.error(show.plain(str(error)), icon=":material/error:")
        return
    state.change(settings)
    st.rerun()
