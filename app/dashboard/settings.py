"""What the server was started with; ``clustersim dashboard`` says it by the environment."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Settings:
    """How this server works."""

    results: Path
    """Folder in which result folders are put."""
    workers: int
    """Processes that run at the same time."""
    prepare: bool
    """Whether presets that have no stored result are run when nobody else needs the machine."""


def settings() -> Settings:
    """Return the settings of this server."""
    return Settings(
        Path(os.environ.get("CLUSTERSIM_RESULTS", "results")),
        int(os.environ.get("CLUSTERSIM_WORKERS", "2")),
        os.environ.get("CLUSTERSIM_PREPARE", "no") == "yes",
    )
