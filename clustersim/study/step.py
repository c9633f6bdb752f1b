"""The training step of a scenario: plan, timing and jittered traces."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clustersim import catalog
from clustersim.errors import InputError
from clustersim.power.device import damping_slowdown
from clustersim.scenario import Scenario
from clustersim.study.place import Place, build_fleet, build_place
from clustersim.training.records import Fleet, JitterSpec, StepTiming, StepTrace
from clustersim.training.search import Candidate, program_of, search_plans
from clustersim.training.simulate import rank_slowness, simulate_step
from clustersim.training.timing import slowed, step_timing
from clustersim.workload import ModelSpec, PlanSpec, StepProgram, check_memory, load_model, model_flops_per_token

STREAMS = ("rank_speed", "steps", "operation", "windows")
"""Names of the random streams; each has its own, so that adding one shifts no other."""


@dataclass(frozen=True)
class StepStudy:
    """The step of a scenario, ready to be run any number of times."""

    scenario: Scenario
    place: Place
    model: ModelSpec
    plan: PlanSpec
    candidates: tuple[Candidate, ...]
    """Plans of the search, fastest first; empty when the plan was given."""
    program: StepProgram
    timing: StepTiming
    fleet: Fleet
    jitter: JitterSpec
    slow: NDArray[np.float64]
    keys: NDArray[np.uint64]
    """Keys of independent steps."""
    warnings: tuple[str, ...]

    @property
    def tokens_per_step(self) -> int:
        """Tokens of one optimizer update."""
        return self.plan.sequences * self.scenario.job.sequence_length

    @property
    def accelerators(self) -> int:
        """Accelerators of the place, those that the plan leaves idle included."""
        return self.place.accelerators

    def trace(self, index: int) -> StepTrace:
        """Return the `index`-th independent step."""
        return simulate_step(self.timing, self.fleet, self.jitter, self.slow, int(self.keys[index % self.keys.size]))

    def quiet(self) -> StepTrace:
        """Return a step without any jitter."""
        return simulate_step(self.timing, self.fleet, JitterSpec(0.0, 0.0), np.ones_like(self.slow), 0)

    def mfu(self, iteration_time_s: float, *, causal: bool = True) -> float:
        """Model-FLOPs utilisation of all accelerators of the plan. [-]"""
        flops = model_flops_per_token(self.model, self.scenario.job.sequence_length, causal=causal)
        peaks = np.array([device.peak for device in self.place.devices])
        peak = float((self.fleet.class_members[self.fleet.unit_class] @ peaks).sum()) * self.plan.pipeline
        return flops * self.tokens_per_step / iteration_time_s / peak

    def hfu(self, iteration_time_s: float) -> float:
        """Hardware-FLOPs utilisation: what recomputation repeats counts too. [-]"""
        repeated = 4.0 / 3.0 if self.plan.recompute == "full" else 1.0
        return repeated * self.mfu(iteration_time_s)


def random_stream(scenario: Scenario, name: str) -> np.random.SeedSequence:
    """Return the named random stream of a scenario."""
    return np.random.SeedSequence(scenario.seed).spawn(len(STREAMS))[STREAMS.index(name)]


def study_step(scenario: Scenario) -> StepStudy:
    """Return the step of `scenario` on the plan that it gives, or on the best plan found.

    Raises
    ------
    InputError
        If the model is unknown, the plan cannot cut it, it does not fit, or the step holds too many tokens.
    """
    job = scenario.job
    model = load_model(job.model)
    place = build_place(scenario.topology, job.precision)
    candidates: tuple[Candidate, ...] = ()
    if job.plan == "best":
        candidates = tuple(search_plans(model, job, place.devices, place.network))
        plan, program = candidates[0].plan, candidates[0].program
    else:
        plan = job.plan
        if plan.precision != job.precision:
            raise InputError(f"job.plan.precision: expected {job.precision}, as job.precision, found {plan.precision}")
        build_fleet(place, plan)
        program = program_of(model, plan, job, place.devices)
        check_memory(program)
        tokens = plan.sequences * job.sequence_length
        if tokens > job.tokens_per_step_max:
            raise InputError(
                f"job.plan: a step of {plan.sequences} sequences holds {tokens:,} tokens, more than "
                f"job.tokens_per_step_max = {job.tokens_per_step_max:,}"
            )
    timing = slowed(step_timing(program, place.network), 1.0 + damping_slowdown(scenario.damping))
    fleet = build_fleet(place, plan)
    spread = catalog.entry("device_power", "jitter")
    jitter = JitterSpec(spread.si("operation"), spread.si("rank"))
    keys = random_stream(scenario, "steps").generate_state(4096, np.uint64)
    return StepStudy(
        scenario=scenario,
        place=place,
        model=model,
        plan=plan,
        candidates=candidates,
        program=program,
        timing=timing,
        fleet=fleet,
        jitter=jitter,
        slow=rank_slowness(fleet, plan.pipeline, jitter.rank_sigma, random_stream(scenario, "rank_speed")),
        keys=np.asarray(keys, dtype=np.uint64),
        warnings=_warnings(scenario, place, plan),
    )


def _warnings(scenario: Scenario, place: Place, plan: PlanSpec) -> tuple[str, ...]:
    """Return what the user should know about the step."""
    said = []
    tokens = plan.sequences * scenario.job.sequence_length
    limit = scenario.job.critical_batch_tokens
    if limit is not None and tokens > limit:
        said.append(f"a step of {tokens / 1e6:.0f} M tokens is above the critical batch of {limit / 1e6:.0f} M tokens")
    idle = place.accelerators - plan.accelerators
    if idle:
        said.append(f"the plan leaves {idle:,} of {place.accelerators:,} accelerators idle")
    if any(strategy.kind == "gpu_smoothing" for strategy in scenario.damping):
        without = [
            name for name, _ in place.fleet_kinds if not catalog.entry("accelerators", name).properties.get("smoothing")
        ]
        if without:
            said.append(
                f"{', '.join(without)} has no power-smoothing profile (Blackwell or newer): gpu_smoothing is a what-if"
            )
    return tuple(said)
