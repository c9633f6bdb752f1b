"""Files of a run: scenario, report, the whole result folder."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import streamlit as st
import yaml

from clustersim.report.stored import REPORT
from clustersim.scenario import AnyScenario, resolved
from clustersim.study.result import Result
from dashboard import results, state


def button(result: Result | None) -> None:
    """Show the button with the files."""
    with st.popover("Download", icon=":material/download:"):
        scenario = state.scenario()
        if scenario is not None:
            _file("Scenario (YAML)", lambda: written(scenario), f"{scenario.name}.yaml", "application/yaml", "scenario")
        if result is None:
            st.caption("Results and report are here once the scenario has run.")
            return
        folder = results.folder_of(result.name, result.run_id)
        _file("Report (HTML)", lambda: (folder / REPORT).read_bytes(), f"{folder.name}.html", "text/html", "report")
        summary = folder / "summary.json"
        _file("Summary (JSON)", summary.read_bytes, f"{folder.name}.json", "application/json", "summary")
        _file("All results (ZIP)", lambda: zipped(folder), f"{folder.name}.zip", "application/zip", "zip")


def written(scenario: AnyScenario) -> str:
    """Return a scenario as a file that runs."""
    return yaml.safe_dump(resolved(scenario), sort_keys=False, allow_unicode=True)


def _file(label: str, data: object, name: str, mime: str, key: str) -> None:
    st.download_button(label, data, name, mime, key=f"download-{key}", on_click="ignore", width="stretch")  # type: ignore[arg-type]


def zipped(folder: Path) -> bytes:
    """Return a result folder as one file."""
    whole = io.BytesIO()
    # tables are packed already
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_STORED) as archive:
        for path in sorted(folder.iterdir()):
            archive.write(path, f"{folder.name}/{path.name}")
    return whole.getvalue()
