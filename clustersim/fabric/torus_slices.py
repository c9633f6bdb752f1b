"""Slices of a pod of cubes: which shapes there are, on which cubes they stand, which circuits join these."""

from __future__ import annotations

import itertools
import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from clustersim.errors import CapacityError, InputError
from clustersim.fabric.spec import TorusSpec
from clustersim.fabric.torus import Torus, TorusPod, Triple


def slice_shape(spec: TorusSpec, size: Triple) -> Torus:
    """Return the slice of `size`: a torus of whole cubes, or a mesh inside one.

    Ends are joined only where a slice is made of whole cubes: the optical links are on the faces of cubes. Twisted tori
    are not modelled.

    Raises
    ------
    InputError
        If it is neither, or the pod has fewer cubes.
    """
    text = "x".join(map(str, size))
    if min(size) >= 1 and all(n % c == 0 for n, c in zip(size, spec.cube, strict=True)):
        if math.prod(size) > math.prod(spec.pod):
            raise InputError(f"slice {text}: {math.prod(size):,} accelerators, and the pod has {math.prod(spec.pod):,}")
        return Torus(size, (True, True, True), spec.link_rate)
    if min(size) >= 1 and all(c % n == 0 for n, c in zip(size, spec.cube, strict=True)):
        return Torus(size, (False, False, False), spec.link_rate)
    cube = "x".join(map(str, spec.cube))
    raise InputError(f"slice {text}: expected whole cubes of {cube}, or a part that divides one evenly")


def _divisors(number: int) -> list[int]:
    return [d for d in range(1, number + 1) if number % d == 0]


