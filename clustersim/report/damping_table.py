"""Ways of damping one shipped job, alone and together, as a table.

``python -m clustersim.report.damping_table > docs/models/damping_table.md`` writes the page again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from clustersim.report.words import number
from clustersim.scenario import load_scenario, shipped
from clustersim.study.run import run
from clustersim.study.step import study_step

SCENARIO = "colossus_200k"
BATTERY = {"kind": "site_battery", "time_constant": "60 s"}
SMOOTHING = {"kind": "gpu_smoothing", "floor": "80 %"}
PSU = {"kind": "psu_storage"}
RACKS = {
    "kind": "rack_storage",
    "energy_per_accelerator": "20 kJ",
    "power_per_accelerator": "700 W",
    "time_constant": "10 s",
}
HYBRID = {
    "kind": "hybrid_storage",
    "split": "0.05 Hz",
    "capacitor_energy": "200 MJ",
    "capacitor_power": "80 MW",
    "battery_energy": "20 MWh",
    "battery_power": "80 MW",
    "time_constant": "60 s",
}
BANK = {"kind": "load_bank", "power": "60 MW", "ramp_down": "1 MW/s"}
START = {"kind": "gradual_start", "initial": "90 MW", "rate": "2 MW/s"}
STAGGER = {"kind": "phase_stagger", "groups": 4, "independent": True}

Case = Sequence[Mapping[str, Any]]

CASES: Mapping[str, Case] = {
    "none": (),
    "dummy compute to 80 %": ({"kind": "dummy_compute", "floor": "80 %"},),
    "PyTorch's damper": ({"kind": "pytorch_damper"},),
    "secondary workload to 80 %": ({"kind": "secondary_workload", "level": "80 %"},),
    "a second job in the gaps": ({"kind": "micro_batch_interleave"},),
    "compiler shaping": ({"kind": "compiler_shaping"},),
    "GPU smoothing, floor 80 %": (SMOOTHING,),
    "the same by hysteresis of 50 ms": (
        {"kind": "gpu_smoothing_profile", "percent_tmp_floor": "80 %", "ramp_down_hysteresis": "50 ms"},
    ),
    "power cap 80 %": ({"kind": "power_cap", "limit": "80 %"},),
    "four fifths more overlap": ({"kind": "more_overlap", "share": "80 %"},),
    "exchange of half the bytes": ({"kind": "smaller_exchange", "factor": "50 %"},),
    "PSU storage": (PSU,),
    "rack storage": (RACKS,),
    "gradual start, 2 MW/s": (START,),
    "4 halls staggered": (STAGGER,),
    "load bank, down 1 MW/s": (BANK,),
    "hybrid at the site": (HYBRID,),
    "site battery": (BATTERY,),
    "smoothing + racks": (SMOOTHING, RACKS),
    "smoothing + racks + site battery": (SMOOTHING, RACKS, BATTERY),
    "PSU + site battery": (PSU, BATTERY),
    "staggered + PSU + site battery": (STAGGER, PSU, BATTERY),
    "start + hybrid + load bank": (START, HYBRID, BANK),
}
"""Damping of the scenario by name. Sizes are examples that do their work on it, nobody's design."""

PAGE = """# One job, damped in many ways

Written by `python -m clustersim.report.damping_table > docs/models/damping_table.md`.

The shipped scenario `{name}` with its plan fixed; sizes are examples, which the module lists. Swing, ramps and share of
the band are at the meter, ramps the steepest over 1 s in the steady window and those of all events. Energy is at equal
tokens. Cycles are equivalent full cycles of the most used store. [Damping](damping.md) says how each works.

{table}
"""

HEAD = ("damping", "swing", "steepest rise", "steepest fall", "0.1-20 Hz", "energy", "tokens", "cycles a year")
CYCLES = ("battery", "rack_storage", "psu_storage", "hybrid_capacitor", "hybrid_battery")


def cells(summary: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the cells of a run: swing, ramps and band at the meter, energy, tokens, cycles of the most used store."""
    cycles = [summary[f"{name}_cycles_per_year"] for name in CYCLES]
    most = max((c for c in cycles if c is not None), default=None)
    return (
        f"{number(summary['swing_mw'])} MW",
        f"{number(summary['max_ramp_up_mw_per_s'])} MW/s",
        f"{number(summary['max_ramp_down_mw_per_s'])} MW/s",
        f"{100.0 * summary['band_energy_share']:.1f} %",
        f"{100.0 * summary['damping_energy_share']:+.2f} %",
        f"{0.0 - 100.0 * summary['throughput_loss']:+.2f} %",
        number(most),
    )


def damping_table(name: str = SCENARIO, cases: Mapping[str, Case] = CASES) -> str:
    """Return the table of the cases on a shipped scenario, as Markdown.

    The plan is that of the scenario without damping, so that damping changes nothing else.

    Raises
    ------
    InputError
        If there is no such scenario, or damping of it is not possible.
    """
    path = shipped("scenarios") / f"{name}.yaml"
    plan = study_step(load_scenario(path, {"damping": []})).plan.model_dump(mode="json")
    rows = [HEAD, ("---", *["--:"] * (len(HEAD) - 1))]
    for case, damping in cases.items():
        overrides = {"damping": [dict(strategy) for strategy in damping], "job.plan": plan}
        rows.append((case, *cells(run(load_scenario(path, overrides)).summary)))
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


if __name__ == "__main__":
    print(PAGE.format(name=SCENARIO, table=damping_table()), end="")
