from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clustersim.power.records import Waveform
from clustersim.report import charts, figures
from clustersim.report.envelope import envelope
from clustersim.report.page import html
from clustersim.report.sections import verdict_table
from clustersim.report.text import limiter, summary_text
from clustersim.report.verdict import verdict_text
from clustersim.report.words import answer, columns, dollars, number


def wave(power: np.ndarray, dt_s: float = 0.001) -> Waveform:
    rows = np.stack([power, 0.8 * power])
    return Waveform(0.0, dt_s, ("meter", "a/it"), (None, "meter"), rows, np.zeros_like(rows))


@given(size=st.integers(1, 30_000), at=st.floats(0, 0.999), sign=st.sampled_from([-1, 1]))
@settings(max_examples=30, deadline=None)
def test_a_spike_of_one_sample_survives(size, at, sign):
    values = np.full(size, 100.0)
    spike = int(at * size)
    values[spike] += sign * 110.0
    shown = envelope(0.0, 0.01, values)
    assert shown.x.size <= 2000
    assert 100.0 + sign * 110.0 in shown.y
    assert np.all(np.diff(shown.x) > 0)
    assert spike * 0.01 == pytest.approx(shown.x[np.flatnonzero(shown.y == 100.0 + sign * 110.0)[0]])


def test_a_spike_is_in_the_figure_and_the_note_tells_what_is_shown():
    power = np.full(1_000_000, 150e6)
    power[777_777] = 210e6
    figure = figures.waveform(wave(power))
    assert max(figure.data[0].y) == pytest.approx(210.0)
    assert all(len(trace.x) <= 2000 for trace in figure.data)
    assert {trace.type for trace in figure.data} == {"scatter"}  # SVG, never WebGL
    note = figures.waveform_note(wave(power))
    assert "of 1,000,000 points" in note
    assert "harmonics above 20 Hz are not modelled" in note
    zoom = figures.waveform(wave(power), 777.7, 777.8)
    assert len(zoom.data[0].x) == 100


def test_the_spectrum_finds_a_sine_with_its_amplitude():
    t = 0.01 * np.arange(60_000)
    figure = figures.spectrum(wave(100e6 + 8e6 * np.sin(2 * np.pi * 1.25 * t), 0.01))
    line = figure.data[0]
    peak = int(np.argmax(line.y))
    assert line.x[peak] == pytest.approx(1.25, abs=0.002)
    assert line.y[peak] == pytest.approx(8.0, rel=0.01)


def test_margins_put_broken_rules_beyond_one():
    verdict = pd.DataFrame(
        {
            "rule": ["a", "b", "c"], "node": ["x"] * 3, "measured": [3.0, 0.5, None], "limit": [1.0] * 3,
            "unit": ["MW"] * 3, "margin": [-2.0, 0.5, None], "passed": pd.Series([False, True, None], dtype=object),

            "window": ["steady"] * 2 + [""], "source": ["S"] * 3, "reason": ["", "", "no voltage"],
        }
    )  # fmt: skip
    assert list(figures.margins(verdict).data[0].x) == [3.0, 0.5]
    assert [row[0] for row in verdict_table(verdict).rows] == ["FAIL", "not judged", "PASS"]
    text = verdict_text(verdict)
    assert "-200%" in text
    assert "not judged: no voltage" in text


def test_gantt_holds_every_operation(small_result):
    figure = charts.gantt(small_result.step)
    own = small_result.step[
        (small_result.step["unit"] == 0) & (small_result.step["end_s"] > small_result.step["start_s"])
    ]
    assert sum(len(trace.y) for trace in figure.data) == len(own)
    ends = max(base + x for trace in figure.data for base, x in zip(trace.base, trace.x, strict=True))
    assert ends == pytest.approx(own["end_s"].max(), abs=1e-5)


