"""What was measured, kept as one small file from which docs/performance.md is written."""

from __future__ import annotations

import json
import os
import platform
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

Row = Mapping[str, float | str | None]
FILE = Path(__file__).resolve().parents[1] / "docs" / "performance.json"


def machine() -> dict[str, Any]:
    """Return this machine in words that name no host: cores, memory, processor, system, Python."""
    return {
        "cores": os.cpu_count(),
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9),
        "processor": _processor(),
        "system": platform.system(),
        "python": ".".join(map(str, sys.version_info[:2])),
    }


def _processor() -> str:
    told = Path("/proc/cpuinfo")
    lines = told.read_text(encoding="utf-8").splitlines() if told.exists() else []
    named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else platform.machine()


def stored(path: Path) -> dict[str, Any]:
    """Return what a file holds; nothing measured where there is none."""
    if not path.exists():
        return {"machine": machine(), "rows": {}}
    held: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return held


def keep(path: Path, rows: Mapping[str, Row], order: Iterable[str]) -> None:
    """Put rows into a file, in the order of the benchmarks; others that it holds stay, if they are of this machine."""
    held = stored(path)
    before = held["rows"] if held["machine"] == machine() else {}
    known = {**before, **rows}
    found = {"machine": machine(), "rows": dict(_ordered(known, order))}
    path.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


def _ordered(rows: Mapping[str, Row], order: Iterable[str]) -> Iterator[tuple[str, Row]]:
    return ((name, rows[name]) for name in order if name in rows)
