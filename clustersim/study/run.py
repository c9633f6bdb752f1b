"""One scenario from its file to the result: all rooms in order, and the loops between them."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd

from clustersim import catalog
from clustersim.economics import CostTable, estimate_cost
from clustersim.economics.facts import Accelerators, Battery, CostFacts, Generators
from clustersim.limits import Evidence, Rating, Trace, Verdict, judge, rules_of
from clustersim.operation import JobFacts, Timeline, simulate_operation
from clustersim.plant import PlantResponse, simulate_plant, steady_cooling
from clustersim.power.records import Waveform, coarsen
from clustersim.scenario import Scenario, resolved, run_id
from clustersim.study.assumed import assumed_figures
from clustersim.study.baseline import Baseline, undamped
from clustersim.study.findings import Findings
from clustersim.study.it_power import HallPower, Pool, close_up, crash_window, restart_window, steady_window, step_pool
from clustersim.study.result import Result
from clustersim.study.site_power import SitePower, provisioned_w, site_power, storage_of
from clustersim.study.step import StepStudy, random_stream, study_step
from clustersim.study.summary import summarise
from clustersim.workload import count_parameters

Progress = Callable[[str], None]

CHECKPOINT_BYTES = 14
"""bf16 weight and fp32 master weight with two moments. [B per parameter]"""


@dataclass(frozen=True)
class _Windows:
    steady: SitePower
    events: tuple[SitePower, ...]

    @property
    def all(self) -> tuple[SitePower, ...]:
        return (self.steady, *self.events)


def run(scenario: Scenario, progress: Progress = lambda _: None) -> Result:
    """Run a scenario through every room.

    Parameters
    ----------
    scenario : Scenario
        What to run.
    progress : callable, optional
        Told the name of each part as it begins.

    Raises
    ------
    InputError
        If the scenario asks for something that is not there or does not fit.
    """
    clock: dict[str, float] = {}

    def timed(name: str) -> None:
        progress(name)
        clock[name] = time.perf_counter()

    timed("training step and plan")
    study = study_step(scenario)
    pool = step_pool(study)
    timed("operation")
    timeline = _operate(study, pool)
    timed("power")
    windows = _windows(study, pool, timeline)
    base = undamped(study, pool)
    timed("plant")
    responses = _respond(study, windows)
    timed("limits and cost")
    verdict = judge(rules_of(scenario.limits), _evidence(study, windows, responses))
    findings = _findings(study, pool, timeline, windows, responses, base, verdict)
    cost = estimate_cost(scenario.economics, _cost_facts(study, findings))
    summary, reasons = summarise(findings, cost)
    timed("done")
    names = list(clock)
    return Result(
        run_id=run_id(scenario),
        name=scenario.name,
        scenario=resolved(scenario),
        summary=summary,
        reasons=reasons,
        step=_step_table(study, pool),
        timeline=timeline.table,
        events=_events(timeline),
        waveforms={power.window: power.waveform for power in windows.all},
        close_up=_close_up(study, pool),
        responses=responses,
        verdict=verdict.table,
        cost=cost.table,
        bill=_bill(study),
        plans=plan_table(study),
        assumed=assumed_figures(study),
        warnings=_warnings(study, findings, responses),
        wall_s={a: clock[b] - clock[a] for a, b in pairwise(names)},
    )


def _operate(study: StepStudy, pool: Pool) -> Timeline:
    scenario = study.scenario
    servers = sum(site.accelerators / site.servers.accelerators_per_server for site in scenario.topology.site.values())
    share = study.plan.accelerators / study.accelerators
    tpu = all(name.startswith("TPU") for name, _ in study.place.fleet_kinds)
    trees = study.place.fabric.sites
    facts = JobFacts(
        gpus=study.plan.accelerators,
        servers=round(servers * share),
        step_time_s=pool.iteration_time_s,
        step_time_cv=pool.cv,
        checkpoint_bytes=CHECKPOINT_BYTES * count_parameters(study.model).total,
        family="tpu" if tpu else "gpu",
        switches=0 if tpu else sum(t.leaf_switches + t.spine_switches + t.core_switches for t in trees),
        links=0 if tpu else sum(tree.host_links for tree in trees),
    )
    return simulate_operation(scenario.operation, facts, random_stream(scenario, "operation"))


def _windows(study: StepStudy, pool: Pool, timeline: Timeline) -> _Windows:
    """Return the power of the steady window and of the operation's crash and restart."""
    at = {window.name: window for window in timeline.windows}
    start = at["steady"].t0_s if "steady" in at else 0.0
    steady = site_power(study, steady_window(study, pool, start))
    usual = _it_means(study, steady.waveform)
    events: list[SitePower] = []
    if "crash" in at:
        crash = at["crash"]
        hall = crash_window(study, pool, crash.t0_s, crash.cause, _detection_s(timeline, crash.event_s))
        events.append(site_power(study, hall, usual))
    if "restart" in at:
        restart = at["restart"]
        hall = restart_window(study, pool, restart.t0_s, restart.cause)
        events.append(site_power(study, hall, _before(study, hall)))
    return _Windows(steady, tuple(events))


