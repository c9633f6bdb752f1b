"""The plans that a search found, as text and as data."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from clustersim.report.words import columns, number, percent, wrapped
from clustersim.study.plans import FoundPlans

_HEAD = (
    "", "tensor", "pipe", "virt", "context", "expert", "data", "micro", "recompute", "sharded", "schedule", "GB",
    "s/step", "MFU",
)  # fmt: skip


def found_data(found: FoundPlans, top: int) -> dict[str, Any]:
    """Return the best plans of a search as plain data for JSON, the fastest first."""
    return {
        "job": asdict(found.job),
        "tried": found.search.tried,
        "fit": found.search.plans.size,
        "usable_memory_gb": found.usable / 1e9,
        "plans": found.rows(top),
    }


def found_text(found: FoundPlans, top: int) -> str:
    """Return the best plans of a search as a table, and below it what binds each."""
    job, rows = found.job, found.rows(top)
    table = [
        (
            str(i), *(str(row[k]) for k in ("tensor", "pipeline", "virtual", "context", "expert", "data")),
            f"{row['micro_batches']}x{row['micro_batch']}", row["recompute"], row["sharding"], row["schedule"],
            number(row["memory_gb"]), number(row["iteration_time_s"]), percent(row["mfu"]),
        )
        for i, row in enumerate(rows, 1)
    ]  # fmt: skip
    head = (
        f"{found.spec.name} on {number(job.accelerators)} {job.accelerator} ({job.precision}), "
        f"{number(job.sequences)} sequences of {number(job.sequence_length)} tokens: "
        f"{number(found.search.tried)} plans cut the job, {number(found.search.plans.size)} of them fit in "
        f"{number(found.usable / 1e9)} GB; the fastest {len(rows)}:"
    )
    bound = [
        wrapped(row["binding"] + (f"; {percent(row['slower_than_best'])} slower than the first" if i > 1 else ""),
                f"  {i:>3}  ", " " * 7)
        for i, row in enumerate(rows, 1)
    ]  # fmt: skip
    notes = "micro: micro-batches x sequences of each; sharded: what data parallelism spreads over the replicas"
    return "\n".join(
        [wrapped(head, ""), columns(_HEAD, table, left=0), f"  {notes}", "", "what takes most time from the products",
         *bound]
    )  # fmt: skip
