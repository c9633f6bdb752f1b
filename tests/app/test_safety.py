"""What comes from outside is refused or shown as text; what goes wrong inside is told and logged."""

from __future__ import annotations

import copy
import logging
import os
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from clustersim.background import serve
from clustersim.background.queue import MOST_S, Queue
from clustersim.background.records import Request, State
from clustersim.catalog import catalog_digest
from clustersim.errors import InputError
from clustersim.power.measured_load import read_load
from clustersim.scenario import link_text, run_id
from clustersim.scenario.load import load_resolved
from dashboard import uploads

ROOT = Path(__file__).resolve().parents[2]
HOSTILE = "<img src=x onerror=alert(1)> [click](javascript:alert(1)) **bold** :red[x] $x$ `code`"
PAGES = (
    "overview", "design", "training", "power", "plant", "limits", "compare", "sweep", "measured", "validation",
    "catalog", "about",
)  # fmt: skip


class Sent:
    def __init__(self, name, content):
        self.name, self.content = name, content

    def getvalue(self):
        return self.content


BOMB = b"a: &a [x, x, x]\nb: &b [*a, *a, *a]\nc: [*b, *b, *b]\n"


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("s.yaml", BOMB, "aliases are not supported"),
        ("s.yaml", b"[" * 5000, "not valid YAML"),
        ("s.yaml", b"seed: " + b"9" * 5000, "not valid YAML"),
        ("s.yaml", b"as_of: 2024-13-45", "not valid YAML"),
        ("s.yaml", b"a: 1\na: 2", "given twice"),
        ("s.yaml", b"!!python/object/apply:os.system [id]", "not valid YAML"),
        ("s.yaml", b"\xff\xfe", "not valid YAML"),
        ("s.yaml", b"- a", "expected a mapping"),
        ("s.yaml", b"name: x\ntopology: ../../etc/passwd", "expected the name of a file"),
        ("s.yaml", b"name: x\nextends: /etc/passwd", "expected the name of a file"),
        ("s.yaml", b"#" * (uploads.MOST_BYTES + 1), "at most 1 MB"),
        ("../s.yaml", b"a: 1", "without a folder"),
        ("a\\b.yaml", b"a: 1", "without a folder"),
        ("a\0b.yaml", b"a: 1", "without a folder"),
        ("x" * 300 + ".yaml", b"a: 1", "without a folder"),
        ("s.html", b"<script>", "expected a scenario"),
    ],
)
def test_hostile_files_are_refused(name, content, says):
    with pytest.raises(InputError, match=says):
        uploads.draft_of([Sent(name, content)])


def test_too_many_files_and_two_of_one_name_are_refused():
    with pytest.raises(InputError, match="at most 10 files"):
        uploads.draft_of([Sent(f"{at}.yaml", b"a: 1") for at in range(11)])
    with pytest.raises(InputError, match="different names"):
        uploads.draft_of([Sent("a.yaml", b"a: 1"), Sent("a.yaml", b"a: 2")])


def test_a_load_record_that_grows_is_refused(tmp_path):
    (tmp_path / "bomb.yaml").write_bytes(BOMB)
    with pytest.raises(InputError, match="aliases are not supported"):
        read_load(tmp_path / "bomb.yaml")
    (tmp_path / "long.yaml").write_bytes(b"#" * 1_000_001)
    with pytest.raises(InputError, match="at most 1 MB"):
        read_load(tmp_path / "long.yaml")
    (tmp_path / "digits.yaml").write_bytes(b"kind: " + b"9" * 5000)
    with pytest.raises(InputError, match="not valid YAML"):
        read_load(tmp_path / "digits.yaml")


def test_a_downloaded_scenario_is_the_same_run_again(small_result):
    text = yaml.safe_dump(small_result.scenario, sort_keys=False)
    draft = uploads.draft_of([Sent("small.yaml", text.encode())])
    assert run_id(draft.scenario()) == small_result.run_id


