"""The parts of the About page."""

from __future__ import annotations

import pandas as pd
import streamlit as st

import clustersim
from clustersim.report.catalog_tables import licences
from clustersim.report.cite import cite_bibtex, cite_text
from clustersim.report.documented import evidence
from clustersim.report.glossary import glossary
from clustersim.study.references import FILE, read_sources
from clustersim.study.result import Result
from dashboard import results, show, state
from dashboard.validation_published import frame

PURPOSE = (
    "clustersim simulates AI training megaclusters: how fast a job trains at a place, what its power looks like from "
    "one accelerator to the meter and from a millisecond to a month, whether plant and rules bear that power, what "
    "damping costs, and which of several designs is better."
)
NOT_FOR = (
    "A first answer for planning, not a study for an interconnection agreement: figures that nobody published are "
    "assumed, and each run lists them."
)
KEYS = (
    ("Tab, Shift+Tab", "go to the next or the last control"),
    ("Enter, Space", "press a button, open a list"),
    ("arrow keys", "move in a list, a slider or a table"),
    ("Esc", "close what is open"),
    ("Ctrl+F in a table", "look for text in it"),
    ("R", "run the page again"),
)
PRIVACY = (
    "Everything is computed on the machine that serves this page; nothing is sent elsewhere, and no figure is fetched. "
    "Links to sources leave it only when you open them. Uploaded traces and tables are seen by your tab alone and are "
    "removed when it is closed or loaded again, or after a day. Results of scenarios are stored in the folder that the "
    "server was given, under a name made of their contents: who has the same scenario sees the same result. The "
    "address of a page holds the scenario and every change to it; who has the address has those."
)


def what() -> None:
    """Show what this is, and what it is not for."""
    st.markdown(PURPOSE)
    st.markdown(NOT_FOR)
    st.caption(f"Version {clustersim.__version__}. Licence: Apache-2.0.")


def models() -> None:
    """Show what is modelled and how each part was held against something, then what is not modelled."""
    found = evidence()
    st.markdown(
        f"Each part of the program, what it was held against and how that came out, as of version {found.version}."
    )
    widths = {"room": 110, "what": 360, "held against": 290, "result": 230}
    shown = {name: st.column_config.TextColumn(width=width) for name, width in widths.items()}
    show.table(frame(found.modelled), "about-models", height="content", row_height=72, column_config=shown)
    st.markdown("**Not modelled**")
    st.markdown(show.plain(found.not_modelled))


def words() -> None:
    """Show the glossary."""
    show.table(pd.DataFrame(list(glossary().items()), columns=["word", "meaning"]), "about-words", height="content")
    st.caption("Every key of a summary with its unit and meaning is on the page Catalog.")


def cite(result: Result | None) -> None:
    """Show the references of the run in hand."""
    st.markdown("What a run's figures and models are from, for a bibliography:")
    if result is None:
        show.empty("No result is shown.", "Open a scenario on the page Overview; its references are then here.")
        return
    st.code(f"{state.draft().command('cite')} --bibtex", language="bash", wrap_lines=True)
    folder = results.folder_of(result.name, result.run_id)
    if not (folder / FILE).is_file():
        show.empty("This result does not hold its sources.", "Run it again: a run writes them beside its tables.")
        return
    figures = read_sources(folder / FILE)
    with st.expander(f"References of {show.plain(result.name)}", icon=":material/menu_book:"):
        st.code(cite_text(result, figures), language=None, wrap_lines=True, height=360)
    st.download_button(
        "References (BibTeX)", lambda: cite_bibtex(result, figures), f"{result.name}.bib", "application/x-bibtex",
        key="about-bibtex", on_click="ignore", icon=":material/download:",
    )  # fmt: skip


def use() -> None:
    """Show keys, sharing and privacy."""
    st.markdown("**Keyboard**")
    show.table(pd.DataFrame(KEYS, columns=["key", "does"]), "about-keys", height="content")
    st.markdown("**Sharing**")
    st.markdown(
        "Share, on top of a page, gives its address with the scenario, every change and what is shown, and the line "
        "that answers the same on the command line. Download gives scenario, report and results."
    )
    st.markdown("**Privacy**")
    st.markdown(PRIVACY)


def packages() -> None:
    """Show the packages that this one needs, with their licences."""
    found = licences()
    if not len(found):
        show.empty("The packages are not known here.", "clustersim was not installed as a package.")
        return
    show.table(found, "about-licences", height="content")
    st.caption("As each installed package tells it. clustersim itself: Apache-2.0.")
