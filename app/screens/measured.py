"""Measured: a measured trace, judged and fitted."""

from __future__ import annotations

from dashboard import show

show.title("Measured", "A measured trace, judged and fitted.")
