"""A site that grows: power, tokens and cost of an accelerator from a scenario, then month by month."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from clustersim.economics import CostTable, annuity_factor, energy_price, estimate_cost
from clustersim.economics.build_out import AcceleratorFacts, BuildOut, build_out
from clustersim.economics.build_outs import build_out_of, known_build_outs
from clustersim.economics.lines import bought_of_grid
from clustersim.economics.prices import chosen, grid_price, rate
from clustersim.economics.spec_parts.build_out import BuildOutSpec
from clustersim.errors import InputError, nearest
from clustersim.scenario import Scenario
from clustersim.scenario.files import read_yaml
from clustersim.study.cost_facts import cost_facts
from clustersim.study.findings import Findings
from clustersim.study.judging import respond
from clustersim.study.site.summary import power_keys
from clustersim.study.trained_job import TrainedJob, train_job
from clustersim.units import HOUR_S, YEAR_S

MW = 1e6
EQUIPMENT = ("servers", "network")
"""Beginnings of the items of capex that lose their value with the accelerators."""


@dataclass(frozen=True)
class BuildOutStudy:
    """A build-out with what one accelerator of its scenario needs."""

    spec: BuildOutSpec
    scenario: str
    each: AcceleratorFacts
    found: BuildOut


def read_build_out(text: str) -> tuple[BuildOutSpec, Path | None]:
    """Return the build-out that `text` means, a file or a name of the catalog, and the file's folder.

    Raises
    ------
    InputError
        If there is none of that name, or the file is not a build-out; the message lists everything that is wrong.
    """
    path = Path(text)
    if path.suffix not in {".yaml", ".yml"}:
        known = known_build_outs()
        if not path.exists():
            return build_out_of(text), None
        raise InputError(f"{text}: expected a .yaml file or a build-out of the catalog ({', '.join(known)})")
    if not path.is_file():
        raise InputError(f"{text}: expected a file, or one of {', '.join(known_build_outs())}")
    tree = read_yaml(path)
    try:
        return BuildOutSpec.model_validate(tree), path.parent
    except ValidationError as error:
        raise InputError("\n".join(_said(path, one) for one in error.errors())) from None


def _said(path: Path, problem: ErrorDetails) -> str:
    where = ".".join(str(part) for part in problem["loc"]) or "file"
    if problem["type"] == "extra_forbidden":
        return f"{path}: {where}: unknown key{nearest(where.rsplit('.')[-1], BuildOutSpec.model_fields)}"
    return f"{path}: {where}: {problem['msg'].removeprefix('Value error, ')}"


def study_build_out(
    spec: BuildOutSpec, scenario: Scenario, progress: Callable[[str], None] = lambda _: None
) -> BuildOutStudy:
    """Return what runs, waits and costs in every month of a build-out.

    Parameters
    ----------
    spec : BuildOutSpec
        Power, halls and accelerators by date.
    scenario : Scenario
        The job that runs on the site; an accelerator needs its share of the scenario's power at the meter, and brings
        its share of its useful tokens.
    progress : callable, optional
        Told the name of each part as it begins.

    Raises
    ------
    InputError
        If the scenario asks for something that is not there or does not fit.
    """
    done = train_job(scenario, progress)
    progress("plant and cost")
    each = accelerator_facts(spec, done, done.findings((done.steady,), respond(done.study, (done.steady,))))
    progress("months")
    return BuildOutStudy(spec, scenario.name, each, build_out(spec, each))


def accelerator_facts(spec: BuildOutSpec, done: TrainedJob, found: Findings) -> AcceleratorFacts:
    """Return what one accelerator of a scenario needs, brings and costs, with its share of the site.

    Parameters
    ----------
    spec : BuildOutSpec
        Says what power counts, and the price of energy made on site.
    done : Trained
        The scenario's job on its place.
    found : Findings
        Of its steady window and its days.
    """
    economics = done.study.scenario.economics
    power = power_keys(found, {})
    cost = estimate_cost(economics, cost_facts(found, found.tokens_per_s, done.timeline.goodput))
    count = done.study.place.accelerators
    needed_mw = {
        "peak": power["peak_mw"],
        "mean": power["mean_mw"],
        "provisioned": power["provisioned_mw"] * power["mean_mw"] / power["it_mean_mw"],
    }[spec.basis]
    capex = cost.table[cost.table["group"] == "capex"]
    equipment = float(capex[capex["item"].str.startswith(EQUIPMENT)]["usd"].sum()) / count
    life = chosen(economics, "accelerator_life", "life", "accelerator").value
    yearly = annuity_factor(life, rate(economics), economics.residual_value)
    onsite = spec.onsite_price or "onsite_power"
    return AcceleratorFacts(
        needed_w=needed_mw * MW / count,
        mean_w=found.meter_energy_j / found.horizon_s / count,
        useful_tokens_per_s=found.tokens_per_s * done.timeline.goodput / count,
        equipment_usd=equipment,
        site_usd=cost.capex_usd / count - equipment,
        idle_usd_per_h=equipment * yearly / (YEAR_S / HOUR_S),
        grid_usd_per_j=_grid_usd_per_j(found, cost),
        onsite_usd_per_j=energy_price(onsite, "onsite_power").value,
    )


def _grid_usd_per_j(found: Findings, cost: CostTable) -> float:
    """Return what the scenario pays for what it buys, demand and fixed charges too; its price where it buys none."""
    if found.grid_energy_j <= 0.0:
        return grid_price(found.study.scenario.economics).value
    return float(bought_of_grid(cost.table)["usd"].sum()) / found.grid_energy_j
