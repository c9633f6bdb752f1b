"""The dashboard: which pages there are. Everything that they share is in `dashboard`."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from dashboard import navigation

APP = Path(__file__).resolve().parent

st.set_page_config(page_title="clustersim", page_icon=str(APP / "icon.svg"), layout="wide", initial_sidebar_state=216)
st.logo(APP / "logo.svg", size="large", icon_image=APP / "icon.svg")
navigation.open_page()
