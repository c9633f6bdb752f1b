"""Reading of scenario and topology files: safe YAML, `extends`, `set`, topology by name."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import yaml

from clustersim.economics.spec import read_prices
from clustersim.errors import InputError, nearest
from clustersim.plant.spec import read_epw
from clustersim.strict_yaml import strict_yaml, told_yaml

MOST_BYTES = 1_000_000
"""Largest file that is read: a real scenario has a few thousand bytes. [B]"""

_SHORT = r"^(?=.{1,200}$)"
"""More letters than file systems take are no name of a file."""
_NAME = re.compile(_SHORT + r"[a-z0-9_]+(?:/[a-z0-9_]+)*$")
_PART = re.compile(r"^(?:[A-Za-z0-9_-]+)$")
_WEATHER = re.compile(_SHORT + r"[A-Za-z0-9_][A-Za-z0-9_./ -]*\.[eE][pP][wW]$")
_PRICES = re.compile(_SHORT + r"[A-Za-z0-9_][A-Za-z0-9_./ -]*\.[cC][sS][vV]$")
_INSIDE = re.compile(_SHORT + r"[A-Za-z0-9_][A-Za-z0-9_./ -]*\.ya?ml$")


def read_yaml(path: Path) -> dict[str, Any]:
    """Return the mapping in a YAML file.

    Raises
    ------
    InputError
        If the file is missing, too large, not text, not YAML or not a mapping; the message names file and line.
    """
    data = _document(path)
    if not isinstance(data, dict):
        raise InputError(f"{path}: expected a mapping of keys, found {type(data).__name__}")
    return data


def read_records(path: Path, key: str) -> list[Any]:
    """Return the list in a YAML file, or the list under its only key `key`.

    Raises
    ------
    InputError
        As of :func:`read_yaml`, or if there is no list.
    """
    data = _document(path)
    found = data[key] if isinstance(data, dict) and list(data) == [key] else data
    if not isinstance(found, list):
        raise InputError(f"{path}: expected a list of records, or a key {key} with one, found {type(data).__name__}")
    return found


def _document(path: Path) -> Any:
    if not path.is_file():
        near = nearest(path.stem, [other.stem for other in path.parent.glob("*.yaml")]) if path.parent.is_dir() else ""
        raise InputError(f"{path}: expected a file, found none{near}")
    size = path.stat().st_size
    if size > MOST_BYTES:
        raise InputError(f"{path}: expected at most {MOST_BYTES / 1e6:g} MB, found {size / 1e6:.1f} MB")
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not valid YAML: {str(error).splitlines()[0]}") from None
    return told_yaml(text, str(path))


def read_text(text: str, where: str) -> dict[str, Any]:
    """Return the mapping in YAML text; `where` is named in messages.

    Raises
    ------
    InputError
        If it is too long, not YAML or not a mapping.
    """
    if len(text.encode()) > MOST_BYTES:
        raise InputError(f"{where}: expected at most {MOST_BYTES / 1e6:g} MB, found {len(text.encode()) / 1e6:.1f} MB")
    data = told_yaml(text, where)
    if not isinstance(data, dict):
        raise InputError(f"{where}: expected a mapping of keys, found {type(data).__name__}")
    return data


@cache
def shipped(folder: str) -> Path:
    """Return the folder of shipped `scenarios` or `topologies`: in the installed package, or in the source tree."""
    inside = Path(str(resources.files("clustersim"))) / "_shipped" / folder
    return inside if inside.is_dir() else Path(__file__).resolve().parents[2] / folder


def located(text: str, folder: str) -> Path:
    """Return the file that `text` means: a path, or the name of a shipped file, with its folder if it lies in one.

    Raises
    ------
    InputError
        If it is a name, and neither a file nor shipped.
    """
    path = Path(text)
    if path.is_file() or not _NAME.match(text):
        return path
    known = shipped(folder)
    if not (known / f"{text}.yaml").is_file():
        names = shipped_names(folder)
        raise InputError(
            f"{text}: expected a file or one of the shipped {folder} ({', '.join(names)}){nearest(text, names)}"
        )
    return known / f"{text}.yaml"


def shipped_names(folder: str) -> list[str]:
    """Return the names of all shipped `scenarios` or `topologies`; those in a folder as ``folder/name``, last."""
    known = shipped(folder)
    found = (file.relative_to(known).with_suffix("").as_posix() for file in known.rglob("*.yaml"))
    # what lies beside scenarios is for them: records of loads
    return sorted((name for name in found if not name.startswith("loads/")), key=lambda name: ("/" in name, name))


def _named(name: object, where: str, folders: Iterable[Path]) -> Path:
    """Return the file called `name` in the first folder that has it."""
    if not isinstance(name, str) or not _NAME.match(name):
        shown = repr(name[:60]) if isinstance(name, str) else type(name).__name__
        raise InputError(f"{where}: expected the name of a file without ending (a-z, 0-9, _), found {shown}")
    known: list[str] = []
    for folder in folders:
        path = folder / f"{name}.yaml"
        if path.is_file():
            return path
        known += [other.stem for other in folder.glob("*.yaml")]
    raise InputError(f"{where}: no file called {name!r}{nearest(name, known)}")


def merge(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Return `base` with `over` on top: mappings merge key by key, anything else is replaced."""
    merged = dict(base)
    for key, value in over.items():
        old = merged.get(key)
        merged[key] = merge(old, value) if isinstance(old, Mapping) and isinstance(value, Mapping) else value
    return merged


