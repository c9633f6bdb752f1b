"""Four people at once who come, change, run, look around and go: each sees their own, and memory stays flat."""

from __future__ import annotations

import os
import shutil
import time
from statistics import fmean

import pytest

from clustersim.scenario import Draft, run_id
from dashboard.navigation import SECTIONS
from tests.app.browser import CHROMIUM, Visitor, chromium, memory_kb, open_files, processes, runs, server, summary

MINUTES = float(os.environ.get("CLUSTERSIM_SOAK_MINUTES", "30"))
WARM_SHARE = 0.25
"""Of the time, at its beginning, in which caches fill."""
MOST_GROWTH = 1.10
MOST_FILES = 40
"""Files and sockets that the server may have open more than when it was warm."""
ASSESS_ROUNDS = 2
"""Every so many rounds somebody has a trace assessed, and somebody a run made again."""
RUNS_S = 120.0
"""In which the runs of all four are done, others' work on the machine beside them."""
SEED = 79
CHANGES = (f"seed={SEED}", f"seed={SEED}", "operation.horizon=4 d", None)
"""What each of the four changes: two the same, one something else, one nothing."""
TITLES = [title for entries in SECTIONS.values() for _, title, _ in entries]
SOME_TITLES = ["Limits", "Overview"]

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine"),
]


@pytest.fixture
def stored(tmp_path, results_folder):
    """A folder with the small run in it, for this test alone."""
    shutil.copytree(results_folder, tmp_path / "results", copy_function=os.link)
    return tmp_path / "results"


def address_of(link, change):
    return {"link": link} | ({} if change is None else {"set": change})


def afternoon(visitor, query, titles, assess=False, again=False):
    """Come, have something run, look at pages and go; yields between two steps, so that others have their turn."""
    page = visitor.page
    visitor.open(**query)
    yield
    done = page.get_by_role("button", name="Run again")
    end = time.monotonic() + RUNS_S
    while not done.is_visible():
        assert time.monotonic() < end, page.get_by_test_id("stMain").inner_text()[:1000]
        page.wait_for_timeout(100)
        yield
    visitor.still()
    if again:
        done.click()
        yield
        while not done.is_enabled():
            page.wait_for_timeout(100)
            yield
    for title in titles:
        if visitor.look == "phone":
            visitor.open(title.lower().replace("overview", ""), **query)
        else:
            visitor.go(title)
        yield
        if title == "Power":
            for name in ("1 min", "100 ms", "Back"):
                page.get_by_role("button", name=name, exact=True).click()
                visitor.still()
                yield
        if title == "Measured" and assess:
            page.get_by_role("button", name="Try the example").click()
            page.get_by_role("button", name="Assess").click()
            yield
            page.get_by_test_id("stMetric").first.wait_for()
        # nobody's change is anybody else's
        assert visitor.query().get("set") == ([query["set"]] if "set" in query else None)
    visitor.content()


def in_turn(people):
    """Let everybody take a step, then everybody the next one, until all have gone."""
    while people:
        people = [one for one in people if next(one, "gone") != "gone"]


def test_four_people_see_their_own(stored, small_link, small_result):
    before = runs(stored)
    with server(stored, workers=2) as (address, _), chromium() as browser:
        visitors = [Visitor(browser, address) for _ in CHANGES]
        queries = [address_of(small_link, change) for change in CHANGES]
        in_turn([afternoon(*one, SOME_TITLES) for one in zip(visitors, queries, strict=True)])
        identities = [
            run_id(Draft("small", small_result.scenario, change).scenario())
            for change in ({"seed": SEED}, {"seed": SEED}, {"operation.horizon": "4 d"}, {})
        ]
        for visitor, identity in zip(visitors, identities, strict=True):
            assert visitor.shows(summary(stored, f"small-{identity}"))
        # what two have asked for has run once
        assert runs(stored) - before == {f"small-{identity}" for identity in identities[1:3]}


@pytest.mark.soak
@pytest.mark.timeout(MINUTES * 60 + 900)
def test_memory_stays_flat_while_people_come_and_go(stored, small_link):
    samples = []
    with server(stored, workers=2) as (address, process), chromium() as browser:
        begun = time.monotonic()
        rounds = 0
        now = 0.0
        while now < MINUTES * 60:
            odd = rounds % ASSESS_ROUNDS == ASSESS_ROUNDS - 1
            visitors = [
                Visitor(browser, address, dark=(at + rounds) % 2 == 1, phone=at == rounds % 4)
                for at in range(len(CHANGES))
            ]
            in_turn(
                [
                    afternoon(visitor, address_of(small_link, change), TITLES, odd and at == 0, odd and at == 2)
                    for at, (visitor, change) in enumerate(zip(visitors, CHANGES, strict=True))
                ]
            )
            for visitor in visitors:
                visitor.close()
            rounds += 1
            now = time.monotonic() - begun
            servers, workers = memory_of(process.pid)
            samples.append((now, servers, workers, open_files(process.pid)))
            told = f"server {servers:.0f} MB, workers {workers:.0f} MB, {samples[-1][3]} open"
            print(f"{now:7.0f} s, round {rounds}: {told}", flush=True)
    warm = [one for one in samples if one[0] > WARM_SHARE * MINUTES * 60]
    third = len(warm) // 3
    assert third, "too short to tell"
    first, last = warm[:third], warm[-third:]
    for at, what in ((1, "server"), (2, "workers")):
        before, after = fmean(one[at] for one in first), fmean(one[at] for one in last)
        print(f"{what}: {before:.0f} MB, then {after:.0f} MB ({after / before - 1:+.1%})", flush=True)
        assert after <= MOST_GROWTH * before, samples
    assert last[-1][3] <= first[0][3] + MOST_FILES


def memory_of(pid):
    """Return the memory of the server alone and of what it has started. [MB]"""
    return memory_kb([pid]) / 1e3, memory_kb(processes(pid)[1:]) / 1e3
