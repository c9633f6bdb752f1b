"""The verb that asks the store of a sweep; the command line registers it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from clustersim.cli.options import JsonOption
from clustersim.console import show, show_json
from clustersim.errors import InputError
from clustersim.whole_file import write_text


def query(
    store: Annotated[Path, typer.Argument(metavar="STORE", help="Folder of a sweep's results.")],
    sql: Annotated[
        str | None,
        typer.Argument(metavar="[SQL]", help="One statement on the view points; left out: which columns there are."),
    ] = None,
    csv: Annotated[Path | None, typer.Option("--csv", metavar="FILE", help="Write all rows of the answer.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Ask the results of a sweep in SQL (DuckDB), also while it runs."""
    from clustersim.report import query as report
    from clustersim.study.sweep.query import overview
    from clustersim.study.sweep.query import query as asked

    if sql is None:
        if csv is not None:
            raise InputError("query: --csv: expected with a statement, such as 'SELECT * FROM points'")
        found = overview(store)
        if as_json:
            show_json(report.overview_data(found))
        else:
            show(report.overview_text(found))
        return
    answer = asked(store, sql)
    if csv is not None:
        write_text(csv, report.answer_csv(answer))
    if as_json:
        show_json(report.answer_data(answer))
    else:
        show(report.answer_text(answer))
