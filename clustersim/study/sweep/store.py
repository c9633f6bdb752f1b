"""The store of a sweep: one folder of Parquet parts, in which no row is lost or doubled when a process is killed.

An append writes one part under a working name, puts it onto the disk and renames it; a row is recorded when that has
returned. A row is known by its index: what a crash left twice counts once. One process at a time writes.
"""

from __future__ import annotations

import io
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pandas as pd
import pyarrow as pa
from pyarrow import parquet

from clustersim.errors import InputError
from clustersim.study.sweep.columns import table_of, together
from clustersim.study.sweep.durable import FileLock, remove_left_overs, sync_folder, write_durably
from clustersim.study.sweep.reading import (
    FORMAT,
    LOCK,
    LOG,
    MANIFEST,
    PARTS,
    TABLE,
    is_store,
    part_files,
    read_manifest,
    read_points,
    read_tables,
)
from clustersim.study.sweep.records import Outcome

MOST_PARTS = 64
"""Small parts that lie side by side before they are put together."""
SMALL_BYTES = 2_000_000
"""Parts above this are left alone until the end. [B]"""
ROW_GROUP = 100_000
WORDS = {"study": "another study", "clustersim": "another version of clustersim", "catalog": "another catalog"}


class Store:
    """The rows of one study; open it with :meth:`open`, and close it."""

    def __init__(self, folder: Path, lock: FileLock, manifest: Mapping[str, Any]) -> None:
        """Keep the lock, and read which points have rows."""
        self.folder, self._lock = folder, lock
        self._order = [str(name) for name in manifest["columns"]]
        self._errors: dict[int, tuple[str, str | None]] = {}
        found = together(read_tables(folder, ["index", "point_id", "error"]))
        for index, point_id, error in zip(*(column.to_pylist() for column in found.columns), strict=True):
            self._errors[index] = (point_id, error)
        self._next = 1 + max((int(path.stem.split("-")[1]) for path in part_files(folder)), default=0)

    @classmethod
    def open(
        cls,
        folder: Path,
        header: Mapping[str, str],
        columns: Sequence[str] = (),
        about: Mapping[str, Any] | None = None,
    ) -> Self:
        """Make a store, or open one that is there to go on with it.

        Parameters
        ----------
        folder : Path
            Of the store; new, empty, or a store.
        header : mapping
            What the rows depend on: hashes of study and catalog, version. A store with another one is refused.
        columns : sequence of str
            Columns of the table that stand first, in this order.
        about : mapping, optional
            Plain JSON for readers of the manifest; of the first opening.

        Raises
        ------
        InputError
            If another process has the store open; if it is of another study, version or catalog (it is left as it is);
            if the folder holds something else; if it cannot be written.
        """
        wanted = {key: str(value) for key, value in header.items()}
        made = _make_folder(folder)
        try:
            if not is_store(folder):
                _refuse_other_content(folder)
            lock = FileLock(folder / LOCK)
        except InputError:
            _unmake(made)
            raise
        try:
            if not lock.take():
                raise InputError(f"{folder}: {lock.holder()} is writing to this store: wait for it, or stop it first")
            if is_store(folder):
                manifest = read_manifest(folder)
                _compare(folder, manifest["header"], wanted)
            else:
                manifest = {"format": FORMAT, "header": wanted, "columns": list(columns), "about": dict(about or {})}
                write_durably(folder / MANIFEST, (json.dumps(manifest, indent=1, allow_nan=False) + "\n").encode())
            lock.sign()
            _prepare(folder)
            return cls(folder, lock, manifest)
        except BaseException:
            lock.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Let another process write."""
        self._lock.close()

    def done(self) -> frozenset[str]:
        """Return the ids of the points that have a row, failed ones among them."""
        return frozenset(point_id for point_id, _ in self._errors.values())

    def failed(self) -> dict[str, str]:
        """Return id and error of the points that failed, by index."""
        ranked = sorted(self._errors.items())
        return {point_id: error for _, (point_id, error) in ranked if error is not None}

    def __len__(self) -> int:
        return len(self._errors)

    def append(self, outcomes: Sequence[Outcome]) -> None:
        """Record rows, all of them or none; they are on the disk when this returns.

        A row of an index that has one takes its place, unless it failed and the other did not.

        Raises
        ------
        InputError
            If they cannot be written, the disk being full; what was recorded before is there still.
        """
        if not outcomes:
            return
        path = self.folder / PARTS / f"part-{self._next:08d}.parquet"
        self._next += 1
        write_durably(path, _encoded(table_of(outcomes)))
        for outcome in outcomes:
            before = self._errors.get(outcome.index)
            if before is None or before[1] is not None or outcome.error is None:
                self._errors[outcome.index] = (outcome.point_id, outcome.error)
        self._log(outcomes)
        self._put_small_parts_together()

    def table(self) -> pd.DataFrame:
        """Return the rows by index: ``index``, ``point_id``, the columns of the study, ``error``."""
        found: pd.DataFrame = read_points(self.folder).to_pandas()
        return found

    def finish(self) -> Path:
        """Put all parts into one file, `points.parquet`, and return its path.

        Its bytes depend on the rows alone: not on their order, the engine, or how often the sweep was stopped.

        Raises
        ------
        InputError
            If it cannot be written; nothing is lost.
        """
        path, parts = self.folder / TABLE, part_files(self.folder)
        if parts or not path.exists():
            write_durably(path, _encoded(read_points(self.folder)))
            _remove(parts)
        return path

    def _log(self, outcomes: Sequence[Outcome]) -> None:
        """Say how long each point took, beside the rows: no part of the answer, and not put onto the disk at once."""
        lines = [json.dumps({"index": one.index, "wall_s": round(one.wall_s, 6)}) + "\n" for one in outcomes]
        path = self.folder / LOG
        try:
            with path.open("a", encoding="utf-8") as file:
                file.write("".join(lines))
        except OSError as error:
            raise InputError(f"{path}: cannot be written: {error.strerror}; all rows so far are kept") from None

    def _put_small_parts_together(self) -> None:
        """Make one part of many small ones; a crash before they are gone leaves rows twice, which count once."""
        small = [path for path in part_files(self.folder) if path.stat().st_size < SMALL_BYTES]
        if len(small) < MOST_PARTS:
            return
        merged = together([parquet.ParquetFile(path).read() for path in small], final=False)
        write_durably(self.folder / PARTS / f"part-{self._next:08d}.parquet", _encoded(merged))
        self._next += 1
        _remove(small)


def _encoded(table: pa.Table) -> bytes:
    """Return a table as the bytes of a Parquet file; equal tables give equal bytes."""
    buffer = io.BytesIO()
    parquet.write_table(table, buffer, compression="zstd", row_group_size=ROW_GROUP)
    return buffer.getvalue()


def _remove(paths: Sequence[Path]) -> None:
    for path in paths:
        path.unlink(missing_ok=True)


def _make_folder(folder: Path) -> list[Path]:
    """Make a folder and return what was made."""
    made: list[Path] = []
    try:
        for one in reversed([one for one in (folder, *folder.parents) if not one.exists()]):
            one.mkdir()
            made.append(one)
        if not folder.is_dir():
            raise NotADirectoryError(0, "it is a file")
        for one in made:
            sync_folder(one.parent)
    except OSError as error:
        _unmake(made)
        raise InputError(f"{folder}: cannot be made a store: {error.strerror}") from None
    return made


def _unmake(made: Sequence[Path]) -> None:
    for folder in reversed(made):
        folder.rmdir()


def _refuse_other_content(folder: Path) -> None:
    """Refuse a folder in which something else lies; a lock and an empty folder of parts are of a start that was cut."""
    other = sorted(path.name for path in folder.iterdir() if path.name not in (LOCK, PARTS) and path.name[0] != ".")
    if other or part_files(folder):
        raise InputError(
            f"{folder}: expected a new or empty folder, or the store of a sweep; found {(other or [PARTS])[0]!r}"
        )


def _prepare(folder: Path) -> None:
    """Remove what a crash left, and make the folder of parts."""
    try:
        (folder / PARTS).mkdir(exist_ok=True)
        sync_folder(folder)
        for one in (folder, folder / PARTS):
            remove_left_overs(one)
        log = folder / LOG
        if log.exists() and log.stat().st_size:
            with log.open("rb+") as file:
                file.seek(-1, os.SEEK_END)
                if file.read(1) != b"\n":
                    file.write(b"\n")
    except OSError as error:
        raise InputError(f"{folder}: cannot be written: {error.strerror}") from None


def _compare(folder: Path, found: Mapping[str, str], wanted: Mapping[str, str]) -> None:
    """Refuse a store whose rows depend on something else."""
    for key in sorted(set(found) | set(wanted)):
        if found.get(key) != wanted.get(key):
            raise InputError(
                f"{folder}: this store is of {WORDS.get(key, f'another {key}')}: expected {key} {wanted.get(key)!r}, "
                f"found {found.get(key)!r}; it is left as it is, choose another folder"
            )
