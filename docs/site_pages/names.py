"""Names of Python that docstrings and signatures refer to: each must exist, whether the site shows it or not.

A name that the site shows under another module is linked there, an input record to the table of its fields. Any other
is plain text where it can be imported, from whatever package; one that cannot is a warning, and with ``-W`` an error.
"""

from __future__ import annotations

import builtins
import sys
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any, cast

from docutils import nodes
from sphinx.util.nodes import make_refnode

from clustersim.spec import Spec
from site_pages import fields

if TYPE_CHECKING:
    from sphinx.addnodes import pending_xref
    from sphinx.application import Sphinx
    from sphinx.domains.python import PythonDomain
    from sphinx.environment import BuildEnvironment
    from sphinx.util.typing import ExtensionMetadata


@cache
def found(name: str) -> Any:
    """Return what a dotted name means.

    Raises
    ------
    LookupError
        If there is nothing of this name.
    """
    parts = name.split(".")
    for depth in range(len(parts), 0, -1):
        try:
            thing = import_module(".".join(parts[:depth]))
        except ImportError:
            continue
        for part in parts[depth:]:
            if hasattr(thing, part):
                thing = getattr(thing, part)
            elif part not in {**getattr(thing, "model_fields", {}), **getattr(thing, "__annotations__", {})}:
                break
        else:
            return thing
    if hasattr(builtins, name):
        return getattr(builtins, name)
    raise LookupError(name)


def meant(target: str, module: str | None) -> Any:
    """Return what a name means that stands in the docstring of something that a module offers.

    Parameters
    ----------
    target : str
        Of a type with parts, such as ``dict[str``, the part before the bracket counts.
    module : str or None
        The module that offers it; what it offers may be defined in any module below it.

    Raises
    ------
    LookupError
        If there is nothing of this name.
    """
    name = target.lstrip("~").partition("[")[0]
    below = [one for one in sorted(sys.modules) if module and f"{one}.".startswith(f"{module}.")]
    for prefix in ("", *(f"{one}." for one in below)):
        try:
            return found(prefix + name)
        except LookupError:
            continue
    raise LookupError(target)


def _resolve(app: Sphinx, env: BuildEnvironment, node: pending_xref, shown: nodes.TextElement) -> nodes.Node | None:
    if node.get("refdomain") != "py":
        return None
    try:
        thing = meant(node["reftarget"], node.get("py:module"))
    except LookupError:
        return None
    page = fields.page_of(thing) if isinstance(thing, type) and issubclass(thing, Spec) else None
    if page is not None:
        return make_refnode(app.builder, node["refdoc"], page, fields.anchor(thing), shown)
    place = _places(env).get(id(thing))
    return shown if place is None else make_refnode(app.builder, node["refdoc"], place[0], place[1], shown)


def _places(env: BuildEnvironment) -> dict[int, tuple[str, str]]:
    """Return where the site shows what, by its identity."""
    kept: dict[int, tuple[str, str]] | None = getattr(env, "_clustersim_places", None)
    if kept is None:
        domain = cast("PythonDomain", env.get_domain("py"))
        kept = {id(found(name)): (one.docname, one.node_id) for name, one in domain.objects.items() if _callable(name)}
        env._clustersim_places = kept  # type: ignore[attr-defined]
    return kept


def _callable(name: str) -> bool:
    try:
        return callable(found(name))
    except LookupError:
        return False


def setup(app: Sphinx) -> ExtensionMetadata:
    """Take part in a build."""
    app.connect("missing-reference", _resolve)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
