"""Many seeds: the same whatever the workers, shares that close, bands that hold what is known exactly."""

import json
import math
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import poisson

from clustersim.errors import CatalogError
from clustersim.operation import JobFacts, OperationSpec, failure_causes, simulate_operation
from clustersim.operation.accounts import CATEGORIES, accounts_of
from clustersim.operation.compact import Kept, kept_of
from clustersim.operation.ensemble import Ensemble, Member, simulate_seeds
from clustersim.operation.rate_uncertainty import spread_of_fleets
from clustersim.operation.tasks import JOB as ALONE
from clustersim.operation.tasks import JobTask

ROOT = Path(__file__).resolve().parents[2]
JOB = JobFacts(gpus=16384, servers=2048, step_time_s=6.0, step_time_cv=0.01, checkpoint_bytes=405e9 * 14)


def task(seed=5, **spec):
    return JobTask(OperationSpec.model_validate({"horizon": "4 d", **spec}), JOB, np.random.SeedSequence(seed), 100.0)


def as_bytes(ensemble):
    """Everything that an ensemble holds, floats to the last bit."""
    kept = {
        name: [
            (sorted(map(str, one.accounts.seconds.items())), list(one.accounts.shares.items()),
             list(one.interruptions.items()), one.tokens, one.trained_s.hex(), one.findings)
            for one in records
        ]
        for name, records in ensemble.parts.items()
    }  # fmt: skip
    return json.dumps(kept).encode()


@dataclass(frozen=True)
class Counting:
    """A Poisson process that interrupts and costs nothing: its counts are known exactly."""

    mean: float
    seed: np.random.SeedSequence

    def once(self, member: Member):
        count = int(np.random.default_rng(member.seed).poisson(self.mean))
        return {ALONE: Kept(1.0, accounts_of([("useful", "none", 1.0)], 1.0), {"gpu": count})}


def test_one_and_two_workers_give_the_same_bytes():
    alone, shared = simulate_seeds(task(), 5, workers=1), simulate_seeds(task(), 5, workers=2)
    assert alone == shared
    assert as_bytes(alone) == as_bytes(shared)
    assert len({one.goodput for one in alone.of()}) == 5


def test_the_first_seed_is_a_run_and_more_seeds_change_none():
    few, many = simulate_seeds(task(), 2, workers=1), simulate_seeds(task(), 4, workers=1)
    assert many.of()[:2] == few.of()
    alone = simulate_operation(task().spec, JOB, task().seed)
    assert few.of()[0] == kept_of(alone, 100.0 * alone.useful_steps)
    assert few.of()[0].goodput == pytest.approx(alone.goodput, rel=1e-12)


def test_no_two_streams_are_the_same():
    """Neither of two seeds, nor of a seed and of what the first spawns for its causes."""
    root = np.random.SeedSequence(3, spawn_key=(2,))
    members = [Member(index, 50, root).seed for index in range(50)]
    states = {tuple(seed.generate_state(4)) for seed in members}
    own = {tuple(child.generate_state(4)) for child in Member(0, 50, root).seed.spawn(60)}
    assert len(states) == 50
    assert not states & own


def test_drawn_rates_widen_the_band_and_keep_the_streams():
    """Counts with rates of a fleet each: wider than Poisson by what fleets differ, and the same in any order."""
    one = task(horizon="10 d", checkpoint={"interval": "4 h"})
    many = task(horizon="10 d", checkpoint={"interval": "4 h"}, failures={"uncertainty": "fleet"})
    narrow, wide = (simulate_seeds(each, 24, workers=1).figure_bands()["interruptions"] for each in (one, many))
    spread = spread_of_fleets()
    assert narrow.high / narrow.low < 2.0
    assert wide.high / wide.low == pytest.approx(spread.band_ratio(0.9), rel=0.3)
    assert wide.median == pytest.approx(JOB.servers * spread.median_per_s * one.spec.horizon, rel=0.15)
    alone = many.once(Member(7, 24, one.seed))
    assert alone[ALONE] == simulate_seeds(many, 24, workers=1).of()[7]


def test_every_class_of_rates_is_taken_once():
    taken = [Member(index, 40, np.random.SeedSequence(3)).stratum for index in range(40)]
    assert sorted(taken) == [(index, 40) for index in range(40)]
    assert taken != sorted(taken)


