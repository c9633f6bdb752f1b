"""A few thousand ranks show the same rates as the whole place."""

import pytest

from clustersim.training import network as module
from clustersim.training.network import Network, plan_rates, site_room, units_per_site
from clustersim.workload import PlanSpec, load_model

MEMPHIS = Network(
    {"scale_up": 360e9, "nic": 47.5e9, "leaf": 47.5e9, "spine": 40e9},
    accelerators=(200_000,),
    scale_up_domain=8,
    leaf=64,
    pod=4096,
    wan_latency_s=0.0,
)
OMAHA = Network(
    {"scale_up": 480e9, "nic": 11.9e9, "leaf": 11.9e9, "spine": 10e9, "wan": 8.5e9},
    accelerators=(28_672, 28_672, 28_672),
    scale_up_domain=9216,
    leaf=256,
    pod=32_768,
    wan_latency_s=1.8e-4,
)


@pytest.mark.parametrize("place", [MEMPHIS, OMAHA], ids=["memphis", "omaha"])
@pytest.mark.parametrize(("tensor", "pipeline", "expert"), [(8, 4, 288), (8, 8, 96), (4, 2, 144), (8, 16, 64)])
def test_sampled_rates_are_those_of_all_ranks(monkeypatch, place, tensor, pipeline, expert):
    model = load_model("clustersim-moe-2t")
    together = expert // tensor
    span = tensor * pipeline * together
    data = sum(site_room(count, span, place.scale_up_domain) for count in place.accelerators) * together
    plan = PlanSpec(tensor=tensor, pipeline=pipeline, data=data, expert=expert, micro_batches=pipeline)
    few = plan_rates(model, plan, place)
    monkeypatch.setattr(module, "SAMPLED_RANKS", 10**9)
    assert plan_rates(model, plan, place).rates == pytest.approx(few.rates, rel=0.02)


def test_the_reduction_between_pods_goes_through_the_nics():
    """Three whole pods of 9,216 at a site: within a pod gradients take the interconnect, between pods the NICs."""
    plan = PlanSpec(tensor=8, pipeline=2, data=36 * 3 * 48, expert=288, micro_batches=2)
    model = load_model("clustersim-moe-2t")
    assert units_per_site(plan, OMAHA) == (48, 48, 48)
    rate = plan_rates(model, plan, OMAHA).rate("data", {"data"})
    assert rate == pytest.approx(OMAHA.resources["nic"])


def test_a_slice_of_a_pod_holds_no_units_of_its_own():
    assert site_room(28_672, 576, 9216) == 48
    # where no domain holds a unit, or none is whole, all ranks count
    assert site_room(200_000, 2304, 8) == 86
    assert site_room(1024, 256, 9216) == 4


def test_what_goes_to_another_site_passes_the_nic():
    plan = PlanSpec(tensor=8, pipeline=2, data=36 * 3 * 48, expert=288, micro_batches=2)
    wide = Network({**OMAHA.resources, "wan": 1e12}, *list(vars(OMAHA).values())[1:])
    rate = plan_rates(load_model("clustersim-moe-2t"), plan, wide).rate("wan", {"wan"})
    assert rate == pytest.approx(min(OMAHA.resources[name] for name in ("nic", "leaf", "spine")))


def test_idle_accelerators_leave_their_fibre_to_the_others():
    """The bytes of a site leave it at the same rate, however few accelerators send them, until their NICs are full."""
    model = load_model("clustersim-moe-2t")
    narrow = Network({**OMAHA.resources, "wan": 1e9}, *list(vars(OMAHA).values())[1:])
    rates = {}
    for units in (24, 12):
        plan = PlanSpec(tensor=8, pipeline=2, data=36 * 3 * units, expert=288, micro_batches=2)
        rates[units] = plan_rates(model, plan, narrow).rate("wan", {"wan"}) * plan.accelerators
    assert rates[24] == pytest.approx(rates[12])
