"""Set-up that must happen before anything compiles a kernel."""

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

import pytest
from hypothesis import settings

# The first example of a test may compile a kernel: no deadline for single examples; pytest's time limit holds.
# `make soak` takes the profile `full` (--hypothesis-profile full).
settings.register_profile("full", deadline=None)
settings.register_profile("clustersim", deadline=None, max_examples=40)
settings.load_profile("clustersim")


FIRST = "tests/app/test_journeys.py"
"""Browser, server and its workers fill both cores for long: better than when one of pytest's workers is left alone."""


def pytest_configure(config: pytest.Config) -> None:
    """Hand the modules out in the order below, where pytest-xdist can.

    By itself it hands out those with few tests last: they are the long ones, and one worker waits for the other.
    """
    if hasattr(config.option, "loadscopereorder"):
        config.option.loadscopereorder = False


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Take the modules from two places in turn where two workers share them, the longest one first.

    Neighbours need the same kernels: one worker would wait while the other compiles them.
    """
    if not os.environ.get("PYTEST_XDIST_WORKER"):
        return
    modules = list(dict.fromkeys(item.nodeid.partition("::")[0] for item in items))
    modules.sort(key=lambda name: name != FIRST)
    half = (len(modules) + 1) // 2
    place = {name: 2 * (at % half) + at // half for at, name in enumerate(modules)}
    items.sort(key=lambda item: place[item.nodeid.partition("::")[0]])
