"""The inputs in which designs differ: as the files write them, grouped, long parts shortened."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from clustersim.study.compare.designs import Design

ABSENT = "-"
"""What stands where a design has no such input."""
LABELS = ("name", "title", "topology.name", "topology.title", "topology.as_of")
"""Inputs that only name things."""
MOST_ITEMS = 3
"""Items of a list that are shown."""


def input_differences(designs: Sequence[Design]) -> pd.DataFrame:
    """Return the inputs in which the designs differ.

    A part that some designs do not have at all (a site, a section) is one row, not a row per value of it.

    Returns
    -------
    DataFrame
        Columns group (section of the file), key, and one per design with text as the file writes it. Provenance,
        expectations and mere names are left out.
    """
    rows: list[dict[str, str]] = []
    names = [design.name for design in designs]
    _walk([dict(design.scenario) for design in designs], "", names, rows)
    return pd.DataFrame(rows, columns=["group", "key", *names])


def _walk(values: list[Any], key: str, names: Sequence[str], rows: list[dict[str, str]]) -> None:
    if _left_out(key) or all(value == values[0] for value in values[1:]):
        return
    if all(isinstance(value, Mapping) for value in values):
        for part in dict.fromkeys(part for value in values for part in value):
            _walk([value.get(part) for value in values], f"{key}.{part}".lstrip("."), names, rows)
        return
    lists = all(isinstance(value, (list, tuple)) for value in values)
    if lists and len({len(value) for value in values}) == 1 and any(isinstance(one, Mapping) for one in values[0]):
        for index in range(len(values[0])):
            _walk([value[index] for value in values], f"{key}.{index}", names, rows)
        return
    shown = [shortened(value) for value in values]
    rows.append({"group": group_of(key), "key": key, **dict(zip(names, shown, strict=True))})


def _left_out(key: str) -> bool:
    return key in LABELS or key == "expect" or any(part in {"provenance", "source"} for part in key.split("."))


def group_of(key: str) -> str:
    """Return the section of an input: ``job``, ``operation``, and of a place ``topology.site`` and so on."""
    parts = key.split(".")
    return ".".join(parts[:2]) if parts[0] == "topology" else parts[0]


def shortened(value: Any) -> str:
    """Return an input as text; of a long list the first items and the count, of a section the number of its values."""
    if value is None:
        return ABSENT
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        kind = value.get("kind", value.get("type"))
        count = _leaves(value)
        return f"{f'{kind}, ' if isinstance(kind, str) else ''}{count} value{'s' if count != 1 else ''}"
    if isinstance(value, (list, tuple)):
        if not value:
            return "none"
        words = [_item(one) for one in value[:MOST_ITEMS]]
        rest = f", ... ({len(value)} in all)" if len(value) > MOST_ITEMS else ""
        return ", ".join(words) + rest
    return str(value)


def _item(value: Any) -> str:
    """Return one item of a list: its kind or its given values."""
    if not isinstance(value, Mapping):
        return shortened(value)
    given = [f"{key} {one}" for key, one in value.items() if isinstance(one, (str, int, float)) and key != "kind"]
    kind = value.get("kind")
    words = ([str(kind)] if isinstance(kind, str) else []) + given
    return " ".join(words[:4]) or shortened(value)


def _leaves(value: Any) -> int:
    """Count the values in a tree that are given."""
    if isinstance(value, Mapping):
        return sum(_leaves(one) for key, one in value.items() if key not in {"provenance", "source"})
    if isinstance(value, (list, tuple)):
        return sum(_leaves(one) for one in value)
    return 0 if value is None else 1