def _sizes(spec: TorusSpec, chips: int) -> list[Triple]:
    """Return all sizes of slices of so many accelerators; one of those that are equal but for their order."""
    cubes, rest = divmod(chips, math.prod(spec.cube))
    found: list[Triple] = []
    if not rest:
        found = [
            (a * spec.cube[0], b * spec.cube[1], cubes // (a * b) * spec.cube[2])
            for a in _divisors(cubes)
            for b in _divisors(cubes // a)
        ]
    elif chips < math.prod(spec.cube):
        parts = itertools.product(*map(_divisors, spec.cube))
        found = [(a, b, c) for a, b, c in parts if a * b * c == chips]
    if len(set(spec.cube)) == 1:
        found = [size for size in found if list(size) == sorted(size)]
    return found


def slices_of(spec: TorusSpec, chips: int) -> tuple[Torus, ...]:
    """Return the slices of `chips` accelerators, that of the largest bisection first, then of the least diameter.

    Raises
    ------
    InputError
        If there is none; the message names the nearest numbers.
    """
    most, cube = math.prod(spec.pod), math.prod(spec.cube)
    sizes = _sizes(spec, chips) if 1 <= chips <= most else []
    if not sizes:
        parts = {math.prod(part) for part in itertools.product(*map(_divisors, spec.cube))}
        known = sorted(parts | {cube * count for count in range(1, most // cube + 1)})
        below = max((n for n in known if n <= chips), default=known[0])
        above = min((n for n in known if n >= chips), default=known[-1])
        near = f"{below:,} or {above:,}" if below != above else f"{below:,}"
        raise InputError(f"no slice of {chips:,} accelerators in a pod of {most:,}; the nearest: {near}")
    shapes = [slice_shape(spec, size) for size in sizes]
    return tuple(sorted(shapes, key=lambda one: (-one.bisection, one.diameter, one.size)))


@dataclass(frozen=True)
class PlacedSlice:
    """A slice and the cubes it stands on."""

    shape: Torus
    cubes: tuple[int, ...]
    """Cubes of the pod in the order of the slice: the last dimension runs fastest."""
    part: int = 0
    """Which part of its cube, for a slice smaller than one; parts run as cubes do."""


def place_slices(pod: TorusPod, shapes: Sequence[Torus], lost: Collection[int] = ()) -> tuple[PlacedSlice, ...]:
    """Return slices on the first free cubes, in the order given; any cubes will do, as circuits join any two.

    Slices smaller than a cube share one with others of their size.

    Parameters
    ----------
    pod : TorusPod
        The pod.
    shapes : sequence of Torus
        As :func:`slice_shape` or :func:`slices_of` gives them.
    lost : collection of int
        Cubes that have failed.

    Raises
    ------
    CapacityError
        If the pod has too few living cubes.
    """
    free = iter([cube for cube in range(pod.cubes) if cube not in set(lost)])
    shared: dict[Triple, tuple[int, int]] = {}
    placed: list[PlacedSlice] = []
    for shape in shapes:
        text = "x".join(map(str, shape.size))
        cube, part = shared.get(shape.size, (-1, 0))
        if cube < 0:
            cubes = tuple(itertools.islice(free, max(shape.chips // pod.cube_chips, 1)))
            if len(cubes) * pod.cube_chips < shape.chips or not cubes:
                raise CapacityError(
                    f"slice {len(placed)} of {text}: too few of the {pod.cubes} cubes of the pod are free"
                )
        else:
            cubes = (cube,)
        placed.append(PlacedSlice(shape, cubes, part))
        if shape.chips < pod.cube_chips:
            part += 1
            shared[shape.size] = (-1, 0) if part == pod.cube_chips // shape.chips else (cubes[0], part)
    return tuple(placed)


def swap_cube(
    pod: TorusPod, placed: Sequence[PlacedSlice], lost: int, also_lost: Collection[int] = ()
) -> tuple[PlacedSlice, ...]:
    """Return the slices with cube `lost` replaced by the first free one, in its place in the slice.

    Raises
    ------
    CapacityError
        If a slice needs the cube and no other is free.
    """
    taken = {cube for one in placed for cube in one.cubes} | set(also_lost) | {lost}
    if all(lost not in one.cubes for one in placed):
        return tuple(placed)
    spare = next((cube for cube in range(pod.cubes) if cube not in taken), None)
    if spare is None:
        raise CapacityError(f"cube {lost} has failed and none of the {pod.cubes} cubes of the pod is free")
    return tuple(replace(one, cubes=tuple(spare if cube == lost else cube for cube in one.cubes)) for one in placed)


def chips_of(pod: TorusPod, placed: PlacedSlice) -> NDArray[np.int64]:
    """Return the accelerators of the pod that a slice has, in the order of the slice.

    Accelerators of a pod are numbered cube after cube, the last dimension fastest.
    """
    cube = np.array(pod.spec.cube)
    at = np.stack(np.unravel_index(np.arange(placed.shape.chips), placed.shape.size))
    if placed.shape.chips < pod.cube_chips:
        parts = cube // placed.shape.size
        at = at + (np.array(np.unravel_index(placed.part, tuple(parts))) * placed.shape.size)[:, None]
        which = np.zeros(placed.shape.chips, dtype=np.int64)
    else:
        grid = tuple(np.array(placed.shape.size) // cube)
        which = np.ravel_multi_index(tuple(at // cube[:, None]), grid)
        at = at % cube[:, None]
    local = np.ravel_multi_index(tuple(at), tuple(cube))
    return np.asarray(np.array(placed.cubes)[which] * pod.cube_chips + local, dtype=np.int64)


def circuits(pod: TorusPod, placed: PlacedSlice) -> NDArray[np.int64]:
    """Return the circuits of a slice as rows: dimension, cube on the upper side, cube that follows it.

    Every optical circuit switch of a dimension has the same circuits. A slice inside a cube has none.
    """
    if not all(placed.shape.wrapped):
        return np.zeros((0, 3), dtype=np.int64)
    grid = np.array(placed.cubes).reshape(tuple(np.array(placed.shape.size) // pod.spec.cube))
    rows = [
        np.stack((np.full(grid.size, dimension), grid.ravel(), np.roll(grid, -1, axis=dimension).ravel()), axis=1)
        for dimension in range(3)
    ]
    return np.concatenate(rows).astype(np.int64)
