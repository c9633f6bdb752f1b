"""The verb that answers the points of a study: rows go into a store, not through the pipe."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from clustersim.errors import InputError

PREFIX = "sweep-"
"""Beginning of the name of a store's folder, as on the command line."""


def sweep(
    *, study: Mapping[str, Any], files: Mapping[str, str], out: str, retry_failed: bool = False,
    tell: Callable[[Any], None],
) -> dict[str, Any]:  # fmt: skip
    """Answer what a store does not have yet, one point after the other; return the store's folder and its rows.

    Stopping it keeps what was answered; asking again goes on.

    Raises
    ------
    InputError
        If the study is wrong, or the store is of another study.
    """
    from clustersim.report.sweep import sweep_html
    from clustersim.study.sweep.asked import Asked, kept_in, laid_out
    from clustersim.study.sweep.discard import PAGE
    from clustersim.study.sweep.durable import write_durably
    from clustersim.study.sweep.in_process import InProcess
    from clustersim.study.sweep.overview import overview
    from clustersim.study.sweep.pace import Pace
    from clustersim.study.sweep.records import Outcome
    from clustersim.study.sweep.store import Store
    from clustersim.study.sweep.sweep import run_sweep, todo

    asked = Asked(study, files)
    found = laid_out(asked, tell)
    folder = Path(out) / f"{PREFIX}{found.study.spec.name}"
    try:
        with Store.open(folder, found.header, found.columns, found.about) as store:
            here = kept_in(asked, folder, found)
            pace = Pace(len(todo(here, store, retry_failed=retry_failed)), len(found.places))

            def told(outcome: Outcome) -> None:
                pace.count(outcome)
                tell((pace.text, pace.fraction))

            tell((pace.text, pace.fraction))
            if pace.left:
                run_sweep(here, InProcess(), store, told, retry_failed=retry_failed)
            store.finish()
            rows = len(store)
    except InputError as error:
        raise InputError(str(error).replace(f"{out}/", "")) from None
    tell("page")
    write_durably(folder / PAGE, sweep_html(overview(folder)).encode())
    return {"folder": folder.name, "rows": rows}
