"""What the overview asks worker processes for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any


def gallery(*, out: str, tell: Callable[[Any], None]) -> dict[str, Any]:
    """Make the gallery of shipped scenarios beside the results in `out`, unless it is there; return its file."""
    from clustersim.report.preset_gallery import gallery_file, preset_gallery, save_gallery

    file = gallery_file(Path(out))
    if not file.is_file():
        save_gallery(preset_gallery(tell), file)
    return {"file": str(file)}