def _detection_s(timeline: Timeline, event_s: float) -> float:
    """Return how long it takes to notice the failure at `event_s`. [s]"""
    table = timeline.table
    rows = table[(table["state"] == "detect") & (table["t_start_s"] >= event_s - 1e-6)]
    return float(rows.iloc[0]["t_end_s"] - rows.iloc[0]["t_start_s"]) if len(rows) else 0.0


def _it_means(study: StepStudy, wave: Waveform) -> dict[str, float]:
    return {site: float(wave.power(f"{site}/it").mean()) for site in study.place.topology.site}


def _before(study: StepStudy, hall: HallPower) -> dict[str, float]:
    """Return the IT power of each site before the event of a window. [W]"""
    early = site_power(study, hall).waveform
    count = max(1, round(hall.event_s / hall.dt_s / 2))
    return {site: float(early.power(f"{site}/it")[:count].mean()) for site in study.place.topology.site}


def _respond(study: StepStudy, windows: _Windows) -> tuple[PlantResponse, ...]:
    """Return the plant's answer to every window at every site; sites with generators are also tried as an island."""
    found = []
    for site, plant in study.place.topology.electrical.items():
        modes = [study.scenario.plant.mode]
        if plant.generators is not None and "island" not in modes:
            modes.append("island")
        for power in windows.all:
            wave = power.waveform
            load, reactive = wave.power(site), wave.reactive(site)
            initial = None
            if power.window != "steady":
                initial = float(load[: max(1, round(power.hall.event_s / wave.dt_s / 2))].mean())
            found += [
                simulate_plant(plant, site, power.window, load, reactive, wave.dt_s, wave.t0_s, mode, initial)
                for mode in modes
            ]
    return tuple(found)


def _evidence(study: StepStudy, windows: _Windows, responses: tuple[PlantResponse, ...]) -> Evidence:
    traces = []
    for site in study.place.topology.site:
        for power in windows.all:
            wave = power.waveform
            voltage = next(
                (
                    r.voltage_pu
                    for r in responses
                    if (r.site, r.window, r.mode) == (site, power.window, "grid_parallel")
                ),
                None,
            )
            traces.append(Trace(site, power.window, wave.dt_s, wave.power(site), voltage, power.window == "steady"))
    return Evidence(tuple(traces), responses, tuple(_ratings(study, windows, responses)))


