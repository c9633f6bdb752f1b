"""About: what this is, what it models and what it does not."""

from __future__ import annotations

from dashboard import show

show.title("About", "What this is, what it models and what it does not.")
