"""What is built in: kinds of the catalog, rule packs, units, keys of a summary, words."""

from __future__ import annotations

from collections import Counter
from typing import Any, get_args

from clustersim import catalog, units
from clustersim.catalog.listing import rows as figure_rows
from clustersim.catalog.records import Confidence
from clustersim.report.catalog_tables import rules_table
from clustersim.report.glossary import glossary
from clustersim.summary_keys import summary_keys
from site_pages.markdown import code, table

SURE: tuple[str, ...] = get_args(Confidence)


def kinds() -> str:
    """Return every kind of the catalog: entries, figures by how sure they are, sources."""
    counted: dict[str, Counter[str]] = {kind: Counter() for kind in catalog.kinds()}
    for row in figure_rows():
        counted[row["kind"]][row["confidence"]] += 1
    found: list[tuple[Any, ...]] = [
        (
            code(kind),
            len(catalog.entries(kind)),
            sum(by.values()),
            *(by[one] for one in SURE),
            len(catalog.sources(kind)),
        )
        for kind, by in counted.items()
    ]
    whole = ("all", *(sum(row[at] for row in found if isinstance(row[at], int)) for at in range(1, len(SURE) + 4)))
    head = ("kind", "entries", "figures", *(one.replace("_", " ") for one in SURE), "sources")
    return table(
        head, [tuple(f"{cell:,}" if isinstance(cell, int) else cell for cell in row) for row in (*found, whole)]
    )


def packs() -> str:
    """Return every rule of every shipped pack, with its limit, what binds one to it, and its source."""
    found = rules_table()
    parts = []
    for pack, rules in found.groupby("pack", sort=False):
        rows = [
            (code(str(one["rule"])), *(str(one[key]) for key in ("measure", "limit", "parameters", "status", "source")))
            for one in rules.to_dict("records")
        ]
        parts.append(f"### {code(str(pack))}: {rules['title'].iloc[0]}\n")
        parts.append(table(("rule", "measure", "limit", "parameters", "status", "source"), rows))
    return "\n".join(parts)


def dimensions() -> str:
    """Return every dimension with its units and their factors to SI."""
    rows = [
        (name, ", ".join(map(code, known)), ", ".join(f"{factor:.9g}" for factor in known.values()))
        for name, known in units.TABLE.items()
    ]
    return table(("dimension", "units", "of these in SI"), rows)


def keys() -> str:
    """Return every key of the summary of a run, by the page of the model that gives it."""
    parts, page = [], ""
    rows: list[tuple[str, ...]] = []
    head = ("key", "unit", "meaning", "how it is found")
    for one in summary_keys().values():
        if one.page != page:
            if rows:
                parts.append(table(head, rows))
            page, rows = one.page, []
            parts.append(f"## Of [{page.removeprefix('docs/').removesuffix('.md')}](/{page.removeprefix('docs/')})\n")
        rows.append((code(one.name), one.unit, one.meaning, code(one.identity) if one.identity else one.formula))
    return "\n".join([*parts, table(head, rows)])


def words() -> str:
    """Return the words that pages and reports use."""
    return table(("word", "meaning"), glossary().items())
