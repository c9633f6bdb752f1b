"""Paths and losses of a place as text and data."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from clustersim.fabric.failure_domains import FailureDomain
from clustersim.fabric.failures import Outage, Pace, all_reduce_seconds
from clustersim.fabric.path_query import PathAnswer
from clustersim.report.words import columns, counted, number, wrapped
from clustersim.study.places.survey import Loss

GBIT = 8e-9
"""Gbit/s of one byte per second."""


def _seconds(pace: Pace, members: int, size_bytes: float) -> float | None:
    """Return how long the bytes of an all-reduce take [s]; None where nothing moves."""
    found = all_reduce_seconds(pace.bus, max(members, 1), size_bytes)
    return found if math.isfinite(found) else None


def left_text(share: float) -> str:
    """Return what is left as per cent, fine enough to tell one part of thousands."""
    return f"{100.0 * share:.5g} %"


def outage_data(found: Outage, size_bytes: float) -> dict[str, Any]:
    """Return what a loss does as plain data for JSON; `size_bytes` is that of the all-reduce [B]."""
    return {
        "lost": list(found.names),
        "accelerators_cut_off": found.cut_off,
        "accelerators_left_for_a_job": found.members,
        "capacity_left": [
            {"place": tier.site, "links": tier.tier, "left_share": tier.left, "least_left_share": tier.least}
            for tier in found.tiers
        ],
        "all_reduce_gb": size_bytes / 1e9,
        "policies": {
            pace.policy: {
                "ring_slowest_gbit_per_s": pace.ring * GBIT,
                "bus_gb_per_s": pace.bus / 1e9,
                "all_reduce_s": _seconds(pace, found.members, size_bytes),
                "across_slowest_gbit_per_s": pace.across * GBIT,
                "reason": pace.reason or None,
            }
            for pace in found.paces
        },
    }


def loss_data(found: Loss, size_bytes: float) -> dict[str, Any]:
    """Return a place before and after a loss as plain data for JSON."""
    return {"before": outage_data(found.before, size_bytes), "after": outage_data(found.after, size_bytes)}


def loss_text(found: Loss, size_bytes: float) -> str:
    """Return a place before and after a loss as text."""
    before, after = found.before, found.after
    lines = [
        f"without {', '.join(after.names)}",
        "",
        f"  accelerators cut off       {number(after.cut_off)} of {number(before.members)}",
        f"  left for one job           {number(after.members)}, in whole servers of which none is cut off",
    ]
    hit = [
        (tier.site, tier.tier, left_text(tier.left), left_text(tier.least)) for tier in after.tiers if tier.left < 1.0
    ]
    lines += ["", columns(("where", "links", "left of all", "least of one"), hit, left=2)] if hit else []
    rows = []
    for old, new in zip(before.paces, after.paces, strict=True):
        times = [_seconds(pace, end.members, size_bytes) for pace, end in ((old, before), (new, after))]
        rows.append(
            (
                new.policy,
                *(number(pace.ring * GBIT) for pace in (old, new)),
                *(number(pace.bus / 1e9) for pace in (old, new)),
                *("-" if time is None else number(time * 1e3) for time in times),
                *(number(pace.across * GBIT) for pace in (old, new)),
            )
        )
    lines += ["", f"  all-reduce of {number(size_bytes / 1e9)} GB on every accelerator left, before and after"]
    head = ("policy", "ring [Gbit/s]", "after", "bus [GB/s]", "after", "time [ms]", "after", "across", "after")
    lines += [columns(head, rows), wrapped(EXPLAINED)]
    lines += [wrapped(f"! {pace.policy}: {pace.reason}", rest="    ") for pace in after.paces if pace.reason]
    return "\n".join(lines)


EXPLAINED = (
    "ring: the slowest flow, one per network card, from each server (scale-up domain) to the next. bus: all rings of a "
    "server, at most the scale-up bandwidth. Time moves the bytes; latency is not in it. across [Gbit/s]: the slowest "
    "flow when every accelerator sends half-way round the place."
)


def how_to_read(whole: Outage) -> str:
    """Return how the columns of the table of losses are to be read."""
    policies = " / ".join(pace.policy for pace in whole.paces)
    return f"Rates of the slowest flow in Gbit/s, policies {policies}. {EXPLAINED}"


def domain_rows(whole: Outage, domains: Sequence[FailureDomain]) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Return the table of losses as titles and rows of text."""

    def rates(found: Outage) -> tuple[str, ...]:
        ring, bus, across = ([], [], [])  # type: tuple[list[str], list[str], list[str]]
        for pace in found.paces:
            ring.append(number(pace.ring * GBIT))
            bus.append(number(pace.bus / 1e9))
            across.append(number(pace.across * GBIT))
        return " / ".join(ring), " / ".join(bus), " / ".join(across)

    rows: list[tuple[str, ...]] = [("nothing", "", "0", "100 %", *rates(whole))]
    for part, earlier in zip(domains, (None, *domains), strict=False):
        found = part.outage
        if part.site and len({other.site for other in domains}) > 1 and earlier is None:
            rows.append((f"nothing, {part.site} alone", "", "0", "100 %", *rates(part.before)))
        least = min((tier.least for tier in found.tiers), default=1.0)
        label = f"{part.site} {part.kind}" if part.site else found.names[0]
        rows.append((label, number(part.count), number(found.cut_off), left_text(least), *rates(found)))
    return ("lost", "of", "cut off", "least left", "ring", "bus [GB/s]", "across"), rows


def path_data(found: PathAnswer) -> dict[str, Any]:
    """Return a path as plain data for JSON."""
    return {
        "policy": found.policy,
        "links": [
            {"name": link.name, "kind": link.kind, "gbit_per_s": link.rate * GBIT, "length_m": link.length}
            for link in found.links
        ],
        "parts": found.parts,
        "switches": found.switches,
        "switches_us": found.switches_s * 1e6,
        "cables_us": found.cables_s * 1e6,
        "cables_in_switches": found.cables_in_switches,
        "fibre_us": found.fibre_s * 1e6,
        "total_us": found.total_s * 1e6,
        "alone_gbit_per_s": found.rate * GBIT,
    }


def path_text(found: PathAnswer) -> str:
    """Return a path as text."""
    rows = [(link.name, link.kind, number(link.rate * GBIT), number(link.length)) for link in found.links]
    inside = found.cables_in_switches and found.switches
    cables = "in those of the switches" if inside else number(found.cables_s * 1e6)
    lines = [
        f"path, policy {found.policy}",
        "",
        columns(("link", "kind", "Gbit/s", "m"), rows, left=2, widest=60),
        "",
        f"  {counted(found.switches, 'switch')}; one way {number(found.total_s * 1e6)} us: switches "
        f"{number(found.switches_s * 1e6)}, cables {cables}, fibre "
        f"{number(found.fibre_s * 1e6)}",
        f"  alone the flow gets {number(found.rate * GBIT)} Gbit/s",
    ]
    if found.parts > 1:
        lines.append(f"  one of {found.parts} equal parts, one per plane; the rate is that of all")
    return "\n".join(lines)
