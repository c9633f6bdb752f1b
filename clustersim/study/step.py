"""The training step of a scenario: plan, timing and jittered traces."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from clustersim import catalog
from clustersim.errors import CapacityError, InputError, nearest
from clustersim.power.device_damping import device_damping, power_cap
from clustersim.power.dummy import FILLER_NAMES, GAP_STRATEGIES, gap_filler
from clustersim.power.sharing import device_sharing
from clustersim.power.smoothing import device_profile
from clustersim.scenario import Scenario
from clustersim.study.exchange_damping import changes_exchange, with_changed_exchange
from clustersim.study.gaps import longest_gap_s
from clustersim.study.places.place import Place, build_fleet, build_place
from clustersim.study.random_streams import random_stream
from clustersim.study.shared import shared
from clustersim.study.staggering import check_stagger, stagger_warnings
from clustersim.training.network import Network, fewest_replicas
from clustersim.training.records import ACTIVITIES, Fleet, JitterSpec, StepTiming, StepTrace
from clustersim.training.search import Candidate, search_plans
from clustersim.training.simulate import balanced, rank_slowness, simulate_step, unit_batches
from clustersim.training.timing import slowed, step_timing
from clustersim.workload import (
    ModelSpec,
    PlanSpec,
    StepProgram,
    build_step_program,
    check_memory,
    load_model,
    model_flops_per_token,
    selective_flops_per_token,
)
from clustersim.workload.capping import capping_curve
from clustersim.workload.hardware import capped, with_exchange_path

JITTERED = 8
"""Plans of the search that are ranked again with jitter."""

LIMITED = ("matrix", "memory")
"""Activities that a power limit slows down."""


@dataclass(frozen=True)
class StepStudy:
    """The step of a scenario, ready to be run any number of times."""

    scenario: Scenario
    place: Place
    model: ModelSpec
    plan: PlanSpec
    candidates: tuple[Candidate, ...]
    """The best plans of the search, fastest first; empty when the plan was given."""
    fitting: int
    """Plans that the search found to fit; 0 when the plan was given."""
    program: StepProgram
    timing: StepTiming
    fleet: Fleet
    jitter: JitterSpec
    slow: NDArray[np.float64]
    keys: NDArray[np.uint64]
    """Keys of independent steps."""
    warnings: tuple[str, ...]
    others_w: dict[str, float] = field(default_factory=dict)
    """Mean IT power at each site of what shares the cluster with the job, above that of idle servers. [W]"""

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
        key = int(self.keys[index % self.keys.size])
        return simulate_step(self._stalled(key), self.fleet, self.jitter, self.slow, key)

    def _stalled(self, key: int) -> StepTiming:
        """Return the timing with the wait for input and host of one step: normal, never below zero."""
        job = self.scenario.job
        if not job.data_stall_spread:
            return self.timing
        drawn = np.random.default_rng(key).normal(job.data_stall, job.data_stall_spread)
        return replace(self.timing, stall_s=self.timing.stall_s - job.data_stall + max(float(drawn), 0.0))

    def quiet(self) -> StepTrace:
        """Return a step without any jitter."""
        return simulate_step(self.timing, self.fleet, JitterSpec(0.0, 0.0), np.ones_like(self.slow), 0)

    def mfu(self, iteration_time_s: float, *, causal: bool = False) -> float:
        """Model-FLOPs utilisation of the plan's accelerators [-].

        As PaLM and Megatron define it: attention counts the whole square; `causal` counts the half that is computed.
        """
        flops = model_flops_per_token(self.model, self.scenario.job.sequence_length, causal=causal)
        members = self.fleet.class_members[self.fleet.unit_class]
        peak = float((members @ self.place.hardware.peak).sum()) * self.plan.pipeline
        return flops * self.tokens_per_step / iteration_time_s / peak

    def hfu(self, iteration_time_s: float) -> float:
        """Hardware-FLOPs utilisation: what recomputation repeats counts too [-]."""
        model = self.model
        if self.plan.recompute == "full":
            return self.mfu(iteration_time_s) * (1.0 + self.plan.recompute_share / 3.0)
        if self.plan.recompute == "none":
            return self.mfu(iteration_time_s)
        sequence = self.scenario.job.sequence_length
        repeated = selective_flops_per_token(model, sequence, fused=self.plan.flash_attention)
        flops = model_flops_per_token(model, sequence, causal=False)
        return self.mfu(iteration_time_s) * (1.0 + repeated / flops)


def study_step(scenario: Scenario) -> StepStudy:
    """Return the step of `scenario` on the plan that it gives, or on the best plan found.

    Raises
    ------
    InputError
        If the model is unknown, the plan cannot cut it, it does not fit, or the step holds too many tokens.
    """
    job = scenario.job
    model = load_model(job.model)
    place = _place(scenario)
    _check_damping(scenario, place)
    place = _limited(place, power_cap(scenario.damping))
    place = replace(place, hardware=with_changed_exchange(place.hardware, scenario.damping))
    candidates: tuple[Candidate, ...] = ()
    fitting = 0
    if job.plan == "best":
        candidates, fitting = _searched(scenario, place, model)
        plan, program = candidates[0].plan, candidates[0].program
    else:
        plan = job.plan
        if plan.precision != job.precision:
            raise InputError(f"job.plan.precision: expected {job.precision}, as job.precision, found {plan.precision}")
        build_fleet(place, plan)
        program = _program(model, plan, scenario, place)
        check_memory(program)
        tokens = plan.sequences * job.sequence_length
        if tokens > job.tokens_per_step_max:
            raise InputError(
                f"job.plan: a step of {plan.sequences} sequences holds {tokens:,} tokens, more than "
                f"job.tokens_per_step_max = {job.tokens_per_step_max:,}"
            )
    check_stagger(scenario.damping, place, build_fleet(place, plan).unit_node)
    study = _on_plan(scenario, place, model, plan, program, candidates, fitting, scenario.damping)
    filler = gap_filler(scenario.damping)
    if filler is None or filler.delay_s + filler.lead_s < longest_gap_s(study.trace(0)):
        return study
    # kernels that never run share nothing
    others = tuple(strategy for strategy in scenario.damping if not isinstance(strategy, GAP_STRATEGIES))
    study = _on_plan(scenario, place, model, plan, program, candidates, fitting, others)
    said = (
        f"{FILLER_NAMES[filler.kind]}: no gap of the step is longer than the {filler.delay_s + filler.lead_s:.4g} s "
        f"that it needs, the longest takes {longest_gap_s(study.trace(0)):.3g} s: it fills none while the job trains, "
        "and costs no time"
    )
    return replace(study, warnings=(*study.warnings, said))


def _searched(scenario: Scenario, place: Place, model: ModelSpec) -> tuple[tuple[Candidate, ...], int]:
    """Return the best plans, fastest first, and how many fit; points of a study with the same job share them."""
    job = scenario.job

    def search() -> tuple[tuple[Candidate, ...], int]:
        found = search_plans(model, job, place.kinds, place.hardware, place.network)
        return _ranked_with_jitter(scenario, place, found.candidates), found.fitting

    sites = place.topology.site
    return shared("plans", search, model, job, sites, place.fleet_kinds, place.hardware, place.network, scenario.seed)


def _on_plan(
    scenario: Scenario,
    place: Place,
    model: ModelSpec,
    plan: PlanSpec,
    program: StepProgram,
    candidates: tuple[Candidate, ...],
    fitting: int,
    sharing: tuple[object, ...],
) -> StepStudy:
    """Return the study of a plan whose step shares the device with the kernels of the strategies `sharing`."""
    timing = slowed(step_timing(program, place.network), **vars(device_sharing(sharing)))
    fleet = build_fleet(place, plan)
    if plan.balance:
        timing, fleet, program = _shared_out(timing, fleet, program, scenario, place)
    jitter = _jitter()
    keys = random_stream(scenario, "steps").generate_state(4096, np.uint64)
    return StepStudy(
        scenario=scenario,
        place=place,
        model=model,
        plan=plan,
        candidates=candidates,
        fitting=fitting,
        program=program,
        timing=timing,
        fleet=fleet,
        jitter=jitter,
        slow=rank_slowness(fleet, plan.pipeline, jitter, random_stream(scenario, "rank_speed")),
        keys=np.asarray(keys, dtype=np.uint64),
        warnings=_warnings(scenario, place, plan),
    )


def _place(scenario: Scenario) -> Place:
    """Return the place of a scenario with the software of its job."""
    job = scenario.job
    place = build_place(scenario.topology, job.precision, job.stack)
    reached = replace(place.hardware, step_fixed=place.hardware.step_fixed + job.data_stall)
    if job.exchange_path is not None:
        reached = with_exchange_path(reached, place.kinds, job.exchange_path)
    return replace(place, hardware=reached, network=_main_network(scenario, place))


def _main_network(scenario: Scenario, place: Place) -> Network:
    """Return the network of the place with accelerators at the sites of the main job alone.

    Raises
    ------
    InputError
        If the topology has no site of that name.
    """
    shared = scenario.operation.fleet
    if shared is None or shared.main_sites is None:
        return place.network
    sites = tuple(scenario.topology.site)
    for name in shared.main_sites:
        if name not in sites:
            raise InputError(
                f"operation.fleet.main_sites: expected sites of {scenario.topology.name} ({', '.join(sites)}), "
                f"found {name!r}{nearest(name, sites)}"
            )
    held = zip(sites, place.network.accelerators, strict=True)
    return replace(place.network, accelerators=tuple(n if name in shared.main_sites else 0 for name, n in held))


def _check_damping(scenario: Scenario, place: Place) -> None:
    """Raise if a strategy would hold accelerators at a power above their limit."""
    filler, cap = device_damping(scenario.damping).gap_filler, power_cap(scenario.damping)
    held = [] if filler is None else [(FILLER_NAMES[filler.kind], filler.top)]
    for device in place.power:
        profile, _ = device_profile(scenario.damping, device)
        if profile is not None:
            held.append(("the smoothing profile", profile.floor_w / device.rated_w))
    for name, level in held:
        if level > cap:
            raise InputError(
                f"damping: {name} holds {100 * level:.3g} %, above the power_cap of {100 * cap:.3g} %; "
                "expected at most the cap"
            )


def _limited(place: Place, cap: float) -> Place:
    """Return the place with its accelerators under a power limit, a share of their rated power."""
    if cap >= 1.0:
        return place
    for device in place.power:
        least = float(device.level_w[ACTIVITIES.index("exchange")])
        if cap * device.rated_w < least:
            raise InputError(
                f"damping: power_cap of {100 * cap:.3g} % is {cap * device.rated_w:.4g} W, less than the {least:.4g} W "
                f"that {device.name} draws while it exchanges; expected {100 * least / device.rated_w:.3g} % or more"
            )
    levels = np.array([[device.level_w[ACTIVITIES.index(name)] for name in LIMITED] for device in place.power])
    limits = [cap * device.rated_w for device in place.power]
    return replace(place, hardware=capped(place.hardware, place.kinds, limits, levels))


def _program(model: ModelSpec, plan: PlanSpec, scenario: Scenario, place: Place) -> StepProgram:
    """Return the step program of a plan on a place."""
    return build_step_program(
        model,
        plan,
        scenario.job.sequence_length,
        place.kinds,
        reached=place.hardware,
        replicas=fewest_replicas(plan, place.network),
    )


def _shared_out(
    timing: StepTiming, fleet: Fleet, program: StepProgram, scenario: Scenario, place: Place
) -> tuple[StepTiming, Fleet, StepProgram]:
    """Return timing, fleet and program of a balanced plan; the memory is that of the replica with most micro-batches.

    Raises
    ------
    CapacityError
        If there is nothing to share out, or the fastest replicas would need more memory than there is.
    """
    timing, fleet = balanced(timing, fleet)
    most = program.plan.model_copy(update={"micro_batches": timing.most_batches})
    fullest = _program(program.model, most, scenario, place)
    check_memory(fullest)
    program = replace(program, memory=fullest.memory)
    return replace(timing, program=program), fleet, program


def unlimited_program(study: StepStudy) -> StepProgram:
    """Return the step program of the study's plan without any power limit, its exchange as the software has it."""
    if power_cap(study.scenario.damping) >= 1.0 and not changes_exchange(study.scenario.damping):
        return study.program
    place = _place(study.scenario)
    # the same layers on the same stages, whatever the speeds would suggest
    stages = study.plan.pipeline * study.plan.virtual_stages
    cut = tuple(int(count) for count in study.program.layers[:stages])
    plan = study.plan.model_copy(update={"stage_layers": cut})
    return _program(study.model, plan, study.scenario, place)


