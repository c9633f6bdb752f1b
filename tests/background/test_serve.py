"""The process that serves requests, by its parts."""

from __future__ import annotations

import ctypes
import gc
import os
from pathlib import Path

import pytest

from clustersim.background.serve import _give_back_memory

PIECES, PIECE = 100_000, 1000
"""Small enough that the C library keeps them in one heap; 100 MB in all."""


def resident():
    """Return the memory of this process that is in use. [B]"""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "malloc_trim"), reason="this C library cannot give memory back")
def test_freed_memory_is_given_back_although_the_last_piece_is_in_use():
    gc.collect()
    pieces = [bytes(PIECE) for _ in range(PIECES)]
    full = resident()
    last = pieces[-1]
    del pieces
    kept = resident()
    assert kept > full - 0.2 * PIECES * PIECE, "nothing is kept that could be given back: the test shows nothing"
    _give_back_memory()
    assert resident() < full - 0.8 * PIECES * PIECE
    assert last == bytes(PIECE)
