"""The table of rates that a step uses, beside flows on every link of shipped places (DESIGN: within 5 %)."""

import numpy as np
import pytest

from clustersim.fabric import (
    accelerator_resources,
    flow_completion_times,
    flow_network,
    flow_pattern,
    group_traffic,
    placement,
    rate_table,
    route_flows,
)
from clustersim.scenario import load_topology, shipped
from clustersim.study.places.place import build_place

PLACES = {
    # place: ranks of the job, paths, (size, stride, kind) of data, pipeline and expert exchange
    "colossus_memphis": (4096, "spread", (4, 1024, "ring"), (8, 128, "ring"), (64, 1, "all_to_all")),
    "meta_24k": (6144, "spread", (48, 128, "ring"), (16, 8, "ring"), (32, 1, "all_to_all")),
    "meta_128k": (6144, "spread", (2, 3072, "ring"), (16, 64, "ring"), (64, 8, "all_to_all")),
    "deepseek_v3": (2048, "spread", (16, 128, "ring"), (16, 8, "ring"), (64, 1, "all_to_all")),
    "alibaba_hpn7": (2048, "rail_local", (2, 1024, "ring"), (16, 64, "ring"), (32, 1, "all_to_all")),
    "goodyear_az": (4096, "rail_local", (64, 64, "ring"), (8, 8, "ring"), (16, 8, "all_to_all")),
    "semianalysis_100k_ethernet": (2048, "rail_local", (16, 128, "ring"), (16, 8, "ring"), (64, 1, "all_to_all")),
}
BYTES = {"data": 3e9, "pipeline": 1e9, "expert": 2e9}


@pytest.mark.parametrize("name", PLACES)
def test_table_against_flows(completion_from_table, name):
    ranks, policy, *shapes = PLACES[name]
    fabric = build_place(load_topology(shipped("topologies") / f"{name}.yaml"), "bf16").fabric
    # all of the job at the first site
    at_site = [ranks, *[1] * (len(fabric.sites) - 1)]
    where = placement(fabric, at_site)
    network = flow_network(fabric, policy)
    classes, parts, sizes, weights, owner = [], [], [], [], []
    for number, (label, (size, stride, kind)) in enumerate(zip(BYTES, shapes, strict=True)):
        first = type(where)((ranks,), *(width[0] for width in (where.scale_up, where.leaf, where.pod)))
        classes.append(group_traffic(label, first, size, stride, kind))
        pattern = flow_pattern(label, kind, size, stride, range(ranks), total=fabric.endpoints)
        routes = route_flows(network, pattern.source, pattern.target)
        lanes = len(routes) // pattern.source.size
        parts.append(routes)
        weights.append(pattern.share[routes.flow] / lanes)
        sizes.append(BYTES[label] * weights[-1])
        owner.append(np.full(len(routes), number))
    links = [r.links[r.first[i] : r.first[i + 1]] for r in parts for i in range(len(r))]
    ends = flow_completion_times(
        network.capacity, links, np.concatenate(sizes), np.zeros(len(links)), np.concatenate(weights)
    )
    owner = np.concatenate(owner)
    flows = {label: ends[owner == number].max() for number, label in enumerate(BYTES)}
    resources = accelerator_resources(fabric, fabric.sites[0].site.name)
    assert completion_from_table(rate_table(classes, resources), BYTES) == pytest.approx(flows, rel=0.05)
