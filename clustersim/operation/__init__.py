"""Days to months of one job: failures, checkpoints, restarts, events from the site."""

from clustersim.operation.causes import Cause, failure_causes
from clustersim.operation.checkpoints import daly_interval, young_daly_interval
from clustersim.operation.facts import ExternalEvent, JobFacts
from clustersim.operation.lives import Life
from clustersim.operation.log import shares
from clustersim.operation.records import EVENT_AT_S, EVENT_S, TIMELINE_COLUMNS, State, Timeline, Window
from clustersim.operation.restarts import collective_init_time, restart_time
from clustersim.operation.simulation import simulate_operation
from clustersim.operation.spec import EvaluationSpec, OperationSpec
from clustersim.operation.spec_parts.checkpoint import CheckpointSpec

__all__ = [
    "EVENT_AT_S",
    "EVENT_S",
    "TIMELINE_COLUMNS",
    "Cause",
    "CheckpointSpec",
    "EvaluationSpec",
    "ExternalEvent",
    "JobFacts",
    "Life",
    "OperationSpec",
    "State",
    "Timeline",
    "Window",
    "collective_init_time",
    "daly_interval",
    "failure_causes",
    "restart_time",
    "shares",
    "simulate_operation",
    "young_daly_interval",
]
