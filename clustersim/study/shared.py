"""What points of a study have in common, made once in a process: results of pure functions by the content of inputs."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from datetime import date
from functools import cache
from pathlib import PurePath
from typing import Any, TypeVar, cast

import numpy as np
from pydantic import BaseModel

from clustersim.catalog import derived_from_catalog

MOST_BYTES = 400_000_000
"""Arrays that are kept; what was used longest ago goes first. A larger value is not kept at all. [B]"""
Made = TypeVar("Made")


class Shelf:
    """Values by the content of what they were made of, the least recently used dropped first."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        """Start with nothing."""
        self.most_bytes = most_bytes
        self.hits = 0
        self._kept: OrderedDict[str, tuple[object, int]] = OrderedDict()
        self._bytes = 0

    def get(self, key: str, make: Callable[[], Made]) -> Made:
        """Return the value of a key, made now where it is not there."""
        if key in self._kept:
            self.hits += 1
            self._kept.move_to_end(key)
            return cast("Made", self._kept[key][0])
        made = make()
        size = size_of(made)
        if size <= self.most_bytes:
            self._kept[key] = (made, size)
            self._bytes += size
        while self._bytes > self.most_bytes:
            _, (_, gone) = self._kept.popitem(last=False)
            self._bytes -= gone
        return made

    def clear(self) -> None:
        """Forget everything."""
        self._kept.clear()
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._kept)


SHELF = Shelf()
derived_from_catalog(SHELF.clear)


def shared(name: str, make: Callable[[], Made], *inputs: object) -> Made:
    """Return what `make` returns; from before where a call of the same name had inputs of the same content.

    `make` must be a pure function of `inputs` and of the catalog: with overlays of the catalog laid on or taken away
    everything is forgotten. Who gets a value must leave it as it is.
    """
    return SHELF.get(content_key(name, *inputs), make)


def content_key(*inputs: object) -> str:
    """Return a digest of the content of records, arrays and plain values; equal content gives equal digests.

    Raises
    ------
    TypeError
        If a value has no content that could be told, such as a function.
    """
    digest = hashlib.blake2b(digest_size=20)

    def add(part: bytes) -> None:
        digest.update(len(part).to_bytes(8, "little"))
        digest.update(part)

    _add_parts(inputs, add)
    return digest.hexdigest()


@cache
def _names(kind: Any) -> tuple[bytes, tuple[str, ...] | None]:
    """Return the name of a type, and those of its fields where it is a kind of record."""
    name = kind.__qualname__.encode()
    if issubclass(kind, BaseModel):
        return name, tuple(kind.model_fields)
    return name, tuple(field.name for field in fields(kind)) if is_dataclass(kind) else None


def _add_parts(value: object, add: Callable[[bytes], None]) -> None:
    """Add type and content of a value, so that no two different values add the same parts.

    A call for each part: generators within generators would hand it through all levels above.
    """
    kind, names = _names(cast("Hashable", type(value)))
    add(kind)
    if isinstance(value, np.ndarray):
        add(f"{value.dtype.str}{value.shape}".encode())
        add(np.ascontiguousarray(value).tobytes())
    elif names is not None:
        add(str(len(names)).encode())
        for name in names:
            _add_parts(name, add)
            _add_parts(getattr(value, name), add)
    elif isinstance(value, Mapping):
        add(str(len(value)).encode())
        for key, item in value.items():
            _add_parts(key, add)
            _add_parts(item, add)
    elif isinstance(value, (tuple, list)):
        add(str(len(value)).encode())
        for item in value:
            _add_parts(item, add)
    elif value is None or isinstance(value, (str, bool, int, float, np.generic, PurePath, date)):
        add(repr(value).encode())
    else:
        raise TypeError(f"no content key for {type(value).__qualname__}")


def size_of(value: object) -> int:
    """Return the bytes of all arrays of a record, each counted once. [B]"""
    return sum(array.nbytes for array in {id(array): array for array in _arrays(value, set())}.values())


def _arrays(value: object, seen: set[int]) -> Iterator[np.ndarray[Any, Any]]:
    if isinstance(value, np.ndarray):
        yield value
        return
    if isinstance(value, (str, bytes, int, float)) or id(value) in seen:
        return
    seen.add(id(value))
    if is_dataclass(value):
        for field in fields(value):
            yield from _arrays(getattr(value, field.name), seen)
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _arrays(item, seen)
    elif isinstance(value, (tuple, list)):
        for item in value:
            yield from _arrays(item, seen)
