"""Benchmarks of the fabric: the sizes and cases at which SimGrid and ASTRA-sim were timed (docs/models/fabric.md)."""

from __future__ import annotations

from functools import cache

import numpy as np

from benchmarks.records import Benchmark, Found
from benchmarks.timing import best
from clustersim.fabric import (
    Fabric,
    FlowNetwork,
    Group,
    Level,
    Policy,
    Routes,
    SiteEndpoints,
    build_fabric,
    collective_time,
    completion_times,
    fabric_spec,
    flow_network,
    flow_rates,
    hierarchical_all_reduce,
    message_latency,
    nccl_library,
    route_flows,
    scale_up_links,
    to_networkx,
    transport,
)
from clustersim.fabric.maxmin import fill

LARGE, SMALL = 94, 16
"""Radix of three-tier trees of 207,646 and of 1,024 hosts."""


@cache
def _fabric(radix: int) -> Fabric:
    spec = fabric_spec(
        {
            "kind": "fat_tree", "tiers": 3, "switch": "SN5600", "port_rate": "400 Gbit/s", "radix": radix,
            "goodput": "100 %", "hop_latency": "0.7 us",
            "optics": {
                "host": "400G SR4", "leaf_spine": "800G 2xDR4 / DR8", "spine_core": "800G 2xDR4 / DR8"
            },
        }
    )  # fmt: skip
    return build_fabric(spec, [SiteEndpoints("here", radix**3 // 4, 0.0, 0.0, 1, 450e9, 50e9)])


@cache
def _network(radix: int, policy: Policy) -> FlowNetwork:
    return flow_network(_fabric(radix), policy)


def _permutation() -> Routes:
    network = _network(LARGE, "ecmp")
    hosts = network.first_rank[-1]
    drawn = np.random.default_rng(1).permutation(hosts)
    return route_flows(network, drawn[:-1], drawn[1:])


@cache
def _permuted() -> Routes:
    return _permutation()


def fabric_build() -> Found:
    """Arrays of all links of 207,646 hosts, best of five; peer: how many times longer networkx takes."""
    value = best(lambda: flow_network(build_fabric(_fabric(LARGE).spec, [_fabric(LARGE).sites[0].site]), "ecmp"), 5)
    return Found(value, best(lambda: to_networkx(_fabric(LARGE)), 1) / value)


def fabric_memory() -> Found:
    """Memory of the arrays of all links of 207,646 hosts; no peer."""
    network = _network(LARGE, "ecmp")
    return Found((network.wirings[0].table.nbytes + network.capacity.nbytes) / 1e6)


def fabric_networkx() -> Found:
    """The networkx view of the switches of 207,646 hosts, best of two; no peer."""
    return Found(best(lambda: to_networkx(_fabric(LARGE)), 2))


def fabric_routes() -> Found:
    """Hashed routes of 207,645 flows, best of five; no peer."""
    _permutation()
    return Found(best(_permutation, 5))


def max_min_permutation() -> Found:
    """One max-min solve of 207,645 hashed flows, best of five; peer: how many times longer the NumPy twin takes."""
    network, routes = _network(LARGE, "ecmp"), _permuted()
    flow_rates(network, routes)
    value = best(lambda: flow_rates(network, routes), 5)
    flow = np.repeat(np.arange(len(routes)), np.diff(routes.first))
    ones = np.ones(routes.links.size)
    twin = best(lambda: fill(network.capacity, flow, routes.links, ones, np.ones(len(routes))), 1)
    return Found(value, twin / value)


def flows_10k() -> Found:
    """10,000 flows of random sizes on 1,024 hosts, every completion solved anew; peer: one NumPy solve for each."""
    network = _network(SMALL, "ecmp")
    rng = np.random.default_rng(1)
    source, shift = rng.integers(0, 1024, 10_000), rng.integers(1, 1024, 10_000)
    routes = route_flows(network, source, (source + shift) % 1024)
    size = rng.exponential(1e9, 10_000)
    completion_times(network, routes, np.ones(10_000))
    value = best(lambda: completion_times(network, routes, size), 1)
    flow = np.repeat(np.arange(len(routes)), np.diff(routes.first))
    ones = np.ones(routes.links.size)
    solve = best(lambda: fill(network.capacity, flow, routes.links, ones, np.ones(len(routes))), 3)
    return Found(value, 10_000 * solve / value)


def _all_to_all() -> None:
    network = _network(SMALL, "static")
    source, target = np.divmod(np.arange(1024**2, dtype=np.int64), 1024)
    others = source != target
    completion_times(network, route_flows(network, source[others], target[others]), 1e6)


def all_to_all_1024() -> Found:
    """All-to-all of 1,024 hosts, 1.05 million flows with their routes, best of three; no peer."""
    _all_to_all()
    return Found(best(_all_to_all, 3))


ASTRA_SIM_S = 97.9
"""What ASTRA-sim's analytical backend took for the same all-reduce, with 6.7 GB of memory (its 8x16x32x32). [s]"""


def hierarchical_all_reduce_131072() -> Found:
    """1 GiB among 8 x 16 x 32 x 32 in closed form, and the library's choice for 64 sizes; peer: ASTRA-sim, not run."""
    inside = Level(8, 400e9, message_latency(936e-9))
    outside = [
        Level(n, 50e9, message_latency(link), "halving_doubling") for n, link in ((16, 1e-6), (32, 2e-6), (32, 3e-6))
    ]
    group = Group(131_072, 8, scale_up_links("H100-SXM", 450e9), transport("infiniband"), 50e9)
    tables, sizes = nccl_library(), np.geomspace(1e3, 2.0**34, 64)

    def action() -> None:
        hierarchical_all_reduce(2.0**30, [inside, *outside])
        collective_time("all_reduce", sizes, group, tables)

    value = best(action, 20)
    return Found(1e3 * value, ASTRA_SIM_S / value)


FABRIC_BENCHMARKS = (
    Benchmark("fabric_build", "s", 0.5, "lower", fabric_build),
    Benchmark("fabric_memory", "MB", 100.0, "lower", fabric_memory),
    Benchmark("fabric_networkx", "s", 2.0, "lower", fabric_networkx),
    Benchmark("fabric_routes", "s", 0.1, "lower", fabric_routes),
    Benchmark("max_min_permutation", "s", 0.15, "lower", max_min_permutation),
    Benchmark("flows_10k", "s", 12.0, "lower", flows_10k),
    Benchmark("all_to_all_1024", "s", 0.5, "lower", all_to_all_1024),
    Benchmark("hierarchical_all_reduce_131072_ms", "ms", 10.0, "lower", hierarchical_all_reduce_131072),
)
