"""Copies of the state: which one a job returns to, and what the near ones cost."""

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from clustersim.operation import JobFacts, OperationSpec, simulate_operation
from clustersim.operation.checkpoints import Tier
from clustersim.operation.history import History

STORAGE = Tier("storage", 100.0, 0.0, 40.0, 60.0)
NEAR = Tier("neighbour", 20.0, 0.5, 7.0, 3.0)


def test_the_newest_copy_that_is_safe_and_left():
    """Steps of 1 s: near copies at 20, 40, 60 and so on, storage at 100 and safe at 140."""
    history = History((NEAR, STORAGE), 1.0)
    history.train(0.0, 100.0, 0.0, 100.0)
    history.save(100.0, 100.0)
    history.train(100.0, 165.0, 100.0, 165.0)
    assert [one.step for one in history.near[0].copies] == [140.0, 160.0]
    # that of step 160 is written until 167 s
    assert history.roll_back(165.0, "server").step == 140.0
    assert history.roll_back(165.0, "power") == history.roll_back(165.0, "site")
    target = history.roll_back(165.0, "site")
    assert (target.step, target.reload_s, target.begins) == (100.0, 60.0, False)
    assert history.roll_back(165.0, "process", before_s=99.0).begins


def test_what_is_kept_is_the_newest_and_a_write_under_way_is_lost():
    history = History((STORAGE,), 1.0, keep=2)
    for step in (100.0, 200.0, 300.0, 400.0):
        history.save(step, step)
    assert [one.step for one in history.saved] == [200.0, 300.0, 400.0]
    assert history.roll_back(439.0, "process").step == 300.0
    assert history.roll_back(500.0, "process", before_s=250.0).step == 200.0
    assert history.roll_back(500.0, "process", before_s=150.0).begins


@given(
    ends=st.lists(st.floats(0.1, 70.0), min_size=1, max_size=12),
    every=st.integers(1, 30),
    lost=st.floats(0.0, 1.0),
)
def test_copies_on_the_way_are_those_made_one_by_one(ends, every, lost):
    """However the way is divided: the newest safe copy is the last one that had time to be written."""
    write = lost * every
    history = History((Tier("neighbour", float(every), 0.0, write, 1.0), STORAGE), 1.0)
    at = 0.0
    for length in ends:
        history.train(at, at + length, at, at + length)
        at += length
    ready = (at - write) / every
    # on the very instant at which a copy is made or safe, rounding decides
    assume(all(abs(x - round(x)) > 1e-6 for x in (ready, at / every)))
    safe = max(0.0, math.floor(ready) * every)
    assert history.roll_back(at, "server").step == pytest.approx(safe, abs=1e-6)


def test_near_copies_need_no_rows_of_their_own():
    """Ten days with a copy every 11 s: as many rows as without, and a pause of 40 ms for each."""
    job = JobFacts(gpus=1024, servers=128, step_time_s=1.0, step_time_cv=0.0, checkpoint_bytes=1e12)
    spec = {"horizon": "10 d", "failure_rates": "none", "checkpoint": {"blocking": "0 s"}}
    near = {**spec["checkpoint"], "tiers": {"neighbour": {"interval": "11 s", "blocking": "40 ms"}}}
    plain, copied = (
        simulate_operation(OperationSpec.model_validate({**spec, "checkpoint": one}), job, np.random.SeedSequence(1))
        for one in (spec["checkpoint"], near)
    )
    assert abs(len(plain.table) - len(copied.table)) <= 0.01 * len(plain.table)
    assert copied.accounts.shares["checkpoint"] == pytest.approx(0.04 / 11.04, rel=0.01)
    assert copied.windows[0].name == "steady"
    assert copied.windows[0].t1_s - copied.windows[0].t0_s == 600.0
