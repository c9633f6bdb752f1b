"""Nodes of the electrical tree whose power follows from what was before: cooling, storage, meters."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from clustersim.errors import InputError
from clustersim.power.damped import Level
from clustersim.power.spec import GradualStart
from clustersim.study.it_power import HallPower
from clustersim.study.site.it_storage import has_it_storage, it_chain
from clustersim.study.site.power import site_power
from clustersim.study.staggering import stagger_of
from clustersim.study.step import StepStudy
from clustersim.study.waveforms.tree_nodes import BELOW_HALL, TreeNode, kind_of

Floats = NDArray[np.float64]

MOST = 30_000_000
"""Most samples of halls that are held at once, about 3 GB with all nodes."""


def has_memory(study: StepStudy, node: TreeNode) -> bool:
    """Whether a node is at or behind cooling, storage, ceilings or halls that are shifted against each other."""
    if node.level in ("meter", "site"):
        return True
    if node.level == "accelerator":
        return False
    damping = study.scenario.damping
    shaped = any(isinstance(strategy, GradualStart) for strategy in damping) or stagger_of(damping) is not None
    return has_it_storage(study) or (shaped and node.level not in BELOW_HALL)


def check_whole(study: StepStudy, samples: int, duration_s: float) -> None:
    """Refuse a record that would not fit.

    Raises
    ------
    InputError
        If there are too many samples.
    """
    halls = len(study.place.nodes)
    if samples * halls > MOST:
        raise InputError(
            f"--step: {samples:,} samples of {halls} halls are too many at once for cooling, storage and meters; "
            f"expected a step of {duration_s * halls / MOST:.2g} s or more, or nodes that have none of them"
        )


def whole(study: StepStudy, nodes: Sequence[TreeNode], drawn_w: Floats, dt_s: float) -> Floats:
    """Return all samples of all nodes; shape (nodes, samples). [W]

    The samples are what supplies, storage, cooling and losses see, as the windows of a run are
    (:func:`clustersim.study.site.power.site_power`); everything has settled at the mean before.

    Parameters
    ----------
    study, nodes
        The step, and what is asked for.
    drawn_w : ndarray, shape (halls + nodes below a hall, samples)
        Power of the accelerators of all halls, then of the nodes below a hall, in their order. [W]
    dt_s : float
        Width of a sample. [s]

    Raises
    ------
    InputError
        If the scenario has no such node.
    """
    halls = len(study.place.nodes)
    power = HallPower("steady", "training", 0.0, dt_s, 0.0, drawn_w[:halls], np.zeros(0), 0.0)
    tree = site_power(study, power).waveform
    below = iter(drawn_w[halls:])
    rows = []
    for node in nodes:
        if node.level in BELOW_HALL:
            watts = next(below)
            if node.level != "accelerator":
                levels: tuple[Level, ...] = ("node",) if node.level == "server" else ("node", "rack")
                watts = study.place.power[kind_of(study, node)].server_w(watts, node.count)
                watts = it_chain(study, node.count, levels=levels, site=node.site).apply(watts, dt_s).power_w
        elif node.name in tree.nodes:
            watts = tree.power(node.name)
        elif node.level == "building":
            # the only building of its site
            watts = tree.power(f"{node.site}/it") - tree.power(f"{node.site}/network")
        else:
            known = ", ".join(tree.nodes)
            raise InputError(f"--node {node.name}: this scenario has {known} and what is below its halls")
        rows.append(watts)
    return np.stack(rows)
