"""What stands in an exported file: text, JSON documents, numbers and times; what is wrong is told with its place."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from clustersim.errors import InputError

MOST_BYTES = 100_000_000
"""Longest file that is read."""
LONGEST_SHOWN = 60
"""Characters of what was found that a message shows."""
LONGEST_NAME = 1_000
"""Characters of a name."""
LATEST_S = 1e11
"""Beyond this many seconds from 1970 a time is in another unit. [s]"""
NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?", re.ASCII)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


class Place(NamedTuple):
    """Where something stands: in which file, and there in which line, at which path of its JSON, in which column."""

    path: Path
    line: int | None = None
    at: str = ""

    def __str__(self) -> str:
        """Return the place as messages begin with it."""
        line = "" if self.line is None else f"line {self.line}"
        return ": ".join(part for part in (str(self.path), line, self.at) if part)

    def __truediv__(self, step: str | int) -> Place:
        """Return the place of a key or of an item within this one."""
        name = f"[{step}]" if isinstance(step, int) else step
        joint = "." if self.at and isinstance(step, str) else ""
        return Place(self.path, self.line, f"{self.at}{joint}{name}")

    def wrong(self, expected: str, found: object) -> InputError:
        """Return the error that says what was expected here and what was found."""
        return InputError(f"{self}: expected {expected}, found {shown(found)}")


def shown(found: object) -> str:
    """Return what was found as a message shows it: short, on one line, whatever characters it holds."""
    if isinstance(found, dict | list):
        kind = "an object" if isinstance(found, dict) else "an array"
        return f"{kind} of {len(found)}"
    if isinstance(found, str):
        return ascii(found) if len(found) <= LONGEST_SHOWN else f"{found[:LONGEST_SHOWN]!a}..."
    return "nothing" if found is None else str(found)


def read_text(path: Path) -> str:
    """Return the text of a file.

    Raises
    ------
    InputError
        If there is none, it cannot be read, is too long, or is no UTF-8.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    try:
        with path.open("rb") as file:
            found = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error}") from None
    if len(found) > MOST_BYTES:
        raise InputError(f"{path}: expected at most {MOST_BYTES:,} bytes, found more: export a shorter time")
    try:
        return found.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path}: expected text in UTF-8, found byte {found[error.start]:#04x} at {error.start}"
        ) from None


def is_json(text: str) -> bool:
    """Return whether a text looks like JSON: its first character opens an object or an array."""
    return text.lstrip()[:1] in ("{", "[")


def json_documents(path: Path, text: str) -> Iterator[tuple[Place, Any]]:
    """Yield the documents of a text, each with its place: a JSON document, the items of an array, or one a line.

    Raises
    ------
    InputError
        If the text, or a line of it, is no JSON.
    """
    try:
        whole = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        lines = [(number, line) for number, line in enumerate(text.split("\n"), 1) if line.strip()]
        if len(lines) < 2 or not _is_document(lines[0][1]):
            raise InputError(
                f"{path}: line {error.lineno}: expected JSON, an array of it, or an object a line: {error.msg}"
            ) from None
        yield from _documents_by_line(path, lines)
        return
    if isinstance(whole, list):
        yield from ((Place(path) / index, document) for index, document in enumerate(whole))
    else:
        yield Place(path), whole


def _is_document(line: str) -> bool:
    try:
        return isinstance(orjson.loads(line), dict | list)
    except orjson.JSONDecodeError:
        return False


def _documents_by_line(path: Path, lines: list[tuple[int, str]]) -> Iterator[tuple[Place, Any]]:
    for number, line in lines:
        place = Place(path, number)
        try:
            document = orjson.loads(line)
        except orjson.JSONDecodeError as error:
            raise InputError(f"{place}: expected a JSON object: {error.msg} at column {error.colno}") from None
        if isinstance(document, list):
            yield from ((place / at, item) for at, item in enumerate(document))
        else:
            yield place, document


def mapping(found: Any, place: Place, what: str) -> dict[str, Any]:
    """Return an object of JSON, or raise that something else stands there."""
    if not isinstance(found, dict):
        raise place.wrong(what, found)
    return found


def sequence(found: Any, place: Place, what: str) -> list[Any]:
    """Return an array of JSON, or raise that something else stands there."""
    if not isinstance(found, list):
        raise place.wrong(what, found)
    return found


def named(found: object, place: Place, what: str) -> str:
    """Return a name as it stands there, whatever characters it has; a number is taken as its text."""
    if isinstance(found, int) and not isinstance(found, bool):
        return str(found)
    if not isinstance(found, str) or not 0 < len(found) <= LONGEST_NAME:
        raise place.wrong(f"{what}, of at most {LONGEST_NAME} characters", found)
    return found


def number(found: object, place: Place, what: str) -> float:
    """Return a finite number: one of JSON, or a text that is one.

    Raises
    ------
    InputError
        If it is none.
    """
    value = math.nan
    # a bool is no number here, though Python has it as an int
    if type(found) in (int, float) or (type(found) is str and NUMBER.fullmatch(found.strip())):
        value = float(found)  # type: ignore[arg-type]
    if not math.isfinite(value):
        raise place.wrong(what, found)
    return value


def moment_us(found: object, place: Place) -> int:
    """Return a time as microseconds since 1970: text as in ISO 8601 (UTC where no offset is told), or seconds.

    Raises
    ------
    InputError
        If it is neither, or beyond any time of a record.
    """
    what = "a time as in ISO 8601 or seconds since 1970"
    if isinstance(found, str) and not NUMBER.fullmatch(found.strip()):
        try:
            told = datetime.fromisoformat(found.strip())
        except ValueError:
            raise place.wrong(what, found) from None
        return ((told if told.tzinfo is not None else told.replace(tzinfo=UTC)) - EPOCH) // MICROSECOND
    seconds = number(found, place, what)
    if abs(seconds) > LATEST_S:
        raise place.wrong(f"{what}, at most {LATEST_S:g} of them", found)
    return round(seconds * 1e6)


def moment_text(time_us: int) -> str:
    """Return microseconds since 1970 as text in ISO 8601, or as seconds where no calendar has that day."""
    try:
        return (EPOCH + time_us * MICROSECOND).isoformat().replace("+00:00", "Z")
    except OverflowError:
        return f"{time_us / 1e6:.6f} s since 1970"
