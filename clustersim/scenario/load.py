"""From a file to a validated scenario, with one clear message for everything that is wrong."""

from __future__ import annotations

import hashlib
import json
import types
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

import clustersim
from clustersim.catalog import catalog_files
from clustersim.errors import InputError, nearest
from clustersim.power.spec import MeasuredLoad
from clustersim.scenario.files import load_tree, read_weather, read_yaml, resolved_tree
from clustersim.scenario.link import Link
from clustersim.scenario.names import unknown_names
from clustersim.scenario.pack_files import embedded
from clustersim.scenario.spec import SECTIONS, AnyScenario, LoadScenario, Scenario, SiteScenario
from clustersim.scenario.topology import TopologySpec

_Record = typing.TypeVar("_Record", bound=BaseModel)
_Named = typing.TypeVar("_Named", Scenario, LoadScenario, TopologySpec)


def load_any(path: str | Path, overrides: Mapping[str, Any] | None = None) -> AnyScenario:
    """Return the validated scenario in the file at `path`, of a job or of a measured load.

    Parameters
    ----------
    path : str or Path
        Scenario file; also a resolved one, whose place is written out in it.
    overrides : mapping, optional
        Key path -> value, as on the command line with ``--set``.

    Raises
    ------
    InputError
        Listing everything that is wrong, each with its key path.
    """
    written = read_yaml(Path(path))
    if isinstance(written.get("topology"), Mapping):
        # a resolved scenario, as the dashboard and the folder of a result give it: it names no files
        return load_resolved(resolved_tree(written, str(path), overrides or {}), str(path))
    return scenario_of_tree(any_tree(path, overrides), path)


