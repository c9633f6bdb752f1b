"""Scripts hold what they say, whatever the scale and the seed."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clustersim import catalog
from clustersim.errors import InputError
from clustersim.instrument.patterns import PATTERNS, Asked, Permitted, known_precisions, script
from clustersim.instrument.works import ELEMENT_BYTES, Dummy, Idle, Product, Setting, Spin, Stream
from clustersim.power.device import LEVELS

ALL = known_precisions()
patterns = st.sampled_from(sorted(PATTERNS))
precisions = st.permutations(ALL).flatmap(lambda order: st.integers(1, len(order)).map(lambda n: tuple(order[:n])))


def performed(made):
    """Every part that is done, in its order."""
    return [part for one in made.rounds for _ in range(one.times) for part in one.parts]


@given(patterns, precisions, st.floats(1e-3, 20.0), st.integers(0, 2**32))
def test_parts_are_positive_and_add_up(pattern, chosen, scale, seed):
    made = script(pattern, Asked(chosen, scale, seed))
    parts = performed(made)
    assert all(part.seconds > 0.0 for part in parts)
    assert all(one.times > 0 for one in made.rounds)
    assert made.count == len(parts)
    assert made.seconds == pytest.approx(sum(part.seconds for part in parts))
    assert {part.work for part in parts} == set(made.works())
    assert {part.activity for part in parts} <= {*LEVELS, "dummy"}
    # nothing but the precisions that were asked for
    used = {getattr(part.work, "product", part.work) for part in parts}
    assert {work.precision for work in used if isinstance(work, Product)} <= set(chosen)


@given(patterns, st.floats(1e-3, 20.0), st.integers(0, 2**32))
def test_the_seed_decides_the_order_and_nothing_else_does(pattern, scale, seed):
    made = script(pattern, Asked(ALL, scale, seed))
    assert made == script(pattern, Asked(ALL, scale, seed))
    other = script(pattern, Asked(ALL, scale, seed + 1))
    assert made.count == other.count
    if pattern not in ("duty", "limits"):
        # what is irregular is drawn too
        assert Counter(made.rounds) == Counter(other.rounds)
        assert made.seconds == pytest.approx(other.seconds)


@pytest.mark.parametrize("pattern", ["levels", "products"])
def test_every_repetition_is_there_in_another_order(pattern):
    repeats = catalog.entry("exercises", pattern).properties["repeats"]
    assert repeats >= 3
    made = script(pattern, Asked(ALL))
    assert set(Counter(made.rounds).values()) == {repeats}
    each = len(made.rounds) // repeats
    turns = [made.rounds[at * each : (at + 1) * each] for at in range(repeats)]
    assert len({frozenset(turn) for turn in turns}) == 1
    assert len(set(turns)) == repeats


@pytest.mark.parametrize("pattern", sorted(PATTERNS))
@pytest.mark.parametrize("scale", [0.1, 0.5, 2.0])
def test_a_scale_shortens_everything(pattern, scale):
    whole = script(pattern, Asked(ALL)).seconds
    ratio = script(pattern, Asked(ALL, scale)).seconds / whole
    # a wave has three periods at least, a step is whole, and what a setting needs to act stays
    assert 0.9 * scale <= ratio <= 1.1 * scale + 0.15


def test_levels_hold_every_size_precision_and_level():
    made = script("levels", Asked(ALL))
    works = list(made.works())
    sizes = {(work.m, work.precision) for work in works if isinstance(work, Product)}
    assert sizes == {(size, one) for size in (1024, 2048, 4096, 8192, 16384) for one in ALL}
    assert {part.activity for part in performed(made)} == {"context", "matrix", "memory", "wait"}
    assert sum(isinstance(work, Stream) for work in works) == 2
    assert sum(isinstance(work, Spin) for work in works) == 2
    assert set(ELEMENT_BYTES) == set(ALL)


def test_settings_are_those_permitted_and_the_device_as_it_was_found():
    permitted = Permitted(limits_w=(450.0, 550.0), clocks_mhz=(1000.0,))
    for pattern, quantity, values in (("limits", "limit", (450.0, 550.0)), ("clocks", "clock", (1000.0,))):
        made = script(pattern, Asked(("bf16",), permitted=permitted))
        assert set(made.settings) == {Setting(quantity, one) for one in (None, *values)}
        assert all(one.setting is not None for one in made.rounds)
    for pattern in ("levels", "products", "duty", "step", "dummy"):
        assert script(pattern, Asked(("bf16",), permitted=permitted)).settings == ()


def test_products_hold_shapes_that_are_not_square():
    works = [work for work in script("products", Asked(("bf16",))).works() if isinstance(work, Product)]
    assert sum(work.m == work.n == work.k for work in works) >= 10
    assert sum(not work.m == work.n == work.k for work in works) >= 10
    # fp8 takes no others
    assert all(size % 16 == 0 for work in works for size in (work.m, work.n, work.k))
    assert works[0].flop == 2.0 * works[0].m * works[0].n * works[0].k


@given(st.floats(1e-3, 5.0), st.integers(0, 1000))
def test_duty_keeps_its_share_and_its_periods(scale, seed):
    made = script("duty", Asked(("bf16",), scale, seed))
    periods = []
    for one in made.rounds:
        assert one.activity == "duty"
        busy = sum(part.seconds for part in one.parts if isinstance(part.work, Product))
        assert busy * one.times == pytest.approx(0.5 * one.seconds)
        assert [type(part.work) for part in one.parts[:2]] == [Product, Idle]
        figures = dict(one.figures)
        if "period_s" in figures:
            periods.append(figures["period_s"])
            assert figures["period_s"] == pytest.approx(one.seconds / one.times)
        else:
            lengths = {part.seconds for part in one.parts if isinstance(part.work, Product)}
            assert len(lengths) >= 5
            assert all(0.01 <= length <= 1.0 for length in lengths)
    # a scale never touches a period
    assert sorted(periods) == pytest.approx(np.geomspace(0.02, 2.0, 7))


@pytest.mark.parametrize(("scale", "stalls"), [(1.0, 3), (0.3, 1), (0.01, 1), (2.0, 6)])
def test_steps_stall_now_and_then(scale, stalls):
    parts = performed(script("step", Asked(ALL, scale)))
    assert sum(part.activity == "stall" for part in parts) == stalls
    phases = [dict(part.words)["phase"] for part in parts]
    assert phases[:6] == ["forward", "forward", "backward", "backward", "exchange", "optimizer"]
    between = [part.seconds for part in parts if part.activity != "stall"]
    assert sum(between) == pytest.approx(len(between) / 6)


def test_dummy_holds_each_target_alone_and_beside_a_copy():
    made = script("dummy", Asked(ALL))
    gaps = [part for one in made.rounds for part in one.parts if dict(part.words)["phase"] == "exchange"]
    kinds = Counter(
        (part.work.share, bool(part.work.copy_bytes)) if isinstance(part.work, Dummy) else None for part in gaps
    )
    targets = (0.25, 0.5, 0.75, 1.0)
    alone, beside = [(one, False) for one in targets], [(one, True) for one in (0.0, *targets)]
    assert kinds == dict.fromkeys([None, *alone, *beside], 2)
    assert {part.activity for part in gaps} == {"exchange", "dummy"}
    assert {part.seconds for part in gaps} == {0.3}


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (lambda: script("level", Asked(ALL)), "found 'level'; did you mean 'levels'"),
        (lambda: Asked(ALL, 0.0), "--scale: expected more than 0"),
        (lambda: Asked(ALL, float("nan")), "--scale"),
        (lambda: Asked(ALL, seed=-1), "--seed"),
        (lambda: Asked(()), "expected an accelerator"),
    ],
)
def test_wrong_arguments_are_named(asked, said):
    with pytest.raises(InputError, match=said):
        asked()
