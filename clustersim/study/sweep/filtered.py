"""Rows of a store that meet a formula, written as in `require` of a study but of columns, in their units."""

from __future__ import annotations

from typing import Any

import pandas as pd

from clustersim.errors import InputError
from clustersim.study.sweep.expressions import Value, read

WHERE = "filter"


def kept_rows(table: pd.DataFrame, text: str) -> pd.DataFrame:
    """Return the rows for which a formula is true; all of them where there is no formula.

    Parameters
    ----------
    table : DataFrame
        Rows of a store.
    text : str
        Formula of the table's columns, such as ``swing_mw <= 3 and mfu > 0.3``; a row without a value that it needs
        is left out.

    Raises
    ------
    InputError
        If the formula cannot be read, names no column, divides by zero, or is neither true nor false.
    """
    if not text.strip():
        return table
    formula = read(text, WHERE)
    formula.require_names([str(name) for name in table.columns])
    used = sorted(formula.names)
    met = []
    for values in table[used].astype(object).itertuples(index=False, name=None):
        found = formula.value(dict(zip(used, map(_value, values), strict=True)))
        if found is not None and not isinstance(found, bool):
            raise InputError(f"{WHERE}: {text}: expected what is true or false, found {found!r}")
        met.append(bool(found))
    return table[pd.Series(met, index=table.index, dtype=bool)]


def _value(value: Any) -> Value:
    if value is None or (not isinstance(value, str) and pd.isna(value)):
        return None
    found: Value = value.item() if hasattr(value, "item") else value
    return found
