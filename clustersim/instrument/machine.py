"""What can be done on an accelerator to load it, whatever drives it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Done:
    """How often something was done, and how long that took on the device's own clock."""

    repetitions: int
    seconds: float
    """All of them together. [s]"""
    moved_bytes: float = 0.0
    """Read and written by all of them together. [B]"""

    @property
    def seconds_each(self) -> float:
        """How long one took; 0 where none was done. [s]"""
        return self.seconds / self.repetitions if self.repetitions else 0.0


@dataclass(frozen=True)
class Beside:
    """Products and copies that ran at the same time."""

    products: Done
    copies: Done


class Machine(Protocol):
    """One accelerator; whatever is done runs for about the seconds asked for, at least once, to its end.

    What prepares makes operands, so that doing the same afterwards begins at once, and returns how long one takes. [s]

    Raises
    ------
    InputError
        Whatever prepares: if the accelerator cannot do that, or has too little memory.
    """

    @property
    def precisions(self) -> tuple[str, ...]:
        """Of the products that it can do."""
        ...

    @property
    def conditions(self) -> Mapping[str, str]:
        """Names and versions that a reader of a recording must know."""
        ...

    def now(self) -> float:
        """Return the time of the host's clock, from any origin. [s]"""
        ...

    def synchronise(self) -> None:
        """Wait until the device has done all that was asked."""
        ...

    def prepare_product(self, m: int, n: int, k: int, precision: str) -> float:
        """Make ready for :meth:`product`."""
        ...

    def prepare_stream(self, array_bytes: int) -> float:
        """Make ready for :meth:`stream`."""
        ...

    def prepare_copy(self, array_bytes: int) -> float:
        """Make ready for :meth:`copy_beside`."""
        ...

    def prepare_spin(self, blocks: int) -> float:
        """Make ready for :meth:`spin`."""
        ...

    def product(self, m: int, n: int, k: int, precision: str, seconds: float) -> Done:
        """Multiply an (m, k) with a (k, n) matrix, again and again."""
        ...

    def stream(self, array_bytes: int, seconds: float) -> Done:
        """Do ``c = a + s b`` with arrays in device memory, again and again; three arrays move each time."""
        ...

    def spin(self, blocks: int, seconds: float) -> Done:
        """Let kernels of one block each wait in a loop on the device, as those of a collective do for their peers."""
        ...

    def idle(self, seconds: float) -> Done:
        """Do nothing, with a context and without a kernel."""
        ...

    def copy_beside(
        self, array_bytes: int, m: int, n: int, k: int, precision: str, share: float, turn_s: float, seconds: float
    ) -> Beside:
        """Copy an array within device memory all the time, and do products beside for a share of the time.

        The products come in turns of `turn_s` with a wait after them; with a share of 0 there are none.
        """
        ...
