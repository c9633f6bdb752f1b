"""Scenario and topology files: validated, frozen records; SI from here on."""

from clustersim.scenario.draft import Draft, draft_of_query, setting_text
from clustersim.scenario.edit import cleared, placed, put, rewritten
from clustersim.scenario.files import located, parse_override, shipped, shipped_names, value_at, with_settings
from clustersim.scenario.link import Link, is_link, link_text, page_link, read_link
from clustersim.scenario.load import (
    any_tree,
    load_any,
    load_linked,
    load_resolved,
    load_scenario,
    load_topology,
    resolved,
    run_id,
    scenario_of_tree,
    topology_of_tree,
)
from clustersim.scenario.spec import AnyScenario, LoadScenario, Scenario, SiteScenario
from clustersim.scenario.topology import TopologySpec, require_plant

__all__ = [
    "AnyScenario",
    "Draft",
    "Link",
    "LoadScenario",
    "Scenario",
    "SiteScenario",
    "TopologySpec",
    "any_tree",
    "cleared",
    "draft_of_query",
    "is_link",
    "link_text",
    "load_any",
    "load_linked",
    "load_resolved",
    "load_scenario",
    "load_topology",
    "located",
    "page_link",
    "parse_override",
    "placed",
    "put",
    "read_link",
    "require_plant",
    "resolved",
    "rewritten",
    "run_id",
    "scenario_of_tree",
    "setting_text",
    "shipped",
    "shipped_names",
    "topology_of_tree",
    "value_at",
    "with_settings",
]
