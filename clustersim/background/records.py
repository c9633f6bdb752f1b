"""What is asked of a worker process, and how far it has come."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class State(StrEnum):
    """Where a request stands."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def over(self) -> bool:
        """Whether nothing more will happen."""
        return self in (State.DONE, State.FAILED, State.CANCELLED)


@dataclass(frozen=True)
class Request:
    """A verb and what it is asked with: plain data, so that it can go to another process."""

    verb: str
    """Name of a function of :data:`clustersim.background.verbs.VERBS`."""
    arguments: Mapping[str, Any] = field(default_factory=dict)
    title: str = ""
    """What it is called on a page."""

    @property
    def digest(self) -> str:
        """Text that is the same for requests that ask the same."""
        asked = json.dumps([self.verb, dict(self.arguments)], sort_keys=True)
        return hashlib.sha256(asked.encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Ticket:
    """How far a request has come."""

    id: str
    """Digest of the request: who asks the same watches the same."""
    request: Request
    state: State = State.QUEUED
    part: str = ""
    """What it is doing."""
    parts_done: int = 0
    """Parts that it has told of before this one."""
    fraction: float | None = None
    """How much of it is done, where it says so."""
    queued_s: float = 0.0
    """When it was asked for; seconds of a clock that only goes forward."""
    started_s: float | None = None
    ended_s: float | None = None
    answer: Any = None
    """What the verb returned: plain data."""
    error: str = ""
    """Message where it failed; as the command line prints it where the input was wrong."""
    input_error: bool = False
    """Whether it failed because of what the user gave it."""
    ahead: int = 0
    """Requests that are served before it."""

    def elapsed_s(self, now_s: float) -> float:
        """Return how long it has run, up to `now_s` on the same clock. [s]"""
        if self.started_s is None:
            return 0.0
        return (now_s if self.ended_s is None else self.ended_s) - self.started_s
