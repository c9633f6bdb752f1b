"""What people do with the dashboard, in a real browser against the real server."""

from __future__ import annotations

import json
import os
import re
import shutil
import zipfile
from itertools import pairwise
from pathlib import PurePath

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
OPEN_POINT = "Open this point"
REFUSED = re.compile("expected|aliases|finite|cannot be read|not valid")


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
    told = [line.strip() for line in visitor.page.get_by_test_id("stMain").inner_text().splitlines() if line.strip()]
    return all(
        told[told.index(label) + 1] == short_answer(key, found.get(key))
        for question in questions(measured=False)
        for key, label in question.answers
    )


def typed(visitor, label, text):
    """Write into a field, as a person does who ends with Enter."""
    field = visitor.page.get_by_role("textbox", name=label, exact=True)
    field.fill(text)
    field.press("Enter")


def chosen(visitor, label, option):
    """Choose from a list by writing, as a person does."""
    visitor.page.get_by_role("combobox", name=label, exact=True).fill(option)
    visitor.page.get_by_role("option").filter(has_text=option).first.click()


def sent(visitor, path, button):
    """Send a file by the form that is open."""
    visitor.page.locator("input[type=file]:visible, [data-testid=stFileUploader]:visible input").first.set_input_files(
        path
    )
    visitor.page.get_by_test_id("stFileChip").first.wait_for()
    visitor.page.get_by_role("button", name=button, exact=True).click()


def download(visitor, label, path):
    """Keep what a button downloads."""
    with visitor.page.expect_download() as found:
        visitor.page.get_by_role("button", name=label).click()
    found.value.save_as(path)
    return path


def seconds(text):
    """Return a time of the Power page in seconds."""
    return float(text.removesuffix(" s"))


def run(visitor):
    visitor.page.get_by_role("button", name="Run", exact=True).click()


def test_a_link_opens_what_was_run(visitor, stored, small_link, small_result):
    visitor.open(link=small_link)
    assert shows(visitor, summary(stored, f"small-{small_result.run_id}"))
    assert visitor.page.get_by_text("No, not as it stands.").is_visible()
    visitor.picture("open-by-link")


def test_a_change_is_run_and_answered(visitor, stored, small_link):
    before = results(stored)
    visitor.open("design", link=small_link, **{"design-section": "Operation"})
    typed(visitor, "Horizon", "2 d")
    visitor.until(lambda query: query.get("set") == [SHORTER])
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
    visitor.open("design", link=small_link, **{"design-section": "Job", "design-part-job": "General"})
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
    (begun,), (ended,) = (visitor.query()[key] for key in ("power-from", "power-to"))
    assert seconds(begun) == pytest.approx(150.0, abs=3.0)
    assert seconds(ended) == pytest.approx(300.0, abs=3.0)
    visitor.still()
    visitor.picture("zoomed")
    visitor.page.reload()
    visitor.still()
    assert visitor.page.get_by_role("textbox", name="From", exact=True).input_value() == begun
    visitor.page.get_by_role("button", name="100 ms").click()
    visitor.until(lambda query: seconds(query["power-to"][0]) - seconds(query["power-from"][0]) < 0.11)
    visitor.page.get_by_role("button", name="Back").click()
    visitor.until(lambda query: query["power-from"] == [begun] and query["power-to"] == [ended])


def test_an_event_is_put_into_the_draft(visitor, small_link):
    visitor.open("plant", link=small_link, **{"plant-tab": "Events"})
    visitor.page.get_by_role("textbox", name="Duration *").fill("100 ms")
    visitor.page.get_by_role("textbox", name="Residual *").fill("40 %")
    visitor.page.get_by_role("button", name="Add the event").click()
    visitor.until(lambda query: "set" in query)
    assert visitor.query()["set"][0].startswith("plant.events=[{kind: voltage_dip, at: 36 h")
    visitor.page.get_by_text("1. Voltage dip").wait_for()
    visitor.page.reload()
    visitor.page.get_by_text("residual 40 %", exact=False).wait_for()
    visitor.picture("event")


def test_a_rule_has_evidence_and_sizing_is_begun_and_cancelled(visitor, small_link, small_result):
    broken = next(row for row in small_result.verdict.to_dict("records") if row["passed"] is False)
    visitor.open("limits", link=small_link)
    chosen(visitor, "Evidence of", f"{broken['rule']}, ")
    visitor.page.get_by_role("heading", name=broken["rule"]).wait_for()
    visitor.picture("evidence")
    visitor.page.get_by_role("tab", name="Size").click()
    visitor.page.get_by_role("button", name="Size it").click()
    visitor.page.get_by_role("button", name="Cancel").click()
    visitor.page.get_by_text("Cancelled; nothing was left half-written.").wait_for()


def test_two_designs_are_compared(visitor, small_link):
    visitor.open("compare", link=small_link, set=SHORTER)
    visitor.page.get_by_role("button", name="Run again").wait_for(timeout=RUN_MS)
    visitor.page.get_by_role("button", name="Keep this version").click()
    visitor.page.get_by_role("button", name="Undo all").click()
    visitor.until(lambda query: "set" not in query)
    chosen(visitor, "Designs", "horizon = 2 d")
    visitor.until(lambda query: len(query.get("compare-with", ())) == 2)
    visitor.page.locator("[data-testid=stDataFrame], .js-plotly-plot").first.wait_for()
    visitor.still()
    visitor.picture("two-designs")