def _extended(path: Path, before: tuple[Path, ...] = ()) -> dict[str, Any]:
    """Return the mapping of a scenario file on top of what it extends; `set` entries are collected in order.

    What it extends lies beside it, or ships with the program.
    """
    if path in before:
        chain = " -> ".join(item.stem for item in (*before, path))
        raise InputError(f"{path}: extends: expected a chain that ends, found the cycle {chain}")
    data = read_yaml(path)
    settings = data.pop("set", {}) or {}
    if not isinstance(settings, dict):
        raise InputError(f"{path}: set: expected a mapping of key paths to values, found {settings!r}")
    parent = data.pop("extends", None)
    if parent is None:
        return {**data, "set": settings}
    # a scenario may be called as the shipped one that it extends
    beside = [] if parent == path.stem else [path.parent]
    base = _extended(_named(parent, f"{path}: extends", [*beside, shipped("scenarios")]), (*before, path))
    settings = {**base.pop("set"), **settings}
    return {**merge(base, data), "set": settings}


def load_tree(path: Path, overrides: Mapping[str, Any]) -> dict[str, Any]:
    """Return the whole tree of a scenario: extended, topology and load record put in, `set` and `overrides` applied.

    Raises
    ------
    InputError
        If a file or a key path is wrong.
    """
    data = _extended(path)
    settings = data.pop("set")
    topology = overrides.get("topology", data.get("topology"))
    if topology is None:
        raise InputError(f"{path}: topology: expected the name of a topology file, found none")
    # a scenario named as its place is not the place
    beside = [] if topology == path.stem else [path.parent]
    folders = [path.parent.parent / "topologies", *beside, shipped("topologies")]
    place = _named(topology, f"{path}: topology", folders)
    data["topology"] = read_yaml(place)
    changes = {**settings, **{k: v for k, v in overrides.items() if k != "topology"}}
    if isinstance(data.get("load"), dict):
        data["load"]["record"] = read_yaml(_record_file(path, data["load"], changes))
    for key, value in changes.items():
        _put(data, key, value, str(path))
    read_weather(data["topology"], str(path), "topology.", [path.parent, place.parent])
    read_tariff(data, path)
    return data


def resolved_tree(tree: Mapping[str, Any], where: str, overrides: Mapping[str, Any]) -> dict[str, Any]:
    """Return the tree of a resolved scenario with overrides in place; it names no files.

    Raises
    ------
    InputError
        If its topology is not written out, or a key path is wrong.
    """
    if not isinstance(tree.get("topology"), Mapping) or isinstance(overrides.get("topology"), str):
        raise InputError(f"{where}: topology: expected a place that is written out, as in a resolved scenario")
    data = copy.deepcopy(dict(tree))
    for key, value in overrides.items():
        _put(data, key, value, where)
    return data


def read_tariff(data: Mapping[str, Any], path: Path) -> None:
    """Put the hourly prices of a .csv file into the tree of a scenario, in place of the file's name.

    Raises
    ------
    InputError
        If the file is outside the scenario's folder, absent, or has no prices of a day, a week or a year.
    """
    economics = data.get("economics")
    tariff = economics.get("tariff") if isinstance(economics, dict) else None
    if not isinstance(tariff, dict) or not isinstance(tariff.get("hourly"), str):
        return
    name = tariff["hourly"]
    key = f"{path}: economics.tariff.hourly"
    if not _PRICES.match(name):
        raise InputError(
            f"{key}: expected 24 prices or the path of a .csv file from the scenario's folder, got {name!r}"
        )
    found = path.parent / name
    if not found.resolve().is_relative_to(path.parent.resolve()):
        raise InputError(f"{key}: expected a file inside the scenario's folder, got {name!r}")
    try:
        tariff["hourly"] = read_prices(found).model_dump()
    except InputError as error:
        raise InputError(f"{key}: {error}") from None


