"""A build-out as text, as data, as a table and as a page with one figure."""

from __future__ import annotations

import json
from html import escape
from pathlib import Path
from typing import Any

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from clustersim.report.style import BLUE, GREEN, GREY, INK, ORANGE, RED, styled
from clustersim.report.words import number
from clustersim.study.build_out import BuildOutStudy

MUSD = 1e6
SHOWN = {
    "month": "month", "grid_mw": "grid MW", "onsite_mw": "on site MW", "needed_mw": "needed MW",
    "installed": "installed", "running": "running", "bridged": "by turbines", "stranded": "no power",
    "stranded_mw": "unused MW", "stranded_usd": "waiting MUSD", "tokens_total": "T tokens so far",
    "capex_usd": "capex MUSD",
}  # fmt: skip
SCALE = {"stranded_usd": MUSD, "capex_usd": MUSD, "tokens_total": 1e12}
COUNTS = ("installed", "running", "bridged", "stranded")
TOTALS = (
    "accelerator_hours",
    "stranded_hours",
    "stranded_usd",
    "grid_mwh",
    "onsite_mwh",
    "energy_usd",
    "tokens",
    "capex_usd",
)


def build_out_data(study: BuildOutStudy) -> dict[str, Any]:
    """Return everything as plain data."""
    each = study.each
    return {
        "name": study.spec.name,
        "scenario": study.scenario,
        "basis": study.spec.basis,
        "needed_kw_per_accelerator": each.needed_w / 1e3,
        "mean_kw_per_accelerator": each.mean_w / 1e3,
        "idle_usd_per_accelerator_hour": each.idle_usd_per_h,
        "totals": {column: study.found.total(column) for column in TOTALS},
        "months": json.loads(study.found.table.to_json(orient="records")),
    }


def build_out_text(study: BuildOutStudy) -> str:
    """Return a table of the months and what it comes to."""
    each, found, spec = study.each, study.found, study.spec
    rows = [list(SHOWN.values()), *_cells(study)]
    widths = [max(len(row[k]) for row in rows) for k in range(len(SHOWN))]
    lines = ["  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]
    idle, hours = found.total("stranded_hours"), found.total("accelerator_hours")
    share = idle / (idle + hours) if idle + hours else 0.0
    bridged = found.total("onsite_mwh") / max(found.total("onsite_mwh") + found.total("grid_mwh"), 1e-12)
    return "\n".join(
        [
            spec.title or spec.name,
            f"an accelerator of {study.scenario} needs {each.needed_w / 1e3:.3g} kW at the meter ({spec.basis}) "
            f"and draws {each.mean_w / 1e3:.3g} kW in the mean",
            "",
            *lines,
            "",
            f"accelerator-hours  {number(hours / 1e6)} million, {number(idle / 1e6)} million more waited: "
            f"{100 * share:.3g} % of those installed",
            f"waiting cost       {number(found.total('stranded_usd') / MUSD)} MUSD of server and network value "
            f"({each.idle_usd_per_h:.3g} USD per accelerator-hour)",
            f"energy             {number(found.total('grid_mwh'))} MWh from the grid, "
            f"{number(found.total('onsite_mwh'))} MWh made on site ({100 * bridged:.3g} %), "
            f"{number(found.total('energy_usd') / MUSD)} MUSD",
            f"tokens             {number(found.total('tokens') / 1e12)} trillion",
            f"capex              {number(found.total('capex_usd') / MUSD)} MUSD",
        ]
    )


def _cells(study: BuildOutStudy) -> list[list[str]]:
    columns = [[_cell(column, value) for value in study.found.table[column].tolist()] for column in SHOWN]
    return [list(row) for row in zip(*columns, strict=True)]


def _cell(column: str, value: Any) -> str:
    if column == "month":
        return str(value)
    amount = value / SCALE.get(column, 1.0)
    return f"{amount:,.0f}" if column in COUNTS else f"{amount:,.4g}"


def build_out_figure(study: BuildOutStudy) -> go.Figure:
    """Return power (above) and accelerators (below) by date."""
    spans = study.found.spans
    days = [span.begin for span in spans] + [spans[-1].end]
    figure = make_subplots(rows=2, cols=1, shared_xaxes=True, vertical_spacing=0.08)

    def line(row: int, name: str, values: list[float], colour: str, **more: Any) -> None:
        kept = [round(value, 4) for value in (*values, values[-1])]
        trace = go.Scatter(x=days, y=kept, name=name, line={"shape": "hv", "color": colour, "width": 2}, **more)
        figure.add_trace(trace, row=row, col=1)

    line(1, "grid", [span.grid_w / 1e6 for span in spans], BLUE, fill="tozeroy")
    line(1, "grid and on site", [(span.grid_w + span.onsite_w) / 1e6 for span in spans], ORANGE)
    line(1, "needed by all installed", [span.needed_w / 1e6 for span in spans], INK)
    line(2, "installed", [float(span.installed) for span in spans], GREY)
    if study.spec.halls:
        line(2, "with a place in a hall", [float(span.ready) for span in spans], GREEN)
    line(2, "running", [float(span.running) for span in spans], RED, fill="tozeroy")
    styled(figure, "", "", 560)
    figure.update_yaxes(title_text="power at the meter [MW]", row=1, col=1, rangemode="tozero")
    return figure.update_yaxes(title_text="accelerators", row=2, col=1, rangemode="tozero")


def build_out_html(study: BuildOutStudy) -> str:
    """Return the page: what it comes to, the figure, the table behind it."""
    cells = "\n".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in _cells(study))
    head = "".join(f"<th>{escape(title)}</th>" for title in SHOWN.values())
    said = build_out_text(study).rsplit("\n\n", 1)[1]
    title = escape(study.spec.title or study.spec.name)
    figure = build_out_figure(study).to_html(full_html=False, include_plotlyjs=True, div_id="build-out")
    return (
        f"<!doctype html><html lang='en'><head><meta charset='utf-8'><title>{title}</title><style>"
        "body{font:15px/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem;color:#1F2933}"
        "table{border-collapse:collapse;font-variant-numeric:tabular-nums}td,th{padding:.15rem .6rem;text-align:right}"
        "td{white-space:nowrap}"
        "th{border-bottom:1px solid #7A8490}</style></head><body>"
        f"<h1>{title}</h1><pre>{escape(said)}</pre>{figure}<table><tr>{head}</tr>{cells}</table></body></html>\n"
    )


def build_out_files(study: BuildOutStudy, folder: Path) -> dict[Path, str]:
    """Return the table and the page by the path they are written to."""
    return {
        folder / "build_out.csv": study.found.table.to_csv(index=False),
        folder / "build_out.html": build_out_html(study),
    }
