"""Nodes of the electrical tree whose power follows from what was before: cooling, storage, meters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from clustersim.errors import InputError
from clustersim.power.damped import Level
from clustersim.power.records import coarsen
from clustersim.power.spec import GradualStart
from clustersim.study.it_power import HallPower
from clustersim.study.it_storage import has_it_storage, it_chain
from clustersim.study.site_power import site_power
from clustersim.study.staggering import stagger_of
from clustersim.study.step import StepStudy
from clustersim.study.tree_nodes import BELOW_HALL, TreeNode, kind_of

Floats = NDArray[np.float64]

MOST = 30_000_000
"""Most samples of halls that are held at once, about 3 GB with all nodes."""


class Drawn(Protocol):
    """Power of accelerators over consecutive bins (:class:`clustersim.study.waveform_stream.Drawn`)."""

    @property
    def halls(self) -> Floats | None:
        """By hall. [W]"""
        ...

    @property
    def below(self) -> dict[str, Floats]:
        """By node below a hall. [W]"""
        ...


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


def whole(study: StepStudy, nodes: Sequence[TreeNode], pieces: Sequence[Drawn], dt_s: float, factor: int) -> Floats:
    """Return all samples of all nodes; shape (nodes, samples). [W]

    The samples, `factor` bins each, are what supplies, storage, cooling and losses see, as the windows of a run are
    (:func:`clustersim.study.site_power.site_power`); everything has settled at the mean before.

    Raises
    ------
    InputError
        If the scenario has no such node.
    """
    halls = np.hstack([coarsen(piece.halls, factor) for piece in pieces if piece.halls is not None])
    power = HallPower("steady", "training", 0.0, dt_s, 0.0, halls, np.zeros(0), 0.0)
    tree = site_power(study, power).waveform
    rows = []
    for node in nodes:
        if node.level in BELOW_HALL:
            watts = np.concatenate([coarsen(piece.below[node.name], factor) for piece in pieces])
            if node.level != "accelerator":
                levels: tuple[Level, ...] = ("node",) if node.level == "server" else ("node", "rack")
                watts = study.place.power[kind_of(study, node)].server_w(watts, node.count)
                watts = it_chain(study, node.count, levels=levels, site=node.site).apply(watts, dt_s).power_w
        elif node.name in tree.nodes:
            watts = tree.power(node.name)
        else:
            raise InputError(
                f"--node {node.name}: this scenario has {', '.join(tree.nodes)} and what is below its halls"
            )
        rows.append(watts)
    return np.stack(rows)
