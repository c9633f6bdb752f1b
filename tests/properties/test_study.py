"""Whole answers of random scenarios: energy, time and money are the same in every room."""

import importlib
import math
from unittest import mock

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clustersim.plant import released_w, steady_cooling
from clustersim.scenario import load_scenario, shipped
from clustersim.study.site.supply import losses_w
from clustersim.study.steady import steady_answer
from clustersim.study.step import study_step

running = importlib.import_module("clustersim.study.run")
WHOLE = settings(
    max_examples=max(2, settings.default.max_examples // 20), suppress_health_check=list(HealthCheck), deadline=None
)
SMALL = {
    "topology.site.memphis.fleet": [{"accelerator": "H100-SXM", "count": 512}],
    "topology.electrical.memphis.grid.capacity": "4 MW",
    "topology.electrical.memphis.generators.count": 1,
    "topology.electrical.memphis.generators.grid_parallel_output": "0.5 MW",
    "topology.electrical.memphis.battery": {
        "type": "megapack_2xl", "count": 1, "power": "1 MW", "droop": "2 %", "deadband": "36 mHz",
    },
    "topology.cooling.memphis.count": 2,
    "job.model": "llama3.1-8b",
    "job.sequence_length": 4096,
    "job.tokens_per_step_max": 40_000_000,
    "operation.horizon": "1 d",
}  # fmt: skip
OUTDOORS = {"stage": "hv_transformer", "rating": "5 MW"}
CONVERSION = st.sampled_from(
    [
        [OUTDOORS],
        [OUTDOORS, {"stage": "ups_double_conversion", "rating": "4 MW"}],
        [OUTDOORS, {"stage": "busway", "rating": "4 MVA", "share": "77 %"}],
    ]
)
"""No stage in the cooled rooms, a UPS there, busways there."""
DAMPING = st.sampled_from(
    [
        [{"kind": "site_battery", "time_constant": "20 s"}],
        [{"kind": "dummy_compute", "floor": "70 %"}],
        [{"kind": "power_cap", "limit": "80 %"}],
        [{"kind": "gpu_smoothing", "floor": "60 %"}, {"kind": "load_bank", "power": "0.2 MW", "floor": "1 MW"}],
    ]
)


@st.composite
def scenarios(draw):
    """A small place with any plan that fills it, conversion, cooling, damping, pace of failures and seed."""
    tensor, pipeline = draw(st.sampled_from([1, 2, 8])), draw(st.sampled_from([1, 2, 4]))
    plan = {
        "tensor": tensor,
        "pipeline": pipeline,
        "data": 512 // (tensor * pipeline),
        "micro_batches": draw(st.sampled_from([2, 4])),
        "recompute": "full",
        "sharding": "optimizer",
    }
    changes = {
        **SMALL,
        "job.plan": plan,
        "topology.electrical.memphis.conversion": draw(CONVERSION),
        "topology.cooling.memphis.liquid_share": draw(st.sampled_from(["0 %", "80 %", "100 %"])),
        "damping": draw(DAMPING),
        "seed": draw(st.integers(0, 1000)),
        "operation.failure_scale": f"{draw(st.floats(0.0, 20.0))!r} x",
    }
    return load_scenario(shipped("scenarios") / "colossus_200k.yaml", changes)


def answered(scenario):
    """Return the result of a run and the findings that it is made of."""
    seen = []

    def summarise(found, *others):
        seen.append(found)
        return kept(found, *others)

    kept = running.summarise
    with mock.patch.object(running, "summarise", summarise):
        return running.run(scenario), seen[0]


def closes_in_heat_and_energy(found):
    """Heat in = rejected + stored; IT power from the heat alone; meter = IT + cooling + losses + damping."""
    for site, record in found.history.items():
        topology, past = found.study.place.topology, record.cooling
        plant, cooling = topology.electrical[site], topology.cooling[site]
        heat_j = sum(seconds * record.heat_w[state] for state, seconds in record.seconds.items())
        assert past.rejected_j + past.stored_j == pytest.approx(heat_j, rel=1e-9)
        settled = {state: steady_cooling(cooling, watts) for state, watts in record.heat_w.items()}
        of_power = past.energy_j / sum(record.seconds[state] * one.power_w for state, one in settled.items())
        it_j = load_j = 0.0
        for state, one in settled.items():
            power, rejected = of_power * one.power_w, one.rejected_w
            it = one.heat_w
            for _ in range(30):
                it += one.heat_w - float(released_w(plant, cooling, it, power, rejected))
            it_j += record.seconds[state] * it
            load_j += record.seconds[state] * (it + power + losses_w(plant, it, power))
        assert record.it_j == pytest.approx(it_j, rel=1e-7)
        assert record.load_j == pytest.approx(load_j, rel=1e-7)
        damped = found.site_damping_j(site) - found.start_saved_j[site]
        assert found.site_energy_j(site) == pytest.approx(load_j + damped, rel=1e-7)


@WHOLE
@given(scenarios())
def test_a_run_closes_in_time_energy_and_money(scenario):
    result, found = answered(scenario)
    summary = result.summary
    # time
    parts = ("compute_fraction", "bubble_fraction", "exposed_comm_fraction")
    assert sum(summary[key] for key in parts) == pytest.approx(1.0, abs=1e-6)
    assert 0.0 < summary["mfu"] <= summary["hfu"] <= 1.0
    assert math.fsum(result.accounts["seconds"]) == pytest.approx(86400.0, rel=1e-9)
    assert 0.0 <= summary["goodput"] <= 1.0
    # power at every node of every window
    for wave in result.waveforms.values():
        for node in set(wave.parents) - {None}:
            rows = [row for row, parent in enumerate(wave.parents) if parent == node]
            np.testing.assert_allclose(wave.watts[rows].sum(axis=0), wave.power(node), rtol=1e-9, atol=1e-3)
    assert summary["trough_mw"] <= summary["mean_mw"] <= summary["peak_mw"]
    assert summary["swing_mw"] <= summary["peak_mw"] - summary["trough_mw"] + 1e-9
    # energy and heat
    closes_in_heat_and_energy(found)
    assert summary["energy_mwh"] * 3.6e9 == pytest.approx(found.meter_energy_j, rel=1e-8)
    assert summary["pue"] == pytest.approx(summary["energy_mwh"] / summary["it_energy_mwh"], rel=1e-8)
    assert summary["pue"] >= 1.0
    assert 0.0 <= summary["band_energy_share"] <= 1.0
    # sources
    for response in result.responses:
        total = response.grid_w + response.generator_w + response.battery_w
        np.testing.assert_allclose(total, response.load_w, rtol=1e-6, atol=1.0)
    # money
    spent = result.cost.groupby("group")["usd"].sum()
    assert spent["capex"] == pytest.approx(summary["capex_usd"], rel=1e-6)


@settings(WHOLE, max_examples=max(1, settings.default.max_examples // 40))
@given(scenarios())
def test_damping_never_gives_tokens(scenario):
    """Against the same place, seed and plan without damping."""
    answer = steady_answer(scenario).summary
    plain = steady_answer(scenario.model_copy(update={"damping": ()})).summary
    assert answer["tokens_per_s"] <= plain["tokens_per_s"] * (1 + 1e-9)
    assert (answer["throughput_loss"] or 0.0) >= -1e-9


@WHOLE
@given(scenarios(), st.floats(1.1, 4.0))
def test_a_faster_network_never_slows_a_job_and_its_size_is_its_own(scenario, factor):
    """A share of the fabric's goodput less: messages and reductions no shorter, the same compute and memory."""
    study = study_step(scenario)
    slower = scenario.topology.fabric.model_copy(update={"goodput": scenario.topology.fabric.goodput / factor})
    topology = scenario.topology.model_copy(update={"fabric": slower})
    again = study_step(scenario.model_copy(update={"topology": topology}))
    assert again.timing.message_s >= study.timing.message_s
    assert again.timing.reduce_s.sum() >= study.timing.reduce_s.sum() * (1 - 1e-12)
    np.testing.assert_array_equal(again.timing.operation_s, study.timing.operation_s)
    assert again.program.memory_bytes.max() == study.program.memory_bytes.max()