def _jitter() -> JitterSpec:
    spread = catalog.entry("device_power", "jitter")
    return JitterSpec(spread.si("operation"), spread.si("rank"))


def _ranked_with_jitter(scenario: Scenario, place: Place, candidates: tuple[Candidate, ...]) -> tuple[Candidate, ...]:
    """Return the candidates with the best of them ranked by one jittered step each: larger groups suffer more."""
    jitter = _jitter()
    best: list[tuple[float, Candidate]] = []
    for candidate in (one for found in candidates[:JITTERED] for one in _variants(found, place)):
        fleet = build_fleet(place, candidate.plan)
        timing = step_timing(candidate.program, place.network)
        if candidate.plan.balance:
            try:
                timing, fleet, program = _shared_out(timing, fleet, candidate.program, scenario, place)
            except CapacityError:
                continue  # too few micro-batches or too little memory: the plan as it was is among the variants
            candidate = replace(candidate, program=program, memory_bytes=float(program.memory_bytes.max()))
            if (unit_batches(timing, fleet) == candidate.plan.micro_batches).all():
                continue  # nothing to share out differently
        slow = rank_slowness(fleet, candidate.plan.pipeline, jitter, random_stream(scenario, "rank_speed"))
        trace = simulate_step(timing, fleet, jitter, slow, 0)
        tokens = candidate.tokens_per_s * candidate.iteration_time_s / trace.iteration_time_s
        best.append((tokens, replace(candidate, iteration_time_s=trace.iteration_time_s, tokens_per_s=tokens)))
    best.sort(key=lambda item: -item[0])
    return (*(candidate for _, candidate in best), *candidates[JITTERED:])


