"""Exchanges that share a fabric in one solve."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clustersim.errors import CapacityError, InputError
from clustersim.fabric import (
    build_fabric,
    contend,
    flow_network,
    flow_pattern,
    parse_pattern,
)

NIC = 0.95 * 50e9


@pytest.fixture(scope="module")
def fabric(make_spec, make_site):
    return build_fabric(make_spec(radix=16), [make_site(1024)])


@pytest.fixture(scope="module")
def tapered(make_spec, make_site):
    return build_fabric(make_spec(radix=16, oversubscription={"spine": 7}), [make_site(1024)])


def paces(network, *texts):
    return contend(network, [parse_pattern(text, network.first_rank[-1]) for text in texts])


def test_data_pipeline_and_experts_of_one_job_share_the_cards(fabric):
    # 1,024 ranks: experts over 64, pipeline of 4 stages of 64 ranks, data over 4 replicas of 256
    network = flow_network(fabric, "spread")
    data, pipeline, expert = paces(network, "ring:4:256", "ring:4:64", "all_to_all:64")
    assert data.alone_slowest == pipeline.alone_slowest == pytest.approx(NIC)
    # of 63 peers 7 are in the domain, so 56/63 of a member's bytes pass its card
    assert expert.alone_slowest == pytest.approx(NIC * 63 / 56)
    assert data.together_slowest == pipeline.together_slowest == pytest.approx(NIC / (2 + 56 / 63))
    assert expert.together_binds == data.together_binds == "host-leaf"
    assert data.slowdown == pytest.approx(2 + 56 / 63)


def test_two_jobs_on_their_own_halves_do_not_meet(fabric):
    network = flow_network(fabric, "spread")
    for found in paces(network, "all_to_all:64@0-511", "all_to_all:64@512-1023"):
        assert found.slowdown == pytest.approx(1.0)


def test_two_jobs_meet_at_the_tapered_spine(tapered):
    network = flow_network(tapered, "spread")
    # interleaved: every ring of both jobs leaves its pod with every hop
    pod = tapered.sites[0].endpoints_per_pod
    one, two = (f"ring:2:{pod}@{first}-{first + 2 * pod - 1}" for first in (0, 0))
    alone, _ = paces(network, one, two)
    assert alone.alone_slowest == pytest.approx(NIC / 7)
    assert alone.together_slowest == pytest.approx(NIC / 14)
    assert alone.together_binds == "spine-core"


def test_incast_is_congested_and_a_shift_is_not(fabric):
    network = flow_network(fabric, "spread")
    (incast,) = paces(network, "incast:32:8")
    assert incast.alone_slowest == pytest.approx(NIC / 31)
    assert incast.alone_binds == "host-leaf"
    (ring,) = paces(network, "ring:128:8")
    assert ring.alone_slowest == pytest.approx(NIC)


def test_hashing_costs_what_spreading_does_not(fabric):
    slow = paces(flow_network(fabric, "ecmp"), "permutation")[0]
    fast = paces(flow_network(fabric, "spread"), "permutation")[0]
    assert slow.alone_slowest < 0.5 * fast.alone_slowest
    assert slow.alone_binds in {"leaf-spine", "spine-core"}
    assert fast.alone_slowest == pytest.approx(NIC)


@settings(max_examples=20, deadline=None)
@given(
    st.lists(st.sampled_from(["ring:4:64", "all_to_all:16:8", "incast:8:16", "permutation"]), min_size=2, max_size=3)
)
def test_company_never_makes_the_slowest_of_all_faster(fabric, texts):
    found = paces(flow_network(fabric, "spread"), *texts)
    assert min(item.together_slowest for item in found) <= min(item.alone_slowest for item in found) * (1 + 1e-9)


def test_every_member_sends_and_receives_all_its_bytes():
    for kind in ("ring", "all_to_all"):
        pattern = flow_pattern("x", kind, 8, 4, range(64, 128), total=128)
        for ends in (pattern.source, pattern.target):
            assert np.bincount(ends, pattern.share, 128)[64:] == pytest.approx(1.0)
        assert (pattern.source != pattern.target).all()
    drawn = flow_pattern("x", "permutation", 0, total=100, seed=5)
    assert np.array_equal(np.sort(drawn.target), np.arange(100))
    assert (drawn.source != drawn.target).all()


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("rings:4", "did you mean 'ring'"),
        ("ring", "KIND:SIZE"),
        ("permutation:4", "permutation without a size"),
        ("ring:4:x", "KIND:SIZE"),
        ("ring:4@0-5000", "accelerators from 0 to 1023"),
        ("ring:4096", "spans 4096 ranks"),
        ("ring:1", "at least 2 members"),
    ],
)
def test_wrong_patterns_are_refused(text, match):
    with pytest.raises((InputError, CapacityError), match=match):
        parse_pattern(text, 1024)
