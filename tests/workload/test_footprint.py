"""Memory of a rank: the published formula, sharding, and limits."""

from dataclasses import replace

import numpy as np
import pytest

from clustersim.workload import load_model
from clustersim.workload.configuration import configurations, model_record
from clustersim.workload.footprint import footprint, kept_activations, passes_in_flight
from clustersim.workload.weights import rank_weights, weights

PLAN = {"sequence": 2048.0, "accelerators": 64.0, "micro_batch": 1.0, "micro_batches": 8.0}


def _one(name="gpt3-175b", **changed):
    return configurations([model_record(load_model(name)) | PLAN | changed])


@pytest.mark.parametrize("tensor", [1.0, 8.0])
def test_activations_of_a_gpt_without_dropout(tensor):
    """``s b h (34 + 5 a s / h) / t`` has 2 + 1 bytes of dropout masks and 5 a s of scores (arXiv 2205.05198, eq. 2)."""
    c = _one(tensor=tensor, sequence_parallel=True)
    attention, dense, _ = kept_activations(c)
    assert (attention + dense)[0] == pytest.approx(2048 * 12288 * 32.0 / tensor)


def test_without_sequence_parallelism_norms_are_whole_on_every_rank():
    """``s b h (10 + 24 / t)``, less two dropout masks."""
    attention, dense, _ = kept_activations(_one(tensor=8.0, sequence_parallel=False))
    assert (attention + dense)[0] == pytest.approx(2048 * 12288 * (8.0 + 24.0 / 8.0))


@pytest.mark.parametrize(("stage", "parts"), [(1, "optimizer"), (2, "gradients"), (3, "weights")])
def test_a_stage_of_sharding_divides_its_part_by_the_replicas(stage, parts):
    c = configurations([model_record(load_model("llama3.1-8b")) | PLAN | {"sharding": s} for s in (stage - 1, stage)])
    held = getattr(footprint(c, weights(c)), parts)
    assert held[0] == pytest.approx(64.0 * held[1])


def test_weights_are_those_of_the_rank():
    c = _one("llama3.1-70b", tensor=4.0, sharding=0)
    w = weights(c)
    held = rank_weights(c, w)
    assert footprint(c, w).weights[0] == pytest.approx(2.0 * (held.common + held.embedding)[0])


@pytest.mark.parametrize(
    ("pipeline", "virtual", "batches", "passes"), [(8, 1, 4, 4), (8, 1, 64, 8), (8, 2, 64, 23), (1, 1, 64, 1)]
)
def test_passes_in_flight(pipeline, virtual, batches, passes):
    c = _one(pipeline=float(pipeline), virtual=float(virtual), micro_batches=float(batches), accelerators=8.0)
    assert passes_in_flight(c)[0] == passes


def test_recomputation_keeps_less():
    rows = [model_record(load_model("llama3.1-70b")) | PLAN | {"recompute": mode, "pipeline": 8.0} for mode in range(3)]
    c = configurations(rows)
    kept = footprint(c, weights(c)).activations
    assert kept[0] > kept[1] > kept[2]


def test_frozen_weights_have_no_optimizer():
    c = _one("llama3.1-8b", frozen=True)
    held = footprint(c, weights(c))
    assert held.optimizer[0] == held.gradients[0] == 0.0


def test_experts_are_spread():
    rows = [model_record(load_model("mixtral-8x7b")) | PLAN | {"expert": e, "sharding": 0} for e in (1.0, 8.0)]
    c = configurations(rows)
    held = footprint(c, weights(c)).weights
    experts = 2.0 * 32 * 8 * 3 * 4096 * 14336
    assert held[0] - held[1] == pytest.approx(experts * 7 / 8)
    assert np.isfinite(held).all()


def test_sharded_parameters_are_whole_while_a_layer_works():
    """Two layers' weights and the gradients of one, in 2 bytes, beside the shards."""
    plan = {"accelerators": 512.0, "sharding": 3}
    c = _one("llama3.1-405b", **plan)
    spread = footprint(c, weights(c))
    whole = footprint(replace(c, sharding=np.array([1.0])), weights(c))
    layer = (weights(c).attention + weights(c).plain)[0]
    assert spread.working[0] - whole.working[0] == pytest.approx(6.0 * layer)
    assert 18e9 < 6.0 * layer < 20e9
