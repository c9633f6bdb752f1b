import csv
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clustersim import catalog
from clustersim.fabric import (
    Level,
    all_to_all,
    hierarchical_all_reduce,
    point_to_point,
    ring_all_gather,
    ring_all_reduce,
    ring_reduce_scatter,
    tree_all_reduce,
)

GROUP = [ring_all_reduce, ring_reduce_scatter, ring_all_gather, all_to_all, tree_all_reduce]
# nothing, or a byte and more: fractions of a byte round where floats are subnormal
sizes = st.just(0.0) | st.floats(1.0, 1e12)
members = st.integers(1, 4096)
bandwidths = st.floats(1e6, 1e12)
latencies = st.floats(0.0, 1e-2)
levels = st.lists(st.builds(Level, members, bandwidths, latencies), min_size=1, max_size=3)


@pytest.mark.parametrize("collective", GROUP)
def test_a_group_of_one_costs_nothing(collective):
    assert collective(1e9, 1, 50e9, 1e-5) == 0.0


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(GROUP), sizes, members, bandwidths, latencies)
def test_faster_links_and_smaller_buffers_never_slow(collective, size, n, bandwidth, latency):
    base = collective(size, n, bandwidth, latency)
    assert collective(size, n, 2 * bandwidth, latency) <= base
    assert collective(size / 2, n, bandwidth, latency) <= base
    assert collective(size, n, bandwidth, latency / 2) <= base


@settings(max_examples=60, deadline=None)
@given(sizes, members, bandwidths, latencies)
def test_all_reduce_is_bound_by_its_bytes(size, n, bandwidth, latency):
    bound = 2 * (n - 1) / n * size / bandwidth * (1 - 1e-12)
    assert ring_all_reduce(size, n, bandwidth, latency) >= bound
    assert tree_all_reduce(size, n, bandwidth, latency) >= bound


def test_all_reduce_is_reduce_scatter_and_all_gather():
    parts = ring_reduce_scatter(1e9, 24, 50e9, 5e-6) + ring_all_gather(1e9, 24, 50e9, 5e-6)
    assert ring_all_reduce(1e9, 24, 50e9, 5e-6) == pytest.approx(parts)


def test_values_by_hand():
    assert point_to_point(1e9, 50e9, 1e-3) == pytest.approx(0.021)
    assert ring_all_reduce(8e9, 8, 50e9, 1e-3) == pytest.approx(2 * 7 * (1e-3 + 0.02))
    assert all_to_all(8e9, 8, 50e9, 1e-3) == pytest.approx(1e-3 + 0.14)
    assert tree_all_reduce(8e9, 9, 50e9, 1e-3) == pytest.approx(8e-3 + 0.32)


def test_a_tree_beats_the_ring_for_small_buffers_in_large_groups():
    assert tree_all_reduce(1e6, 1024, 50e9, 5e-6) < ring_all_reduce(1e6, 1024, 50e9, 5e-6)
    assert tree_all_reduce(1e10, 16, 50e9, 5e-6) > ring_all_reduce(1e10, 16, 50e9, 5e-6)


@settings(max_examples=60, deadline=None)
@given(sizes, levels)
def test_hierarchy_is_bound_by_the_bytes_of_every_level(size, found):
    cost = hierarchical_all_reduce(size, found)
    part = size
    for level, seconds, sent in zip(found, cost.level_seconds, cost.level_bytes, strict=True):
        bound = 2 * (level.members - 1) / level.members * part
        assert sent == pytest.approx(bound)
        assert seconds >= bound / level.bandwidth * (1 - 1e-12)
        part /= level.members
    assert cost.seconds == pytest.approx(math.fsum(cost.level_seconds))
    # All bytes that one accelerator sends: the same as in one ring over everybody.
    everybody = math.prod(level.members for level in found)
    assert sum(cost.level_bytes) == pytest.approx(2 * (everybody - 1) / everybody * size)


