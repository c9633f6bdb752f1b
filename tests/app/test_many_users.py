"""Half an hour in which four people at a time come, change, run, look around and go: memory stays flat."""

from __future__ import annotations

import os
import shutil
import time

import pytest

from dashboard.navigation import entries
from tests.app.browser import CHROMIUM, Visitor, chromium, memory_kb, open_files, processes, server
from tests.app.people import address_of, afternoon, in_turn

MINUTES = float(os.environ.get("CLUSTERSIM_SOAK_MINUTES", "30"))
WARM_SHARE = 0.25
"""Of the time, at its beginning, in which caches fill."""
MOST_GROWTH = 1.10
MOST_PASSING = 1.5
"""What the server may hold at any time over the least when warm: results that somebody looks at come and go."""
MOST_FILES = 40
"""Files and sockets that the server may have open more than when it was warm."""
ASSESS_ROUNDS = 2
"""Every so many rounds somebody has a trace assessed, and somebody a run made again."""
CHANGES = ("seed=79", "seed=79", "operation.horizon=4 d", None)
"""What each of the four changes: two the same, one something else, one nothing."""
TITLES = [entry.title for pages in entries().values() for entry in pages]

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine"),
]


@pytest.fixture
def stored(tmp_path, results_folder):
    """A folder with the small run in it, for this test alone."""
    shutil.copytree(results_folder, tmp_path / "results", copy_function=os.link)
    return tmp_path / "results"


@pytest.mark.soak
@pytest.mark.timeout(MINUTES * 60 + 1500)
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
        # what passes through comes and goes by two hundred megabytes: what is held for ever is in the least
        before, after = min(one[at] for one in first), min(one[at] for one in last)
        print(f"{what}: {before:.0f} MB, then {after:.0f} MB ({after / before - 1:+.1%})", flush=True)
        assert after <= MOST_GROWTH * before, samples
    assert max(one[1] for one in warm) <= MOST_PASSING * min(one[1] for one in first), samples
    assert last[-1][3] <= first[0][3] + MOST_FILES


def memory_of(pid):
    """Return the memory of the server alone and of what it has started. [MB]"""
    return memory_kb([pid]) / 1e3, memory_kb(processes(pid)[1:]) / 1e3
