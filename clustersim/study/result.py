"""The result of a run: every record that the rooms handed on, and the flat summary; saved and loaded exactly."""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml

import clustersim
from clustersim.errors import InputError
from clustersim.plant.records import PlantResponse
from clustersim.power.records import Waveform
from clustersim.study.result_parts import StoredResponses, StoredWaveforms, response_table, waveform_table
from clustersim.study.whole_folder import whole_folder

_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
FILES = (
    "scenario.yaml",
    "manifest.json",
    "summary.json",
    "step.parquet",
    "timeline.parquet",
    "waveform.parquet",
    "response.parquet",
    "events.csv",
    "verdict.csv",
)

PARQUET = (
    "step", "timeline", "close_up", "cost", "bill", "plans", "assumed", "modes", "accounts", "causes", "fleet",
    "cash_flow",
    "energy_hours",
    "expected",
    "course",
    "cooling_course",
)  # fmt: skip
"""Tables of a result that are saved under their own name."""


@dataclass(frozen=True)
class Result:
    """Everything that a run found."""

    run_id: str
    name: str
    scenario: dict[str, Any]
    """The resolved scenario as a plain tree."""
    summary: dict[str, Any]
    """Flat; keys carry their unit; None where a key has no value (the reason is in `reasons`)."""
    reasons: dict[str, str]
    """Why a summary key is None."""
    step: pd.DataFrame
    """One step of the first and the last unit: unit, stage, kind, virtual_stage, micro_batch, start_s, end_s.

    No rows with a measured load; so `timeline`, `close_up`, `plans`, `accounts` and `causes`."""
    timeline: pd.DataFrame
    events: pd.DataFrame
    """Windows and interruptions: t_s, kind, cause."""
    waveforms: Mapping[str, Waveform]
    """By window; of a stored result they are read on first use, as are the responses."""
    close_up: pd.DataFrame
    """Power of one rack, server and accelerator: time_s, rack_w, server_w, accelerator_w."""
    responses: Sequence[PlantResponse]
    verdict: pd.DataFrame
    cost: pd.DataFrame
    bill: pd.DataFrame
    plans: pd.DataFrame
    """Best plans of the search."""
    assumed: pd.DataFrame
    """Figures that nobody published: key, value, source, confidence."""
    modes: pd.DataFrame = field(default_factory=pd.DataFrame)
    """Harmonics of the power against modes of the grid, as :class:`~clustersim.study.grid.modes.ModeFindings`."""
    accounts: pd.DataFrame = field(default_factory=pd.DataFrame)
    """Where the job's time went: category, cause, seconds, share of the horizon."""
    causes: pd.DataFrame = field(default_factory=pd.DataFrame)
    """What interrupted the job or took its time: cause, interruptions, mttf_h, lost_s."""
    fleet: pd.DataFrame = field(default_factory=pd.DataFrame)
    """Rows of the jobs that share the cluster (`clustersim.operation.fleet_records.GANTT_COLUMNS`); empty without."""
    cost_facts: dict[str, Any] = field(default_factory=dict)
    """What the cost depends on besides prices, a plain tree (`clustersim.economics.facts.facts_of` reads it)."""
    cash_flow: pd.DataFrame = field(default_factory=pd.DataFrame)
    """Payments by year: year, group, item, usd, present_usd (`clustersim.economics.cash_flow.CASH_COLUMNS`)."""
    energy_hours: pd.DataFrame = field(default_factory=pd.DataFrame)
    """Energy by source and hour of the horizon: t_start_s, grid_mwh, gas_mwh, diesel_mwh, usd, co2_t
    (`clustersim.study.energy_hours.ENERGY_COLUMNS`)."""
    expected: pd.DataFrame = field(default_factory=pd.DataFrame)
    """What is public beside the answers (`clustersim.study.expected.COLUMNS`); no rows without a section `expect`."""
    course: pd.DataFrame = field(default_factory=pd.DataFrame)
    """Power over the horizon, stretch by stretch (`clustersim.study.course.COLUMNS`)."""
    cooling_course: pd.DataFrame = field(default_factory=pd.DataFrame)
    """Temperature of the cooling loops, hour by hour (`clustersim.study.site.cooling_course.COLUMNS`)."""
    warnings: tuple[str, ...] = ()
    inputs: dict[str, str] = field(default_factory=dict)
    """SHA-256 of every catalog file and of the resolved scenario."""
    wall_s: dict[str, float] = field(default_factory=dict, compare=False)
    """Time that each part of the run took; not part of the result. [s]"""

    @property
    def measured(self) -> bool:
        """Whether the load is measured, without a job."""
        return "load" in self.scenario

    def save(self, folder: Path, extra: dict[str, str] | None = None) -> Path:
        """Write the result folder; it appears whole or not at all.

        Parameters
        ----------
        folder : Path
            Final folder; replaced when it exists.
        extra : dict of str to str, optional
            Further files by name, such as the report.

        Raises
        ------
        InputError
            If the folder cannot be written.
        """
        try:
            with whole_folder(folder) as working:
                self._write(working)
                for name, text in (extra or {}).items():
                    (working / name).write_text(text, encoding="utf-8")
        except OSError as error:
            raise InputError(f"{folder}: cannot be written: {error.strerror}") from None
        return folder

    def _write(self, folder: Path) -> None:
        (folder / "scenario.yaml").write_text(yaml.safe_dump(self.scenario, sort_keys=False), encoding="utf-8")
        manifest = {
            "run_id": self.run_id,
            "name": self.name,
            "clustersim": clustersim.__version__,
            "python": platform.python_version(),
            "numpy": np.__version__,
            "seed": self.scenario["seed"],
            "inputs": self.inputs,
            "warnings": list(self.warnings),
            "null_keys": self.reasons,
            "cost_facts": self.cost_facts,
        }
        (folder / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")
        (folder / "summary.json").write_text(json.dumps(self.summary, indent=1) + "\n", encoding="utf-8")
        for name in PARQUET:
            _parquet(getattr(self, name), folder / f"{name}.parquet")
        _parquet(waveform_table(self.waveforms), folder / "waveform.parquet")
        _parquet(response_table(self.responses), folder / "response.parquet")
        self.events.to_csv(folder / "events.csv", index=False)
        self.verdict.to_csv(folder / "verdict.csv", index=False)

    @staticmethod
    def load(folder: Path) -> Result:
        """Return the result in a folder that :meth:`save` wrote.

        Raises
        ------
        InputError
            If the folder is not a result folder.
        """
        if not (folder / "manifest.json").is_file():
            raise InputError(f"{folder}: expected a result folder with manifest.json, found none")
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))

        def table(name: str) -> pd.DataFrame:
            return pd.read_parquet(folder / f"{name}.parquet")

        def newer(name: str) -> pd.DataFrame:
            """Return a table that runs written by earlier versions have not."""
            return table(name) if (folder / f"{name}.parquet").is_file() else pd.DataFrame()

        verdict = pd.read_csv(
            folder / "verdict.csv", keep_default_na=False, na_values=[""], dtype={"reason": str, "window": str}
        )
        judged = [None if pd.isna(v) else bool(v in (True, "True")) for v in verdict["passed"]]
        verdict["passed"] = pd.Series(judged, dtype=object)
        for column in ("reason", "window", "source", "status", "formula"):
            verdict[column] = verdict[column].fillna("")
        return Result(
            run_id=manifest["run_id"],
            name=manifest["name"],
            scenario=scenario_in(folder),
            summary=json.loads((folder / "summary.json").read_text(encoding="utf-8")),
            reasons=manifest["null_keys"],
            waveforms=StoredWaveforms(folder / "waveform.parquet"),
            responses=StoredResponses(folder / "response.parquet"),
            events=pd.read_csv(folder / "events.csv", keep_default_na=False),
            verdict=verdict,
            step=table("step"),
            timeline=table("timeline"),
            close_up=table("close_up"),
            cost=table("cost"),
            bill=table("bill"),
            plans=table("plans"),
            assumed=table("assumed"),
            modes=newer("modes"),
            accounts=newer("accounts"),
            causes=newer("causes"),
            fleet=newer("fleet"),
            cash_flow=newer("cash_flow"),
            energy_hours=newer("energy_hours"),
            expected=newer("expected"),
            course=newer("course"),
            cooling_course=newer("cooling_course"),
            warnings=tuple(manifest["warnings"]),
            inputs=manifest["inputs"],
            cost_facts=manifest.get("cost_facts", {}),
        )


def _parquet(table: pd.DataFrame, path: Path) -> None:
    # samples hardly repeat: a dictionary of them takes most of the time and makes the file larger
    words = [str(name) for name, kind in table.dtypes.items() if kind.kind != "f"]
    table.to_parquet(path, index=False, compression="zstd", row_group_size=100_000, use_dictionary=words or False)


def scenario_in(folder: Path) -> Any:
    """Return the scenario that a result folder holds.

    Raises
    ------
    InputError
        If it is not YAML.
    """
    path = folder / "scenario.yaml"
    try:
        return yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)  # noqa: S506 (safe loader)
    except (UnicodeDecodeError, RecursionError, yaml.YAMLError) as error:
        raise InputError(f"{path}: not valid YAML: {error}") from None
