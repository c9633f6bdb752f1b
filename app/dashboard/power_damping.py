"""Before and after damping: the run that is shown beside the same scenario without it."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from clustersim.errors import InputError
from clustersim.report import power_figures, power_spectra
from clustersim.report.damping_pair import pair_rows, token_words
from clustersim.report.spans import Span
from clustersim.report.text import damping_words
from clustersim.scenario import Draft, run_id
from clustersim.study.result import Result
from dashboard import power_source, results, show, time_zoom, work

RUN_BARE = "Run without damping"


@st.cache_data(max_entries=64, show_spinner=False)
def _identity(run: str, _draft: Draft) -> str:  # noqa: ARG001 (the key of the cache)
    return run_id(_draft.scenario())


def bare(result: Result) -> Draft:
    """Return the scenario of a result without damping."""
    return Draft(result.name, result.scenario, {"damping": []})


def undamped(result: Result) -> Result | None:
    """Return the stored result without damping; None where there is none yet."""
    identity = _identity(result.run_id, bare(result))
    if not results.has_result(result.name, identity):
        return None
    return results.loaded(str(results.folder_of(result.name, identity)))


def compared(result: Result, name: str) -> None:
    """Show the power and its spectrum with and without damping, and what damping costs."""
    if not result.scenario["damping"]:
        show.empty("Nothing damps this scenario.", "Add damping on the Design page; then both are shown here.")
        return
    found = undamped(result)
    if found is None:
        _ask(result)
        return
    window = name if name in result.waveforms and name in found.waveforms else "steady"
    before, after = found.waveforms[window], result.waveforms[window]
    whole = Span(0.0, min(before.samples * before.dt_s, after.samples * after.dt_s))
    try:
        span = time_zoom.asked(power_source.PAGE, whole, after.dt_s)
    except InputError:
        # what is wrong with the fields is said above the chart, which then shows all of it
        span = whole
    show.figure(
        power_figures.overlaid({"without damping": before, "with damping": after}, span), "power-pair",
        f"Meter with and without damping, {window.replace('_', ' ')}",
        f"Same scenario, seed and span. Damping: {damping_words(result.scenario)}.",
    )  # fmt: skip
    parts = [
        (word, power_spectra.part_of(wave.power("meter"), wave.dt_s))
        for word, wave in (("with damping", after), ("without damping", before))
    ]
    scale = power_figures.Scale("MW", 1e6)
    show.figure(
        power_spectra.spectrum(parts, scale, power_spectra.rule_marks(result)), "power-pair-spectrum",
        f"Spectrum of the meter, {window.replace('_', ' ')}", "Shaded: bands that rules look at.",
    )  # fmt: skip
    rows = pair_rows(found.summary, result.summary)
    show.table(pd.DataFrame(rows, columns=["what", "without", "with", "change"]), "power-pair-table")
    if words := token_words(found.summary, result.summary):
        st.caption(show.plain(words))


def _ask(result: Result) -> None:
    request = work.run_request(bare(result))
    if work.ticket_of(request) is not None:
        if work.answered(request, "bare", there=lambda _: undamped(result) is not None, again=RUN_BARE) is not None:
            st.rerun()
        if work.under_way(request):
            show.skeleton()
        return
    show.empty("The same scenario without damping has not run yet.", "It takes as long as the run itself.")
    if st.button(RUN_BARE, key="power-bare", icon=":material/play_arrow:", type="primary"):
        work.ask(request)
        st.rerun()
