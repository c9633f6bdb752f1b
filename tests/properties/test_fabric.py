"""Collectives, max-min rates, topologies and fibre: units, bytes and limits of any network."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from clustersim import catalog
from clustersim.fabric import (
    Group,
    Level,
    SiteEndpoints,
    bill_of_materials,
    bill_totals,
    build_fabric,
    collective_time,
    fabric_spec,
    flow_completion_times,
    hierarchical_all_reduce,
    max_min_rates,
    nccl_library,
    scale_up_links,
    to_networkx,
    transport,
)
from clustersim.fabric.nccl import COLLECTIVES
from clustersim.fabric.wan import great_circle_m
from tests.fabric.closed_forms import CLOSED_FORMS

FORMS = st.sampled_from(CLOSED_FORMS)
SIZES, MEMBERS = st.floats(1.0, 1e12), st.integers(2, 4096)
BANDWIDTHS, FACTORS = st.floats(1e6, 1e12), st.floats(0.1, 10.0)
LATENCIES = st.just(0.0) | st.floats(1e-15, 1e-2)


@given(FORMS, SIZES, MEMBERS, BANDWIDTHS, LATENCIES, FACTORS)
def test_bytes_and_bandwidth_scale_together_and_time_with_its_clock(collective, size, n, bandwidth, latency, k):
    seconds = collective(size, n, bandwidth, latency)
    assert collective(k * size, n, k * bandwidth, latency) == pytest.approx(seconds, rel=1e-9)
    assert collective(size, n, bandwidth / k, k * latency) == pytest.approx(k * seconds, rel=1e-9)


@given(FORMS, SIZES, MEMBERS, BANDWIDTHS, LATENCIES)
def test_what_is_left_without_bytes_or_without_latency(collective, size, n, bandwidth, latency):
    """Latency and bytes alone are each no more than both; endless bandwidth leaves the latency of the steps."""
    both = collective(size, n, bandwidth, latency)
    alone = collective(0.0, n, bandwidth, latency), collective(size, n, bandwidth, 0.0)
    assert max(alone) <= both * (1 + 1e-9)
    endless = collective(size, n, 1e30, latency)
    assert endless == pytest.approx(collective(0.0, n, 1e30, latency), rel=1e-6, abs=1e-15)


LEVELS = st.lists(st.builds(Level, st.integers(1, 64), BANDWIDTHS, LATENCIES), min_size=1, max_size=3)


@given(SIZES, LEVELS, FACTORS, st.booleans())
def test_levels_scale_as_one_collective_does(size, levels, k, pipelined):
    first = hierarchical_all_reduce(size, levels, pipelined=pipelined)
    wider = [replace(level, bandwidth=k * level.bandwidth) for level in levels]
    assert hierarchical_all_reduce(k * size, wider, pipelined=pipelined).seconds == pytest.approx(
        first.seconds, rel=1e-9
    )
    # what an inner level has reduced, the outer ones carry no more
    carried = [b for b, level in zip(first.level_bytes, levels, strict=True) if level.members > 1]
    assert all(b <= 2.0 * size * (1 + 1e-12) for b in carried)


LIBRARY = nccl_library()
GROUPS = st.builds(
    lambda chip, members, domain, net: Group(
        members, domain, scale_up_links(chip, catalog.entry("accelerators", chip).si("scale_up.bandwidth")),
        transport(net), 50e9,
    ),
    st.sampled_from(["A100-80G-SXM", "H100-SXM", "GB200-NVL72", "TPU-v5p"]),
    st.integers(2, 8192),
    st.sampled_from([1, 4, 8, 72]),
    st.sampled_from(["infiniband", "roce", "generic_transport"]),
)  # fmt: skip


@given(st.sampled_from(COLLECTIVES), GROUPS, st.floats(8.0, 2.0**34))
def test_a_library_is_never_faster_than_the_lines(collective, group, size):
    """A member has its own data to move once at least, over all links that it has."""
    seconds = float(collective_time(collective, np.array([size]), group, LIBRARY).seconds[0])
    lines = max(group.scale_up.bandwidth, group.nic * min(group.members, group.domain))
    # a broadcast and each half of an all-reduce move (n - 1) / n of the buffer at least
    assert seconds >= 0.5 * size / lines


NETWORKS = st.integers(1, 6).flatmap(
    lambda links: st.tuples(
        st.lists(st.floats(0.5, 20.0), min_size=links, max_size=links),
        st.lists(
            st.tuples(
                st.lists(st.integers(0, links - 1), min_size=1, max_size=links, unique=True),
                st.floats(0.25, 4.0),
                st.floats(0.1, 50.0),
                st.floats(0.0, 5.0),
            ),
            min_size=1,
            max_size=10,
        ),
    )
)


@given(NETWORKS, FACTORS, st.randoms(use_true_random=False))
def test_max_min_rates_scale_and_know_no_order(network, k, random):
    capacity, flows = np.array(network[0]), network[1]
    rates = max_min_rates(capacity, [f[0] for f in flows], [f[1] for f in flows])
    np.testing.assert_allclose(
        max_min_rates(k * capacity, [f[0] for f in flows], [2.0 * f[1] for f in flows]), k * rates, rtol=1e-9
    )
    order = list(range(len(flows)))
    random.shuffle(order)
    again = max_min_rates(capacity, [flows[i][0] for i in order], [flows[i][1] for i in order])
    np.testing.assert_allclose(again, rates[order], rtol=1e-9)


@given(NETWORKS, st.floats(1.0, 10.0), st.data())
def test_more_capacity_or_less_company_never_lowers_the_least_rate(network, more, data):
    """The least rate per weight is the largest that any allocation reaches; single flows may fall."""
    capacity, flows = np.array(network[0]), network[1]
    routes, weights = [f[0] for f in flows], np.array([f[1] for f in flows])
    least = (max_min_rates(capacity, routes, weights) / weights).min()
    wider = capacity.copy()
    wider[data.draw(st.integers(0, capacity.size - 1))] *= more
    assert (max_min_rates(wider, routes, weights) / weights).min() >= least * (1 - 1e-9)
    if len(routes) > 1:
        fewer = max_min_rates(capacity, routes[1:], weights[1:]) / weights[1:]
        assert fewer.min() >= least * (1 - 1e-9)


def test_more_capacity_can_slow_a_flow_that_does_not_use_it():
    """The counterexample of the page: one flow over both links, one over the second alone."""
    routes = [[0, 1], [1]]
    np.testing.assert_allclose(max_min_rates([0.5, 2.0], routes), [0.5, 1.5])
    np.testing.assert_allclose(max_min_rates([1.0, 2.0], routes), [1.0, 1.0])


@given(NETWORKS, FACTORS)
def test_flows_end_when_their_bytes_have_passed(network, k):
    """No link carries more than its capacity times its time; twice the bytes on twice the lines end alike."""
    capacity, flows = np.array(network[0]), network[1]
    routes, weights, sizes, starts = ([f[i] for f in flows] for i in range(4))
    finish = flow_completion_times(capacity, routes, sizes, starts, weights)
    assert (finish > np.array(starts)).all()
    for link in range(capacity.size):
        on = [i for i, route in enumerate(routes) if link in route]
        if on:
            span = finish[on].max() - min(starts[i] for i in on)
            assert sum(sizes[i] for i in on) <= capacity[link] * span * (1 + 1e-9)
    for i, route in enumerate(routes):
        assert finish[i] - starts[i] >= sizes[i] / capacity[route].min() * (1 - 1e-9)
    wider = flow_completion_times(k * capacity, routes, k * np.array(sizes), starts, weights)
    np.testing.assert_allclose(wider, finish, rtol=1e-9)


OPTICS = {"host": "400G SR4", "leaf_spine": "800G 2xDR4"}
COMMON = {"switch": "QM9700", "port_rate": "400 Gbit/s", "radix": 64, "goodput": "95 %", "hop_latency": "0.7 us"}
FAMILIES = st.sampled_from(
    [
        {"kind": "fat_tree", "tiers": 2, "optics": OPTICS},
        {"kind": "fat_tree", "tiers": 3, "optics": {**OPTICS, "spine_core": "800G 2xDR4"}},
        {"kind": "rail_optimised", "tiers": 2, "rails": 8, "optics": OPTICS},
        {"kind": "multi_plane", "tiers": 2, "planes": 4, "split": "ports", "optics": OPTICS},
        {
            "kind": "dragonfly", "hosts_per_leaf": 16, "leaves_per_group": 8, "global_ports": 8,
            "optics": {**OPTICS, "group": "800G 2xDR4"},
        },
    ]
)  # fmt: skip


@given(FAMILIES, st.integers(2, 180).map(lambda n: 8 * n))
def test_any_family_keeps_its_counts_and_cuts(family, endpoints):
    spec = fabric_spec({**COMMON, **family})
    fabric = build_fabric(spec, [SiteEndpoints("here", endpoints, 41.2, -95.8, 8, 450e9, 50e9)])
    tree = fabric.sites[0]
    # half of the accelerators send no more than they have, nor than any kind of links carries
    assert 0.0 < tree.bisection <= endpoints / 2 * tree.site.nic_bandwidth * (1 + 1e-9)
    assert tree.bisection <= min(tree.tier_bisection().values()) * (1 + 1e-9)
    # the graph has the switches that are counted, and the bill buys them
    graph = to_networkx(fabric)
    switches = sum(tier.count for tier in tree.switch_tiers)
    bill = bill_of_materials(fabric)
    assert sum(item.count for item in bill if item.part == spec.switch) == switches
    assert sum(tier != "hosts" for _, tier in graph.nodes(data="tier")) == switches
    totals = bill_totals(bill)
    assert totals.usd == pytest.approx(
        sum(item.count * (item.usd or 0.0) for item in bill if not item.in_accelerators), rel=1e-9
    )


@given(FAMILIES, st.integers(2, 90).map(lambda n: 8 * n))
def test_more_accelerators_never_need_fewer_switches(family, endpoints):
    spec = fabric_spec({**COMMON, **family})
    few, many = (
        build_fabric(spec, [SiteEndpoints("here", n, 41.2, -95.8, 8, 450e9, 50e9)]).sites[0]
        for n in (endpoints, 2 * endpoints)
    )
    assert sum(t.count for t in many.switch_tiers) >= sum(t.count for t in few.switch_tiers)
    # groups of a dragonfly are joined by single links: 16 accelerators on one router cut at 400 GB/s, 32 on two at 350
    assert family["kind"] == "dragonfly" or many.bisection >= few.bisection * (1 - 1e-9)


PLACES = st.tuples(st.floats(-89.0, 89.0), st.floats(-180.0, 180.0))


@given(PLACES, PLACES, PLACES)
def test_distances_are_a_metric(a, b, c):
    there, back = great_circle_m(*a, *b), great_circle_m(*b, *a)
    assert there == pytest.approx(back, abs=1e-3)
    assert great_circle_m(*a, *a) == pytest.approx(0.0, abs=1e-3)
    assert there <= great_circle_m(*a, *c) + great_circle_m(*c, *b) + 1e-3
    assume(a != b)
    assert there <= 20_038e3
