"""Domains of switch chips (NVLink): published counts, cuts, failed chips, bad input."""

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from clustersim import catalog
from clustersim.errors import InputError
from clustersim.fabric import bill_of_materials, bill_totals, build_fabric
from clustersim.fabric.scale_up_network import SwitchedDomain, build_domain
from clustersim.fabric.spec import ScaleUpSpec

NVL72 = {"kind": "switched", "switches": 18, "links": 18, "switch": "NVLink-5 switch chip"}


def spec(**changes):
    return TypeAdapter(ScaleUpSpec).validate_python({**NVL72, **changes})


def test_published_counts_of_nvl72():
    # NVIDIA GB200 NVL72: 9 trays of 2 chips, 18 links of 50 GB/s each way per accelerator, 130 TB/s in all
    domain = build_domain(spec(), 72)
    assert (domain.switches, domain.links, domain.ports) == (18, 1_296, 72)
    assert domain.links_to == (1,) * 18
    bandwidth = catalog.entry("accelerators", "GB200-NVL72").si("scale_up.bandwidth")
    assert 2 * 72 * bandwidth == pytest.approx(130e12, rel=0.01)
    assert bandwidth / domain.links_each == pytest.approx(50e9)
    # as much as all accelerators send: no oversubscription
    chip = catalog.entry("switches", "NVLink-5 switch chip")
    assert domain.switches * chip.si("capacity") == pytest.approx(72 * bandwidth)
    assert domain.bisection(bandwidth) == pytest.approx(36 * bandwidth)


def test_eight_accelerators_under_four_chips_share_unevenly():
    # HGX H100: 18 links over 4 chips
    domain = build_domain(spec(switches=4, switch=None), 8)
    assert domain.links_to == (5, 5, 4, 4)
    assert (domain.links, domain.ports) == (144, 40)


@given(accelerators=st.integers(2, 20), switches=st.integers(1, 12), more=st.integers(0, 12))
def test_links_and_cuts(accelerators, switches, more):
    domain = SwitchedDomain(accelerators, switches, switches + more)
    assert sum(domain.links_to) == domain.links_each
    assert max(domain.links_to) - min(domain.links_to) <= 1
    table = domain.table(1.0)
    out = np.bincount(table.tail, table.capacity, table.nodes)
    assert out[:accelerators] == pytest.approx(1.0)
    graph = nx.DiGraph()
    graph.add_weighted_edges_from(zip(table.tail, table.head, table.capacity, strict=True), weight="capacity")
    for one in range(accelerators):
        graph.add_edge(*("a", one) if one < accelerators // 2 else (one, "b"), capacity=float("inf"))
    assert nx.maximum_flow_value(graph, "a", "b") == pytest.approx(domain.bisection(1.0))


def test_bill_of_the_domains(make_spec, make_site):
    fabric = build_fabric(make_spec(scale_up=NVL72), [make_site(720, domain=72)])
    items = {item.item: item for item in bill_of_materials(fabric)}
    assert items["scale-up switch chip"].count == 180
    assert items["scale-up switch chip"].usd is None
    assert items["copper scale-up"].count == 12_960
    # racks are rated and sold with them
    assert items["scale-up switch chip"].in_accelerators
    without = bill_totals(bill_of_materials(build_fabric(make_spec(), [make_site(720, domain=72)])))
    assert bill_totals(bill_of_materials(fabric)) == without
    unnamed = build_fabric(make_spec(scale_up={**NVL72, "switch": None}), [make_site(100, domain=72)])
    assert {item.item: item.count for item in bill_of_materials(unnamed)}["scale-up switch chip"] == 36


def test_bad_input_is_named(make_spec, make_site):
    with pytest.raises(InputError, match="needs a link to each of the 20 switches, and has 18"):
        build_domain(spec(switches=20), 72)
    with pytest.raises(InputError, match=r"144 accelerators .* need 144 ports, and NVLink-5 switch chip has 72; .* 36"):
        build_fabric(make_spec(scale_up=NVL72), [make_site(288, domain=144)])
