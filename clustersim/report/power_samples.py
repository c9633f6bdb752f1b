"""The samples that a figure of power shows, as files."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
from pyarrow import csv, parquet

from clustersim.report.power_file import TIME, FileRecord
from clustersim.report.power_record import Record, Stretches
from clustersim.report.spans import Span

Table = pa.Table


def shown_samples(record: Record, nodes: Sequence[str], span: Span, *, reactive: bool = False) -> pa.Table:
    """Return the samples of a span: ``time_s`` and a column per node. [W] or [var]"""
    whole = record.whole
    count = round(whole.length_s / record.dt_s)
    first, last = span.samples(whole.begin_s, record.dt_s, count)
    if isinstance(record, FileRecord):
        return record.exact(list(nodes), first, last)
    columns = {TIME: whole.begin_s + record.dt_s * np.arange(first, last)}
    columns |= {node: record.samples(node, reactive=reactive).values[first:last] for node in nodes}
    return pa.table(columns)


def shown_course(nodes: Mapping[str, Stretches], span: Span, most: int) -> pa.Table:
    """Return the stretches or bins of the horizon that a figure of a span shows."""
    parts = []
    for name, course in nodes.items():
        shown = course.between(span, most)
        parts.append(
            pa.table(
                {
                    "node": [name] * shown.mean_mw.size,
                    "t_start_s": shown.edges_s[:-1],
                    "t_end_s": shown.edges_s[1:],
                    "mean_mw": shown.mean_mw,
                    "low_mw": shown.low_mw,
                    "high_mw": shown.high_mw,
                }
            )
        )
    return pa.concat_tables(parts)


def csv_bytes(table: pa.Table) -> bytes:
    """Return a table as CSV."""
    into = io.BytesIO()
    csv.write_csv(table, into)
    return into.getvalue()


def parquet_bytes(table: pa.Table) -> bytes:
    """Return a table as Parquet."""
    into = io.BytesIO()
    parquet.write_table(table, into, compression="zstd")
    return into.getvalue()
