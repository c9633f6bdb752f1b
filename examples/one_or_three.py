"""One building against three sites with the same 103,680 GPUs: the same model, the same job, fibre in between."""

from clustersim import compare, load_scenario

PLAN = {
    "tensor": 4, "data": 25_920, "expert": 288, "micro_batches": 1, "sharding": "parameters", "shard_group": 216,
    "expert_overlap": "halves", "tensor_overlap": True,
}  # fmt: skip
"""What `clustersim plan` finds for either."""
ROWS = {
    "iteration_time_s": ("s", 3),
    "tokens_per_s": ("token/s", 0),
    "wan_fraction": ("of step", 3),
    "goodput": ("of time", 3),
    "mean_mw": ("MW", 1),
    "swing_mw": ("MW", 1),
    "capex_usd": ("USD", 0),
    "usd_per_million_tokens": ("USD", 3),
}

names = ("one_or_many/one_building", "one_or_many/three_sites_equal_gpus")
scenarios = [load_scenario(name, {"job.plan": PLAN, "operation.horizon": "3 d"}) for name in names]
found = compare(scenarios, level="steady")
one, three = (design.summary for design in found.designs)
print(f"{'':24}{'one building':>15}{'three sites':>15}")
for key, (unit, digits) in ROWS.items():
    print(f"{key:24}{one[key]:15,.{digits}f}{three[key]:15,.{digits}f} {unit}")

slower = next(waterfall for waterfall in found.waterfalls if waterfall.key == "s_per_million_useful_tokens")
part = max(slower.parts, key=lambda part: part.change)
share = part.change / (slower.end - slower.start)
print(f"Useful tokens take {slower.end / slower.start - 1:.1%} longer at three sites; {share:.0%} of it: {part.name}.")
print(f"The power at the meters swings {three['swing_mw'] / one['swing_mw']:.1f} times as far while the sites wait.")
