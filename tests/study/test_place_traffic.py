"""Collectives and exchanges on shipped places."""

import numpy as np
import pytest

from clustersim.errors import CapacityError, InputError
from clustersim.scenario import load_topology, shipped
from clustersim.study.place import build_place
from clustersim.study.place_traffic import place_collective, place_contention


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


def test_a_torus_has_no_such_library(place):
    with pytest.raises(InputError, match="TPU7x is wired as a torus"):
        place_collective(place("google_iowa_nebraska"), "all_reduce:64")