def test_breakdown_adds_up_and_days_have_24_hours(small_result):
    assert sum(trace.x[0] for trace in charts.breakdown([small_result]).data) == pytest.approx(100.0, abs=0.1)
    days = charts.states_by_day(small_result.timeline)
    assert np.sum([np.asarray(trace.y) for trace in days.data], axis=0) == pytest.approx([24.0, 24.0, 24.0], abs=1e-3)


def test_parts_of_the_meter_add_up(small_result):
    parts = figures.parts_w(small_result.waveforms["steady"])
    meter = parts.pop("meter")
    wave_ = small_result.waveforms["steady"]
    network = sum(wave_.power(node) for node in wave_.nodes if node.endswith("/network"))
    assert set(parts) == {"IT", "cooling", "losses", "battery"}
    whole = sum(parts.values())
    # the network's power is a part of IT
    assert np.allclose(whole, meter, rtol=1e-6) or np.allclose(whole + network, meter, rtol=1e-6)


def loads(page: str) -> list[str]:
    """What a browser would fetch: src and href of tags, url() and @import of styles, outside scripts."""
    bare = re.sub(r"<script[^>]*>.*?</script>", "", page, flags=re.S)
    tags = re.findall(r"""\b(?:src|href|srcset|data)\s*=\s*["']([^"']*)""", bare)
    tags += re.findall(r"""<script[^>]*\bsrc\s*=\s*["']([^"']*)""", page)
    tags += re.findall(r"url\(([^)]*)\)|@import\s+([^;]*)", bare)
    return [tag for tag in tags if not (isinstance(tag, str) and tag.startswith("#"))]


def test_the_report_is_whole_and_loads_nothing(small_result):
    page = html(small_result)
    assert loads(page) == []
    assert page.count("plotly.js v") <= 2  # once, in its licence text
    for text in ("70B on 2,048 H100", "Verdict", "Bill of materials", "Assumed figures", small_result.run_id):
        assert text in page
    assert "harmonics above 20 Hz are not modelled" in page
    for key in small_result.assumed["key"]:
        assert key in page
    assert page == html(small_result)


def test_texts_of_the_user_are_escaped(small_result):
    from dataclasses import replace

    nasty = "<img src=http://example.org onerror=alert(1)></script>"
    page = html(replace(small_result, scenario={**small_result.scenario, "title": nasty}, warnings=(nasty,)))
    assert nasty not in page
    assert "&lt;img" in page


def test_the_summary_tells_drawn_and_provisioned_apart_and_shows_missing_cooling(small_result):
    from dataclasses import replace

    text = summary_text(small_result)
    assert max(map(len, text.splitlines())) <= 100
    assert text.index("drawn IT, mean") < text.index("provisioned IT") < text.index("at the meter")
    assert "SHORT" not in text
    short = {**small_result.summary, "cooling_shortfall_mw": 15.3, "cooling_minutes_to_alarm": 59.0}
    assert "15.3 MW SHORT, alarm after 59.0 min" in " ".join(summary_text(replace(small_result, summary=short)).split())


def test_limiter_names_the_largest_loss():
    assert limiter({"goodput": 0.6, "exposed_comm_fraction": 0.2, "bubble_fraction": 0.1}).startswith("failures")
    assert limiter({"goodput": 1.0, "exposed_comm_fraction": 0.02, "bubble_fraction": 0.01}).startswith("none above")


@pytest.mark.parametrize(
    ("value", "text"),
    [(232.384, "232"), (1625, "1,625"), (0.00256, "0.00256"), (0.0, "0"), (None, "-"), (99.96, "100")],
)
def test_number(value, text):
    assert number(value).removesuffix(".0") == text


def test_units_of_answers():
    assert answer("mfu", 0.31) == "31.0 %"
    assert answer("min_frequency_hz", 59.78378) == "59.784 Hz"
    assert answer("peak_mw", 262.9) == "263 MW"
    assert dollars(10.049e9) == "10.0 billion USD"
    assert "…" in columns(("a",), [("x" * 50,)])
