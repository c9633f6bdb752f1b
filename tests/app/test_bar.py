"""The bar on top of every page: presets, changes, runs, links."""

from __future__ import annotations

import shutil

import pytest

from clustersim.background.records import State
from dashboard.show import plain

PAGES = (
    "overview", "design", "training", "power", "plant", "limits", "compare", "sweep", "measured", "validation",
    "catalog", "about",
)  # fmt: skip


@pytest.mark.parametrize("name", PAGES)
def test_every_page_opens_on_a_stored_result(open_page, name):
    at = open_page(name)
    assert len(at.title) == 1
    # the verdict of a run that breaks rules stands in red too, and says so by its icon
    assert [error.value for error in at.error if error.icon != ":material/cancel:"] == []


def test_a_stored_result_is_shown_without_a_run(open_page, still_queue):
    at = open_page("overview")
    assert any("MFU" in one.value for one in at.markdown)
    assert all(one.request.verb != "run" for one in still_queue.asked.values())


def test_a_preset_without_a_result_runs_by_itself_and_can_be_cancelled(open_page, still_queue, tmp_path):
    at = open_page("overview", results=tmp_path, scenario="gpt4_20k")
    ticket = still_queue.only("run")
    assert ticket.request.arguments["name"] == "gpt4_20k"
    assert not any("MFU" in one.value for one in at.markdown)
    at.button(key="cancel-run").click().run()
    assert still_queue.only("run").state is State.CANCELLED
    assert any("Cancelled" in info.value for info in at.info)
    # what was cancelled does not start again by itself
    at.run()
    assert still_queue.only("run").state is State.CANCELLED


def test_a_failed_run_says_what_the_command_line_says(open_page, still_queue, tmp_path):
    at = open_page("overview", results=tmp_path, scenario="gpt4_20k")
    still_queue.becomes(
        still_queue.only("run").id, state=State.FAILED, error="job.plan: does not fit <b>$x$</b>", input_error=True
    )
    at.run()
    assert plain("job.plan: does not fit <b>$x$</b>") in [error.value for error in at.error]


def test_wrong_settings_in_the_address_are_named(open_page):
    at = open_page("overview", scenario="gpt4_20k", set="sed=3")
    assert any("did you mean 'seed'" in error.value for error in at.error)


def test_an_address_that_names_nothing_shipped_opens_the_first_scenario_and_says_why(open_page):
    at = open_page("about", scenario="../../etc/passwd")
    at.switch_page("screens/design.py").run()
    assert any("expected a shipped one" in warning.value for warning in at.warning)


def test_a_result_that_cannot_be_read_is_run_again(open_page, still_queue, tmp_path, results_folder, small_link):
    whole = next(results_folder.glob("small-*"))
    folder = tmp_path / whole.name
    shutil.copytree(whole, folder)
    (folder / "verdict.csv").write_text("rule\nnone\n", encoding="utf-8")
    at = open_page("overview", results=tmp_path, link=small_link)
    assert not at.exception
    assert still_queue.only("run").request.arguments["force"]


@pytest.mark.parametrize("name", ["overview", "design"])
def test_what_the_address_lacks_is_said_once(open_page, name):
    at = open_page(name, scenario="../../etc/passwd")
    assert len([one for one in at.warning if "expected a shipped one" in one.value]) == 1


def test_messages_name_a_shipped_scenario_and_not_where_the_server_keeps_it(open_page):
    from dashboard import show

    at = open_page("overview", scenario="gpt4_20k", set="sed=3")
    (said,) = [error.value.replace("\\", "") for error in at.error if "seed" in error.value]
    assert said == "gpt4_20k: sed: unknown key; did you mean 'seed'?"
    folder = show.shipped("topologies")
    assert show.named(f"{folder}/a/b.yaml:3: no; {folder}/c.yaml: no") == "a/b:3: no; c: no"
    assert show.named("/elsewhere/c.yaml: no") == "/elsewhere/c.yaml: no"


def test_large_whole_numbers_have_thousands_separators_and_stay_numbers():
    import pandas as pd

    from dashboard import show

    rows = pd.DataFrame({"usd": [95_036_901, 7], "year": [2026, 2025], "mw": [12345.6, 1.0], "of": ["a", "b"]})
    styled = show._separated(rows)
    assert styled.data["usd"].tolist() == [95_036_901, 7]
    html = styled.to_html()
    assert "95,036,901" in html
    assert "2026" in html
    assert "12,345" not in html
    small = rows[["year", "of"]]
    assert show._separated(small) is small
