"""The Measured page: files in, questions asked, answers shown, hostile files refused."""

from __future__ import annotations

import json
import os
import re
import time
from pathlib import Path

import numpy as np
import pytest

from clustersim.background.records import State
from clustersim.background.verbs import VERBS
from clustersim.errors import InputError

OWN = ("trace_columns", "trace_read", "assess", "fit_power")
HOSTILE = "<img src=x onerror=alert(1)>[x](http://evil.example)"


def csv_of(names=("time_s", "power_kw"), rows=1200):
    times = 0.1 * np.arange(rows)
    power = np.where(times % 4.0 < 3.0, 50.0, 20.0)
    lines = [f"{t:.1f},{p:g}" for t, p in zip(times, power, strict=True)]
    return "\n".join([",".join(names), *lines, ""]).encode()


def upload(at, *files):
    at.file_uploader(key="measured-files").set_value([(name, content, "text/csv") for name, content in files])
    next(one for one in at.button if one.label == "Open").click().run()
    return at


def serve(at, queue, verb, most=4):
    """Let waiting requests be served in this process, as a worker does, up to one of `verb`."""
    for _ in range(most):
        waiting = [one for one in queue.asked.values() if not one.state.over and one.request.verb in OWN]
        for ticket in waiting:
            try:
                answer = VERBS[ticket.request.verb](tell=lambda _: None, **ticket.request.arguments)
                queue.becomes(ticket.id, state=State.DONE, answer=answer)
            except InputError as error:
                queue.becomes(ticket.id, state=State.FAILED, error=str(error), input_error=True)
        at.run()
        assert not at.exception, at.exception
        if any(one.request.verb == verb and one.state.over for one in queue.asked.values()):
            break
    return at


@pytest.fixture
def opened(open_page, still_queue):
    return serve(upload(open_page("measured"), ("meter.csv", csv_of())), still_queue, "trace_read")


def said(at):
    return " ".join(str(one.value) for part in (at.markdown, at.caption, at.error, at.info) for one in part)


def test_without_a_trace_the_page_says_what_can_be_opened(open_page, still_queue):
    at = open_page("measured")
    assert "No trace is open" in said(at)
    assert not [one for one in still_queue.asked.values() if one.request.verb in OWN]


def test_a_file_is_read_and_drawn(opened):
    assert "1,200 samples" in said(opened)
    assert opened.get("plotly_chart")
    assert opened.selectbox(key="measured-column-time").value == "time_s"
    assert opened.multiselect(key="measured-column-power").value == ["power_kw"]


def test_a_trace_is_assessed_on_every_view(opened, still_queue):
    opened.multiselect(key="measured-limits").set_value(["standard"]).run()
    opened.number_input(key="measured-scale").set_value(400).run()
    opened.slider(key="measured-coherence").set_value(0.5).run()
    opened.button(key="measured-assess").click().run()
    serve(opened, still_queue, "assess")
    data = still_queue.only("assess").answer["data"]
    cards = {one.label: one.value for one in opened.metric}
    assert cards["Mean"] == "17.0 MW"
    assert cards["Rules broken"] == str(data["rules_failed"])
    opened.segmented_control(key="measured-view").set_value("Rules").run()
    table = opened.dataframe[0].value
    assert (table["verdict"] == "FAIL").sum() == data["rules_failed"]
    assert list(table["verdict"])[: data["rules_failed"]] == ["FAIL"] * data["rules_failed"]
    assert any("clustersim assess meter.csv" in one.value for one in opened.code)
    opened.segmented_control(key="measured-view").set_value("Spectrum").run()
    assert len(opened.get("plotly_chart")) == 2
    assert not opened.exception
    # another question has no answer yet
    opened.number_input(key="measured-scale").set_value(1).run()
    assert not opened.metric


