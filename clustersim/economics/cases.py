"""Cost cases: published inputs of an accelerator's hour, kept together, and the hour that they give.

It is held against published hours. A scenario takes the inputs of a case (``economics.case``) for its own site; no key
asks for the hour of the case itself.
"""

from __future__ import annotations

from dataclasses import dataclass

from clustersim import catalog
from clustersim.economics.cost import CostTable, estimate_cost
from clustersim.economics.facts import Accelerators, CostFacts
from clustersim.economics.spec import EconomicsSpec
from clustersim.units import YEAR_S

KIND = "cost_cases"


@dataclass(frozen=True)
class Case:
    """What a cost case gives."""

    name: str
    cost: CostTable
    published_usd_per_h: tuple[float, ...]
    """Published cost of an accelerator's hour; the first is of the same kind of owner. [USD/h]"""

    @property
    def usd_per_h(self) -> float:
        """Cost of an accelerator's hour. [USD/h]"""
        return self.cost.usd_per_accelerator_hour

    @property
    def errors(self) -> tuple[float, ...]:
        """Relative errors against the published figures. [-]"""
        return tuple(self.usd_per_h / published - 1.0 for published in self.published_usd_per_h)


def case_facts(name: str, accelerators: int) -> CostFacts:
    """Return a year of a site of some accelerators at the power of a cost case; nothing is simulated."""
    case = catalog.entry(KIND, name)
    it_w = accelerators * case.si("power")
    return CostFacts(
        accelerators=(Accelerators(str(case.properties["accelerator"]), accelerators, accelerators),),
        network_usd=0.0,
        provisioned_it_w=it_w,
        mean_it_w=it_w,
        horizon_s=YEAR_S,
        grid_energy_j=it_w * case.si("pue") * YEAR_S,
        tokens_per_s=0.0,
        goodput=0.0,
    )


def case_cost(name: str, accelerators: int = 10_000, years: float | None = None) -> Case:
    """Return the cost of a site with the inputs of a cost case of the catalog.

    Parameters
    ----------
    name : str
        Entry of the catalog kind ``cost_cases``.
    accelerators : int, optional
        How many there are; the cost of an hour does not depend on it.
    years : float, optional
        Time that ``cost.tco_years_usd`` covers; the case's life of the servers when absent. [yr]

    Raises
    ------
    InputError
        If the catalog has no such case.
    """
    spec = EconomicsSpec.model_validate({"case": name} | ({} if years is None else {"years": f"{years!r} yr"}))
    case = catalog.entry(KIND, name)
    published = [key for key in case.figures if key.startswith("published")]
    hours = tuple(case.si(key) * 3600.0 for key in published)
    return Case(name, estimate_cost(spec, case_facts(name, accelerators)), hours)