def test_a_sweep_is_defined_run_and_a_point_opened(visitor, stored, small_link):
    visitor.open("sweep", link=small_link)
    chosen(visitor, "Add a field of the scenario", "job.sequence_length")
    typed(visitor, "Values, separated by commas", "4096, 8192")
    chosen(visitor, "How much is answered", "step: the training step")
    visitor.page.get_by_role("button", name="Run 2 points").click()
    visitor.page.get_by_text("2 rows are there").wait_for(timeout=RUN_MS)
    assert len(list(stored.glob("sweep-*"))) == 1
    visitor.page.get_by_test_id("stMain").get_by_role("radio", name="Explore").click(force=True)
    visitor.page.get_by_role("button", name=OPEN_POINT).first.wait_for()
    visitor.still()
    visitor.picture("sweep")
    visitor.page.get_by_role("button", name=OPEN_POINT).first.click()
    visitor.until(lambda query: any("sequence_length" in one for one in query.get("set", ())))


def test_a_trace_is_sent_and_judged_and_hostile_files_are_refused(visitor, tmp_path):
    visitor.open("measured")
    bomb = "a: &a [x, x, x, x]\n" + "".join(f"{b}: &{b} [*{a}, *{a}, *{a}, *{a}]\n" for a, b in pairwise("abcdefghij"))
    for name, text in (("bomb.yaml", bomb), ("huge.csv", "time,power\n0,1e400\n0.1,nan\n")):
        (tmp_path / name).write_text(text)
        sent(visitor, tmp_path / name, "Open")
        visitor.page.get_by_role("alert").filter(has_text=REFUSED).first.wait_for()
        if visitor.page.get_by_role("button", name="Close").is_visible():
            visitor.page.get_by_role("button", name="Close").click()
            visitor.still()
    rows = [f"{0.1 * at:.1f},{1e6 * (10 + 3 * (at // 20 % 2))}" for at in range(1200)]
    (tmp_path / "trace.csv").write_text("time_s,power_w\n" + "\n".join(rows))
    sent(visitor, tmp_path / "trace.csv", "Open")
    visitor.page.get_by_text("1,200 samples every 100 ms").wait_for()
    visitor.page.get_by_role("button", name="Assess").click()
    visitor.page.get_by_test_id("stMetric").first.wait_for()
    visitor.still()
    visitor.picture("measured-judged")


def test_a_link_brings_back_draft_and_page_for_somebody_else(visitor, browser, address, small_link):
    visitor.open("power", link=small_link, set=SHORTER, **{"power-window": "Crash"})
    visitor.page.get_by_role("button", name="Share").click()
    shared = visitor.page.get_by_test_id("stPopoverBody").locator("code").first.inner_text()
    other = Visitor(browser, address)
    other.page.goto(shared)
    other.still()
    assert other.page.get_by_role("heading", level=1).inner_text() == "Power"
    assert other.query()["set"] == [SHORTER]
    assert other.query()["power-window"] == ["Crash"]
    assert other.page.get_by_role("radio", name="Crash").is_checked()
    other.content()
    other.close()


def test_files_are_what_they_say_and_a_scenario_comes_back(visitor, stored, small_link, small_result, tmp_path):
    visitor.open(link=small_link)
    folder = stored / f"small-{small_result.run_id}"
    visitor.page.get_by_role("button", name="Download").first.click()
    files = {
        name: download(visitor, label, tmp_path / name)
        for label, name in (
            ("Scenario (YAML)", "small.yaml"),
            ("Report (HTML)", "report.html"),
            ("All results (ZIP)", "all.zip"),
        )
    }
    assert files["report.html"].read_bytes() == (folder / "report.html").read_bytes()
    with zipfile.ZipFile(files["all.zip"]) as archive:
        assert {PurePath(name).name for name in archive.namelist()} == {path.name for path in folder.iterdir()}
        assert {str(PurePath(name).parent) for name in archive.namelist()} == {folder.name}
        assert archive.read(f"{folder.name}/summary.json") == (folder / "summary.json").read_bytes()
    visitor.page.keyboard.press("Escape")
    visitor.open("sweep", scenario="gpt4_20k")
    visitor.page.get_by_role("button", name="Upload", exact=True).click()
    sent(visitor, files["small.yaml"], "Open it")
    visitor.until(lambda query: query.get("link", [""])[0].startswith(f"clustersim:run={small_result.run_id}&"))


def test_the_keyboard_alone_reaches_run(visitor, small_link):
    visitor.open("about", link=small_link)
    visitor.open("limits", link=small_link, set="seed=78")
    visitor.page.get_by_role("button", name="Cancel").click()
    button = visitor.page.get_by_role("button", name="Run", exact=True)
    button.wait_for()
    visitor.page.locator("body").press("Tab")
    for _ in range(40):
        if button.evaluate("element => element === document.activeElement"):
            break
        visitor.page.keyboard.press("Tab")
    else:
        pytest.fail("Run is not reached by Tab")
    visitor.page.keyboard.press("Enter")
    visitor.page.get_by_role("progressbar").first.wait_for()
    visitor.page.get_by_role("button", name="Cancel").click()
    visitor.page.get_by_text("Cancelled").first.wait_for()
