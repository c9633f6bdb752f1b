"""Scenario and topology files: validated, frozen records; SI from here on."""

from clustersim.scenario.files import parse_override, shipped
from clustersim.scenario.load import load_scenario, load_topology, resolved, run_id
from clustersim.scenario.spec import Scenario
from clustersim.scenario.topology import TopologySpec

__all__ = [
    "Scenario",
    "TopologySpec",
    "load_scenario",
    "load_topology",
    "parse_override",
    "resolved",
    "run_id",
    "shipped",
]
