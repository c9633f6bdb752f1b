"""Tables of the fields of input files: what each is, how it is written, what holds where it is left out."""

from __future__ import annotations

import re
import typing
from collections.abc import Iterator
from functools import cache
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from clustersim import units
from clustersim.limits.spec_parts.pack_file import REQUIRED
from clustersim.limits.spec_parts.rule import MEASURES, Rule
from clustersim.scenario import annotations as says
from clustersim.scenario.form_field import written
from clustersim.scenario.spec import LoadScenario, Scenario
from clustersim.scenario.topology import TopologySpec
from clustersim.spec import Spec, docstrings
from clustersim.study.sweep.spec import StudySpec
from site_pages.markdown import code, table

FILES: dict[str, tuple[type[Spec], ...]] = {
    "topology": (TopologySpec,),
    "pack": (Rule,),
    "scenario": (Scenario, LoadScenario),
    "study": (StudySpec,),
}
"""Kind of file -> the records that it may be; its page is ``reference/KIND``.

The table of a record that several kinds may hold stands on the page of the first."""
ROLE = re.compile(r":\w+:`~?([^`]+)`")
UNIT = re.compile(r" \[([^\]]+)\]$")
"""At the end of what a docstring says of a field; a quantity is written with its unit, a bare number is not."""
TYPES = {bool: "yes or no", int: "whole number", float: "number", str: "text"}
HEAD = ("key", "what it is", "how it is written", "left out", "range")


def fields(file: str) -> str:
    """Return a table for every record of a kind of file, in the order in which they are first named."""
    own = (one for one in records(file).items() if page_of(one[0]) == f"reference/{file}")
    return "\n\n".join(_section(record, path) for record, path in own)


def measures() -> str:
    """Return what a rule may measure, with the dimension of its limit and the keys that it needs and takes."""
    rows = [
        (
            code(name), f"{one.dimension} ({_units(one.dimension)})", "at least" if one.at_least else "at most",
            ", ".join(map(code, one.needs)), ", ".join(map(code, one.takes)),
        )
        for name, one in MEASURES.items()
    ]  # fmt: skip
    return table(("measure", "limit", "bound", "needs", "may have"), rows)


def _units(dimension: str) -> str:
    return ", ".join(units.TABLE[dimension])


def page_of(record: type) -> str | None:
    """Return the page that has the fields of a record; None where none has."""
    return next((f"reference/{file}" for file in FILES if record in records(file)), None)


def anchor(record: type) -> str:
    """Return the name under which the table of a record can be linked."""
    return f"fields-{record.__module__.split('.')[1]}-{record.__name__.strip('_').lower()}"


@cache
def records(file: str) -> dict[type[Spec], str]:
    """Return every record that a kind of file may hold, with the key path at which it is first named."""
    found: dict[type[Spec], str] = {}
    waiting = [(root, "") for root in FILES[file]]
    while waiting:
        record, path = waiting.pop(0)
        if record in found:
            continue
        found[record] = path
        within = f"{path}." if path else ""
        for name, info in record.model_fields.items():
            for inner, mark in _records_below(info.annotation):
                if issubclass(inner, Spec):
                    waiting.append((inner, f"{within}{_key(name, info)}{mark}"))
    return found


def _section(record: type[Spec], path: str) -> str:
    kinds = says.kinds_of(record)
    words = f"{code(path) if path else record.__name__}" + (f", kind {', '.join(map(code, kinds))}" if kinds else "")
    meaning = docstrings(record)
    rows = [_row(record, name, info, meaning.get(name, "")) for name, info in record.model_fields.items()]
    return f"({anchor(record)})=\n## {words}\n\n{_markdown(_summary(record))}\n\n{table(HEAD, rows)}"


def _row(record: type[Spec], name: str, info: FieldInfo, words: str) -> tuple[str, ...]:
    said = [*info.metadata, *_said(info.annotation)]
    required = info.is_required() or (record is Rule and name in REQUIRED)
    return (
        code(_key(name, info)),
        _markdown(says.meaning_of(words, "")) or _of_records(info),
        _how(info, said, words),
        "**required**" if required else _default(info),
        says.range_of(said),
    )


def _of_records(info: FieldInfo) -> str:
    """Return what a field without words of its own is, from the record that it holds, where that is one."""
    below = dict(_records_below(info.annotation))
    return _markdown(_summary(next(iter(below)))) if len(below) == 1 else ""


def _summary(record: type[BaseModel]) -> str:
    return (record.__doc__ or "").strip().split("\n\n")[0]


def _key(name: str, info: FieldInfo) -> str:
    return info.alias or name


def _default(info: FieldInfo) -> str:
    found = says.default_of(info)
    if found is None:
        record = info.default if isinstance(info.default, BaseModel) else None
        return "" if record is None else "as its fields say"
    return code(written(found))


def _how(info: FieldInfo, said: list[Any], meaning: str) -> str:
    """Return what is written at a key: a quantity with its units, words, records, numbers."""
    below = dict(_records_below(info.annotation))
    if below:
        linked = [f"[{one.__name__.strip('_')}](#{anchor(one)})" for one in below if page_of(one)]
        return f"{_gathered(set(below.values()))}{', '.join(dict.fromkeys(linked))}"
    known = says.units_of(said)
    if known:
        dimension = says.dimension_of(said) or "rating"
        return f"{_gathered(_marks(info.annotation))}{dimension}: {', '.join(map(code, known))}"
    words = says.words_of(info.annotation)
    if words:
        return ", ".join(map(code, words))
    plain = [TYPES[one] for one in _plain(info.annotation) if one in TYPES]
    of = f"{_gathered(_marks(info.annotation))}{' or '.join(dict.fromkeys(plain)) or 'any value'}"
    unit = UNIT.search(meaning)
    return of if unit is None or unit[1] == "-" else f"{of} ({unit[1]})"


def _gathered(marks: set[str]) -> str:
    if any("NAME" in mark for mark in marks):
        return "by name, each "
    return "list of " if any("[" in mark for mark in marks) else ""


def _inside(annotation: Any) -> Iterator[tuple[Any, str]]:
    """Yield what an annotation consists of, with ``[]`` for what a list holds and ``.NAME`` for a mapping."""
    for one in says.members_of(annotation):
        origin, arguments = typing.get_origin(one), typing.get_args(one)
        if origin in (tuple, list):
            yield from ((inner, f"[]{mark}") for part in arguments if part is not ... for inner, mark in _inside(part))
        elif origin is dict:
            yield from ((inner, f".NAME{mark}") for inner, mark in _inside(arguments[1]))
        else:
            yield one, ""


def _records_below(annotation: Any) -> list[tuple[type[BaseModel], str]]:
    return [
        (one, mark) for one, mark in _inside(annotation) if isinstance(one, type) and issubclass(one, BaseModel)
    ]  # fmt: skip


def _said(annotation: Any) -> Iterator[Any]:
    """Yield what is said about an annotation, its members, and what its lists and mappings hold."""
    yield from says.metadata_of(annotation)
    for one in says.members_of(annotation):
        if typing.get_origin(one) in (tuple, list, dict):
            for part in typing.get_args(one):
                yield from _said(part)


def _markdown(text: str) -> str:
    """Return words of a docstring as Markdown."""
    return ROLE.sub(r"`\1`", text).replace("``", "`")


def _plain(annotation: Any) -> list[Any]:
    return [one for one, _ in _inside(annotation)]


def _marks(annotation: Any) -> set[str]:
    return {mark for _, mark in _inside(annotation)}
