"""Design: the place and the job: what is there, and what you change."""

from __future__ import annotations

from dashboard import show

show.title("Design", "The place and the job: what is there, and what you change.")
