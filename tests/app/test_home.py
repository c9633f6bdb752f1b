from __future__ import annotations

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

HOME = Path(__file__).resolve().parents[2] / "app" / "Home.py"


@pytest.fixture
def page(monkeypatch, small_scenario):
    import clustersim.scenario

    shipped = clustersim.scenario.shipped
    monkeypatch.setattr(
        clustersim.scenario,
        "shipped",
        lambda folder: small_scenario.parent if folder == "scenarios" else shipped(folder),
    )
    at = AppTest.from_file(str(HOME), default_timeout=120).run()
    assert not at.exception
    if at.selectbox(key="scenario").value != "small":
        at.selectbox(key="scenario").set_value("small").run()
    return at


def metrics(at: AppTest) -> dict[str, str]:
    return {metric.label: metric.value for metric in at.metric}


def test_it_runs_and_knobs_change_the_answer(page):
    assert page.info[0].value.startswith("Change what you like")
    at = page.button[0].click().run()
    assert not at.exception
    first = metrics(at)
    assert first["Iteration time"].endswith(" s")
    assert first["IT drawn, mean"].endswith(" MW")
    assert {"Rules broken", "Cooling missing", "A million tokens"} <= set(first)
    at.multiselect(key="damping").set_value([])
    at = at.button[0].click().run()
    assert not at.exception
    second = metrics(at)
    assert second["Swing"] != first["Swing"]
    assert second["Iteration time"] == first["Iteration time"]


def test_wrong_input_is_a_message(page):
    page.number_input(key="time_constant").set_value(-3.0)
    at = page.button[0].click().run()
    assert not at.exception
    assert "time_constant" in at.error[0].value
    assert not at.metric
    at.number_input(key="time_constant").set_value(20.0)
    at.text_input(key="price").set_value("60 USD")
    at = at.button[0].click().run()
    assert not at.exception
    assert "electricity_price" in at.error[0].value
