"""A user's own table of measurements beside predictions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import plotly.io
import streamlit as st

from clustersim.background.records import Request
from clustersim.errors import InputError
from clustersim.report.validated import table_columns
from clustersim.report.words import number
from dashboard import own_files, show, work

MOST_MB = 20
SAYS = (
    f"CSV of up to {MOST_MB} MB: training steps, collectives, training across sites or reliability; its columns tell "
    "which."
)


def own() -> None:
    """Show what can be sent, and what came of it."""
    with st.form("validation-upload", border=True, clear_on_submit=True):
        file = st.file_uploader("Table of measurements", ["csv"], key="validation-file", max_upload_size=MOST_MB)
        st.caption(SAYS)
        sent = st.form_submit_button("Predict it", icon=":material/calculate:", type="primary")
    with st.expander("Which columns", icon=":material/table_chart:"):
        for kind, (needed, read) in table_columns().items():
            st.markdown(f"**{kind}**: needs {', '.join(f'`{name}`' for name in needed)}")
            if read:
                st.caption("also read: " + ", ".join(f"`{name}`" for name in read))
    if sent:
        try:
            path = own_files.kept([file] if file is not None else [], (".csv",), MOST_MB * 1_000_000)
        except InputError as error:
            st.error(show.plain(str(error)), icon=":material/error:")
            return
        before = st.session_state.get("validation-path")
        if before is not None:
            own_files.forget(Path(before))
        st.session_state["validation-path"] = str(path)
    known = st.session_state.get("validation-path")
    if known is None:
        show.empty("No table yet.", "Each row is predicted from what it says of itself, as clustersim validate does.")
        return
    path = Path(known)
    request = Request("validate", {"path": str(path), "out": str(path.parent)}, f"predicting {path.name}")
    if work.ticket_of(request) is None:
        work.ask(request)
    ended = work.answered(request, "validate", there=work.has_folder)
    if ended is not None:
        _answer(ended.answer, path.name)
    elif work.under_way(request):
        show.skeleton()


def _answer(found: Mapping[str, Any], name: str) -> None:
    folder = Path(found["folder"])
    overall = found["overall"]
    cards = (
        ("Rows predicted", f"{overall['modelled']:,} of {overall['rows']:,}", "`modelled`, `rows`"),
        ("Mean error", _percent(overall["mape_percent"]), "`mape_percent`: mean of absolute errors."),
        ("Median error", _percent(overall["median_percent"]), "`median_percent`: of absolute errors."),
        ("P90", _percent(overall["p90_percent"]), "`p90_percent`: nine in ten are below."),
        ("Bias", _percent(overall["bias_percent"]), "`bias_percent`: mean error, with its sign."),
    )
    st.caption(f"{show.plain(name)}: a table of {found['kind']}")
    with st.container(horizontal=True, gap="small"):
        for label, value, says in cards:
            st.metric(label, value, help=says, border=True, width=180)
    scatter = plotly.io.from_json((folder / "scatter.json").read_text(encoding="utf-8"))
    show.figure(
        scatter, "validation-scatter", "Predicted over measured",
        "The solid line is equality, the dotted ones 10 % from it. Point at a mark for its row.", file="scatter",
    )  # fmt: skip
    by = st.selectbox("Statistics by", list(found["groups"]), key="validation-by", width=220)
    groups = [{"group": group, **statistics} for group, statistics in found["groups"][by].items()]
    show.table(pd.DataFrame(groups), "validation-groups")
    if found["not_modelled"]:
        st.markdown(f"**Not modelled: {len(found['not_modelled']):,} rows**")
        counted = Counter(one["reason"] for one in found["not_modelled"])
        show.table(pd.DataFrame([{"rows": n, "reason": why} for why, n in counted.most_common()]), "validation-left")
    st.markdown("**Rows**")
    show.table(pd.read_csv(folder / "rows.csv"), "validation-rows")
    st.code(f"clustersim validate {name}", language="bash")
    with st.container(horizontal=True, gap="small"):
        for label, file, kind in (
            ("Rows (CSV)", "rows.csv", "text/csv"),
            ("Statistics (JSON)", "validation.json", "application/json"),
        ):
            st.download_button(
                label, (folder / file).read_bytes, file, kind, key=f"validation-{file}", on_click="ignore",
                icon=":material/download:",
            )  # fmt: skip


def _percent(value: float | None) -> str:
    return "not told" if value is None else f"{number(value)} %"
