"""What the annotation of a field of a record says: records, words, units, range, default."""

from __future__ import annotations

import types
import typing
from collections.abc import Iterator, Sequence
from typing import Any, Literal

from annotated_types import Ge, Gt, Le, Lt
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from clustersim import units

RATING_UNITS = ("W", "kW", "MW", "GW", "VA", "kVA", "MVA", "GVA")
"""Of the rating of a conversion stage."""
BOUNDS = ((Ge, "at least", "ge"), (Gt, "above", "gt"), (Le, "at most", "le"), (Lt, "below", "lt"))
"""Bound of a number -> how it is said, and its attribute."""


def records_in_list(annotation: Any) -> tuple[type[BaseModel], ...]:
    """Return the records of a list: where one mapping may be written in its place."""
    for one in members_of(annotation):
        if typing.get_origin(one) is tuple:
            return records_of(typing.get_args(one)[0])
    return ()


def members_of(annotation: Any) -> Iterator[Any]:
    """Yield what a union consists of, without what is said about it."""
    origin = typing.get_origin(annotation)
    if origin is typing.Annotated:
        yield from members_of(typing.get_args(annotation)[0])
    elif origin is typing.Union or isinstance(annotation, types.UnionType):
        for one in typing.get_args(annotation):
            yield from members_of(one)
    else:
        yield annotation


def records_of(annotation: Any) -> tuple[type[BaseModel], ...]:
    """Return the records of which one may stand in a field."""
    return tuple(one for one in members_of(annotation) if isinstance(one, type) and issubclass(one, BaseModel))


def kinds_of(record: type[BaseModel]) -> tuple[str, ...]:
    """Return the words that a record may have as its `kind`; none where it has no such field."""
    info = record.model_fields.get("kind")
    return () if info is None else tuple(words_of(info.annotation))


def words_of(annotation: Any) -> list[str]:
    """Return the words of the literals in an annotation."""
    return [
        str(word)
        for one in members_of(annotation)
        if typing.get_origin(one) is Literal
        for word in typing.get_args(one)
    ]


def metadata_of(annotation: Any) -> Iterator[Any]:
    """Yield what is said about an annotation and the members of its union: bounds, readers, writers."""
    if typing.get_origin(annotation) is typing.Annotated:
        inner, *about = typing.get_args(annotation)
        yield from about
        yield from metadata_of(inner)
    elif typing.get_origin(annotation) is typing.Union or isinstance(annotation, types.UnionType):
        for one in typing.get_args(annotation):
            yield from metadata_of(one)


def about(info: FieldInfo) -> list[Any]:
    """Return all that is said about a field and the members of its annotation."""
    return [*info.metadata, *metadata_of(info.annotation)]


def dimension_of(said: Sequence[Any]) -> str | None:
    """Return the dimension of a quantity, from the function that reads it; None where it is none."""
    readers = (getattr(one, "func", None) for one in said)
    return next((found for reader in readers if (found := getattr(reader, "keywords", {}).get("dimension"))), None)


def units_of(said: Sequence[Any]) -> tuple[str, ...]:
    """Return the units of a quantity, from the function that reads it."""
    dimension = dimension_of(said)
    if dimension is not None:
        return tuple(units.TABLE[dimension])
    rated = any(getattr(getattr(one, "func", None), "__name__", "") == "_read_rating" for one in said)
    return RATING_UNITS if rated else ()


def range_of(said: Sequence[Any]) -> str:
    """Return the range of a number in words, that of a quantity with its unit."""
    dimension = dimension_of(said)
    return ", ".join(
        f"{word} {_bound(getattr(one, attribute), dimension)}"
        for one in said
        for kind, word, attribute in BOUNDS
        if isinstance(one, kind)
    )


def _bound(value: float, dimension: str | None) -> str:
    if dimension == "ratio":
        return f"{100 * value:g} %"
    return f"{value:g}" if dimension is None else units.shortest(value, dimension)


def default_of(info: FieldInfo) -> Any:
    """Return what holds where a field is left out, as a file writes it; None where that is nothing or a record."""
    if info.default is PydanticUndefined or info.default is None or isinstance(info.default, BaseModel):
        return None
    found = info.default
    if isinstance(found, tuple):
        return list(found) or None
    writers = [one.func for one in about(info) if hasattr(one, "return_type")]
    return writers[0](found) if writers and isinstance(found, float) else found


def meaning_of(docstring: str, limits: str) -> str:
    """Return what a field means, without the unit in which the program holds it."""
    text = " ".join(docstring.split())
    if text.endswith("]") and " [" in text:
        text = text[: text.rindex(" [")]
    return f"{text} ({limits})" if limits and text else text or limits.capitalize()
