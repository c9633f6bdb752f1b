"""Scenario and topology files: validated, frozen records; SI from here on."""

from clustersim.scenario.files import located, parse_override, shipped, with_settings
from clustersim.scenario.load import (
    any_tree,
    has_job,
    load_any,
    load_scenario,
    load_topology,
    resolved,
    run_id,
    scenario_of_tree,
)
from clustersim.scenario.spec import AnyScenario, LoadScenario, Scenario, SiteScenario
from clustersim.scenario.topology import TopologySpec, require_plant

__all__ = [
    "AnyScenario",
    "LoadScenario",
    "Scenario",
    "SiteScenario",
    "TopologySpec",
    "any_tree",
    "has_job",
    "load_any",
    "load_scenario",
    "load_topology",
    "located",
    "parse_override",
    "require_plant",
    "resolved",
    "run_id",
    "scenario_of_tree",
    "shipped",
    "with_settings",
]
