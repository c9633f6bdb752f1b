"""Records of power in files of ``clustersim waveform``: read column by column, as they are looked at."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from pyarrow import parquet

from clustersim.errors import InputError
from clustersim.power.trace_guard import Most, refuse_large
from clustersim.report.extremes import Extremes
from clustersim.report.spans import Span

TIME = "time_s"
BROUGHT = Most(samples=20_000_000)
"""How large a file may be that somebody brings."""
UNEVEN = 0.4
"""So much of a step a sample may lie beside an even clock; where a sample is missing, some lie 0.5 or more. [-]"""


@dataclass(frozen=True)
class FileRecord:
    """Samples in a Parquet file: ``time_s`` and a column for each node."""

    path: Path
    dt_s: float
    whole: Span
    nodes: tuple[str, ...]
    rows: int
    has_vars: bool = False

    def samples(self, node: str, *, reactive: bool = False) -> Extremes:
        """Return all samples of a node, in single precision: 4 bytes a sample. [W]

        Raises
        ------
        InputError
            If the file has no reactive power, or cannot be read.
        """
        if reactive:
            raise InputError(f"{self.path.name}: expected active power, as files of samples have no other")
        values = np.empty(self.rows, dtype=np.float32)
        done = 0
        # piece by piece, so that no second copy of a long column is held
        with _opened(self.path) as file:
            for batch in file.iter_batches(batch_size=1_000_000, columns=[node]):
                part = batch.column(0).to_numpy(zero_copy_only=False)
                values[done : done + part.size] = part
                done += part.size
        if not bool(np.isfinite(values).all()):
            raise InputError(f"{self.path.name}: {node}: expected finite numbers, found others")
        return Extremes(values)

    def exact(self, nodes: list[str], first: int, last: int) -> pa.Table:
        """Return the samples ``[first, last)`` as they are in the file, of the row groups that hold them."""
        with _opened(self.path) as file:
            sizes = [file.metadata.row_group(k).num_rows for k in range(file.num_row_groups)]
            ends = np.cumsum(sizes)
            groups = [k for k, end in enumerate(ends) if end > first and end - sizes[k] < last]
            table = file.read_row_groups(groups, columns=[TIME, *nodes])
            begin = first - int(ends[groups[0]] - sizes[groups[0]])
        return table.slice(begin, last - first)


def file_record(path: Path) -> FileRecord:
    """Return the record in a file.

    Raises
    ------
    InputError
        If the file is not one of ``clustersim waveform --out``: Parquet, an even clock in ``time_s``, numbers.
    """
    with _opened(path) as file:
        names = file.schema_arrow.names
        nodes = tuple(name for name in names if name != TIME)
        if TIME not in names or not nodes:
            raise InputError(
                f"{path.name}: expected columns {TIME} and one per node, found {', '.join(names) or 'none'}"
            )
        for name in names:
            if not pa.types.is_floating(file.schema_arrow.field(name).type):
                raise InputError(f"{path.name}: {name}: expected numbers, found {file.schema_arrow.field(name).type}")
        rows = file.metadata.num_rows
        if rows < 2:
            raise InputError(f"{path.name}: expected two samples or more, found {rows}")
        times = np.concatenate([part.column(0).to_numpy() for part in _ends(file)])
    dt_s = float(times[-1] - times[0]) / (rows - 1)
    if not (np.isfinite(dt_s) and dt_s > 0.0):
        raise InputError(f"{path.name}: {TIME}: expected times that go forward, found {times[0]:g} to {times[-1]:g} s")
    return FileRecord(path, dt_s, Span(float(times[0]), float(times[0]) + rows * dt_s), nodes, rows)


def brought_record(path: Path, most: Most | None = None) -> FileRecord:
    """Return the record in a file that a stranger brings: neither too large, however it is packed, nor with gaps.

    Raises
    ------
    InputError
        If it is, or not one of ``clustersim waveform --out``.
    """
    try:
        refuse_large(path, most or BROUGHT)
    except InputError as error:
        raise InputError(str(error).replace(f"{path.parent}/", "")) from None
    record = file_record(path)
    done = 0
    with _opened(path) as file:
        for batch in file.iter_batches(batch_size=1_000_000, columns=[TIME]):
            times = batch.column(0).to_numpy(zero_copy_only=False)
            even = record.whole.begin_s + record.dt_s * np.arange(done, done + times.size)
            off = np.flatnonzero(~(np.abs(times - even) < UNEVEN * record.dt_s))
            if off.size:
                at = int(off[0])
                raise InputError(
                    f"{path.name}: {TIME}: expected an even clock of {record.dt_s:.6g} s, found {times[at]:g} s in row "
                    f"{done + at + 1} in place of {even[at]:g} s"
                )
            done += times.size
    return record


def _ends(file: parquet.ParquetFile) -> list[Any]:
    groups = sorted({0, file.num_row_groups - 1})
    return [file.read_row_group(k, columns=[TIME]) for k in groups]


@contextmanager
def _opened(path: Path) -> Iterator[parquet.ParquetFile]:
    """Give the file; what is broken in it is told wherever it is met, for a page of it is read when it is asked for."""
    try:
        with parquet.ParquetFile(path, memory_map=True) as file:
            yield file
    except (OSError, UnicodeDecodeError, pa.ArrowException) as error:
        raise InputError(f"{path.name}: cannot be read as Parquet: {str(error).splitlines()[0][:120]}") from None


@dataclass(frozen=True)
class Stored:
    """A record that a worker has made for a run."""

    name: str
    path: Path
    step: str
    length: str
    data: dict[str, Any]
    """What ``clustersim waveform --json`` printed."""

    @property
    def title(self) -> str:
        """What it is: length and step."""
        nodes = [row["node"] for row in self.data["nodes"]]
        more = f" and {len(nodes) - 1} more" if len(nodes) > 1 else ""
        return f"{self.length} at {self.step}, {nodes[0]}{more}"


def stored_records(folder: Path) -> dict[str, Stored]:
    """Return the records in a folder by name; those that are being written have no answer yet and are left out."""
    found = {}
    for path in sorted(folder.glob("*.json")):
        told = json.loads(path.read_text(encoding="utf-8"))
        samples = path.with_suffix(".parquet")
        if samples.is_file():
            found[path.stem] = Stored(path.stem, samples, told["step"], told["length"], told["data"])
    return found
