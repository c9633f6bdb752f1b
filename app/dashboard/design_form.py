"""Forms made from the specification of a record: a widget per field, with its meaning, units and choices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from clustersim.errors import InputError
from clustersim.scenario import value_at
from clustersim.scenario.donors import donors, example
from clustersim.scenario.form import fields, kinds_at, of_kind, record_at
from clustersim.scenario.form_field import FormField, written
from dashboard import design_edit, show

WIDE = 226
"""Of a widget: four beside each other on a small screen. [px]"""
LEFT_OUT = ""


def form(path: str, skip: Sequence[str] = ()) -> None:
    """Show the fields of the record at a key path, and below them those of the records inside it."""
    shown = [one for one in fields(path, design_edit.tree()) if one.name not in skip]
    values(shown)
    for one in shown:
        if is_record(one):
            _inner(one)
        elif one.kind == "records":
            st.markdown(f"**{words(one.name)}**")
            entries(one.path)


def is_record(field: FormField) -> bool:
    """Whether a field is shown as a record, and not as the word that may stand in its place."""
    return field.kind == "record" and not isinstance(field.value, str)


def _inner(field: FormField) -> None:
    here = field.value is not None
    title = words(field.name) + ("" if here or not field.nullable else " (none)")
    with st.expander(title, expanded=here and not field.choices):
        if field.meaning:
            st.caption(show.plain(field.meaning.replace("`", "")))
        if not here and field.nullable:
            take_over(field.path, "Add it as in")
            return
        form(field.path)
        if field.nullable:
            st.button(
                f"Remove {words(field.name).lower()}", key=f"remove:{field.path}", icon=":material/delete:",
                type="tertiary", on_click=design_edit.put, args=(field.path, None),
            )  # fmt: skip


def values(shown: Sequence[FormField]) -> None:
    """Show widgets for the fields that are no records: those that are written in the base first, the others folded."""
    single = [one for one in shown if one.kind != "records" and not is_record(one)]
    base = design_edit.base()
    first = [one for one in single if one.required or value_at(base, one.path) is not None]
    more = [one for one in single if one not in first]
    _grid(first)
    if more and first:
        with st.expander(f"More ({len(more)})"):
            _grid(more)
    else:
        _grid(more)


def _grid(shown: Sequence[FormField]) -> None:
    if shown:
        with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
            for one in shown:
                widget(one)


def widget(field: FormField) -> None:
    """Show the widget of a field; what is typed becomes a setting at once."""
    key = f"design:{field.path}"
    label = words(field.name) + (" (needed)" if field.required and field.value is None else "")
    told: dict[str, Any] = {"key": key, "help": _help(field), "on_change": _typed, "args": (field, key)}
    if field.kind == "flag":
        st.session_state[key] = bool(field.default if field.value is None else field.value)
        st.toggle(label, width=WIDE, **told)
        return
    st.session_state[key] = field.text
    if field.choices and not field.free:
        blank = () if field.required and field.text else (LEFT_OUT,)
        options = list(dict.fromkeys((*blank, *((field.text,) if field.text else ()), *field.choices)))
        names = {LEFT_OUT: f"{_without(field)} (default)" if field.default is not None else _without(field)}
        st.selectbox(label, options, format_func=lambda one: names.get(one, one), width=WIDE, **told)
    else:
        st.text_input(label, placeholder=_without(field), width=WIDE, **told)


def _without(field: FormField) -> str:
    """Return what holds where nothing is written, as a few words."""
    if field.default is None:
        return "choose" if field.required else "left out"
    return written(field.default)


def _help(field: FormField) -> str:
    parts = [show.plain(field.meaning.replace("`", ""))] if field.meaning else []
    if field.units:
        parts.append(f"With its unit: {', '.join(field.units)}.")
    if field.choices and field.free:
        parts.append(f"Or a name: {show.plain(', '.join(field.choices))}.")
    return "\n\n".join([*parts, f"`{field.path.replace('`', '')}`"])


def _typed(field: FormField, key: str) -> None:
    typed = st.session_state[key]
    if typed == (bool(field.default if field.value is None else field.value) if field.kind == "flag" else field.text):
        return
    try:
        value = typed if isinstance(typed, bool) else field.read(typed or "")
        if field.name == "kind":
            path = field.path.removesuffix(".kind")
            several = len(record_at(path, design_edit.tree())[2]) > 1
            if several:
                design_edit.put(path, of_kind(path, design_edit.tree(), str(value)))
                return
        if typed in ("", None):
            design_edit.clear(field.path, value)
        else:
            design_edit.put(field.path, value)
    except InputError as error:
        design_edit.refuse(str(error))


def entries(path: str) -> None:
    """Show the records of a list: choose one to edit, add one, remove it."""
    found = value_at(design_edit.tree(), path)
    listed = found if isinstance(found, list) else [found] if isinstance(found, Mapping) else []
    names = [_tab(at, one) for at, one in enumerate(listed)]
    at = 0
    if len(listed) > 1:
        if st.session_state.get(f"entry:{path}") not in names:
            st.session_state[f"entry:{path}"] = names[0]
        chosen = st.segmented_control(
            words(path.rsplit(".", 1)[-1]), names, key=f"entry:{path}", required=True, label_visibility="collapsed"
        )
        at = names.index(chosen) if chosen in names else 0
    if listed:
        form(f"{path}.{at}" if isinstance(found, list) else path)
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        _adder(path, listed)
        if listed:
            st.button(
                f"Remove {names[at][3:] or 'it'}", key=f"remove:{path}", icon=":material/delete:", type="tertiary",
                on_click=_remove, args=(path, listed, at),
            )  # fmt: skip
        take_over(path, "Take all from")


def _tab(at: int, entry: Any) -> str:
    return f"{at + 1}  {_entry_name(entry)}"


def _entry_name(entry: Any) -> str:
    """Return what tells an entry of a list from the others."""
    if not isinstance(entry, Mapping):
        return "?"
    for key in ("kind", "accelerator", "stage", "type", "name", "key"):
        if entry.get(key):
            return str(entry[key])
    return " - ".join(str(one) for one in list(entry.values())[:2])


def _adder(path: str, listed: Sequence[Any]) -> None:
    kinds = kinds_at(path, design_edit.tree())
    if not kinds:
        st.button("Add one", key=f"add:{path}", icon=":material/add:", on_click=_add, args=(path, listed, ""))
        return
    given = [one.get("kind") for one in listed if isinstance(one, Mapping)]
    key = f"add:{path}"
    st.session_state[key] = None
    st.selectbox(
        "Add", [kind for kind in kinds if kind not in given], key=key, index=None, placeholder="add one",
        format_func=words, width=WIDE, on_change=_add_kind, args=(path, listed, key),
    )  # fmt: skip


def _add_kind(path: str, listed: Sequence[Any], key: str) -> None:
    # a late message of the browser may bring the label of a choice that is no longer there
    if st.session_state[key] in kinds_at(path, design_edit.tree()):
        _add(path, listed, str(st.session_state[key]))


def _add(path: str, listed: Sequence[Any], kind: str) -> None:
    new = listed[-1] if listed and not kind else example(path, kind)
    design_edit.put(path, [*listed, new])
    # what was added is open at once: it may ask for a value
    st.session_state[f"entry:{path}"] = _tab(len(listed), new)


def _remove(path: str, listed: Sequence[Any], at: int) -> None:
    design_edit.put(path, [*listed[:at], *listed[at + 1 :]])


def take_over(path: str, label: str) -> None:
    """Let the user take what another shipped place, or scenario, has at a key path."""
    known = donors(path)
    key = f"take:{path}"
    st.session_state[key] = None
    st.selectbox(
        label, list(known), key=key, index=None, placeholder="a shipped place" if known else "none has one",
        width=WIDE, on_change=_taken, args=(path, key), disabled=not known,
    )  # fmt: skip


def _taken(path: str, key: str) -> None:
    name = st.session_state[key]
    if name:
        design_edit.put(path, donors(path)[name])


def words(name: str) -> str:
    """Return a key as words: ``hop_latency`` is "Hop latency"."""
    text = name.replace("_", " ")
    return text[:1].upper() + text[1:]
