"""Long use of the dashboard by people who come and go: nothing is complained of, and memory stays flat."""

from __future__ import annotations

import os
import shutil
import time
from statistics import fmean

import pytest

from dashboard.navigation import SECTIONS
from tests.app.browser import CHROMIUM, Visitor, chromium, memory_kb, open_files, processes, server

MINUTES = float(os.environ.get("CLUSTERSIM_SOAK_MINUTES", "30"))
WARM_SHARE = 0.25
"""Of the time, at its beginning, in which caches fill."""
MOST_GROWTH = 1.10
MOST_FILES = 40
"""Files and sockets that the server may have open more than when it was warm."""
SEEDS = (1, 2, 3)
TITLES = [title for entries in SECTIONS.values() for _, title, _ in entries]


@pytest.mark.soak
@pytest.mark.browser
@pytest.mark.timeout(MINUTES * 60 + 900)
@pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine")
def test_memory_stays_flat_while_people_come_and_go(tmp_path, results_folder, small_link):
    stored = tmp_path / "results"
    shutil.copytree(results_folder, stored, copy_function=os.link)
    samples = []
    with server(stored) as (address, process), chromium() as browser:
        begun = time.monotonic()
        rounds = 0
        now = 0.0
        while now < MINUTES * 60:
            visit(browser, address, small_link, rounds)
            rounds += 1
            now = time.monotonic() - begun
            servers, workers = memory_of(process.pid)
            samples.append((now, servers, workers, open_files(process.pid)))
            told = f"server {servers:.0f} MB, workers {workers:.0f} MB, {samples[-1][3]} open"
            print(f"{now:7.0f} s, round {rounds}: {told}")
    warm = [one for one in samples if one[0] > WARM_SHARE * MINUTES * 60]
    third = len(warm) // 3
    assert third, "too short to tell"
    first, last = warm[:third], warm[-third:]
    for at, what in ((1, "server"), (2, "workers")):
        before, after = fmean(one[at] for one in first), fmean(one[at] for one in last)
        print(f"{what}: {before:.0f} MB, then {after:.0f} MB ({after / before - 1:+.1%})")
        assert after <= MOST_GROWTH * before, samples
    assert last[-1][3] <= first[0][3] + MOST_FILES


def memory_of(pid):
    """Return the memory of the server alone and of what it has started. [MB]"""
    return memory_kb([pid]) / 1e3, memory_kb(processes(pid)[1:]) / 1e3


def visit(browser, address, link, number):
    """Come, look at every page, zoom, have something run now and then, and go."""
    visitor = Visitor(browser, address, dark=number % 2 == 1, phone=number % 5 == 4)
    page = visitor.page
    visitor.open(link=link, set=f"seed={SEEDS[number % len(SEEDS)]}")
    page.get_by_role("button", name="Run again").wait_for(timeout=300_000)
    if number % 4 == 3:
        page.get_by_role("button", name="Run again").click()
        page.get_by_role("progressbar").first.wait_for()
        page.get_by_role("progressbar").first.wait_for(state="detached", timeout=300_000)
    query = {"link": link, "set": f"seed={SEEDS[number % len(SEEDS)]}"}
    for title in TITLES[1:]:
        if visitor.look == "phone":
            visitor.open(title.lower(), **query)
        else:
            visitor.go(title)
        if title == "Power":
            for name in ("1 min", "100 ms", "Back"):
                page.get_by_role("button", name=name, exact=True).click()
                visitor.still()
        if title == "Measured":
            page.get_by_role("button", name="Try the example").click()
            page.get_by_role("button", name="Assess").click(timeout=120_000)
            page.get_by_test_id("stMetric").first.wait_for(timeout=120_000)
    visitor.content()
    visitor.close()
