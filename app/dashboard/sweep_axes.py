"""The controls of a study's axes."""

from __future__ import annotations

from typing import Any

import streamlit as st

from clustersim.errors import InputError
from clustersim.study.compare.differences import shortened
from clustersim.study.sweep.catalog_axes import is_figure
from clustersim.study.sweep.spec import DISCRETE, SAMPLED
from clustersim.summary_keys import summary_keys
from dashboard import show, sweep_fields, sweep_study

KINDS = {
    "values": "A list of values",
    "range": "Range, equal steps",
    "log_range": "Range, equal ratios",
    "uniform": "Drawn, uniform",
    "log_uniform": "Drawn, log-uniform",
    "normal": "Drawn, normal (5 % to 95 %)",
    "band": "Drawn, the figure's own band",
}


def axes() -> None:
    """Show every axis, and what adds another one."""
    for at, path in enumerate(list(sweep_study.tree()["axes"])):
        _axis(at, path)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        known = sweep_fields.fields()
        _adder("field", "Add a field of the scenario", known)
        figures = sweep_fields.figures()
        _adder("figure", "Add a figure of the catalog", figures)


def _adder(name: str, label: str, known: dict[str, Any]) -> None:
    told = {path: f"{path}: {shortened(value)[:40]}" for path, value in known.items()}
    path = st.selectbox(
        label, list(known), index=None, format_func=lambda path: told.get(path, path), accept_new_options=True,
        key=sweep_study.key(f"add-{name}"), placeholder="Type to search, or write a key path", width=440,
    )  # fmt: skip
    if path and path not in sweep_study.tree()["axes"]:
        value = known.get(path)
        sweep_study.tree()["axes"][path] = {"values": [value]} | _free_name(path)
        sweep_study.renew()
        st.rerun()


def _free_name(path: str) -> dict[str, str]:
    """Return a name for an axis whose own one is that of an answer."""
    last = path.rsplit(".", 1)[-1]
    return {"name": f"{last}_set"} if last in summary_keys() else {}


def _axis(at: int, path: str) -> None:
    spec = _whole(sweep_study.tree()["axes"][path])
    kind = next((one for one in (*DISCRETE, *SAMPLED) if one in spec), "values")
    with st.container(border=True):
        head, button = st.columns([6, 1], vertical_alignment="center")
        head.markdown(f"**{show.plain(path)}**")
        if button.button("Remove", key=sweep_study.key(f"{at}-remove"), icon=":material/delete:", type="tertiary"):
            del sweep_study.tree()["axes"][path]
            sweep_study.renew()
            st.rerun()
        kinds = [one for one in KINDS if one != "band" or is_figure(path)]
        with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
            chosen = st.selectbox(
                "How it varies", kinds, index=kinds.index(kind) if kind in kinds else 0, format_func=KINDS.__getitem__,
                key=sweep_study.key(f"{at}-kind"), width=240,
            )  # fmt: skip
            body = spec.get(kind) if chosen == kind else _switched(spec, kind, chosen)
            try:
                found = _body(at, chosen, body)
            except InputError as error:
                st.error(show.plain(str(error)), icon=":material/error:")
                return
            name = st.text_input(
                "Column", spec.get("name") or "", key=sweep_study.key(f"{at}-name"), width=160, max_chars=60,
                placeholder="by its key", help="Its name in the table and in formulas.",
            )  # fmt: skip
        kept = {key: spec[key] for key in ("labels", "whole") if key in spec} | ({"name": name} if name else {})
        if len(kept.get("labels", ())) != len(found if isinstance(found, list) else ()):
            kept.pop("labels", None)
        sweep_study.tree()["axes"][path] = {chosen: found} | kept


def _whole(spec: Any) -> dict[str, Any]:
    return {"values": spec} if isinstance(spec, list) else dict(spec)


def _switched(spec: dict[str, Any], kind: str, wanted: str) -> Any:
    """Return what an axis of another kind begins with: the ends that it had."""
    body = spec.get(kind)
    if isinstance(body, dict):
        low, high = body.get("from"), body.get("to")
    else:
        values = body if isinstance(body, list) and body else [0]
        low, high = values[0], values[-1]
    if wanted == "values":
        return [low] if low == high else [low, high]
    if wanted == "band":
        return True
    return {"from": low, "to": high} | ({"steps": 3} if wanted in ("range", "log_range") else {})


def _body(at: int, kind: str, body: Any) -> Any:
    """Show the controls of one kind; return what the study says."""
    if kind == "values":
        text = st.text_input(
            "Values, separated by commas", sweep_study.flow(body), key=sweep_study.key(f"{at}-values"), width=440,
            help="As a scenario file writes them: 10 MW, 70 %, 2048, or whole sections in braces.",
        )  # fmt: skip
        return sweep_study.read_values(text or "")
    if kind == "band":
        st.caption("From the low to the high end of what its source allows, likeliest at its value.")
        return True
    ends = {}
    for name, label in (("from", "From"), ("to", "To")):
        given = body.get(name)
        text = st.text_input(
            label, "" if given is None else str(given), key=sweep_study.key(f"{at}-{kind}-{name}"), width=140
        )
        ends[name] = sweep_study.read_number(text or "")
    if kind in ("range", "log_range"):
        if body.get("step") is not None:
            step = st.text_input("Step", str(body["step"]), key=sweep_study.key(f"{at}-{kind}-step"), width=140)
            return ends | {"step": sweep_study.read_number(step or "")}
        steps = int(body.get("steps", 3))
        ends["steps"] = int(st.number_input("Values", 1, 1000, steps, key=sweep_study.key(f"{at}-{kind}-n"), width=120))
    return ends
