"""The server of the dashboard: ``clustersim dashboard`` starts it.

What every page needs is read while the server starts, so that the first visitor need not wait for it.
"""

from __future__ import annotations

import gc
import sys
import threading
from pathlib import Path

from streamlit.web import cli

PAGE = Path(__file__).resolve().parent / "Home.py"


def _warm() -> None:
    import clustersim.report.charts
    import clustersim.report.figures  # noqa: F401 (figures bring plotly and the records of results)
    from dashboard import preparation, presets

    presets.presets()
    preparation.start()
    gc.collect()
    gc.freeze()


if __name__ == "__main__":
    threading.Thread(target=_warm, daemon=True, name="clustersim-warm").start()
    cli.main(["run", str(PAGE), *sys.argv[1:]])
