"""What is drawn of a long record: a spike of one sample is seen however far one has zoomed, and nothing is invented."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clustersim.errors import InputError
from clustersim.report.extremes import BLOCK, Extremes
from clustersim.report.power_figures import scale_of, zoomed
from clustersim.report.power_record import Stretches
from clustersim.report.spans import FEWEST, Span, axis_unit, read_span, time_text

DT_S = 1e-3
FEW = settings(max_examples=25, deadline=None)


@st.composite
def spiky(draw):
    """A record with one spike, and a span that holds it."""
    size = draw(st.integers(20, 40 * BLOCK))
    at = draw(st.integers(0, size - 1))
    first = draw(st.integers(0, at))
    last = draw(st.integers(max(at + 1, first + 2), size + 2))
    kind = draw(st.sampled_from([np.float32, np.float64]))
    values = np.random.default_rng(draw(st.integers(0, 99))).random(size).astype(kind)
    values[at] = 7.0 if draw(st.booleans()) else -7.0
    return values, at, min(first, size - 2), min(last, size)


@FEW
@given(spiky(), st.sampled_from([8, 20, 200]))
def test_a_spike_of_one_sample_is_drawn(found, most):
    values, at, first, last = found
    first = min(first, at)
    shown = Extremes(values).envelope(5.0, DT_S, first, last, most)
    part = values[first:last]
    assert shown.x.size <= most or shown.x.size == part.size <= most
    assert shown.y.min() == part.min()
    assert shown.y.max() == part.max()
    assert shown.samples == part.size
    # points are samples, in the order of time
    assert np.all(np.diff(shown.x) > 0.0)
    places = np.round((shown.x - 5.0) / DT_S).astype(int)
    assert np.array_equal(values[places], shown.y)


@settings(max_examples=5, deadline=None)
@given(spiky())
def test_the_figure_shows_the_spike_at_every_zoom(found):
    values, at, _, _ = found
    trace = {"meter": Extremes(values)}
    whole = Span(0.0, values.size * DT_S)
    scale = scale_of(trace)
    span = whole
    for _ in range(14):
        drawn = [one for one in zoomed(trace, whole, DT_S, span, scale).data if one.xaxis == "x2"]
        assert np.max(np.abs(drawn[0].y)) * scale.size == pytest.approx(7.0)
        assert len(drawn[0].x) <= 2000
        half = 0.25 * span.length_s
        span = Span(at * DT_S - half, at * DT_S + half).within(whole, DT_S)


@FEW
@given(st.floats(1e-3, 1e7), st.floats(0.0, 1.0), st.floats(0.0, 1.0), st.floats(-5.0, 5.0), st.floats(0.01, 100.0))
def test_a_span_stays_in_its_record(length, one, two, by, factor):
    whole, dt = Span(0.0, length), length / 1e5
    span = Span(*sorted((one * length, two * length))).within(whole, dt)
    for moved in (span, span.moved(by, whole, dt), span.scaled(factor, whole, dt), span.of_length(0.1, whole, dt)):
        slack = 1e-9 * length
        assert -slack <= moved.begin_s < moved.end_s <= length + slack
        assert moved.length_s >= FEWEST * dt * (1 - 1e-6)
        # what the address holds brings it back
        again = read_span(time_text(moved.begin_s, whole), time_text(moved.end_s, whole), whole, 1e-3 * dt)
        assert again.begin_s == pytest.approx(moved.begin_s, abs=1e-8 * length)
        assert again.end_s == pytest.approx(moved.end_s, abs=1e-8 * length)


@pytest.mark.parametrize(
    ("begin", "end", "said"),
    [
        ("700 s", "", "from: expected 0 s to 600 s, found 700 s"),
        ("", "-1 s", "to: expected 0 s to 600 s, found -1 s"),
        ("ten", "", "from: "),
        ("10", "", "from: "),
        ("10 MW", "", "from: "),
        ("20 s", "10 s", "to: expected a time at least 0.08 s after 20 s, found 10 s"),
        ("20 s", "20.01 s", "to: expected a time at least 0.08 s"),
    ],
)
def test_a_wrong_span_is_refused(begin, end, said):
    with pytest.raises(InputError) as stopped:
        read_span(begin, end, Span(0.0, 600.0), 0.01)
    assert str(stopped.value).startswith(said)


def test_times_are_written_in_units_that_read_well():
    assert [axis_unit(length)[0] for length in (0.1, 600.0, 4 * 3600.0, 30 * 86400.0)] == ["s", "s", "h", "d"]
    assert read_span("1 min", "0.05 h", Span(0.0, 600.0), 0.01) == Span(60.0, 180.0)


@FEW
@given(st.integers(1, 400), st.floats(0.0, 0.9), st.floats(0.05, 1.0), st.integers(1, 50))
def test_bins_of_the_horizon_keep_energy_and_range(count, begin, share, most):
    rng = np.random.default_rng(count)
    edges = np.concatenate([[0.0], np.cumsum(rng.random(count) + 1e-3)])
    mean = rng.random(count)
    course = Stretches(edges, mean, mean - 0.1, mean + 0.1)
    begin_s = begin * edges[-1]
    span = Span(begin_s, begin_s + share * (edges[-1] - begin_s))
    shown = course.between(span, most)
    assert shown.mean_mw.size <= most
    assert shown.edges_s.size == shown.mean_mw.size + 1
    total = np.concatenate([[0.0], np.cumsum(mean * np.diff(edges))])
    energy = np.interp(span.end_s, edges, total) - np.interp(span.begin_s, edges, total)
    assert float(shown.mean_mw @ np.diff(shown.edges_s)) == pytest.approx(energy, rel=1e-9, abs=1e-12)
    inside = (edges[1:] > span.begin_s) & (edges[:-1] < span.end_s)
    assert shown.low_mw.min() == pytest.approx(mean[inside].min() - 0.1)
    assert shown.high_mw.max() == pytest.approx(mean[inside].max() + 0.1)
