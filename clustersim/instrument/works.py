"""What a script is made of: works, parts, rounds; plain data that says what is done how long, and nothing else."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

ELEMENT_BYTES = {"bf16": 2, "fp16": 2, "tf32": 4, "fp32": 4, "fp8": 1}
"""Of an operand of a product, by precision. [B]"""


@dataclass(frozen=True)
class Product:
    """Products of an (m, k) with a (k, n) matrix."""

    m: int
    n: int
    k: int
    precision: str

    @property
    def flop(self) -> float:
        """Operations of one. [FLOP]"""
        return 2.0 * self.m * self.n * self.k

    def __str__(self) -> str:
        """Such as ``4096 x 4096 x 4096 bf16``."""
        return f"{self.m} x {self.n} x {self.k} {self.precision}"


@dataclass(frozen=True)
class Stream:
    """Triads through device memory."""

    array_bytes: int

    def __str__(self) -> str:
        """Such as ``three arrays of 2 GB``."""
        return f"three arrays of {self.array_bytes * 1e-9:.3g} GB"


@dataclass(frozen=True)
class Spin:
    """Kernels that wait in a loop."""

    blocks: int

    def __str__(self) -> str:
        """Such as ``8 waiting kernels``."""
        return f"{self.blocks} waiting kernel{'s' if self.blocks > 1 else ''}"


@dataclass(frozen=True)
class Idle:
    """No kernel, with a context."""

    def __str__(self) -> str:
        """``no kernel``."""
        return "no kernel"


@dataclass(frozen=True)
class Dummy:
    """Products for a share of the time, in turns; beside a copy, where there is one."""

    product: Product
    share: float
    turn_s: float
    copy_bytes: int = 0
    """Of the array that is copied all the time; 0: there is no copy."""

    def __str__(self) -> str:
        """Such as ``50 % of 4096 x 4096 x 4096 bf16 beside copies of 0.256 GB``."""
        beside = f" beside copies of {self.copy_bytes * 1e-9:.3g} GB" if self.copy_bytes else ""
        return f"{self.share:.0%} of {self.product}{beside}"


Work: TypeAlias = Product | Stream | Spin | Idle | Dummy


@dataclass(frozen=True)
class Setting:
    """What of the device is set for a round, which takes the user's permission."""

    quantity: Literal["limit", "clock"]
    """Power limit, or a lock of the clock of the multiprocessors."""
    value: float | None
    """[W] or [MHz]; None: as the device was found."""

    def __str__(self) -> str:
        """Such as ``limit 450 W``."""
        if self.value is None:
            return f"{self.quantity} as found"
        return f"{self.quantity} {self.value:g} {'W' if self.quantity == 'limit' else 'MHz'}"


@dataclass(frozen=True)
class Part:
    """A stretch of time that becomes one marker."""

    activity: str
    work: Work
    seconds: float
    words: tuple[tuple[str, str], ...] = ()
    figures: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True)
class Round:
    """Parts that follow one another, all of them so many times; a marker around them where it has an activity."""

    name: str
    parts: tuple[Part, ...]
    times: int = 1
    activity: str = ""
    figures: tuple[tuple[str, float], ...] = ()
    setting: Setting | None = None
    """Set before it; it stays until another round sets it, or the script ends."""

    @property
    def seconds(self) -> float:
        """Length of all of it. [s]"""
        return self.times * math.fsum(part.seconds for part in self.parts)


@dataclass(frozen=True)
class Script:
    """A pattern, ready to be performed."""

    pattern: str
    rounds: tuple[Round, ...]

    @property
    def seconds(self) -> float:
        """Length of all of it. [s]"""
        return math.fsum(one.seconds for one in self.rounds)

    @property
    def count(self) -> int:
        """How many parts are done."""
        return sum(one.times * len(one.parts) for one in self.rounds)

    @property
    def settings(self) -> tuple[Setting, ...]:
        """What is set on the way, each once; empty where the device stays as it was found."""
        return tuple(dict.fromkeys(one.setting for one in self.rounds if one.setting is not None))

    def works(self) -> Iterator[Work]:
        """Give every work once, in the order in which they come first."""
        yield from dict.fromkeys(part.work for one in self.rounds for part in one.parts)
