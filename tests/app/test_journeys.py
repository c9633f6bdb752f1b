"""What people do with the dashboard, in a real browser against the real server."""

from __future__ import annotations

import os
import re
import shutil
import zipfile
from pathlib import PurePath

import pytest

from clustersim.scenario import Draft, run_id
from tests.app.browser import CHROMIUM, Visitor, chromium, runs, server, summary
from tests.app.people import address_of, afternoon, in_turn

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine"),
]
SEED = 79
OTHER = f"seed={SEED}"
"""A change whose run one journey makes, and others find."""


@pytest.fixture(scope="module")
def stored(tmp_path_factory, results_folder):
    """A folder with the small run in it, for this module alone: journeys add to it."""
    folder = tmp_path_factory.mktemp("journeys")
    shutil.copytree(results_folder, folder, copy_function=os.link, dirs_exist_ok=True)
    return folder


@pytest.fixture(scope="module")
def address(stored):
    with server(stored, workers=2) as (found, _):
        yield found


@pytest.fixture(scope="module")
def browser():
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def first(browser, address):
    """Who came first: the browser keeps the scripts of Streamlit, which it would translate again for every tab."""
    found = Visitor(browser, address)
    yield found
    found.close()


@pytest.fixture
def visitor(browser, address, first):
    found = Visitor(browser, address, beside=first)
    yield found
    found.content()
    found.close()


def typed(visitor, label, text):
    """Write into a field, as a person does who ends with Enter."""
    field = visitor.page.get_by_role("textbox", name=label, exact=True)
    field.fill(text)
    field.press("Enter")


def chosen(visitor, label, text):
    """Choose from a list that can be searched, as a person does who types a part of it and presses Enter."""
    field = visitor.page.get_by_role("combobox", name=label)
    field.click()
    field.press_sequentially(text, delay=20)
    visitor.page.get_by_role("option").filter(has_text=text).first.wait_for()
    field.press("Enter")


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


def drag(visitor):
    """Drag over the second quarter of the first chart."""
    area = visitor.page.locator(".js-plotly-plot .nsewdrag").first
    area.scroll_into_view_if_needed()
    box = area.bounding_box()
    middle = box["y"] + 0.5 * box["height"]
    visitor.page.mouse.move(box["x"] + 0.25 * box["width"], middle)
    visitor.page.mouse.down()
    visitor.page.mouse.move(box["x"] + 0.5 * box["width"], middle, steps=6)
    visitor.page.mouse.up()


def run(visitor):
    visitor.page.get_by_role("button", name="Run", exact=True).click()


def test_a_link_opens_what_was_run(visitor, stored, small_link, small_result):
    visitor.open(link=small_link)
    assert visitor.shows(summary(stored, f"small-{small_result.run_id}"))
    assert visitor.page.get_by_text("Not by every rule.").is_visible()
    visitor.picture("open-by-link")


def test_a_change_is_run_and_compared_with_what_was_before(visitor, stored, small_link, small_result):
    visitor.open("design", link=small_link, **{"design-section": "Job", "design-part-job": "General"})
    typed(visitor, "Seed", str(SEED))
    visitor.until(lambda query: query.get("set") == [OTHER])
    visitor.go("Overview")
    assert visitor.shows(summary(stored, f"small-{small_result.run_id}"))
    assert visitor.page.get_by_text("Shown is the result from before these changes.").is_visible()
    before = runs(stored)
    run(visitor)
    visitor.page.get_by_role("progressbar").first.wait_for()
    visitor.page.get_by_role("button", name="Run again").wait_for()
    visitor.still()
    (made,) = runs(stored) - before
    assert made == f"small-{run_id(Draft('small', small_result.scenario, {'seed': SEED}).scenario())}"
    assert visitor.shows(summary(stored, made))
    visitor.picture("run")
    visitor.go("Compare")
    visitor.page.get_by_role("button", name="Keep this version").click()
    visitor.page.get_by_role("button", name="Undo all").click()
    visitor.page.get_by_role("button", name="Undo all").wait_for(state="detached")
    chosen(visitor, "Designs", f"seed = {SEED}")
    visitor.page.keyboard.press("Escape")  # the list stays open for a third
    # both have their results already: nothing runs
    visitor.page.get_by_text("Inputs that differ (1)").wait_for()
    visitor.still()
    assert visitor.page.get_by_text(f"small (seed = {SEED})").first.is_visible()
    visitor.page.get_by_role("radio", name="Waveforms").click()
    visitor.page.locator(".js-plotly-plot").first.wait_for()
    visitor.still()
    visitor.picture("compared")


