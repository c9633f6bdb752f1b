"""The two files of a release, and what may and must be in them."""

from __future__ import annotations

import re
import tarfile
import zipfile
from collections.abc import Iterator
from email.message import Message
from email.parser import Parser
from pathlib import Path

import clustersim

ROOT = Path(__file__).resolve().parents[1]
SHIPPED = ("app", "scenarios", "studies", "topologies")
FORBIDDEN = re.compile(
    r"(^|/)(build|dist|results|shared|__pycache__|\.git|\.venv|\.numba_cache|\.hypothesis|\.[a-z]+_cache)(/|$)|\.(pyc|nb[ic]|log|tmp)$"
)
"""Names that no archive holds: what tools and runs leave behind."""
_PRIVATE = re.compile(r"file:|/(?:home|root|tmp|opt|work|Users)/|(?:index-url|simple/)")


def wheel(folder: Path) -> Path:
    """Return the wheel of this version in `folder`."""
    return folder / f"clustersim-{clustersim.__version__}-py3-none-any.whl"


def sdist(folder: Path) -> Path:
    """Return the source archive of this version in `folder`."""
    return folder / f"clustersim-{clustersim.__version__}.tar.gz"


def wheel_names(path: Path) -> list[str]:
    """Return the files of a wheel."""
    with zipfile.ZipFile(path) as archive:
        return archive.namelist()


def sdist_names(path: Path) -> list[str]:
    """Return the files of a source archive, from the root of the repository."""
    with tarfile.open(path) as archive:
        return [member.name.partition("/")[2] for member in archive.getmembers() if member.isfile()]


def metadata(path: Path) -> Message:
    """Return the metadata of a wheel."""
    with zipfile.ZipFile(path) as archive:
        name = next(name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        return Parser().parsestr(archive.read(name).decode())


def should_be_in_wheel() -> set[str]:
    """Return the files that a wheel must hold: the package and what ships beside it, licence and marker of types."""
    package = (path for path in (ROOT / "clustersim").rglob("*") if _kept(path))
    beside = (path for folder in SHIPPED for path in (ROOT / folder).rglob("*") if _kept(path))
    return {
        *(path.relative_to(ROOT).as_posix() for path in package),
        *(f"clustersim/_shipped/{path.relative_to(ROOT).as_posix()}" for path in beside),
        "clustersim/py.typed",
        f"clustersim-{clustersim.__version__}.dist-info/licenses/LICENSE",
    }


def _kept(path: Path) -> bool:
    return path.is_file() and not FORBIDDEN.search(path.relative_to(ROOT).as_posix())


def faults(folder: Path) -> Iterator[str]:
    """Yield what is wrong with the two archives in `folder`."""
    held, source = wheel_names(wheel(folder)), sdist_names(sdist(folder))
    yield from (f"wheel: {name} is missing" for name in sorted(should_be_in_wheel() - set(held)))
    needed = ("LICENSE", "README.md", "CITATION.cff", "CHANGELOG.md", "pyproject.toml", "constraints.txt", "Makefile")
    yield from (f"sdist: {name} is missing" for name in needed if name not in source)
    for kind, names in (("wheel", held), ("sdist", source)):
        yield from (f"{kind}: {name} does not belong there" for name in names if FORBIDDEN.search(name))
    told = metadata(wheel(folder))
    head = "\n".join(f"{key}: {value}" for key, value in told.items())
    yield from (f"metadata: {line}" for line in head.splitlines() if _PRIVATE.search(line))
    if told["Version"] != clustersim.__version__:
        yield f"metadata: version {told['Version']}, expected {clustersim.__version__}"