@settings(max_examples=30, deadline=None)
@given(sizes, levels, st.integers(0, 2))
def test_hierarchy_never_slows_with_bandwidth(size, found, which):
    index = which % len(found)
    faster = list(found)
    faster[index] = Level(found[index].members, 2 * found[index].bandwidth, found[index].latency)
    assert hierarchical_all_reduce(size, faster).seconds <= hierarchical_all_reduce(size, found).seconds


def test_one_level_is_a_ring_and_levels_of_one_are_free():
    level = Level(16, 50e9, 1e-5)
    cost = hierarchical_all_reduce(1e9, [Level(1, 450e9, 1e-6), level, Level(1, 1e9, 1e-3)])
    assert cost.seconds == ring_all_reduce(1e9, 16, 50e9, 1e-5)
    assert cost.level_bytes[0] == cost.level_bytes[2] == 0.0


@pytest.mark.parametrize("sites", [2, 3, 5])
def test_bytes_between_sites(sites):
    size, per_site = 2e12, 8 * 2048
    cost = hierarchical_all_reduce(size, [Level(8, 450e9, 3e-6), Level(2048, 47.5e9, 1e-5), Level(sites, 1e9, 2e-4)])
    assert cost.level_bytes[2] * per_site == pytest.approx(2 * (sites - 1) / sites * size)


@pytest.mark.parametrize("wrong", [(-1.0, 2, 1.0, 0.0), (1.0, 0, 1.0, 0.0), (1.0, 2, 0.0, 0.0), (1.0, 2, 1.0, -1.0)])
def test_wrong_input_is_refused(wrong):
    with pytest.raises(ValueError, match="at least one member"):
        ring_all_reduce(*wrong)


@settings(max_examples=40, deadline=None)
@given(sizes, levels)
def test_pipelined_levels_lie_between_the_slowest_level_and_the_sum(size, found):
    one_by_one = hierarchical_all_reduce(size, found)
    together = hierarchical_all_reduce(size, found, pipelined=True)
    assert together.seconds <= one_by_one.seconds * (1 + 1e-9)
    assert together.seconds >= max(one_by_one.level_seconds) * (1 - 1e-9)
    assert together.level_bytes == one_by_one.level_bytes


def large_all_reduces(reference):
    """Measured all-reduces of 4 GB and more over nodes of eight H100 with eight 400 Gbit/s ports, without SHARP."""
    with (reference / "collectives.csv").open() as file:
        rows = list(csv.DictReader(file))
    return [
        row
        for row in rows
        if row["collective"] == "all_reduce"
        and row["accelerator"].startswith("H100")
        and row["gpus_per_node"] == "8"
        and row["inter_fabric"].startswith("8x400G")
        and "SHARP" not in row["inter_fabric"] + row["algo"]
        and row["quality"] == "A"
        and row["from_memory"] == "false"
        and float(row["message_bytes"] or 0) >= 4e9
        and int(row["n_nodes"] or 0) >= 2
    ]


def test_against_measured_all_reduces(reference):
    """The trees of NVIDIA's library over nodes, eight ports each, against its published bus bandwidth."""
    rows = large_all_reduces(reference)
    assert len(rows) >= 10
    port = 50e9 * catalog.entry("networks", "infiniband").si("goodput")
    hop = catalog.entry("networks", "end_to_end_64_byte").si("latency.infiniband.cross_leaf")
    tree, levels = [], []
    for row in rows:
        size, n, nodes = float(row["message_bytes"]), int(row["n_gpus"]), int(row["n_nodes"])
        measured = 2 * (n - 1) / n * size / (float(row["busbw_GBps"]) * 1e9)
        tree.append(tree_all_reduce(size, nodes, 8 * port, hop) / measured - 1)
        two = [Level(8, 450e9, 3e-6), Level(nodes, port, hop)]
        levels.append(hierarchical_all_reduce(size, two, pipelined=True).seconds / measured - 1)
        assert measured < hierarchical_all_reduce(size, two).seconds
    assert np.abs(tree).max() < 0.12
    assert np.median(np.abs(tree)) < 0.05
    assert np.median(np.abs(levels)) < 0.15
