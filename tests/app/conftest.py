"""What tests of the pages share: the stored result of the small run, pages opened on it, a queue without processes."""

from __future__ import annotations

import sys
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
from streamlit.components.v2 import manifest_scanner
from streamlit.testing.v1 import AppTest

HOME = Path(__file__).resolve().parents[2] / "app" / "Home.py"
WAIT_S = 60


@pytest.fixture(scope="session", autouse=True)
def components_looked_for_once():
    """Read the installed packages once, as a server does at its start: every AppTest reads them again, in 0.2 s."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(manifest_scanner, "scan_component_manifests", cache(manifest_scanner.scan_component_manifests))
        yield


@pytest.fixture(scope="module", autouse=True)
def main_module_put_back():
    """Put the main module back: an AppTest leaves the app's script there, and processes spawned later would run it."""
    before = sys.modules["__main__"]
    yield
    sys.modules["__main__"] = before


@pytest.fixture(scope="session")
def small_link(small_result):
    """The address of the small run."""
    from clustersim.catalog import catalog_digest
    from clustersim.scenario import link_text

    return link_text(small_result.run_id, small_result.scenario, catalog_digest())


@pytest.fixture(scope="session")
def results_folder(tmp_path_factory, small_result, small_page, made_once):
    """A folder of results with the small run in it."""
    folder = tmp_path_factory.mktemp("dashboard-results")
    sources = "kind,entry,figure,value,confidence,id,title,url,date\n"
    small_result.save(folder / f"small-{small_result.run_id}", {"report.html": small_page, "sources.csv": sources})
    return folder


class StillQueue:
    """A queue that serves nothing: tests say what becomes of a request."""

    def __init__(self):
        self.asked = {}

    def warm(self):
        return None

    def submit(self, request, who):
        from clustersim.background.records import Ticket

        known = self.asked.get(request.digest)
        if known is None or known.state.over:
            self.asked[request.digest] = Ticket(request.digest, request)
        return self.asked[request.digest]

    def ticket(self, ticket_id):
        return self.asked.get(ticket_id)

    def tickets(self, who):
        return tuple(self.asked.values())

    def cancel(self, ticket_id, who):
        from clustersim.background.records import State

        self.becomes(ticket_id, state=State.CANCELLED)

    def becomes(self, ticket_id, **found):
        """Let a ticket become something: running, done, failed."""
        self.asked[ticket_id] = replace(self.asked[ticket_id], **found)

    def only(self, verb):
        """Return the only ticket of a verb."""
        found = [one for one in self.asked.values() if one.request.verb == verb]
        assert len(found) == 1, [one.request.verb for one in self.asked.values()]
        return found[0]


@pytest.fixture
def still_queue(monkeypatch):
    from dashboard import work

    found = StillQueue()
    monkeypatch.setattr(work, "queue", lambda: found)
    return found


@pytest.fixture
def open_page(monkeypatch, results_folder, small_link, still_queue):
    """Give a function that opens a page, on the small run unless told otherwise, and fails where the page does."""
    monkeypatch.setenv("CLUSTERSIM_RESULTS", str(results_folder))
    monkeypatch.setenv("CLUSTERSIM_PREPARE", "no")

    def open_page(name, results=None, **query):
        if results is not None:
            monkeypatch.setenv("CLUSTERSIM_RESULTS", str(results))
        at = AppTest.from_file(str(HOME), default_timeout=WAIT_S)
        for key, value in (query or {"link": small_link}).items():
            at.query_params[key] = value
        if name != "overview":
            # before the first run, as a browser that comes by the page's own address; the entry page is not drawn then
            at.switch_page(f"screens/{name}.py")
        at.run()
        assert not at.exception, at.exception
        assert at.title[0].value == name.capitalize()
        return at

    return open_page
