"""Keep a device busy for about some seconds: launches are issued ahead of it, and timed on its own clock."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter, sleep
from typing import Any, Protocol

from clustersim.instrument.machine import Done

AHEAD_S = 0.02
"""Work that is issued at once, and twice of it before the first is waited for: the device never waits for the host."""
POLLED_S = 0.001
"""End of a wait that is not left to the operating system in one sleep, which is late by up to that."""


class Clock(Protocol):
    """Marks in the order of work of a device."""

    def mark(self) -> Any:
        """Put a mark behind all that was issued."""
        ...

    def wait(self, mark: Any) -> None:
        """Wait until the device has come to a mark."""
        ...

    def between(self, begin: Any, end: Any) -> float:
        """Return the time between two marks that the device has come to. [s]"""
        ...


class HostClock:
    """Of a device whose work is done when the call is back."""

    def mark(self) -> float:
        """Return the time now. [s]"""
        return perf_counter()

    def wait(self, mark: float) -> None:
        """Return at once."""

    def between(self, begin: float, end: float) -> float:
        """Return the time between two marks. [s]"""
        return end - begin


@dataclass
class Launch:
    """What is issued, how many pieces it holds, and how long one of them takes, as far as is known."""

    issue: Callable[[], object]
    pieces: int
    each_s: float
    held_bytes: int = 0
    """By its operands. [B]"""
    moved_bytes: float = 0.0
    """Read and written by one piece. [B]"""
    kept: object = None
    """What must live as long as the launch."""


def repeated(launch: Launch, clock: Clock, seconds: float, stop: Callable[[], bool] = lambda: False) -> Done:
    """Issue a launch again and again, at least once, until it has run for about some seconds or `stop` says so.

    How long one takes is measured while it runs, so that clocks which fall make fewer, not longer.
    """
    begin = end = clock.mark()
    marks: deque[tuple[int, Any]] = deque()
    issued, each = 0, launch.each_s
    while not (issued and stop()):
        one_s = max(each, 1e-9) * launch.pieces
        left = (seconds - issued * each) / one_s
        enough = issued > 0 and left < 0.5
        if len(marks) > 1 or (enough and marks):
            count, mark = marks.popleft()
            clock.wait(mark)
            each = clock.between(begin, mark) / count
            continue
        if enough:
            break
        # issuing may take longer than what is known so far makes believe
        late = perf_counter() + AHEAD_S
        for _ in range(max(1, round(min(left, AHEAD_S / one_s)))):
            launch.issue()
            issued += launch.pieces
            if perf_counter() > late:
                break
        end = clock.mark()
        marks.append((issued, end))
    clock.wait(end)
    spent = clock.between(begin, end)
    launch.each_s = spent / issued
    return Done(issued, spent, issued * launch.moved_bytes)


def wait_until(time_s: float) -> None:
    """Wait until a time of ``perf_counter``, to a tenth of a millisecond where the operating system allows it."""
    while (left := time_s - perf_counter()) > 0.0:
        sleep(left - POLLED_S if left > POLLED_S else min(left, 0.00005))
