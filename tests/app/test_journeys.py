"""What people do with the dashboard, in a real browser against the real server."""

from __future__ import annotations

import json
import os
import re
import shutil

import pytest

from clustersim.report.headline import questions
from clustersim.report.words import short_answer
from tests.app.browser import CHROMIUM, Visitor, chromium, server

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine"),
]
SHORTER = "operation.horizon=2 d"
RUN_MS = 240_000


@pytest.fixture(scope="module")
def stored(tmp_path_factory, results_folder):
    """A folder with the small run in it, for this module alone: journeys add to it."""
    folder = tmp_path_factory.mktemp("journeys")
    shutil.copytree(results_folder, folder, copy_function=os.link, dirs_exist_ok=True)
    return folder


@pytest.fixture(scope="module")
def address(stored):
    with server(stored) as (found, _):
        yield found


@pytest.fixture(scope="module")
def browser():
    with chromium() as found:
        yield found


@pytest.fixture
def visitor(browser, address):
    found = Visitor(browser, address)
    yield found
    found.content()
    found.close()


def results(folder):
    """Return the folders of results in a folder."""
    return {path.name for path in folder.iterdir() if path.is_dir()}


def summary(folder, name):
    return json.loads((folder / name / "summary.json").read_text())


def shows(visitor, found):
    """Whether the Overview page shows the headline numbers of a summary."""
    return all(
        visitor.metric(label) == short_answer(key, found.get(key))
        for question in questions(measured=False)
        for key, label in question.answers
    )


def typed(visitor, label, text):
    """Write into a field, as a person does who ends with Enter."""
    field = visitor.page.get_by_role("textbox", name=label, exact=True)
    field.fill(text)
    field.press("Enter")


def run(visitor):
    visitor.page.get_by_role("button", name="Run", exact=True).click()


def test_a_link_opens_what_was_run(visitor, stored, small_link, small_result):
    visitor.open(link=small_link)
    assert shows(visitor, summary(stored, f"small-{small_result.run_id}"))
    assert visitor.page.get_by_text("No, not as it stands.").is_visible()
    visitor.picture("open-by-link")


def test_a_change_is_run_and_answered(visitor, stored, small_link):
    before = results(stored)
    visitor.open("design", link=small_link, **{"design-section": "operation"})
    typed(visitor, "Horizon", "2 d")
    visitor.until(lambda query: query.get("set") == [SHORTER])
    assert visitor.page.get_by_text("Shown is the result from before these changes.").is_visible()
    run(visitor)
    visitor.page.get_by_role("progressbar").first.wait_for()
    visitor.picture("change-and-run")
    visitor.page.get_by_role("button", name="Run again").wait_for(timeout=RUN_MS)
    (made,) = results(stored) - before
    assert summary(stored, made)["horizon_s"] == 2 * 86400.0
    visitor.go("Overview")
    assert shows(visitor, summary(stored, made))


def test_a_run_is_cancelled_and_leaves_nothing(visitor, stored, small_link):
    before = results(stored)
    visitor.open("design", link=small_link, **{"design-section": "job", "design-part-job": "general"})
    typed(visitor, "Seed", "77")
    visitor.until(lambda query: query.get("set") == ["seed=77"])
    run(visitor)
    visitor.page.get_by_role("button", name="Cancel").click()
    visitor.page.get_by_text("Cancelled; nothing was left half-written.").wait_for()
    visitor.picture("cancelled")
    assert results(stored) == before
    assert visitor.page.get_by_role("button", name="Run", exact=True).is_enabled()


def test_power_is_zoomed_by_dragging(visitor, small_link):
    visitor.open("power", link=small_link)
    area = visitor.page.locator(".js-plotly-plot .nsewdrag").first
    area.scroll_into_view_if_needed()
    box = area.bounding_box()
    middle = box["y"] + 0.5 * box["height"]
    visitor.page.mouse.move(box["x"] + 0.25 * box["width"], middle)
    visitor.page.mouse.down()
    visitor.page.mouse.move(box["x"] + 0.5 * box["width"], middle, steps=6)
    visitor.page.mouse.up()
    visitor.until(lambda query: "power-from" in query and "power-to" in query)
    begin, end = (float(visitor.query()[key][0].removesuffix(" s")) for key in ("power-from", "power-to"))
    assert begin == pytest.approx(150.0, abs=3.0)
    assert end == pytest.approx(300.0, abs=3.0)
    visitor.still()
    visitor.picture("zoomed")
    visitor.page.reload()
    visitor.still()
    begun = visitor.page.get_by_role("textbox", name="From", exact=True)
    assert float(begun.input_value().removesuffix(" s")) == begin
    visitor.page.get_by_role("button", name="100 ms").click()
    visitor.until(lambda query: float(re.sub(r"[^0-9.]", "", query["power-from"][0])) > begin)
    visitor.page.get_by_role("button", name="Back").click()
    visitor.until(lambda query: query.get("power-from") == [f"{begin:g} s"])
