"""A pack of rules in a file of the user: its form, and everything that can be wrong in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, get_args

from pydantic import ValidationError

from clustersim import catalog, units
from clustersim.catalog.records import ASSUMED_CONFIDENCE, Source
from clustersim.errors import InputError, UnitError, nearest, problem_text
from clustersim.limits.spec_parts.rule import MEASURES, Rule, Status

KEYS = ("title", "sources", "rules")
REQUIRED = ("measure", "limit", "source", "status")
"""What every rule of a pack must say."""
STATUSES = tuple(status for status in get_args(Status) if status != "user")
_OF_A_RULE = tuple(key for key in Rule.model_fields if key not in ("id", "assumed"))


def is_pack(tree: Mapping[str, Any]) -> bool:
    """Whether a YAML file is a pack of rules, and not a section `limits`: its rules are a mapping by id."""
    return isinstance(tree.get("rules"), Mapping) or "sources" in tree


def pack_rules(tree: Mapping[str, Any], where: str) -> list[dict[str, Any]]:
    """Return the rules of a pack as records of the section `limits.rules`.

    Parameters
    ----------
    tree : mapping
        The file: `title`, `sources` by identifier (title, url, date), and `rules` by id. A rule has measure, limit with
        unit, source (an identifier) and status, the parameters that its measure needs, and may have comparison,
        formula, where, confidence, note.
    where : str
        Name of the file, for messages.

    Raises
    ------
    InputError
        With one line for every problem.
    """
    lines = [f"{key}: unknown key{nearest(key, KEYS)}" for key in tree if key not in KEYS]
    sources, rules = tree.get("sources", {}), tree.get("rules", {})
    if not isinstance(sources, Mapping) or not isinstance(rules, Mapping) or not rules:
        lines.append("expected `sources` and `rules`, mappings by identifier, with one rule at least")
        sources, rules = {}, {}
    titles: dict[str, str] = {}
    for name, body in sources.items():
        try:
            titles[name] = Source.model_validate(body).title
        except ValidationError as error:
            lines += [f"sources.{name}.{problem_text(one)}" for one in error.errors()]
            titles[name] = ""
    for name, body in rules.items():
        lines += [f"rules.{name}: {problem}" for problem in _problems(name, body, titles)]
    if lines:
        raise InputError("\n".join(f"{where}: {line}" for line in lines))
    return [
        {
            "id": name,
            **body,
            "source": titles[body["source"]],
            "assumed": body.get("confidence") in ASSUMED_CONFIDENCE,
        }
        for name, body in rules.items()
    ]


def _problems(name: str, body: Any, sources: Mapping[str, str]) -> list[str]:
    if not isinstance(body, Mapping):
        return [f"expected a mapping with {', '.join(REQUIRED)}, found {body!r}"]
    found = [f"{key}: unknown key{nearest(key, _OF_A_RULE)}" for key in body if key not in _OF_A_RULE]
    found += [f"{key}: expected a value, found none" for key in REQUIRED if body.get(key) in (None, "")]
    if name in catalog.entries("rules"):
        found.append("is the name of a shipped rule or pack: expected another")
    source, status = body.get("source"), body.get("status")
    if source not in (None, "") and not (isinstance(source, str) and source in sources):
        found.append(f"source: expected one of `sources`, found {source!r}{nearest(str(source), sources)}")
    if status not in (None, "") and status not in STATUSES:
        found.append(f"status: expected one of {', '.join(STATUSES)}, found {status!r}{nearest(str(status), STATUSES)}")
    found += _of_the_measure(body)
    return found or _of_the_record(name, body)


def _of_the_measure(body: Mapping[str, Any]) -> Iterator[str]:
    measure, limit = body.get("measure"), body.get("limit")
    if measure in (None, ""):
        return
    if not isinstance(measure, str) or measure not in MEASURES:
        yield f"measure: expected one of {', '.join(MEASURES)}, found {measure!r}{nearest(str(measure), MEASURES)}"
        return
    kind = MEASURES[measure]
    for needed in kind.needs:
        if not body.get(needed):
            yield f"{needed}: {measure} needs one, found none"
    if limit in (None, ""):
        return
    try:
        units.parse(limit, kind.dimension)
    except UnitError as error:
        yield f"limit: {error}"


def _of_the_record(name: str, body: Mapping[str, Any]) -> list[str]:
    try:
        Rule.model_validate({"id": name, **body})
    except ValidationError as error:
        return [
            ": ".join([*map(str, problem["loc"]), str(problem["msg"]).removeprefix("Value error, ")])
            for problem in error.errors()
        ]
    return []
