"""What is public about the presets beside their stored results, and the statistics of the documentation."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import streamlit as st

from clustersim.report.documented import DocumentedTable, evidence
from clustersim.report.expected_shown import expected_rows, of_tables, reasons_of, statistics_text
from clustersim.study.result import Result
from dashboard import presets, results, show
from dashboard.settings import settings

DOCUMENTS = {
    "docs/validation.md": "Training steps",
    "docs/validation_collectives.md": "Collectives",
    "docs/validation_reliability.md": "Reliability",
}
HEADED = "docs/validation_collectives.md"
"""Page whose headline has more than all rows."""
MARKS = "`*`: built in from this very figure. `~` in the documentation: the band follows from the figure's confidence."


@st.cache_data(max_entries=128, show_spinner=False)
def _expected(folder: str, changed: float) -> pd.DataFrame:  # noqa: ARG001 (part of the key)
    path = Path(folder) / "expected.parquet"
    return pd.read_parquet(path) if path.is_file() else pd.DataFrame()


def _stored() -> tuple[dict[str, pd.DataFrame], list[str]]:
    """Return the tables of presets with a stored result, and the names of the others."""
    found, missing = {}, []
    for preset in presets.presets():
        folder = results.folder_of(preset.scenario_name, preset.run_id)
        if not results.has_result(preset.scenario_name, preset.run_id):
            missing.append(preset.name)
            continue
        table = _expected(str(folder), (folder / "manifest.json").stat().st_mtime)
        if len(table):
            found[preset.name] = table
    return found, missing


def public(result: Result | None) -> None:
    """Show public figures beside what the presets answer, over their own horizon."""
    stored, missing = _stored()
    if result is not None and len(result.expected):
        stored[result.name] = result.expected
    if missing:
        known = len(presets.presets())
        st.caption(
            f"{known - len(missing)} of {known} presets have a stored result in {settings().results.name}; the others "
            "join as they are run: open one, or leave the server to prepare them."
        )
    if not stored:
        show.empty(
            "No stored result has a public figure yet.", "Open a preset; below are the figures of the documentation."
        )
    else:
        table = of_tables(stored)
        st.markdown(show.plain(statistics_text(table)))
        chosen = st.selectbox(
            "Scenario", ["all", *sorted(stored)], key="validation-scenario", bind="query-params", width=320
        )
        shown = expected_rows(table)
        show.table(shown if chosen == "all" else shown[shown["scenario"] == chosen], "validation-expected")
        st.caption(f"Error is predicted over public less one. {MARKS}")
        with st.expander("Why figures are outside their band", icon=":material/help:"):
            for (name, key), reason in reasons_of(table).items():
                st.markdown(f"- {show.plain(f'{name}, {key}')}: {show.plain(reason or 'no reason is known.')}")
    document("docs/expectations.md", "Over one day, every scenario")


def document(path: str, heading: str) -> None:
    """Show one page of the documentation: what it says, and one of its tables."""
    page = next(one for one in evidence().pages if one.path == path)
    st.markdown(f"## {heading}")
    *before, last = page.says
    st.caption(f"{show.plain(page.path)} as of {page.date}, version {evidence().version}. {show.plain(last)}")
    if before:
        with st.expander("How to read it", icon=":material/help:"):
            for one in before:
                point = "- " if one.startswith("- ") else ""
                st.markdown(f"{point}{show.plain(one.removeprefix('- '))}")
    titles = [one.title for one in page.tables]
    chosen = titles[0]
    if len(titles) > 1:
        chosen = st.selectbox("Table", titles, key=f"validation-{path}", width=420)
    show.table(frame(page.table(chosen)), f"validation-table-{path}", placeholder="-")


def frame(table: DocumentedTable) -> pd.DataFrame:
    """Return a table of the documentation; columns of numbers become numbers, so that they sort as such."""
    found = pd.DataFrame(list(table.rows), columns=[name or " " for name in table.head])
    for name in found.columns:
        values = pd.to_numeric(found[name].str.replace(",", "").replace("-", None), errors="coerce")
        if values.notna().sum() == (~found[name].isin(["-", ""])).sum() and values.notna().any():
            found[name] = values
    return found


def overview() -> None:
    """Show how every table of measurements was met, in one line each."""
    rows = []
    for page, what in DOCUMENTS.items():
        found = next(one for one in evidence().pages if one.path == page)
        for title in (found.tables[0].title if page == HEADED else "All rows", "By use"):
            table = frame(found.table(title))
            rows += [
                {"what": what, **row, "page": page, "as of": found.date}
                for row in table.to_dict("records")
                if row["modelled"]
            ]
    counts = {name: st.column_config.NumberColumn(format="localized", width=70) for name in ("rows", "modelled")}
    show.table(
        pd.DataFrame(rows).rename(columns={" ": "of"}), "validation-overview", height="content", placeholder="-",
        column_config=counts | {"of": st.column_config.TextColumn(width=108)},
    )  # fmt: skip
    st.caption(
        "MAPE is the mean of the absolute errors, bias the mean error, P90 what nine in ten keep. Constants are fitted "
        "on rows marked fit alone; test rows were never fitted on."
    )
