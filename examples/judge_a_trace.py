"""Hold a power trace against rules; no model of a cluster is needed."""

import numpy as np

from clustersim.limits import Evidence, LimitsSpec, Trace, judge, rules_of

DT_S = 0.01
times = np.arange(0.0, 600.0, DT_S)
# 30 MW that falls to 18 MW for a second out of every four: a step's exchange, as a meter sees it
power_w = np.where(times % 4.0 < 3.0, 30e6, 18e6)

trace = Trace("site", "meter", DT_S, power_w, None, True)
rules = rules_of(LimitsSpec(packs=("ercot-lel", "southern", "choukse-example")))
verdict = judge(rules, Evidence((trace,), (), ()))

for row in verdict.table.itertuples():
    print(f"{'pass' if row.passed else 'FAIL'}  {row.rule:24}{row.measured:8.1f} of {row.limit:.1f} {row.unit}")
