"""The Validation page: statistics of the documentation, public figures, a user's own table."""

from __future__ import annotations

import re

import pytest

from clustersim.background.records import State
from clustersim.background.verbs import VERBS
from clustersim.errors import InputError
from clustersim.report.documented import evidence

HEAD = (
    "row_id,model,accelerator,n_gpus,precision,layers,hidden,heads,ffn,vocab,seq_len,tp,pp,micro_batch,"
    "global_batch_seqs,recompute,iteration_time_s,source,use\n"
)
ROW = "{},GPT-1.7B,A100-80GB,32,fp16,24,2304,24,9216,51200,2048,1,1,16,512,full,3.5,<b>x</b>,fit\n"


def view(at, name):
    at.segmented_control(key="validation-view").set_value(name).run()
    assert not at.exception, at.exception
    return at


def said(at):
    return " ".join(str(one.value) for part in (at.markdown, at.caption, at.error) for one in part)


def test_the_statistics_of_the_documentation_are_shown(open_page):
    at = open_page("validation")
    found = at.dataframe[0].value
    page = evidence().pages[0]
    assert found["MAPE %"].iloc[0] == float(page.table("All rows").rows[0][3])
    assert found["page"].iloc[0] == page.path
    assert found["as of"].iloc[0] == page.date


@pytest.mark.parametrize(
    "page", ["docs/validation.md", "docs/validation_collectives.md", "docs/validation_reliability.md"]
)
def test_every_table_of_a_page_is_shown(open_page, page):
    at = open_page("validation")
    at.selectbox(key="validation-page").set_value(page).run()
    known = next(one for one in evidence().pages if one.path == page)
    titles = at.selectbox(key=f"validation-{page}").options
    assert titles == [one.title for one in known.tables]
    at.selectbox(key=f"validation-{page}").set_value(titles[-1]).run()
    assert not at.exception
    assert len(at.dataframe[1].value) == len(known.tables[-1].rows)


def test_public_figures_without_a_stored_result(open_page):
    at = view(open_page("validation"), "Public figures")
    assert "No stored result has a public figure yet" in said(at)
    assert len(at.dataframe[0].value) == len(evidence().pages[3].tables[0].rows)


def test_public_figures_of_a_stored_result(open_page, monkeypatch, small_result):
    import pandas as pd

    from dashboard import validation_published

    row = {
        "key": "mean_mw", "predicted": 10.0, "public": 12.0, "unit": "MW", "low": 11.0, "high": 13.0, "band": "given",
        "confidence": "reported", "error_percent": -16.7, "inside": False, "used": False, "reason": "",
        "source": "<img src=x>", "claim": "", "note": "",
    }  # fmt: skip
    monkeypatch.setattr(validation_published, "_stored", lambda: ({"gpt4_20k": pd.DataFrame([row])}, []))
    at = view(open_page("validation"), "Public figures")
    table = at.dataframe[0].value
    assert table[["scenario", "key", "predicted", "inside"]].to_numpy().tolist() == [
        ["gpt4_20k", "mean_mw", "10.0 MW", "NO"]
    ]
    assert "1 figures of 1 scenarios" in said(at)
    assert "no reason is known" in said(at)
    at.selectbox(key="validation-scenario").set_value("gpt4_20k").run()
    assert not at.exception


def sent(at, queue, name, content):
    view(at, "Your own table")
    at.file_uploader(key="validation-file").set_value((name, content, "text/csv"))
    next(one for one in at.button if one.label == "Predict it").click().run()
    waiting = [one for one in queue.asked.values() if one.request.verb == "validate" and not one.state.over]
    for ticket in waiting:
        try:
            answer = VERBS["validate"](tell=lambda _: None, **ticket.request.arguments)
            queue.becomes(ticket.id, state=State.DONE, answer=answer)
        except InputError as error:
            queue.becomes(ticket.id, state=State.FAILED, error=str(error), input_error=True)
    if waiting:
        at.run()
    assert not at.exception, at.exception
    return at


def test_a_table_of_ones_own_is_predicted(open_page, still_queue):
    at = sent(open_page("validation"), still_queue, "mine.csv", (HEAD + ROW.format("A") + ROW.format("B")).encode())
    answer = still_queue.only("validate").answer
    cards = {one.label: one.value for one in at.metric}
    assert cards["Rows predicted"] == "2 of 2"
    assert cards["Mean error"].startswith(f"{answer['overall']['mape_percent']:.3g}"[:3])
    at.selectbox(key="validation-by").set_value("source").run()
    assert list(at.dataframe[0].value["group"]) == ["<b>x</b>"]
    assert at.get("plotly_chart")
    assert any("clustersim validate mine.csv" in one.value for one in at.code)


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"a,b\n1,2\n", "row_id"), (b"\0\1\2", "row_id"), (b"<script>x</script>\n", "row_id"), (b"", "an empty file")],
)
def test_what_is_no_table_is_refused_with_one_message(open_page, still_queue, content, message):
    at = sent(open_page("validation"), still_queue, "<b>.csv", content)
    assert len(at.error) == 1
    text = at.error[0].value
    assert message in text.replace("\\", "")
    assert not re.search(r"(?<!\\)<", text), "nothing in the message is taken for HTML"
    assert "/tmp" not in text.replace("\\", "")


def test_without_a_table_the_page_says_what_it_may_hold(open_page):
    at = view(open_page("validation"), "Your own table")
    assert "No table yet" in said(at)
    assert "iteration_time_s" in said(at)
