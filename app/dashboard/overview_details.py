"""Below the headlines: what fails, what is public beside the answers, what was assumed, warned of and not judged."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from clustersim.report.expected_text import band_text, error_text, figure_text
from clustersim.report.sections.executive import answers, broken_rows
from clustersim.report.words import counted
from clustersim.study.expected import expected_errors
from clustersim.study.result import Result
from dashboard import show


def details(result: Result) -> None:
    """Show what stands behind the headlines of a result."""
    with st.expander("The answers in words", icon=":material/notes:"):
        for question, answer in answers(result):
            st.markdown(f"**{show.plain(question)}** {show.plain(answer)}")
    _broken(result)
    _expected(result)
    with st.container(gap="xsmall"):
        _warnings(result)
        _assumed(result)
        _unjudged(result)
        _missing(result)


def _rows(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Show a short table as text, which screen readers read and which needs no library of tables; it is escaped."""
    lines = [head, ["---"] * len(head), *([show.plain(cell).replace("\n", " ") for cell in row] for row in rows)]
    st.markdown("\n".join(f"| {' | '.join(line)} |" for line in lines))


def _broken(result: Result) -> None:
    rows = broken_rows(result.verdict)
    if not rows:
        return
    broken = int(result.verdict["passed"].eq(False).sum())
    st.header("What fails, and by how much", anchor=False)
    if broken > len(rows):
        st.caption(f"The worst {len(rows)} of {broken}; the page Limits has all.")
    with st.container(key="overview-broken"):
        _rows(("Rule or rating", "Where", "Found", "Limit", "Found over limit"), rows)


def _expected(result: Result) -> None:
    table = result.expected
    st.header("Predicted beside public", anchor=False)
    if table.empty:
        st.caption("Nothing is public about this design, or its scenario has no section `expect`.")
        return
    told = expected_errors(table)
    used = f" Met by construction, since the design was made from them: {told['used']}." if told["used"] else ""
    st.caption(f"{told['inside']} of {counted(int(told['judged']), 'prediction')} lie inside the public band.{used}")
    rows = []
    for row in table.to_dict("records"):
        unit = row["unit"]
        rows.append(
            (
                row["key"],
                figure_text(row["predicted"], unit),
                figure_text(row["public"], unit),
                band_text(row["low"], row["high"], unit),
                error_text(row["error_percent"]),
                _inside(row),
                "; ".join(str(row[name]) for name in ("source", "note", "reason") if row[name]),
            )
        )
    with st.container(key="overview-public"):
        _rows(("Figure", "Predicted", "Public", "Band", "Error", "Predicted is", "Source"), rows)


def _inside(row: Mapping[Hashable, Any]) -> str:
    """Return where an answer lies, in words."""
    if row["inside"] is None or pd.isna(row["inside"]):
        return "not judged"
    return ("inside" if row["inside"] else "OUTSIDE") + (", used in the design" if row["used"] else "")


def _warnings(result: Result) -> None:
    with st.expander(counted(len(result.warnings), "warning"), icon=":material/warning:"):
        for text in result.warnings:
            st.markdown(f"- {show.plain(text)}")
        if not result.warnings:
            st.caption("The run warned of nothing.")


@st.fragment
def _assumed(result: Result) -> None:
    head = f"{counted(len(result.assumed), 'figure')} that nobody published"
    with st.expander(
        head, icon=":material/psychology_alt:", key="overview-assumed-open", on_change="rerun", bind="query-params"
    ) as folded:
        if folded.open:
            st.caption("Estimates, or recalled from memory; everything else has a source on the page Catalog.")
            table = result.assumed[["key", "value", "source", "confidence"]].astype(str)
            show.table(table.rename(columns=str.capitalize), "overview-assumed")


def _unjudged(result: Result) -> None:
    rows = [row for row in result.verdict.to_dict("records") if row["passed"] is None]
    with st.expander(f"{counted(len(rows), 'rule')} not judged", icon=":material/help:"):
        if rows:
            _rows(("Rule", "Where", "Why"), [(row["rule"], row["node"], row["reason"]) for row in rows])
        else:
            st.caption("Every rule of the packs could be judged.")


def _missing(result: Result) -> None:
    with st.expander(f"{counted(len(result.reasons), 'answer')} without a value", icon=":material/remove_selection:"):
        if result.reasons:
            _rows(("Summary key", "Why it has no value"), list(result.reasons.items()))
        else:
            st.caption("Every summary key has a value.")
