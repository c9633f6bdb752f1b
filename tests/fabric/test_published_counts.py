"""Counts that were published, against what the builders give."""

from __future__ import annotations

from functools import cache
from math import prod

import pytest

from clustersim.errors import CapacityError
from clustersim.fabric import build_clos, fabric_spec
from clustersim.fabric.spec import TorusSpec
from clustersim.scenario import load_topology, shipped
from clustersim.study.places.place import build_place


@cache
def place(name):
    return build_place(load_topology(shipped("topologies") / f"{name}.yaml"), "bf16")


def only(name):
    (site,) = place(name).fabric.sites
    return site


def modules(name, item):
    return sum(line.count for line in place(name).bill if line.item == item)


# DeepSeek-V3 insights, ISCA'25 (arXiv 2505.09343), table of topologies: 64-port switches; links between switches
@pytest.mark.parametrize(
    ("kind", "endpoints", "switches", "links"),
    [
        ({"kind": "fat_tree", "tiers": 2}, 2_048, 96, 2_048),
        ({"kind": "multi_plane", "tiers": 2, "planes": 8, "split": "rails"}, 16_384, 768, 16_384),
        ({"kind": "fat_tree", "tiers": 3}, 65_536, 5_120, 131_072),
    ],
    ids=["FT2", "MPFT", "FT3"],
)
def test_table_of_topologies(make_spec, make_site, kind, endpoints, switches, links):
    spec = make_spec(**kind)
    tree = build_clos(spec, make_site(endpoints))
    assert (tree.switches, tree.switch_links) == (switches, links)
    with pytest.raises(CapacityError, match=f"{endpoints:,}"):
        build_clos(spec, make_site(endpoints + 8))


def test_deepseek_as_shipped():
    # arXiv 2505.09343: 2,048 GPUs deployed on eight planes of two tiers, 16,384 the design's maximum
    full, deployed = only("deepseek_mpft_16384"), only("deepseek_v3")
    assert (full.switches, full.switch_links, full.site.endpoints) == (768, 16_384, 16_384)
    assert (deployed.switches, deployed.switch_links, deployed.site.endpoints) == (96, 2_048, 2_048)
    assert full.planes == deployed.planes == 8


# SemiAnalysis, 100,000 H100 Clusters, 2024-06-17: most endpoints of three tiers; Tomahawk 6: 512^2 / 2 in two
@pytest.mark.parametrize(
    ("tiers", "radix", "most"), [(3, 64, 65_536), (3, 128, 524_288), (2, 512, 131_072)], ids=["IB", "Ethernet", "TH6"]
)
def test_most_endpoints(make_spec, make_site, tiers, radix, most):
    spec = make_spec(tiers=tiers, radix=radix)
    assert build_clos(spec, make_site(most)).host_links == most
    with pytest.raises(CapacityError):
        build_clos(spec, make_site(most + 1))


def test_alibaba_hpn():
    # Alibaba HPN, SIGCOMM 2024: 15 segments of 1,024; ToR 128 x 200G down and 60 x 400G up; 60 aggregation switches
    # per plane, 15:1 to the core
    pod = only("alibaba_hpn7")
    assert pod.site.endpoints == 15_360 == 15 * pod.endpoints_per_leaf
    assert pod.endpoints_per_leaf == 1_024
    assert pod.endpoints_per_pod == 15_360
    assert pod.count("leaf") == 15 * 8 * 2
    assert pod.count("spine") == 2 * 60
    assert (pod.shape.leaf_down, pod.shape.leaf_up) == (128, 60)
    assert pod.shape.spine_down / pod.shape.spine_up == 15.0
    assert pod.host_links == 2 * 15_360


@pytest.mark.parametrize(("name", "pods", "gpus"), [("meta_24k", 8, 24_576), ("meta_128k", 42, 128_000)])
def test_meta_roce(name, pods, gpus):
    # arXiv 2407.21783: pods of 192 racks of 16 GPUs, 7:1 at the aggregation; Meta, SIGCOMM 2024: rack uplinks 1:1.125,
    # three switches between two GPUs of a pod
    tree = only(name)
    assert (tree.pods, tree.endpoints_per_pod, tree.endpoints_per_leaf) == (pods, 3_072, 16)
    assert tree.site.endpoints == gpus
    assert tree.link_count("leaf-spine") / tree.host_links == 1.125
    assert tree.shape.spine_down / tree.shape.spine_up == pytest.approx(7.0, rel=0.02)
    assert len(tree.hops("pod")) == 3


def test_twin_port_modules_between_gpus_and_leaves():
    # SemiAnalysis, 2024-06-17: 98,304 transceivers between GPUs and leaves, 49,152 with twin-port modules
    assert modules("semianalysis_100k_infiniband", "optics host-leaf, host end") == 98_304
    assert modules("semianalysis_100k_infiniband", "optics host-leaf, leaf end") == 49_152


