"""What a worker must have in common with the one who asks: version and catalog, overlays among it."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import clustersim
from clustersim.catalog import catalog_digest, overlays, use_overlays
from clustersim.study.sweep.kernel_cache import guard_kernel_cache
from clustersim.study.sweep.records import Outcome, Task, Work

KILLED = "its worker process was killed each time it was tried (out of memory, or stopped from outside)"
"""Error of a point whose workers do not survive it, the same from every engine."""


@dataclass(frozen=True)
class Surroundings:
    """Version, digest of the catalog, and the overlays themselves: name and content, the first laid first."""

    version: str
    catalog: str
    overlays: tuple[tuple[str, bytes], ...] = ()


def surroundings() -> Surroundings:
    """Return those of this process."""
    found = tuple((path.name, path.read_bytes()) for path in overlays())
    return Surroundings(clustersim.__version__, catalog_digest(), found)


_taken: list[Surroundings] = []
"""Those that this process took over last."""
_folders: list[tempfile.TemporaryDirectory[str]] = []
"""Where overlays lie that came from elsewhere; they are gone when the process ends."""


def take_over(wanted: Surroundings) -> str | None:
    """Lay the overlays of the one who asks over this process's catalog; return what differs all the same, or None."""
    if _taken == [wanted]:
        return None
    if wanted.version != clustersim.__version__:
        return f"clustersim {clustersim.__version__}, expected {wanted.version}"
    if tuple((path.name, path.read_bytes()) for path in overlays()) != wanted.overlays:
        _lay(wanted.overlays)
    if catalog_digest() != wanted.catalog:
        return f"catalog {catalog_digest()}, expected {wanted.catalog}"
    guard_kernel_cache()
    _taken[:] = [wanted]
    return None


def _lay(contents: Sequence[tuple[str, bytes]]) -> None:
    """Write overlays into files of this process, and lay them over its catalog."""
    _folders.append(tempfile.TemporaryDirectory(prefix="clustersim-overlays-"))
    paths = []
    for number, (name, content) in enumerate(contents):
        # each in a folder of its own: two may have the same name, which enters the digest
        path = Path(_folders[-1].name) / str(number) / name
        path.parent.mkdir()
        path.write_bytes(content)
        paths.append(path)
    use_overlays(paths)


def answered(work: Work, task: Task) -> Outcome:
    """Return the outcome of a task, also where `work` raises although it should not: one point stops no other."""
    try:
        return work(task)
    except Exception as error:
        text = " ".join(str(error).split())
        return failure(task, f"{type(error).__name__}: {text}" if text else type(error).__name__)


def failure(task: Task, error: str) -> Outcome:
    """Return the outcome of a task that has no row."""
    return Outcome(task.point_id, task.index, None, error, 0.0)


def answered_all(work: Work, tasks: Sequence[Task]) -> list[Outcome]:
    """Return the outcomes of several tasks, in their order."""
    return [answered(work, task) for task in tasks]
