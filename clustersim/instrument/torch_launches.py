"""What an accelerator is given to do, made with PyTorch: operands, and the call that works on them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from clustersim.instrument.launches import Launch

SPIN_CYCLES = 1_000_000
"""Of the device's clock, that a kernel waits: about half a millisecond."""


class EventClock:
    """Events in the current stream of the thread that puts them there."""

    def __init__(self, torch: Any) -> None:
        self._torch = torch

    def mark(self) -> Any:
        """Put an event behind all that was issued."""
        event = self._torch.cuda.Event(enable_timing=True)
        event.record()
        return event

    def wait(self, mark: Any) -> None:
        """Wait until the device has come to an event."""
        mark.synchronize()

    def between(self, begin: Any, end: Any) -> float:
        """Return the time between two events that the device has come to. [s]"""
        return float(begin.elapsed_time(end)) * 1e-3


@dataclass(frozen=True)
class TorchLaunches:
    """Makes launches on a device; what they work on lives as long as they do."""

    torch: Any
    device: Any
    draws: Any
    """The generator of random operands."""

    def _random(self, rows: int, columns: int, dtype: Any) -> Any:
        """Return normal numbers: zeros and repeated ones draw less power."""
        torch = self.torch
        drawn_as = torch.bfloat16 if dtype == torch.float8_e4m3fn else dtype
        drawn = torch.randn(rows, columns, dtype=drawn_as, device=self.device, generator=self.draws)
        return drawn.to(dtype)

    def multiply(self, m: int, n: int, k: int, precision: str) -> Launch:
        """Return products of random matrices."""
        torch = self.torch
        if precision == "fp8":
            kind = torch.float8_e4m3fn
            left, right = self._random(m, k, kind), self._random(n, k, kind).t()
            one = torch.ones((), device=self.device)
            return Launch(
                lambda: torch._scaled_mm(
                    left, right, scale_a=one, scale_b=one, out_dtype=torch.bfloat16, use_fast_accum=True
                ),
                1,
                0.0,
            )
        kind = {"bf16": torch.bfloat16, "fp16": torch.float16}.get(precision, torch.float32)
        left, right = self._random(m, k, kind), self._random(k, n, kind)
        made = torch.empty(m, n, dtype=kind, device=self.device)
        return Launch(lambda: torch.mm(left, right, out=made), 1, 0.0)

    def triad(self, array_bytes: int) -> Launch:
        """Return ``c = a + b / 2`` over arrays in device memory."""
        torch, size = self.torch, max(1, array_bytes // 4)
        first, second, made = (torch.ones(size, device=self.device) for _ in range(3))
        return Launch(lambda: torch.add(first, second, alpha=0.5, out=made), 1, 0.0, moved_bytes=3.0 * 4 * size)

    def copy(self, array_bytes: int) -> Launch:
        """Return copies of an array within device memory."""
        torch, size = self.torch, max(1, array_bytes // 4)
        first, made = (torch.ones(size, device=self.device) for _ in range(2))
        return Launch(lambda: made.copy_(first), 1, 0.0, moved_bytes=2.0 * 4 * size)

    def spin(self, blocks: int) -> Launch:
        """Return kernels that wait at the same time, each in a stream of its own."""
        cuda = self.torch.cuda
        streams = [cuda.Stream(self.device) for _ in range(blocks - 1)]

        def issue() -> None:
            here = cuda.current_stream(self.device)
            for stream in streams:
                stream.wait_stream(here)
                with cuda.stream(stream):
                    cuda._sleep(SPIN_CYCLES)
            cuda._sleep(SPIN_CYCLES)
            for stream in streams:
                here.wait_stream(stream)

        return Launch(issue, 1, 0.0)
