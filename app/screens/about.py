"""About: what this is, what it models and what it does not."""

from __future__ import annotations

import streamlit as st

from dashboard import about_views, results, show

PAGE = {"section": "Evidence", "place": 4, "title": "About", "icon": "info"}

VIEWS = ("What this is", "Words", "Cite", "Help and privacy", "Packages")

show.title("About", "What this is, what it models and what it does not, and how to use and cite it.")
view = st.segmented_control(
    "View", VIEWS, default=VIEWS[0], required=True, key="about-view", bind="query-params",
    label_visibility="collapsed",
)  # fmt: skip
if view == VIEWS[0]:
    about_views.what()
    about_views.models()
elif view == VIEWS[1]:
    about_views.words()
elif view == VIEWS[2]:
    about_views.cite(results.shown())
elif view == VIEWS[3]:
    about_views.use()
else:
    about_views.packages()
