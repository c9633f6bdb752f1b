"""Sweep: many points of a design, and what moves its answers."""

from __future__ import annotations

from dashboard import show

show.title("Sweep", "Many points of a design, and what moves its answers.")
