"""Plant: whether grid, batteries, generators and cooling carry that power."""

from __future__ import annotations

from dashboard import show

show.title("Plant", "Whether grid, batteries, generators and cooling carry that power.")
