"""``clustersim validate`` on tables of collectives and of training across sites."""

from __future__ import annotations

from pathlib import Path

import typer

from clustersim.console import show, show_json, told, write, write_all


def multisite(table: Path, as_json: bool, csv: Path | None, markdown: Path | None) -> None:
    """Predict a table of training across sites; exit code 2 where a row is wrong."""
    from clustersim.report.cross_site import multisite_csv, multisite_data, multisite_markdown, multisite_text
    from clustersim.study.multisite_table import validate_multisite

    found = validate_multisite(table)
    write_all(
        {path: text(found) for path, text in ((csv, multisite_csv), (markdown, multisite_markdown)) if path is not None}
    )
    if as_json:
        show_json(multisite_data(found))
    else:
        show(multisite_text(found))
    if any(refusal.wrong for refusal in found.refused):
        raise typer.Exit(2)


def collectives(
    table: Path, as_json: bool, csv: Path | None, html: Path | None, markdown: Path | None, fitted: Path | None
) -> None:
    """Predict a table of measured collectives; exit code 2 where a row is wrong."""
    from clustersim.report.collectives import (
        collectives_csv,
        collectives_data,
        collectives_html,
        collectives_markdown,
        collectives_text,
    )
    from clustersim.study.collectives_fit import fit, kernels_beside, overlay_text
    from clustersim.study.collectives_table import read_collectives
    from clustersim.study.collectives_validation import validate_collectives

    with told() as tell:
        tell("table")
        read = read_collectives(table)
        if fitted is not None:
            from clustersim.catalog import use_overlays

            write(fitted, overlay_text(fit([*read.cases, *kernels_beside(table)], tell), f"Fitted on {table.name}"))
            use_overlays([fitted])
        tell("prediction")
        found = validate_collectives(read)
    write_all(
        {
            path: text(found)
            for path, text in ((csv, collectives_csv), (html, collectives_html), (markdown, collectives_markdown))
            if path is not None
        }
    )
    if as_json:
        show_json(collectives_data(found))
    else:
        show(collectives_text(found))
    if any(refusal.wrong for refusal in read.refused):
        raise typer.Exit(2)
