"""The references of a run: as text, as data, as BibTeX."""

from __future__ import annotations

import json
import re
from typing import Any

import pandas as pd

from clustersim.report.words import counted, wrapped
from clustersim.study.references import method_sources, stated_sources
from clustersim.study.result import Result

MOST_NAMED = 6
"""Figures that are named after a source in the text; the data has all."""


def cite_text(result: Result, figures: pd.DataFrame) -> str:
    """Return every source once, with what was taken from it."""
    parts = [
        f"{result.scenario['title']}\n{result.name}, run {result.run_id}: {counted(_count(figures), 'figure')} of the "
        f"catalog read, from {counted(len(_by_source(figures)), 'source')}",
        "FIGURES\n" + "\n".join(_source(rows) for rows in _by_source(figures)),
    ]
    methods = method_sources(result.scenario)
    pages = [(str(page), rows) for page, rows in methods.groupby("page", sort=False)]
    parts.append("MODELS\n" + "\n".join(_page(page, rows) for page, rows in pages))
    stated = stated_sources(result.scenario)
    if len(stated):
        lines = [
            wrapped(
                f"{source}: {', '.join(rows['key'])} ({', '.join(dict.fromkeys(rows['confidence']))})", "  ", "      "
            )
            for source, rows in stated.groupby("source", sort=False)
        ]
        parts.append("SCENARIO AND PLACE, AS THEIR FILES SAY\n" + "\n".join(lines))
    return "\n\n".join(parts)


def _count(figures: pd.DataFrame) -> int:
    return len(figures[["kind", "entry", "figure"]].drop_duplicates())


def _by_source(figures: pd.DataFrame) -> list[pd.DataFrame]:
    """Return the rows of every source; the same title in several kinds is one source."""
    return [rows for _, rows in figures.groupby(["title", "url"], sort=True)]


def _source(rows: pd.DataFrame) -> str:
    first = rows.iloc[0]
    place = " ".join(part for part in (first["date"], first["url"]) if part)
    names = [f"{row['kind']}/{row['entry']}.{row['figure']}" for row in rows.to_dict("records")]
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    text = f"{first['title']}{f' ({place})' if place else ''}"
    return f"{wrapped(text, '  ', '    ')}\n{wrapped(', '.join(names[:MOST_NAMED]) + more, '      ')}"


def _page(page: str, rows: pd.DataFrame) -> str:
    cited = [str(title) for title in rows["title"] if title]
    return wrapped(f"{page}: {'; '.join(cited) or 'sources are those of its figures'}", "  ", "      ")


def cite_data(result: Result, figures: pd.DataFrame) -> dict[str, Any]:
    """Return the same as plain data."""
    tables = {
        "figures": figures,
        "methods": method_sources(result.scenario),
        "stated": stated_sources(result.scenario),
    }
    head = {"run_id": result.run_id, "name": result.name}
    return head | {name: json.loads(table.to_json(orient="records")) for name, table in tables.items()}


def cite_bibtex(result: Result, figures: pd.DataFrame) -> str:
    """Return one entry per source of figures and of models' pages."""
    rows: dict[tuple[str, str], tuple[str, str]] = {}
    for kind, table in (*figures.groupby("kind", sort=True), ("methods", method_sources(result.scenario))):
        for row in table.to_dict("records"):
            if row["title"]:
                rows.setdefault((str(row["title"]), str(row["url"])), (f"{kind}-{row['id']}", str(row["date"])))
    return "\n".join(_entry(key, title, url, date) for (title, url), (key, date) in rows.items())


def _entry(key: str, title: str, url: str, date: str) -> str:
    year = re.search(r"\d{4}", date)
    fields = [
        f"  title = {{{{{_tex(title)}}}}}",
        *([f"  howpublished = {{\\url{{{url}}}}}"] if url else []),
        *([f"  year = {{{year.group()}}}"] if year else []),
        *([f"  note = {{{_tex(date)}}}"] if date else []),
    ]
    return f"@misc{{clustersim-{re.sub(r'[^A-Za-z0-9-]', '-', key)},\n" + ",\n".join(fields) + "\n}"


def _tex(text: str) -> str:
    names = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
    return re.sub(r"[\\~^&%$#_{}]", lambda found: names.get(found.group(), f"\\{found.group()}"), text)