def _ratings(study: StepStudy, windows: _Windows, responses: tuple[PlantResponse, ...]) -> list[Rating]:
    """Return what each piece of equipment carries and may carry; one-second means, the worst window."""
    found = []
    provided = provisioned_w(study)
    for site, plant in study.place.topology.electrical.items():
        own = [r for r in responses if r.site == site and r.mode == study.scenario.plant.mode]
        if plant.grid is not None:
            most = max(_one_second(r.grid_w, r.dt_s) for r in own)
            found.append(Rating("grid_capacity", site, most, plant.grid.capacity, "connection agreement"))
        if plant.generators is not None:
            rated = plant.generators.count * catalog.entry("generators", plant.generators.type).si("rating")
            found.append(
                Rating("generator", site, max(_one_second(r.generator_w, r.dt_s) for r in own), rated, "rating")
            )
        for stage in plant.conversion:
            most = max(_one_second(p.waveform.power(site), p.waveform.dt_s) for p in windows.all)
            found.append(Rating(stage.stage, site, most * stage.share, stage.rating, "rating"))
        storage = storage_of(study, site)
        if storage is not None:
            most = max(_one_second(np.abs(p.storage[site].battery_w), p.waveform.dt_s) for p in windows.all)
            found.append(Rating("battery_power", site, most, storage.power_w, "rating"))
        it = windows.steady.waveform.power(f"{site}/it")
        cooling = steady_cooling(study.place.topology.cooling[site], float(it.mean()))
        found.append(Rating("cooling", site, float(it.mean()), cooling.capacity_w, "catalog, kind cooling"))
        most = max(_one_second(p.waveform.power(f"{site}/it"), p.waveform.dt_s) for p in windows.all)
        found.append(Rating("provisioned_it", site, most, provided[site], "nameplates"))
    return found


def _one_second(power_w: np.ndarray, dt_s: float) -> float:
    return float(coarsen(power_w, max(1, round(1.0 / dt_s))).max())


def _findings(
    study: StepStudy,
    pool: Pool,
    timeline: Timeline,
    windows: _Windows,
    responses: tuple[PlantResponse, ...],
    base: Baseline,
    verdict: Verdict,
) -> Findings:
    return Findings(
        study=study,
        pool=pool,
        timeline=timeline,
        steady=windows.steady,
        events=windows.events,
        responses=responses,
        base=base,
        verdict=verdict,
        provisioned=provisioned_w(study),
    )


def _cost_facts(study: StepStudy, findings: Findings) -> CostFacts:
    topology = study.place.topology
    horizon = findings.timeline.horizon_s
    generated = findings.generator_energy_j
    generators: list[Generators] = []
    batteries: list[Battery] = []
    for site, plant in topology.electrical.items():
        if plant.generators is not None:
            rated = plant.generators.count * catalog.entry("generators", plant.generators.type).si("rating")
            generators.append(Generators(plant.generators.type, rated, generated[site]))
        if plant.battery is not None:
            unit = catalog.entry("batteries", plant.battery.type).si("energy")
            energy = plant.battery.energy if plant.battery.energy is not None else plant.battery.count * unit
            batteries.append(Battery(plant.battery.type, energy))
    kinds: dict[str, list[float]] = {}
    for place in topology.site.values():
        for item in place.fleet:
            name = catalog.entry("accelerators", item.accelerator).name
            counts = kinds.setdefault(name, [0, 0])
            counts[0] += item.count
            counts[1] += item.count / place.servers.accelerators_per_server
    return CostFacts(
        accelerators=tuple(Accelerators(name, int(c), round(s)) for name, (c, s) in kinds.items()),
        network_usd=study.place.network_usd,
        provisioned_it_w=sum(findings.provisioned.values()),
        mean_it_w=findings.it_energy_j / horizon,
        horizon_s=horizon,
        grid_energy_j=findings.meter_energy_j - sum(generated.values()),
        tokens_per_s=findings.tokens_per_s,
        goodput=findings.timeline.goodput,
        generators=tuple(generators),
        batteries=tuple(batteries),
        fibre_m=sum(route.route_m for route in study.place.fabric.wan),
        damping_energy_j=max(0.0, findings.damping_energy_j),
    )


