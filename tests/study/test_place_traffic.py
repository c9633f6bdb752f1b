"""Collectives and exchanges on shipped places."""

import numpy as np
import pytest

from clustersim.errors import CapacityError, InputError
from clustersim.scenario import load_topology, shipped
from clustersim.study.places.place import build_place
from clustersim.study.places.traffic import place_collective, place_contention


@pytest.fixture(scope="module")
def place():
    def load(name):
        return build_place(load_topology(shipped("topologies") / f"{name}.yaml"), "bf16")

    return load


@pytest.fixture(scope="module")
def memphis(place):
    return place("colossus_memphis")


def test_a_large_all_reduce_in_memphis_runs_near_the_cards(memphis):
    found = place_collective(memphis, "all_reduce:4096")
    assert found.domains == 512
    assert found.nic == pytest.approx(50e9)
    # eight cards of a server carry the ring between servers: at most 400 GB/s of bus bandwidth
    assert 250e9 < found.bus[-1] < 400e9
    assert (np.diff(found.seconds) > 0).all()
    assert (np.diff(found.bus) > 0).all()


def test_inside_a_server_the_switch_reduces(memphis):
    found = place_collective(memphis, "all_reduce:8")
    assert found.domains == 1
    assert found.algorithm[-1] == "nvls"
    assert found.bus[-1] > 400e9


def test_strided_groups_have_one_member_per_domain(memphis):
    found = place_collective(memphis, "reduce_scatter:128:8")
    assert found.domains == 128
    assert found.bus[-1] < 50e9


def test_exchanges_share_the_cards(memphis):
    data, expert = place_contention(memphis, ["ring:64:64@0-4095", "all_to_all:64@0-4095"], "spread")
    assert data.slowdown == pytest.approx(1 + 56 / 63, rel=1e-6)
    assert expert.together_binds == "host-leaf"


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("all_reduc:8", "did you mean 'all_reduce'"),
        ("all_reduce", "KIND:MEMBERS"),
        ("all_reduce:1", "two members"),
        ("all_reduce:400000", "spans 400000 ranks"),
    ],
)
def test_wrong_collectives_are_refused(memphis, text, match):
    with pytest.raises((InputError, CapacityError), match=match):
        place_collective(memphis, text)


def test_a_slice_of_a_torus_uses_all_its_links(place):
    found = place_collective(place("google_iowa_nebraska"), "all_reduce:512")
    assert found.algorithm[0] == "8 x 8 x 8 torus"
    rate = place("google_iowa_nebraska").fabric.spec.scale_up.link_rate
    assert found.seconds[-1] == pytest.approx(2 * found.size_bytes[-1] * 511 / 512 / (6 * rate), rel=1e-3)
    with pytest.raises(InputError, match="no slice of 17 accelerators"):
        place_collective(place("google_iowa_nebraska"), "all_reduce:17")
    with pytest.raises(InputError, match="on a torus expected one of"):
        place_collective(place("google_iowa_nebraska"), "broadcast:512")


def test_a_torus_that_the_file_does_not_describe_has_no_library(place):
    with pytest.raises(InputError, match="Trainium2 is wired as a torus"):
        place_collective(place("madison_ms"), "all_reduce:64")


def test_groups_across_sites_are_refused(place):
    with pytest.raises(InputError, match="spans several sites"):
        place_collective(place("fairwater_pair"), "all_reduce:400000")


def test_strided_groups_span_as_many_domains_as_they_do(place):
    assert place_collective(place("semianalysis_100k_ethernet"), "all_reduce:1024:3").domains == 384


def test_switches_that_reduce_are_used(tmp_path):
    text = (shipped("topologies") / "meta_24k_infiniband.yaml").read_text()
    file = tmp_path / "meta_24k_infiniband.yaml"
    file.write_text(text.replace("  kind: rail_optimised\n", "  kind: rail_optimised\n  in_network_reduction: true\n"))
    found = place_collective(build_place(load_topology(file), "bf16"), "all_reduce:1024")
    assert found.algorithm[-1] == "sharp"
