"""What the documentation says of how the models were held against measurements, as data that ships with the program.

``python -m clustersim.report.documented > clustersim/report/documented.json`` reads the generated pages of validation
and the overview of the README; nothing is typed in, and the tests compare the file with the pages.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import cache
from importlib import resources
from itertools import pairwise
from pathlib import Path
from typing import Any

import clustersim

FILE = "documented.json"
PAGES = ("validation.md", "validation_collectives.md", "validation_reliability.md", "expectations.md")
"""Pages of `docs` that the program writes from measurements."""
MODELLED, NOT_MODELLED = "## What is modelled, and how it was checked", "## What is not modelled"
EMPHASIS = re.compile(r"(?<![\w*`])\*(\w[^*]*)\*(?![\w*])")
LINK = re.compile(r"\[([^\]]*)\]\([^)]*\)")


@dataclass(frozen=True)
class DocumentedTable:
    """A table of a page, as text."""

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class DocumentedPage:
    """A page of validation."""

    path: str
    """From the root of the repository."""
    title: str
    says: tuple[str, ...]
    """What stands above the first table: paragraphs, and points of a list, which begin with a dash."""
    date: str
    """Day of the last change."""
    tables: tuple[DocumentedTable, ...]

    def table(self, title: str) -> DocumentedTable:
        """Return the table under the heading that begins with `title`."""
        return next(one for one in self.tables if one.title.startswith(title))


@dataclass(frozen=True)
class Evidence:
    """All of it."""

    version: str
    pages: tuple[DocumentedPage, ...]
    modelled: DocumentedTable
    """Room of the program, what it models, what it was held against, with which result."""
    not_modelled: str


@cache
def evidence() -> Evidence:
    """Return what ships."""
    return _of_data(json.loads(resources.files("clustersim.report").joinpath(FILE).read_text(encoding="utf-8")))


def changed_on(root: Path, path: str) -> str:
    """Return the day on which a file was last changed, as git knows it."""
    asked = ["git", "-C", str(root), "log", "-1", "--format=%cs", "--", path]
    return subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip()  # noqa: S603


def made_of(root: Path, day: Callable[[Path, str], str] = changed_on) -> Evidence:
    """Return what the pages below `root` say now; `day` tells when each was changed."""
    readme = (root / "README.md").read_text(encoding="utf-8")
    overview = _section(readme, MODELLED)
    return Evidence(
        clustersim.__version__,
        tuple(_page(root, f"docs/{name}", day) for name in PAGES),
        _tables(overview)[0],
        _plain(" ".join(_section(readme, NOT_MODELLED))).split(" docs/roadmap.md")[0],
    )


def _page(root: Path, path: str, day: Callable[[Path, str], str]) -> DocumentedPage:
    lines = (root / path).read_text(encoding="utf-8").splitlines()
    first = next(at for at, line in enumerate(lines) if line.startswith(("|", "## ")))
    return DocumentedPage(
        path, lines[0].removeprefix("# "), _paragraphs(lines[1:first]), day(root, path), _tables(lines)
    )


def _paragraphs(lines: list[str]) -> tuple[str, ...]:
    """Return paragraphs and points of lists, each without its line breaks."""
    found: list[str] = []
    for above, line in pairwise(["", *lines]):
        if line and (not above or line.startswith("- ")):
            found.append(line)
        elif line:
            found[-1] += f" {line.strip()}"
    return tuple(map(_plain, found))


def _section(text: str, heading: str) -> list[str]:
    lines = text.splitlines()
    begin = lines.index(heading) + 1
    end = next(at for at in range(begin, len(lines)) if lines[at].startswith("## "))
    return lines[begin:end]


def _tables(lines: list[str]) -> tuple[DocumentedTable, ...]:
    """Return the tables; each has the heading above it."""
    found, heading = [], ""
    starts = [at for at, (line, below) in enumerate(pairwise(lines)) if line.startswith("|") and below.startswith("|-")]
    for at, line in enumerate(lines):
        if line.startswith("#"):
            heading = line.lstrip("# ")
        if at in starts:
            end = next((k for k in range(at, len(lines)) if not lines[k].startswith("|")), len(lines))
            rows = tuple(_cells(row) for row in lines[at + 2 : end])
            found.append(DocumentedTable(_plain(heading), _cells(line), rows))
    return tuple(found)


def _cells(line: str) -> tuple[str, ...]:
    return tuple(_plain(cell.strip()) for cell in line.strip().strip("|").split("|"))


def _plain(text: str) -> str:
    """Return text without the marks of Markdown."""
    return EMPHASIS.sub(r"\1", LINK.sub(r"\1", text)).replace("`", "").replace("**", "").strip()


def _of_data(data: dict[str, Any]) -> Evidence:
    pages = tuple(
        DocumentedPage(**{**page, "says": tuple(page["says"]), "tables": tuple(map(_table, page["tables"]))})
        for page in data["pages"]
    )
    return Evidence(data["version"], pages, _table(data["modelled"]), data["not_modelled"])


def _table(data: dict[str, Any]) -> DocumentedTable:
    return DocumentedTable(data["title"], tuple(data["head"]), tuple(map(tuple, data["rows"])))


def evidence_json(found: Evidence) -> str:
    """Return it as the text of the file that ships."""
    return json.dumps(asdict(found), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.stdout.write(evidence_json(made_of(Path.cwd())))