def _step_table(study: StepStudy, pool: Pool) -> pd.DataFrame:
    """Return the operations of the first step for a first and a last unit."""
    trace = pool.traces[0]
    schedule = study.timing.schedule
    units = sorted({0, study.fleet.unit_class.size - 1})
    stages = np.repeat(np.arange(schedule.stages), schedule.per_stage)
    parts = [
        pd.DataFrame(
            {
                "unit": unit,
                "stage": stages,
                "kind": np.where(schedule.kind.ravel() == 0, "forward", "backward"),
                "virtual_stage": schedule.virtual_stage.ravel(),
                "micro_batch": schedule.micro_batch.ravel(),
                "start_s": trace.start_s[unit],
                "end_s": trace.end_s[unit],
            }
        )
        for unit in units
    ]
    for unit in units:
        for stage in range(schedule.stages):
            tail = [
                ("data_exchange", trace.end_s[unit].reshape(schedule.stages, -1)[stage, -1], trace.optimizer_start_s),
                ("optimizer", trace.optimizer_start_s, trace.optimizer_end_s[stage]),
                ("gather", trace.optimizer_end_s[stage], trace.iteration_time_s),
            ]
            parts.append(
                pd.DataFrame(
                    {
                        "unit": unit,
                        "stage": stage,
                        "kind": [t[0] for t in tail],
                        "virtual_stage": -1,
                        "micro_batch": -1,
                        "start_s": [t[1] for t in tail],
                        "end_s": [t[2] for t in tail],
                    }
                )
            )
    return pd.concat(parts, ignore_index=True)


def _close_up(study: StepStudy, pool: Pool) -> pd.DataFrame:
    found = close_up(study, pool)
    times = np.arange(found["rack"].size) * 1e-3
    return pd.DataFrame({"time_s": times} | {f"{name}_w": found[name] for name in ("rack", "server", "accelerator")})


def _events(timeline: Timeline) -> pd.DataFrame:
    rows = [(window.event_s, window.name, window.cause) for window in timeline.windows]
    table = timeline.table
    failed = table[table["state"] == "detect"]
    rows += [(float(t), "interruption", str(c)) for t, c in zip(failed["t_start_s"], failed["cause"], strict=True)]
    return pd.DataFrame(sorted(rows), columns=["t_s", "kind", "cause"])


def _bill(study: StepStudy) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {
                "place": item.place,
                "item": item.item,
                "part": item.part,
                "count": item.count,
                "watts_typical": item.watts_typical,
                "watts_maximum": item.watts_maximum,
                "usd": item.usd,
            }
            for item in study.place.bill
        ]
    ).astype({"watts_typical": "float64", "watts_maximum": "float64", "usd": "float64"})


def plan_table(study: StepStudy, top: int = 10) -> pd.DataFrame:
    """Return the best plans of the search (or the given one): cut, memory, estimated time, tokens per second, MFU."""
    rows = []
    for candidate in study.candidates[:top]:
        plan = candidate.plan
        rows.append(
            {
                "tensor": plan.tensor,
                "pipeline": plan.pipeline,
                "virtual_stages": plan.virtual_stages,
                "expert": plan.expert,
                "data": plan.data,
                "micro_batches": plan.micro_batches,
                "recompute": plan.recompute,
                "accelerators": plan.accelerators,
                "tokens_per_step": plan.sequences * study.scenario.job.sequence_length,
                "memory_gb": candidate.memory_bytes / 1e9,
                "iteration_time_s": candidate.iteration_time_s,
                "tokens_per_s": candidate.tokens_per_s,
            }
        )
    return pd.DataFrame(rows)


def _warnings(study: StepStudy, findings: Findings, responses: tuple[PlantResponse, ...]) -> tuple[str, ...]:
    said = list(study.warnings) + list(findings.warnings)
    for response in responses:
        said += [f"{response.site}, {response.window}, {response.mode}: {text}" for text in response.warnings]
    return tuple(dict.fromkeys(said))


__all__ = ["CostTable", "plan_table", "run"]