@pytest.mark.soak
def test_what_decides_a_rule_is_shown_and_its_remedy_is_sized(visitor, small_link):
    visitor.open("limits", link=small_link)
    chosen(visitor, "Evidence of", "ercot-5s-range")
    visitor.until(lambda query: query.get("limits-rule") == ["ercot-5s-range, memphis"])
    heading = visitor.page.get_by_role("heading", name="ercot-5s-range")
    heading.wait_for()
    visitor.picture("evidence")
    visitor.page.reload()
    heading.wait_for()
    visitor.still()
    visitor.page.get_by_text("Judge the draft by another limit").click()
    visitor.page.get_by_role("textbox", name="Limit", exact=True).fill("3 MW")
    visitor.page.get_by_role("button", name="Set the limit").click()
    visitor.until(lambda query: query.get("set") == ["limits.overrides={ercot-5s-range: 3 MW}"])
    visitor.page.get_by_role("tab", name="Size").click()
    visitor.page.get_by_role("button", name="Size it").click()
    visitor.page.get_by_text("sizing of small").wait_for()
    visitor.picture("sizing")
    visitor.page.get_by_role("button", name="Cancel").click()
    visitor.page.get_by_text("Cancelled; nothing was left half-written.").wait_for()


def test_a_sweep_is_defined_run_and_explored_and_a_point_opened(visitor, stored, small_link, small_result):
    visitor.open("sweep", link=small_link)
    chosen(visitor, "Add a field of the scenario", "seed")
    visitor.page.get_by_role("textbox", name="Values, separated by commas").wait_for()
    typed(visitor, "Values, separated by commas", "5, 6, 7")
    chosen(visitor, "How much is answered", "step: the training step")
    visitor.page.get_by_role("button", name="Run 3 points").click()
    visitor.page.get_by_role("progressbar").first.wait_for()
    visitor.page.get_by_role("radio", name="Explore").click()
    visitor.page.get_by_text("3 rows are there").wait_for()
    visitor.page.locator(".js-plotly-plot").first.wait_for()
    visitor.still()
    visitor.picture("swept")
    (store,) = stored.glob("sweep-*")
    assert store.name == visitor.query()["sweep-store"][0]
    visitor.page.get_by_role("button", name="Open this point").click()
    visitor.page.get_by_role("heading", name="Overview", level=1).wait_for()
    first = run_id(Draft("small", small_result.scenario, {"seed": 5}).scenario())
    visitor.until(lambda query: query["link"][0].startswith(f"clustersim:run={first}&"))
    visitor.page.get_by_role("button", name="Run again").wait_for()
    assert f"small-{first}" in runs(stored)


@pytest.mark.soak
def test_a_trace_is_judged_and_fitted_as_the_command_line_does(visitor):
    visitor.open("measured")
    visitor.page.get_by_role("button", name="Try the example").click()
    visitor.page.get_by_role("button", name="Assess").click()
    visitor.page.get_by_test_id("stMetric").first.wait_for()
    visitor.still()
    visitor.picture("assessed")
    mean = visitor.metric("Mean")
    visitor.page.get_by_role("radio", name="Rules").click()
    visitor.page.get_by_text("As the command line prints it").click()
    printed = visitor.page.get_by_text("POWER OF THE JOB").inner_text()
    assert float(re.search(r"mean (\S+) kW", printed)[1]) == pytest.approx(float(mean.removesuffix(" kW")), rel=2e-3)
    visitor.page.get_by_role("radio", name="Spectrum").click()
    visitor.page.locator(".js-plotly-plot").first.wait_for()
    visitor.still()
    visitor.page.reload()
    visitor.page.get_by_role("button", name="Close").wait_for()
    visitor.still()


def test_the_first_page_has_its_name_as_an_address_too(visitor, small_link):
    visitor.open("overview", link=small_link, set=OTHER)
    visitor.page.get_by_role("heading", name="Overview", exact=True, level=1).wait_for()
    visitor.until(lambda query: query.get("link") == [small_link] and query.get("set") == [OTHER])
    assert visitor.page.get_by_text("Page not found").count() == 0
    links = visitor.page.get_by_test_id("stSidebarNav").get_by_role("link")
    assert links.filter(has_text="Overview").count() == 1
    visitor.still()
    visitor.page.get_by_role("button", name="Undo all").click()
    visitor.until(lambda query: "set" not in query)


def test_a_run_is_cancelled_and_leaves_nothing(visitor, stored, small_link):
    before = runs(stored)
    # ten years take long enough to be cancelled: the run of three days can be over before the button is reached
    years = "operation.horizon=3650 d"
    visitor.open("design", link=small_link, set=years, **{"design-section": "Job", "design-part-job": "General"})
    typed(visitor, "Seed", "77")
    visitor.until(lambda query: "seed=77" in query.get("set", ()))
    assert years in visitor.query()["set"]
    run(visitor)
    visitor.page.get_by_role("button", name="Cancel").click()
    visitor.page.get_by_text("Cancelled; nothing was left half-written.").wait_for()
    visitor.picture("cancelled")
    assert runs(stored) == before
    assert visitor.page.get_by_role("button", name="Run", exact=True).is_enabled()


