"""``clustersim validate`` on tables of training steps, of collectives, of training across sites and of reliability.

Exit code 2 where a row is wrong; the others are predicted nevertheless.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import typer

from clustersim.console import show, show_json, told
from clustersim.whole_file import write_all, write_text

Found = TypeVar("Found")


def steps(
    table: Path, as_json: bool, csv: Path | None, html: Path | None, markdown: Path | None, fitted: Path | None
) -> None:
    """Predict a table of measured training steps."""
    from clustersim.report.validation import (
        validation_csv,
        validation_data,
        validation_html,
        validation_markdown,
        validation_text,
    )
    from clustersim.study.tables.calibration import fit, overlay_text
    from clustersim.study.tables.throughput_table import read_table
    from clustersim.study.tables.validation import validate

    with told() as tell:
        tell("table")
        read = read_table(table)
        if fitted is not None:
            _overlay(fitted, overlay_text(fit(read.cases, tell), f"Fitted on {table.name}"))
        tell("prediction")
        found = validate(read)
    files = [(csv, validation_csv), (html, validation_html), (markdown, validation_markdown)]
    _answer(found, files, validation_data if as_json else None, validation_text)
    if fitted is not None and not as_json:
        show(f"\ncalibration in {fitted}: clustersim --catalog {fitted} VERB ... uses it")
    _refuse(read.refused)


def multisite(table: Path, as_json: bool, csv: Path | None, markdown: Path | None) -> None:
    """Predict a table of training across sites."""
    from clustersim.report.cross_site import multisite_data, multisite_markdown, multisite_text
    from clustersim.report.predicted_tables import table_csv
    from clustersim.study.tables.multisite_table import validate_multisite

    found = validate_multisite(table)
    files = [(csv, table_csv), (markdown, multisite_markdown)]
    _answer(found, files, multisite_data if as_json else None, multisite_text)
    _refuse(found.refused)


def reliability(table: Path, as_json: bool, csv: Path | None, markdown: Path | None) -> None:
    """Predict a table of failures, recoveries and checkpoints."""
    from clustersim.report.predicted_tables import table_csv
    from clustersim.report.reliability import (
        reliability_data,
        reliability_markdown,
        reliability_text,
    )
    from clustersim.study.tables.reliability_table import validate_reliability

    with told() as tell:
        tell("prediction")
        found = validate_reliability(table)
    files = [(csv, table_csv), (markdown, reliability_markdown)]
    _answer(found, files, reliability_data if as_json else None, reliability_text)
    _refuse(found.refused)


def collectives(
    table: Path, as_json: bool, csv: Path | None, html: Path | None, markdown: Path | None, fitted: Path | None
) -> None:
    """Predict a table of measured collectives."""
    from clustersim.report.collectives import (
        collectives_csv,
        collectives_data,
        collectives_html,
        collectives_markdown,
        collectives_text,
    )
    from clustersim.study.tables.collectives_fit import fit, kernels_beside, overlay_text
    from clustersim.study.tables.collectives_table import read_collectives
    from clustersim.study.tables.collectives_validation import validate_collectives

    with told() as tell:
        tell("table")
        read = read_collectives(table)
        if fitted is not None:
            _overlay(fitted, overlay_text(fit([*read.cases, *kernels_beside(table)], tell), f"Fitted on {table.name}"))
        tell("prediction")
        found = validate_collectives(read)
    files = [(csv, collectives_csv), (html, collectives_html), (markdown, collectives_markdown)]
    _answer(found, files, collectives_data if as_json else None, collectives_text)
    _refuse(read.refused)


def _overlay(file: Path, text: str) -> None:
    """Write a catalog overlay and use it."""
    from clustersim.catalog import use_overlays

    write_text(file, text)
    use_overlays([file])


def _answer(
    found: Found,
    files: Sequence[tuple[Path | None, Callable[[Found], str]]],
    data: Callable[[Found], dict[str, Any]] | None,
    text: Callable[[Found], str],
) -> None:
    """Write the files that are asked for, all or none, and print JSON where `data` is given, else text."""
    write_all({path: render(found) for path, render in files if path is not None})
    if data is not None:
        show_json(data(found))
    else:
        show(text(found))


def _refuse(refused: Iterable[Any]) -> None:
    """Stop with exit code 2 where a row is wrong, not only beyond the model."""
    if any(refusal.wrong for refusal in refused):
        raise typer.Exit(2)
