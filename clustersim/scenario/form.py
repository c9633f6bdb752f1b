"""What may be written at a key path of a scenario: the fields of its record, for a form that edits it."""

from __future__ import annotations

import types
import typing
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

from annotated_types import Ge, Gt, Le, Lt
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from clustersim import units
from clustersim.errors import InputError
from clustersim.scenario.choices import names_at
from clustersim.scenario.form_field import FieldKind, FormField
from clustersim.scenario.spec import LoadScenario, Scenario
from clustersim.spec import docstrings

RATING_UNITS = ("W", "kW", "MW", "GW", "VA", "kVA", "MVA", "GVA")
"""Of the rating of a conversion stage."""


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
    kinds = tuple(kind for one in others for kind in _kinds(one))
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
    new = next((one for one in others if kind in _kinds(one)), None)
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
    return tuple(kind for one in others for kind in _kinds(one)) if len(others) > 1 else ()


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
        outer = list(_members(expected))
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
        record = _chosen(_records(expected), node)
        if record is None or part not in record.model_fields:
            raise InputError(f"{path}: expected the key path of a record")
        expected, node = record.model_fields[part].annotation, node.get(part) if isinstance(node, Mapping) else None
    others = _records(expected) or _records_in_list(expected)
    record = _chosen(others, node)
    if record is None:
        raise InputError(f"{path}: expected the key path of a record")
    return record, node, others


def _records_in_list(annotation: Any) -> tuple[type[BaseModel], ...]:
    """Return the records of a list: where one mapping may be written in its place."""
    for one in _members(annotation):
        if typing.get_origin(one) is tuple:
            return _records(typing.get_args(one)[0])
    return ()


def _members(annotation: Any) -> Iterator[Any]:
    """Yield what a union consists of, without what is said about it."""
    origin = typing.get_origin(annotation)
    if origin is typing.Annotated:
        yield from _members(typing.get_args(annotation)[0])
    elif origin is typing.Union or isinstance(annotation, types.UnionType):
        for one in typing.get_args(annotation):
            yield from _members(one)
    else:
        yield annotation


def _records(annotation: Any) -> tuple[type[BaseModel], ...]:
    return tuple(one for one in _members(annotation) if isinstance(one, type) and issubclass(one, BaseModel))


def _kinds(record: type[BaseModel]) -> tuple[str, ...]:
    info = record.model_fields.get("kind")
    return () if info is None else tuple(_words(info.annotation))


def _words(annotation: Any) -> list[str]:
    """Return the words of the literals in an annotation."""
    return [
        str(word) for one in _members(annotation) if typing.get_origin(one) is Literal for word in typing.get_args(one)
    ]


def _chosen(records: tuple[type[BaseModel], ...], node: Any) -> type[BaseModel] | None:
    """Return the record that a mapping is of: the one of its kind, or the first."""
    kind = node.get("kind") if isinstance(node, Mapping) else None
    return next((one for one in records if kind in _kinds(one)), records[0] if records else None)


def _metadata(annotation: Any) -> Iterator[Any]:
    if typing.get_origin(annotation) is typing.Annotated:
        inner, *about = typing.get_args(annotation)
        yield from about
        yield from _metadata(inner)
    elif typing.get_origin(annotation) is typing.Union or isinstance(annotation, types.UnionType):
        for one in typing.get_args(annotation):
            yield from _metadata(one)


def _units(about: list[Any]) -> tuple[str, ...]:
    """Return the units of a quantity, from the function that reads it."""
    for one in about:
        reader = getattr(one, "func", None)
        dimension = getattr(reader, "keywords", {}).get("dimension")
        if dimension is not None:
            return tuple(units.TABLE[dimension])
        if getattr(reader, "__name__", "") == "_read_rating":
            return RATING_UNITS
    return ()


def _range(about: list[Any]) -> str:
    """Return the range of a number in words."""
    words = []
    for one in about:
        if isinstance(one, Ge):
            words.append(f"at least {one.ge:g}")
        elif isinstance(one, Gt):
            words.append(f"above {one.gt:g}")
        elif isinstance(one, Le):
            words.append(f"at most {one.le:g}")
        elif isinstance(one, Lt):
            words.append(f"below {one.lt:g}")
    return ", ".join(words)


def _field(path: str, info: FieldInfo, docstring: str, value: Any, tree: Mapping[str, Any]) -> FormField:
    members = [one for one in _members(info.annotation) if one is not type(None)]
    about = [*info.metadata, *_metadata(info.annotation)]
    named = names_at(path, tree)
    words = tuple(_words(info.annotation))
    found_units = _units(about)
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
        nullable=type(None) in list(_members(info.annotation)),
        default=_default(info),
        units=found_units,
        meaning=_meaning(docstring, "" if found_units else _range(about)),
        verbatim=all(texts),
    )


def _kind(annotation: Any, members: list[Any], chosen: bool) -> FieldKind:
    if any(typing.get_origin(one) is tuple and _records(typing.get_args(one)[0]) for one in members):
        return "records"
    if _records(annotation):
        return "record"
    if members == [bool]:
        return "flag"
    return "choice" if chosen else "text"


def _default(info: FieldInfo) -> Any:
    if info.default is PydanticUndefined or info.default is None or isinstance(info.default, BaseModel):
        return None
    found = info.default
    if isinstance(found, tuple):
        return list(found) or None
    writers = [one.func for one in (*info.metadata, *_metadata(info.annotation)) if hasattr(one, "return_type")]
    return writers[0](found) if writers and isinstance(found, float) else found


def _meaning(docstring: str, limits: str) -> str:
    """Return what a field means, without the unit in which the program holds it."""
    text = " ".join(docstring.split())
    if text.endswith("]") and " [" in text:
        text = text[: text.rindex(" [")]
    return f"{text} ({limits})" if limits and text else text or limits.capitalize()
