"""Tori of accelerators: cubes wired with copper, joined by optical circuit switches; sizes, cuts and parts."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

from clustersim import catalog
from clustersim.errors import InputError
from clustersim.fabric.spec import TorusSpec

Triple = tuple[int, int, int]


@dataclass(frozen=True)
class Torus:
    """A block of accelerators, each linked to its neighbours along three dimensions; ends may be joined (wrapped)."""

    size: Triple
    """Accelerators along each dimension."""
    wrapped: tuple[bool, bool, bool]
    """Whether the ends of a dimension are joined."""
    link_rate: float
    """Of one link, one direction. [B/s]"""

    def __post_init__(self) -> None:
        """Refuse empty blocks and links without a rate."""
        if min(self.size) < 1 or not self.link_rate > 0.0:
            raise ValueError(f"expected sizes of at least 1 and a positive rate, got {self.size}, {self.link_rate:g}")

    @property
    def chips(self) -> int:
        """Accelerators."""
        return math.prod(self.size)

    def links_along(self, dimension: int) -> int:
        """Return the links of a dimension, both directions as one; two between neighbours in a ring of two."""
        length = self.size[dimension]
        if length == 1:
            return 0
        return self.chips // length * (length if self.wrapped[dimension] else length - 1)

    @property
    def links(self) -> int:
        """Links, both directions as one."""
        return sum(self.links_along(dimension) for dimension in range(3))

    def capacity_along(self, dimension: int) -> float:
        """Return what an accelerator keeps moving along a dimension: two links in a ring, one in a line [B/s].

        At the end of a line a member has one neighbour, through which all of its buffer has to go.
        """
        return self.link_rate * (2.0 if self.wrapped[dimension] else 1.0)

    @property
    def diameter(self) -> int:
        """Links between the two accelerators that are farthest apart: half of each ring, all of each line."""
        return sum(n // 2 if ring else n - 1 for n, ring in zip(self.size, self.wrapped, strict=True))

    @property
    def bisection(self) -> float:
        """What half of the accelerators can send to the other half, one direction, at the least such cut [B/s].

        Across an even dimension of n: ``links = 2 N / n`` in rings, ``N / n`` in lines. Where n is odd, its middle
        layer is cut along another dimension. Equal to the least of all cuts into halves in the tests.
        """
        return self.link_rate * _least_cut(list(zip(self.size, self.wrapped, strict=True)))


def _least_cut(lengths: list[tuple[int, bool]]) -> int:
    """Return the links of the least cut of a block into halves (which differ by one where the block is odd)."""
    cuts = []
    for at, (length, ring) in enumerate(lengths):
        rest = lengths[:at] + lengths[at + 1 :]
        if length > 1:
            face = math.prod(other for other, _ in rest)
            cuts.append(face * (2 if ring else 1) + (_least_cut(rest) if length % 2 else 0))
    return min(cuts, default=0)


@dataclass(frozen=True)
class TorusPod:
    """Parts of a full pod of a :class:`~clustersim.fabric.spec.TorusSpec`.

    The accelerators on the six faces of a cube have optical links. The two faces of a dimension go, position by
    position, to the same optical circuit switch, so that any cube can follow any other along the dimension and a single
    cube can close its own rings [1]_.

    References
    ----------
    .. [1] N. P. Jouppi et al., TPU v4: an optically reconfigurable supercomputer for machine learning with hardware
       support for embeddings, ISCA 2023.
    """

    spec: TorusSpec
    ports: int
    """Ports of an optical circuit switch; a link takes two."""

    @property
    def chips(self) -> int:
        """Accelerators."""
        return math.prod(self.spec.pod)

    @property
    def cubes(self) -> int:
        """Cubes."""
        return self.chips // self.cube_chips

    @property
    def cube_chips(self) -> int:
        """Accelerators of a cube."""
        return math.prod(self.spec.cube)

    @property
    def copper_links_per_cube(self) -> int:
        """Links inside a cube."""
        return Torus(self.spec.cube, (False, False, False), self.spec.link_rate).links

    @property
    def optical_switches(self) -> int:
        """Optical circuit switches: one for every position on the faces of a cube, opposite faces together."""
        return sum(a * b for a, b in itertools.combinations(self.spec.cube, 2))

    @property
    def optical_ends_per_cube(self) -> int:
        """Optical links that leave a cube: two at each position."""
        return 2 * self.optical_switches

    @property
    def ports_used(self) -> int:
        """Ports that the cubes take of each optical circuit switch."""
        return 2 * self.cubes

    @property
    def full(self) -> Torus:
        """The torus of the whole pod."""
        return Torus(self.spec.pod, (True, True, True), self.spec.link_rate)


def build_pod(spec: TorusSpec) -> TorusPod:
    """Return the parts of a pod of `spec`.

    Raises
    ------
    CatalogError
        If the catalog does not know the optical circuit switch, or how many ports it has.
    InputError
        If the switch has too few ports for the cubes.
    """
    entry = catalog.entry("switches", spec.optical_switch)
    pod = TorusPod(spec, round(entry.si("ports")))
    if pod.ports_used > pod.ports:
        raise InputError(
            f"fabric.scale_up.optical_switch: {pod.cubes} cubes need {pod.ports_used} ports of each of the "
            f"{pod.optical_switches} switches, and {entry.name} has {pod.ports}; expected a pod of at most "
            f"{pod.ports // 2} cubes or a larger switch"
        )
    return pod