def test_power_is_zoomed_by_dragging(visitor, small_link):
    visitor.open("power", link=small_link)
    drag(visitor)
    visitor.until(lambda query: "power-from" in query and "power-to" in query)
    (begun,), (ended,) = (visitor.query()[key] for key in ("power-from", "power-to"))
    assert seconds(begun) == pytest.approx(150.0, abs=3.0)
    assert seconds(ended) == pytest.approx(300.0, abs=3.0)
    visitor.still()
    visitor.picture("zoomed")
    # its labels fit the room that is left: plotly need not draw it a second time
    shown = visitor.page.locator(".js-plotly-plot").first.evaluate("({_fullLayout: at}) => [at._size, at.margin]")
    assert [{side: room[side] for side in "lrtb"} for room in shown[:1]] == [{side: shown[1][side] for side in "lrtb"}]
    visitor.page.reload()
    visitor.still()
    assert visitor.page.get_by_role("textbox", name="From", exact=True).input_value() == begun
    visitor.page.get_by_role("button", name="100 ms").click()
    visitor.until(lambda query: seconds(query["power-to"][0]) - seconds(query["power-from"][0]) < 0.11)
    visitor.page.get_by_role("button", name="Back").click()
    visitor.until(lambda query: query["power-from"] == [begun] and query["power-to"] == [ended])


@pytest.mark.soak
def test_the_plant_is_zoomed_by_dragging_on_its_page_too(visitor, small_link):
    visitor.open("plant", link=small_link)
    drag(visitor)
    visitor.until(lambda query: "plant-from" in query and "plant-to" in query)
    assert seconds(visitor.query()["plant-from"][0]) == pytest.approx(150.0, abs=3.0)
    visitor.page.get_by_text("Steady, beside the grid: 1").wait_for()
    visitor.still()
    visitor.picture("plant-zoomed")
    visitor.page.get_by_role("button", name="Back").click()
    visitor.until(lambda query: "plant-from" not in query)


@pytest.mark.soak
def test_an_event_is_put_into_the_draft(visitor, small_link):
    visitor.open("plant", link=small_link, **{"plant-tab": "Events"})
    visitor.page.get_by_role("textbox", name="Duration *").fill("100 ms")
    visitor.page.get_by_role("textbox", name="Residual *").fill("40 %")
    visitor.page.get_by_role("button", name="Add the event").click()
    visitor.until(lambda query: "set" in query)
    assert visitor.query()["set"][0].startswith("plant.events=[{kind: voltage_dip, at: 36 h")
    visitor.page.get_by_text("1. Voltage dip").wait_for()
    visitor.page.reload()
    visitor.page.get_by_text("at 36 h, residual 40 %").last.wait_for()
    visitor.picture("event")


def test_a_link_brings_back_draft_and_page_for_somebody_else(visitor, browser, address, small_link):
    visitor.open("power", link=small_link, set=OTHER, **{"power-view": "Spectrogram"})
    visitor.page.get_by_role("button", name="Share").click()
    shared = visitor.page.get_by_test_id("stPopoverBody").locator("code").first.inner_text()
    other = Visitor(browser, address)
    other.page.goto(shared)
    other.still()
    assert other.page.get_by_role("heading", level=1).inner_text() == "Power"
    assert other.query()["set"] == [OTHER]
    assert other.query()["power-view"] == ["Spectrogram"]
    assert other.page.get_by_role("radio", name="Spectrogram").is_checked()
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
    button = visitor.page.get_by_role("button", name="Run", exact=True)
    visitor.open("design", link=small_link, set="operation.horizon=300 d")
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


def test_two_people_at_once_see_their_own(browser, address, stored, small_link, small_result):
    """Four of them, for half an hour: test_many_users.py."""
    before = runs(stored)
    changes = ({"seed": SEED + 1}, {})
    texts = [next((f"{path}={value}" for path, value in change.items()), None) for change in changes]
    visitors = [Visitor(browser, address) for _ in changes]
    queries = [address_of(small_link, text) for text in texts]
    # who changed nothing also looks at another page and comes back
    pages = ([], ["Limits", "Overview"])
    in_turn([afternoon(*one) for one in zip(visitors, queries, pages, strict=True)])
    identities = [run_id(Draft("small", small_result.scenario, change).scenario()) for change in changes]
    for visitor, identity in zip(visitors, identities, strict=True):
        assert visitor.shows(summary(stored, f"small-{identity}"))
        visitor.close()
    assert runs(stored) - before == {f"small-{identities[0]}"}
