"""Networks of a place: fat trees, fibre between sites, max-min rates, collective times and the bill of materials."""

from clustersim.fabric.algorithms import (
    binomial_broadcast,
    halving_doubling_all_gather,
    halving_doubling_all_reduce,
    halving_doubling_reduce_scatter,
    in_network_all_reduce,
    in_switch_all_reduce,
    message_latency,
    ring_broadcast,
)
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
from clustersim.fabric.contention import FlowPattern, PatternRates, contend, flow_pattern, parse_pattern
from clustersim.fabric.dragonfly import DragonflyFabric, build_dragonfly
from clustersim.fabric.graph import to_networkx
from clustersim.fabric.library import Library, ScaleUp, Transport, nccl_library, scale_up_links, transport
from clustersim.fabric.maxmin import Routes, flow_completion_times, max_min_rates
from clustersim.fabric.multi_site import Fabric, build_fabric, wan_path, wan_ring_bandwidth
from clustersim.fabric.nccl import Choice, Group, collective_time
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
from clustersim.fabric.resources import accelerator_resources, placement
from clustersim.fabric.scale_up_bill import scale_up_items
from clustersim.fabric.scale_up_network import SwitchedDomain, build_domain
from clustersim.fabric.site import LinkTier, SiteEndpoints, SiteFabric, SwitchTier
from clustersim.fabric.spec import FabricOptics, FabricSpec, Oversubscription, WanLink, WanSpec, fabric_spec
from clustersim.fabric.torus import Torus, TorusPod, build_pod
from clustersim.fabric.torus_collectives import (
    torus_all_gather,
    torus_all_reduce,
    torus_all_to_all,
    torus_reduce_scatter,
)
from clustersim.fabric.torus_links import TorusLinks
from clustersim.fabric.torus_slices import (
    PlacedSlice,
    chips_of,
    circuits,
    place_slices,
    slice_shape,
    slices_of,
    swap_cube,
)
from clustersim.fabric.traffic import RESOURCES, Placement, TrafficClass, group_ranks, group_traffic
from clustersim.fabric.wan import WanRoute, great_circle_m
from clustersim.fabric.wiring import Damage, LinkTable, Policy, Wiring

__all__ = [
    "MOST_CLASSES",
    "RESOURCES",
    "BillItem",
    "BillTotals",
    "Choice",
    "ClosFabric",
    "Damage",
    "DragonflyFabric",
    "Fabric",
    "FabricOptics",
    "FabricSpec",
    "FlowNetwork",
    "FlowPattern",
    "Group",
    "HierarchicalCost",
    "Level",
    "Library",
    "LinkTable",
    "LinkTier",
    "Oversubscription",
    "PatternRates",
    "PlaceDamage",
    "PlacedSlice",
    "Placement",
    "Policy",
    "RateTable",
    "Routes",
    "ScaleUp",
    "SiteEndpoints",
    "SiteFabric",
    "SwitchTier",
    "SwitchedDomain",
    "Torus",
    "TorusLinks",
    "TorusPod",
    "TrafficClass",
    "Transport",
    "TreeShape",
    "WanLink",
    "WanRoute",
    "WanSpec",
    "Wiring",
    "accelerator_resources",
    "all_to_all",
    "bill_of_materials",
    "bill_totals",
    "binomial_broadcast",
    "build_clos",
    "build_domain",
    "build_dragonfly",
    "build_fabric",
    "build_pod",
    "chips_of",
    "circuits",
    "collective_time",
    "completion_times",
    "contend",
    "fabric_spec",
    "flow_completion_times",
    "flow_network",
    "flow_pattern",
    "flow_rates",
    "great_circle_m",
    "group_ranks",
    "group_traffic",
    "halving_doubling_all_gather",
    "halving_doubling_all_reduce",
    "halving_doubling_reduce_scatter",
    "hierarchical_all_reduce",
    "in_network_all_reduce",
    "in_switch_all_reduce",
    "max_min_rates",
    "message_latency",
    "nccl_library",
    "parse_damage",
    "parse_pattern",
    "place_slices",
    "placement",
    "point_to_point",
    "rate_table",
    "ring_all_gather",
    "ring_all_reduce",
    "ring_broadcast",
    "ring_reduce_scatter",
    "route_flows",
    "scale_up_items",
    "scale_up_links",
    "slice_shape",
    "slices_of",
    "swap_cube",
    "to_networkx",
    "torus_all_gather",
    "torus_all_reduce",
    "torus_all_to_all",
    "torus_reduce_scatter",
    "transport",
    "tree_all_reduce",
    "tree_shape",
    "wan_path",
    "wan_ring_bandwidth",
]
