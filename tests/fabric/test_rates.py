import math

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clustersim.fabric import (
    TrafficClass,
    accelerator_resources,
    build_fabric,
    flow_completion_times,
    group_ranks,
    group_traffic,
    placement,
    rate_table,
    to_networkx,
)

SHARES = {"scale_up": 450.0, "nic": 50.0, "leaf": 25.0, "spine": 10.0}


def test_one_class_is_held_by_its_tightest_resource():
    table = rate_table([TrafficClass("a", 8, {"nic": 1.0, "leaf": 0.25, "spine": 0.1})], SHARES)
    assert table.rate("a", {"a"}) == pytest.approx(50.0)
    table = rate_table([TrafficClass("a", 8, {"nic": 1.0, "leaf": 0.75})], SHARES)
    assert table.rate("a", {"a"}) == pytest.approx(25.0 / 0.75)


def test_two_classes_share_and_the_freer_one_goes_on():
    near, far = TrafficClass("near", 8, {"nic": 1.0}), TrafficClass("far", 8, {"nic": 1.0, "spine": 1.0})
    table = rate_table([near, far], SHARES)
    both = {"near", "far"}
    assert (table.rate("far", both), table.rate("near", both)) == pytest.approx((10.0, 40.0))
    assert table.rate("near", {"near"}) == 50.0
    inside = TrafficClass("tp", 8, {"scale_up": 1.0})
    assert rate_table([near, far, inside], SHARES).rate("tp", {"tp", *both}) == 450.0


def test_weights():
    heavy, light = TrafficClass("heavy", 8, {"nic": 1.0}, weight=3.0), TrafficClass("light", 8, {"nic": 1.0})
    assert rate_table([heavy, light], SHARES).rate("heavy", {"heavy", "light"}) == pytest.approx(37.5)


def test_look_up():
    table = rate_table([TrafficClass("a", 8, {"nic": 1.0}), TrafficClass("b", 1, {})], SHARES)
    assert table.rates.shape == (4, 2)
    assert table.rates[0].tolist() == [0.0, 0.0]
    assert table.mask(["b", "a"]) == 3
    assert table.rates[3].tolist() == [50.0, math.inf]
    with pytest.raises(ValueError, match="no rate"):
        table.rate("a", {"b"})
    with pytest.raises(KeyError, match="no traffic class"):
        table.rate("c", {"c"})
    with pytest.raises(ValueError, match="read-only"):
        table.rates[0, 0] = 1.0


def test_wrong_tables_are_refused():
    one = TrafficClass("a", 8, {"nic": 1.0})
    with pytest.raises(ValueError, match="different names"):
        rate_table([one, one], SHARES)
    with pytest.raises(ValueError, match="at most 6"):
        rate_table([TrafficClass(str(k), 8, {}) for k in range(7)], SHARES)
    with pytest.raises(ValueError, match="wan"):
        rate_table([TrafficClass("a", 8, {"wan": 1.0})], SHARES)


usages = st.dictionaries(st.sampled_from(sorted(SHARES)), st.floats(0.01, 1.0), min_size=1)


@settings(max_examples=30, deadline=None)
@given(st.lists(usages, min_size=1, max_size=6))
def test_no_resource_is_overfull_and_more_classes_are_never_faster(found):
    classes = [TrafficClass(str(k), 8, usage) for k, usage in enumerate(found)]
    table = rate_table(classes, SHARES)
    for row in range(1, len(table.rates)):
        active = [k for k in range(len(classes)) if row >> k & 1]
        for resource, share in SHARES.items():
            assert sum(found[k].get(resource, 0.0) * table.rates[row, k] for k in active) <= share * (1 + 1e-9)
        slowest = min(table.rates[row, k] for k in active)
        assert all(slowest <= table.rates[1 << k, k] * (1 + 1e-9) for k in active)


