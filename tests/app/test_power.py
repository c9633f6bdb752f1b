"""The Power page: every control, spans that are typed, wrong or dragged, records that are made, and what is empty."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest

from clustersim.background.records import State
from clustersim.report.words import answer

CELLS = ("mean", "lowest", "highest", "range")


def chart(at):
    """The waveform as the browser gets it."""
    return json.loads(next(one for one in at.get("plotly_chart") if "power-chart" in one.proto.id).proto.spec)


def shown_span(at):
    """The span that the closer look shows, in the unit of its axis."""
    return tuple(chart(at)["layout"]["xaxis2"]["range"])


def press(at, key):
    at.button(key=f"power-{key}").click().run()
    assert not at.exception, at.exception
    return at


@pytest.fixture
def page(open_page):
    return open_page("power")


def test_it_opens_on_the_steady_window_with_the_cards_of_the_summary(page, small_result):
    labels = {one.label: one.value for one in page.metric}
    assert labels["Meter, swing"] == answer("swing_mw", small_result.summary["swing_mw"])
    assert shown_span(page) == (0, 600)
    names = [trace.get("name") for trace in chart(page)["data"] if trace.get("xaxis") == "x2"]
    assert names[0] == "meter"
    assert "memphis/it" in names
    assert not page.error


@pytest.mark.parametrize("window", ["horizon", "crash", "restart", "job_start", "close_up"])
def test_every_record_is_drawn(page, window):
    page.segmented_control(key="power-window").set_value(window).run()
    assert not page.exception, page.exception
    assert not page.error
    begin, end = shown_span(page)
    assert begin == 0
    assert end == pytest.approx({"horizon": 3.0, "close_up": 10.0}.get(window, 60.0), rel=0.01)


def test_buttons_move_the_span_and_back_undoes_them(page):
    press(page, "length-1-min")
    assert shown_span(page) == pytest.approx((270.0, 330.0))
    press(page, "right")
    assert shown_span(page) == pytest.approx((300.0, 360.0))
    press(page, "left")
    press(page, "out")
    assert shown_span(page) == pytest.approx((240.0, 360.0))
    press(page, "undo")
    assert shown_span(page) == pytest.approx((270.0, 330.0))
    press(page, "length-100-ms")
    assert np.diff(shown_span(page)) == pytest.approx(0.1)
    press(page, "whole")
    assert shown_span(page) == (0, 600)
    assert page.button(key="power-whole").disabled


def test_steps_are_those_of_the_iteration(page, small_result):
    press(page, "length-3-steps")
    assert np.diff(shown_span(page)) == pytest.approx(3.0 * small_result.summary["iteration_time_s"])


def test_a_typed_span_is_shown(page):
    page.text_input(key="power-from").set_value("1 min")
    page.text_input(key="power-to").set_value("70 s").run()
    assert shown_span(page) == pytest.approx((60.0, 70.0))


def test_the_address_restores_what_was_looked_at(open_page, small_link):
    at = open_page(
        "power", link=small_link,
        **{"power-window": "Crash", "power-from": "19 s", "power-to": "22 s", "power-quantity": "Reactive"},
    )  # fmt: skip
    assert at.segmented_control(key="power-window").value == "crash"
    assert shown_span(at) == pytest.approx((19.0, 22.0))
    assert "reactive" in chart(at)["layout"]["yaxis2"]["title"]["text"]


@pytest.mark.parametrize(
    ("begin", "end", "said"),
    [("700 s", "", "from: expected 0 s to 600 s"), ("ten", "", "from:"), ("20 s", "10 s", "to: expected a time")],
)
def test_a_wrong_span_is_named_and_all_is_shown(page, begin, end, said):
    page.text_input(key="power-from").set_value(begin)
    page.text_input(key="power-to").set_value(end).run()
    assert any(said.replace(":", "\\:") in error.value for error in page.error)
    assert shown_span(page) == (0, 600)


def test_dragging_shows_that_span(page, monkeypatch):
    from dashboard import time_zoom
    from dashboard.power_look import _drawn
    from dashboard.time_zoom import Span, Zoom

    held = {"power-from": "", "power-to": "", "power-chart": {"selection": {"box": [{"xref": "x2", "x": [20, 10]}]}}}
    given = {}
    monkeypatch.setattr(time_zoom.st, "session_state", held)
    monkeypatch.setattr(time_zoom.st, "plotly_chart", lambda drawn, **options: given.update(options))
    _drawn(go.Figure(), Zoom("power", Span(0.0, 600.0), 0.01, Span(0.0, 600.0)), "")
    dragged = given["on_select"]
    dragged()
    assert (held["power-from"], held["power-to"]) == ("10 s", "20 s")
    # what leaves the chart at an end goes to the end of the record
    held["power-chart"] = {"selection": {"box": [{"xref": "x", "x": [-5, 30]}]}}
    dragged()
    assert (held["power-from"], held["power-to"]) == ("", "35 s")
    assert held["power-back"] == [("", ""), ("10 s", "20 s")]
    held["power-chart"] = {"selection": {"box": []}}
    dragged()
    assert len(held["power-back"]) == 2


def test_nodes_are_chosen_and_none_is_said(page):
    page.multiselect(key="power-node").set_value(["memphis/hall_1"]).run()
    assert [trace.get("name") for trace in chart(page)["data"]] == ["memphis/hall_1"] * 2
    page.multiselect(key="power-node").set_value([]).run()
    assert any("No node is chosen" in one.value for one in page.markdown)


def test_the_spectrum_has_the_bands_of_rules_and_the_iteration(page, small_result):
    spec = json.loads(page.get("plotly_chart")[1].proto.spec)
    names = [trace["name"] for trace in spec["data"]]
    assert "iteration and harmonics" in names
    assert [one["text"].strip() for one in spec["layout"]["annotations"]] == ["0.1 to 20 Hz"]
    assert any("choukse-band-energy" in one.value.replace("\\", "") for one in page.caption)
    at = press(page, "length-100-ms")
    assert any("too short for a spectrum" in one.value for one in at.markdown)


def test_the_spectrogram_is_drawn(page):
    page.segmented_control(key="power-view").set_value("spectrogram").run()
    assert not page.exception, page.exception
    spec = json.loads(page.get("plotly_chart")[1].proto.spec)
    assert spec["data"][0]["type"] == "heatmap"


def test_the_horizon_has_no_spectrum(open_page, small_link):
    at = open_page("power", link=small_link, **{"power-window": "Horizon"})
    assert any("no spectrum" in one.value for one in at.markdown)


def test_nodes_are_listed_as_the_command_line_does(page, small_result):
    from clustersim.report.power_nodes import nodes_rows, window_nodes

    page.segmented_control(key="power-view").set_value("nodes").run()
    assert not page.exception, page.exception
    table = page.dataframe[0].value
    rows = nodes_rows(window_nodes(small_result, "steady"))
    assert [tuple(row) for row in table[["node", *CELLS]].to_numpy()] == rows
    assert "memphis/hall_1/rack_1/server_1/accelerator_1" in set(table["node"])
    assert page.button(key="power-plot").disabled


@pytest.mark.parametrize(
    ("picked", "window", "made", "shown"),
    [
        (["memphis/hall_1"], "crash", False, ("crash", ["memphis/hall_1"])),
        (["memphis/hall_1/rack_1/server_1"], "steady", False, ("close_up", ["server"])),
        (["memphis/hall_1/rack_1"], "abc", True, ("abc", ["memphis/hall_1/rack_1"])),
    ],
)
def test_nodes_that_are_picked_are_plotted(page, monkeypatch, picked, window, made, shown):
    from dashboard import power_views

    held = {"power-window": "horizon", "power-from": "1 d"}
    monkeypatch.setattr(power_views.st, "session_state", held)
    power_views._plot(picked, window, made)
    assert (held["power-window"], held["power-node"]) == shown
    assert held["power-from"] == ""


def test_without_damping_is_asked_for_and_then_compared(page, still_queue, small_result, monkeypatch):
    page.segmented_control(key="power-view").set_value("damping").run()
    assert any("has not run yet" in one.value for one in page.markdown)
    press(page, "bare")
    ticket = still_queue.only("run")
    assert ticket.request.arguments["settings"] == {"damping": []}
    still_queue.becomes(ticket.id, state=State.FAILED, error="job.plan: does not fit", input_error=True)
    page.run()
    assert any("does not fit" in error.value for error in page.error)


def test_the_pair_is_drawn_and_told(page, small_result, monkeypatch):
    from dashboard import power_damping

    monkeypatch.setattr(power_damping, "undamped", lambda result: small_result)
    page.segmented_control(key="power-view").set_value("damping").run()
    assert not page.exception, page.exception
    table = page.dataframe[0].value.set_index("what")
    swing = next(row for row in table.index if row.startswith("swing_mw"))
    assert table.loc[swing, "with"] == table.loc[swing, "without"]
    assert table.loc[swing, "change"] == "0 %"
    loss = next(row for row in table.index if row.startswith("throughput_loss"))
    assert table.loc[loss, "with"].endswith("%")


@pytest.fixture
def record(results_folder, small_result):
    """A record that a worker has made of the small run, a spike of one sample in it."""
    from clustersim.background.power_verbs import record_folder

    folder = record_folder(results_folder, small_result.name, small_result.run_id)
    folder.mkdir(parents=True)
    watts = np.full(50_000, 2e6)
    watts[33_333] = 9e6
    frame = pd.DataFrame({"time_s": 1e-3 * np.arange(watts.size), "meter": watts})
    frame.to_parquet(folder / "abc.parquet", index=False, row_group_size=10_000)
    node = {"node": "meter", "mean_w": float(watts.mean()), "lowest_w": 2e6, "highest_w": 9e6}
    data = {"samples": watts.size, "dt_s": 1e-3, "nodes": [node]}
    (folder / "abc.json").write_text(json.dumps({"record": "abc", "step": "1 ms", "length": "50 s", "data": data}))
    yield "abc"
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()
    folder.parent.rmdir()


def test_a_record_is_asked_for_watched_and_shown(page, still_queue, record):
    page.segmented_control(key="power-view").set_value("records").run()
    page.text_input(key="power-ask-nodes").set_value("meter, memphis/it")
    page.text_input(key="power-ask-length").set_value("50 s")
    page.button[-1].click().run()
    ticket = still_queue.only("waveform")
    assert ticket.request.arguments["nodes"] == ["meter", "memphis/it"]
    still_queue.becomes(ticket.id, state=State.DONE, answer={"record": record})
    page.run()
    assert not page.exception, page.exception
    assert page.segmented_control(key="power-window").value == record
    detail = [trace for trace in chart(page)["data"] if trace.get("xaxis") == "x2"]
    assert detail[0]["name"] == "meter"
    page.segmented_control(key="power-view").set_value("nodes").run()
    assert page.dataframe[0].value["highest"].tolist() == ["9.00 MW"]


def test_a_record_that_cannot_be_made_says_why(page, still_queue):
    page.segmented_control(key="power-view").set_value("records").run()
    page.button[-1].click().run()
    still_queue.becomes(
        still_queue.only("waveform").id, state=State.FAILED, error="--node mem: no site 'mem'", input_error=True
    )
    page.run()
    assert any("no site" in error.value for error in page.error)


def test_a_file_of_samples_is_taken_and_a_wrong_one_refused(page, tmp_path):
    page.segmented_control(key="power-view").set_value("records").run()
    page.file_uploader(key="power-file").upload("a.parquet", b"PAR1 no").run()
    assert any("cannot be read as Parquet" in error.value for error in page.error)
    path = tmp_path / "b.parquet"
    pd.DataFrame({"time_s": 0.5 * np.arange(9.0), "<b>x</b>": np.arange(9.0)}).to_parquet(path)
    page.file_uploader(key="power-file").upload("b.parquet", path.read_bytes()).run()
    assert not page.exception, page.exception
    assert page.segmented_control(key="power-window").value == "brought"
    assert shown_span(page) == (0, 4.5)


def test_a_run_without_a_result_shows_nothing_yet(open_page, tmp_path):
    at = open_page("power", results=tmp_path, scenario="gpt4_20k")
    assert not at.get("plotly_chart")
    assert at.button(key="cancel-run")
