"""What the user says about failures beyond their rates: ages, early mortality, spread between fleets, outages."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from clustersim.spec import Spec
from clustersim.units import Time


class DomainOutageSpec(Spec):
    """Outages of a part of the place that takes many servers with it, at a rate that the user knows."""

    domain: Literal["rack", "leaf", "feed", "building", "route"]
    """What falls together: a contiguous block of servers, all servers, or a fibre route to another site."""
    every: Time = Field(gt=0)
    """Mean time between two outages of one of them."""
    outage: Time = Field(gt=0)
    """Time until it works again."""


class FailureSpec(Spec):
    """Ages and early life of components, spread of the rates between fleets, outages of whole domains."""

    age: Time | None = Field(default=None, ge=0)
    """Age of all components when the job begins: their lives then are Weibull with a falling hazard; left out: lives
    are exponential, and age does not matter."""
    early_life: bool = False
    """Whether new links fail more often for their first weeks; needs an `age`."""
    uncertainty: Literal["none", "fleet"] = "none"
    """``fleet``: every seed draws a fleet, whose total rate and shares of causes differ from the published mean as
    published fleets differ from each other; ``none``: every seed has the rates of the catalog."""
    fleets: str = "hopper"
    """Catalog name (kind ``reliability_fleets``) of the fleets whose spread is drawn from: ``hopper`` or ``all``."""
    domains: tuple[DomainOutageSpec, ...] = ()
    """Outages of racks, leaves, feeds, buildings and routes, beside those of the failure rates."""

    @model_validator(mode="after")
    def _early_needs_age(self) -> Self:
        if self.early_life and self.age is None:
            raise ValueError("failures.early_life: expected failures.age beside it, such as '0 d' for new components")
        return self
