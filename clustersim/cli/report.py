"""The verb that writes the report of a run: page, PDF, package for a utility; the command line registers it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from clustersim.cli.options import SetOption
from clustersim.cli.results import OutOption, named_result
from clustersim.console import show, told
from clustersim.whole_file import write_all

RunArgument = Annotated[
    str, typer.Argument(metavar="RUN", help="Result folder, report.html, or a scenario, which is run unless it was.")
]


def report(
    run: RunArgument,
    as_pdf: Annotated[bool, typer.Option("--pdf", help="Print to PDF too, with a Chromium of this machine.")] = False,
    audience: Annotated[
        Literal["interconnection"] | None,
        typer.Option("--for", help="The package for a utility's study in place of the report."),
    ] = None,
    to: Annotated[
        Path | None, typer.Option("--to", metavar="DIR", help="Where the files go; left out: the result folder.")
    ] = None,
    out: OutOption = Path("results"),
    settings: SetOption = None,
) -> None:
    """Write the report of a run as HTML and PDF, or what a utility needs to study its connection."""
    from clustersim.report.page import html
    from clustersim.report.pdf import pdf, required_browser

    if as_pdf:
        required_browser()
    with told() as tell:
        result, folder = named_result(run, out, tell, settings)
        target = folder if to is None else to
        texts: dict[Path, str | bytes]
        if audience is None:
            tell("page")
            page = html(result)
            stem = target / "report"
            texts = {stem.with_suffix(".html"): page}
        else:
            from clustersim.report.interconnection.package import package

            tell("package for the connection")
            stem = target / "interconnection" / "index"
            files = package(result)
            page = str(files["index.html"])
            texts = {stem.parent / name: text for name, text in files.items()}
        if as_pdf:
            tell("pdf")
            texts[stem.with_suffix(".pdf")] = pdf(page)
    write_all(texts)
    show("\n".join(str(path) for path in texts))