class Routed:
    """Every flow of some groups, spread evenly over all shortest paths of the real switch graph."""

    def __init__(self, fabric):
        self.fabric = fabric
        self.graph = to_networkx(fabric)
        self.index, self.capacity = {}, []
        self.paths = {}

    def link(self, a, b, capacity):
        if (a, b) not in self.index:
            self.index[a, b] = len(self.capacity)
            self.capacity.append(capacity * self.fabric.spec.goodput)
        return self.index[a, b]

    def routes(self, sender, receiver):
        tree = self.fabric.sites[0]
        leaves = tuple(f"here/leaf{rank // tree.endpoints_per_leaf}" for rank in (sender, receiver))
        if leaves not in self.paths:
            self.paths[leaves] = list(nx.all_shortest_paths(self.graph, *leaves))
        up = self.link(("host", sender), "up", tree.site.nic_bandwidth)
        down = self.link("down", ("host", receiver), tree.site.nic_bandwidth)
        for path in self.paths[leaves]:
            hops = zip(path, path[1:], strict=False)
            yield [up, *(self.link(a, b, self.graph.edges[a, b]["capacity"]) for a, b in hops), down]

    def flows(self, groups, pattern, size_bytes):
        """Return routes, sizes and weights; a member sends `size_bytes` in all, with weight 1 in all."""
        routes, parts = [], []
        for group in groups:
            for k, sender in enumerate(group):
                peers = [group[(k + 1) % len(group)]] if pattern == "ring" else [r for r in group if r != sender]
                for receiver in peers:
                    found = list(self.routes(sender, receiver))
                    routes += found
                    parts += [1.0 / len(peers) / len(found)] * len(found)
        return routes, size_bytes * np.array(parts), np.array(parts)


TREES = {
    "24 hosts, two tiers, 2:1": ({"tiers": 2, "radix": 6, "oversubscription": {"leaf": 2}}, 24),
    "72 hosts, three tiers, 2:1": ({"radix": 6, "oversubscription": {"leaf": 2}}, 72),
    "192 hosts, three tiers, 3:1 above": ({"radix": 8, "oversubscription": {"spine": 3}}, 192),
}
MIXES = [
    # (size, stride, pattern, bytes) of two classes that start together
    ((8, 1, "ring", 1.0), (8, 3, "all_to_all", 1.0)),
    ((2, 1, "ring", 1.0), (24, 1, "all_to_all", 1.0)),
    ((6, 4, "ring", 1.0), (24, 1, "all_to_all", 2.0)),
    ((4, 1, "ring", 3.0), (8, 3, "all_to_all", 1.0)),
    ((3, 8, "ring", 1.0), (12, 2, "ring", 1.0)),
    # groups that do not fill their leaves evenly
    ((3, 2, "ring", 1.0), (2, 3, "all_to_all", 1.0)),
    ((12, 2, "all_to_all", 1.0), (3, 2, "ring", 4.0)),
]


@pytest.mark.parametrize("tree", TREES)
@pytest.mark.parametrize("mix", MIXES)
def test_table_against_routed_flows(make_spec, make_site, completion_from_table, tree, mix):
    changes, hosts = TREES[tree]
    fabric = build_fabric(make_spec(**changes), [make_site(hosts, domain=1)])
    names, sizes, classes, routed = ("one", "two"), {}, [], Routed(fabric)
    routes, volumes, weights = [], [], []
    for name, (size, stride, pattern, volume) in zip(names, mix, strict=True):
        sizes[name] = volume * 1e9
        classes.append(group_traffic(name, placement(fabric), size, stride, pattern))
        found = routed.flows(group_ranks(hosts, size, stride), pattern, sizes[name])
        routes.append(found[0])
        volumes.append(found[1])
        weights.append(found[2])
    finish = flow_completion_times(
        routed.capacity,
        routes[0] + routes[1],
        np.concatenate(volumes),
        np.zeros(sum(map(len, routes))),
        np.concatenate(weights),
    )
    predicted = completion_from_table(rate_table(classes, accelerator_resources(fabric)), sizes)
    flows = {"one": finish[: len(routes[0])].max(), "two": finish[len(routes[0]) :].max()}
    assert predicted == pytest.approx(flows, rel=0.05)
