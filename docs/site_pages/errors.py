"""How far the models are from measurements, from what ships with the program as evidence."""

from __future__ import annotations

from clustersim.report.documented import DocumentedTable, evidence
from site_pages.markdown import table

TOLD = ("All rows", "Headline", "By use")
"""Tables of a page of validation that this page repeats, as they begin."""


def errors() -> str:
    """Return the head of every page of validation: what was compared, and the errors over all rows and by use."""
    parts = []
    for page in evidence().pages:
        parts += [
            f"## {page.title}",
            f"[The whole page](/{page.path.removeprefix('docs/')}), last changed {page.date}.",
        ]
        heads = [one for one in page.tables if one.title.startswith(TOLD)]
        parts += [f"### {one.title}\n\n{_shown(one)}" for one in heads]
        if not heads:
            parts.append(page.says[-1])
    return "\n\n".join(parts)


def modelled() -> str:
    """Return the rooms of the program, what each models, what it was held against, with which result."""
    return _shown(evidence().modelled)


def _shown(found: DocumentedTable) -> str:
    return table([one or "&nbsp;" for one in found.head], found.rows)
