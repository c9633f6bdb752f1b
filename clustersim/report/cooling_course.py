"""The temperature of the cooling loops over the horizon of a run, drawn and in words."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from clustersim.plant.spec import SiteCoolingSpec
from clustersim.report.style import BLUE, INK, ORANGE, RED, SERIES, styled
from clustersim.report.words import number, percent
from clustersim.study.result import Result
from clustersim.study.site.summary import BOILING_C
from clustersim.units import DAY_S

MOST_POINTS = 1500
"""Hours that are drawn one by one; more are drawn in groups, each with its extremes. [-]"""


def alarms_c(result: Result) -> dict[str, float]:
    """Return the alarm temperature of every site's loop. [degC]"""
    sites = result.scenario["topology"]["cooling"]
    return {site: SiteCoolingSpec.model_validate(tree).alarm_temperature for site, tree in sites.items()}


def loop_words(result: Result) -> str | None:
    """Return the range of the loop, and in how many hours it is above its alarm; None in results of earlier versions.

    Of several sites the one whose loop goes farthest above its alarm.
    """
    if result.cooling_course.empty:
        return None
    alarms = alarms_c(result)
    sites = {str(site): rows for site, rows in result.cooling_course.groupby("site", sort=False)}
    worst = max(sites, key=lambda site: float(sites[site]["loop_highest_c"].max()) - alarms[site])
    rows, alarm = sites[worst], alarms[worst]
    share = float((rows["loop_highest_c"] > alarm).mean())
    where = f"{worst}: " if len(sites) > 1 else ""
    reached = f"above its alarm of {number(alarm)} degC in {percent(share)} of the hours"
    said = reached if share else f"never above its alarm of {number(alarm)} degC"
    highest = rows["loop_highest_c"].max()
    top = number(highest) if highest <= BOILING_C else f"more than {number(BOILING_C)}"
    return f"{where}{number(rows['loop_lowest_c'].min())} to {top} degC, {said}"


def loop_figure(result: Result) -> go.Figure:
    """Return the highest and the lowest temperature of every loop in each hour, beside its alarm and its supply."""
    figure = go.Figure()
    sites = list(result.cooling_course.groupby("site", sort=False))
    alarms = alarms_c(result)
    for place, (site, rows) in enumerate(sites):
        shown = _grouped(rows)
        prefix = f"{site}, " if len(sites) > 1 else ""
        tones = (SERIES[place % len(SERIES)],) * 3 if len(sites) > 1 else (ORANGE, BLUE, INK)
        for (column, label, dash), tone in zip(
            (
                ("loop_highest_c", "loop, highest of the hour", "solid"),
                ("loop_lowest_c", "loop, lowest of the hour", "dot"),
                ("supply_c", "supply", "dash"),
            ),
            tones,
            strict=True,
        ):
            figure.add_trace(
                go.Scatter(
                    x=np.round(shown["t_start_s"] / DAY_S, 4), y=np.round(shown[column], 3), mode="lines",
                    name=f"{prefix}{label}", line={"color": tone, "width": 1.3, "dash": dash, "shape": "hv"},
                    hovertemplate=f"day %{{x:.2f}}<br>%{{y:.4g}} degC<extra>{prefix}{label}</extra>",
                )
            )  # fmt: skip
    for alarm in sorted(set(alarms.values())):
        figure.add_hline(
            y=alarm, line={"color": RED, "width": 1.2, "dash": "dash"},
            annotation={"text": f"alarm {alarm:g} degC", "font": {"size": 11, "color": "#B3440A"}},
            annotation_position="top left",
        )  # fmt: skip
    return styled(figure, "time in the horizon [d]", "temperature [degC]", 320)


def _grouped(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the hours, or groups of them with their extremes where there are many."""
    size = -(-len(rows) // MOST_POINTS)
    if size == 1:
        return rows
    groups = np.arange(len(rows)) // size
    how = {"t_start_s": "min", "loop_highest_c": "max", "loop_lowest_c": "min", "supply_c": "max"}
    return rows.groupby(groups).agg(how)
