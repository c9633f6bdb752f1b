"""The crew that repairs failed servers, its shifts and its spare parts."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from clustersim.spec import Spec
from clustersim.units import DAY_S, Time


class RepairWorkSpec(Spec):
    """One kind of repair; what is left out is the catalog's."""

    time: Time | None = Field(default=None, ge=0)
    """Mean working time of one technician."""
    draw: Literal["constant", "exponential"] | None = None
    """Whether every repair takes that time, or a random one of that mean; left out: as `repair.draw`."""
    parts: int | None = Field(default=None, ge=0)
    """Spare parts in stock, ordered one by one as they are used; left out: always at hand."""
    lead_time: Time | None = Field(default=None, ge=0)
    """Time from the order of a part until it is there."""


class RepairSpec(Spec):
    """Who repairs, when, and with what."""

    technicians: int | None = Field(default=None, ge=0)
    """Technicians at work in a shift; left out: one for every repair."""
    shift: Time = Field(default=DAY_S, gt=0, le=DAY_S)
    """Length of the shift of a day; ``24 h`` is continuous cover."""
    shift_start: Time = Field(default=0.0, ge=0)
    """When the shift begins, after midnight."""
    days_per_week: int = Field(default=7, ge=1, le=7)
    """Days with a shift, from Monday on."""
    begins: Time = Field(default=0.0, ge=0, lt=7 * DAY_S)
    """Where in the week the simulation begins, after midnight from Sunday to Monday."""
    draw: Literal["constant", "exponential"] = "constant"
    """Whether every repair takes the mean time of its kind, or a random one of that mean."""
    works: dict[str, RepairWorkSpec] = Field(default_factory=dict)
    """By kind of repair, what differs from the catalog (kind ``recovery``, entries ``repair-*``)."""

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.shift_start + self.shift > DAY_S:
            raise ValueError(
                f"repair.shift_start: expected a shift that ends by midnight, found one of {self.shift / 3600.0:g} h "
                f"from {self.shift_start / 3600.0:g} h on"
            )
        for kind, work in self.works.items():
            if work.lead_time is not None and work.parts is None:
                raise ValueError(f"repair.works.{kind}.lead_time: expected parts beside it, found none")
        return self