def any_tree(path: str | Path, overrides: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return the tree of a scenario with everything in it that it names by file; not validated.

    Raises
    ------
    InputError
        If a file or a key path is wrong.
    """
    path = Path(path)
    return embedded(path, load_tree(path, overrides or {}))


def scenario_of_tree(tree: Mapping[str, Any], path: str | Path) -> AnyScenario:
    """Return the validated scenario of a tree that :func:`any_tree` gave; `path` is named in messages.

    Raises
    ------
    InputError
        Listing everything that is wrong, each with its key path.
    """
    path = Path(path)
    if "load" not in tree:
        return _known(_validated(Scenario, tree, path), path)
    if "job" in tree:
        raise InputError(f"{path}: load: expected one of the sections job and load, found both")
    if isinstance(tree["load"], dict):
        _validated(MeasuredLoad, tree["load"]["record"], path.parent / str(tree["load"]["file"]))
    return _known(_validated(LoadScenario, tree, path), path)


def load_scenario(path: str | Path, overrides: Mapping[str, Any] | None = None) -> Scenario:
    """Return the validated scenario of a job in the file at `path`.

    Parameters
    ----------
    path : str or Path
        Scenario file.
    overrides : mapping, optional
        Key path -> value, as on the command line with ``--set``.

    Raises
    ------
    InputError
        Listing everything that is wrong, each with its key path; or if the scenario's load is measured.
    """
    path = Path(path)
    tree = embedded(path, load_tree(path, overrides or {}))
    if "load" in tree:
        raise InputError(
            f"{path}: load: the load of this scenario is measured, so that there is no job to time, plan or draw; "
            "`clustersim run`, `compare` and `check` take it"
        )
    return _known(_validated(Scenario, tree, path), path)


def load_linked(link: Link, where: str, overrides: Mapping[str, Any] | None = None) -> AnyScenario:
    """Return the validated scenario of a link.

    Parameters
    ----------
    link : Link
        As :func:`~clustersim.scenario.link.read_link` gives it.
    where : str
        What the messages call it.
    overrides : mapping, optional
        Key path -> value.

    Raises
    ------
    InputError
        Listing everything that is wrong; or if the scenario is as it was, but this package or its catalog are others
        than those that made the link, so that the run could not be the same.
    """
    tree = resolved_tree(link.tree, where, overrides or {})
    found = load_resolved(tree, where)
    if link.differs and not overrides:
        raise InputError(f"{where}: cannot reproduce run {link.run_id}: {link.differs}; run its scenario instead")
    if not overrides and run_id(found) != link.run_id:
        raise InputError(f"{where}: its scenario is of run {run_id(found)}, expected {link.run_id}: it was changed")
    return found


def load_resolved(tree: Mapping[str, Any], where: str) -> AnyScenario:
    """Return the validated scenario of a resolved tree.

    Raises
    ------
    InputError
        Listing everything that is wrong, each with its key path.
    """
    path = Path(where)
    if ("load" in tree) == ("job" in tree):
        raise InputError(f"{where}: expected one of the sections job and load")
    if "load" in tree:
        return _known(_validated(LoadScenario, tree, path), path)
    return _known(_validated(Scenario, tree, path), path)


def load_topology(path: str | Path) -> TopologySpec:
    """Return the validated place in a topology file.

    Raises
    ------
    InputError
        Listing everything that is wrong, each with its key path.
    """
    path = Path(path)
    tree = read_yaml(path)
    read_weather(tree, str(path), "", [path.parent])
    return _known(_validated(TopologySpec, tree, path), path)


def topology_of_tree(tree: Mapping[str, Any], where: str) -> TopologySpec:
    """Return the validated place that is written out in the tree of a scenario, whatever the rest of it is.

    Raises
    ------
    InputError
        Listing everything that is wrong with the place.
    """
    return _known(_validated(TopologySpec, tree["topology"], Path(where)), Path(where))


def _known(record: _Named, path: Path) -> _Named:
    lines = [f"{path}: {line}" for line in unknown_names(record)]
    if lines:
        raise InputError("\n".join(lines))
    return record


def _validated(record: type[_Record], tree: Mapping[str, Any], path: Path) -> _Record:
    try:
        return record.model_validate(tree)
    except ValidationError as error:
        lines = [f"{path}: {_message(record, problem, tree)}" for problem in _telling(error.errors())]
        raise InputError("\n".join(dict.fromkeys(lines))) from None


def _telling(problems: list[Any]) -> list[Any]:
    """Leave out what a union says of the member that was not meant: a word is no mapping, a mapping no word."""
    told = [
        problem
        for problem in problems
        if not (problem["type"] == "literal_error" and isinstance(problem["input"], Mapping))
        and not (problem["type"] == "model_type" and isinstance(problem["input"], str))
        and not (problem["type"] == "string_type" and isinstance(problem["input"], Mapping))
    ]
    return told or problems


def _key_path(location: tuple[Any, ...], tree: Any) -> str:
    """Return the dotted path of a problem, without parts that are no keys of the file (names of union members)."""
    parts: list[str] = []
    for index, part in enumerate(location):
        last = index == len(location) - 1
        inside = (isinstance(tree, Mapping) and part in tree) or (
            isinstance(tree, list) and isinstance(part, int) and part < len(tree)
        )
        if inside:
            tree = tree[part]
            parts.append(str(part))
        elif last and isinstance(tree, Mapping) and not str(part).startswith(("function-", "literal")):
            parts.append(str(part))
    return ".".join(parts)


def _message(record: type[BaseModel], problem: Any, tree: Mapping[str, Any]) -> str:
    """Return ``key.path: what was expected, what was found``."""
    location = problem["loc"]
    where = _key_path(location, tree)
    text = str(problem["msg"]).removeprefix("Value error, ")
    if problem["type"] == "extra_forbidden":
        known = _keys_at(record, location[:-1])
        return f"{where}: unknown key{nearest(str(location[-1]), known)}"
    if problem["type"] == "missing":
        return f"{where}: expected a value, found none"
    if problem["type"] in {"union_tag_invalid", "literal_error"}:
        return (
            f"{where}: {text}, got {problem['input']!r}" if problem["type"] == "literal_error" else f"{where}: {text}"
        )
    if problem["type"] != "value_error":
        return f"{where}: {text}, got {problem['input']!r}"
    return f"{where}: {text}" if where else text


def _keys_at(record: Any, location: tuple[Any, ...]) -> list[str]:
    """Return the keys that the record at `location` knows."""
    found = _models(record)
    for part in location:
        inner: list[Any] = []
        for model in found:
            if isinstance(part, str) and part in model.model_fields:
                inner += _models(model.model_fields[part].annotation)
            elif getattr(model.model_fields.get("kind"), "annotation", None) is not None:
                inner.append(model)
        found = inner or found
    return [key for model in found for key in model.model_fields]


def _models(annotation: Any) -> list[type[BaseModel]]:
    """Return the record classes inside an annotation."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    if isinstance(annotation, types.UnionType) or typing.get_args(annotation):
        return [model for argument in typing.get_args(annotation) for model in _models(argument)]
    return []


def resolved(scenario: SiteScenario) -> dict[str, Any]:
    """Return the scenario as a plain tree in which every quantity is text with its unit."""
    tree = scenario.model_dump(mode="json")
    return {key: tree[key] for key in SECTIONS if key in tree}


def run_id(scenario: SiteScenario) -> str:
    """Return the identity of a run: a hash of the scenario, the catalog's files and the package's version."""
    digest = hashlib.sha256()
    digest.update(json.dumps(resolved(scenario), sort_keys=True).encode())
    for file in catalog_files():
        digest.update(file.name.encode())
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    digest.update(clustersim.__version__.encode())
    return digest.hexdigest()[:12]
