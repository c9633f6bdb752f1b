"""Every shipped scenario with its question: ``python -m clustersim.report.scenario_list > docs/scenarios.md``."""

from __future__ import annotations

import sys
from pathlib import Path

from clustersim.scenario import load_any, shipped

HEADER = """# Scenarios

Every file of `scenarios/` with the question that it asks, as the file itself says it. This page is written by
`python -m clustersim.report.scenario_list`; a test compares it with the files. What is public about each stands
beside its answers in [expectations.md](expectations.md); the places are in [places.md](places.md).

| scenario | place | public figures | question |
|---|---|---|---|
"""


def question(path: Path) -> str:
    """Return the comment at the head of a scenario file, on one line."""
    lines = []
    for line in path.read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            break
        lines.append(line.lstrip("# "))
    return " ".join(lines)


def scenarios_markdown() -> str:
    """Return the page of all shipped scenarios, by name."""
    rows = []
    for path in sorted(shipped("scenarios").glob("*.yaml")):
        scenario = load_any(path)
        cells = (f"`{path.stem}`", f"`{scenario.topology.name}`", str(len(scenario.expect) or ""), question(path))
        rows.append(f"| {' | '.join(cells)} |")
    return HEADER + "\n".join(rows) + "\n"


if __name__ == "__main__":
    sys.stdout.write(scenarios_markdown())
