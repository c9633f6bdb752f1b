"""Compare: two to six designs side by side."""

from __future__ import annotations

from dashboard import show

show.title("Compare", "Two to six designs side by side.")
