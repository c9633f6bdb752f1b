"""What points of a study have in common, made once in a process: results of pure functions by the content of inputs."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from datetime import date
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
    for part in _parts(inputs):
        digest.update(len(part).to_bytes(8, "little"))
        digest.update(part)
    return digest.hexdigest()


def _parts(value: object) -> Iterator[bytes | memoryview]:
    """Yield type and content of a value, so that no two different values yield the same parts."""
    yield type(value).__qualname__.encode()
    if isinstance(value, np.ndarray):
        yield f"{value.dtype.str}{value.shape}".encode()
        yield np.ascontiguousarray(value).tobytes()
    elif isinstance(value, BaseModel):
        yield from _items((name, getattr(value, name)) for name in type(value).model_fields)
    elif is_dataclass(value):
        yield from _items((field.name, getattr(value, field.name)) for field in fields(value))
    elif isinstance(value, Mapping):
        yield from _items(value.items())
    elif isinstance(value, (tuple, list)):
        yield str(len(value)).encode()
        for item in value:
            yield from _parts(item)
    elif value is None or isinstance(value, (str, bool, int, float, np.generic, PurePath, date)):
        yield repr(value).encode()
    else:
        raise TypeError(f"no content key for {type(value).__qualname__}")


def _items(items: Iterable[tuple[object, object]]) -> Iterator[bytes | memoryview]:
    pairs = list(items)
    yield str(len(pairs)).encode()
    for name, item in pairs:
        yield from _parts(name)
        yield from _parts(item)


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
