"""What a comparison shows: inputs that differ, answers, rules, radar, waterfalls, break-even, waveforms."""

from __future__ import annotations

import streamlit as st

from clustersim.report import charts, compare_figures
from clustersim.report.compare_rows import answer_rows, break_even_rows, crossing, radar_rows, told, waterfall_rows
from clustersim.study.compare import DEFINITION, Comparison, limits_matrix
from dashboard import show

VIEWS = ("Answers", "Rules", "All axes", "Waterfalls", "Break-even", "Waveforms")
INPUTS_SHOWN = 8
"""Inputs that differ beyond which they are folded away."""


def shown(found: Comparison) -> None:
    """Show a comparison: what differs first, then the view that was chosen."""
    for warning in found.warnings:
        st.warning(show.plain(warning), icon=":material/warning:")
    inputs(found)
    view = st.segmented_control(
        "View", VIEWS, default=VIEWS[0], required=True, key="compare-view", bind="query-params",
        label_visibility="collapsed",
    )  # fmt: skip
    {
        "Answers": answers, "Rules": rules, "All axes": radar, "Waterfalls": falls, "Break-even": lines,
        "Waveforms": waves,
    }[view or VIEWS[0]](found)  # fmt: skip


def inputs(found: Comparison) -> None:
    """Show the inputs in which the designs differ."""
    table = found.differences
    if table.empty:
        st.info("No input differs: only the runs do.", icon=":material/equal:")
        return
    heading = f"Inputs that differ ({len(table)})"
    with st.expander(heading, expanded=len(table) <= INPUTS_SHOWN, icon=":material/difference:"):
        show.table(table[["key", *found.names]], "compare-inputs")
        st.caption("As the files write them. Provenance and names are left out; a part that a design has not is -.")


def answers(found: Comparison) -> None:
    """Show the answers side by side, by the planner's questions."""
    rows = answer_rows(found)
    for at, (question, part) in enumerate(rows.groupby("question", sort=False)):
        text = str(question)
        st.markdown(f"**{show.plain(text[:1].upper() + text[1:])}**")
        show.table(part.drop(columns="question"), f"compare-answers-{at}", height="content")
    st.caption(
        f"Against {show.plain(found.names[0])}: an arrow says larger or smaller and by how much, a word says better or "
        "worse where one of them is clear, = is the same."
    )
    jobs = [design for design in found.designs if not design.measured and design.summary.get("tokens_per_s")]
    if jobs:
        show.figure(
            charts.breakdown(jobs), "compare-breakdown", "Where the time of a step goes",
            "Each bar is one step of one design, by what the accelerators do.",
        )  # fmt: skip


def rules(found: Comparison) -> None:
    """Show which rules each design keeps and breaks."""
    if found.limits.empty:
        show.empty("No rule is stored with these results.", "Name limit packs in the scenarios and run them.")
        return
    figure = compare_figures.limits(found)
    if figure is None:
        st.success("No design breaks a rule that could be judged.", icon=":material/verified:")
    else:
        show.figure(
            figure, "compare-limits", "Rules that a design breaks",
            "Margin at the worst place, as a share of the limit: left of zero is broken.",
        )  # fmt: skip
    show.table(limits_matrix(found.limits, found.names), "compare-rules", height="content")
    st.caption(
        "FAIL or PASS, the margin at the worst place and the window that decides; not judged: what it needs was not "
        "there; -: the design has no such rule or equipment."
    )


def radar(found: Comparison) -> None:
    """Show the designs on all axes at once, each axis as a share of the best."""
    if found.radar.empty:
        show.empty("No axis can be drawn.", "A ratio needs a positive value in every design.")
    else:
        show.figure(compare_figures.radar(found), "compare-radar", "Share of the best design", DEFINITION)
        show.table(radar_rows(found), "compare-radar-rows", height="content")
    for key, why in found.radar_left_out.items():
        st.caption(f"{show.plain(key)} is left out: {show.plain(why)}.")


def falls(found: Comparison) -> None:
    """Show where a difference comes from: capital, cost, time, speed, goodput, power."""
    some = [one for one in found.waterfalls if one.differs]
    if not some:
        show.empty("No figure differs.", "Choose designs that differ in cost, time or power.")
        return
    titles = list(dict.fromkeys(one.title for one in some))
    others = list(dict.fromkeys(one.design for one in some))
    with st.container(horizontal=True, gap="small"):
        title = st.selectbox("Figure", titles, key="compare-fall", bind="query-params", width=440)
        other = st.selectbox("Design", others, key="compare-fall-of", bind="query-params", width=360)
    one = next((one for one in some if one.title == title and one.design == other), None)
    if one is None:
        st.info(f"{show.plain(str(title))} does not differ there.", icon=":material/equal:")
        return
    heading = f"{one.title}: {one.base} to {one.design}"
    show.figure(compare_figures.waterfall(one), "compare-waterfall", heading, f"How it adds up: {one.method}.")
    show.table(waterfall_rows(one), "compare-waterfall-rows", height="content")


def lines(found: Comparison) -> None:
    """Show at which prices, lives and goodput two designs cost the same per token."""
    for why in found.no_break_even:
        st.info(show.plain(why), icon=":material/info:")
    if not found.break_evens:
        return
    ordered = sorted(found.break_evens, key=lambda one: one.value is None)
    names = [crossing(one) for one in ordered]
    chosen = st.selectbox("Input", names, key="compare-line", bind="query-params", width=560)
    one = ordered[names.index(chosen)] if chosen in names else ordered[0]
    show.figure(compare_figures.break_even(one), "compare-break-even", f"Cost per token: {crossing(one)}", told(one))
    show.table(break_even_rows(found), "compare-break-even-rows", height="content")
    st.caption("The cost model alone is evaluated again; what the runs found (energy, speed, counts) stays.")


def waves(found: Comparison) -> None:
    """Show the power of all designs over one another."""
    figure = compare_figures.meters(found)
    if figure is None:
        show.empty("No waveform is stored with these results.", "Run the scenarios anew.")
        return
    show.figure(
        figure, "compare-meters", "Three steps at the meters, about their means",
        "0 is the mean of each design's steady window; the least and greatest power of every moment is kept.",
    )  # fmt: skip
