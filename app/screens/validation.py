"""Validation: predicted beside published."""

from __future__ import annotations

from dashboard import show

show.title("Validation", "Predicted beside published.")
