"""Benchmarks of studies of many points (docs/scaling.md)."""

from __future__ import annotations

import itertools
import time
from typing import Any

from benchmarks.records import Benchmark, Found
from clustersim.scenario import Scenario, load_scenario
from clustersim.study.run import run
from clustersim.study.shared import SHELF
from clustersim.study.steady import steady_answer

SCENARIO = "scenarios/colossus_200k.yaml"
TOKENS, FLOORS, BATTERIES = (16_000_000, 64_000_000), ("40 %", "60 %"), ("50 MW", "100 MW", "150 MW")
"""Axes: each number of tokens has a plan of its own, each floor a waveform, each battery an answer of the plant."""


def settings(tokens: int, floor: str, battery: str) -> dict[str, Any]:
    """Return what makes a point of 100,000 accelerators out of the main scenario."""
    return {
        "operation.horizon": "1 d",
        "job.tokens_per_step_max": tokens,
        "topology.site.memphis.fleet": [{"accelerator": "H100-SXM", "count": 100_000}],
        "topology.electrical.memphis.battery.power": battery,
        "damping": [{"kind": "gpu_smoothing", "floor": floor}, {"kind": "site_battery", "time_constant": "20 s"}],
    }


def points() -> list[Scenario]:
    """Return the points, plan by plan."""
    return [load_scenario(SCENARIO, settings(*point)) for point in itertools.product(TOKENS, FLOORS, BATTERIES)]


def steady_point() -> Found:
    """Processor time per point of twelve with two plans and four waveforms, warm; peer: against a whole run of one."""
    made = points()
    run(made[0])
    SHELF.clear()
    begin = time.process_time()
    for point in made:
        steady_answer(point)
    value = (time.process_time() - begin) / len(made)
    SHELF.clear()
    begin = time.process_time()
    run(made[0])
    return Found(value, value / (time.process_time() - begin))


STUDY_BENCHMARKS = (Benchmark("steady_point", "s", 1.2, "lower", steady_point),)
