"""Drawings that have one form for a page and one for a phone."""

from __future__ import annotations

from base64 import b64encode
from html import escape

import streamlit as st

CSS = """
.only-wide, .only-narrow {width: 100%; height: auto}
.only-narrow {display: none}
@media (max-width: 640px) {.only-wide {display: none} .only-narrow {display: block}}
"""


def wide_or_narrow(wide: str, narrow: str, alt: str) -> None:
    """Show one of two SVG drawings of a thing, by the width of the window; as images, so that nothing in them runs."""
    images = "".join(
        f'<img class="{kind}" alt="{escape(alt)}" src="data:image/svg+xml;base64,{b64encode(svg.encode()).decode()}">'
        for kind, svg in (("only-wide", wide), ("only-narrow", narrow))
    )
    st.html(f"<style>{CSS}</style>{images}")
