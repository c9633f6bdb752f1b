"""Networks of a place: fat trees, fibre between sites, max-min rates, collective times and the bill of materials."""

from clustersim.fabric.bill import BillItem, BillTotals, bill_of_materials, bill_totals
from clustersim.fabric.clos import ClosFabric, TreeShape, build_clos, tree_shape
from clustersim.fabric.collectives import (
    HierarchicalCost,
    Level,
    all_to_all,
    hierarchical_all_reduce,
    point_to_point,
    ring_all_gather,
    ring_all_reduce,
    ring_reduce_scatter,
    tree_all_reduce,
)
from clustersim.fabric.contention import FlowPattern, PatternRates, contention, flow_pattern, parse_pattern
from clustersim.fabric.dragonfly import DragonflyFabric, build_dragonfly
from clustersim.fabric.graph import bisection_bandwidth, to_networkx
from clustersim.fabric.maxmin import Routes, flow_completion_times, max_min_rates
from clustersim.fabric.multi_site import (
    Fabric,
    WanRoute,
    build_fabric,
    great_circle_m,
    wan_path,
    wan_ring_bandwidth,
)
from clustersim.fabric.network import (
    FlowNetwork,
    PlaceDamage,
    completion_times,
    flow_network,
    flow_rates,
    parse_damage,
    route_flows,
)
from clustersim.fabric.rates import MOST_CLASSES, RateTable, rate_table
from clustersim.fabric.resources import accelerator_resources, hop_count, path_latency, placement
from clustersim.fabric.site import LinkTier, SiteEndpoints, SiteFabric, SwitchTier
from clustersim.fabric.spec import FabricOptics, FabricSpec, Oversubscription, WanLink, WanSpec, fabric_spec
from clustersim.fabric.traffic import RESOURCES, Placement, TrafficClass, group_ranks, group_traffic
from clustersim.fabric.wiring import Damage, LinkTable, Policy, Wiring

__all__ = [
    "MOST_CLASSES",
    "RESOURCES",
    "BillItem",
    "BillTotals",
    "ClosFabric",
    "Damage",
    "DragonflyFabric",
    "Fabric",
    "FabricOptics",
    "FabricSpec",
    "FlowNetwork",
    "FlowPattern",
    "HierarchicalCost",
    "Level",
    "LinkTable",
    "LinkTier",
    "Oversubscription",
    "PatternRates",
    "PlaceDamage",
    "Placement",
    "Policy",
    "RateTable",
    "Routes",
    "SiteEndpoints",
    "SiteFabric",
    "SwitchTier",
    "TrafficClass",
    "TreeShape",
    "WanLink",
    "WanRoute",
    "WanSpec",
    "Wiring",
    "accelerator_resources",
    "all_to_all",
    "bill_of_materials",
    "bill_totals",
    "bisection_bandwidth",
    "build_clos",
    "build_dragonfly",
    "build_fabric",
    "completion_times",
    "contention",
    "fabric_spec",
    "flow_completion_times",
    "flow_network",
    "flow_pattern",
    "flow_rates",
    "great_circle_m",
    "group_ranks",
    "group_traffic",
    "hierarchical_all_reduce",
    "hop_count",
    "max_min_rates",
    "parse_damage",
    "parse_pattern",
    "path_latency",
    "placement",
    "point_to_point",
    "rate_table",
    "ring_all_gather",
    "ring_all_reduce",
    "ring_reduce_scatter",
    "route_flows",
    "to_networkx",
    "tree_all_reduce",
    "tree_shape",
    "wan_path",
    "wan_ring_bandwidth",
]
