"""What the place tells operation: counts of parts are those of the bill of materials, by the job's share."""

import math
from dataclasses import replace

import pytest

from clustersim.scenario import load_topology, shipped
from clustersim.study.operation_facts import feeds_of, job_facts, place_parts
from clustersim.study.places.place import build_place


def built(name):
    return build_place(load_topology(shipped("topologies") / f"{name}.yaml"), "bf16")


def listed(place, word):
    """Parts of the bill whose item has `word` in its name."""
    return sum(item.count for item in place.bill if word in item.item)


@pytest.fixture(scope="module")
def memphis():
    return built("colossus_memphis")


@pytest.fixture(scope="module")
def iowa():
    return built("google_iowa_nebraska")


def test_parts_of_memphis_are_those_of_its_bill(memphis):
    parts = place_parts(memphis)
    assert parts["switches"] == listed(memphis, " switch") == 7813
    assert parts["leaves"] == listed(memphis, "leaf switch") == 3125
    assert parts["links"] == listed(memphis, "cable host-leaf") == 200_000
    assert parts["optics"] == listed(memphis, "optics ") == 200_000 + 5 * 100_000
    assert parts["nics"] == 200_000
    assert parts["servers"] == 25_000
    assert parts["hbm_stacks"] == 100_000 * 5 + 100_000 * 6
    assert parts["feeds"] == 136
    assert parts["cooling_units"] == memphis.topology.site["memphis"].halls == 4
    assert parts["routes"] == 0


def test_parts_of_the_tpu_place_are_those_of_its_bill(iowa):
    parts = place_parts(iowa)
    assert parts["servers"] == 3 * 28672 / 4
    assert parts["nics"] == 3 * 28672 / 2  # two chips share a port
    assert parts["links"] == listed(iowa, "cable host-leaf")
    assert parts["optics"] == listed(iowa, "optics ") + listed(iowa, "transceiver")
    assert parts["hbm_stacks"] == 8 * iowa.accelerators
    assert parts["routes"] == 3
    assert parts["feeds"] == 3
    assert parts["cooling_units"] == 3 * 4


@pytest.mark.parametrize("data", [64, 6144])
def test_a_job_depends_on_its_share_of_the_place(small_study, memphis, data):
    study, pool = small_study
    job = replace(study, place=memphis, plan=study.plan.model_copy(update={"data": data}))
    facts = job_facts(job, pool)
    share = job.plan.accelerators / 200_000
    assert share == (data * 32) / 200_000
    for name, count in place_parts(memphis).items():
        assert getattr(facts, name) == round(share * count), name
    assert facts.racks == math.ceil(share * 3125)
    assert facts.gpus == job.plan.accelerators
    assert facts.replicas == min(data, facts.servers)
    assert (facts.servers_per_rack, facts.servers_per_leaf) == (8, 8)
    assert abs(facts.feeds * facts.servers_per_feed - facts.servers) <= facts.feeds / 2


def test_tpu_job_depends_on_no_packet_switch(small_study, iowa):
    study, pool = small_study
    facts = job_facts(replace(study, place=iowa), pool)
    assert (facts.family, facts.switches, facts.links) == ("tpu", 0, 0)
    assert facts.servers_per_leaf == 64
    assert facts.servers_per_rack == 16


def test_feeds_are_the_last_units_without_a_spare_that_carry_the_servers(memphis):
    stages = memphis.topology.electrical["memphis"].conversion
    transformers = [stage for stage in stages if stage.stage == "mv_transformer"]
    assert feeds_of(stages) == transformers[0].count
    spared = [stage.model_copy(update={"redundancy": "N+1"}) for stage in transformers]
    assert feeds_of(spared) == 0
    assert feeds_of([*transformers, *(s for s in stages if s.share < 0.5)]) == 136
    assert feeds_of([]) == 0
