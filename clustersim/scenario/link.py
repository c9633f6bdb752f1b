"""A run in a line of text: the resolved scenario, packed, with the identity that it must reproduce."""

from __future__ import annotations

import base64
import binascii
import json
import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import clustersim
from clustersim.catalog import catalog_digest
from clustersim.errors import InputError

PREFIX = "clustersim:"
"""Beginning of a link."""
MOST_TEXT, MOST_TREE, MOST_PAGE = 1_000_000, 4_000_000, 64_000_000
"""Longest link, longest scenario in it, longest page that is searched for one. [B]"""
DEEPEST = 60
"""Levels of the scenario in a link; those of this program have a dozen."""
_FIELDS = re.compile(r"^clustersim:run=([0-9a-f]{12})&version=([0-9A-Za-z.+-]{1,40})&catalog=([0-9a-f]{12})&s=(\S*)$")
_IN_PAGE = re.compile(r'<code id="link"[^>]*>\s*(clustersim:run=[^<\s]{1,1000000})\s*</code>')


@dataclass(frozen=True)
class Link:
    """What a link says."""

    run_id: str
    version: str
    """Of the package that made it."""
    catalog: str
    """Digest of the catalog that it was made with."""
    tree: dict[str, Any]
    """The resolved scenario."""

    @property
    def differs(self) -> str:
        """Why the run cannot have the same identity here; empty where it can."""
        found = []
        if self.version != clustersim.__version__:
            found.append(f"made by clustersim {self.version}, this is {clustersim.__version__}")
        if self.catalog != catalog_digest():
            found.append(f"made with catalog {self.catalog}, this is {catalog_digest()}")
        return "; ".join(found)


def link_text(run_id: str, tree: Mapping[str, Any], catalog: str) -> str:
    """Return the link of a run.

    Parameters
    ----------
    run_id : str
        Identity of the run.
    tree : mapping
        Its resolved scenario: plain data.
    catalog : str
        Digest of the catalog that it was made with.

    Returns
    -------
    str
        ``clustersim:run=ID&version=V&catalog=DIGEST&s=...``: the scenario as JSON, deflated, in base64url.
    """
    packed = zlib.compress(json.dumps(tree, separators=(",", ":")).encode(), 9)
    text = base64.urlsafe_b64encode(packed).decode().rstrip("=")
    return f"{PREFIX}run={run_id}&version={clustersim.__version__}&catalog={catalog}&s={text}"


def is_link(text: str) -> bool:
    """Whether a text is meant as a link, be it a good one or not."""
    return text.startswith(PREFIX)


def read_link(text: str, where: str = "link") -> Link:
    """Return what a link says.

    Raises
    ------
    InputError
        If it is no link, is damaged, or holds more than a scenario can.
    """
    if len(text) > MOST_TEXT:
        raise InputError(f"{where}: expected at most {MOST_TEXT:,} letters, found {len(text):,}")
    found = _FIELDS.match(text.strip())
    if found is None:
        raise InputError(f"{where}: expected clustersim:run=ID&version=V&catalog=DIGEST&s=..., found {text[:60]!r}")
    run_id, version, catalog, packed = found.groups()
    return Link(run_id, version, catalog, _tree(packed, where))


def _tree(packed: str, where: str) -> dict[str, Any]:
    damaged = f"{where}: damaged: expected a packed scenario after s="
    try:
        data = base64.b64decode(packed + "=" * (-len(packed) % 4), altchars=b"-_", validate=True)
        unpacker = zlib.decompressobj()
        raw = unpacker.decompress(data, MOST_TREE + 1)
    except (binascii.Error, ValueError, zlib.error):
        raise InputError(damaged) from None
    if len(raw) > MOST_TREE:
        raise InputError(f"{where}: expected a scenario of at most {MOST_TREE / 1e6:g} MB, found more")
    if not unpacker.eof or unpacker.unused_data:
        raise InputError(f"{damaged}, found its end missing or more behind it")
    try:
        tree = json.loads(raw.decode("utf-8"))
    except (ValueError, RecursionError):
        raise InputError(damaged) from None
    if not isinstance(tree, dict) or _deep(tree):
        raise InputError(f"{damaged}, found something else in it")
    return tree


def _deep(tree: Any) -> bool:
    """Whether a tree has more levels than a scenario can have."""
    level = [tree]
    for _ in range(DEEPEST):
        level = [
            inner
            for one in level
            for inner in (one.values() if isinstance(one, dict) else one)
            if isinstance(inner, (dict, list))
        ]
        if not level:
            return False
    return True


def page_link(path: Path) -> Link:
    """Return the link in a report.

    Raises
    ------
    InputError
        If the file cannot be read, is too long or holds no link.
    """
    try:
        size = path.stat().st_size
        if size > MOST_PAGE:
            raise InputError(f"{path}: expected a report of at most {MOST_PAGE / 1e6:g} MB, found {size / 1e6:.0f} MB")
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise InputError(f"{path}: expected a report of clustersim, found no text") from None
    found = _IN_PAGE.search(text)
    if found is None:
        raise InputError(f"{path}: expected a report of clustersim with the link of its run, found none")
    return read_link(found.group(1).replace("&amp;", "&"), str(path))
