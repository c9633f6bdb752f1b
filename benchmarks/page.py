"""``python -m benchmarks.page > docs/performance.md``: the page of what was measured, from docs/performance.json."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from benchmarks.cases import BENCHMARKS
from benchmarks.records import Benchmark, within
from benchmarks.store import FILE, Row, stored

PEERS = Path(__file__).with_name("peers.yaml")
HEAD = """\
# Speed and memory

Every figure is measured by `python -m benchmarks`, and this page is written from what it stored; `make performance`
measures everything anew. Aims are the project's, for a machine of laptop class with two cores; a missed one is a
result, no error. Longer measurements, such as a thousand points and thirty minutes of four people, are in
[the roadmap](roadmap.md).

Measured on {machine}.

{kept} of {measured} aims are met.

| benchmark | what is measured | aim | measured | | beside it, in the same run | others |
|---|---|---|---|---|---|---|
"""
TAIL = """
*Others* are figures of other programs, timed by this project once, on a machine of the same class, and not run again;
the case may differ as said. They do less or more than this program: they are here to show the order of magnitude.
"""
WORDS = {"1/s": "a second", "-": ""}


def _quantity(value: float, unit: str) -> str:
    number = f"{value:,.0f}" if value >= 1000.0 else f"{value:g}"
    return f"{number} {WORDS.get(unit, unit)}".strip()


def _said(benchmark: Benchmark) -> tuple[str, str]:
    """Return what a benchmark measures, and what its peer is; empty where it has none."""
    text = " ".join((benchmark.measure.__doc__ or "").split()).rstrip(".")
    what, _, peer = text.partition("; peer: ")
    return what.removesuffix("; no peer"), peer


def _line(name: str, row: Row, others: list[Mapping[str, str]]) -> str:
    what, peer = _said(BENCHMARKS[name])
    unit, better = str(row["unit"]), "at most" if row["better"] == "lower" else "at least"
    beside = f"{peer}: {row['peer']:g}" if peer and row["peer"] is not None else ""
    told = "; ".join(f"{one['who']} {one['took']} ({one['of']})" for one in others)
    aim, value = _quantity(float(row["limit"] or 0), unit), _quantity(float(row["value"] or 0), unit)
    return f"| `{name}` | {what} | {better} {aim} | {value} | {'' if within(row) else 'missed'} | {beside} | {told} |"


def page(found: Mapping[str, Any]) -> str:
    """Return the page of what a store holds."""
    rows: Mapping[str, Row] = found["rows"]
    others = yaml.safe_load(PEERS.read_text(encoding="utf-8"))
    here = found["machine"]
    processor = f"{here['cores']} cores of {here['processor']}, {here['memory_gb']} GB"
    machine = f"{processor}, {here['system']}, Python {here['python']}"
    missing = [name for name in BENCHMARKS if name not in rows]
    head = HEAD.format(machine=machine, measured=len(rows), kept=sum(within(row) for row in rows.values()))
    lines = "".join(_line(name, row, others.get(name, [])) + "\n" for name, row in rows.items())
    left = "\nNot measured there:\n\n" + "".join(f"- `{name}`\n" for name in missing) if missing else ""
    return head + lines + left + TAIL


if __name__ == "__main__":
    sys.stdout.write(page(stored(FILE)))
