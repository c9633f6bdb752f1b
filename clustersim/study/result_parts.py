"""Waveforms and plant responses as tables; of a stored result they are read when somebody first asks for them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar, overload

import numpy as np
import pandas as pd
from pyarrow.parquet import read_metadata

from clustersim.errors import InputError
from clustersim.plant.records import PlantResponse
from clustersim.power.records import Waveform

Part = TypeVar("Part")


class _Stored:
    """What is in a file, read on first use: these two files are most of the time that reading a result takes."""

    def __init__(self, path: Path) -> None:
        """Check that the file is there and whole as far as its end tells.

        Raises
        ------
        OSError, ValueError
            If it is not.
        """
        read_metadata(path)
        self._path = path

    def _table(self, made: Callable[[pd.DataFrame], Part]) -> Part:
        try:
            return made(pd.read_parquet(self._path))
        except (OSError, ValueError, KeyError) as error:
            raise InputError(f"{self._path}: cannot be read as part of a result ({error})") from None


class StoredWaveforms(_Stored, Mapping[str, Waveform]):
    """Waveforms by window, in a file."""

    @cached_property
    def _found(self) -> dict[str, Waveform]:
        return self._table(waveforms_of)

    def __getitem__(self, window: str) -> Waveform:
        return self._found[window]

    def __iter__(self) -> Iterator[str]:
        return iter(self._found)

    def __len__(self) -> int:
        return len(self._found)


class StoredResponses(_Stored, Sequence[PlantResponse]):
    """Plant responses, in a file."""

    @cached_property
    def _found(self) -> tuple[PlantResponse, ...]:
        return self._table(responses_of)

    @overload
    def __getitem__(self, at: int) -> PlantResponse: ...

    @overload
    def __getitem__(self, at: slice) -> Sequence[PlantResponse]: ...

    def __getitem__(self, at: int | slice) -> PlantResponse | Sequence[PlantResponse]:
        return self._found[at]

    def __len__(self) -> int:
        return len(self._found)


def waveform_table(waveforms: Mapping[str, Waveform]) -> pd.DataFrame:
    """Return all waveforms in one table: window, time_s and per node the columns ``<node>_w`` and ``<node>_var``.

    The parent of each node is in the table's ``attrs``.
    """
    parts = []
    for name, wave in waveforms.items():
        columns: dict[str, Any] = {"window": name, "time_s": wave.times_s()}
        for row, node in enumerate(wave.nodes):
            columns[f"{node}_w"] = wave.watts[row]
            columns[f"{node}_var"] = wave.vars[row]
        parts.append(pd.DataFrame(columns))
    table = pd.concat(parts, ignore_index=True)
    first = next(iter(waveforms.values()))
    table.attrs = {
        "parents": dict(zip(first.nodes, first.parents, strict=True)),
        "dt_s": {name: wave.dt_s for name, wave in waveforms.items()},
        "t0_s": {name: wave.t0_s for name, wave in waveforms.items()},
    }
    return table


def waveforms_of(table: pd.DataFrame) -> dict[str, Waveform]:
    """Return the waveforms that :func:`waveform_table` put into a table."""
    parents: dict[str, str | None] = table.attrs["parents"]
    nodes = tuple(parents)
    found = {}
    for name in table.attrs["dt_s"]:
        part = table[table["window"] == name]
        found[name] = Waveform(
            t0_s=table.attrs["t0_s"][name],
            dt_s=table.attrs["dt_s"][name],
            nodes=nodes,
            parents=tuple(parents.values()),
            watts=np.stack([part[f"{node}_w"].to_numpy(copy=True) for node in nodes]),
            vars=np.stack([part[f"{node}_var"].to_numpy(copy=True) for node in nodes]),
        )
    return found


_SERIES = ("load_w", "frequency_hz", "voltage_pu", "grid_w", "generator_w", "battery_w", "state_of_charge")


def _group_column(number: int) -> str:
    """Return the column of a group of generators, counted from 0 in the order of the file."""
    return f"generators_{number}_w"


def response_table(responses: Sequence[PlantResponse]) -> pd.DataFrame:
    """Return all plant responses in one table; scalars are in the table's ``attrs``.

    Columns ``generators_<n>_w`` hold the groups of generators of an island; no value where a site has no such group.
    """
    parts = []
    heads = []
    for response in responses:
        columns: dict[str, Any] = {"site": response.site, "window": response.window, "mode": response.mode}
        columns["time_s"] = response.t0_s + response.dt_s * np.arange(response.load_w.size)
        columns |= {name: getattr(response, name) for name in _SERIES}
        columns |= {_group_column(number): watts for number, watts in enumerate(response.group_w)}
        parts.append(pd.DataFrame(columns))
        heads.append(
            {
                "site": response.site,
                "window": response.window,
                "mode": response.mode,
                "t0_s": response.t0_s,
                "dt_s": response.dt_s,
                "initial_rocof_hz_per_s": response.initial_rocof_hz_per_s,
                "warnings": list(response.warnings),
                "groups": len(response.group_w),
                "machine_loss_w": response.machine_loss_w,
                "samples": int(response.load_w.size),
            }
        )
    table = pd.concat(parts, ignore_index=True)
    table.attrs = {"responses": heads}
    return table


def responses_of(table: pd.DataFrame) -> tuple[PlantResponse, ...]:
    """Return the responses that :func:`response_table` put into a table."""
    found = []
    begin = 0
    for head in table.attrs["responses"]:
        part = table.iloc[begin : begin + head["samples"]]
        begin += head["samples"]
        series: dict[str, Any] = {name: part[name].to_numpy(copy=True) for name in _SERIES}
        found.append(
            PlantResponse(
                site=head["site"],
                window=head["window"],
                mode=head["mode"],
                t0_s=head["t0_s"],
                dt_s=head["dt_s"],
                initial_rocof_hz_per_s=head["initial_rocof_hz_per_s"],
                warnings=tuple(head["warnings"]),
                group_w=tuple(part[_group_column(k)].to_numpy(copy=True) for k in range(head["groups"])),
                machine_loss_w=head["machine_loss_w"],
                **series,
            )
        )
    return tuple(found)
