"""The benchmarks. Limits are for one machine of laptop class with two cores."""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path

import numpy as np

from benchmarks.damping_cases import DAMPING_BENCHMARKS
from benchmarks.dashboard_cases import DASHBOARD_BENCHMARKS
from benchmarks.fabric_cases import FABRIC_BENCHMARKS
from benchmarks.load_test import SMOOTHING, LoadTest, load_test
from benchmarks.operation_cases import OPERATION_BENCHMARKS
from benchmarks.plant_cases import PLANT_BENCHMARKS
from benchmarks.processes import ROOT, output, peak_bytes, wall_s
from benchmarks.record_cases import RECORD_BENCHMARKS
from benchmarks.records import Benchmark, Found, UnmeasurableError
from benchmarks.study_cases import STUDY_BENCHMARKS
from benchmarks.sweep_cases import SWEEP_BENCHMARKS
from benchmarks.timing import best
from benchmarks.trace_cases import TRACE_BENCHMARKS

SCENARIO = "scenarios/colossus_200k.yaml"
TABLE = ROOT.parent / "shared" / "reference" / "training_throughput.csv"
"""Published steps, beside the repository."""
TRAINING_S = 60.0
SMOOTHED_S = 600.0

_SMOOTHED_PEAK = f"""
from benchmarks.load_test import SMOOTHING, load_test
load_test(damping=(SMOOTHING,)).waveform({SMOOTHED_S}, seed=1)
"""

_PEAK = f"""
from benchmarks.fabric_cases import FABRIC_BENCHMARKS
from benchmarks.load_test import load_test
load_test().waveform({TRAINING_S}, seed=1)
"""


@cache
def _compiled() -> LoadTest:
    """Return the load test after one step, so that everything is compiled."""
    test = load_test()
    test.step(0)
    return test


def step_196k() -> Found:
    """One jittered step of 196,608 GPUs with its waveform, best of twenty; peer: times longer interpreted."""
    test = _compiled()
    value = best(lambda: test.step(1), 20)
    interpreted = float(output(["-W", "ignore", "-m", "benchmarks.load_test"], {"NUMBA_DISABLE_JIT": "1"}))
    return Found(value, interpreted * test.operations / value)


def train_60s() -> Found:
    """60 s of training of 196,608 GPUs, every step drawn anew; peer: against drawing its jitter alone with NumPy."""
    test = _compiled()
    value = best(lambda: test.waveform(TRAINING_S, seed=1), 2)
    steps = int(np.ceil(TRAINING_S / test.step(1)))
    rng = np.random.default_rng(1)
    draw = best(lambda: rng.lognormal(size=test.operations), 2) * steps
    return Found(value, value / draw)


def smoothed_600s() -> Found:
    """600 s of 196,608 GPUs behind a smoothing profile on every rank; peer: against the same without a profile."""
    value = best(lambda: load_test(damping=(SMOOTHING,)).waveform(SMOOTHED_S, seed=1), 1)
    return Found(value, value / best(lambda: _compiled().waveform(SMOOTHED_S, seed=1), 1))


def smoothed_memory() -> Found:
    """Largest resident memory of a process that does `smoothed_600s`; no peer."""
    return Found(peak_bytes(_SMOOTHED_PEAK) / 1e9)


def peak_memory() -> Found:
    """Largest resident memory of a process that does `train_60s`; no peer."""
    return Found(peak_bytes(_PEAK) / 1e9)


def operation_30d() -> Found:
    """30 days of a job on 200,000 GPUs, best of two; no peer."""
    from clustersim.operation import JobFacts, OperationSpec, simulate_operation

    facts = JobFacts(
        gpus=200_000, servers=25_000, step_time_s=1.0, step_time_cv=1e-3, checkpoint_bytes=28e12, links=200_000
    )
    spec = OperationSpec(horizon="30 d", restart_time="300 s")  # type: ignore[arg-type]
    return Found(best(lambda: simulate_operation(spec, facts, np.random.SeedSequence(1)), 2))


def _all_plans() -> int:
    """Search every plan of Llama 3.1 405B on 16,384 H100, and return how many were tried."""
    from clustersim.training.plan_space import plan_space, search_space
    from clustersim.workload import load_model
    from clustersim.workload.configuration import model_record
    from clustersim.workload.footprint import usable_bytes
    from clustersim.workload.hardware import hardware_of

    plans = plan_space(
        model_record(load_model("llama3.1-405b")), accelerators=16384, sequences=2048, sequence_length=8192, domain=8
    )
    chip = "H100-SXM"
    search_space(plans, hardware_of([chip], ["bf16"], [None], [None]), float(usable_bytes([chip])[0]))
    return plans.size


