"""Scenario and topology files: validated, frozen records; SI from here on."""

from clustersim.scenario.files import located, parse_override, shipped
from clustersim.scenario.load import has_job, load_any, load_scenario, load_topology, resolved, run_id
from clustersim.scenario.spec import AnyScenario, LoadScenario, Scenario, SiteScenario
from clustersim.scenario.topology import TopologySpec, require_plant

__all__ = [
    "AnyScenario",
    "LoadScenario",
    "Scenario",
    "SiteScenario",
    "TopologySpec",
    "has_job",
    "load_any",
    "load_scenario",
    "load_topology",
    "located",
    "parse_override",
    "require_plant",
    "resolved",
    "run_id",
    "shipped",
]
