"""Traffic between the sites of a job: ways of keeping them together, lost fibre, and what the fibre costs."""

from __future__ import annotations

import streamlit as st

from clustersim.report.training_tables import cuts_table, fibre_table, ways_table
from clustersim.report.words import number, percent
from clustersim.study.result import Result
from dashboard import show
from dashboard.training_details import details


def between(result: Result) -> None:
    """Show what a job of several sites needs between them."""
    found = details(result)
    if found is None:
        return
    data = found.data.get("between_sites")
    if data is None:
        show.empty("The plan trains at one site.", "Nothing of the step travels between sites.")
        return
    has = "no fibre" if data["bandwidth_gbit_s"] is None else f"{number(data['bandwidth_gbit_s'])} Gbit/s"
    st.markdown(
        f"{data['sites']} sites exchange {number(data['parameters'] / 1e9)} billion parameters; each has {has} to the "
        f"others and is {number(1e6 * data['latency_s'])} us away. A step exchanges for "
        f"{number(1e3 * data['exchange_s'])} ms and waits {number(1e3 * data['exposed_s'])} ms of them."
    )
    st.markdown("**Ways of keeping the sites together**")
    show.table(ways_table(data), "training-ways")
    st.caption(
        f"Rates of one site in one direction. Hidden: behind one backward, at "
        f"{percent(data['hidden_from_compute_utilisation'])} compute utilisation. The change of the loss is as "
        "published, at equal tokens, and in no time here."
    )
    st.markdown("**When fibre is lost, the worst first**")
    show.table(cuts_table(data), "training-cuts")
    st.markdown("**What the fibre costs**")
    show.table(fibre_table(data), "training-fibre")
    st.caption("To dig and the transceivers, each with its band. Leases and aerial fibre: `clustersim step --json`.")
