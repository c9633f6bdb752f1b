"""Power of training at nodes of the electrical tree, for any time at any resolution, piece by piece."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from clustersim.errors import InputError
from clustersim.power.records import coarsen
from clustersim.power.waveform import Binner
from clustersim.study.it_power import tables
from clustersim.study.site.power import hall_it_w
from clustersim.study.step import StepStudy
from clustersim.study.waveforms.tree_nodes import BELOW_HALL, TreeNode, kind_of, rank_share
from clustersim.study.waveforms.whole import check_whole, has_memory, whole
from clustersim.training.records import StepTrace

Floats = NDArray[np.float64]

FINEST_S, WIDEST_S = 100e-6, 10e-3
"""Narrowest bins that are made, and widest that are binned directly: those above are means of narrower ones. [s]"""
LONGEST_S = 366.0 * 86400.0
CHUNK = 200_000
"""Bins that are held at a time, unless one step needs more."""


@dataclass(frozen=True)
class Piece:
    """Consecutive samples of all nodes asked for."""

    first: int
    """Number of the first sample."""
    watts: Floats
    """Bin means, shape (nodes, samples). [W]"""


def fine_bins(dt_s: float) -> tuple[float, int]:
    """Return the width of the bins that are made for samples of `dt_s` [s], and how many make a sample.

    Raises
    ------
    InputError
        If samples are asked for that are shorter than the model can tell.
    """
    if not dt_s >= FINEST_S * (1.0 - 1e-9):
        raise InputError(
            f"--step: expected {1e6 * FINEST_S:g} us or more, found {1e6 * dt_s:g} us; devices answer in milliseconds"
        )
    factor = max(1, math.ceil(dt_s / WIDEST_S - 1e-9))
    return dt_s / factor, factor


@dataclass(frozen=True)
class Drawn:
    """Power of accelerators over consecutive bins, at their own inputs. [W]"""

    halls: Floats | None
    """Shape (halls, bins); None when no node needs them."""
    below: dict[str, Floats]
    """By node below a hall."""

    @property
    def every_hall(self) -> Floats:
        """Power of the halls where they were asked for. [W]"""
        if self.halls is None:
            raise ValueError("the halls were not binned")
        return self.halls


def drawn_by_ranks(study: StepStudy, nodes: Sequence[TreeNode], fine_s: float, bins: int) -> Iterator[Drawn]:
    """Yield the power of the accelerators under nodes, every step drawn anew, in pieces of some bins.

    Parameters
    ----------
    study : StepStudy
        The step, its place and the damping inside the accelerators.
    nodes : sequence of TreeNode
        Those below a hall one by one; halls are made when any other is among them.
    fine_s : float
        Width of a bin. [s]
    bins : int
        Bins that are wanted; the last piece may have more.
    """
    longest = study.quiet().iteration_time_s
    size = max(math.ceil(3.0 * longest / fine_s), min(CHUNK, bins))
    binners = _binners(study, nodes, size, fine_s)
    index, start, done = 0, 0.0, 0
    while done < bins:
        trace = study.trace(index)
        if start + trace.iteration_time_s > binners.origin_s + size * fine_s:
            count = int((start - binners.origin_s) / fine_s)
            yield binners.take(count)
            done += count
            continue
        binners.add(trace, start)
        start += trace.iteration_time_s
        index += 1


def sample_means(pieces: Iterable[Floats], factor: int) -> Iterator[Floats]:
    """Yield exact means over `factor` consecutive bins, whatever the pieces; a last partial sample is dropped.

    Pieces and means have shape (rows, bins) and (rows, samples).
    """
    if factor == 1:
        yield from pieces
        return
    total, have = np.zeros(0), 0
    for piece in pieces:
        if have == 0:
            total = np.zeros(piece.shape[0])
        head = min(factor - have, piece.shape[1]) if have else 0
        done = []
        if head:
            total, have = total + piece[:, :head].sum(axis=1), have + head
            if have == factor:
                done.append(total[:, None] / factor)
                total, have = np.zeros(piece.shape[0]), 0
        rest = piece[:, head:]
        if rest.shape[1] >= factor:
            done.append(coarsen(rest, factor))
        left = rest[:, rest.shape[1] // factor * factor :]
        if left.shape[1]:
            total, have = total + left.sum(axis=1), have + left.shape[1]
        if done:
            yield np.hstack(done)


def stream(study: StepStudy, nodes: Sequence[TreeNode], dt_s: float, duration_s: float) -> Iterator[Piece]:
    """Yield the power of training at nodes of the tree, every step drawn anew.

    Parameters
    ----------
    study : StepStudy
        The step, its place and the damping inside the accelerators.
    nodes : sequence of TreeNode
        An accelerator is at its own input, server, rack, hall and `SITE/it` at the input of their supplies.
    dt_s : float
        Width of a sample, 100 us or more. [s]
    duration_s : float
        Length; whole samples. [s]

    Raises
    ------
    InputError
        If samples or length are too short, there are too many for nodes with a memory, or a node is not there.

    Notes
    -----
    Bins are exact whatever their width (:mod:`clustersim.power.bin_kernels`); only a piece of the bins is held at a
    time, so that the memory does not grow with the length. A record longer than 4,096 steps meets its steps again.
    Nodes with a memory (:func:`clustersim.study.waveforms.whole.has_memory`) need all samples at once.
    """
    fine_s, factor = fine_bins(dt_s)
    wanted = math.floor(duration_s / dt_s + 1e-9)
    if wanted < 1:
        raise InputError(f"--length: expected at least one sample of {dt_s:g} s, found {duration_s:g} s")
    if duration_s > LONGEST_S:
        raise InputError(f"--length: expected at most {LONGEST_S / 86400.0:g} days, found {duration_s / 86400.0:g}")
    if any(has_memory(study, node) for node in nodes):
        check_whole(study, wanted, duration_s)
        below = [node for node in nodes if node.level in BELOW_HALL]
        pieces = drawn_by_ranks(study, [TreeNode("meter", "meter"), *below], fine_s, wanted * factor)
        rows = (np.vstack([drawn.every_hall, *(drawn.below[node.name] for node in below)]) for drawn in pieces)
        watts = np.hstack(list(sample_means(rows, factor)))[:, :wanted]
        yield Piece(0, whole(study, nodes, watts, dt_s))
        return
    done = 0
    pieces = drawn_by_ranks(study, nodes, fine_s, wanted * factor)
    for watts in sample_means((_at_supplies(study, nodes, drawn) for drawn in pieces), factor):
        yield Piece(done, watts[:, : wanted - done])
        done = min(wanted, done + watts.shape[1])
        if done == wanted:
            return


def _at_supplies(study: StepStudy, nodes: Sequence[TreeNode], drawn: Drawn) -> Floats:
    """Return the bins of nodes without a memory, at the input of their supplies; shape (nodes, bins). [W]"""
    halls = None if drawn.halls is None else hall_it_w(study, drawn.halls)
    rows = []
    for node in nodes:
        if node.level in BELOW_HALL:
            watts = drawn.below[node.name]
            if node.level != "accelerator":
                watts = study.place.power[kind_of(study, node)].server_w(watts, node.count)
        elif halls is None:
            raise ValueError("the halls were not binned")
        elif node.level == "hall":
            watts = halls[node.hall]
        elif node.level == "building":
            watts = halls[node.hall : node.hall + node.count].sum(axis=0)
        else:
            mine = [row for row, (site, _) in enumerate(study.place.nodes) if site == node.site]
            watts = halls[mine].sum(axis=0) + study.place.network_watts[node.site]
        rows.append(watts)
    return np.stack(rows)


class _Binners:
    """The halls' bins, and those of each node below a hall."""

    def __init__(self, halls: Binner | None, below: dict[str, tuple[Binner, NDArray[np.int64], float]]) -> None:
        self.halls, self.below = halls, below

    @property
    def origin_s(self) -> float:
        return self._any().origin_s

    def _any(self) -> Binner:
        return self.halls if self.halls is not None else next(iter(self.below.values()))[0]

    def add(self, trace: StepTrace, start_s: float) -> None:
        if self.halls is not None:
            self.halls.add_step(trace, start_s)
        for binner, units, _ in self.below.values():
            binner.add_step(trace, start_s, units=units)

    def take(self, count: int) -> Drawn:
        halls = None if self.halls is None else self.halls.take(count)
        return Drawn(halls, {name: one.take(count).sum(axis=0) + idle for name, (one, _, idle) in self.below.items()})


def _binners(study: StepStudy, nodes: Sequence[TreeNode], size: int, fine_s: float) -> _Binners:
    fleet, stages, table = study.fleet, study.plan.pipeline, tables(study)
    halls = None
    if any(node.level not in BELOW_HALL for node in nodes):
        halls = Binner(table, fleet, stages, len(study.place.nodes), size, fine_s)
    below = {}
    for node in nodes:
        if node.level in BELOW_HALL:
            share = rank_share(study, node)
            busy = float((share * fleet.class_members.sum(axis=1)[fleet.unit_class][:, None]).sum())
            idle = (node.count - busy) * study.place.power[kind_of(study, node)].idle_w
            units = np.flatnonzero(share.any(axis=1))
            one = replace(fleet, unit_node=np.zeros_like(fleet.unit_node))
            below[node.name] = (Binner(table, one, stages, 1, size, fine_s, share), units, max(idle, 0.0))
    return _Binners(halls, below)
