"""``python -m benchmarks [NAME ...] [--json] [--store FILE]``."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from benchmarks.cases import BENCHMARKS
from benchmarks.records import UnmeasurableError, within
from benchmarks.store import keep

COLUMNS = "{:34}{:>12}  {:5}{:>8}  {:8}{:>9}  {}"


def _line(name: str, row: dict[str, float | str | None]) -> str:
    peer = "-" if row["peer"] is None else f"{row['peer']}x"
    kept = "" if within(row) else "OVER THE LIMIT"
    return COLUMNS.format(name, row["value"], row["unit"], row["limit"], row["better"], peer, kept).rstrip()


def main() -> int:
    """Measure and print; 2 for an unknown name, 0 otherwise (a missed limit is a result)."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure speed and memory.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"any of {', '.join(BENCHMARKS)}; all when left out")
    parser.add_argument("--json", action="store_true", help="print one JSON object on stdout and nothing else")
    parser.add_argument("--store", type=Path, metavar="FILE", help="keep what was measured, as docs/performance.json")
    arguments = parser.parse_args()
    unknown = [name for name in arguments.names if name not in BENCHMARKS]
    if unknown:
        parser.error(f"no benchmark called {unknown[0]!r}; there are {', '.join(BENCHMARKS)}")
    rows = {}
    if not arguments.json:
        sys.stdout.write(COLUMNS.format("name", "value", "unit", "limit", "better", "peer", "").rstrip() + "\n")
    for name in arguments.names or BENCHMARKS:
        try:
            rows[name] = BENCHMARKS[name].row()
        except UnmeasurableError as error:
            sys.stderr.write(f"{name}: not measured: {error}\n")
            continue
        if not arguments.json:
            sys.stdout.write(_line(name, rows[name]) + "\n")
            sys.stdout.flush()
    if arguments.store:
        keep(arguments.store, rows, BENCHMARKS)
    if arguments.json:
        sys.stdout.write(json.dumps(rows, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
