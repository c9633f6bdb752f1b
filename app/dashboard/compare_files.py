"""The comparison of stored results, made once for all users, and its files."""

from __future__ import annotations

import io
import re
import shlex
import zipfile
from dataclasses import replace
from pathlib import Path

import streamlit as st

from clustersim.report.compare_files import compare_files
from clustersim.study.compare import Comparison, compare, of_result
from dashboard import results
from dashboard.settings import settings


@st.cache_resource(max_entries=4, show_spinner="Comparing")
def compared(folders: tuple[str, ...], names: tuple[str, ...]) -> Comparison:
    """Return the comparison of the results in folders of this server, the base first, under the names given.

    Raises
    ------
    InputError
        If there are fewer than two, or two are the same run.
    """
    found = [of_result(results.loaded(str(settings().results / folder))) for folder in folders]
    return compare([replace(design, name=name) for design, name in zip(found, names, strict=True)])


def button(found: Comparison, folders: tuple[str, ...]) -> None:
    """Show the button with the files that ``clustersim compare`` writes."""
    with st.popover("Download the comparison", icon=":material/download:"):
        name = re.sub(r"[^\w.-]+", "-", "-".join(["compare", *found.names]))[:100]
        _file("Page (HTML)", lambda: files(found)["compare.html"], f"{name}.html", "text/html", "html")
        table = found.table.to_csv(index=False)
        _file("Answers (CSV)", table, f"{name}.csv", "text/csv", "csv")
        _file("Page and all tables (ZIP)", lambda: zipped(found, name), f"{name}.zip", "application/zip", "zip")
        st.caption("The same on the command line:")
        words = " ".join(shlex.quote(f"results/{folder}") for folder in folders)
        st.code(f"clustersim compare {words}", language="bash", wrap_lines=True)


def _file(label: str, data: object, name: str, mime: str, key: str) -> None:
    st.download_button(
        label, data, name, mime, key=f"compare-download-{key}", on_click="ignore", width="stretch"  # type: ignore[arg-type]
    )  # fmt: skip


def files(found: Comparison) -> dict[str, str]:
    """Return the files of a comparison by name."""
    return {path.name: text for path, text in compare_files(found, Path()).items()}


def zipped(found: Comparison, name: str) -> bytes:
    """Return the files of a comparison as one."""
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as archive:
        for file, text in files(found).items():
            archive.writestr(f"{name}/{file}", text)
    return whole.getvalue()
