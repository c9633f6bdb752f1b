"""A pipeline over several sites: where its stages lie, and what crosses."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clustersim.errors import InputError
from clustersim.operation.site_methods import common_step_s
from clustersim.operation.sites import whole_job
from clustersim.scenario import load_scenario, shipped
from clustersim.study.it_power import step_pool
from clustersim.study.operate import operate
from clustersim.study.several_sites.cross_site import between_sites
from clustersim.study.several_sites.facts import sites_facts
from clustersim.study.several_sites.pipeline import pipeline_sites, stages_per_site
from clustersim.study.step import study_step
from clustersim.workload import PlanSpec

NAMES = ("council_bluffs", "omaha", "papillion")
PLAN = {"tensor": 8, "pipeline": 6, "data": 60, "micro_batches": 12}


def scenario(**plan):
    changes = {
        "job.model": "llama3.1-70b",
        "job.plan": PLAN | plan,
        **{f"topology.site.{name}.fleet": [{"accelerator": "TPU7x", "count": 1024}] for name in NAMES},
        **{f"topology.site.{name}.halls": 1 for name in NAMES},
        "operation": {"horizon": "2 d", "restart_time": "300 s", "sites": {"method": "pipeline"}},
    }
    return load_scenario(shipped("scenarios") / "iowa_nebraska.yaml", changes)


@given(st.integers(2, 64), st.integers(1, 50), st.lists(st.integers(50, 4000), min_size=2, max_size=5))
def test_every_stage_lies_whole_at_one_site(pipeline, each, accelerators):
    plan = PlanSpec(pipeline=pipeline, data=each, micro_batches=pipeline)
    room = [count // each for count in accelerators]
    if pipeline < len(room) or min(room) < 1 or sum(room) < pipeline:
        with pytest.raises(InputError, match="stages lie whole at sites"):
            stages_per_site(plan, accelerators)
        return
    stages = stages_per_site(plan, accelerators)
    assert sum(stages) == pipeline
    assert all(1 <= count <= most for count, most in zip(stages, room, strict=True))


def test_a_message_is_the_activations_of_all_replicas_and_a_boundary_is_crossed_by_each():
    study = study_step(scenario())
    found = pipeline_sites(study)
    hidden, sequence = 8192, 4096
    assert found.stages == (2, 2, 2)
    assert found.cut.message_bytes == 2.0 * hidden * sequence * 60
    assert (found.cut.micro_batches, found.cut.crossings) == (12, 2)
    assert all(0.0 < route.bandwidth_without <= found.bandwidth for route in found.routes)


def test_chunks_cross_as_often_as_a_micro_batch_goes_round():
    plain, chunked = (pipeline_sites(study_step(scenario(virtual_stages=v))) for v in (1, 2))
    assert chunked.cut.crossings == 2 * 2 + 1
    assert chunked.cut.micro_batches == 2 * plain.cut.micro_batches
    assert chunked.cut.message_bytes == plain.cut.message_bytes


def on_thin_fibre(study, names):
    """Return the study with routes of these names alone, each of 1 GB/s."""
    fabric = study.place.fabric
    wan = tuple(replace(route, capacity=1e9, second=None) for route in fabric.wan if route.name in names)
    return replace(study, place=replace(study.place, fabric=replace(fabric, wan=wan)))


def test_fibre_is_shared_by_all_that_a_micro_batch_sends_over_it():
    """A chain without the third route: with two chunks a direction has two messages one way round and one back."""
    chain = ("council_bluffs-omaha", "omaha-papillion")
    plain, chunked = (
        pipeline_sites(on_thin_fibre(study_step(scenario(virtual_stages=v)), chain)).bandwidth for v in (1, 2)
    )
    goodput = study_step(scenario()).place.fabric.spec.goodput
    assert plain == pytest.approx(goodput * 1e9)
    assert chunked == pytest.approx(goodput * 1e9 * 2 / 3)


def test_a_chain_that_is_cut_is_parted():
    found = pipeline_sites(on_thin_fibre(study_step(scenario()), ("council_bluffs-omaha", "omaha-papillion")))
    assert [route.bandwidth_without for route in found.routes] == [0.0, 0.0]


def test_a_pipeline_over_sites_is_one_job_that_keeps_a_part_at_each():
    asked = scenario()
    study = study_step(asked)
    pool = step_pool(study)
    facts = sites_facts(study, pool)
    alone_s = pool.iteration_time_s - between_sites(study, pool.iteration_time_s).exposed_s
    job = whole_job(asked.operation.sites, facts)
    x = facts.pipeline.message_bytes / facts.bandwidth
    by_hand = alone_s + 2 * 2 * (facts.exchange.latency_s + x) + max(0.0, 12 * x - alone_s)
    assert job.step_time_s == pytest.approx(by_hand, rel=1e-12)
    assert common_step_s(asked.operation.sites, facts, facts.bandwidth / 1e4) > 10.0 * job.step_time_s
    assert job.gpus == study.plan.accelerators
    assert job.checkpoint_bytes == pytest.approx(sum(site.job.checkpoint_bytes for site in facts.sites))
    assert sum(site.tokens_per_step for site in facts.sites) == pytest.approx(study.tokens_per_step)
    found = operate(asked)
    assert found.parts[1:] == NAMES
    assert found.job.step_time_s == job.step_time_s
