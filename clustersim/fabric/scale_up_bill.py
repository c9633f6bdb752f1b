"""What the networks inside scale-up domains are made of."""

from __future__ import annotations

import math
from dataclasses import replace

from clustersim.fabric.bill import BillItem, module_item, passive_item, switch_item
from clustersim.fabric.multi_site import Fabric
from clustersim.fabric.scale_up_network import build_domain
from clustersim.fabric.site import SiteEndpoints
from clustersim.fabric.spec import SwitchedScaleUpSpec, TorusSpec
from clustersim.fabric.torus import build_pod


def scale_up_items(fabric: Fabric) -> list[BillItem]:
    """Return switches, optics and copper of the scale-up domains of all sites; nothing where the spec has none.

    A torus has its optical circuit switches whole in every pod, and cubes and optics for the accelerators that there
    are. Figures that nobody published are None.

    Raises
    ------
    CatalogError
        If the catalog does not know a switch or a module.
    InputError
        If switches have too few ports, or a module is slower than a link.
    """
    spec = fabric.spec.scale_up
    if spec is None:
        return []
    items: list[BillItem] = []
    for tree in fabric.sites:
        if isinstance(spec, TorusSpec):
            items += _torus(spec, tree.site, tree.scale_up_domains)
        else:
            items += _switched(spec, tree.site, tree.scale_up_domains)
    # pods and racks are rated and sold with these inside
    return [replace(item, in_accelerators=True) for item in items]


def _torus(spec: TorusSpec, site: SiteEndpoints, pods: int) -> list[BillItem]:
    pod = build_pod(spec)
    cubes = math.ceil(site.endpoints / pod.cube_chips)
    ends = cubes * pod.optical_ends_per_cube
    return [
        switch_item(site.name, "optical circuit switch", spec.optical_switch, pods * pod.optical_switches),
        module_item(site.name, "optics cube-optical switch, cube end", spec.optics, ends, spec.link_rate),
        passive_item(site.name, "cable cube-optical switch", ends),
        passive_item(site.name, "copper inside cubes", cubes * pod.copper_links_per_cube),
    ]


def _switched(spec: SwitchedScaleUpSpec, site: SiteEndpoints, domains: int) -> list[BillItem]:
    domain = build_domain(spec, site.scale_up_domain)
    chips = domains * domain.switches
    item = "scale-up switch chip"
    return [
        switch_item(site.name, item, spec.switch, chips)
        if spec.switch is not None
        else BillItem(site.name, item, "", chips, None, None, None, ()),
        passive_item(site.name, "copper scale-up", site.endpoints * domain.links_each),
    ]
