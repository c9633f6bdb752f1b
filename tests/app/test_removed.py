"""What was made and then removed: pages say so and offer to make it again, and never run on and on."""

from __future__ import annotations

import pytest

from clustersim.background.records import State

GONE = "no longer there"


def said(at):
    return [one.value for one in at.warning]


def done(queue, verb, answer=None):
    queue.becomes(queue.only(verb).id, state=State.DONE, answer=answer)


@pytest.mark.parametrize("name", ["overview", "power", "design"])
def test_a_run_whose_result_is_gone_is_said_and_asked_again(open_page, still_queue, tmp_path, name):
    at = open_page("overview", results=tmp_path, scenario="gpt4_20k")
    done(still_queue, "run")
    at.run()
    if name != "overview":
        at.switch_page(f"screens/{name}.py").run()
    assert any(GONE in text for text in said(at))
    at.button(key="again-run").click().run()
    assert still_queue.only("run").state is State.QUEUED


def test_the_run_without_damping_that_is_gone(open_page, still_queue):
    at = open_page("power")
    at.segmented_control(key="power-view").set_value("damping").run()
    at.button(key="power-bare").click().run()
    done(still_queue, "run")
    at.run()
    assert any(GONE in text for text in said(at))
    at.button(key="again-bare").click().run()
    assert still_queue.only("run").state is State.QUEUED


def test_the_step_that_is_gone(open_page, still_queue, tmp_path):
    at = open_page("training")
    done(still_queue, "step", {"folder": str(tmp_path / "none")})
    at.run()
    assert any(GONE in text for text in said(at))
    at.button(key="again-step").click().run()
    assert still_queue.only("step").state is State.QUEUED


def test_the_map_of_places_that_is_gone(open_page, still_queue):
    at = open_page("overview")
    done(still_queue, "gallery")
    at.run()
    assert any(GONE in text for text in said(at))


def test_a_design_to_compare_that_is_gone(open_page, still_queue, small_link):
    at = open_page("compare", link=small_link, **{"compare-with": ["draft", "gpt4_20k"]})
    done(still_queue, "run")
    at.run()
    assert any(GONE in text for text in said(at))
    at.button(key="again-compare-1").click().run()
    assert still_queue.only("run").state is State.QUEUED
