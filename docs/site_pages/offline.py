"""Nothing that a page of the site needs lies elsewhere: scripts, styles, fonts, images."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from sphinx.util import logging

if TYPE_CHECKING:
    from sphinx.application import Sphinx
    from sphinx.util.typing import ExtensionMetadata

ELSEWHERE = r"(?:https?:)?//"
NEEDED = re.compile(
    rf"""<(?:script|img|iframe|source|audio|video|embed)\b[^>]*?\b(?:src|srcset)\s*=\s*["']?\s*({ELSEWHERE}[^"'\s>]*)"""
    rf"""|<link\b(?=[^>]*\brel\s*=\s*["']?(?:stylesheet|preload|icon|preconnect|modulepreload))"""
    rf"""[^>]*?\bhref\s*=\s*["']?\s*({ELSEWHERE}[^"'\s>]*)"""
    rf"""|url\(\s*["']?\s*({ELSEWHERE}[^"')\s]*)"""
    rf"""|@import\s+["']({ELSEWHERE}[^"']*)""",
    re.IGNORECASE,
)


def needed_elsewhere(text: str) -> list[str]:
    """Return the addresses that a browser would fetch by itself to show a page or apply a style."""
    return [next(filter(None, found.groups())) for found in NEEDED.finditer(text)]


def in_folder(folder: Path) -> Iterator[tuple[Path, str]]:
    """Yield every file of a built site that needs something from elsewhere, with the address."""
    for path in sorted(folder.rglob("*")):
        if path.suffix in (".html", ".css", ".svg"):
            for address in needed_elsewhere(path.read_text(encoding="utf-8")):
                yield path, address


def _check(app: Sphinx, error: Exception | None) -> None:
    if error is None:
        for path, address in in_folder(Path(app.outdir)):
            logging.getLogger(__name__).warning("%s needs %s", path.relative_to(app.outdir), address)


def setup(app: Sphinx) -> ExtensionMetadata:
    """Take part in a build."""
    app.connect("build-finished", _check)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
