"""What each way of damping does to the power supplies' input and to the meter, and what it costs."""

from clustersim import load_scenario, steady

SMALL = {
    "topology.site.memphis.fleet": [{"accelerator": "H100-SXM", "count": 2048}],
    "topology.electrical.memphis.generators.count": 1,
    "topology.electrical.memphis.generators.grid_parallel_output": "1 MW",
    "topology.electrical.memphis.battery.count": 1,
    "topology.electrical.memphis.battery.power": "1 MW",
    "topology.electrical.memphis.battery.energy": "3.9 MWh",
    "topology.electrical.memphis.conversion": [
        {"stage": "hv_transformer", "rating": "5 MW"},
        {"stage": "mv_transformer", "rating": "5 MW"},
    ],
    "job.model": "llama3.1-70b",
    "job.plan": {"tensor": 8, "pipeline": 4, "data": 64, "micro_batches": 8},
    "operation.horizon": "3 d",
}
DAMPING = {
    "none": [],
    "dummy compute": [{"kind": "dummy_compute", "floor": "70 %"}],
    "GPU smoothing": [{"kind": "gpu_smoothing", "floor": "70 %"}],
    "site battery": [{"kind": "site_battery", "time_constant": "30 s"}],
}

print(f"{'damping':16}{'IT swing':>10}{'meter swing':>13}{'energy':>9}{'tokens':>9}")
for name, damping in DAMPING.items():
    found = steady(load_scenario("colossus_200k", {**SMALL, "damping": damping})).summary
    print(
        f"{name:16}{found['it_swing_mw']:7.2f} MW{found['swing_mw']:10.2f} MW"
        f"{found['damping_energy_share']:+9.1%}{0.0 - found['throughput_loss']:+9.2%}"
    )
