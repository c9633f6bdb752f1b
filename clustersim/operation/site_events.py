"""What happens to single sites, as what happens to the one job that runs over all of them in lock-step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from clustersim.operation.facts import ExternalEvent
from clustersim.operation.site_facts import SitesFacts
from clustersim.operation.site_methods import lockstep_tokens_per_s
from clustersim.operation.site_network import NetworkState
from clustersim.operation.spec_parts.sites import SitesSpec

MOMENT_S = 1e-3
"""Length of a stop that does no more than have the job start again. [s]"""
EventsBySite = Mapping[str, Sequence[ExternalEvent]]
Held = tuple[str, ExternalEvent]
"""A site, and what holds it."""


@dataclass(frozen=True)
class _Limit:
    """What holds the job back for a while."""

    fraction: float
    """Tokens per time over those of the whole job; 0: it stands still. [-]"""
    cause: str
    category: Literal["curtailed", "idle"]
    effect: Literal["stop", "drain", "cap_fraction"] = "cap_fraction"
    """`drain`: it stands still for what was known before."""


def whole_job_events(
    spec: SitesSpec, facts: SitesFacts, by_site: EventsBySite, states: Sequence[NetworkState]
) -> tuple[ExternalEvent, ...]:
    """Return the events of a job that all sites run in lock-step: synchronous or a pipeline.

    A stop or loss of a site stops the job (`wait`). Else the others start again without it and go on at what is left
    of the tokens per time; when it is back, all save and start again. A cap of one site slows all, as a cut route
    does; parted sites stop.
    """
    waits = spec.on_site_loss == "wait"
    own = [(name, event) for name in facts.names for event in by_site.get(name, ())]
    found = [event for _, event in own if waits and event.effect != "cap_fraction"]
    if not waits:
        found += [again for name, event in own if event.effect != "cap_fraction" for again in _restarts(name, event)]
    lasting: list[tuple[float, float, _Limit]] = []
    for begin, end, limit in _limits(spec, facts, by_site, states):
        if lasting and lasting[-1][1] == begin and lasting[-1][2] == limit:
            lasting[-1] = (lasting[-1][0], end, limit)
        else:
            lasting.append((begin, end, limit))
    return (*found, *(_event(begin, end, limit) for begin, end, limit in lasting))


def _restarts(name: str, event: ExternalEvent) -> tuple[ExternalEvent, ExternalEvent]:
    """Return the two moments at which the others start again: the site's loss and its return."""
    detected = event.t_start_s + max(event.detection_s, MOMENT_S)
    gone = ExternalEvent(
        event.t_start_s, detected, event.cause, event.effect, detection_s=event.detection_s, category=event.category
    )
    back = ExternalEvent(event.t_end_s, event.t_end_s + MOMENT_S, f"{name} rejoins", "drain", category=event.category)
    return gone, back


def _limits(
    spec: SitesSpec, facts: SitesFacts, by_site: EventsBySite, states: Sequence[NetworkState]
) -> Iterator[tuple[float, float, _Limit]]:
    """Yield begin, end and limit of each stretch in which the job is held back."""
    horizon_s = states[-1].t_end_s
    edges = {time for state in states for time in (state.t_start_s, state.t_end_s)}
    for event in (event for name in facts.names for event in by_site.get(name, ())):
        edges |= {time for time in (event.t_start_s, event.t_end_s) if time < horizon_s}
    place, known = 0, dict[object, float]()
    for begin, end in pairwise(sorted(edges)):
        while states[place].t_end_s <= begin:
            place += 1
        now = [
            (name, event)
            for name in facts.names
            for event in by_site.get(name, ())
            if event.t_start_s <= begin < event.t_end_s
        ]
        limit = _limit(spec, facts, now, states[place], known)
        if limit is not None:
            yield begin, end, limit


def _limit(
    spec: SitesSpec, facts: SitesFacts, now: Sequence[Held], state: NetworkState, known: dict[object, float]
) -> _Limit | None:
    """Return what all that holds now does together, under the name of what does most alone; None at full speed."""
    fraction = _left(spec, facts, now, state.bandwidth, known)
    if fraction == 1.0:
        return None
    alone: list[tuple[float, str, Literal["curtailed", "idle"]]] = [
        *((_left(spec, facts, [one], facts.bandwidth, known), one[1].cause, one[1].category) for one in now),
        (_left(spec, facts, [], state.bandwidth, known), state.cause, "idle"),
    ]
    _, cause, category = min(alone, key=lambda found: found[0])
    if fraction > 0.0:
        return _Limit(fraction, cause, category)
    known_before = state.bandwidth > 0.0 and all(event.effect not in ("stop", "site_lost") for _, event in now)
    return _Limit(fraction, cause, category, "drain" if known_before else "stop")


def _left(
    spec: SitesSpec, facts: SitesFacts, events: Sequence[Held], bandwidth: float, known: dict[object, float]
) -> float:
    """Return the tokens per time under events of sites and at a bandwidth, over those of the whole job, at most 1.

    Dropping a slow site may speed the others up: what is left is counted as no more than the whole. Results are kept
    in `known`: months of prices ask for the same few again and again.
    """
    gone: set[str] = set()
    slowed: dict[str, float] = {}
    for name, event in events:
        if event.effect == "cap_fraction":
            slowed[name] = min(slowed.get(name, 1.0), event.fraction)
        elif spec.on_site_loss != "wait":
            gone.add(name)
    key = (frozenset(gone), tuple(sorted(slowed.items())), bandwidth)
    if key not in known:
        nominal = lockstep_tokens_per_s(spec, facts, facts.bandwidth)
        present = [name for name in facts.names if name not in gone]
        rate = lockstep_tokens_per_s(spec, facts, bandwidth, present, slowed)
        known[key] = min(1.0, rate / nominal) if nominal > 0.0 else 0.0
    return known[key]


def _event(begin: float, end: float, limit: _Limit) -> ExternalEvent:
    fraction = limit.fraction if limit.effect == "cap_fraction" else 1.0
    return ExternalEvent(begin, end, limit.cause, limit.effect, fraction, category=limit.category)
