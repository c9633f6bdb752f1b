"""Limits: each rule, by how much it is kept or broken, and when."""

from __future__ import annotations

from dashboard import show

show.title("Limits", "Each rule, by how much it is kept or broken, and when.")
