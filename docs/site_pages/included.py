"""Pages of the repository that do not lie in ``docs``."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TOCTREE = re.compile(r"^```\{toctree\}\n(?::[^\n]*\n)*(.*?)^```$", re.MULTILINE | re.DOTALL)
TITLED = re.compile(r".*<(.*)>")
ABOVE = re.compile(r"\]\((?:\.\./)+(CONTRIBUTING\.md|CHANGELOG\.md)")
LINK = re.compile(r"(\[[^\]]*\])\(([^)\s#]+)(#[^)\s]*)?\)")


def included(name: str) -> str:
    """Return a page of the repository, such as ``CHANGELOG.md``, with its links as the site has them."""
    return LINK.sub(_as_on_the_site, (ROOT / name).read_text(encoding="utf-8"))


def above_linked(page: str) -> str:
    """Return a page of ``docs`` with links to pages of the repository above it that the site has."""
    return ABOVE.sub(lambda found: f"](/{found[1].lower()}", page)


def beginning(name: str) -> str:
    """Return the same down to the first section."""
    return included(name).split("\n## ")[0]


def listed() -> list[str]:
    """Return the pages that the tables of contents in ``docs`` name, from there and without ending."""
    docs = ROOT / "docs"
    return [
        (path.parent / TITLED.sub(r"\1", line)).relative_to(docs).as_posix()
        for path in docs.rglob("*.md")
        for table in TOCTREE.findall(path.read_text(encoding="utf-8"))
        for line in table.splitlines()
    ]


def others(folder: str) -> str:
    """Return a table of contents of the pages in a folder of ``docs`` that no other names.

    Empty where there are none.
    """
    docs = ROOT / "docs"
    there = sorted(path.relative_to(docs).with_suffix("").as_posix() for path in (docs / folder).glob("*.md"))
    found = [f"/{name}" for name in there if name not in {*listed(), "index"}]
    return "\n".join(["```{toctree}", ":maxdepth: 1", *found, "```"]) if found else ""


def _as_on_the_site(found: re.Match[str]) -> str:
    words, target, within = found[1], found[2], found[3] or ""
    if "://" in target or not (ROOT / target).exists():
        return found[0]
    if (ROOT / target).is_dir():
        return f"`{target}`"
    if target in ("CONTRIBUTING.md", "CHANGELOG.md"):
        return f"{words}(/{target.lower()}{within})"
    inside = target.startswith("docs/")
    return f"{words}(/{target.removeprefix('docs/') if inside else f'../{target}'}{within})"
