"""Defining a study: where it begins, its axes, how they combine, what is answered and kept."""

from __future__ import annotations

from typing import Any

import streamlit as st

from clustersim.errors import InputError
from clustersim.study.sweep.spec import SAMPLES_OF
from clustersim.summary_keys import summary_keys
from dashboard import show, state, sweep_axes, sweep_study, sweep_upload

COMBINE = {
    "grid": "Every combination (grid)",
    "zip": "Together, value by value (zip)",
    "latin_hypercube": "Latin hypercube",
    "sobol": "Sobol sequence",
    "saltelli": "Saltelli's points, for Sobol's indices",
    "one_at_a_time": "One at a time, for a tornado",
}
LEVELS = {
    "step": "step: the training step",
    "steady": "steady: with power, limits and cost",
    "run": "run: all of a run",
    "operate": "operate: failures and goodput",
}


def define() -> None:
    """Show the controls of the study in hand; what they say is in it afterwards."""
    _begin_with()
    notice = st.session_state.pop("sweep-notice", "")
    if notice:
        st.warning(show.plain(notice), icon=":material/link_off:")
    if sweep_study.has_own_scenario():
        tree = sweep_study.tree()
        changes = f" with {len(tree['set'])} settings of its own" if tree.get("set") else ""
        st.caption(f"The study's scenario: {show.plain(str(tree['scenario']))}{changes}.")
    elif state.problems():
        st.error(state.problems(), icon=":material/error:")
    st.markdown("**Axes**")
    if not sweep_study.tree()["axes"]:
        show.empty("No axis yet.", "Choose a field below: what varies, and over which values.")
    sweep_axes.axes()
    _how()
    with st.expander("Name, derived columns, constraints", icon=":material/tune:"):
        _more()


def _begin_with() -> None:
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        options = [sweep_study.HAND, *sweep_study.shipped()]
        name = st.selectbox(
            "Begin with", options, index=None, key=sweep_study.key("begin"), width=300,
            placeholder="The scenario above, or a study",
            help="The scenario in hand with axes of your own, or a study that ships.",
        )  # fmt: skip
        if name is not None:
            tree = sweep_study.empty() if name == sweep_study.HAND else sweep_study.shipped_tree(name)
            sweep_study.take(tree, {})
            st.rerun()
        sweep_upload.button()


def _how() -> None:
    tree = sweep_study.tree()
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        ways = list(COMBINE)
        now = tree.get("combine", "grid")
        tree["combine"] = st.selectbox(
            "How axes combine", ways, index=ways.index(now) if now in ways else 0, format_func=COMBINE.__getitem__,
            key=sweep_study.key("combine"), width=320,
        )  # fmt: skip
        if tree["combine"] in SAMPLES_OF:
            given = int(tree.get("samples") or 16)
            tree["samples"] = int(
                st.number_input("Samples", 1, 100_000, given, key=sweep_study.key("samples"), width=130)
            )
        else:
            tree.pop("samples", None)
        seeds = tree.get("seeds")
        if isinstance(seeds, list):
            st.caption(f"Seeds of the study: {show.plain(sweep_study.flow(seeds))}")
        else:
            count = int(st.number_input(
                "Seeds", 1, 1000, int(seeds or 1), key=sweep_study.key("seeds"), width=130,
                help="Replicates of every point, from the scenario's own seed on.",
            ))  # fmt: skip
            tree.pop("seeds", None)
            if count > 1:
                tree["seeds"] = count
        levels = list(LEVELS)
        level = tree.get("evaluate", "steady")
        tree["evaluate"] = st.selectbox(
            "How much is answered", levels, index=levels.index(level) if level in levels else 1,
            format_func=LEVELS.__getitem__, key=sweep_study.key("evaluate"), width=300,
        )  # fmt: skip
    _keys(tree)


def _keys(tree: dict[str, Any]) -> None:
    given = tree.get("keys") or []
    given = [given] if isinstance(given, str) else list(given)
    options = list(dict.fromkeys([*summary_keys(), *given]))
    found = st.multiselect(
        "Answers to keep", options, default=given, key=sweep_study.key("keys"), placeholder="All answers",
        help="The columns of the table; left empty: all.",
    )  # fmt: skip
    tree.pop("keys", None)
    if found:
        tree["keys"] = found


def _more() -> None:
    tree = sweep_study.tree()
    name, title = st.columns([1, 2])
    tree["name"] = name.text_input(
        "Name", str(tree.get("name", "")), key=sweep_study.key("name"), max_chars=60,
        placeholder="made from what is asked",
        help="Of the file and of the folder of rows: a-z, 0-9 and _.",
    )  # fmt: skip
    tree["title"] = title.text_input(
        "Title",
        str(tree.get("title", "")),
        key=sweep_study.key("title"),
        max_chars=120,
        placeholder="made from the axes",
    )
    lines = "\n".join(f"{name}: {sweep_study.flow([formula])}" for name, formula in (tree.get("derive") or {}).items())
    text = st.text_area(
        "Derived columns", lines, key=sweep_study.key("derive"), placeholder="swing_share: swing_mw / mean_mw",
        help="One a line: a name, a colon, a formula of axes and answers.",
    )  # fmt: skip
    try:
        derived = sweep_study.read_formulas(text or "")
    except InputError as error:
        st.error(show.plain(str(error)), icon=":material/error:")
    else:
        _put(tree, "derive", derived)
    for part, label, example in (
        ("constraints", "Constraints: points that break one are left out", "count * 0.001 <= 150"),
        ("require", "Required: a point that meets all is feasible", "peak_mw <= 150"),
    ):
        given = tree.get(part) or []
        given = [given] if isinstance(given, str) else given
        text = st.text_area(label, "\n".join(map(str, given)), key=sweep_study.key(part), placeholder=example)
        _put(tree, part, [line.strip() for line in (text or "").splitlines() if line.strip()])


def _put(tree: dict[str, Any], part: str, found: Any) -> None:
    tree.pop(part, None)
    if found:
        tree[part] = found
