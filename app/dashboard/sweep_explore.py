"""The rows of a sweep: scatter with a front, all axes, what moves an answer, table; and opening a point."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from clustersim.errors import InputError
from clustersim.report.sensitivity import HEADS, bars, cells, how, notes
from clustersim.report.sweep import rows_text
from clustersim.report.sweep_figures import MOST_LINES, MOST_POINTS, parallel, scatter, thinned
from clustersim.study.questions import better_way
from clustersim.study.sensitivity.pareto import Aim, pareto_front
from clustersim.study.sweep.filtered import kept_rows
from clustersim.study.sweep.overview import Overview, numbers
from clustersim.study.sweep.point_draft import draft_of_point
from dashboard import address, navigation, show, state, sweep_stores

VIEWS = ("Scatter", "All axes", "What moves it", "Table")
WAYS = {"lower": "least", "higher": "most"}
MOST_COLUMNS, FIRST_COLUMNS = 8, 6
EVERY_S = 2.0
"""How often the rows of a store are read again while it is written. [s]"""
PLAIN = "-"
"""No colour."""


def chosen_store(writing: str | None) -> None:
    """Show the rows of the store that is chosen; while it is being written, they are read again and again.

    Parameters
    ----------
    writing : str, optional
        The store that a sweep of this session writes to; it is shown unless another one is chosen.
    """
    stores = sweep_stores.stores()
    if writing is not None and writing not in stores:
        st.fragment(_until_there, run_every=EVERY_S)(writing)
    if not stores:
        if writing is None:
            show.empty("No sweep is stored here.", "Define one and run it; its rows appear here as they are answered.")
        return
    first = writing if writing in stores else stores[0]
    name = address.choice("Sweep", stores, first, "sweep-store", width=420)
    # which one stands first changes with the next sweep
    st.query_params["sweep-store"] = name
    st.fragment(explore, run_every=EVERY_S if name == writing else None)(name)


def _until_there(name: str) -> None:
    """Wait for a store whose sweep has just begun."""
    if name in sweep_stores.stores():
        st.query_params["sweep-store"] = name
        st.session_state.pop("sweep-store", None)
        st.rerun()
    st.caption(f"{show.plain(name)} is being laid out; its rows appear here as they are answered.")


def explore(name: str) -> None:
    """Show the rows of a store as they are now."""
    folder = sweep_stores.folder_of(name)
    try:
        found = sweep_stores.seen(folder)
    except InputError as error:
        st.error(show.plain(str(error)), icon=":material/error:")
        return
    st.markdown(f"**{show.plain(found.title)}**")
    st.caption(show.plain(f"{found.name}: {rows_text(found)}"))
    for text, count in found.errors[:3]:
        st.warning(f"{count:,} failed: {show.plain(text[:300])}", icon=":material/warning:")
    good = found.table[found.table["error"].isna()]
    if good.empty:
        show.empty("No rows yet.", "They appear here as they are answered.")
        return
    where = address.text(
        "Keep points where", "sweep-where", placeholder="swing_mw <= 3 and mfu > 0.3",
        help="A formula of columns, in the units of the columns, as in `require` of a study.",
    )  # fmt: skip
    try:
        kept = kept_rows(good, where)
    except InputError as error:
        st.error(show.plain(str(error)), icon=":material/error:")
        kept = good
    if where:
        st.caption(f"{len(kept):,} of {len(good):,} rows are kept.")
    view = address.segments("Show", VIEWS, "sweep-show")
    if kept.empty:
        show.empty("No row is left.", "Loosen what points must meet.")
        return
    {"Scatter": _scatter, "All axes": _parallel, "What moves it": _moves, "Table": _table}[view](folder, found, kept)


def varying(found: Overview, table: pd.DataFrame, numeric: bool) -> list[str]:
    """Return the columns with more than one value: axes, chief answers, then the others."""
    own = ("index", "point_id", "error")
    order = dict.fromkeys([*found.axes, *found.chief, *(str(name) for name in table.columns if name not in own)])
    return [name for name in order if table[name].nunique() > 1 and (len(numbers(table, name)) or not numeric)]


def _scatter(folder: Path, found: Overview, table: pd.DataFrame) -> None:
    columns = varying(found, table, numeric=True)
    if len(columns) < 2:
        show.empty("There are no two columns of numbers that vary.", "Look at the table, or add an axis.")
        return
    answers = [name for name in columns if name not in found.axes] or columns
    y0 = next((name for name in answers if better_way(name)), answers[0])
    x0 = next(name for name in columns if name != y0)
    shades = [PLAIN, *varying(found, table, numeric=False)]
    shade0 = next((name for name in found.axes if name in shades and name != x0), PLAIN)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        x = _column("Across", columns, x0, "sweep-x")
        y = _column("Up", columns, y0, "sweep-y")
        colour = _column("Colour", shades, shade0, "sweep-colour")
        x_aim, y_aim = _aim("Better across", x, "sweep-better-x"), _aim("Better up", y, "sweep-better-y")
    drawn, note = thinned(table, MOST_POINTS)
    front = None
    if x_aim and y_aim and x != y:
        front = pareto_front(table, [x_aim, y_aim])
        note = f"{len(front):,} of {len(table):,} rows are on the front: no other is better on both. {note}"
    event = show.figure(
        scatter(drawn, x, y, None if colour == PLAIN else colour, front), "sweep-scatter", f"{y} over {x}",
        f"Each point is a row; drag a box to pick points. {note}".strip(), select=True,
    )  # fmt: skip
    picked = _picked(event)
    _open(folder, found, table[table["point_id"].isin(picked)] if picked else table, len(picked))


def _column(label: str, columns: Sequence[str], first: str, key: str) -> str:
    return address.choice(label, columns, first, key, width=200)


def _aim(label: str, column: str, key: str) -> Aim | None:
    ways = ["-", *WAYS.values()]
    better = WAYS.get(better_way(column) or "", "-")
    found = st.selectbox(
        label, ways, index=ways.index(better), key=f"{key}-{column}", width=120,
        help="With a better way of both columns, the front is drawn: the rows that no other one beats.",
    )  # fmt: skip
    return None if found == "-" else Aim(column, "min" if found == "least" else "max")


def _picked(event: Any) -> list[str]:
    """Return the identities of the points in the box."""
    points = event.selection.points if event is not None else []
    found = [one["customdata"] for one in points if one.get("customdata")]
    return list(dict.fromkeys(str(one[0] if isinstance(one, list) else one["0"]) for one in found))


def _parallel(folder: Path, found: Overview, table: pd.DataFrame) -> None:
    columns = varying(found, table, numeric=False)
    first = [name for name in (*found.axes, *found.chief) if name in columns][:FIRST_COLUMNS] or columns[:FIRST_COLUMNS]
    names = address.several("Columns", columns, first, "sweep-columns", max_selections=MOST_COLUMNS)
    if len(names) < 2:
        show.empty("Choose two columns or more.", "They stand side by side, from left to right.")
        return
    answers = [name for name in names if name not in found.axes]
    shade = _column("Colour", names, (answers or names)[-1], "sweep-shade")
    drawn, note = thinned(table, MOST_LINES)
    show.figure(
        parallel(drawn, names, shade), "sweep-parallel", "Every row across its columns",
        f"Each line is a row; each upright axis runs from its column's least to its greatest value. {note}".strip(),
    )  # fmt: skip
    _open(folder, found, table, 0)


def _moves(folder: Path, found: Overview, table: pd.DataFrame) -> None:  # noqa: ARG001 (all rows count here)
    try:
        swept = sweep_stores.swept(folder)
        answers = [name for name in dict.fromkeys((*found.chief, *swept.answers)) if name in swept.answers]
        if not answers:
            show.empty("No answer is a number.", "Keep an answer that is one.")
            return
        key = _column("Answer", answers, answers[0], "sweep-answer")
        analysis = sweep_stores.analysed(folder, key)
    except InputError as error:
        st.info(show.plain(str(error).replace(f"{folder}: ", "")), icon=":material/info:")
        return
    one, says = analysis.of_keys[0], how(swept.spec.combine)
    rows = cells(one)
    if rows:
        show.figure(bars(one), "sweep-moves", f"What moves {key}", f"All rows count, filtered or not: {says}.")
        show.table(pd.DataFrame(rows, columns=list(HEADS[one.kind])), "sweep-moves-rows", height="content")
    for note in notes(one):
        st.caption(show.plain(note.strip()))


def _table(folder: Path, found: Overview, table: pd.DataFrame) -> None:
    show.table(table, "sweep-rows")
    with st.container(horizontal=True, gap="small"):
        st.download_button(
            "CSV", lambda: table.to_csv(index=False), f"{folder.name}.csv", "text/csv", key="sweep-csv",
            on_click="ignore", icon=":material/download:",
        )  # fmt: skip
        st.download_button(
            "Parquet", lambda: _parquet(table), f"{folder.name}.parquet", "application/vnd.apache.parquet",
            key="sweep-parquet", on_click="ignore", icon=":material/download:",
        )  # fmt: skip
    _open(folder, found, table, 0)


def _parquet(table: pd.DataFrame) -> bytes:
    whole = io.BytesIO()
    table.to_parquet(whole, index=False)
    return whole.getvalue()


def _open(folder: Path, found: Overview, table: pd.DataFrame, picked: int) -> None:
    """Offer to open a point: by its identity, whatever row it stands in."""
    shown, note = thinned(table.drop_duplicates("point_id"), MOST_POINTS)
    labels = {str(row["point_id"]): _label(row, found) for row in shown.to_dict("records")}
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        point = st.selectbox(
            f"Point, of the {picked} picked" if picked else "Point", list(labels), key="sweep-point", width=620,
            format_func=lambda point: labels.get(point, point), help=note or None,
        )  # fmt: skip
        pressed = st.button(
            "Open this point", key="sweep-open", icon=":material/open_in_new:",
            help="Puts its scenario into your hand and goes to Overview.",
        )  # fmt: skip
    if not pressed or point is None:
        return
    try:
        draft = draft_of_point(folder, point)
    except InputError as error:
        st.error(show.plain(str(error)), icon=":material/error:")
        return
    state.edit(draft)
    st.session_state["restored"] = True
    st.switch_page(navigation.page_file("overview"))


def _label(row: dict[Any, Any], found: Overview) -> str:
    words = [
        f"{name} {row[name]:.5g}" if isinstance(row[name], float) else f"{name} {row[name]}" for name in found.axes
    ]
    return f"{row['index']}: {', '.join(words)}"
