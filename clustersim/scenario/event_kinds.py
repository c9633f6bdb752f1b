"""The events that a scenario may ask for and what answers them, as fields of a form: names, units, choices, help."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, partial
from types import MappingProxyType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic.fields import FieldInfo

from clustersim import catalog, units
from clustersim.plant.spec import FrequencyResponseSpec, GridEvent, ProtectionSpec, RideThroughSpec
from clustersim.spec import Spec, docstrings

RIDE_THROUGH = ("supplies", "ups", "motors")
"""Fields of `plant.ride_through` that name an entry of the catalog."""


@dataclass(frozen=True)
class Asked:
    """A field of a form."""

    name: str
    meaning: str
    dimension: str = ""
    """Of :data:`clustersim.units.TABLE`; empty where it is no quantity."""
    choices: tuple[str, ...] = ()
    whole: bool = False
    """Whether it is a whole number."""
    flag: bool = False
    """Whether it is yes or no."""
    rows: bool = False
    """Whether it is a list of records, such as the corners of a course; written as YAML."""
    required: bool = False
    default: str = ""
    """As a file has it; empty for none."""


@dataclass(frozen=True)
class EventKind:
    """A kind of event."""

    kind: str
    meaning: str
    fields: tuple[Asked, ...]


@cache
def event_kinds() -> Mapping[str, EventKind]:
    """Return every kind of `plant.events` with its fields, in the order in which they are documented."""
    found = {}
    for record in get_args(get_args(GridEvent)[0]):
        kind = get_args(record.model_fields["kind"].annotation)[0]
        fields = fields_of(record)
        # what happens first, then when and where
        own = [one for one in fields if one.name not in ("at", "every", "site", "kind")]
        when = [one for one in fields if one.name in ("at", "every", "site")]
        found[kind] = EventKind(kind, _first_line(record), tuple(when + own))
    return MappingProxyType(found)


@cache
def answer_fields() -> Mapping[str, tuple[Asked, ...]]:
    """Return the fields of what answers events: `ride_through`, `frequency_response` and `protection` of `plant`."""
    found = {
        "ride_through": fields_of(RideThroughSpec),
        "frequency_response": fields_of(FrequencyResponseSpec),
        "protection": fields_of(ProtectionSpec),
    }
    return MappingProxyType(found)


def fields_of(record: type[Spec]) -> tuple[Asked, ...]:
    """Return the fields of a record of the scenario."""
    words = docstrings(record)
    return tuple(
        _asked(name, field, words.get(name, "")) for name, field in record.model_fields.items() if name != "kind"
    )


def _asked(name: str, field: FieldInfo, words: str) -> Asked:
    kind, metadata = _bare(field.annotation, list(field.metadata))
    dimension = next((_dimensions()[id(one)] for one in metadata if id(one) in _dimensions()), "")
    choices = tuple(get_args(kind)) if get_origin(kind) is Literal else _named(name)
    default = "" if field.is_required() or field.default in (None, ()) else _text(field.default, dimension)
    return Asked(
        name, " ".join(words.replace("`", "").split()), dimension, choices, whole=kind is int,
        flag=kind is bool, rows=get_origin(kind) is tuple, required=field.is_required(), default=default,
    )  # fmt: skip


def _bare(annotation: Any, metadata: list[Any]) -> tuple[Any, list[Any]]:
    """Return a type without what may be absent and without what validates it, and the latter."""
    if get_origin(annotation) is Annotated:
        inner, *more = get_args(annotation)
        return _bare(inner, [*metadata, *more])
    if get_origin(annotation) in (Union, UnionType):
        there = [one for one in get_args(annotation) if one is not type(None)]
        return _bare(there[0], metadata)
    return annotation, metadata


@cache
def _dimensions() -> Mapping[int, str]:
    """Return the dimension of every validator of quantities, by its identity."""
    found = {}
    for value in vars(units).values():
        if get_origin(value) is Annotated:
            validator = get_args(value)[1]
            reads = getattr(validator, "func", None)
            if isinstance(reads, partial) and "dimension" in reads.keywords:
                found[id(validator)] = str(reads.keywords["dimension"])
    return MappingProxyType(found)


def _named(name: str) -> tuple[str, ...]:
    """Return the catalog's entries that a field of `plant.ride_through` may name."""
    if name not in RIDE_THROUGH:
        return ()
    return tuple(key for key, entry in catalog.entries("ride_through").items() if _serves(key, entry) == name)


def _serves(key: str, entry: catalog.Entry) -> str:
    """Return the field that an entry is meant for: an envelope's name tells whether it is of motors."""
    if entry.properties.get("model") == "ups":
        return "ups"
    return "motors" if key.startswith("motor") else "supplies"


def _text(value: Any, dimension: str) -> str:
    return units.shortest(value, dimension) if dimension else str(value)


def _first_line(record: type[Spec]) -> str:
    return (inspect.getdoc(record) or "").split("\n", 1)[0]
