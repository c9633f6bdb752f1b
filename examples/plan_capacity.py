"""How many GPUs fit behind a grid connection of 150 MW, of which type, and how fast do they train?

The power per GPU hardly depends on how many there are: one answer near the count tells it.
The command line draws the whole curve: `clustersim sweep grid_150mw`.
"""

from typing import Any, NamedTuple

from clustersim import load_scenario, steady

GRID_MW = 150.0


class Design(NamedTuple):
    """A type of GPU in a place that is there for it, with the plan that `clustersim plan` finds there."""

    scenario: str
    topology: str
    site: str
    asked: int
    """GPUs of the answer."""
    block: int
    """The plan divides whole blocks of so many GPUs."""
    plan: dict[str, Any]


MOE = {"tensor": 4, "expert": 288, "expert_overlap": "halves", "tensor_overlap": True}
DESIGNS = {
    "H100": Design(
        "colossus_200k", "semianalysis_100k_ethernet", "cluster", 97_920, 1152,
        {**MOE, "pipeline": 4, "virtual_stages": 6, "micro_batches": 4, "sharding": "gradients"},
    ),
    "GB200": Design(
        "one_or_many/one_building", "one_or_many/one_campus", "council_bluffs", 69_120, 864,
        {**MOE, "pipeline": 1, "micro_batches": 1, "sharding": "parameters", "shard_group": 216},
    ),
}  # fmt: skip


def answer(design: Design) -> dict[str, Any]:
    """Return the summary of a design with all of its GPUs at work on one job."""
    settings = {
        "topology": design.topology,
        f"topology.site.{design.site}.fleet.0.count": design.asked,
        "job.plan": {**design.plan, "data": design.asked // (4 * design.plan["pipeline"])},
        "damping": [],
        "economics.electricity_price": "electricity_default",
        "operation.horizon": "1 d",
    }
    return steady(load_scenario(design.scenario, settings)).summary


def fitting(peak_mw: float, design: Design) -> int:
    """Return the GPUs, in whole blocks, that draw what the connection gives where those asked draw `peak_mw`."""
    return int(GRID_MW / peak_mw * design.asked / design.block) * design.block


print(f"GPUs behind a connection of {GRID_MW:g} MW, a model of 2T parameters")
print(f"{'type':6}{'asked':>8}{'mean':>12}{'peak':>12}{'fit by mean':>13}{'by peak':>9}{'band':>19}{'training':>17}")
for name, design in DESIGNS.items():
    found = answer(design)
    mean, peak = found["mean_mw"], found["peak_mw"]
    fits = fitting(peak, design)
    # what is not known of the GPUs' power, with cooling and losses in proportion
    low, high = (fitting(peak * found[f"it_peak_{end}_mw"] / found["it_peak_mw"], design) for end in ("high", "low"))
    speed = found["tokens_per_s"] * fits / found["accelerators"]
    print(
        f"{name:6}{design.asked:8,}{mean:9.1f} MW{peak:9.1f} MW{fitting(mean, design):13,}{fits:9,}"
        f"{low:9,} - {high:7,}{speed / 1e6:8.1f} Mtoken/s"
    )
    print(f"      sized by the mean they would peak at {GRID_MW * peak / mean:.0f} MW; sized by the peak, ", end="")
    print(f"{speed / GRID_MW / 1e3:.0f} thousand tokens/s per MW of the connection")
