"""Sweep: many points of a design, and what moves its answers."""

from __future__ import annotations

import streamlit as st

from dashboard import bar, show, sweep_define, sweep_explore, sweep_launch, sweep_stores, sweep_study

VIEWS = ("Define", "Explore")

show.title("Sweep", "Many points of a design, and what moves its answers.")
bar.head()
sweep_study.begin()
view = st.segmented_control(
    "Part", VIEWS, default=VIEWS[0], required=True, key="sweep-view", bind="query-params", label_visibility="collapsed"
)
writing = sweep_launch.progress()
if view == "Define":
    sweep_define.define()
    sweep_study.to_address()
    sweep_launch.checked()
else:
    sweep_study.to_address()
    stores = sweep_stores.stores()
    if not stores:
        show.empty("No sweep is stored here.", "Define one and run it; its rows appear here as they are answered.")
    else:
        first = stores.index(writing) if writing in stores else 0
        name = st.selectbox("Sweep", stores, index=first, key="sweep-store", bind="query-params", width=420)
        # while it is being written, its rows are read again every two seconds
        st.fragment(sweep_explore.explore, run_every="2s" if name == writing else None)(name)
