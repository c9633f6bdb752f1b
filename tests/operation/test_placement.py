"""Placement of gangs: all or nothing, free servers only, the fewest leaves."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clustersim.operation.placement import free_in_blocks, place

MASKS = st.lists(st.booleans(), min_size=1, max_size=60).map(lambda bits: np.array(bits, dtype=np.bool_))


def fewest_blocks(room, count):
    """Brute force: the least number of blocks whose room adds up to `count`."""
    return next(
        k
        for k in range(1, len(room) + 1)
        if any(sum(chosen) >= count for chosen in itertools.combinations(room.tolist(), k))
    )


@given(MASKS, st.integers(1, 40), st.sampled_from([(), (3,), (2, 6), (2, 6, 12)]), st.sampled_from(["pack", "spread"]))
@settings(max_examples=150, deadline=None)
def test_a_gang_gets_free_servers_or_none(free, count, blocks, policy):
    found = place(free, count, blocks, policy)
    if count > free.sum():
        assert found is None
        return
    assert found.size == count
    assert np.unique(found).size == count
    assert free[found].all()
    assert (np.diff(found) > 0).all()


def blocks_touched(servers, size):
    return np.unique(servers // size).size


@given(MASKS, st.integers(1, 30), st.integers(2, 7))
@settings(max_examples=150, deadline=None)
def test_pack_takes_the_fewest_leaves(free, count, leaf):
    found = place(free, count, (leaf,))
    if found is not None:
        assert blocks_touched(found, leaf) == fewest_blocks(free_in_blocks(free, leaf), count)


@given(MASKS, st.integers(1, 30))
@settings(max_examples=100, deadline=None)
def test_pack_takes_the_fewest_pods_and_in_one_pod_the_fewest_leaves_of_it(free, count):
    found = place(free, count, (3, 12))
    if found is None:
        return
    assert blocks_touched(found, 12) == fewest_blocks(free_in_blocks(free, 12), count)
    if blocks_touched(found, 12) == 1:
        pod = int(found[0]) // 12
        room = free_in_blocks(free[pod * 12 : (pod + 1) * 12], 3)
        assert blocks_touched(found, 3) == fewest_blocks(room, count)


def test_best_fit_leaves_the_emptier_block_whole():
    free = np.ones(12, dtype=np.bool_)
    free[4:6] = False
    assert place(free, 2, (4,)).tolist() == [6, 7]
    assert place(free, 4, (4,)).tolist() == [0, 1, 2, 3]
    assert place(free, 6, (4,)).tolist() == [0, 1, 2, 3, 6, 7]


@given(MASKS, st.integers(1, 40), st.integers(2, 7))
@settings(max_examples=100, deadline=None)
def test_spread_is_as_even_as_the_room_allows(free, count, leaf):
    found = place(free, count, (leaf,), "spread")
    if found is None:
        return
    room = free_in_blocks(free, leaf)
    taken = np.bincount(found // leaf, minlength=room.size)
    # no leaf could hand one server to another and make the two more equal
    for giver, taker in itertools.permutations(range(room.size), 2):
        assert taken[giver] - taken[taker] <= 1 or taken[taker] == room[taker]


def test_a_gang_of_nobody_is_refused():
    with pytest.raises(ValueError, match="at least one server"):
        place(np.ones(3, dtype=np.bool_), 0)
