"""``python -m release.licences > docs/licences.md``: the licences of what clustersim needs, as their metadata say.

Run it where the requirements of development and `nvidia-ml-py` are installed. What another extra asks for and is not
installed, such as PyTorch, is named without a licence.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from release.archives import ROOT

EXTRAS = {
    "": "What every installation needs",
    "cluster": "What sweeps on a cluster need beside (`clustersim[cluster]`)",
    "record": "What recording a GPU needs beside (`clustersim[record]`)",
    "torch": "What loading a GPU needs beside (`clustersim[torch]`)",
    "dev": "What development needs beside (`make setup`), and no user",
}
OLDEST = {"python_version": "3.11", "python_full_version": "3.11.0"}
"""The Python for which requirements are read, whichever runs: an older one needs more packages."""
COPYLEFT = re.compile(r"GPL|MPL|Mozilla|EPL|CDDL|EUPL|Eclipse", re.IGNORECASE)
"""Licences that ask something of whoever changes or hands on the licensed files."""
SHORT = {
    "BSD License": "BSD", "MIT License": "MIT", "The MIT License (MIT)": "MIT", "ISC License (ISCL)": "ISC",
    "Apache Software License": "Apache-2.0",
    "3-Clause BSD License": "BSD-3-Clause", "Apache License 2.0": "Apache-2.0",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0", "Python Software Foundation License": "PSF-2.0",
    "GNU General Public License v3 or later (GPLv3+)": "GPL-3.0-or-later",
}  # fmt: skip
HEAD = """\
# Licences of dependencies

clustersim itself is under the Apache License 2.0. It holds no code of others: what follows is installed beside it, in
the versions of `constraints.txt`, under the licences that the packages' own metadata state. This page is written by
`python -m release.licences`; a test holds it against `constraints.txt` and what is installed.
"""


@dataclass(frozen=True)
class Package:
    """A package that is needed, directly or by another."""

    name: str
    version: str
    licence: str


def pins() -> dict[str, str]:
    """Return name -> version of constraints.txt."""
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").split()
    return {canonicalize_name(name): version for name, _, version in (line.partition("==") for line in lines)}


def _requirements(name: str, extra: str) -> Iterator[Requirement]:
    for text in metadata.requires(name) or []:
        need = Requirement(text)
        if need.marker is None or need.marker.evaluate({**OLDEST, "extra": extra}):
            yield need


def needed(extra: str) -> set[str]:
    """Return the names of what clustersim with an extra needs all the way down."""
    found: set[str] = set()
    waiting = [("clustersim", one) for one in {"", extra}]
    seen: set[tuple[str, str]] = set()
    while waiting:
        name, with_extra = waiting.pop()
        if (name, with_extra) in seen:
            continue
        seen.add((name, with_extra))
        try:
            needs = list(_requirements(name, with_extra))
        except metadata.PackageNotFoundError:
            continue
        for need in needs:
            called = str(canonicalize_name(need.name))
            found.add(called)
            waiting += [(called, one) for one in {"", *need.extras}]
    return found - {"clustersim"}


def licence(name: str) -> str:
    """Return the licence that a package's metadata state: an SPDX expression, or the short name of a classifier."""
    told = metadata.metadata(name)
    if expression := told.get("License-Expression"):
        return str(expression)
    classifiers = [one.split(" :: ")[-1] for one in told.get_all("Classifier", []) if one.startswith("License ::")]
    named = [SHORT.get(one, one) for one in classifiers if one not in ("OSI Approved", "DFSG approved")]
    free = str(told.get("License", "")).strip()
    short = free.splitlines()[0] if free and len(free) < 80 else ""
    return ", ".join(dict.fromkeys(named)) or SHORT.get(short, short) or _title(name) or "not stated in its metadata"


def _title(name: str) -> str:
    """Return the first line of a package's licence file, where its metadata say nothing."""
    texts = [one.read_text() for one in metadata.files(name) or [] if one.name.upper().startswith("LICEN")]
    lines = [line.strip() for text in texts for line in text.splitlines() if line.strip()]
    return SHORT.get(lines[0], lines[0]) if lines else ""


def packages(extra: str) -> list[Package]:
    """Return what an extra needs beyond what every installation needs, by name."""
    names = needed(extra) - (needed("") if extra else set())
    if extra == "dev":
        names -= needed("cluster") | needed("record")
    return [_package(name) for name in sorted(names)]


def _package(name: str) -> Package:
    try:
        return Package(name, pins().get(name, metadata.version(name)), licence(name))
    except metadata.PackageNotFoundError:
        return Package(name, "-", "not installed where this page was written")


def page() -> str:
    """Return the page."""
    parts = [HEAD]
    copyleft: list[Package] = []
    for extra, title in EXTRAS.items():
        found = packages(extra)
        copyleft += [one for one in found if COPYLEFT.search(one.licence)]
        rows = [f"| {one.name} | {one.version} | {one.licence} |" for one in found]
        parts.append("\n".join([f"## {title}\n", "| package | version | licence |", "|---|---|---|", *rows]) + "\n")
    rows = [f"- {one.name}: {one.licence}" for one in dict.fromkeys(copyleft)]
    parts.insert(1, "\n".join([_copyleft(), "", *rows]) + "\n")
    return "\n".join(parts)


def _copyleft() -> str:
    return (
        "## Copyleft\n\nThese ask something of whoever changes or hands on their files. They are installed beside "
        "clustersim and imported,\nnot changed and not part of its archives."
    )


if __name__ == "__main__":
    sys.stdout.write(page())