def plan_search() -> Found:
    """All plans of Llama 3.1 405B on 16,384 H100, best of three; no peer."""
    return Found(best(_all_plans, 3))


def plan_rate() -> Found:
    """Plans tried per second among all plans of Llama 3.1 405B on 16,384 H100; peer: against one plan at a time."""
    from clustersim.training.closed_form import estimate_steps
    from clustersim.workload import load_model
    from clustersim.workload.configuration import configurations, model_record
    from clustersim.workload.hardware import hardware_of

    rate = _all_plans() / best(_all_plans, 3)
    record = model_record(load_model("llama3.1-405b")) | {
        "sequence": 8192.0, "accelerators": 16384.0, "tensor": 8.0, "micro_batch": 1.0, "micro_batches": 16.0,
    }  # fmt: skip
    one, hardware = configurations([record]), hardware_of(["H100-SXM"], ["bf16"], [None], [None])
    return Found(rate, rate * best(lambda: estimate_steps(one, hardware), 20))


def _run(folder: str, cache_folder: str | None = None) -> float:
    environment = {} if cache_folder is None else {"NUMBA_CACHE_DIR": cache_folder}
    return wall_s(["-m", "clustersim", "run", SCENARIO, "--force", "--out", folder], environment)


def run_warm() -> Found:
    """A run of the main scenario, kernels compiled before, best of three; peer: against starting a bare Python."""
    with tempfile.TemporaryDirectory() as folder:
        _run(str(Path(folder) / "first"))
        value = min(_run(str(Path(folder) / f"{k}")) for k in range(3))
    return Found(value, value / wall_s(["-c", "pass"]))


def run_cold() -> Found:
    """The process of a run of the main scenario with nothing compiled; no peer."""
    with tempfile.TemporaryDirectory() as folder:
        return Found(_run(str(Path(folder) / "out"), str(Path(folder) / "cache")))


def help_text() -> Found:
    """``clustersim --help``, best of five; peer: against starting a bare Python."""
    value = min(wall_s(["-m", "clustersim", "--help"]) for _ in range(5))
    return Found(value, value / min(wall_s(["-c", "pass"]) for _ in range(5)))


def size_memphis() -> Found:
    """The main scenario sized for ercot-lel with two processes, compiled; no peer."""
    with tempfile.TemporaryDirectory() as folder:
        words = ["-m", "clustersim", "size", SCENARIO, "--meet", "ercot-lel", "--processes", "2", "--out", folder]
        return Found(wall_s(words))


def validate_table() -> Found:
    """``clustersim validate`` of the published steps, best of three; peer: against starting a bare Python."""
    if not TABLE.is_file():
        raise UnmeasurableError(f"no table of published steps at {TABLE}")
    value = min(wall_s(["-m", "clustersim", "validate", str(TABLE)]) for _ in range(3))
    return Found(value, value / wall_s(["-c", "pass"]))


BENCHMARKS = {
    benchmark.name: benchmark
    for benchmark in (
        Benchmark("step_196k", "s", 0.10, "lower", step_196k),
        Benchmark("train_60s", "s", 1.5, "lower", train_60s),
        Benchmark("peak_memory", "GB", 1.5, "lower", peak_memory),
        Benchmark("smoothed_600s", "s", 20.0, "lower", smoothed_600s),
        Benchmark("smoothed_memory", "GB", 2.0, "lower", smoothed_memory),
        Benchmark("operation_30d", "s", 3.0, "lower", operation_30d),
        Benchmark("plan_search", "s", 5.0, "lower", plan_search),
        Benchmark("plan_rate", "1/s", 20000.0, "higher", plan_rate),
        Benchmark("run_warm", "s", 8.0, "lower", run_warm),
        Benchmark("run_cold", "s", 45.0, "lower", run_cold),
        Benchmark("validate_table", "s", 5.0, "lower", validate_table),
        Benchmark("help", "s", 0.4, "lower", help_text),
        Benchmark("size_memphis", "s", 60.0, "lower", size_memphis),
        *FABRIC_BENCHMARKS,
        *DAMPING_BENCHMARKS,
        *TRACE_BENCHMARKS,
        *RECORD_BENCHMARKS,
        *DASHBOARD_BENCHMARKS,
        *PLANT_BENCHMARKS,
        *OPERATION_BENCHMARKS,
        *SWEEP_BENCHMARKS,
        *STUDY_BENCHMARKS,
    )
}
