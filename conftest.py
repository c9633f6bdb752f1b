"""Set-up that must happen before anything compiles a kernel."""

import gc
import os

# Two workers fill two cores: threads of linear algebra would only wait for one another. Set before numpy is imported.
if os.environ.get("PYTEST_XDIST_WORKER"):
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(name, "1")

# The workers of pytest-xdist share numba's cache, so that each kernel is compiled by one of them only. Two that compile
# different signatures of one kernel at once may pick the same file, so they read and write it one at a time.
if os.environ.get("PYTEST_XDIST_WORKER"):
    from clustersim.study.sweep.kernel_cache import guard_kernel_cache

    guard_kernel_cache()

from hypothesis import settings

# The first example of a test may compile a kernel: no deadline for single examples; pytest's time limit holds.
# `make soak` takes the profile `full` (--hypothesis-profile full).
settings.register_profile("full", deadline=None)
settings.register_profile("clustersim", deadline=None, max_examples=40)
settings.load_profile("clustersim")

# Thousands of tests lie in memory from the start: looking through them for rubbish as often as usual takes long.
gc.set_threshold(50_000, 20, 50)
