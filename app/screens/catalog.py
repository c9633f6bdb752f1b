"""Catalog: every built-in figure, with its source."""

from __future__ import annotations

import streamlit as st

from dashboard import catalog_views, results, show

PAGE = {"section": "Evidence", "place": 3, "title": "Catalog", "icon": "menu_book"}

VIEWS = ("Figures", "Rules", "Keys of the summary")

show.title("Catalog", "Every figure that is built in: its band, how sure it is, and where it is from.")
view = st.segmented_control(
    "View", VIEWS, default=VIEWS[0], required=True, key="catalog-view", bind="query-params",
    label_visibility="collapsed",
)  # fmt: skip
if view == VIEWS[0]:
    catalog_views.figures(results.shown())
elif view == VIEWS[1]:
    catalog_views.rules()
else:
    catalog_views.keys()
