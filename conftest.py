"""Set-up that must happen before anything imports numba."""

import os
from pathlib import Path

# Two processes that compile different signatures of one kernel at the same time may pick the same cache file and then
# read each other's code, so every worker of pytest-xdist keeps its own cache.
_WORKER = os.environ.get("PYTEST_XDIST_WORKER")
if _WORKER:
    os.environ["NUMBA_CACHE_DIR"] = str(Path(__file__).parent / ".numba_cache" / _WORKER)

from hypothesis import settings  # noqa: E402

# The first example of a test may compile a kernel: no deadline for single examples; pytest's time limit holds.
# `make soak` takes the profile `full` (--hypothesis-profile full).
settings.register_profile("full", deadline=None)
settings.register_profile("clustersim", deadline=None, max_examples=40)
settings.load_profile("clustersim")
