"""Samples a meter in a thread of its own, with markers of what was done meanwhile."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np

from clustersim.errors import InputError
from clustersim.instrument.meter import Meter
from clustersim.instrument.recording import Marker, Recording

STRAY = 1.0
"""Share of the interval by which a sweep may be late on purpose. [-]"""
GOLDEN = 0.5 * (math.sqrt(5.0) - 1.0)


@dataclass
class Marking:
    """Words and figures of a marker whose activity goes on; what becomes known meanwhile can be added."""

    words: dict[str, str] = field(default_factory=dict)
    figures: dict[str, float] = field(default_factory=dict)


class Sampler:
    """Reads a meter every `interval_s` until it is stopped, or for `most_s`.

    Sweeps begin near whole multiples of the interval after the first (:meth:`_due_s`), so they do not drift; one that
    takes too long misses the deadlines that pass meanwhile, which are counted. The time of a sample is the begin of its
    sweep. Markers are by the same clock and can come from any thread. Without `sleep` it waits so that stopping ends
    the wait.
    """

    def __init__(
        self,
        meter: Meter,
        *,
        interval_s: float,
        most_s: float = math.inf,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] | None = None,
    ) -> None:
        if not interval_s > 0.0:
            raise InputError(f"interval: expected a time above 0, got {interval_s:g} s")
        self._meter = meter
        self._interval_s = interval_s
        self._most_s = most_s
        self._clock = clock
        self._times: list[float] = []
        self._sweeps: list[Mapping[str, object]] = []
        self._markers: list[Marker] = []
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._sleep = sleep or self._stopped.wait
        self._error: Exception | None = None
        self._missed = 0
        self._begun_at = time.gmtime()
        self._begin = clock()
        self._thread = threading.Thread(target=self._run, name="sampler", daemon=True)
        self._thread.start()

    @property
    def now_s(self) -> float:
        """The time on the clock of the recording. [s]"""
        return self._clock() - self._begin

    @property
    def samples(self) -> int:
        """How many samples there are so far."""
        return len(self._times)

    def wait(self, timeout_s: float | None = None) -> bool:
        """Wait until sampling ends by itself, at most for a time; return whether it has."""
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    @contextmanager
    def marked(
        self,
        activity: str,
        *,
        device: int = 0,
        words: Mapping[str, str] | None = None,
        figures: Mapping[str, float] | None = None,
    ) -> Iterator[Marking]:
        """Mark what is done inside; what ends with an error leaves no marker."""
        marking = Marking(dict(words or {}), dict(figures or {}))
        begin_s = self.now_s
        yield marking
        # a coarse clock may not have moved
        end_s = max(self.now_s, math.nextafter(begin_s, math.inf))
        marker = Marker(
            activity=activity,
            begin_s=begin_s,
            end_s=end_s,
            device=device,
            words=marking.words,
            figures=marking.figures,
        )
        with self._lock:
            self._markers.append(marker)

    def stop(self, name: str = "recorded", source: str = "nvml") -> Recording:
        """End sampling and return what was recorded; the meter stays open.

        A device that answered no more ends the recording early, which its conditions tell.

        Raises
        ------
        InputError
            If a device answered no more before the first sample.
        """
        self._stopped.set()
        self._thread.join()
        if self._error is not None and not (isinstance(self._error, InputError) and self._times):
            raise self._error
        names = list(self._sweeps[0])
        readings = {one: np.array([sweep[one] for sweep in self._sweeps], dtype=np.float64) for one in names}
        with self._lock:
            markers = tuple(sorted(self._markers, key=lambda one: one.begin_s))
        return Recording(
            name,
            source,
            self._meter.devices,
            np.array(self._times),
            readings,
            markers,
            conditions=dict(self._meter.conditions) | self._conditions(),
        )

    def _conditions(self) -> dict[str, str]:
        told = {
            "begun": time.strftime("%Y-%m-%dT%H:%M:%SZ", self._begun_at),
            "interval": f"{self._interval_s:.6g} s",
            "missed_deadlines": str(self._missed),
        }
        return told | ({"ended_early": str(self._error)} if self._error else {})

    def _run(self) -> None:
        try:
            self._sample()
        except Exception as error:
            # told by stop(), in the thread that asked for the recording
            self._error = error

    def _due_s(self, turn: int) -> float:
        """Return when a sweep is due: up to an interval late, by another share each time. [s]

        A sensor that is asked in step with its own readings is always caught at the same place, and when a reading
        comes stays as uncertain as the interval is long. Multiples of the golden ratio spread over all places evenly:
        two sweeps are 0.6 or 1.6 intervals apart.
        """
        return (turn + STRAY * (turn * GOLDEN % 1.0)) * self._interval_s

    def _sample(self) -> None:
        turn = 0
        while not self._stopped.is_set():
            begun = self.now_s
            sweep = self._meter.read()
            if not self._times or begun > self._times[-1]:
                self._sweeps.append(sweep)
                self._times.append(begun)
            following = max(turn + 1, math.ceil(self.now_s / self._interval_s - STRAY))
            while self._due_s(following) < self.now_s:
                following += 1
            self._missed += following - turn - 1
            turn = following
            if self._due_s(turn) > self._most_s:
                return
            self._sleep(max(0.0, self._due_s(turn) - self.now_s))
