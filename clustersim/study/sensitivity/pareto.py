"""Pareto fronts: the designs that no other one beats on every key."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from clustersim.errors import InputError, nearest

Direction = Literal["min", "max"]


@dataclass(frozen=True)
class Aim:
    """A key and the direction in which it is better."""

    key: str
    direction: Direction


def read_aim(text: str) -> Aim:
    """Return the aim that ``KEY:min`` or ``KEY:max`` states.

    Raises
    ------
    InputError
        If there is no such direction.
    """
    key, _, direction = text.partition(":")
    if not key or direction not in ("min", "max"):
        raise InputError(f"pareto: expected KEY:min or KEY:max, found {text!r}{nearest(direction, ['min', 'max'])}")
    return Aim(key, "min" if direction == "min" else "max")


def front_mask(values: NDArray[np.float64], directions: Sequence[Direction]) -> NDArray[np.bool_]:
    """Return which rows no other row dominates.

    Parameters
    ----------
    values : ndarray
        Shape (rows, keys). A row with a value that is not a number is on no front.
    directions : sequence of {"min", "max"}
        One per key.

    Returns
    -------
    ndarray of bool
        Shape (rows,). Equal rows do not dominate each other.

    Notes
    -----
    A row dominates another if it is at least as good on every key and better on one. Rows are taken in lexical order,
    in which a row can only be dominated by one before it, and dominance is transitive: each row is compared with the
    front found so far.
    """
    signs = np.array([1.0 if direction == "min" else -1.0 for direction in directions])
    costs = np.asarray(values, dtype=np.float64) * signs
    mask = np.zeros(costs.shape[0], dtype=np.bool_)
    usable = np.flatnonzero(~np.isnan(costs).any(axis=1))
    order = usable[np.lexsort(costs[usable].T[::-1])]
    front = np.empty((order.size, costs.shape[1]))
    count = 0
    for row in order:
        here = costs[row]
        before = front[:count]
        if not ((before <= here).all(axis=1) & (before < here).any(axis=1)).any():
            front[count] = here
            count += 1
            mask[row] = True
    return mask


def pareto_front(table: pd.DataFrame, aims: Sequence[Aim]) -> pd.DataFrame:
    """Return the rows of a table that are on the front of some keys, the best by the first key first.

    Raises
    ------
    InputError
        If fewer than two aims are given, one is given twice, or a key is no column of numbers.
    """
    keys = [aim.key for aim in aims]
    if len(set(keys)) < 2 or len(set(keys)) < len(keys):
        raise InputError(f"pareto: expected two or more different keys, found {', '.join(keys) or 'none'}")
    numeric = [str(name) for name in table.columns if pd.api.types.is_numeric_dtype(table[name])]
    for key in keys:
        if key not in numeric:
            raise InputError(f"pareto: {key}: expected a column of numbers{nearest(key, numeric)}")
    mask = front_mask(table[keys].to_numpy(np.float64), [aim.direction for aim in aims])
    return table[mask].sort_values(keys[0], ascending=aims[0].direction == "min", kind="stable").reset_index(drop=True)