@pytest.fixture(scope="module")
def hostile(tmp_path_factory, small_result):
    """A folder with a result whose names are markup, and its address."""
    tree = copy.deepcopy(small_result.scenario)
    tree["title"] = tree["topology"]["title"] = HOSTILE
    identity = run_id(load_resolved(tree, "hostile"))
    found = replace(small_result, scenario=tree, run_id=identity)
    folder = tmp_path_factory.mktemp("hostile")
    found.save(folder / f"small-{identity}", {"report.html": "<html></html>", "sources.csv": "kind\n"})
    return folder, link_text(identity, tree, catalog_digest())


@pytest.mark.parametrize("name", PAGES)
def test_names_of_files_are_shown_as_text(open_page, hostile, name):
    folder, link = hostile
    at = open_page(name, results=folder, link=link)
    for kind in ("markdown", "caption", "error", "warning", "info", "success", "header", "subheader", "title"):
        for one in at.get(kind):
            assert "<img src=x" not in one.value.replace("\\<", ""), (kind, one.value)
            assert "](javascript:" not in one.value.replace("\\]", ""), (kind, one.value)


@pytest.mark.parametrize(
    "query",
    [
        {"link": "clustersim:run=000000000000&version=1&catalog=000000000000&s=" + "A" * 1000},
        {"link": "clustersim:" + "x" * 400_000},
        {"scenario": "/etc/passwd"},
        {"scenario": "../../etc/passwd"},
        {"scenario": "<script>alert(1)</script>"},
        {"scenario": "gpt4_20k", "set": ["seed=1"] * 201},
        {"scenario": "gpt4_20k", "set": ["seed=" + "9" * 5000]},
        {"scenario": "gpt4_20k", "set": ["a=&a [x]"]},
    ],
)
def test_hostile_addresses_are_named_and_nothing_else_is_opened(open_page, query):
    at = open_page("sweep", **query)
    told = [one.value for kind in ("warning", "error") for one in at.get(kind)]
    assert told
    assert not any("<script>" in one.replace("\\<", "") for one in told)


def test_the_fault_of_a_page_is_told_and_logged(open_page, monkeypatch, caplog):
    from dashboard import bar

    at = open_page("sweep")

    def broken():
        raise RuntimeError("the reason")

    monkeypatch.setattr(bar, "head", broken)
    with caplog.at_level(logging.ERROR, logger="clustersim.dashboard"):
        at.run()
    assert any("A fault of the program" in one.value for one in at.error)
    assert "the reason" in caplog.text
    assert not any("the reason" in one.value for one in at.error)


def test_the_server_is_closed_by_default():
    told = tomllib.loads((ROOT / "app" / ".streamlit" / "config.toml").read_text())
    assert told["server"]["address"] == "127.0.0.1"
    assert told["server"]["enableXsrfProtection"] is True
    assert told["server"]["enableCORS"] is True
    assert told["client"]["showErrorDetails"] == "none"
    assert told["browser"]["gatherUsageStats"] is False


def test_a_request_that_takes_too_long_ends_with_a_message():
    now = [0.0]
    queue = Queue(1, clock=lambda: now[0])
    try:
        # a worker that is only told of: no process is started
        ticket = queue.submit(Request("run", {"name": "x"}), "somebody")

        class Busy:
            serving, nice, ready = ticket.id, 0, True

            def kill(self):
                pass

        with queue._lock:
            queue._tickets[ticket.id] = replace(ticket, state=State.RUNNING, started_s=0.0)
            busy = Busy()
            queue._workers.append(busy)
            now[0] = MOST_S + 1.0
            queue._end_overlong()
            assert busy not in queue._workers
        found = queue.ticket(ticket.id)
        assert found.state is State.FAILED
        assert "more than 4 h" in found.error
    finally:
        queue.close()


def test_a_request_may_not_take_the_whole_memory():
    whole = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    assert 0.5 * whole < serve._most_memory() < 0.7 * whole
