"""Self-contained HTML pages: the report of a run, and designs side by side. They open offline and fetch nothing."""

from __future__ import annotations

import base64
import gzip
from collections.abc import Sequence
from functools import cache

import plotly.graph_objects as go
import yaml
from jinja2 import Environment, PackageLoader, StrictUndefined
from plotly.offline import get_plotlyjs

import clustersim
from clustersim.report import charts, figures
from clustersim.report.measured import cycle_s
from clustersim.report.sections import Figure, Section, Table, answers_table, plain_table, sections
from clustersim.report.style import FONT, SERIES, styled
from clustersim.report.svg import Picture
from clustersim.scenario import catalog_digest, link_text
from clustersim.study.compare import column_names, compare_table, input_differences
from clustersim.study.result import Result


def html(result: Result) -> str:
    """Return the report of a run as one HTML page.

    Parameters
    ----------
    result : Result
        A run, or a result that was loaded.

    Returns
    -------
    str
        The page: styles, plotly.js and all figures are inside; every text is escaped.
    """
    run = [
        ("run", result.run_id),
        ("scenario", result.name),
        ("seed", str(result.scenario["seed"])),
        ("clustersim", clustersim.__version__),
        ("catalog", catalog_digest()),
        ("place", f"{result.scenario['topology']['title']}, as of {result.scenario['topology']['as_of']}"),
        *((f"no value for {key}", reason) for key, reason in result.reasons.items()),
    ]
    return rendered(
        "report.html.j2",
        title=result.scenario["title"],
        subtitle=f"{result.name}, run {result.run_id}, seed {result.scenario['seed']}",
        sections=sections(result),
        provenance=Table("", ("", ""), run),
        scenario=yaml.safe_dump(result.scenario, sort_keys=False),
        run_id=result.run_id,
        link=link_text(result.run_id, result.scenario),
    )


def compare_html(results: Sequence[Result]) -> str:
    """Return designs side by side as one HTML page.

    Raises
    ------
    InputError
        If there are fewer than two designs, or two are the same run.
    """
    names = column_names(results)
    table = compare_table(results)
    jobs = [result for result in results if not result.measured]
    pictures: list[list[Figure | Picture]] = [
        [Figure("Where the time of a step goes", charts.breakdown(jobs))] if jobs else [],
        [
            Figure(
                "Three steps at the meters, about their means", _meters(results), "0 is the mean of the steady window."
            )
        ],
        [],
        [],
        [Figure("A million tokens", charts.answers_bar(jobs, "usd_per_million_tokens", "[USD]"))] if jobs else [],
    ]
    parts = [
        Section(f"question{i}", str(question).capitalize(), figures=shown, tables=[answers_table(part, names)])
        for i, ((question, part), shown) in enumerate(zip(table.groupby("question", sort=False), pictures, strict=True))
    ]
    return rendered(
        "compare.html.j2",
        title=" and ".join(result.scenario["title"] for result in results),
        subtitle=", ".join(f"{result.name} (run {result.run_id})" for result in results),
        sections=parts,
        inputs=plain_table("", input_differences(results)),
    )


def _meters(results: Sequence[Result]) -> go.Figure:
    """Return the swings of all meters over three of the longest design's steps."""
    longest = max(cycle_s(result) for result in results)
    figure = go.Figure()
    for name, result, colour in zip(column_names(results), results, SERIES * len(results), strict=False):
        wave = result.waveforms["steady"]
        shown = figures.swings(wave, 3.0 * longest)
        figure.add_trace(
            go.Scatter(x=shown.x, y=shown.y, name=name, mode="lines", line={"color": colour, "width": 1.3})
        )
    return styled(figure, "time [s]", "power about the mean [MW]")


def rendered(template: str, *, scripts: bool = True, **content: object) -> str:
    """Return a template of this package with `content`, plotly.js (if `scripts`) and the house font in it."""
    environment = Environment(
        loader=PackageLoader("clustersim.report"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    return environment.get_template(template).render(plotlyjs=_packed_plotly() if scripts else "", font=FONT, **content)


@cache
def _packed_plotly() -> str:
    """Return plotly.js as gzip in base64: 2 MB in place of 5; the page unpacks it (DecompressionStream)."""
    return base64.b64encode(gzip.compress(get_plotlyjs().encode(), 6, mtime=0)).decode()
