"""Self-contained HTML pages: the report of a run, and designs side by side. They open offline and fetch nothing."""

from __future__ import annotations

import base64
import gzip
from functools import cache

import yaml
from jinja2 import Environment, PackageLoader, StrictUndefined
from plotly.offline import get_plotlyjs

import clustersim
from clustersim.catalog import recorded_digest
from clustersim.report.sections import Table, sections
from clustersim.report.style import FONT
from clustersim.scenario import link_text
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
        ("catalog", recorded_digest(result.inputs)),
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
        link=link_text(result.run_id, result.scenario, recorded_digest(result.inputs)),
    )


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
