"""Light and dark: which of them the browser shows, and what Streamlit's own theme leaves out."""

from __future__ import annotations

import streamlit as st

CSS = """
.stMainBlockContainer {padding: 2.4rem 2.2rem 3rem; max-width: 1500px}
[data-testid=stSidebarHeader] {padding-bottom: 0; height: auto}
h1 {padding-top: 0 !important}
[data-testid=stMetricValue] {font-size: 1.3rem; font-variant-numeric: tabular-nums}
[data-testid=stMetricLabel] p {font-size: .86rem}
.stMetric > div {padding: .7rem .75rem}
.react-aria-ComboBox input {text-overflow: ellipsis}
[data-testid=stCaptionContainer], [data-testid=stCaptionContainer] p {line-height: 1.4; color: inherit; opacity: .92}
.stApp:has([data-testid=stExpandSidebarButton]) .stMainBlockContainer {padding-top: 4.4rem}
@media (max-width: 640px) {
  .stMainBlockContainer {padding-left: 1rem; padding-right: 1rem}
  .stElementContainer:has(> .stMetric) {flex: 1 1 max-content; min-width: 40%; width: auto !important}
}
/* white words on the light blue of the dark theme would have a contrast of 2.3 */
button[kind^=primary]:not(:disabled), button[kind^=primary]:not(:disabled) p,
.stMultiSelect span[title], .stMultiSelect span[title] * {color: light-dark(#FFFFFF, #12181F)}
@media (prefers-reduced-motion: reduce) {* {transition: none !important; animation: none !important}}
"""


def apply() -> None:
    """Put the styles in that the theme has no settings for."""
    st.html(f"<style>{CSS}</style>")


def is_dark() -> bool:
    """Whether the browser shows the dark theme."""
    return st.context.theme.type == "dark"
