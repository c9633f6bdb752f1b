"""A result as text for a terminal, in the order in which a planner asks."""

from __future__ import annotations

import json
from typing import Any

from clustersim.report.cooling_course import loop_words
from clustersim.report.expected_text import expected_text
from clustersim.report.issuers import foreign_rules
from clustersim.report.measured import cycle_s, load_lines
from clustersim.report.text_plant import battery_words, event_words, generation_words
from clustersim.report.verdict import verdict_text
from clustersim.report.words import answer, dollars, megawatts, number, percent, wrapped
from clustersim.study.result import Result

_LABEL = 26
_PARTS = {"rest": "rest of the server", "fans": "server fans", "supply": "power supplies"}


def summary_text(result: Result) -> str:
    """Return the answers of a run, at most 100 columns wide."""
    head = f"{result.scenario['title']}\n{result.name}, run {result.run_id}, seed {result.scenario['seed']}"
    parts = [
        head,
        _load(result) if result.measured else _speed(result),
        _power(result),
        _plant(result),
        _damping(result),
        _money(result),
    ]
    if len(result.expected):
        parts.append(expected_text(result.expected))
    if result.warnings:
        parts.append("WARNINGS\n" + "\n".join(wrapped(text, "  ! ", "    ") for text in result.warnings))
    assumed = len(result.assumed)
    parts.append(
        f"ASSUMED FIGURES\n  {assumed} figures that nobody published: assumed.parquet and the report list them"
    )
    return "\n\n".join(parts)


def _line(label: str, text: str) -> str:
    return wrapped(text, f"  {label:<{_LABEL}} ", " " * (_LABEL + 3))


def _speed(result: Result) -> str:
    s = result.summary
    idle = s["accelerators"] - s["accelerators_used"]
    return "\n".join(
        [
            "1  HOW FAST DOES IT TRAIN, AND WHAT LIMITS IT",
            _line("iteration time", f"{answer('iteration_time_s', s['iteration_time_s'])} "
                  f"({number(s['tokens_per_step'] / 1e6)} M tokens per step)"),
            _line("speed", f"{number(s['tokens_per_s'] / 1e6)} M tokens/s on {number(s['accelerators_used'])} "
                  f"accelerators{f' ({number(idle)} idle)' if idle else ''}, {number(s['tokens_per_s_per_gpu'])} each"),
            _line("MFU / HFU", f"{percent(s['mfu'])} / {percent(s['hfu'])}"),
            _line("time of a step", f"compute {percent(s['compute_fraction'])}, "
                  f"bubble {percent(s['bubble_fraction'])}, "
                  f"exposed communication {percent(s['exposed_comm_fraction'])}, "
                  f"between sites (hidden or not) {percent(s['wan_fraction'])}"),
            _line("memory per accelerator", answer("memory_per_gpu_gb", s["memory_per_gpu_gb"])),
            _line("goodput", f"{percent(s['goodput'])} of {number(s['horizon_days'])} days, "
                  f"{number(s['interruptions'])} interruptions; the token budget takes "
                  f"{number(s['days_to_budget'])} days"),
            _line("largest loss", limiter(s)),
            _line("plan", plan_words(s)),
        ]
    )  # fmt: skip


def _load(result: Result) -> str:
    lines = [_line(label, text) for label, text in load_lines(result)]
    return "\n".join(["1  THE LOAD, AS MEASURED", *lines])


def limiter(summary: dict[str, Any]) -> str:
    """Return which loss takes the largest share of the time; compute itself when nothing takes more than a tenth."""
    goodput = summary["goodput"]
    losses = {
        "failures and restarts": 1.0 - goodput,
        "communication that compute does not hide": goodput * summary["exposed_comm_fraction"],
        "the pipeline bubble": goodput * summary["bubble_fraction"],
    }
    name, share = max(losses.items(), key=lambda item: item[1])
    if share < 0.1:
        return f"none above 10 %: compute limits the job ({name} take {percent(share)})"
    return f"{name}: {percent(share)} of all time"


def plan_words(plan: dict[str, Any]) -> str:
    """Return a plan in words."""
    return (
        f"tensor {plan['tensor']} x context {plan['context']} x pipeline {plan['pipeline']} ({plan['virtual_stages']} "
        f"virtual stages, {plan['schedule']}) x data {plan['data']} (sharded: {plan['sharding']}), expert "
        f"{plan['expert']} (exchange hidden: {plan['expert_overlap']}), {plan['micro_batches']} micro-batches, "
        f"recompute {plan['recompute']}"
    )


