"""What an axis can be: fields of a scenario and figures of the catalog, with their present values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd
import streamlit as st

from clustersim.scenario import resolved
from clustersim.study.result import Result
from clustersim.study.sweep.catalog_axes import figure_texts
from dashboard import results, state

LEFT_OUT = ("name", "title", "expect", "provenance")


def fields() -> dict[str, Any]:
    """Return the key paths of the scenario in hand and their values."""
    scenario = state.scenario()
    return {} if scenario is None else _fields(state.identity(), resolved(scenario))


@st.cache_data(max_entries=16, show_spinner=False)
def _fields(identity: str, _tree: Mapping[str, Any]) -> dict[str, Any]:  # noqa: ARG001 (the key of the cache)
    whole = {"topology": _tree["topology"].get("name"), "damping": _tree.get("damping")}
    return dict(_leaves(_tree, "")) | {key: value for key, value in whole.items() if value is not None}


def _leaves(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    last = path.rsplit(".", 1)[-1]
    if last in LEFT_OUT or path.startswith("expect."):
        return
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _leaves(inner, f"{path}.{key}".lstrip("."))
    elif isinstance(value, list) and value and all(isinstance(one, Mapping) for one in value):
        for at, inner in enumerate(value):
            yield from _leaves(inner, f"{path}.{at}")
    else:
        yield path, value


def figures() -> dict[str, str]:
    """Return the figures of the catalog that the shown run read, else all: key path -> value with its unit."""
    found = results.of_draft()
    return _figures(_sources(found) if found is not None else "")


def _sources(found: Result) -> str:
    path = results.folder_of(found.name, found.run_id) / "sources.csv"
    return str(path) if path.is_file() else ""


@st.cache_data(max_entries=16, show_spinner=False)
def _figures(sources: str) -> dict[str, str]:
    if sources:
        table = pd.read_csv(sources, dtype=str)
        rows = table[["kind", "entry", "figure", "value"]].itertuples(index=False, name=None)
        return {f"catalog.{kind}.{entry}.{figure}": str(value) for kind, entry, figure, value in rows}
    return figure_texts()
