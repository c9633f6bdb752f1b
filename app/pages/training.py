"""Training: how fast the job trains here, and what limits it."""

from __future__ import annotations

from dashboard import show

show.title("Training", "How fast the job trains here, and what limits it.")
