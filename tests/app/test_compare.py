"""The Compare page: designs are chosen, run where they have no result, and shown side by side."""

from __future__ import annotations

import dataclasses
import shutil

import pytest

from clustersim.background.records import State

SETTING = "economics.electricity_price"
OTHER = "link"


@pytest.fixture(scope="session")
def pair_folder(tmp_path_factory, results_folder, small_result):
    """A folder of results with the small run and the same with another price of electricity, its answers made up."""
    from clustersim.scenario import Draft, resolved, run_id

    folder = tmp_path_factory.mktemp("pair")
    for path in results_folder.iterdir():
        shutil.copytree(path, folder / path.name)
    scenario = Draft("small", small_result.scenario, {SETTING: "TX"}).scenario()
    doubled = {key: 2.0 * small_result.summary[key] for key in ("tco_usd_per_h", "tokens_per_s", "mean_mw")}
    summary = small_result.summary | doubled | {"mfu": 0.9}
    changed = dataclasses.replace(small_result, run_id=run_id(scenario), scenario=resolved(scenario), summary=summary)
    sources = "kind,entry,figure,value,confidence,id,title,url,date\n"
    changed.save(folder / f"small-{changed.run_id}", {"report.html": "<p>", "sources.csv": sources})
    return folder


@pytest.fixture
def compare_page(open_page, pair_folder, small_link):
    """Give a function that opens the page on the small run and its dearer sister."""
    from urllib.parse import urlencode

    sister = urlencode({"link": small_link, "set": f"{SETTING}=TX"})

    def compare_page(*others, **query):
        chosen = ["draft", *(sister if one == "sister" else one for one in others)]
        return open_page("compare", results=pair_folder, link=small_link, **{"compare-with": chosen, **query})

    compare_page.sister = sister
    return compare_page


def in_order(folder, first):
    """Return the folders of the two runs, that of `first` in front."""
    return sorted(folder.glob("small-*"), key=lambda path: path.name != f"small-{first.run_id}")


def tables(at):
    return [one.value for one in at.dataframe]


def test_one_design_is_not_enough(compare_page):
    at = compare_page()
    assert any("Choose a second design" in one.value for one in at.markdown)
    assert not at.dataframe


def test_inputs_that_differ_stand_first(compare_page):
    at = compare_page("sister")
    assert not at.error, [one.value for one in at.error]
    first = tables(at)[0]
    assert first["key"].tolist() == [SETTING]
    assert first.iloc[0, 1:].tolist() == ["TN", "TX"]


def test_numbers_are_those_of_the_command_line(compare_page, pair_folder, small_result):
    from clustersim.report.compare_files import compare_data
    from clustersim.report.words import answer
    from clustersim.study.compare import compare, of_folder

    at = compare_page("sister")
    shown = {row["answer"]: row for table in tables(at)[1:] for row in table.to_dict("records") if "answer" in row}
    names = [str(name) for name in tables(at)[0].columns[1:]]
    assert names[0] == "small"
    assert names[1].startswith("small (")
    assert names[1].endswith(" = TX)")
    folders = in_order(pair_folder, small_result)
    printed = compare_data(compare([of_folder(folder) for folder in folders]))
    assert len(printed["rows"]) == len(shown)
    for row in printed["rows"]:
        for name, folder in zip(names, folders, strict=True):
            assert shown[row["key"]][name].startswith(answer(row["key"], row[folder.name]))
    assert shown["mfu"][names[1]].endswith("better")
    assert shown["tco_usd_per_h"][names[1]].endswith("↑ 100 %, worse")


@pytest.mark.parametrize("view", ["Rules", "All axes", "Waterfalls", "Break-even", "Waveforms"])
def test_every_view_opens_from_the_address(compare_page, view):
    at = compare_page("sister", **{"compare-view": view})
    assert at.segmented_control(key="compare-view").value == view
    assert not at.error
    assert not at.exception