def test_a_load_record_is_fitted(opened, still_queue):
    opened.segmented_control(key="measured-view").set_value("Fit").run()
    assert "Nothing fitted yet" in said(opened)
    opened.button(key="measured-fit-it").click().run()
    serve(opened, still_queue, "fit_power")
    assert {one.label: one.value for one in opened.metric}["Period"] == "4.00 s"
    assert any("clustersim fit-power meter.csv" in one.value for one in opened.code)
    opened.segmented_control(key="measured-view").set_value("Power").run()
    assert not opened.exception


def test_the_view_is_typed_and_moved_by_buttons(opened):
    def span():
        return opened.text_input(key="measured-from").value, opened.text_input(key="measured-to").value

    opened.text_input(key="measured-from").set_value("30 s")
    opened.text_input(key="measured-to").set_value("1.5 min").run()
    drawn = json.loads(opened.get("plotly_chart")[0].proto.spec)
    assert drawn["layout"]["xaxis"]["range"] == [30.0, 90.0]
    opened.button(key="measured-right").click().run()
    assert span() == ("60 s", "")
    assert opened.button(key="measured-right").disabled
    opened.button(key="measured-left").click().run()
    assert span() == ("30 s", "90 s")
    # another view keeps it
    opened.segmented_control(key="measured-view").set_value("Rules").run()
    opened.segmented_control(key="measured-view").set_value("Power").run()
    assert span() == ("30 s", "90 s")
    opened.button(key="measured-out").click().run()
    assert span() == ("", "")
    opened.button(key="measured-undo").click().run()
    assert span() == ("30 s", "90 s")
    opened.button(key="measured-whole").click().run()
    assert span() == ("", "")
    assert not opened.exception


def test_another_trace_is_shown_whole(opened, still_queue):
    opened.text_input(key="measured-from").set_value("30 s").run()
    upload(opened, ("other.csv", csv_of(rows=400)))
    serve(opened, still_queue, "none", most=2)
    assert opened.text_input(key="measured-from").value == ""


def test_the_address_restores_what_was_looked_at(open_page, still_queue, small_link):
    at = open_page("measured", link=small_link, measured="example", **{"measured-from": "2 s", "measured-to": "4 s"})
    serve(at, still_queue, "trace_read")
    drawn = json.loads(at.get("plotly_chart")[0].proto.spec)
    assert drawn["layout"]["xaxis"]["range"] == [2.0, 4.0]


def test_place_and_damping_are_asked_as_on_the_command_line(opened, still_queue):
    opened.selectbox(key="measured-topology").set_value("colossus_memphis").run()
    opened.toggle(key="measured-damped").set_value(True).run()
    opened.number_input(key="measured-asked-count").set_value(50).run()
    opened.text_input(key="measured-asked-mean").set_value("120 parsecs").run()
    opened.button(key="measured-assess").click().run()
    asked = still_queue.only("assess").request.arguments
    assert asked["setting"]["topology"] == "colossus_memphis"
    assert asked["setting"]["accelerators"] == 50
    assert "rack_storage" in asked["setting"]["damping"]
    serve(opened, still_queue, "assess")
    assert any("mean" in one.value and "parsecs" in one.value for one in opened.error)


def test_an_assessment_is_cancelled(opened, still_queue):
    opened.button(key="measured-assess").click().run()
    opened.button(key="cancel-measured-judging").click().run()
    assert still_queue.only("assess").state is State.CANCELLED
    assert any("Cancelled" in one.value for one in opened.info)


def test_a_file_whose_columns_say_nothing_asks_for_them(open_page, still_queue):
    at = serve(upload(open_page("measured"), ("a.csv", csv_of((HOSTILE, "y")))), still_queue, "trace_columns")
    assert any("column of" in one.value for one in at.info)
    at.multiselect(key="measured-column-power").set_value(["y"]).run()
    at.selectbox(key="measured-column-time").set_value(HOSTILE).run()
    assert any("the unit" in one.value for one in at.info)
    at.selectbox(key="measured-column-unit").set_value("pu").run()
    assert any("reading of 1" in one.value for one in at.info)
    at.text_input(key="measured-column-base").set_value("1 kW").run()
    serve(at, still_queue, "trace_read")
    assert "1,200 samples" in said(at)


