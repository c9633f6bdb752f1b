"""Validation: predicted beside published."""

from __future__ import annotations

import streamlit as st

from dashboard import results, show, validation_own, validation_published
from dashboard.validation_published import DOCUMENTS

PAGE = {"section": "Evidence", "place": 2, "title": "Validation", "icon": "verified"}

VIEWS = ("Held against measurements", "Public figures", "Your own table")

show.title(
    "Validation", "Predicted beside published: how far off this program is, and where it is outside a public band."
)
view = st.segmented_control(
    "View", VIEWS, default=VIEWS[0], required=True, key="validation-view", bind="query-params",
    label_visibility="collapsed",
)  # fmt: skip
if view == VIEWS[0]:
    validation_published.overview()
    chosen = st.selectbox(
        "In detail", list(DOCUMENTS), format_func=DOCUMENTS.__getitem__, key="validation-page", bind="query-params",
        width=320,
    )  # fmt: skip
    validation_published.document(chosen, DOCUMENTS[chosen])
elif view == VIEWS[1]:
    validation_published.public(results.shown())
else:
    validation_own.own()
