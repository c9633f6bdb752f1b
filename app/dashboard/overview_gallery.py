"""The gallery: every shipped design, its size, its verdict where it was run, and all places on one map."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from clustersim.background.records import Request
from clustersim.report.headline import short_verdict
from clustersim.report.map_look import DARK, LIGHT
from clustersim.report.preset_gallery import PresetGallery, gallery_file, load_gallery
from clustersim.report.site_map import NARROW, WIDTH, site_map
from clustersim.report.words import counted, megawatts
from clustersim.study.result import Result
from dashboard import pictures, preset_groups, presets, results, show, state, theme, work
from dashboard.presets import Preset
from dashboard.settings import settings

MARKS = {"kept": ":material/check_circle:", "broken": ":material/cancel:", "unjudged": ":material/help:"}


def gallery(result: Result | None) -> None:
    """Show the presets by system, and where their places stand."""
    st.header("Presets", anchor=False, divider="gray")
    _presets()
    st.header("All places", anchor=False)
    found = _found()
    if found is not None:
        chosen = None if result is None else str(result.scenario["topology"]["name"])
        wide, narrow = (_drawn(str(_file()), chosen, theme.is_dark(), width, found) for width in (WIDTH, NARROW))
        pictures.wide_or_narrow(wide, narrow, "Map of all shipped places")


@st.fragment
def _presets() -> None:
    known = {preset.name: preset for preset in presets.presets()}
    stored = {name for name, preset in known.items() if results.has_result(preset.scenario_name, preset.run_id)}
    st.caption(
        f"{counted(len(known), 'design')} to begin with: {len(stored)} open at once, the others are run when opened, "
        "which takes about 10 s on an idle machine. What you change in one stays with it."
    )
    groups = list(dict.fromkeys(map(preset_groups.group_of, _ordered(known))))
    now = preset_groups.group_of(state.draft().name)
    st.session_state.setdefault("overview-group", now if now in groups else groups[0])
    chosen = st.pills("System", groups, key="overview-group", bind="query-params", required=True)
    for name in _ordered(known):
        if preset_groups.group_of(name) == chosen:
            _row(known[name], name in stored)


def _ordered(known: dict[str, Preset]) -> list[str]:
    named = [name for names in preset_groups.GROUPS.values() for name in names if name in known]
    return [*named, *(name for name in known if name not in named)]


def _row(preset: Preset, stored: bool) -> None:
    is_open = state.draft().is_shipped and state.draft().name == preset.name
    with st.container(border=True, horizontal=True, vertical_alignment="center", gap="small"):
        with st.container(width="stretch", gap="xxsmall"):
            st.markdown(f"**{show.plain(preset.title)}**")
            st.caption(" · ".join((f"`{preset.name}`", *_size(preset), _told(preset, stored))))
        pressed = st.button(
            "Open" if not is_open else "Is open", key=f"open-{preset.name}", disabled=is_open,
            icon=":material/bolt:" if stored else ":material/play_arrow:",
            help=f"`clustersim run {preset.name}`", on_click=state.open_preset, args=(preset.name,),
        )  # fmt: skip
        if pressed:
            # the whole page is of the other design, not this part alone
            st.rerun()


def _size(preset: Preset) -> tuple[str, ...]:
    file = _file()
    if not file.is_file():
        return ()
    size = _read(str(file)).sizes[preset.name]
    sites = () if size.sites == 1 else (counted(size.sites, "site"),)
    return f"{size.accelerators:,} accelerators", f"{megawatts(size.it_mw)} of IT by nameplates", *sites


def _told(preset: Preset, stored: bool) -> str:
    if not stored:
        return "not run yet"
    verdict = short_verdict(results.summary(str(results.folder_of(preset.scenario_name, preset.run_id))))
    return f"{MARKS[verdict.kind]} {verdict.words}"


def _file() -> Path:
    return gallery_file(settings().results)


@st.cache_resource(max_entries=2, show_spinner=False)
def _read(file: str) -> PresetGallery:
    return load_gallery(Path(file))


def _found() -> PresetGallery | None:
    """Return the gallery, which a worker process makes once for a version; None, and how far it is, until then."""
    if _file().is_file():
        return _read(str(_file()))
    request = Request("gallery", {"out": str(settings().results)}, "map of all places")
    if work.ticket_of(request) is None:
        work.ask(request)
    if work.answered(request, "gallery", there=lambda _: _file().is_file()) is not None:
        return _read(str(_file()))
    return None


@st.cache_data(max_entries=64, show_spinner=False)
def _drawn(file: str, chosen: str | None, dark: bool, width: float, _found: PresetGallery) -> str:  # noqa: ARG001
    return site_map(_found.places, chosen=chosen, width=width, colours=DARK if dark else LIGHT)
