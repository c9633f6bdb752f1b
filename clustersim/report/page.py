"""Self-contained HTML pages: the report of a run, and designs side by side. They open offline and fetch nothing."""

from __future__ import annotations

import yaml
from jinja2 import Environment, PackageLoader, StrictUndefined
from plotly.offline import get_plotlyjs

import clustersim
from clustersim.report.sections import Table, plain_table, sections
from clustersim.report.style import FONT
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
        ("place", f"{result.scenario['topology']['title']}, as of {result.scenario['topology']['as_of']}"),
        *((f"no value for {key}", reason) for key, reason in result.reasons.items()),
    ]
    return rendered(
        "report.html.j2",
        title=result.scenario["title"],
        subtitle=f"{result.name}, run {result.run_id}, seed {result.scenario['seed']}",
        sections=sections(result),
        assumed=plain_table("", result.assumed),
        provenance=Table("", ("", ""), run),
        scenario=yaml.safe_dump(result.scenario, sort_keys=False),
    )


def rendered(template: str, *, scripts: bool = True, **content: object) -> str:
    """Return a template of this package with `content`, plotly.js (if `scripts`) and the house font in it."""
    environment = Environment(
        loader=PackageLoader("clustersim.report"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    return environment.get_template(template).render(plotlyjs=get_plotlyjs() if scripts else "", font=FONT, **content)
