"""Rows of a table of reliability: what each says, and what the catalog is told about it."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from clustersim import catalog
from clustersim.operation.facts import Family, JobFacts
from clustersim.study.tables.csv_tables import has_columns, read_rows
from clustersim.study.tables.reliability_cells import Value, count_of, period_of, value_of
from clustersim.study.tables.row_fields import UnreadableError

KIND = "published_runs"
"""Kind of the catalog that says how rows are read."""

RECOGNISED = ("cluster", "accelerator", "n_gpus", "period", "metric", "component", "value", "unit")
"""Columns by which the table is told from others."""

COLUMNS = ("row_id", "source", *RECOGNISED)
"""Columns that a table must have; ``notes`` and ``use`` are read where there are any."""


@dataclass(frozen=True)
class ReliabilityRow:
    """One row; blank cells are empty texts."""

    row_id: str
    source: str
    cluster: str
    accelerator: str
    n_gpus: str
    period: str
    metric: str
    component: str
    value: str
    unit: str
    notes: str
    use: str

    @property
    def published(self) -> Value:
        """What the row publishes, in its unit."""
        return value_of(self.value, self.unit)

    @property
    def family(self) -> Family:
        """Family of the accelerators: a TPU by its name, else a GPU."""
        pattern = catalog.entry(KIND, "fleets").properties["tpu"]
        return "tpu" if re.search(pattern, f"{self.accelerator}; {self.source}; {self.component}") else "gpu"

    def accelerators(self) -> float:
        """Return the accelerators of the job.

        Raises
        ------
        UnreadableError
            If the row does not say how many.
        """
        number, _ = count_of(self.n_gpus, "n_gpus")
        if number is None:
            raise UnreadableError("n_gpus: not given")
        return number

    def period_s(self) -> float:
        """Return the time over which was counted [s].

        Raises
        ------
        UnreadableError
            If the row does not say how long.
        """
        seconds = period_of(self.period)
        if seconds is None:
            said = f"no number in {self.period!r}" if self.period else "not given"
            raise UnreadableError(f"period: {said}")
        return seconds

    def per_server(self) -> int:
        """Return the accelerators of one server."""
        found = catalog.entry(KIND, "servers").properties["accelerators"]
        return next(int(item["count"]) for item in found if re.search(item["pattern"], self.accelerator))

    def parameters(self) -> tuple[float, bool]:
        """Return the parameters of the model that the row names, and whether it names one."""
        words = "; ".join((self.component, self.source, self.cluster))
        match = re.search(r"(\d+(?:\.\d+)?)\s?([BT])\b", words)
        if match is None:
            return catalog.entry(KIND, "job").si("parameters"), False
        return float(match[1]) * {"B": 1e9, "T": 1e12}[match[2]], True

    def facts(self, accelerators: float) -> JobFacts:
        """Return the job as `operation` is told about it: what the row says, the catalog's job elsewhere."""
        job, gpus = catalog.entry(KIND, "job"), max(1, round(accelerators))
        return JobFacts(
            gpus=gpus,
            servers=math.ceil(gpus / self.per_server()),
            step_time_s=job.si("step_time"),
            step_time_cv=0.0,
            checkpoint_bytes=self.parameters()[0] * job.si("bytes_per_parameter"),
            family=self.family,
        )


def is_reliability(path: Path) -> bool:
    """Return whether a CSV has the columns of a table of reliability."""
    return has_columns(path, RECOGNISED)


def read_reliability(path: Path) -> tuple[ReliabilityRow, ...]:
    """Return the rows of a table; rows marked `context` are left out.

    Raises
    ------
    InputError
        If the file cannot be read or lacks a column.
    """
    names = (*COLUMNS, "notes", "use")
    read = [
        ReliabilityRow(**{name: (row.get(name) or "").strip() for name in names}) for row in read_rows(path, COLUMNS)
    ]
    # "Source (secondary compendium)" is the source
    found = [replace(row, source=re.sub(r" \(.*compendium\)$", "", row.source)) for row in read]
    return tuple(row for row in found if row.use != "context")


def input_of(row: ReliabilityRow) -> str | None:
    """Return the figure of the catalog that a row was taken from, None where there is none."""
    rows: Mapping[str, str] = catalog.entry(KIND, "inputs").properties["rows"]
    return rows.get(row.row_id) if row.use == "fit" else None
