"""What the user says about a job of several sites: how they are kept together, and what happens when one is missing."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, PositiveInt, model_validator

from clustersim.spec import Spec
from clustersim.units import EnergyPrice, Ratio, Time, UtcOffset

SiteMethod = Literal["synchronous", "pipeline", "diloco", "streaming_diloco", "decoupled_diloco"]
ALONE_BETWEEN: tuple[SiteMethod, ...] = ("diloco", "streaming_diloco", "decoupled_diloco")
"""Methods under which a site trains by itself between two outer steps."""
HOURS_OF_DAY = 24


class TokenEfficiencySpec(Spec):
    """Tokens of synchronous training that do as much as one token of this method: a stated figure, never computed."""

    value: Ratio = Field(gt=0)
    """Best estimate. [-]"""
    low: Ratio = Field(gt=0)
    """Low end of the band. [-]"""
    high: Ratio = Field(gt=0)
    """High end of the band. [-]"""
    source: str = Field(min_length=1)
    """Where the figures are from."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if not self.low <= self.value <= self.high:
            raise ValueError(
                f"token_efficiency: expected low <= value <= high, got {self.low:g}, {self.value:g}, {self.high:g}"
            )
        return self


class SitePricesSpec(Spec):
    """What energy costs at a site, hour by hour of a day that repeats."""

    hourly: tuple[EnergyPrice, ...] = Field(min_length=HOURS_OF_DAY, max_length=HOURS_OF_DAY)
    """Price from each full hour of the local day, from midnight on; 24 of them."""
    utc_offset: UtcOffset = 0.0
    """Local standard time minus UTC, such as ``-6 h``; no daylight saving."""


class CurtailmentSpec(Spec):
    """When a site gives up load because of what energy costs."""

    above: EnergyPrice | None = None
    """Hours that cost more than this."""
    hours: int | None = Field(default=None, ge=1, lt=HOURS_OF_DAY)
    """So many of the most expensive hours of a site's day; of equal ones the earlier."""
    run_cheapest: PositiveInt | None = None
    """So many sites, the cheapest of each hour, run at full load and the others give up theirs."""
    response: Literal["pause", "cap"] = "pause"
    """Stop the site's job, or train on at the fraction `cap` of its speed."""
    cap: Ratio | None = Field(default=None, gt=0, lt=1)
    """Speed that is left under the response `cap`. [-]"""

    @model_validator(mode="after")
    def _whole(self) -> Self:
        rules = [self.above, self.hours, self.run_cheapest]
        if sum(rule is not None for rule in rules) != 1:
            raise ValueError("curtailment: expected one of above, hours and run_cheapest")
        if (self.response == "cap") != (self.cap is not None):
            raise ValueError("curtailment.cap: expected with the response 'cap', and only with it")
        return self


class SitesSpec(Spec):
    """How the sites of one job work together over days."""

    method: SiteMethod = "synchronous"
    """`synchronous` (gradients of every step are reduced inside each site, then between them), `pipeline` (stages lie
    at several sites), `diloco` (sites train alone and average every `inner_steps`), `streaming_diloco` (in fragments,
    beside the training) or `decoupled_diloco` (no site waits for more than a quorum)."""
    inner_steps: PositiveInt | None = None
    """Steps between two exchanges of a parameter (H); left out: the catalog's 100."""
    bits: Annotated[float, Field(gt=0)] | None = None
    """Of each parameter that is exchanged; left out: the catalog's, 16 for gradients and DiLoCo, 4 for fragments.
    [bit]"""
    fragments: PositiveInt | None = None
    """Parts in which the model is exchanged; left out: one, or under the streaming methods one per three layers."""
    overlap_steps: int | None = Field(default=None, ge=0)
    """Steps beside which a fragment travels; left out: none, or under the streaming methods one."""
    quorum: PositiveInt | None = None
    """Sites whose work closes an outer step under `decoupled_diloco`; left out: one."""
    grace: Time = Field(default=0.0, ge=0)
    """Time that a met quorum waits for more sites."""
    token_efficiency: TokenEfficiencySpec | None = None
    """Left out: from the published change of the loss (catalog ``cross_site_training``), where there is one."""
    on_site_loss: Literal["wait", "drop", "rescale"] = "wait"
    """`wait` for the site; `drop` it and train on without its tokens; `rescale`: the others take over its part of each
    batch (synchronous training only)."""
    speeds: dict[str, Annotated[Ratio, Field(gt=0, le=1)]] = Field(default_factory=dict)
    """Speed of slower sites, by name, such as ``90 %``. [-]"""
    balanced: bool = False
    """Whether a slower site takes fewer inner steps, so that all reach the outer step together."""
    prices: dict[str, SitePricesSpec] = Field(default_factory=dict)
    """What energy costs, by site."""
    curtailment: CurtailmentSpec | None = None
    """Load that is given up because of the price; left out: none."""
    start: Time = Field(default=0.0, ge=0, lt=86400.0)
    """Time of day at which the record begins, in UTC."""

    @model_validator(mode="after")
    def _fits_the_method(self) -> Self:
        alone = self.method in ALONE_BETWEEN
        decoupled = self.method == "decoupled_diloco"
        streaming = self.method in ("streaming_diloco", "decoupled_diloco")
        for name, given, fits in (
            ("inner_steps", self.inner_steps is not None, alone),
            ("fragments", self.fragments is not None, streaming),
            ("overlap_steps", self.overlap_steps is not None, streaming),
            ("quorum", self.quorum is not None, decoupled),
            ("grace", self.grace > 0.0, decoupled),
            ("balanced", self.balanced, alone),
            ("bits", self.bits is not None, self.method != "pipeline"),
        ):
            if given and not fits:
                raise ValueError(f"sites.{name}: has no meaning under the method {self.method!r}; leave it out")
        if self.on_site_loss == "rescale" and self.method != "synchronous":
            raise ValueError("sites.on_site_loss: expected 'wait' or 'drop'; only 'synchronous' can rescale its batch")
        if self.on_site_loss == "drop" and self.method == "pipeline":
            raise ValueError(
                "sites.on_site_loss: expected 'wait': a pipeline without one of its stages computes nothing"
            )
        if self.curtailment is not None and not self.prices:
            raise ValueError("sites.curtailment: expected the prices of the sites under sites.prices")
        kept = None if self.curtailment is None else self.curtailment.run_cheapest
        if kept is not None and kept >= len(self.prices):
            raise ValueError(
                f"sites.curtailment.run_cheapest: expected fewer than the {len(self.prices)} sites with prices, "
                f"got {kept}: none would ever give up load"
            )
        return self
