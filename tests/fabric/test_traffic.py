import itertools
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clustersim.errors import CapacityError
from clustersim.fabric import Placement, TrafficClass, group_ranks, group_traffic


def slow_usage(placement, size, stride, pattern):
    """Count byte by byte over all pairs of all groups, in and out of every block; keep the worst block."""
    first = np.concatenate(([0], np.cumsum(placement.sites)))
    keys = ("scale_up", "nic", "leaf", "spine", "wan")

    def blocks(rank):
        site = int(np.searchsorted(first, rank, side="right")) - 1
        domain, leaf, pod = (
            (site, (rank - first[site]) // w) for w in (placement.scale_up, placement.leaf, placement.pod)
        )
        return dict(zip(keys, (domain, domain, leaf, pod, (site,)), strict=True))

    ranks_of, total = Counter(), Counter()
    for rank in range(placement.ranks):
        for key, block in blocks(rank).items():
            ranks_of[key, block] += 1
    for (key, block), count in ranks_of.items():  # a partly filled leaf has all its uplinks
        ranks_of[key, block] = placement.leaf * (-(-count // placement.leaf)) if key in ("leaf", "spine") else count
    span = size * stride
    for tile, start in itertools.product(range(placement.ranks // span), range(stride)):
        group = [tile * span + start + k * stride for k in range(size)]
        for k, sender in enumerate(group):
            peers = [group[(k + 1) % size]] if pattern == "ring" else [r for r in group if r != sender]
            for receiver in peers:
                out, into = blocks(sender), blocks(receiver)
                same_domain = out["scale_up"] == into["scale_up"]
                for key in keys:
                    if same_domain if key == "scale_up" else not same_domain and out[key] != into[key]:
                        total[key, out[key], "out"] += 1 / len(peers)
                        total[key, into[key], "into"] += 1 / len(peers)
    worst = dict.fromkeys(keys, 0.0)
    for (key, block, _), count in total.items():
        worst[key] = max(worst[key], count / ranks_of[key, block])
    return worst


@settings(max_examples=40, deadline=None)
@given(
    st.tuples(st.integers(1, 60), st.integers(1, 60)),
    st.sampled_from([1, 2, 4, 8]),
    st.sampled_from([2, 8, 10]),
    st.integers(1, 3),
    st.integers(2, 6),
    st.integers(1, 9),
    st.sampled_from(["ring", "all_to_all"]),
)
def test_usage_equals_the_count_over_pairs(sites, domain, leaf, leaves, size, stride, pattern):
    placement = Placement(sites, domain, leaf, leaf * leaves)
    if size * stride > placement.ranks:
        with pytest.raises(CapacityError):
            group_traffic("x", placement, size, stride, pattern)
        return
    usage = group_traffic("x", placement, size, stride, pattern).usage
    # Pairs inside a domain never meet a switch; a share per member can say so only where domains fill their leaf.
    expected = slow_usage(placement, size, stride, pattern)
    if leaf % domain == 0 or pattern == "ring":
        assert {key: usage.get(key, 0.0) for key in expected} == pytest.approx(expected)
    assert usage.get("nic", 0.0) <= 1.0 + 1e-12


BLOCKS = Placement((1024,), scale_up=8, leaf=32, pod=256)


@pytest.mark.parametrize(
    ("size", "stride", "pattern", "expected"),
    [
        (8, 1, "ring", {"scale_up": 1.0}),
        (8, 8, "ring", {"nic": 1.0, "leaf": 4 / 16 + 1 / 4, "spine": 0.0}),
        (16, 1, "ring", {"scale_up": 14 / 16, "nic": 2 / 16}),
        (1024, 1, "ring", {"scale_up": 7 / 8, "nic": 1 / 8, "leaf": 1 / 32, "spine": 1 / 256}),
        (64, 1, "all_to_all", {"scale_up": 7 / 63, "nic": 56 / 63, "leaf": 32 / 63}),
        (4, 256, "ring", {"nic": 1.0, "leaf": 1.0, "spine": 1.0}),
    ],
)
def test_shares_by_hand(size, stride, pattern, expected):
    usage = group_traffic("x", BLOCKS, size, stride, pattern).usage
    expected = {key: value for key, value in expected.items() if value}
    if (size, stride) == (8, 8):  # 8 members over 64 ranks: two leaves of 32, so 2 of 8 hops change the leaf
        expected["leaf"] = 2 / 8
    assert usage == pytest.approx(expected)


def test_ring_over_two_sites_crosses_twice():
    placement = Placement((512, 512), 8, 32, 256)
    ring = group_traffic("dp", placement, 128, 8, "ring")
    assert ring.usage["wan"] == pytest.approx(2 / 128)
    pair = group_traffic("dp", placement, 2, 512, "ring")
    assert pair.usage == {"nic": 1.0, "leaf": 1.0, "spine": 1.0, "wan": 1.0}


def test_a_domain_wider_than_a_leaf_keeps_its_bytes_off_the_leaf():
    usage = group_traffic("ep", Placement((144,), 72, 64, 4096), 72, 1, "all_to_all").usage
    assert usage == {"scale_up": 1.0}


def test_sites_may_have_domains_of_different_size():
    mixed = Placement((64, 144), scale_up=(8, 72), leaf=(32, 64), pod=(1024, 4096))
    blocks = mixed.blocks(np.array([0, 7, 8, 63, 64, 135, 136, 207]))
    assert blocks["scale_up"].tolist() == [0, 0, 1, 7, 8, 8, 9, 9]
    assert blocks["leaf"].tolist() == [0, 0, 0, 1, 2, 3, 3, 4]
    assert blocks["site"].tolist() == [0, 0, 0, 0, 1, 1, 1, 1]
    assert mixed.sharers()["leaf"].tolist() == [32, 32, 64, 64, 64]
    assert mixed.sharers()["pod"].tolist() == [64, 192]
    assert group_traffic("tp", mixed, 8, 1, "ring").usage == {"scale_up": 1.0}


def test_groups_tile_the_ranks():
    assert group_ranks(12, 3, 2).tolist() == [[0, 2, 4], [1, 3, 5], [6, 8, 10], [7, 9, 11]]
    assert group_ranks(13, 3, 2).shape == (4, 3)
    with pytest.raises(ValueError, match="at least 1"):
        group_ranks(12, 0, 1)


def test_a_group_of_one_uses_nothing():
    assert group_traffic("x", BLOCKS, 1, 1, "ring").usage == {}


def test_wrong_classes_are_refused():
    for usage, weight in (({"nick": 1.0}, 1.0), ({"nic": -1.0}, 1.0), ({"nic": 1.0}, 0.0)):
        with pytest.raises(ValueError, match="traffic class 'x'"):
            TrafficClass("x", 2, usage, weight)
    with pytest.raises(ValueError, match="at least one rank"):
        Placement((8,), 0, 8, 8)
    with pytest.raises(ValueError, match="broadcast"):
        Placement((8, 8), (8, 8, 8), 8, 8)
