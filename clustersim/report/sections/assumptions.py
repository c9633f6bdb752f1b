"""What a run assumes: figures that nobody published, by confidence, and where the values of its files come from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from clustersim.report.sections.records import Section, Table
from clustersim.report.words import counted
from clustersim.study.result import Result

HEAD = ("figure", "value", "what is said of it")
WORDS = {"estimate": "Estimates", "from_memory": "Recalled, not read again"}


def assumptions_section(result: Result) -> Section:
    """Return the assumed figures by confidence, and the sources of the values of scenario and topology."""
    assumed = result.assumed
    tables = [
        _folded(
            WORDS.get(str(confidence), str(confidence)),
            HEAD,
            [(str(row["key"]), str(row["value"]), str(row["source"])) for row in part.to_dict("records")],
        )
        for confidence, part in assumed.groupby("confidence", sort=True)
    ]
    said = provenance_rows(result.scenario)
    if said:
        head = ("value", "source", "confidence", "date")
        tables.append(_folded("Sources of the values of the scenario and of its place", head, said))
    return Section(
        "assumed",
        "Assumed figures",
        notes=[
            f"{len(assumed)} figures of this run that nobody published: an estimate, or recalled from memory.",
            "`clustersim cite` lists the sources of the others.",
        ],
        tables=tables,
    )


def provenance_rows(scenario: dict[str, Any]) -> list[tuple[str, str, str, str]]:
    """Return key path, source, confidence and date of every value whose source a scenario or its topology states."""
    parts = (("", scenario), ("topology.", scenario["topology"]))
    return [
        (prefix + key, str(item["source"]), str(item["confidence"]), str(item.get("date") or ""))
        for prefix, tree in parts
        for key, item in tree.get("provenance", {}).items()
    ]


def _folded(title: str, head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> Table:
    return Table(f"{title}: {counted(len(rows), 'row')}", head, rows, folded=True, printed=True)