def _power(result: Result) -> str:
    s = result.summary
    kind, cycle, period = (
        ("as measured", "cycle", "cycle") if result.measured else ("steady training", "step", "iteration")
    )
    return "\n".join(
        [
            f"2  WHAT ITS POWER LOOKS LIKE (100 ms means, {kind})",
            *([_line("drawn IT, mean", megawatts(s["it_mean_mw"]))] if result.measured else _drawn(s)),
            _line("provisioned IT", f"{megawatts(s['provisioned_mw'])} by nameplates, "
                  f"{percent(s['it_mean_mw'] / s['provisioned_mw'])} of it drawn on average"),
            _line("at the meter", f"mean {megawatts(s['mean_mw'])}, peak {megawatts(s['peak_mw'])}, "
                  f"trough {megawatts(s['trough_mw'])}"),
            _line(f"swing within a {cycle}", f"{megawatts(s['swing_mw'])} at the meter, "
                  f"{megawatts(s['it_swing_mw'])} at the supplies, every {number(cycle_s(result))} s"),
            _line("largest change in 1 s", f"+{number(s['max_ramp_up_mw_per_s'])} / "
                  f"-{number(s['max_ramp_down_mw_per_s'])} MW/s over all windows"),
            _line("harmonics", f"{_harmonics(result)} of the {period} at the meter (amplitude)"),
            _line("in 0.1-20 Hz", f"{percent(s['band_energy_share'])} of the swings' energy, "
                  f"{percent(s['band_amplitude_share'])} of their amplitude"),
            _line("energy", f"{number(s['energy_mwh'])} MWh over the horizon, PUE {number(s['pue'])}"),
        ]
    )  # fmt: skip


def _drawn(s: dict[str, Any]) -> list[str]:
    """Return the lines of what a job's accelerators draw, and its band."""
    return [
            _line("drawn IT, computing", f"{megawatts(s['it_computing_mw'])} while every rank computes"),
            _line("drawn IT, mean", f"{megawatts(s['it_mean_mw'])} over the step: the bubble takes off "
                  f"{megawatts(s['it_bubble_mw'])}, exchange and optimizer {megawatts(_rest_mw(s))}"),
            _line("its band", f"mean {_band(s, 'mean')}, swing at the supplies {_band(s, 'swing')}, by the bands of "
                  f"the catalog; widest part: {_PARTS.get(s['it_band_of'], s['it_band_of'] + ' level')}"),
    ]  # fmt: skip


def _harmonics(result: Result) -> str:
    """Return the amplitudes of the first harmonics with their frequencies."""
    s = result.summary
    known = [(n, s[f"harmonic_{n}_mw"]) for n in (1, 2, 3) if s[f"harmonic_{n}_mw"] is not None]
    if not known:
        return "none"
    return ", ".join(f"{megawatts(value)} at {number(n / cycle_s(result))} Hz" for n, value in known)


def _band(s: dict[str, Any], name: str) -> str:
    """Return low and high of a figure of IT power."""
    low, high = s[f"it_{name}_low_mw"], s[f"it_{name}_high_mw"]
    return "not known" if low is None else f"{number(low)} to {megawatts(high)}"


def _rest_mw(s: dict[str, Any]) -> float:
    """Return what takes the mean below the computing level beside the bubble. [MW]"""
    return float(s["it_computing_mw"] - s["it_bubble_mw"] - s["it_mean_mw"])


def _plant(result: Result) -> str:
    s = result.summary
    lines = ["3  DOES THE PLANT SURVIVE IT"]
    lines.append(_line("frequency", _frequency(s, "")))
    if "island_min_frequency_hz" in s:
        lines.append(_line("frequency as an island", _frequency(s, "island_")))
    if s.get("max_voltage_dip_pu") is not None:
        flicker = f", flicker Pst {number(s['pst'])}" if s.get("pst") is not None else ""
        lines.append(_line("voltage", f"largest dip {percent(s['max_voltage_dip_pu'])} at the connection{flicker}"))
    if s.get("modal_deviation_mhz") is not None:
        lines.append(_line("grid modes", _modes(s)))
    lines.append(_line("cooling", cooling_words(s)))
    if (temperature := loop_words(result)) is not None:
        lines.append(_line("cooling, the loop", temperature))
    if "cooling_units_spare" in s:
        lines.append(_line("cooling, loss of units", reserve_words(s)))
    if s.get("hours_above_cooling_capacity") is not None:
        lines.append(_line("cooling, a year of weather", year_words(s)))
    for label, words in (("generators on site", generation_words(s)), ("events of the grid", event_words(s))):
        if words is not None:
            lines.append(_line(label, words))
    failed = s["rules_failed"]
    verdict = "every rule that could be judged is kept" if not failed else f"{failed} rules broken"
    lines.append(_line("verdict", f"{verdict}, {s['rules_not_judged']} not judged"))
    return "\n".join([*lines, "", verdict_text(result.verdict, foreign_rules(result))])


def _frequency(s: dict[str, Any], prefix: str) -> str:
    return (
        f"{s[f'{prefix}min_frequency_hz']:.3f} to {s[f'{prefix}max_frequency_hz']:.3f} Hz, "
        f"RoCoF {number(s[f'{prefix}max_rocof_hz_per_s'])} Hz/s over 500 ms"
    )


