"""Base of every validated input record."""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
import textwrap
from functools import cache
from itertools import pairwise
from typing import TypeVar

from pydantic import BaseModel, ConfigDict

Kind = TypeVar("Kind")


class Spec(BaseModel):
    """Base of all input records: immutable, and an unknown key is an error.

    Quantities are given as text with a unit (see :mod:`clustersim.units`); attributes hold SI floats.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


@cache
def docstrings(record: type[BaseModel]) -> dict[str, str]:
    """Return what is written below the fields of a record, its parents' included; a field without words is left out.

    Read from the source when it is asked for: pydantic would read it of every record at each start of a process.
    """
    found: dict[str, str] = {}
    for written in reversed(record.__mro__):
        if not issubclass(written, Spec) or written is Spec:
            continue
        tree = ast.parse(textwrap.dedent(inspect.getsource(written)))
        definition = next(node for node in ast.walk(tree) if isinstance(node, ast.ClassDef))
        for field, words in pairwise(definition.body):
            match field, words:
                case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                    found[name] = inspect.cleandoc(text)
    return found


def classes_in(package: str, base: type[Kind]) -> tuple[type[Kind], ...]:
    """Return the classes derived from `base` that the modules of a package define, by name of the module.

    A new one is a new module in the package and nothing else.

    Parameters
    ----------
    package : str
        Such as ``clustersim.power.strategies``.
    base : type
    """
    found: list[type[Kind]] = []
    where = importlib.import_module(package)
    for name in sorted(module.name for module in pkgutil.iter_modules(where.__path__, f"{package}.")):
        classes = (one for one in vars(importlib.import_module(name)).values() if inspect.isclass(one))
        found.extend(one for one in classes if one.__module__ == name and issubclass(one, base))
    return tuple(found)