def read_weather(topology: Any, where: str, prefix: str, folders: Sequence[Path]) -> None:
    """Put the records of weather files into the tree of a topology, in place of their names.

    Parameters
    ----------
    topology : mapping
        Tree of a topology; what is not a mapping is left for its validation.
    where, prefix : str
        File and start of the key path, for messages.
    folders : sequence of Path
        Where the files may lie, or below; the first that has one counts.

    Raises
    ------
    InputError
        If a file is outside the folders, absent, or not a whole year of weather.
    """
    sites = topology.get("cooling") if isinstance(topology, dict) else None
    for site, record in sites.items() if isinstance(sites, dict) else ():
        name = record.get("weather") if isinstance(record, dict) else None
        if not isinstance(name, str) or not name.lower().endswith(".epw"):
            continue
        key = f"{where}: {prefix}cooling.{site}.weather"
        if not _WEATHER.match(name):
            raise InputError(f"{key}: expected the path of an .epw file from the folder of the file, got {name!r}")
        inside = [folder / name for folder in folders if (folder / name).resolve().is_relative_to(folder.resolve())]
        if len(inside) < len(folders):
            raise InputError(f"{key}: expected a file inside the folder of the file that names it, got {name!r}")
        found = next((file for file in inside if file.is_file()), None)
        if found is None:
            near = nearest(Path(name).name, [file.name for folder in folders for file in folder.glob("*.epw")])
            raise InputError(f"{key}: expected a weather file, found none called {name!r}{near}")
        try:
            record["weather"] = read_epw(found).model_dump()
        except InputError as error:
            raise InputError(f"{key}: {error}") from None


def _record_file(path: Path, load: Mapping[str, Any], changes: Mapping[str, Any]) -> Path:
    """Return the file of a scenario's load record; it lies in the scenario's folder or below it."""
    if "record" in load:
        raise InputError(f"{path}: load.record: expected in the file that load.file names, found it here")
    return file_inside(path, changes.get("load.file", load.get("file")), "load.file")


def file_inside(path: Path, name: object, key: str) -> Path:
    """Return the file that a scenario names by its path from the scenario's folder; it lies there or below.

    Raises
    ------
    InputError
        If it is no path of a .yaml file, or leads out of the folder.
    """
    if not isinstance(name, str) or not _INSIDE.match(name):
        raise InputError(f"{path}: {key}: expected the path of a .yaml file from the scenario's folder, got {name!r}")
    found = path.parent / name
    if not found.resolve().is_relative_to(path.parent.resolve()):
        raise InputError(f"{path}: {key}: expected a file inside the scenario's folder, got {name!r}")
    return found


def _put(tree: dict[str, Any], key: str, value: Any, where: str) -> None:
    """Set the value at a dotted key path; every part but the last must be there."""
    parts = key.split(".")
    if not all(_PART.match(part) for part in parts):
        raise InputError(f"{where}: set: expected a key path such as job.model, found {key!r}")
    node: Any = tree
    for depth, part in enumerate(parts):
        last = depth == len(parts) - 1
        here = ".".join(parts[: depth + 1])
        if isinstance(node, list):
            if not part.isdigit() or int(part) >= len(node):
                raise InputError(f"{where}: set: {here}: expected an index below {len(node)}, found {part!r}")
            if last:
                node[int(part)] = copy.deepcopy(value)
            node = node[int(part)]
        elif isinstance(node, dict):
            if last:
                node[part] = copy.deepcopy(value)
                return
            if part not in node:
                node[part] = {}
            node = node[part]
        else:
            raise InputError(f"{where}: set: {here}: {'.'.join(parts[:depth])} is a value, not a section")


def with_settings(tree: Mapping[str, Any], settings: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Return a tree with values at dotted key paths, as `set` of a scenario puts them; `tree` itself stays as it is.

    Raises
    ------
    InputError
        If a key path leads through a value, or beyond the end of a list.
    """
    changed = dict(tree)
    own: set[str] = set()
    for key, value in settings.items():
        node: Any = changed
        parts = key.split(".")
        for depth, part in enumerate(parts[:-1]):
            at = int(part) if isinstance(node, list) and part.isdigit() and int(part) < len(node) else part
            inside = node[at] if isinstance(at, int) else node.get(at) if isinstance(node, dict) else None
            if not isinstance(inside, dict | list):
                break
            name = ".".join(parts[: depth + 1])
            if name not in own:
                own.add(name)
                node[at] = copy.copy(inside)
            node = node[at]
        _put(changed, key, value, where)
        own = {name for name in own if name != key and not name.startswith(f"{key}.")}
    return changed


def value_at(tree: Any, path: str) -> Any:
    """Return what is written at a dotted key path; None where nothing is."""
    node = tree
    for part in path.split("."):
        if isinstance(node, list):
            node = node[int(part)] if part.isdigit() and int(part) < len(node) else None
        else:
            node = node.get(part) if isinstance(node, Mapping) else None
    return node


def parse_override(text: str) -> tuple[str, Any]:
    """Return key path and value of ``path=value``; the value is read as YAML.

    Raises
    ------
    InputError
        If there is no ``=`` or the value is not YAML.
    """
    key, sign, value = text.partition("=")
    if not sign or not key:
        raise InputError(f"--set: expected path=value such as job.model=deepseek-v3, found {text!r}")
    try:
        return key.strip(), strict_yaml(value)
    except (yaml.YAMLError, RecursionError) as error:
        raise InputError(f"--set {key}: not valid YAML: {str(error).splitlines()[0]}") from None