def _modes(s: dict[str, Any]) -> str:
    margin = s["resonance_margin"]
    usual, worst = (answer(key, s[key]) for key in ("modal_deviation_mhz", "modal_deviation_worst_mhz"))
    return (
        f"move by {usual}, {worst} with "
        f"the modes at the worst place of their bands{'' if margin is None else f', margin {percent(margin)}'}"
    )


def cooling_words(s: dict[str, Any]) -> str:
    """Return heat, capacity and what is missing."""
    text = (
        f"heat {megawatts(s['cooling_heat_mw'])}, capacity {megawatts(s['cooling_capacity_mw'])} "
        f"({number(s['cooling_capacity_low_mw'])} to {number(s['cooling_capacity_high_mw'])})"
    )
    if not s["cooling_shortfall_mw"]:
        return f"{text}: enough"
    minutes = s["cooling_minutes_to_alarm"]
    return (
        f"{text}: {megawatts(s['cooling_shortfall_mw'])} SHORT"
        f"{f', alarm after {number(minutes)} min' if minutes is not None else ''}"
    )


def reserve_words(s: dict[str, Any]) -> str:
    """Return how many units may fail, and what a dip that stops all of them does."""
    spare, minutes = s["cooling_units_spare"], s["cooling_minutes_to_alarm_n1"]
    text = "none to spare" if spare is None else f"{number(spare)} may fail"
    if minutes is not None:
        text += f", one lost: alarm after {number(minutes)} min"
    if s["cooling_dip_ride_through"]:
        return f"{text}; after a dip that stops all they are back before the alarm"
    return f"{text}; a dip that stops all: alarm after {number(s['cooling_minutes_to_alarm_dip'])} min"


def year_words(s: dict[str, Any]) -> str:
    """Return PUE, water and the worst hour of a year of weather at the mean load."""
    water = f", water {number(s['wue_l_per_kwh'])} L/kWh of IT" if s["wue_l_per_kwh"] else ""
    pue = "no PUE: heat above capacity in most hours"
    if s["pue_annual"] is not None:
        pue = f"PUE {number(s['pue_annual'])}, worst hour {number(s['peak_hour_pue'])}{water}"
    return (
        f"{pue}; capacity in the worst hour "
        f"{megawatts(s['cooling_capacity_worst_hour_mw'])}, heat above capacity in "
        f"{number(s['hours_above_cooling_capacity'])} hours"
    )


def damping_words(scenario: dict[str, Any]) -> str:
    """Return the damping strategies of a resolved scenario in words."""
    said = []
    for strategy in scenario["damping"]:
        settings = [f"{key} {value}" for key, value in strategy.items() if key != "kind" and value is not None]
        said.append(f"{strategy['kind']} ({', '.join(settings)})" if settings else strategy["kind"])
    return ", ".join(said).replace("_", " ") or "none"


def _damping(result: Result) -> str:
    s = result.summary
    equal = "" if result.measured else " at equal tokens"
    lines = ["4  WHAT DAMPING COSTS", _line("damping", damping_words(result.scenario))]
    lines.append(
        _line(
            "energy",
            f"{percent(s['damping_energy_share'])} more{equal}: {number(s['damping_energy_mwh'])} MWh",
        )
    )
    loss = s["throughput_loss"]
    if loss is not None:
        lines.append(_line("throughput", f"{percent(abs(loss))} {'more' if loss < 0.0 else 'fewer'} tokens"))
    for name in ("battery", "rack_storage", "psu_storage", "hybrid_capacitor", "hybrid_battery", "meter_store"):
        cycles = s.get(f"{name}_cycles_per_year")
        if cycles is not None:
            deepest = percent(s.get(f"{name}_cycle_depth_share"))
            lines.append(_line(name.replace("_", " "), f"{number(cycles)} full cycles a year, the deepest {deepest}"))
    life = battery_words(s)
    if life is not None:
        lines.append(_line("battery life", life))
    if s.get("load_bank_energy_mwh") is not None:
        lines.append(_line("load bank", f"{number(s['load_bank_energy_mwh'])} MWh burned"))
    return "\n".join(lines)


def _money(result: Result) -> str:
    s = result.summary
    hourly = dollars(s["tco_usd_per_h"])
    lines = [
        "5  WHAT IT COSTS",
        _line("to build", dollars(s["capex_usd"])),
        _line("to run", f"{hourly}/h with depreciation; energy {dollars(s['energy_usd'])} over the horizon"),
    ]
    if not result.measured:
        lines.append(_line("a million tokens", answer("usd_per_million_tokens", s["usd_per_million_tokens"])))
    return "\n".join(lines)


def as_data(result: Result) -> dict[str, Any]:
    """Return a run as plain data for JSON: the summary's keys, and what explains them."""
    records = {
        name: json.loads(getattr(result, name).to_json(orient="records"))
        for name in ("verdict", "cost", "plans", "assumed", "expected")
    }
    head = {"run_id": result.run_id, "name": result.name, "seed": result.scenario["seed"]}
    return head | result.summary | {"null_keys": result.reasons, "warnings": list(result.warnings)} | records
