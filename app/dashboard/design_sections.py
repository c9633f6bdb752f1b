"""What can be edited of a design, section by section: which records they show, of which site."""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import streamlit as st

from clustersim.scenario import value_at
from clustersim.scenario.donors import donors
from clustersim.scenario.form import fields
from clustersim.scenario.form_field import FormField
from dashboard import design_edit, design_form, show

SITE_NAME = re.compile(r"^[a-z0-9_]+$")
GENERAL = "general"
"""Part of a section: its own fields, which are no records."""


@dataclass(frozen=True)
class Section:
    """One section of the editor."""

    label: str
    path: str
    """Key path of its record; ``SITE`` stands for the chosen site."""
    skip: tuple[str, ...] = ()
    """Fields that another section shows."""
    inline: tuple[str, ...] = ()
    """Small records whose fields stand among its own."""

    @property
    def by_site(self) -> bool:
        """Whether every site has one of its own."""
        return "SITE" in self.path


SECTIONS: Mapping[str, Section] = {
    "job": Section("Job", "job"),
    "load": Section("Load", "load", ("record", "file", "kind")),
    "damping": Section("Damping", "damping"),
    "place": Section("Place", "topology.site.SITE", inline=("location", "servers")),
    "fabric": Section("Fabric", "topology.fabric", ("wan",)),
    "electrical": Section("Electrical", "topology.electrical.SITE"),
    "cooling": Section("Cooling", "topology.cooling.SITE"),
    "fibre": Section("Fibre", "topology.fabric.wan"),
    "operation": Section("Operation", "operation"),
    "supply": Section("Supply", "plant"),
    "economics": Section("Economics", "economics"),
    "limits": Section("Rules", "limits"),
    "text": Section("All as text", ""),
}
"""Name in the address -> section."""


def chosen_section() -> str:
    """Let the user choose a section; return its name."""
    tree = design_edit.tree()
    names = [name for name in SECTIONS if name not in ({"job", "operation"} if "load" in tree else {"load"})]
    found = st.segmented_control(
        "Section", names, key="design-section", default="place", required=True, bind="query-params",
        format_func=lambda name: SECTIONS[name].label, label_visibility="collapsed",
    )  # fmt: skip
    return str(found or "place")


def sites() -> list[str]:
    """Return the names of the sites, as they are written."""
    found = value_at(design_edit.tree(), "topology.site")
    return [str(name) for name in found] if isinstance(found, Mapping) else []


def chosen_site() -> str:
    """Let the user choose a site where there are several; return its name, empty where there is none."""
    names = sites()
    if len(names) < 2:
        return names[0] if names else ""
    if st.session_state.get("design-site") not in names:
        st.session_state["design-site"] = names[0]
    found = st.segmented_control(
        "Site", names, key="design-site", required=True, bind="query-params", format_func=_site_label
    )
    return str(found or names[0])


def _site_label(name: str) -> str:
    return show.plain(name.replace("_", " "))


def editor(name: str, site: str) -> None:
    """Show the forms of a section."""
    section = SECTIONS[name]
    path = section.path.replace("SITE", site)
    tree = design_edit.tree()
    if name == "damping":
        design_form.entries(path)
        return
    if value_at(tree, path) is None and (section.by_site or name == "fibre"):
        _absent(name, path, section)
        return
    shown = [one for one in fields(path, tree) if one.name not in section.skip]
    nested = [one for one in shown if one.kind == "records" or design_form.is_record(one)]
    single = [one for one in shown if one not in nested]
    for one in [one for one in nested if one.name in section.inline]:
        single += fields(one.path, tree)
        nested.remove(one)
    parts = [*([GENERAL] if single else []), *(one.name for one in nested)]
    if section.by_site:
        parts = [*parts[1:], parts[0]] if parts[0] == GENERAL and name != "cooling" else parts
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        part = _chosen_part(name, parts)
        if path.startswith("topology.") and name != "place":
            design_form.take_over(path, f"Take {section.label.lower()} from")
    if part == GENERAL:
        if name == "job":
            single += [one for one in fields("", tree) if one.name == "seed"]
        design_form.values(single)
    else:
        _nested(next(one for one in nested if one.name == part))
    if name == "place":
        _site_buttons(site)


