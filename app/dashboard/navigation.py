"""The pages, their order and their addresses: each page says in its file where it stands."""

from __future__ import annotations

import ast
import logging
from pathlib import Path
from typing import NamedTuple

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from dashboard import preparation, state, theme

_log = logging.getLogger("clustersim.dashboard")
PAGES = Path(__file__).resolve().parents[1] / "screens"
FIRST = "overview"
SECTIONS = ("Plan", "Answers", "Studies", "Evidence")
"""Sections of the navigation, in order."""


class Entry(NamedTuple):
    """A page in the navigation, as its own file says."""

    place: float
    """In its section; pages are shown in rising order."""
    name: str
    """Of the file and of the address."""
    title: str
    icon: str
    """A name of Material Symbols."""


def entries(folder: Path = PAGES) -> dict[str, list[Entry]]:
    """Return the pages of a folder by section, in order; no page is run.

    A page is a file that says ``PAGE = {"section": ..., "place": ..., "title": ..., "icon": ...}``.

    Raises
    ------
    ValueError
        If a file has no such line, or its section is unknown.
    """
    found: dict[str, list[Entry]] = {section: [] for section in SECTIONS}
    for path in sorted(folder.glob("*.py")):
        said = next(
            (
                ast.literal_eval(node.value)
                for node in ast.parse(path.read_text(encoding="utf-8")).body
                if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "PAGE"
            ),
            None,
        )
        if said is None or said["section"] not in found:
            raise ValueError(f"{path.name}: expected PAGE with a section of {', '.join(SECTIONS)}, found {said}")
        found[said["section"]].append(Entry(said["place"], path.stem, said["title"], said["icon"]))
    return {section: sorted(pages) for section, pages in found.items()}


def open_page() -> None:
    """Show the page that the address asks for, with the navigation beside it."""
    pages = {
        section: [
            st.Page(
                page_file(entry.name),
                title=entry.title,
                icon=f":material/{entry.icon}:",
                url_path="" if entry.name == FIRST else entry.name,
                default=entry.name == FIRST,
            )
            for entry in of_section
        ]
        for section, of_section in entries(PAGES).items()
    }
    first = SECTIONS[0]
    title = pages[first][0].title
    # the page that opens first lives at the root; its name is an address too, which leads there
    pages[first].append(st.Page(lambda: _lead(pages[first][0]), title=title, url_path=FIRST, visibility="hidden"))
    page = st.navigation(pages, position="sidebar", expanded=True)
    theme.apply()
    state.restore()
    preparation.start()
    preparation.status()
    try:
        page.run()
    except Exception:
        # the reason goes to the server's log, where whoever runs it can see it; a visitor learns that it is not them
        _log.exception("fault in page %s", page.title)
        st.error(
            "A fault of the program; the server's log has the details. Other pages still work.",
            icon=":material/bug_report:",
        )


def _lead(page: StreamlitPage) -> None:
    """Open another page with what the address asks for."""
    st.switch_page(page, query_params={key: st.query_params.get_all(key) for key in st.query_params})


def page_file(name: str) -> Path:
    """Return the file of a page, for links to it."""
    return PAGES / f"{name}.py"
