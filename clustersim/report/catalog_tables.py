"""Tables of what is built in: figures with their sources, rules, and the keys of a summary."""

from __future__ import annotations

import re
from collections.abc import Collection
from importlib import metadata

import pandas as pd

from clustersim.catalog.listing import rows
from clustersim.catalog.records import ASSUMED_CONFIDENCE
from clustersim.catalog.store import sources
from clustersim.report.rules import SIGN, packs_data
from clustersim.summary_keys import summary_keys

FIGURE_COLUMNS = (
    "kind", "entry", "figure", "value", "low", "high", "band", "confidence", "title", "link", "date", "note", "use",
    "source",
)  # fmt: skip
"""As ``clustersim catalog --json``, with title and address of the first source."""
SAFE = ("http://", "https://")
"""How addresses begin that may be opened."""
NAME = re.compile(r"[A-Za-z0-9._-]+")
"""Name of a package, with which a line of what is needed begins."""


def figures_table() -> pd.DataFrame:
    """Return every figure of the catalog, overlays included: the columns :data:`FIGURE_COLUMNS`, all text."""
    found = pd.DataFrame(rows())
    known = {(kind, name): one for kind in found["kind"].unique() for name, one in sources(kind).items()}
    first = [known[kind, source.split(", ")[0]] for kind, source in zip(found["kind"], found["source"], strict=True)]
    dates = [date or one.date or "" for date, one in zip(found["date"], first, strict=True)]
    found = found.assign(
        title=[one.title for one in first], link=pd.Series([opened(one.url) for one in first], dtype=object), date=dates
    )
    return found[list(FIGURE_COLUMNS)]


def opened(address: str | None) -> str | None:
    """Return an address that a browser may open; None where there is none, or it is no address of the web."""
    bad = any(letter.isspace() or letter in "<>\"'`\\" for letter in address or "")
    return address if address and address.lower().startswith(SAFE) and not bad else None


def found_in(table: pd.DataFrame, words: str) -> pd.DataFrame:
    """Return the rows in which every one of the words stands somewhere, in whatever letters."""
    asked = words.lower().split()
    text = (" ".join(map(str, row)).lower() for row in table.itertuples(index=False, name=None))
    return table[[all(word in row for word in asked) for row in text]] if asked else table


def assumed(table: pd.DataFrame) -> pd.DataFrame:
    """Return the figures that nobody has measured, specified or reported."""
    return table[table["confidence"].isin(ASSUMED_CONFIDENCE)]


def read_by(table: pd.DataFrame, figures: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of a table of figures that a run has read: `figures` is its ``sources.csv``."""
    names: Collection[tuple[str, ...]] = set(figures[["kind", "entry", "figure"]].itertuples(index=False, name=None))
    keys = zip(table["kind"], table["entry"], table["figure"], strict=True)
    return table[[key in names for key in keys]]


def rules_table() -> pd.DataFrame:
    """Return every rule of every pack, as ``clustersim catalog limits PACK`` tells it."""
    return pd.DataFrame(
        {
            "pack": pack["pack"], "rule": rule["rule"], "measure": rule["measure"].replace("_", " "),
            "limit": f"{SIGN[rule['comparison']]} {rule['limit']}", "parameters": rule["parameters"],
            "formula": rule["formula"], "status": rule["status"].replace("_", " "), "confidence": rule["confidence"],
            "source": rule["source"], "where": rule["where"], "note": rule["note"], "title": pack["title"],
        }
        for pack in packs_data()["packs"]
        for rule in pack["rules"]
    )  # fmt: skip


def keys_table() -> pd.DataFrame:
    """Return every key of a run's summary: unit, meaning, how it is found, its page."""
    return pd.DataFrame(
        {
            "key": one.name, "unit": one.unit, "meaning": one.meaning,
            "found": f"= {one.identity}" if one.identity else one.formula, "page": one.page,
        }
        for one in summary_keys().values()
    )  # fmt: skip


def licences() -> pd.DataFrame:
    """Return the packages that this one needs, with version and licence as each tells it; none where nothing tells."""
    try:
        needed = metadata.requires("clustersim") or []
    except metadata.PackageNotFoundError:
        needed = []
    names = sorted({NAME.match(line)[0] for line in needed if "extra ==" not in line}, key=str.lower)  # type: ignore[index]
    told = [(name, metadata.metadata(name)) for name in names]
    return pd.DataFrame([{"package": name, "version": one["Version"], "licence": _licence(one)} for name, one in told])


def _licence(told: metadata.PackageMetadata) -> str:
    """Return the licence of a package: its expression, else its classifier, else the first line of the text."""
    fields = told.json
    classes = [str(line).split(" :: ")[-1] for line in fields.get("classifier", ()) if line.startswith("License ::")]
    text = str(fields.get("license", "")).strip().splitlines()
    return str(fields.get("license_expression") or ", ".join(classes) or (text[0][:60] if text else "not told"))
