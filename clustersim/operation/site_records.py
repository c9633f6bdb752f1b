"""What a job of several sites did: a timeline per site, the whole's accounts and useful tokens."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pandas as pd

from clustersim.operation.accounts import Accounts, Category, accounts_of
from clustersim.operation.records import TIMELINE_COLUMNS, Timeline
from clustersim.operation.spec_parts.sites import SiteMethod
from clustersim.operation.token_efficiency import TokenEfficiency

GANTT_COLUMNS = ("site", *TIMELINE_COLUMNS)


@dataclass(frozen=True)
class SiteRecord:
    """What one site did."""

    name: str
    gpus: int
    timeline: Timeline
    """Of a job in lock-step: that of the job, with the site's own accelerators."""
    tokens: float
    """Trained by the site and not lost, each counted once."""


@dataclass(frozen=True)
class SitesRecord:
    """What the sites of one job did."""

    method: SiteMethod
    sites: tuple[SiteRecord, ...]
    accounts: Accounts
    """Of the whole: each site's, weighted by its accelerators. The shares add up to one exactly."""
    efficiency: TokenEfficiency
    outer_steps: int
    """Rounds in which the sites merged their work; 0 in lock-step."""
    postponed: int
    """Times that a site trained on past an outer step because the sites were parted."""
    findings: tuple[str, ...] = ()

    @property
    def goodput(self) -> float:
        """Share of the accelerators' time in which work was done that counted in the end. [-]"""
        return self.accounts.goodput

    @property
    def tokens(self) -> float:
        """Tokens of all sites."""
        return math.fsum(site.tokens for site in self.sites)

    @property
    def useful_tokens(self) -> float:
        """Tokens of synchronous training that they are worth."""
        return self.tokens * self.efficiency.value

    def gantt(self) -> pd.DataFrame:
        """Return the rows of all sites, one site after the other; columns :data:`GANTT_COLUMNS`."""
        tables = [site.timeline.table.assign(site=site.name) for site in self.sites]
        return pd.concat(tables, ignore_index=True)[list(GANTT_COLUMNS)]


def whole_accounts(sites: Sequence[SiteRecord], horizon_s: float) -> Accounts:
    """Return the accounts of all sites together: each one's seconds weighted by its share of the accelerators."""
    total = sum(site.gpus for site in sites)

    def entries() -> Iterator[tuple[Category, str, float]]:
        for site in sites:
            for (category, cause), seconds in site.timeline.accounts.seconds.items():
                yield category, cause, seconds * site.gpus / total

    return accounts_of(entries(), horizon_s)
