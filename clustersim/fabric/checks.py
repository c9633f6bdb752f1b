"""Check of the arguments that all closed forms of collectives share."""

from __future__ import annotations


def check_group(size_bytes: float, members: int, bandwidth: float, latency: float) -> None:
    """Raise ValueError unless there is a member, a positive bandwidth, and nothing negative."""
    if members < 1 or not size_bytes >= 0.0 or not bandwidth > 0.0 or not latency >= 0.0:
        raise ValueError(
            "expected at least one member, a size and a latency that are not negative and a positive bandwidth, "
            f"got {members}, {size_bytes:g} B, {latency:g} s, {bandwidth:g} B/s"
        )
