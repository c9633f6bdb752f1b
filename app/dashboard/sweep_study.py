"""The study that a user defines: kept in the session and in the address, put together with the scenario in hand."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

import streamlit as st

from clustersim.errors import InputError
from clustersim.scenario import located, parse_override, shipped_names
from clustersim.scenario.files import read_yaml
from clustersim.study.sweep.asked import Asked, scenario_files
from dashboard import state

STUDY, FILES, VERSION = "sweep-tree", "sweep-files", "sweep-version"
QUERY = "sweep-study"
LONGEST = 6000
"""Letters of a study that still go into the address."""
HAND = "the scenario above"


def begin() -> None:
    """Take the study from the address when a session begins."""
    if STUDY in st.session_state:
        return
    take(empty(), {})
    text = st.query_params.get(QUERY)
    if text is None:
        return
    try:
        found = parse_override(f"{QUERY}={text[: LONGEST * 2]}")[1]
    except InputError as error:
        st.session_state["sweep-notice"] = f"The address could not be restored. {error}"
        return
    if isinstance(found, dict) and isinstance(found.get("axes"), dict):
        take(found, {})
    else:
        st.session_state["sweep-notice"] = "The address could not be restored: expected a study with axes."


def empty() -> dict[str, Any]:
    """Return a study without axes."""
    return {"name": "", "title": "", "axes": {}, "combine": "grid", "evaluate": "steady"}


def take(tree: Mapping[str, Any], files: Mapping[str, str]) -> None:
    """Put another study into the user's hand."""
    st.session_state[STUDY] = json.loads(json.dumps(tree, default=str))
    st.session_state[FILES] = dict(files)
    renew()


def renew() -> None:
    """Have every control begin from the study again."""
    st.session_state[VERSION] = st.session_state.get(VERSION, 0) + 1


def tree() -> dict[str, Any]:
    """Return the study in hand; changing it changes it."""
    found: dict[str, Any] = st.session_state[STUDY]
    return found


def key(name: str) -> str:
    """Return the key of a control of the study in hand."""
    return f"sweep-{st.session_state[VERSION]}-{name}"


def has_own_scenario() -> bool:
    """Whether the study says which scenario it is of, and not the bar above."""
    return "scenario" in tree()


def asked() -> Asked:
    """Return the study with its scenario."""
    own = tree()
    if has_own_scenario():
        return Asked(own, st.session_state[FILES])
    scenario, settings, files = scenario_files(state.draft())
    # what an axis sets, the scenario in hand need not
    kept = {path: value for path, value in settings.items() if path not in own["axes"]}
    rest = {name: value for name, value in own.items() if name not in ("name", "title", "scenario", "set")}
    head = {
        "name": own.get("name") or _own_name(scenario, {"set": kept, **rest}),
        "title": own.get("title") or f"{', '.join(own['axes'])} of {state.draft().name}"[:120],
        "scenario": scenario,
        "set": kept,
    }
    return Asked(head | rest, files)


def _own_name(scenario: str, says: Mapping[str, Any]) -> str:
    """Return a name that is another one for whatever is asked otherwise, so that stores do not get into each other."""
    digest = hashlib.sha256(json.dumps([scenario, says], sort_keys=True, default=str).encode()).hexdigest()[:8]
    return f"{re.sub(r'[^a-z0-9_]+', '_', scenario.removesuffix('.yaml'))}_{digest}"


def to_address() -> None:
    """Write the study into the address; without axes, or where it is too long or has files, it is not there."""
    text = json.dumps(tree(), separators=(",", ":"), ensure_ascii=False)
    if tree()["axes"] and len(text) <= LONGEST and not st.session_state[FILES]:
        if st.query_params.get(QUERY) != text:
            st.query_params[QUERY] = text
    elif QUERY in st.query_params:
        del st.query_params[QUERY]


def shipped() -> list[str]:
    """Return the names of the shipped studies."""
    return shipped_names("studies")


def shipped_tree(name: str) -> dict[str, Any]:
    """Return a shipped study."""
    return read_yaml(located(name, "studies"))


def flow(values: Any) -> str:
    """Return values as a line that a user edits: YAML, without the outer brackets."""
    import yaml

    line = yaml.safe_dump(list(values), default_flow_style=True, width=100_000, allow_unicode=True)
    return line.strip()[1:-1]


def read_values(text: str) -> list[Any]:
    """Return the values of a line.

    Raises
    ------
    InputError
        If it is no YAML.
    """
    found = parse_override(f"values=[{text}]")[1]
    if not isinstance(found, list) or not found:
        raise InputError("values: expected one value or more, separated by commas, found none")
    return found


def read_number(text: str) -> Any:
    """Return a number, or a text with a unit.

    Raises
    ------
    InputError
        If it is neither.
    """
    found = parse_override(f"end={text}")[1]
    if isinstance(found, bool) or not isinstance(found, int | float | str):
        raise InputError(f"expected a number, or text with a unit such as 10 MW, found {text[:40]!r}")
    return found


def read_formulas(text: str) -> dict[str, Any]:
    """Return the derived values of lines ``name: formula``.

    Raises
    ------
    InputError
        If a line has no name.
    """
    found = {}
    for line in filter(str.strip, text.splitlines()):
        name, sign, formula = line.partition(":")
        if not sign or not re.fullmatch(r"[A-Za-z_]\w*", name.strip()):
            raise InputError(f"derive: expected lines such as share: swing_mw / mean_mw, found {line.strip()[:60]!r}")
        found[name.strip()] = parse_override(f"derive={formula.strip()}")[1]
    return found
