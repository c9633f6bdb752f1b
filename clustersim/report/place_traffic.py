"""Collectives and exchanges on a place as text and data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from clustersim.fabric import PatternRates
from clustersim.report.words import columns, number, percent
from clustersim.study.places.traffic import PlaceCollective, PlaceTraffic


def collective_data(found: PlaceCollective) -> dict[str, Any]:
    """Return a collective on a place as plain data for JSON."""
    rows = zip(found.size_bytes, found.seconds, found.bus, found.algorithm, found.protocol, strict=True)
    return {
        "collective": found.name,
        "members": found.members,
        "scale_up_domains": found.domains,
        "nic_gb_per_s": found.nic / 1e9,
        "sizes": [
            {
                "size_mb": float(size) / 1e6, "time_ms": float(seconds) * 1e3, "bus_gb_per_s": float(bus) / 1e9,
                "algorithm": str(algorithm), "protocol": str(protocol),
            }
            for size, seconds, bus, algorithm, protocol in rows
        ],
    }  # fmt: skip


def collective_text(found: PlaceCollective) -> str:
    """Return a collective on a place as a table."""
    data = collective_data(found)
    rows = [
        (
            number(row["size_mb"]), number(row["time_ms"]), number(row["bus_gb_per_s"]),
            f"{row['algorithm']}, {row['protocol']}",
        )
        for row in data["sizes"]
    ]  # fmt: skip
    where = f"in {number(found.domains)} scale-up domains, {number(data['nic_gb_per_s'])} GB/s of network each"
    head = f"{found.name}: {number(found.members)} accelerators " + (where if found.nic else "of one pod")
    return f"{head}\n{columns(('MB', 'ms', 'bus GB/s', 'as'), rows, left=0)}"


def contention_data(found: Sequence[PatternRates], policy: str) -> dict[str, Any]:
    """Return exchanges that share a fabric as plain data for JSON."""
    return {
        "policy": policy,
        "patterns": [
            {
                "pattern": item.name, "flows": item.flows,
                "alone_slowest_gb_per_s": item.alone_slowest / 1e9, "alone_mean_gb_per_s": item.alone_mean / 1e9,
                "together_slowest_gb_per_s": item.together_slowest / 1e9,
                "together_mean_gb_per_s": item.together_mean / 1e9,
                "slowdown": item.slowdown, "alone_binds": item.alone_binds, "together_binds": item.together_binds,
            }
            for item in found
        ],
    }  # fmt: skip


def contention_text(found: Sequence[PatternRates], policy: str) -> str:
    """Return exchanges that share a fabric as a table."""
    rows = [
        (
            item.name, number(item.flows), number(item.alone_slowest / 1e9), item.alone_binds,
            number(item.together_slowest / 1e9), item.together_binds, percent(1.0 / item.slowdown),
        )
        for item in found
    ]  # fmt: skip
    head = ("exchange", "flows", "alone GB/s", "held by", "together GB/s", "held by", "of alone")
    return (
        f"exchanges at the same time, paths {policy}; GB/s of a member, by its slowest flow\n"
        f"{columns(head, rows, left=1)}"
    )


def traffic_data(found: PlaceTraffic) -> dict[str, Any]:
    """Return collectives and exchanges as plain data for JSON."""
    return {
        "collectives": [collective_data(one) for one in found.collectives],
        "traffic": [contention_data(rates, policy) for policy, rates in found.exchanges],
    }


def traffic_text(found: PlaceTraffic) -> str:
    """Return collectives and exchanges as tables."""
    tables = [collective_text(one) for one in found.collectives]
    return "\n\n".join([*tables, *(contention_text(rates, policy) for policy, rates in found.exchanges)])
