"""Limits: each rule, by how much it is kept or broken, and when."""

from __future__ import annotations

import streamlit as st

from dashboard import bar, limits_packs, limits_rules, limits_size, show, state

PAGE = {"section": "Answers", "place": 4, "title": "Limits", "icon": "gavel"}

TABS = ("Rules", "Packs", "Size")

show.title("Limits", "Each rule, by how much it is kept or broken, and when.")
result = bar.result()
rules, packs, size = st.tabs(TABS, key="limits-tab", bind="query-params")
if rules.open and result is not None:
    with rules:
        limits_rules.rules(result)
if packs.open and state.scenario() is not None:
    with packs:
        limits_packs.packs()
if size.open and state.scenario() is not None:
    with size:
        limits_size.size()
