"""Cable lengths: a hall worked out by hand, sums and counts, reach, fibre."""

import numpy as np
import pytest

from clustersim import catalog
from clustersim.fabric import SiteEndpoints, build_fabric
from clustersim.fabric.cables import reach_warnings, site_cables
from clustersim.fabric.fibre_cost import fibre_costs
from clustersim.fabric.latency import diameter, latency_matrix
from clustersim.fabric.layout import cable_runs, hall_layout, link_lengths, positions

LAYOUT = {
    "racks_per_row": 2,
    "rack_pitch": "1 m",
    "row_pitch": "3 m",
    "hall_gap": "5 m",
    "drop": "2 m",
    "slack": "10 %",
}
KINDS = {
    "tree": ({"radix": 8}, 128),
    "partly filled": ({"radix": 8}, 100),
    "rails": ({"kind": "rail_optimised", "rails": 4, "radix": 8}, 96),
    "planes": ({"kind": "multi_plane", "planes": 4, "split": "rails", "radix": 8, "tiers": 2}, 128),
    "ports": ({"kind": "multi_plane", "planes": 2, "split": "ports", "radix": 8, "tiers": 2}, 30),
}


def endpoints(count, halls=1, server=4, racked=1):
    return SiteEndpoints("here", count, 41.2, -95.8, 4, 450e9, 50e9, server, halls, racked)


def test_a_hall_by_hand(make_spec):
    # radix 4, two tiers: 4 leaves of 2 hosts, 2 spines of 4 links; servers of 2 in racks of one server: 4 racks,
    # 2 to a row, so 2 rows; every leaf has its hosts in one rack and stands in it
    spec = make_spec(radix=4, tiers=2, layout=LAYOUT)
    site = endpoints(8, server=2)
    tree = build_fabric(spec, [site]).sites[0]
    layout = hall_layout(spec.layout)
    table = tree.wiring("static").table
    where = positions(tree, layout)
    assert where.x[:8].tolist() == [0, 0, 1, 1, 0, 0, 1, 1]
    # both spines are in the first rack of the network row, which lies between the rows of servers
    assert where.y[:8].tolist() == [0, 0, 0, 0, 6, 6, 6, 6]
    spines = [table.nodes - 2, table.nodes - 1]
    assert where.x[spines].tolist() == [0, 0]
    assert where.y[spines].tolist() == [3, 3]
    lengths = link_lengths(table, where, layout)
    assert np.all(lengths[table.kind == 1] == 2.0)  # inside a rack: one drop
    up = (table.kind == 2) & (table.tail < table.head)
    by_leaf = lengths[up].reshape(4, 2)
    near, far = 1.1 * 3 + 4, 1.1 * 4 + 4
    assert by_leaf == pytest.approx(np.array([[near] * 2, [far] * 2, [near] * 2, [far] * 2]))
    assert np.all(lengths[table.kind == 0] == 0.0)


def test_leaves_whose_hosts_stand_in_several_racks_are_at_the_end_of_the_row(make_spec):
    spec = make_spec(radix=8, tiers=2, layout=LAYOUT)
    tree = build_fabric(spec, [endpoints(16, server=2)]).sites[0]  # 8 racks, a leaf has hosts in two of them
    where = positions(tree, hall_layout(spec.layout))
    leaves = [tree.site.endpoints + tree.scale_up_domains + leaf for leaf in range(4)]
    assert where.x[leaves].tolist() == [2, 2, 2, 2]
    assert where.y[leaves].tolist() == [0, 3, 9, 12]


@pytest.mark.parametrize("kind", KINDS)
def test_counts_are_those_of_the_links_and_totals_add_up(make_spec, kind):
    changes, count = KINDS[kind]
    tree = build_fabric(make_spec(**changes), [endpoints(count, halls=2)]).sites[0]
    runs = cable_runs(tree, hall_layout(None))
    assert [run.tier for run in runs] == list(tree.link_tiers)
    table = tree.wiring("static").table
    for run in runs:
        number = table.kinds.index(run.tier.name)
        both_ways = np.count_nonzero(table.kind == number)
        assert 2 * run.lengths.size == both_ways
        assert run.total == pytest.approx(run.lengths.sum() * run.tier.count / run.lengths.size)
        assert run.quantile(0.0) <= run.quantile(0.5) <= run.quantile(1.0)
        assert run.beyond(run.quantile(1.0)) == 0.0
        assert run.beyond(0.0) == 1.0


