"""The dashboard: pick a scenario, change its main knobs, run it, and look at the five answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd
import streamlit as st
import yaml

from clustersim import units
from clustersim.errors import InputError
from clustersim.report import charts, figures
from clustersim.report.fabric_picture import place_picture, site_picture
from clustersim.report.page import html
from clustersim.report.pod_picture import pod_picture
from clustersim.report.sections import verdict_table
from clustersim.report.text import cooling_words, damping_words, limiter, plan_words
from clustersim.report.words import answer, dollars, megawatts, number
from clustersim.scenario import Scenario, has_job, load_scenario, run_id, shipped
from clustersim.study.place_survey import result_place
from clustersim.study.result import Result
from clustersim.study.run import run

PLOT = {"displaylogo": False}
KINDS = {
    "gpu_smoothing": "GPU smoothing profile",
    "dummy_compute": "dummy compute",
    "power_cap": "power cap",
    "site_battery": "site battery",
}
MODES = {"grid_parallel": "beside the grid", "island": "as an island"}
DAY_S = units.TABLE["time"]["d"]


@st.cache_data(max_entries=8, show_spinner=False)
def simulated(
    identity: str,  # noqa: ARG001 (the key of the cache)
    _scenario: Scenario,
    _tell: Callable[[str], None],
) -> Result:
    """The result of a scenario, kept by the identity of the run."""
    return run(_scenario, _tell)


@st.cache_data(max_entries=8, show_spinner=False)
def report_page(identity: str, _result: Result) -> str:  # noqa: ARG001 (the key of the cache)
    """The report of a run, kept by the identity of the run."""
    return html(_result)


@st.cache_data(max_entries=32, show_spinner=False)
def fabric_picture(identity: str, site: str | None, expanded: bool, _result: Result) -> str:  # noqa: ARG001 (the key)
    """The fabric of a run, or of one site of it, by tiers or the first pod switch by switch."""
    place = result_place(_result)
    if site is None:
        return place_picture(place.fabric, place.topology.title)
    return pod_picture(place.fabric, site) if expanded else site_picture(place.fabric, site)


def knobs(base: Scenario) -> dict[str, Any] | None:
    """Show the form; return the overrides when it is sent."""
    own = {strategy.kind: strategy for strategy in base.damping}
    with st.form(f"knobs-{base.name}", border=False):
        st.subheader("Job")
        seed = st.number_input("Seed", min_value=0, value=base.seed, step=1, key="seed")
        tokens = st.number_input(
            "Tokens per step, at most [million]",
            min_value=0.001,
            value=base.job.tokens_per_step_max / 1e6,
            key="tokens",
        )
        length = st.number_input(
            "Sequence length", min_value=1, value=base.job.sequence_length, step=1024, key="length"
        )
        horizon = st.number_input(
            "Horizon [days]", min_value=0.01, value=base.operation.horizon / DAY_S, key="horizon", max_value=366.0
        )
        st.subheader("Damping")
        kinds = st.multiselect(
            "Strategies",
            list(KINDS),
            default=[kind for kind in own if kind in KINDS],
            format_func=KINDS.__getitem__,
            key="damping",
        )
        smoothing, dummy, battery = own.get("gpu_smoothing"), own.get("dummy_compute"), own.get("site_battery")
        floor = st.slider("GPU smoothing: floor [% of rated]", 1, 100, _percent(smoothing, 80), key="floor")
        burn = st.slider("Dummy compute: level [% of rated]", 1, 100, _percent(dummy, 70), key="burn")
        cap = own.get("power_cap")
        limit = st.slider(
            "Power cap: limit [% of rated]", 1, 100, round(100 * cap.limit) if cap is not None else 80, key="cap"
        )
        seconds = st.number_input(
            "Site battery: time constant [s]", value=battery.time_constant if battery else 60.0, key="time_constant"
        )
        st.subheader("Place and money")
        mode = st.radio(
            "Supply", list(MODES), index=list(MODES).index(base.plant.mode), format_func=MODES.__getitem__, key="mode"
        )
        price = st.text_input(
            "Electricity price", value=base.economics.electricity_price or "", key="price",
            help="Such as 60 USD/MWh, or a state such as TN; empty: the catalog's default.",
        )  # fmt: skip
        if not st.form_submit_button("Run", type="primary", width="stretch"):
            return None
    settings = {
        "gpu_smoothing": _changed(smoothing, kind="gpu_smoothing", floor=f"{floor} %"),
        "dummy_compute": _changed(dummy, kind="dummy_compute", floor=f"{burn} %"),
        "power_cap": _changed(cap, kind="power_cap", limit=f"{limit} %"),
        "site_battery": _changed(battery, kind="site_battery", time_constant=f"{seconds!r} s"),
    }
    return {
        "seed": int(seed),
        "job.tokens_per_step_max": round(tokens * 1e6),
        "job.sequence_length": int(length),
        "operation.horizon": f"{horizon!r} d",
        # what the form does not show stays as the file has it
        "damping": [settings[kind] for kind in kinds]
        + [_changed(strategy) for kind, strategy in own.items() if kind not in KINDS],
        "plant.mode": mode,
        "economics.electricity_price": price.strip() or None,
    }


def _percent(strategy: Any, otherwise: int) -> int:
    return round(100 * strategy.floor) if strategy is not None else otherwise


def _changed(strategy: Any, **values: str) -> dict[str, Any]:
    """The strategy of the file with the values of the form on top."""
    return (strategy.model_dump(mode="json") if strategy is not None else {}) | values


def metrics(result: Result, keys: list[tuple[str, str]]) -> None:
    """Show summary keys side by side; those without a value show a dash."""
    for column, (key, label) in zip(st.columns(len(keys)), keys, strict=True):
        column.metric(label, answer(key, result.summary.get(key)))


def chart(figure: Any, key: str, note: str = "") -> None:
    st.plotly_chart(figure, width="stretch", config=PLOT, key=key, theme=None)
    if note:
        st.caption(note)


def overview(result: Result) -> None:
    """The first answers to each of the five questions."""
    s = result.summary
    rows = [
        [
            ("Tokens/s", f"{number(s['tokens_per_s'] / 1e6)} M"),
            ("Iteration time", answer("iteration_time_s", s["iteration_time_s"])),
            ("MFU", answer("mfu", s["mfu"])),
            ("Goodput", answer("goodput", s["goodput"])),
            ("To build", dollars(s["capex_usd"]).removesuffix(" USD")),
            ("A million tokens", answer("usd_per_million_tokens", s["usd_per_million_tokens"])),
        ],
        [
            ("IT drawn, mean", megawatts(s["it_mean_mw"])),
            ("IT provisioned", megawatts(s["provisioned_mw"])),
            ("Meter, mean", megawatts(s["mean_mw"])),
            ("Swing", megawatts(s["swing_mw"])),
            ("Cooling missing", megawatts(s["cooling_shortfall_mw"])),
            ("Rules broken", number(s["rules_failed"])),
        ],
    ]
    for row in rows:
        for column, (label, value) in zip(st.columns(len(row)), row, strict=True):
            column.metric(label, value)
    if s["cooling_shortfall_mw"]:
        st.error(f"Cooling: {cooling_words(s)}", icon=":material/mode_heat:")


def speed(result: Result) -> None:
    st.markdown(f"**Largest loss:** {limiter(result.summary)}  \n**Plan:** {plan_words(result.summary)}")
    chart(charts.breakdown([result]), "breakdown")
    st.markdown("**One step of the first unit, stage by stage**")
    chart(charts.gantt(result.step), "gantt")
    st.markdown("**How the job spent its days**")
    chart(charts.states_by_day(result.timeline), "states")


@st.fragment
def fabric(result: Result) -> None:
    """The network by tiers; a site alone, and its first pod switch by switch."""
    left, right = st.columns(2)
    sites = [None, *result.scenario["topology"]["site"]]
    site = left.selectbox("Site", sites, format_func=lambda name: name or "the whole place", key="fabric_site")
    views = ("by tiers", "first pod")
    view = right.radio("View", views, horizontal=True, disabled=site is None, key="fabric_view")
    st.image(fabric_picture(result.run_id, site, view == views[1], result), width="stretch")
    st.caption("Ratios: capacity below over capacity above. `clustersim topology` tells delays, cables and losses.")


@st.fragment
def power(result: Result) -> None:
    """Waveform with a box to look closer; only this part runs again."""
    metrics(
        result,
        [
            ("it_computing_mw", "IT while computing"),
            ("it_bubble_mw", "Taken off by the bubble"),
            ("peak_mw", "Meter, peak"),
            ("max_ramp_up_mw_per_s", "Largest rise in 1 s"),
        ],
    )
    name = st.segmented_control("Window", list(result.waveforms), default="steady", key="window") or "steady"
    wave = result.waveforms[name]
    figure = figures.waveform(wave).update_layout(dragmode="select", selectdirection="h")
    event = st.plotly_chart(
        figure, width="stretch", config=PLOT, key=f"wave-{name}", theme=None, on_select="rerun", selection_mode="box"
    )
    st.caption(f"{figures.waveform_note(wave)} Drag a box to look closer.")
    boxes = event["selection"]["box"]
    first, last = sorted(boxes[0]["x"]) if boxes else (0.0, 3.0 * result.summary["iteration_time_s"])
    st.markdown(f"**{first:.2f} s to {last:.2f} s**" if boxes else "**The first three steps**")
    chart(figures.waveform(wave, first, last), "detail", figures.waveform_note(wave, first, last))
    st.markdown("**Spectrum of the meter, steady training**")
    chart(figures.spectrum(result.waveforms["steady"]), "spectrum")


@st.fragment
def plant(result: Result) -> None:
    metrics(
        result,
        [
            ("min_frequency_hz", "Lowest frequency"),
            ("max_rocof_hz_per_s", "RoCoF over 500 ms"),
            ("pst", "Flicker Pst"),
            ("cooling_heat_mw", "Heat to cool"),
        ],
    )
    chart(figures.margins(result.verdict), "margins")
    table = verdict_table(result.verdict)
    colours = {"PASS": "color: #00735a", "FAIL": "color: #b3440a; font-weight: 600", "not judged": "color: #52606d"}
    frame = pd.DataFrame(table.rows, columns=list(table.head))
    st.dataframe(frame.style.map(colours.__getitem__, subset=["verdict"]), hide_index=True, width="stretch")
    pairs = list(dict.fromkeys((r.window, r.mode) for r in result.responses))
    chosen = st.selectbox(
        "Plant response", pairs, format_func=lambda pair: f"{pair[0]}, {MODES[pair[1]]}", key="response"
    )
    chart(figures.plant_response(result.responses, *chosen), "plant")


def money(result: Result) -> None:
    st.markdown(f"**Damping:** {damping_words(result.scenario)}")
    metrics(
        result,
        [
            ("damping_energy_share", "More energy"),
            ("throughput_loss", "Fewer tokens"),
            ("battery_cycles_per_year", "Battery cycles"),
            ("energy_usd", "Energy over the horizon"),
        ],
    )
    chart(charts.costs(result.cost), "costs")
    st.dataframe(result.cost, hide_index=True, width="stretch")


def files(result: Result) -> None:
    st.markdown(
        f"{len(result.assumed)} figures of this run that nobody published: an estimate, or recalled from memory."
    )
    st.dataframe(result.assumed, hide_index=True, width="stretch")
    scenario = yaml.safe_dump(result.scenario, sort_keys=False)
    left, right = st.columns(2)
    name = f"{result.name}-{result.run_id}"
    left.download_button("Scenario (YAML)", scenario, f"{name}.yaml", on_click="ignore", width="stretch")
    page = report_page(result.run_id, result)
    right.download_button("Report (HTML)", page, f"{name}.html", "text/html", on_click="ignore", width="stretch")


def show(result: Result) -> None:
    st.header(result.scenario["title"], anchor=False)
    st.caption(f"run {result.run_id}, seed {result.scenario['seed']}")
    overview(result)
    if result.warnings:
        with st.expander(f"{len(result.warnings)} warnings"):
            st.markdown("\n".join(f"- {text}" for text in result.warnings))
    with st.expander("Fabric"):
        fabric(result)
    titles = ["How fast", "Its power", "Does the plant survive", "Damping and cost", "Assumed figures and files"]
    for tab, part in zip(st.tabs(titles), (speed, power, plant, money, files), strict=True):
        with tab:
            part(result)


def main() -> None:
    st.set_page_config(page_title="clustersim", layout="wide")
    st.html("<style>[data-testid=stMetricValue]{font-size:1.5rem}.stMainBlockContainer{padding-top:3rem}</style>")
    paths = {path.stem: path for path in sorted(shipped("scenarios").glob("*.yaml")) if has_job(path)}
    with st.sidebar:
        st.title("clustersim", anchor=False)
        name = st.selectbox("Scenario", list(paths), key="scenario")
        overrides = knobs(load_scenario(paths[name]))
    if overrides is not None:
        st.session_state["asked"] = (name, overrides)
    if "asked" not in st.session_state:
        st.header(load_scenario(paths[name]).title, anchor=False)
        st.info("Change what you like on the left and press Run. A run takes about ten seconds.")
        return
    name, overrides = st.session_state["asked"]
    place = st.empty()
    status = place.status("Simulating")
    try:
        scenario = load_scenario(paths[name], overrides)
        result = simulated(run_id(scenario), scenario, lambda part: status.update(label=f"Simulating: {part}"))
    except InputError as error:
        st.session_state.pop("asked")
        place.error(str(error))
        return
    place.empty()
    show(result)


main()
