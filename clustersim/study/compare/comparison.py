"""Everything that is found about several designs, put together once for text, page, files and JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from clustersim.study.compare.break_even import BreakEven, break_evens
from clustersim.study.compare.designs import Design, base_first, catalog_warnings, named
from clustersim.study.compare.differences import input_differences
from clustersim.study.compare.failed_limits import limits_table
from clustersim.study.compare.radar import radar_table
from clustersim.study.compare.table import compare_table
from clustersim.study.compare.waterfall import Waterfall, waterfalls


@dataclass(frozen=True)
class Comparison:
    """Designs side by side; the first is the base."""

    designs: tuple[Design, ...]
    differences: pd.DataFrame
    """Of :func:`~clustersim.study.compare.differences.input_differences`."""
    table: pd.DataFrame
    """Of :func:`~clustersim.study.compare.table.compare_table`."""
    limits: pd.DataFrame
    """Of :func:`~clustersim.study.compare.failed_limits.limits_table`."""
    radar: pd.DataFrame
    radar_left_out: dict[str, str]
    waterfalls: tuple[Waterfall, ...]
    """From the base to each other design."""
    break_evens: tuple[BreakEven, ...]
    """Of the base and each other design."""
    no_break_even: tuple[str, ...]
    """Why two designs have none."""
    warnings: tuple[str, ...]

    @property
    def names(self) -> list[str]:
        """Names of the designs, the base first."""
        return [design.name for design in self.designs]


def compare(designs: Sequence[Design], base: str | None = None) -> Comparison:
    """Put designs side by side.

    Parameters
    ----------
    designs : sequence of Design
        Two or more.
    base : str, optional
        Name or run of the design that the others are held against; left out: the first.

    Raises
    ------
    InputError
        If there are fewer than two designs, two are the same run, or none is called `base`.
    """
    ordered = base_first(named(designs), base)
    first, rest = ordered[0], ordered[1:]
    radar, left_out = radar_table(ordered)
    found = [break_evens(first, other) for other in rest]
    said = [warning for design in ordered for warning in design.warnings]
    return Comparison(
        designs=ordered,
        differences=input_differences(ordered),
        table=compare_table(ordered),
        limits=limits_table(ordered),
        radar=radar,
        radar_left_out=left_out,
        waterfalls=tuple(one for other in rest for one in waterfalls(first, other)),
        break_evens=tuple(one for lines, _ in found for one in lines),
        no_break_even=tuple(dict.fromkeys(why for _, why in found if why)),
        warnings=(*said, *catalog_warnings(ordered)),
    )