def _chosen_part(name: str, parts: list[str]) -> str:
    if len(parts) < 2:
        return parts[0]
    key = f"design-part-{name}"
    if st.session_state.get(key) not in parts:
        st.session_state[key] = parts[0]
    found = st.segmented_control(
        "Part", parts, key=key, required=True, bind="query-params", format_func=design_form.words,
        label_visibility="collapsed",
    )  # fmt: skip
    return str(found or parts[0])


def _nested(field: FormField) -> None:
    if field.meaning:
        st.caption(show.plain(field.meaning.replace("`", "")))
    if field.kind == "records":
        design_form.entries(field.path)
        return
    if field.value is None and field.nullable:
        design_form.take_over(field.path, "Add it as in")
        return
    design_form.form(field.path)
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        if field.nullable:
            st.button(
                f"Remove {design_form.words(field.name).lower()}", key=f"remove:{field.path}", type="tertiary",
                icon=":material/delete:", on_click=design_edit.put, args=(field.path, None),
            )  # fmt: skip
        if field.choices and not isinstance(field.value, str):
            word = field.choices[0]
            st.button(
                f"Back to {word}", key=f"word:{field.path}", icon=":material/undo:", type="tertiary",
                on_click=design_edit.put, args=(field.path, word),
            )  # fmt: skip


def _absent(name: str, path: str, section: Section) -> None:
    """Say that a section is not there, and offer those of other places."""
    what = "No fibre: this place is one site." if name == "fibre" else f"This place has no section {section.label}."
    advice = {
        "fibre": "Add a second site in Place, then take fibre from a place of several sites and set its two ends.",
    }.get(name, "Without it only its fabric and its training step can be looked at. Take it from another place.")
    show.empty(what, advice)
    design_form.take_over(path, f"Take {section.label.lower()} from")


def _site_buttons(site: str) -> None:
    """Add a site like this one, or remove it."""
    with st.expander("Add or remove sites"), st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        st.text_input(
            "Name of a new site", key="design-new-site", placeholder="second_site", width=design_form.WIDE,
            help="It begins as a copy of this one: set its location, fleet and connection then.",
        )  # fmt: skip
        st.button("Add a site like this one", key="add-site", icon=":material/add:", on_click=_add_site, args=(site,))
        if len(sites()) > 1:
            st.button(
                f"Remove {_site_label(site)}", key="remove-site", icon=":material/delete:", type="tertiary",
                on_click=_remove_site, args=(site,),
            )  # fmt: skip


def _add_site(site: str) -> None:
    name = str(st.session_state.get("design-new-site") or "").strip()
    if not SITE_NAME.match(name) or name in sites():
        design_edit.refuse(f"topology.site: expected a new name (a-z, 0-9, _), found {name!r}")
        return
    place = design_edit.tree()["topology"]
    changes: dict[str, Any] = {
        f"topology.{key}.{name}": copy.deepcopy(place[key][site])
        for key in ("site", "electrical", "cooling")
        if isinstance(place.get(key), Mapping) and site in place[key]
    }
    wan = value_at(place, "fabric.wan")
    if wan is None:
        # the first shipped place with fibre lends its law of routes and one link
        wan = copy.deepcopy(next(iter(donors("topology.fabric.wan").values())))
        changes["topology.fabric.wan"] = wan | {"links": [wan["links"][0] | {"a": site, "b": name}]}
    else:
        changes["topology.fabric.wan.links"] = [*wan["links"], wan["links"][0] | {"a": site, "b": name}]
    st.session_state["design-new-site"] = ""
    design_edit.put_all(changes)


def _remove_site(site: str) -> None:
    place = design_edit.tree()["topology"]
    changes: dict[str, Any] = {
        f"topology.{key}": {name: record for name, record in place[key].items() if name != site}
        for key in ("site", "electrical", "cooling")
        if isinstance(place.get(key), Mapping) and site in place[key]
    }
    links = [one for one in value_at(place, "fabric.wan.links") or [] if site not in (one.get("a"), one.get("b"))]
    if links and len(place["site"]) > 2:
        changes["topology.fabric.wan.links"] = links
    else:
        changes["topology.fabric.wan"] = None
    design_edit.put_all(changes)