def test_islands_of_the_infiniband_design():
    # SemiAnalysis, 2024-06-17: 4 x 24,576, non-blocking inside, 7:1 between
    fabric = place("semianalysis_100k_infiniband").fabric
    assert [tree.site.endpoints for tree in fabric.sites] == [24_576] * 4
    for tree in fabric.sites:
        nics = tree.site.endpoints * tree.site.nic_bandwidth
        assert tree.bisection == nics / 2.0
        out = sum(route.capacity for route in fabric.wan if tree.site.name in (route.a, route.b))
        assert nics / out == pytest.approx(7.0, rel=0.01)


def test_fire_flyer():
    # arXiv 2408.14158: 10,000 GPUs in 1,250 nodes with one NIC of 200 Gbit/s; two zones of 800 ports, 40 per switch
    zones = place("fireflyer_2").fabric.sites
    assert sum(zone.host_links for zone in zones) == 1_250
    assert all(zone.shape.leaves * zone.shape.leaf_down == 800 for zone in zones)


def test_spectrum_x_of_colossus():
    # NVIDIA newsroom, 2024-10-28: three tiers of SN5600, 400 Gbit/s per GPU
    tree = only("colossus_memphis")
    assert [(tier.name, tier.part) for tier in tree.switch_tiers] == [(t, "SN5600") for t in ("leaf", "spine", "core")]
    assert tree.host_links == 200_000


@pytest.mark.parametrize(
    ("pod", "chips"), [((16, 20, 28), 8_960), ((16, 24, 24), 9_216), ((16, 16, 16), 4_096)], ids=["v5p", "7x", "v4"]
)
def test_pods_are_whole_cubes(pod, chips):
    # Google Cloud TPU documentation: v5p 8,960 and TPU7x 9,216 chips; v4 4,096 = 64 cubes (ISCA'23)
    keys = {"link_rate": "800 Gbit/s", "optical_switch": "OCS-288", "optics": "800G 2xFR4"}
    spec = TorusSpec.model_validate({"kind": "torus", "pod": pod, **keys})
    assert prod(spec.pod) == chips
    assert chips % prod(spec.cube) == 0


def test_fairwater():
    # Microsoft, 2025-11-12: two tiers, 800 Gbit/s per GPU; SemiAnalysis, 2025-11-12: 5 M connections per building of
    # 150,000 GPUs, 300 Tbit/s between the sites; positions 1,067.6 km apart (Epoch AI)
    fabric = place("fairwater_pair").fabric
    for tree in fabric.sites:
        assert tree.count("core") == 0
        assert tree.site.nic_bandwidth == 100e9
        ends = 2.0 * sum(tier.count for tier in tree.link_tiers) / tree.site.endpoints
        assert ends * 150_000 == pytest.approx(5e6, rel=0.05)
    (route,) = fabric.wan
    assert route.capacity * 8e-12 == pytest.approx(300.0)
    assert route.great_circle_m == pytest.approx(1_067.6e3, rel=1e-4)


def test_prometheus_backbone():
    # SemiAnalysis, 2026-07-09: six campuses, five within 6 km, the sixth at 75-80 km, 22 Pbit/s both ways
    fabric = place("prometheus").fabric
    out = {
        tree.site.name: sum(route.capacity for route in fabric.wan if tree.site.name in (route.a, route.b))
        for tree in fabric.sites
    }
    assert 2.0 * sum(out.values()) * 8e-15 == pytest.approx(22.0, rel=0.01)
    far = "campus_6"
    near = [route.great_circle_m for route in fabric.wan if far not in (route.a, route.b)]
    assert max(near) <= 6.01e3
    assert all(73e3 < route.great_circle_m < 81e3 for route in fabric.wan if far in (route.a, route.b))


def test_seven_to_one_between_islands_of_one_tree(make_site):
    # the same ratio by `oversubscription`, on 128-port switches
    optics = {"host": "400G SR4", "leaf_spine": "800G 2xDR4", "spine_core": "800G 2xDR4"}
    keys = {"switch": "SN5600", "port_rate": "400 Gbit/s", "goodput": "95 %", "optics": optics, "hop_latency": "0.7 us"}
    spec = fabric_spec(
        {"kind": "rail_optimised", "rails": 8, "tiers": 3, "radix": 128, "oversubscription": {"spine": 7}, **keys}
    )
    tree = build_clos(spec, make_site(4 * 112 * 64))
    assert tree.endpoints_per_pod == 112 * 64
    nics = tree.site.endpoints * tree.site.nic_bandwidth / 2.0
    assert nics / tree.bisection == pytest.approx(7.0, rel=0.01)
