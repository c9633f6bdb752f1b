"""What the rooms of the package offer, from their docstrings."""

from __future__ import annotations

import ast
import inspect
from importlib import import_module
from pathlib import Path

import clustersim
from clustersim.spec import Spec
from site_pages.markdown import code, table

PACKAGE = Path(clustersim.__file__).parent


def room(name: str, *offering: str) -> str:
    """Return a room of the package: its modules, and what it offers.

    Parameters
    ----------
    name : str
        A package below ``clustersim``, such as ``power``.
    *offering : str
        Modules of the room that are shown whole, where the room itself does not name what it offers.
    """
    rows = [(code(one), summary(path)) for one, path in modules(name).items()]
    parts = ["## Modules", table(("module", "what it is"), rows)]
    names = offered(f"clustersim.{name}")
    if names:
        parts += ["## What it offers", _documented(f"clustersim.{name}", names)]
    for one in offering:
        parts += [f"## {code(one)}", _documented(f"clustersim.{name}.{one}")]
    return "\n\n".join(parts)


def public(*_: str) -> str:
    """Return what ``import clustersim`` offers."""
    return _documented("clustersim", offered("clustersim"))


def offered(package: str) -> list[str]:
    """Return the names that a package offers, each once on the site.

    Input records are left out, since they have tables of their fields; so is what ``clustersim`` itself offers.
    """
    found = import_module(package)
    public = {id(getattr(clustersim, name)) for name in clustersim.__all__ if package != "clustersim"}
    names = {name: getattr(found, name) for name in getattr(found, "__all__", [])}
    return [name for name, one in names.items() if not _is_input(one) and id(one) not in public]


def modules(name: str) -> dict[str, Path]:
    """Return the modules of a room by their names within it."""
    folder = PACKAGE / name
    return {
        ".".join(path.relative_to(folder).with_suffix("").parts): path
        for path in sorted(folder.rglob("*.py"))
        if not path.stem.startswith("_")
    }


def summary(path: Path) -> str:
    """Return the first paragraph of a module's docstring, as Markdown."""
    words = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return words.split("\n\n")[0].replace("``", "`")


def _is_input(found: object) -> bool:
    return inspect.isclass(found) and issubclass(found, Spec)


def _documented(module: str, names: list[str] | None = None) -> str:
    members = "" if names is None else f" {', '.join(names)}"
    return f"```{{eval-rst}}\n.. automodule:: {module}\n   :members:{members}\n```"