def test_shares_close_exactly_and_time_is_conserved():
    found = simulate_seeds(task(), 12, workers=1)
    for one in found.of():
        assert math.fsum(one.accounts.shares.values()) == 1.0
        assert math.fsum(one.accounts.seconds.values()) == pytest.approx(one.horizon_s, rel=1e-12)
    mean = found.mean_accounts()
    assert math.fsum(mean.shares.values()) == 1.0
    assert mean.goodput == pytest.approx(found.figure_bands()["goodput"].mean, abs=1e-12)
    bands, by_cause = found.share_bands(), found.cause_bands()
    assert math.fsum(one.mean for one in bands.values()) == pytest.approx(1.0, abs=1e-12)
    for category in CATEGORIES:
        parts = math.fsum(one.mean for (name, _), one in by_cause.items() if name == category)
        assert parts == pytest.approx(bands[category].mean, abs=1e-12)
    counts = math.fsum(one.mean for one in found.interruption_bands().values())
    assert counts == pytest.approx(found.figure_bands()["interruptions"].mean)


def test_bands_hold_a_poisson_count_known_exactly():
    draws = 4000
    found = simulate_seeds(Counting(40.0, np.random.SeedSequence(11)), draws, workers=1).figure_bands()
    count = found["interruptions"]
    assert count.mean_error == pytest.approx(math.sqrt(40.0 / draws), rel=0.05)
    assert abs(count.mean - 40.0) < 4.0 * count.mean_error
    for value, level in ((count.low, 0.05), (count.median, 0.5), (count.high, 0.95)):
        # a quantile of a count is a whole number: drawn ones may be the next to it
        assert abs(value - poisson.ppf(level, 40.0)) <= 1.0


def test_interruptions_of_a_job_are_a_poisson_count():
    """A failure strikes whatever is not in detection already, and the spread of the counts is their root."""
    quick = task(restart_time="0 s", checkpoint={"interval": "2 h"})
    found = simulate_seeds(quick, 80, workers=1).figure_bands()["interruptions"]
    causes = failure_causes(None, JOB)
    failures = quick.spec.horizon * math.fsum(cause.rate_per_s for cause in causes)
    noticing = math.fsum(cause.rate_per_s * cause.detection_s for cause in causes)
    expected = failures / (1.0 + noticing)
    assert abs(found.mean - expected) < 4.0 * found.mean_error
    assert found.mean_error == pytest.approx(math.sqrt(expected / 80), rel=0.35)


def test_findings_that_differ_in_figures_are_one():
    accounts = accounts_of([("useful", "none", 1.0)], 1.0)
    said = [("waits from 3.5 s on", "slow"), ("waits from 1,200 s on",), ("slow", "waits from 9 s on")]
    found = Ensemble({ALONE: tuple(Kept(1.0, accounts, {}, findings=texts) for texts in said)}, 3)
    assert found.findings() == {"waits from 3.5 s on": 3, "slow": 2}


def test_progress_counts_every_seed():
    said = []
    simulate_seeds(Counting(1.0, np.random.SeedSequence(1)), 4, 1, lambda done, of: said.append((done, of)))
    assert said == [(1, 4), (2, 4), (3, 4), (4, 4)]


@pytest.mark.parametrize(("seeds", "workers"), [(0, 1), (3, 0)])
def test_no_seed_and_no_worker_are_refused(seeds, workers):
    with pytest.raises(ValueError, match="one seed and one worker"):
        simulate_seeds(task(), seeds, workers)


def test_wrong_input_shows_before_any_process_starts():
    with pytest.raises(CatalogError, match="meta-h101"):
        simulate_seeds(task(failure_rates="meta-h101"), 4, workers=2)


def test_a_worker_imports_no_compiler():
    code = (
        "import sys, clustersim.operation.tasks; print([m for m in ('numba', 'scipy', 'plotly') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


ENDLESS = """
import multiprocessing, os, sys, time
import numpy as np
from clustersim.operation.processes import in_processes

def slow(item):
    print(os.getpid(), flush=True)
    time.sleep(120)

if __name__ == "__main__":
    for _ in in_processes(slow, range(4), 2):
        pass
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
@pytest.mark.parametrize("ending", [signal.SIGINT, pytest.param(signal.SIGKILL, marks=pytest.mark.soak)])
def test_workers_end_with_their_parent(tmp_path, ending):
    """Ctrl-C and a killed parent: no worker stays behind, though each has two minutes of work left."""
    script = tmp_path / "endless.py"
    script.write_text(ENDLESS)
    parent = subprocess.Popen(
        [sys.executable, script], env=os.environ | {"PYTHONPATH": str(ROOT)}, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    workers = [int(parent.stdout.readline()) for _ in range(2)]
    parent.send_signal(ending)
    parent.communicate(timeout=20)
    deadline = time.monotonic() + 20.0
    while any(alive(worker) for worker in workers) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not [worker for worker in workers if alive(worker)]


def alive(process):
    """Whether a process runs; one that has ended and that nobody asked for does not."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False
