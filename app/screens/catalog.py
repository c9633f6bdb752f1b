"""Catalog: every built-in figure, with its source."""

from __future__ import annotations

from dashboard import show

show.title("Catalog", "Every built-in figure, with its source.")
