"""The step of the result that is shown, in detail: made once by a worker process, and kept beside the results."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from clustersim.background.records import Request
from clustersim.background.training_verbs import DATA, OPERATIONS, TRACE, is_kept, step_folder
from clustersim.study.result import Result
from dashboard import show, work
from dashboard.settings import settings


@dataclass(frozen=True)
class Details:
    """What ``clustersim step`` finds of a scenario."""

    folder: Path
    data: dict[str, Any]
    """As ``--json`` prints it."""
    operations: pd.DataFrame
    """Of the units that are kept."""

    @property
    def trace(self) -> bytes:
        """The file that ``--trace`` writes."""
        return (self.folder / TRACE).read_bytes()

    def unit(self, name: str) -> int:
        """Return the number of a unit that is named, or given by its number."""
        units = self.data["units"]
        return int(units[name]["unit"]) if name in units else int(name)


@st.cache_resource(max_entries=6, show_spinner=False)
def _read(folder: str) -> Details:
    path = Path(folder)
    data = json.loads((path / DATA).read_text(encoding="utf-8"))
    return Details(path, data, pd.read_parquet(path / OPERATIONS))


def request_of(result: Result) -> Request:
    """Return the request for the step of a result: its own scenario, whatever the draft is now."""
    asked = {"name": result.name, "tree": result.scenario, "settings": {}, "out": str(settings().results)}
    return Request("step", asked, f"step of {result.name}")


def details(result: Result) -> Details | None:
    """Return the step in detail; None, and how far it is, where it is still being made."""
    folder = step_folder(settings().results, result.name, result.run_id)
    if is_kept(folder):
        return _read(str(folder))
    request = request_of(result)
    ticket = work.ticket_of(request)
    if ticket is None:
        work.ask(request)
    ended = work.answered(request, "step", there=work.has_folder, again="Look again")
    if ended is not None:
        return _read(ended.answer["folder"])
    if work.under_way(request):
        show.skeleton()
    return None
