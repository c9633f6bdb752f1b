"""A meter's record held against rules of the grid, alone: no model of the cluster is needed.

The record is made here; `clustersim.read_trace("meter.csv")` reads one.
"""

import numpy as np

from clustersim import PowerTrace, Question, assess

DT_S = 0.1
times_s = np.arange(0.0, 1200.0, DT_S)
# steps of 4 s with an exchange at the end of each, a checkpoint every 5 minutes, and the end of the job after 18
share = np.where(times_s % 4.0 < 3.2, 1.0, 0.55)
share[times_s % 300.0 > 290.0] = 0.45
share[times_s > 1080.0] = 0.2
noise = np.random.default_rng(1).normal(0.0, 0.005, times_s.size)
trace = PowerTrace("meter", 0.0, DT_S, 80e6 * (share + noise))

found = assess(trace, Question(packs=("ercot-lel", "southern", "choukse-range")))
seen = found.statistics
print(f"job from {seen['from_s']:.0f} to {seen['to_s']:.0f} s: mean {seen['mean_mw']:.1f} MW", end=", ")
print(f"swing {seen['swing_mw']:.1f} MW every {seen['period_s']:.1f} s")
for row in found.verdict.table.itertuples():
    word = "pass" if row.passed else "FAIL"
    print(f"{word}  {row.rule:24}{row.measured:7.1f} of {row.limit:g} {row.unit:7}{row.status}")
alone = sum(row.limit < seen["swing_mw"] for row in found.verdict.table.itertuples())
print(f"{len(found.verdict.failed)} of {len(found.verdict.table)} rules are broken;", end=" ")
print(f"the swing of the steps alone, {3600 / seen['period_s']:.0f} times an hour, would break {alone}.")