def _variants(candidate: Candidate, place: Place) -> tuple[Candidate, ...]:
    """Return the plan, and on a mixed fleet the same with micro-batches shared out by speed."""
    if len(place.kinds) < 2 or candidate.plan.schedule == "dualpipe":
        return (candidate,)
    plan = candidate.plan.model_copy(update={"balance": True})
    return candidate, replace(candidate, plan=plan, program=replace(candidate.program, plan=plan))


def _warnings(scenario: Scenario, place: Place, plan: PlanSpec) -> tuple[str, ...]:
    """Return what the user should know about the step."""
    said = []
    tokens = plan.sequences * scenario.job.sequence_length
    limit = scenario.job.critical_batch_tokens
    if limit is not None and tokens > limit:
        said.append(f"a step of {tokens / 1e6:.0f} M tokens is above the critical batch of {limit / 1e6:.0f} M tokens")
    idle = place.accelerators - plan.accelerators
    if idle:
        left = "idle" if scenario.operation.fleet is None else "to the rest of the fleet"
        said.append(f"the plan leaves {idle:,} of {place.accelerators:,} accelerators {left}")
    said += stagger_warnings(scenario.damping)
    cap = power_cap(scenario.damping)
    for name, device in zip(place.kinds, place.power, strict=True):
        drawn = float(device.level_w[ACTIVITIES.index("matrix")])
        least = float(capping_curve(name)[0][1]) * drawn if cap < 1.0 else 0.0
        if cap * device.rated_w < least:
            said.append(f"power_cap of {100 * cap:.3g} %: the speed of {name} below {least:.0f} W is extrapolated")
    if any(strategy.kind in ("gpu_smoothing", "gpu_smoothing_profile") for strategy in scenario.damping):
        without = [
            name for name, _ in place.fleet_kinds if not catalog.entry("accelerators", name).properties.get("smoothing")
        ]
        if without:
            said.append(f"{', '.join(without)} has no power-smoothing profile (Blackwell or newer): it is a what-if")
    return tuple(said)
