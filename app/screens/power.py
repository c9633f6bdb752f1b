"""Power: what its power looks like, from a year to a millisecond, from a meter to an accelerator."""

from __future__ import annotations

from dashboard import show

show.title("Power", "What its power looks like, from a year to a millisecond, from a meter to an accelerator.")
