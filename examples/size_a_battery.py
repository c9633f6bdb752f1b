"""Which battery at the meter keeps a rule, and what does it cost?

This is the search; `clustersim size`, or `size(...)` without `prove=False`, also runs the winner, its neighbours and
other seeds whole.
"""

from clustersim import load_scenario, size

# at most ten times an hour, as when the job starts, may the power move further within 10 s
RULE = {"id": "range-10s", "measure": "range", "window": "10 s", "limit": "0.5 MW", "allowed_per_hour": 10}
scenario = load_scenario(
    "colossus_200k",
    {
        "topology.site.memphis.fleet": [{"accelerator": "H100-SXM", "count": 2048}],
        "topology.electrical.memphis.generators": [],
        "topology.electrical.memphis.battery": None,
        "topology.electrical.memphis.conversion": [
            {"stage": "hv_transformer", "rating": "5 MW"},
            {"stage": "mv_transformer", "rating": "5 MW"},
        ],
        "job.model": "llama3.1-70b",
        "job.plan": {"tensor": 8, "pipeline": 4, "data": 64, "micro_batches": 8},
        "damping": [],
        "operation.horizon": "1 d",
        "limits": {"packs": [], "rules": [RULE]},
    },
)
found = size(scenario, using=["site_battery"], prove=False)
if found.winner is None:
    raise SystemExit("no battery keeps the rule: " + ", ".join(aside.row.rule for aside in found.unmet))

design = found.winner.design
print(f"{'range within 10 s':34}{'limit':>9}")
for name, judged in (("without", found.without), ("with the battery", found.winner)):
    row = judged.rows[0]
    print(f"  {name:18}{row.measured:11.2f} MW{row.limit:6.2f} MW  {'kept' if row.passed else 'BROKEN'}")
power_kw, energy_kwh = design.battery_w / 1e3, design.battery_j / 3.6e6
moved_kw = 1e3 * (found.without.rows[0].measured - found.winner.rows[0].measured)
for item in found.bill:
    print(f"{item.item}: {power_kw:.0f} kW, {energy_kwh:.0f} kWh, {item.usd / 1e3:.0f} kUSD", end="; ")
    print(f"time constant of its control {design.battery_tau_s:.1f} s")
print(f"It gives and takes {power_kw:.0f} kW in turn, which takes {moved_kw:.0f} kW off the range.")
