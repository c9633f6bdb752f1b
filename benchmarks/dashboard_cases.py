"""Benchmarks of the dashboard as a person meets it: a real browser, a server with a result in store.

They need Chromium; without one they are left out, which stderr says.
"""

from __future__ import annotations

import tempfile
import time
from functools import cache
from pathlib import Path
from statistics import median

from benchmarks.processes import output
from benchmarks.records import Benchmark, Found, UnmeasurableError
from tests.app.browser import CHROMIUM, Visitor, chromium, server

SCENARIO, OTHERS = "colossus_200k", ("deepseek_v3", "gpt4_20k")
LOADS = 7
ROUNDS = 3
PAINTED = "() => performance.getEntriesByName('first-contentful-paint')[0].startTime"
ANSWERED = """element => new Promise((done, failed) => {
    const app = document.querySelector('[data-testid=stApp]'), begun = performance.now();
    let ran = false;
    const watch = new MutationObserver(changes => {
        const state = app.dataset.testScriptState;
        // a quick answer begins and ends within one report, whose second change tells what was before
        ran = ran || state !== 'notRunning' || changes.some(change => change.oldValue !== 'notRunning');
        if (ran && state === 'notRunning') {
            watch.disconnect();
            requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now() - begun)));
        }
    });
    watch.observe(app, {attributeOldValue: true, attributeFilter: ['data-test-script-state']});
    setTimeout(() => failed(new Error('no answer')), 20000);
    element.click();
})"""
"""Clicks, and returns the time until the page has run and what it drew was painted. [ms]"""
CLICKS: dict[str, tuple[tuple[str, str], ...]] = {
    "Power": (
        ("button", "1 min"), ("button", "100 ms"), ("button", "Back"), ("button", "Out"),
        ("button", "Whole"), ("radio", "Node by node"), ("radio", "Spectrum"), ("radio", "Crash"), ("radio", "Steady"),
    ),
    "Plant": (("radio", "as an island"), ("radio", "beside the grid")),
    "Limits": (("button", "✕ FAIL"), ("button", "✕ FAIL")),
    "Training": (("radio", "Memory"), ("radio", "Days"), ("radio", "One step")),
}  # fmt: skip
"""Page -> what is clicked there, in this order: role and name. Each page ends as it began, for the next round."""


@cache
def _results() -> tempfile.TemporaryDirectory[str]:
    if CHROMIUM is None:
        raise UnmeasurableError("no chromium on this machine")
    folder = tempfile.TemporaryDirectory()
    for name in (SCENARIO, *OTHERS):
        output(["-m", "clustersim", "run", name, "--out", folder.name])
    return folder


@cache
def _measured() -> dict[str, list[float]]:
    """Return what a session finds: name of a benchmark -> times. [s]"""
    found: dict[str, list[float]] = {"paint": [], "numbers": [], "preset": [], "figure": [], "click": []}
    with server(Path(_results().name)) as (address, _), chromium() as browser:
        warm = Visitor(browser, address)
        for title in CLICKS:
            warm.open(title.lower(), scenario=SCENARIO)
        for _ in range(LOADS):
            _loads(Visitor(browser, address), found)
        for _ in range(ROUNDS):
            _clicks(warm, found["click"])
        warm.close()
    return found


def _loads(visitor: Visitor, found: dict[str, list[float]]) -> None:
    page = visitor.page
    begun = time.perf_counter()
    page.goto(f"{visitor.address}/?scenario={SCENARIO}", wait_until="commit")
    page.get_by_text("Tokens a second").first.wait_for()
    found["numbers"].append(time.perf_counter() - begun)
    found["paint"].append(1e-3 * page.evaluate(PAINTED))
    visitor.still()
    for name in (*OTHERS, SCENARIO):
        field = page.get_by_role("combobox", name="Scenario")
        field.click()
        field.press_sequentially(f"{name}:")
        page.get_by_role("option").filter(has_text=f"{name}:").first.wait_for()
        begun = time.perf_counter()
        field.press("Enter")
        visitor.until(lambda query, name=name: query.get("scenario") == [name])
        visitor.still()
        found["preset"].append(time.perf_counter() - begun)
    begun = time.perf_counter()
    page.get_by_test_id("stSidebarNav").get_by_role("link", name="Power", exact=True).click()
    page.locator(".js-plotly-plot .main-svg").first.wait_for()
    found["figure"].append(time.perf_counter() - begun)
    visitor.close()


def _clicks(visitor: Visitor, found: list[float]) -> None:
    for title, clicks in CLICKS.items():
        visitor.go(title)
        for role, name in clicks:
            place = visitor.page.get_by_role(role, name=name, exact=True).first
            place.wait_for()
            found.append(1e-3 * place.evaluate(ANSWERED))
            visitor.still()


def first_paint() -> Found:
    """First contentful paint of the Overview in a new browser session, median of seven; warm server."""
    return Found(median(_measured()["paint"]))


def first_numbers() -> Found:
    """From asking for the address to the headline numbers of a stored run, in a new session, median of seven."""
    return Found(median(_measured()["numbers"]))


def preset() -> Found:
    """From choosing a preset to its stored result on the Overview, slowest of twenty-one."""
    return Found(max(_measured()["preset"]))


def first_figure() -> Found:
    """From the link Power to its first figure, the figures' library loaded on the way, median of seven."""
    return Found(median(_measured()["figure"]))


def interaction() -> Found:
    """From a click on a control to what it shows, median over the controls of four pages, three rounds."""
    return Found(median(_measured()["click"]))


DASHBOARD_BENCHMARKS = (
    Benchmark("dashboard_first_paint", "s", 2.0, "lower", first_paint),
    Benchmark("dashboard_first_numbers", "s", 3.0, "lower", first_numbers),
    Benchmark("dashboard_preset", "s", 3.0, "lower", preset),
    Benchmark("dashboard_first_figure", "s", 5.0, "lower", first_figure),
    Benchmark("dashboard_interaction", "s", 0.3, "lower", interaction),
)
