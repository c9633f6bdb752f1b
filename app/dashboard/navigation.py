"""The pages, their order and their addresses."""

from __future__ import annotations

import logging
from pathlib import Path

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from dashboard import preparation, state, theme

_log = logging.getLogger("clustersim.dashboard")
PAGES = Path(__file__).resolve().parents[1] / "screens"
FIRST = "overview"
SECTIONS = {
    "Plan": (("overview", "Overview", "map"), ("design", "Design", "account_tree")),
    "Answers": (
        ("training", "Training", "speed"),
        ("power", "Power", "electric_bolt"),
        ("plant", "Plant", "factory"),
        ("limits", "Limits", "gavel"),
    ),
    "Studies": (("compare", "Compare", "balance"), ("sweep", "Sweep", "scatter_plot")),
    "Evidence": (
        ("measured", "Measured", "monitoring"),
        ("validation", "Validation", "verified"),
        ("catalog", "Catalog", "menu_book"),
        ("about", "About", "info"),
    ),
}
"""Section -> name of the file and of the address, title, icon."""


def open_page() -> None:
    """Show the page that the address asks for, with the navigation beside it."""
    pages = {
        section: [
            st.Page(
                PAGES / f"{name}.py",
                title=title,
                icon=f":material/{icon}:",
                url_path="" if name == FIRST else name,
                default=name == FIRST,
            )
            for name, title, icon in entries
        ]
        for section, entries in SECTIONS.items()
    }
    first, title = next(iter(pages)), next(iter(SECTIONS.values()))[0][1]
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
