"""What may be written at a key path of a scenario: the fields of its record, for a form that edits it."""

from __future__ import annotations

import typing
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from clustersim.errors import InputError
from clustersim.scenario.annotations import (
    about,
    default_of,
    kinds_of,
    meaning_of,
    members_of,
    range_of,
    records_in_list,
    records_of,
    units_of,
    words_of,
)
from clustersim.scenario.choices import names_at
from clustersim.scenario.form_field import FieldKind, FormField
from clustersim.scenario.spec import LoadScenario, Scenario
from clustersim.spec import docstrings


def fields(path: str, tree: Mapping[str, Any]) -> tuple[FormField, ...]:
    """Return the fields of the record at a key path of a scenario, in the order of its specification.

    Parameters
    ----------
    path : str
        Key path of a record that the tree has, or could have.
    tree : mapping
        A scenario as it is written, right or wrong.

    Raises
    ------
    InputError
        If no record can stand there.
    """
    record, node, others = record_at(path, tree)
    found = node if isinstance(node, Mapping) else {}
    within = f"{path}." if path else ""
    words = docstrings(record)
    shown = [
        _field(f"{within}{name}", info, words.get(name, ""), found.get(name), tree)
        for name, info in record.model_fields.items()
    ]
    shown.sort(key=lambda one: one.name != "kind")
    if len(others) < 2:
        return tuple(one for one in shown if one.name != "kind" or len(one.choices) > 1)
    kinds = tuple(kind for one in others for kind in kinds_of(one))
    return tuple(_with_kinds(one, kinds) if one.name == "kind" else one for one in shown)


def _with_kinds(field: FormField, kinds: tuple[str, ...]) -> FormField:
    return FormField(**{**vars(field), "choices": kinds})


def of_kind(path: str, tree: Mapping[str, Any], kind: str) -> dict[str, Any]:
    """Return the record at a key path as one of another kind: what that kind knows is kept.

    Raises
    ------
    InputError
        If no record can stand there.
    """
    _, node, others = record_at(path, tree)
    new = next((one for one in others if kind in kinds_of(one)), None)
    known = {} if new is None else new.model_fields
    kept = node if isinstance(node, Mapping) else {}
    return {"kind": kind} | {key: value for key, value in kept.items() if key in known and key != "kind"}


def kinds_at(path: str, tree: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the kinds of records that a list at a key path may hold; empty where they are all alike.

    Raises
    ------
    InputError
        If there is no list of records.
    """
    others = record_at(f"{path}.0", tree)[2]
    return tuple(kind for one in others for kind in kinds_of(one)) if len(others) > 1 else ()


def record_at(path: str, tree: Mapping[str, Any]) -> tuple[type[BaseModel], Any, tuple[type[BaseModel], ...]]:
    """Return the record class at a key path, what is written there, and all classes that may stand there.

    Raises
    ------
    InputError
        If no record can stand there.
    """
    expected: Any = LoadScenario if "load" in tree else Scenario
    node: Any = tree
    for part in path.split(".") if path else ():
        outer = list(members_of(expected))
        listed = next((one for one in outer if typing.get_origin(one) is tuple), None)
        if listed is not None:
            expected = typing.get_args(listed)[0]
            if part.isdigit():
                node = node[int(part)] if isinstance(node, Sequence) and int(part) < len(node) else None
                continue
        named = next((one for one in outer if typing.get_origin(one) is dict), None)
        if named is not None:
            expected, node = typing.get_args(named)[1], node.get(part) if isinstance(node, Mapping) else None
            continue
        record = _chosen(records_of(expected), node)
        if record is None or part not in record.model_fields:
            raise InputError(f"{path}: expected the key path of a record")
        expected, node = record.model_fields[part].annotation, node.get(part) if isinstance(node, Mapping) else None
    others = records_of(expected) or records_in_list(expected)
    record = _chosen(others, node)
    if record is None:
        raise InputError(f"{path}: expected the key path of a record")
    return record, node, others


def _chosen(records: tuple[type[BaseModel], ...], node: Any) -> type[BaseModel] | None:
    """Return the record that a mapping is of: the one of its kind, or the first."""
    kind = node.get("kind") if isinstance(node, Mapping) else None
    return next((one for one in records if kind in kinds_of(one)), records[0] if records else None)


def _field(path: str, info: FieldInfo, docstring: str, value: Any, tree: Mapping[str, Any]) -> FormField:
    members = [one for one in members_of(info.annotation) if one is not type(None)]
    said = about(info)
    named = names_at(path, tree)
    words = tuple(words_of(info.annotation))
    found_units = units_of(said)
    texts = [
        one is str or (typing.get_origin(one) is Literal and str in map(type, typing.get_args(one))) for one in members
    ]
    return FormField(
        path=path,
        kind=_kind(info.annotation, members, bool(words or named.names)),
        value=value,
        choices=words or named.names,
        free=named.free,
        required=info.is_required(),
        nullable=type(None) in list(members_of(info.annotation)),
        default=default_of(info),
        units=found_units,
        meaning=meaning_of(docstring, "" if found_units else range_of(said)),
        verbatim=all(texts),
    )


def _kind(annotation: Any, members: list[Any], chosen: bool) -> FieldKind:
    if any(typing.get_origin(one) is tuple and records_of(typing.get_args(one)[0]) for one in members):
        return "records"
    if records_of(annotation):
        return "record"
    if members == [bool]:
        return "flag"
    return "choice" if chosen else "text"