def test_the_controls_of_the_views(compare_page):
    at = compare_page("sister")
    at.segmented_control(key="compare-view").set_value("Waterfalls").run()
    figure = at.selectbox(key="compare-fall")
    figure.set_value(figure.options[-1]).run()
    assert not at.exception
    at.segmented_control(key="compare-view").set_value("Break-even").run()
    line = at.selectbox(key="compare-line")
    line.set_value(line.options[-1]).run()
    assert not at.exception


def test_the_base_can_be_another_one(compare_page):
    at = compare_page("sister")
    at.selectbox(key=f"compare-base-draft|{compare_page.sister}").set_value(compare_page.sister).run()
    assert tables(at)[0].iloc[0, 1:].tolist() == ["TX", "TN"]
    assert at.query_params["compare-base"] == compare_page.sister


def test_a_design_without_a_result_runs_and_can_be_cancelled(compare_page, still_queue):
    at = compare_page("gpt4_20k")
    ticket = still_queue.only("run")
    assert ticket.request.arguments["name"] == "gpt4_20k"
    at.button(key="cancel-compare-1").click().run()
    assert still_queue.only("run").state is State.CANCELLED
    at.button(key="again-compare-1").click().run()
    assert still_queue.only("run").state is State.QUEUED
    still_queue.becomes(ticket.id, state=State.FAILED, error="gpt4_20k: job: too large", input_error=True)
    at.run()
    assert any("too large" in one.value for one in at.error)


def test_stored_designs_are_shown_while_another_one_runs(compare_page):
    at = compare_page("sister", "gpt4_20k")
    assert any("Shown are the 2 of 3" in one.value for one in at.info)
    assert tables(at)


def test_the_same_run_twice_is_what_the_command_line_refuses(compare_page, small_link):
    from urllib.parse import urlencode

    at = compare_page(urlencode({"link": small_link}))
    assert any("the same run" in one.value for one in at.error)


@pytest.mark.parametrize("text", ["no_such_preset", "/etc/passwd", "scenario=/etc/passwd", "link=abc", "set=a", "="])
def test_a_design_in_the_address_that_is_none_is_named(compare_page, text):
    at = compare_page(text)
    assert len(at.error) == 1
    assert "/etc" not in at.error[0].value or "expected the name of a preset" in at.error[0].value


def test_a_version_is_kept_and_compared(compare_page):
    at = compare_page()
    assert at.button(key="compare-keep").disabled is False
    at.button(key="compare-keep").click().run()
    assert at.button(key="compare-keep").disabled
    assert any(one.startswith("small") for one in at.multiselect(key="compare-with").options)


def test_a_ready_made_set_is_taken(compare_page, still_queue):
    at = compare_page()
    at.button(key="compare-set-1").click().run()
    runs = [ticket.request for ticket in still_queue.tickets("") if ticket.request.verb == "run"]
    names = [request.arguments["name"] for request in runs]
    assert names == [
        "one_or_many/one_building", "one_or_many/two_sites_equal_megawatts", "one_or_many/three_sites_equal_megawatts",
        "one_or_many/five_sites_equal_megawatts",
    ]  # fmt: skip
    assert at.query_params["compare-with"] == names
    at.multiselect(key="compare-with").set_value(["draft"]).run()
    assert any("Choose a second design" in one.value for one in at.markdown)


def test_the_files_are_those_that_the_command_line_writes(pair_folder, compare_page, small_result):
    from dashboard import compare_files

    at = compare_page("sister")
    names = tuple(str(name) for name in tables(at)[0].columns[1:])
    folders = tuple(path.name for path in in_order(pair_folder, small_result))
    files = compare_files.files(compare_files.compared(folders, names))
    assert set(files) == {f"{name}.csv" for name in ("compare", "differences", "limits", "radar", "waterfall",
                                                     "break_even")} | {"compare.html"}  # fmt: skip
    assert files["compare.html"].startswith("<!doctype html>")
