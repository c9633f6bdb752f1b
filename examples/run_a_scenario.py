"""Load a shipped scenario, make it small, run it, and read the summary."""

from clustersim import load_scenario, run

scenario = load_scenario(
    "colossus_200k",
    {
        "name": "small",
        "topology.site.memphis.fleet": [{"accelerator": "H100-SXM", "count": 2048}],
        "topology.electrical.memphis.generators.count": 1,
        "topology.electrical.memphis.generators.grid_parallel_output": "1 MW",
        "topology.electrical.memphis.conversion": [
            {"stage": "hv_transformer", "rating": "5 MW"},
            {"stage": "mv_transformer", "rating": "5 MW"},
        ],
        "job.model": "llama3.1-70b",
        "job.plan": {"tensor": 8, "pipeline": 4, "data": 64, "micro_batches": 8},
        "damping": [],
        "operation.horizon": "3 d",
    },
)
result = run(scenario)

for key in ("iteration_time_s", "mfu", "mean_mw", "swing_mw", "provisioned_mw", "goodput", "usd_per_million_tokens"):
    print(f"{key:24}{result.summary[key]:10.2f}")
print(result.waveforms["steady"].nodes[:3], result.waveforms["steady"].watts.shape)
