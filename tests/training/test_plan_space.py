"""The search over all plans at once: what it tries, what it leaves out, what it finds."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clustersim.errors import CapacityError
from clustersim.training.closed_form import estimate_steps
from clustersim.training.plan_space import PlanChoices, binding, plan_space, search_space
from clustersim.workload import load_model
from clustersim.workload.configuration import configurations, model_record
from clustersim.workload.footprint import usable_bytes
from clustersim.workload.hardware import hardware_of


def _space(name="llama3.1-405b", **changed):
    size = {"accelerators": 16384, "sequences": 2048, "sequence_length": 8192, "domain": 8} | changed
    return plan_space(model_record(load_model(name)), **size)


def _hardware():
    return hardware_of(["H100-SXM"], ["bf16"], [None], [None])


USABLE = float(usable_bytes(["H100"])[0])


@pytest.fixture(scope="module")
def found():
    return search_space(_space(), _hardware(), USABLE)


@given(
    st.sampled_from(["llama3.1-8b", "llama3.1-70b", "mixtral-8x7b"]),
    st.sampled_from([8, 24, 64, 96]),
    st.sampled_from([64, 96, 512]),
)
@settings(max_examples=20, deadline=None)
def test_every_plan_uses_every_accelerator_and_sequence(name, accelerators, sequences):
    plans = _space(name, accelerators=accelerators, sequences=sequences)
    assert (plans.tensor * plans.pipeline * plans.context * plans.data == accelerators).all()
    assert (plans.sequences == sequences).all()
    assert (plans.tensor <= 8).all()
    assert (plans.heads % plans.tensor == 0).all()
    assert (plans.pipeline * plans.virtual <= plans.layers + plans.pipeline).all()
    interleaved = plans.virtual > 1
    assert (plans.micro_batches[interleaved] % plans.pipeline[interleaved] == 0).all()
    rows = np.stack([getattr(plans, n) for n in ("tensor", "pipeline", "context", "expert", "micro_batch", "virtual",
                                                 "recompute", "sharding", "schedule")], axis=1)  # fmt: skip
    assert len(np.unique(rows, axis=0)) == plans.size


def test_the_fastest_comes_first_and_all_fit(found):
    assert (np.diff(found.estimate.iteration_time_s) >= 0).all()
    assert (found.memory_bytes <= USABLE).all()
    assert found.tried > found.plans.size


def test_no_plan_is_faster_than_the_first(found):
    """Against each plan evaluated by itself."""
    rng = np.random.default_rng(3)
    hardware = _hardware()
    for index in rng.integers(0, found.plans.size, 20):
        alone = estimate_steps(found.plans.take(np.array([index])), hardware).iteration_time_s[0]
        assert alone == found.estimate.iteration_time_s[index]
        assert alone >= found.estimate.iteration_time_s[0]


def test_metas_plan(found):
    """Tensor 8, pipeline 16, data 128, gradients sharded, nothing recomputed (arXiv 2407.21783, table 4)."""
    p = found.plans
    meta = (p.tensor == 8) & (p.pipeline == 16) & (p.context == 1) & (p.micro_batch == 1) & (p.virtual == 8)
    meta &= (p.sharding == 2) & (p.recompute == 0)
    (index,) = np.flatnonzero(meta)
    times = found.estimate.iteration_time_s
    print(
        f"{found.tried:,} plans, {p.size:,} fit; Meta's is number {index + 1} ({index / p.size:.1%}), "
        f"{times[index] / times[0] - 1.0:.1%} slower than the best; the best without context parallelism is "
        f"{times[index] / times[p.context == 1][0] - 1.0:.1%} faster"
    )
    assert index / p.size < 0.02
    assert times[index] / times[p.context == 1][0] - 1.0 < 0.07


def test_what_binds_is_said(found):
    said = [binding(found, index, USABLE) for index in range(5)]
    assert all(text.endswith(")") for text in said)
    assert any("memory" in text for text in said)


def test_nothing_fits():
    with pytest.raises(CapacityError, match=r"none of .* plans fits: the leanest needs .* GB"):
        search_space(_space(accelerators=16, sequences=16), _hardware(), 8e9)


def test_nothing_cuts():
    with pytest.raises(CapacityError, match="no plan cuts 7 sequences"):
        _space("llama3.1-8b", accelerators=1009, sequences=7, sequence_length=2048)


def test_choices_are_kept_to():
    plans = plan_space(
        model_record(load_model("llama3.1-70b")), accelerators=64, sequences=64, sequence_length=4096, domain=8,
        choices=PlanChoices(recompute=("none",), sharding=("optimizer",), schedule=("1f1b",), tensor_overlap=True),
    )  # fmt: skip
    assert set(plans.recompute) == {0.0}
    assert set(plans.sharding) == {1.0}
    assert set(plans.schedule) == {0.0}
    assert (plans.tensor_overlap == (plans.tensor > 1)).all()


def test_the_mixture_spreads_its_experts():
    plans = _space("mixtral-8x7b", accelerators=64, sequences=512, sequence_length=4096)
    assert set(plans.expert) == {1.0, 2.0, 4.0, 8.0}
    assert plans.mixture.all()
    assert configurations([model_record(load_model("mixtral-8x7b")) | {
        "sequence": 1.0, "accelerators": 1.0, "micro_batch": 1.0, "micro_batches": 1.0}]).mixture.all()  # fmt: skip