def test_the_example_opens_from_a_link_and_is_closed(open_page, still_queue, small_link):
    at = open_page("measured", link=small_link, measured="example")
    serve(at, still_queue, "trace_read")
    assert "production_server" in said(at).replace("\\", "")
    assert at.button(key="measured-fit-it").disabled
    at.segmented_control(key="measured-view").set_value("Fit").run()
    assert "load record already" in said(at)
    at.button(key="measured-close").click().run()
    assert "No trace is open" in said(at)


def test_the_example_opens_by_its_button(open_page):
    at = open_page("measured")
    at.button(key="measured-example").click().run()
    assert at.query_params["measured"] == "example"


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ([], "expected a file"),
        ([("a.exe", b"MZ")], "expected .csv"),
        ([("a.csv", b"")], "an empty file"),
        ([("a.dat", b"1")], "expected the .cfg"),
        ([("a.csv", b"1"), ("b.csv", b"2")], "one file .csv"),
    ],
)
def test_what_is_no_trace_is_refused_at_once(open_page, still_queue, files, message):
    from dashboard import (
        measured_source,  # the widget itself refuses endings; the check behind it is held here too
        own_files,
    )

    class File:
        def __init__(self, name, content):
            self.name, self.size, self.content = name, len(content), content

        def getbuffer(self):
            return memoryview(self.content)

    if message == "expected the .cfg":
        at = upload(open_page("measured"), *files)
        assert any(message in one.value.replace("\\", "") for one in at.error)
        assert not [one for one in still_queue.asked.values() if one.request.verb in OWN]
        return
    with pytest.raises(InputError, match=message):
        own_files.kept([File(*one) for one in files], measured_source.TYPES, 1000)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("../../etc/passwd.csv", b"time_s,power_w\n0,nan\n" + b"1,5\n" * 3, "expected at least 16 samples"),
        ("a.parquet", b"time_s,power_w\n0,1\n", "cannot be read as Parquet"),
        ("a.csv", b"t," + HOSTILE.encode() + b"\n0,1\n\0", "binary data"),
        ("a.csv", b"\0" * 100, "binary data"),
        ("a.csv.gz", b"\x1f\x8b" + b"\0" * 30, "cannot be unpacked"),
        ("a.yaml", b"kind: measured_load\n", "a.yaml"),
    ],
)
def test_hostile_files_are_refused_with_one_message(open_page, still_queue, name, content, message):
    at = upload(open_page("measured"), (name, content))
    serve(at, still_queue, "trace_read", most=2)
    assert len(at.error) == 1
    text = at.error[0].value
    assert message in text.replace("\\", "")
    assert not re.search(r"(?<!\\)<", text), "nothing in the message is taken for HTML"
    assert "/tmp" not in text.replace("\\", "")


def test_names_of_a_file_are_shown_as_they_are(open_page, still_queue):
    content = csv_of(("time_s", HOSTILE))
    at = serve(upload(open_page("measured"), ("a.csv", content)), still_queue, "trace_columns")
    at.multiselect(key="measured-column-power").set_value([HOSTILE]).run()
    at.selectbox(key="measured-column-unit").set_value("kW").run()
    serve(at, still_queue, "trace_read")
    assert "1,200 samples" in said(at)
    assert "<img" not in said(at)


def test_files_are_removed_after_a_day_and_the_page_says_so(opened, still_queue):
    path = Path(still_queue.only("trace_read").request.arguments["path"])
    assert path.stat().st_mode & 0o777 in (0o600, 0o644)
    assert path.parent.stat().st_mode & 0o777 == 0o700
    old = time.time() - 90_000
    os.utime(path.parent, (old, old))
    opened.run()
    assert not path.exists()
    assert any("no longer here" in one.value for one in opened.warning)


def test_another_file_takes_the_place_of_the_first(opened, still_queue):
    first = Path(still_queue.only("trace_read").request.arguments["path"])
    upload(opened, ("other.csv", csv_of(rows=400)))
    assert not first.exists()
    serve(opened, still_queue, "none", most=2)
    assert "400 samples" in said(opened)
