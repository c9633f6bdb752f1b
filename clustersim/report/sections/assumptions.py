"""What a run assumes: figures that nobody published, by confidence, and where the values of its files come from."""

from __future__ import annotations

from collections.abc import Sequence

from clustersim.report.sections.records import Section, Table
from clustersim.report.words import counted
from clustersim.study.references import stated_sources
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
    said = [tuple(map(str, row)) for row in stated_sources(result.scenario).itertuples(index=False)]
    if said:
        head = ("value", "source", "confidence")
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


def _folded(title: str, head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> Table:
    return Table(f"{title}: {counted(len(rows), 'row')}", head, rows, folded=True, printed=True)
