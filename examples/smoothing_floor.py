"""How much swing does the floor of the accelerators' power smoothing take away, and what does it cost?

A study is a mapping as in a study file; the shipped `clustersim sweep smoothing_floor` asks the same of 100,800 GB200.
"""

from clustersim import pareto, sweep

FLOORS = ("50 %", "65 %", "80 %")
STUDY = {
    "name": "floors",
    "title": "Floor of power smoothing on 32 racks of 72 GB200",
    "scenario": "one_or_many/one_building",
    "set": {
        "topology.site.council_bluffs.fleet.0.count": 2304,
        "topology.electrical.council_bluffs.conversion": [
            {"stage": "hv_transformer", "rating": "10 MW"},
            {"stage": "mv_transformer", "rating": "10 MW"},
        ],
        "topology.cooling.council_bluffs.count": 4,
        "job.model": "llama3.1-70b",
        "job.plan": {"tensor": 8, "data": 288, "micro_batches": 8},
        "operation.horizon": "1 d",
    },
    "axes": {
        "damping": {
            "values": [[], *([{"kind": "gpu_smoothing", "floor": floor}] for floor in FLOORS)],
            "labels": ["none", *FLOORS],
            "name": "floor",
        }
    },
    "evaluate": "steady",
    "keys": ["swing_mw", "mean_mw", "throughput_loss", "damping_energy_share", "usd_per_million_tokens"],
}

table = sweep(STUDY)  # out="results", workers=2: keeps the rows, uses two processes
if table["error"].notna().any():
    raise SystemExit(table["error"].dropna().iloc[0])

print(f"{'floor':6}{'swing':>10}{'mean':>10}{'energy':>9}{'tokens':>9}{'cost':>21}")
for row in table.itertuples():
    print(
        f"{row.floor:6}{row.swing_mw:7.2f} MW{row.mean_mw:7.2f} MW{row.damping_energy_share:+9.1%}"
        f"{0.0 - row.throughput_loss:+9.3%}{row.usd_per_million_tokens:8.4f} USD/Mtoken"
    )
front = pareto(table, "swing_mw:min", "throughput_loss:min")
none, best = table.iloc[0], front.iloc[0]
print(f"{len(front)} of {len(table)} floors are on the front of swing and speed: {', '.join(front['floor'])}.")
print(
    f"A floor of {best.floor} leaves {best.swing_mw / none.swing_mw:.0%} of the swing"
    f" for {best.damping_energy_share:.1%} more energy and {best.throughput_loss:.3%} of the speed."
)
