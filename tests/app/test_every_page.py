"""Every page in a real browser, light and dark and on a phone: photographed, and held against the rules of axe."""

from __future__ import annotations

import os
import shutil

import pytest

from tests.app.browser import CHROMIUM, PHONE, PICTURES, WIDE, Visitor, chromium, server

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine"),
]
TITLES = (
    "Overview", "Design", "Training", "Power", "Plant", "Limits", "Compare", "Sweep", "Measured", "Validation",
    "Catalog", "About",
)  # fmt: skip
OF_STREAMLIT = (
    # its navigation puts the headings of sections between the list and the entries
    ("list", "stSidebarNavItems"),
    ("listitem", "stSidebarNav"),
    ("listitem", "<li"),
    # the column of check boxes of its grid of data has no title
    ("empty-table-header", 'role="columnheader"'),
    # its field for files is a section for drawing alone, with a label
    ("presentation-role-conflict", '<section role="presentation"'),
)
"""Rule of axe, and what the place holds where Streamlit itself breaks it."""


@pytest.fixture(scope="module")
def visitors(tmp_path_factory, results_folder, small_link):
    """A visitor by scheme: a figure is made for the ground that the browser had when it came."""
    folder = tmp_path_factory.mktemp("every-page")
    shutil.copytree(results_folder, folder, copy_function=os.link, dirs_exist_ok=True)
    with server(folder) as (address, _), chromium() as browser:
        found = {"light": Visitor(browser, address), "dark": Visitor(browser, address, dark=True)}
        for visitor in found.values():
            visitor.open(link=small_link)
        yield found
        for visitor in found.values():
            visitor.close()


def ours(visitor):
    """Return what axe finds that is not Streamlit's own: rule, help, first place."""
    from axe_playwright_python.sync_playwright import Axe

    found = []
    for rule in Axe().run(visitor.page).response["violations"]:
        for node in rule["nodes"]:
            if not any(rule["id"] == name and part in node["html"] for name, part in OF_STREAMLIT):
                found.append((rule["id"], rule["help"], node["html"][:240], node.get("failureSummary", "")[:240]))
    return found


def photographed(visitor, name):
    PICTURES.mkdir(parents=True, exist_ok=True)
    visitor.page.screenshot(path=PICTURES / f"{name}.png")


SOON = {("light", "Overview"), ("dark", "Power")}
"""What every run of the tests looks at; the others are looked at when there is time."""
EVERY = [(scheme, title) for scheme in ("light", "dark") for title in TITLES]


@pytest.mark.parametrize(
    ("scheme", "title"), [one if one in SOON else pytest.param(*one, marks=pytest.mark.soak) for one in EVERY]
)
def test_a_page_can_be_read_by_everybody(visitors, scheme, title):
    visitor = visitors[scheme]
    if title != "Overview":  # which is open at first
        visitor.go(title)
    photographed(visitor, f"{title.lower()}-{scheme}")
    assert ours(visitor) == []
    if scheme == "light":
        visitor.page.set_viewport_size(PHONE)
        visitor.still()
        photographed(visitor, f"{title.lower()}-phone")
        # nothing makes the page itself wider than the phone
        assert visitor.page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
        visitor.page.set_viewport_size(WIDE)
        visitor.still()
    visitor.content()
