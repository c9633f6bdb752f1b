"""Markers in pages, and what stands in their place on the site.

A page says ``<!-- generated: NAME ARGUMENTS -->`` on a line of its own; when Sphinx reads it, the line is replaced by
the Markdown that the generator of this name makes of the program. In other viewers the line is invisible.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from sphinx.util import logging

from site_pages import built_in, commands, errors, fields, included, rooms

if TYPE_CHECKING:
    from sphinx.application import Sphinx
    from sphinx.util.typing import ExtensionMetadata

MARKER = re.compile(r"^<!-- generated: ([a-z_]+)((?: \S+)*) -->$", re.MULTILINE)
GENERATORS: dict[str, Callable[..., str]] = {
    "beginning": included.beginning,
    "commands": commands.commands,
    "dimensions": built_in.dimensions,
    "errors": errors.errors,
    "fields": fields.fields,
    "included": included.included,
    "keys": built_in.keys,
    "kinds": built_in.kinds,
    "measures": fields.measures,
    "modelled": errors.modelled,
    "packs": built_in.packs,
    "others": included.others,
    "public": rooms.public,
    "room": rooms.room,
    "words": built_in.words,
}


def filled(text: str) -> str:
    """Return a page with its markers replaced.

    Raises
    ------
    KeyError
        If there is no generator of a name.
    """
    return MARKER.sub(lambda found: GENERATORS[found[1]](*found[2].split()), text)


def _fill(_: Sphinx, page: str, source: list[str]) -> None:
    try:
        source[0] = filled(included.above_linked(source[0]))
    except KeyError as error:
        logging.getLogger(__name__).warning("no generator %s", error, location=page)


def setup(app: Sphinx) -> ExtensionMetadata:
    """Take part in a build."""
    app.connect("source-read", _fill)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
