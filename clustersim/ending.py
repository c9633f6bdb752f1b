"""Signals that end a program, and a block that they must not break."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

ENDING = tuple(
    one for one in signal.valid_signals() if one in (signal.SIGINT, signal.SIGTERM, getattr(signal, "SIGHUP", None))
)
"""With which a user, a system or a lost terminal ends a program."""


@contextmanager
def undisturbed() -> Iterator[None]:
    """Let signals that end a program wait until the block is done.

    Python runs handlers in the main thread, whichever thread a signal came to; elsewhere there is nothing to hold off.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []
    heard = [one for one in ENDING if signal.getsignal(one) not in (signal.SIG_IGN, None)]
    before = {one: signal.signal(one, lambda number, _frame: came.append(number)) for one in heard}
    try:
        yield
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)
        for number in dict.fromkeys(came):
            signal.raise_signal(number)
