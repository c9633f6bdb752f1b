"""What points share is the same as what each would make for itself, and is forgotten with the catalog it came from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clustersim import catalog
from clustersim.plant.battery_cells import pack_of
from clustersim.scenario import load_scenario
from clustersim.study.shared import SHELF, Shelf, content_key, shared, size_of
from clustersim.study.steady import steady_answer

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=3),
    max_leaves=6,
)


@dataclass(frozen=True)
class Record:
    name: str
    values: np.ndarray


@pytest.mark.parametrize(
    "changes",
    [({"seed": 1}, {"seed": 2}), pytest.param(({"seed": 1}, {"operation.horizon": "3 h"}), marks=pytest.mark.soak)],
)
def test_a_warm_process_gives_the_bytes_of_a_cold_one(small_scenario, changes):
    points = [load_scenario(small_scenario, {"operation.horizon": "2 h"} | change) for change in changes]
    cold = []
    for point in points:
        SHELF.clear()
        cold.append(steady_answer(point))
    hits = SHELF.hits
    warm = [steady_answer(point) for point in reversed(points)][::-1]
    assert SHELF.hits > hits
    for one, other in zip(cold, warm, strict=True):
        assert one.summary == other.summary
        assert one.verdict.equals(other.verdict)


@given(PLAIN, PLAIN)
def test_keys_are_equal_where_content_is(one, other):
    assert content_key(one) == content_key(one)
    assert (content_key(one) == content_key(other)) == (repr(one) == repr(other))


def test_arrays_count_by_value_shape_and_type():
    base = Record("a", np.arange(6.0))
    assert content_key(base) == content_key(Record("a", np.arange(12.0)[:6]))
    others = (np.arange(6.0).reshape(2, 3), np.arange(6), np.arange(6.0) + np.eye(6)[5] * 1e-15)
    assert len({content_key(Record("a", values)) for values in (base.values, *others)}) == 4
    assert content_key(("ab", "c")) != content_key(("a", "bc"))
    with pytest.raises(TypeError, match="no content key"):
        content_key(lambda: None)


def test_the_shelf_keeps_to_its_size_and_drops_what_was_used_longest_ago():
    shelf = Shelf(most_bytes=2 * 80)
    for key in "abac":
        shelf.get(key, lambda: np.zeros(10))
    assert (len(shelf), shelf.hits) == (2, 1)
    made = []
    shelf.get("a", lambda: made.append(1))
    shelf.get("big", lambda: np.zeros(100))
    assert made == []
    assert len(shelf) == 2
    assert size_of((np.zeros(10), {"a": Record("a", np.zeros(5))})) == 120


def test_other_figures_of_the_catalog_forget_what_came_from_the_old_ones(tmp_path):
    over = tmp_path / "over.yaml"
    over.write_text(
        "batteries:\n"
        "  sources: {own: {title: own}}\n"
        "  entries:\n"
        "    megapack_2xl:\n"
        "      figures:\n"
        "        round_trip_efficiency: {value: 90 %, source: own, confidence: measured}\n"
    )
    before, made = pack_of("megapack_2xl"), shared("test", lambda: object(), 1)
    assert shared("test", lambda: object(), 1) is made
    try:
        catalog.use_overlays([over])
        assert pack_of("megapack_2xl") != before
        assert shared("test", lambda: object(), 1) is not made
    finally:
        catalog.use_overlays([])
    assert pack_of("megapack_2xl") == before
