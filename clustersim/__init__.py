"""Simulate AI training megaclusters: step time, power waveforms, plant response, rules and cost.

The verbs and records that are public are named here and nowhere else; `docs/python.md` shows them at work. Each is
imported when it is first asked for, so that ``import clustersim`` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from clustersim.catalog import use_overlays
    from clustersim.errors import CapacityError, CatalogError, ClustersimError, InputError, UnitError
    from clustersim.limits import Verdict
    from clustersim.power.records import Waveform
    from clustersim.power.trace import PowerTrace
    from clustersim.power.trace_files import Columns, read_trace
    from clustersim.scenario import LoadScenario, Scenario, TopologySpec, run_id
    from clustersim.study.compare import Comparison, Design
    from clustersim.study.explain import Explained, explain
    from clustersim.study.measured.assess import Assessment, assess
    from clustersim.study.measured.question import Question
    from clustersim.study.operate import OperateResult, operate
    from clustersim.study.plans import PlanJob
    from clustersim.study.result import Result
    from clustersim.study.run import run
    from clustersim.study.sizing.sizing import Sizing, size
    from clustersim.study.steady import Steady
    from clustersim.study.steady import steady_answer as steady
    from clustersim.study.step import StepStudy
    from clustersim.study.step import study_step as step
    from clustersim.study.sweep.dask_engine import DaskEngine
    from clustersim.study.sweep.local_engine import LocalEngine
    from clustersim.study.tables.validation import Validation
    from clustersim.study.verbs import (
        compare,
        load_any,
        load_scenario,
        load_topology,
        pareto,
        plans,
        sensitivity,
        sweep,
        validate,
    )

_WHERE = {
    "Assessment": "clustersim.study.measured.assess:Assessment",
    "CapacityError": "clustersim.errors:CapacityError",
    "CatalogError": "clustersim.errors:CatalogError",
    "ClustersimError": "clustersim.errors:ClustersimError",
    "Columns": "clustersim.power.trace_files:Columns",
    "Comparison": "clustersim.study.compare:Comparison",
    "DaskEngine": "clustersim.study.sweep.dask_engine:DaskEngine",
    "Design": "clustersim.study.compare:Design",
    "Explained": "clustersim.study.explain:Explained",
    "InputError": "clustersim.errors:InputError",
    "LoadScenario": "clustersim.scenario:LoadScenario",
    "LocalEngine": "clustersim.study.sweep.local_engine:LocalEngine",
    "OperateResult": "clustersim.study.operate:OperateResult",
    "PlanJob": "clustersim.study.plans:PlanJob",
    "PowerTrace": "clustersim.power.trace:PowerTrace",
    "Question": "clustersim.study.measured.question:Question",
    "Result": "clustersim.study.result:Result",
    "Scenario": "clustersim.scenario:Scenario",
    "Sizing": "clustersim.study.sizing.sizing:Sizing",
    "Steady": "clustersim.study.steady:Steady",
    "StepStudy": "clustersim.study.step:StepStudy",
    "TopologySpec": "clustersim.scenario:TopologySpec",
    "UnitError": "clustersim.errors:UnitError",
    "Validation": "clustersim.study.tables.validation:Validation",
    "Verdict": "clustersim.limits:Verdict",
    "Waveform": "clustersim.power.records:Waveform",
    "assess": "clustersim.study.measured.assess:assess",
    "compare": "clustersim.study.verbs:compare",
    "explain": "clustersim.study.explain:explain",
    "load_any": "clustersim.study.verbs:load_any",
    "load_scenario": "clustersim.study.verbs:load_scenario",
    "load_topology": "clustersim.study.verbs:load_topology",
    "operate": "clustersim.study.operate:operate",
    "pareto": "clustersim.study.verbs:pareto",
    "plans": "clustersim.study.verbs:plans",
    "read_trace": "clustersim.power.trace_files:read_trace",
    "run": "clustersim.study.run:run",
    "run_id": "clustersim.scenario:run_id",
    "sensitivity": "clustersim.study.verbs:sensitivity",
    "size": "clustersim.study.sizing.sizing:size",
    "steady": "clustersim.study.steady:steady_answer",
    "step": "clustersim.study.step:study_step",
    "sweep": "clustersim.study.verbs:sweep",
    "use_overlays": "clustersim.catalog:use_overlays",
    "validate": "clustersim.study.verbs:validate",
}
"""Public name -> module and the name there, as the imports above that only type checkers see."""

__all__ = [
    "Assessment",
    "CapacityError",
    "CatalogError",
    "ClustersimError",
    "Columns",
    "Comparison",
    "DaskEngine",
    "Design",
    "Explained",
    "InputError",
    "LoadScenario",
    "LocalEngine",
    "OperateResult",
    "PlanJob",
    "PowerTrace",
    "Question",
    "Result",
    "Scenario",
    "Sizing",
    "Steady",
    "StepStudy",
    "TopologySpec",
    "UnitError",
    "Validation",
    "Verdict",
    "Waveform",
    "assess",
    "compare",
    "explain",
    "load_any",
    "load_scenario",
    "load_topology",
    "operate",
    "pareto",
    "plans",
    "read_trace",
    "run",
    "run_id",
    "sensitivity",
    "size",
    "steady",
    "step",
    "sweep",
    "use_overlays",
    "validate",
]


if not TYPE_CHECKING:  # a type checker shall refuse names that are not there

    def __getattr__(name: str) -> Any:
        """Import a public name when it is first asked for (PEP 562)."""
        if name not in _WHERE:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        module, _, inner = _WHERE[name].partition(":")
        found = globals()[name] = getattr(import_module(module), inner)
        return found


def __dir__() -> list[str]:
    return sorted({*globals(), *_WHERE})
