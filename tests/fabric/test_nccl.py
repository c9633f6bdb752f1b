"""The choice among algorithms and protocols: limits, bounds and monotony."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clustersim import catalog
from clustersim.fabric import Group, collective_time, nccl_library, scale_up_links, transport
from clustersim.fabric.library import provider, scale_up_entry
from clustersim.fabric.nccl import ALGORITHMS, COLLECTIVES, possible
from tests.drawn import examples

LIBRARY = nccl_library()
CHIPS = ["A100-80G-SXM", "H100-SXM", "B200-SXM", "GB200-NVL72", "MI300X", "TPU-v5p"]
NETWORKS = ["infiniband", "roce", "efa", "tcpx", "generic_transport"]
SIZES = np.geomspace(8.0, 2.0**34, 60)


def group(chip="H100-SXM", members=8, domain=8, network="infiniband", nic=50e9, **kw):
    rate = catalog.entry("accelerators", chip).si("scale_up.bandwidth")
    return Group(members, domain, scale_up_links(chip, rate), transport(network), nic, **kw)


groups = st.builds(
    group, st.sampled_from(CHIPS), st.integers(2, 8192), st.sampled_from([1, 4, 8, 72]), st.sampled_from(NETWORKS)
)


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(COLLECTIVES), groups)
def test_time_never_falls_with_the_size(collective, of):
    seconds = collective_time(collective, SIZES, of, LIBRARY).seconds
    assert (np.diff(seconds) >= 0.0).all()
    assert (seconds > 0.0).all()


@settings(max_examples=examples(60), deadline=None)
@given(st.sampled_from(COLLECTIVES), groups)
def test_faster_links_never_slow(collective, of):
    base = collective_time(collective, SIZES, of, LIBRARY).seconds
    inside = replace(of.scale_up, bandwidth=2.0 * of.scale_up.bandwidth)
    for faster in (replace(of, nic=2.0 * of.nic), replace(of, scale_up=inside), replace(of, fabric_reduces=True)):
        assert (collective_time(collective, SIZES, faster, LIBRARY).seconds <= base * (1 + 1e-12)).all()


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(COLLECTIVES), groups, st.sampled_from(ALGORITHMS))
def test_the_library_takes_the_least(collective, of, algorithm):
    best = collective_time(collective, SIZES, of, LIBRARY)
    if possible(algorithm, collective, of):
        alone = collective_time(collective, SIZES, of, LIBRARY, (algorithm,))
        assert (best.seconds <= alone.seconds).all()
        assert set(alone.algorithm) == {algorithm}
    else:
        with pytest.raises(ValueError, match="none of"):
            collective_time(collective, SIZES, of, LIBRARY, (algorithm,))


@settings(max_examples=40, deadline=None)
@given(st.integers(2, 4096), st.sampled_from(["ring", "tree"]), groups)
def test_without_latencies_a_ring_is_its_bytes(members, algorithm, of):
    """And every all-reduce is bound by what must pass the links."""
    nothing = dict.fromkeys(LIBRARY.step_up, 0.0)
    ideal = replace(LIBRARY, step_up=nothing, step_net=nothing, post=0.0, own_part=0.0)
    up = replace(of.scale_up, ring_share=1.0, launch=0.0, ramp=0.0, mesh_of=0)
    net = replace(of.transport, share=1.0, latency=0.0, ramp=0.0)
    pure = replace(of, members=members, scale_up=up, transport=net)
    size = 1e9
    sent = 2 * (members - 1) / members * size
    bound = sent / up.bandwidth
    if pure.domains > 1:
        bound = max(bound, sent / (pure.inside * pure.nic))
    found = collective_time("all_reduce", size, pure, ideal, ("ring",)).seconds[0]
    assert found == pytest.approx(bound, rel=1e-9)
    halves = [
        collective_time(half, size, pure, ideal, ("ring",)).seconds[0] for half in ("reduce_scatter", "all_gather")
    ]
    assert sum(halves) == pytest.approx(found, rel=1e-9)


@settings(max_examples=30, deadline=None)
@given(st.sampled_from(COLLECTIVES), groups, st.integers(0, 59))
def test_all_sizes_at_once_are_one_by_one(collective, of, index):
    together = collective_time(collective, SIZES, of, LIBRARY)
    alone = collective_time(collective, SIZES[index], of, LIBRARY)
    assert alone.seconds[0] == together.seconds[index]
    assert alone.protocol[0] == together.protocol[index]


@pytest.mark.parametrize(("chip", "members"), [("H100-SXM", 8), ("B200-SXM", 8), ("GB200-NVL72", 72)])
def test_a_reducing_switch_beats_the_ring_for_large_buffers(chip, members):
    of = group(chip, members, domain=members)
    by_switch = collective_time("all_reduce", 2.0**34, of, LIBRARY, ("nvls",)).seconds
    assert by_switch < 0.9 * collective_time("all_reduce", 2.0**34, of, LIBRARY, ("ring",)).seconds


def test_small_messages_take_flags_and_large_ones_chunks():
    choice = collective_time("all_reduce", SIZES, group(), LIBRARY)
    assert choice.protocol[0] == "ll"
    assert (choice.algorithm[-1], choice.protocol[-1]) == ("nvls", "simple")
    far = collective_time("all_reduce", SIZES, group(members=1024), LIBRARY)
    assert far.algorithm[0] == "tree"


def test_a_network_that_reduces_beats_a_tree():
    size = 2.0**33
    plain, reducing = group(members=1024), group(members=1024, fabric_reduces=True)
    assert collective_time("all_reduce", size, reducing, LIBRARY).algorithm[0] == "sharp"
    ratio = collective_time("all_reduce", size, plain, LIBRARY).seconds
    assert collective_time("all_reduce", size, reducing, LIBRARY).seconds < 0.85 * ratio


def test_latency_grows_with_the_logarithm_of_the_domains():
    times = [collective_time("all_reduce", 1024.0, group(members=8 * d), LIBRARY).seconds[0] for d in (2, 4, 8, 16)]
    assert np.diff(times) == pytest.approx(np.diff(times)[0], rel=0.01)


def test_the_network_does_not_matter_inside_a_domain():
    near, slow = group(members=8), group(members=8, network="tcpx", nic=1e9)
    for collective in COLLECTIVES:
        a, b = (collective_time(collective, SIZES, of, LIBRARY).seconds for of in (near, slow))
        assert (a == b).all()


def test_a_mesh_of_few_uses_few_links():
    two, eight = (collective_time("all_reduce", 2.0**33, group("MI300X", members=n), LIBRARY) for n in (2, 8))
    rate = [2 * (n - 1) / n * 2.0**33 / time.seconds[0] for n, time in ((2, two), (8, eight))]
    assert 5.0 < rate[1] / rate[0] < 7.5


def test_a_group_of_one_costs_nothing():
    choice = collective_time("all_reduce", SIZES, group(members=1), LIBRARY)
    assert (choice.seconds == 0.0).all()


@pytest.mark.parametrize(("collective", "size"), [("all_reduce", -1.0), ("gossip", 1.0)])
def test_wrong_input_is_refused(collective, size):
    with pytest.raises(ValueError, match="expected one of"):
        collective_time(collective, size, group(), LIBRARY)


def test_wrong_groups_are_refused():
    with pytest.raises(ValueError, match="NIC rate"):
        group(nic=0.0)


def test_generations_stand_in_for_each_other():
    rack, mesh = scale_up_entry("GB200-NVL72"), scale_up_entry("MI300X")
    assert provider(rack, "ring_share").name == "nvlink5"
    assert provider(rack, "reduce_share").name == "nvlink5_rack"
    assert provider(mesh, "launch").name == "generic_scale_up"
    assert provider(mesh, "reduce_share") is None
    assert scale_up_links("MI300X", 448e9).reduce_share == 0.0
    assert scale_up_entry("Nothing known").name == "generic_scale_up"