def test_a_larger_hall_has_longer_cables(make_spec):
    tree = build_fabric(make_spec(radix=8), [endpoints(128)]).sites[0]
    base = LAYOUT | {"slack": "0 %", "drop": "0 m"}
    small, large = (
        cable_runs(tree, hall_layout(make_spec(layout=base | {"rack_pitch": f"{k} m", "row_pitch": f"{k} m"}).layout))
        for k in (1, 2)
    )
    for a, b in zip(small, large, strict=True):
        assert b.lengths == pytest.approx(2.0 * a.lengths)


def test_what_the_modules_do_not_reach_is_said(make_spec):
    wide = LAYOUT | {"racks_per_row": 60, "rack_pitch": "2 m"}
    spec = make_spec(radix=16, tiers=2, layout=wide)
    found = site_cables(build_fabric(spec, [endpoints(128, server=1)]))
    hosts = found[0]
    assert hosts.reach == catalog.entry("optics", "400G SR4").si("reach") == 50.0
    assert 0.0 < hosts.beyond < 1.0
    assert hosts.beyond == np.count_nonzero(hosts.run.lengths > 50.0) / 128
    (said,) = reach_warnings(found)
    assert "host-leaf" in said
    assert "400G SR4" in said
    assert "50 m" in said


@pytest.fixture
def two_sites(make_spec, make_site):
    def make(**link):
        wan = {
            "route_factor": 1.3,
            "delay_per_km": "5 us",
            "transceiver": "400ZR",
            "links": [{"a": "east", "b": "west", "fibre_pairs": 4, "channels": 8, **link}],
        }
        sites = [make_site(64, "east", 41.0, -95.8), make_site(64, "west", 41.0, -98.0)]
        return build_fabric(make_spec(radix=8, wan=wan), sites)

    return make


def test_fibre_by_length(two_sites):
    (cost,) = fibre_costs(two_sites(length="200 km"))
    foot = 200e3 / 0.3048
    assert cost.underground.value == pytest.approx(18.25 * foot)
    assert (cost.underground.low, cost.underground.high) == pytest.approx((10 * foot, 27 * foot))
    assert cost.aerial.value == pytest.approx(8 * foot)
    assert cost.lease.value == pytest.approx(50e6 / 20 / 3200 * 200 / 1.609344)
    # the source prices the route; the high end takes its price for each of the four pairs
    assert cost.lease.high / cost.lease.value >= 4 * (1 - 1e-9)
    assert cost.huts == 2
    (both,) = fibre_costs(two_sites(length="200 km", protection={"fibre_pairs": 4, "length": "300 km"}))
    assert both.underground.value == pytest.approx(2.5 * cost.underground.value)
    assert both.lease.value == pytest.approx(2.5 * cost.lease.value)
    assert both.transceivers.value > 2 * cost.transceivers.value
    assert both.huts == 2 + 3


def test_latency_adds_switches_cables_and_fibre(two_sites):
    fabric = two_sites(length="200 km")
    cables = site_cables(fabric)
    found = {(cell.a, cell.b, cell.block): cell for cell in latency_matrix(fabric, cables)}
    assert set(found) == {
        *((site, site, block) for site in ("east", "west") for block in ("scale_up", "pod", "site")),
        ("east", "west", "sites"),
    }
    hosts, up, top = (cables[tier].run.quantile(0.5) for tier in range(3))
    pod = found["east", "east", "pod"]
    assert (pod.hops, pod.switches_s) == (3, pytest.approx(3 * 0.7e-6))
    assert pod.cables_s == pytest.approx(2 * (hosts + up) * 4.9e-9)
    between = found["east", "west", "sites"]
    assert between.hops == 6
    assert between.fibre_s == pytest.approx(200 * 5e-6)
    assert between.cables_s == pytest.approx(2 * (hosts + up + top) * 4.9e-9)
    assert between.total_s == between.switches_s + between.cables_s + between.fibre_s
    assert diameter(list(found.values())) == 6
