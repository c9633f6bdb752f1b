"""The Pythons of this machine on which a release is tried."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

NAMES = ("python3.11", "python3.12", "python3.13")
PYENV = Path.home() / ".pyenv" / "versions"
_ASK = "import sys; print('%d.%d' % sys.version_info[:2])"


def version(python: Path) -> str | None:
    """Return the version of an interpreter as ``3.13``; None where it does not start."""
    try:
        done = subprocess.run([python, "-I", "-c", _ASK], capture_output=True, text=True, check=True, timeout=60)
    except (OSError, subprocess.SubprocessError):  # a shim of a version that is not there, for one
        return None
    return done.stdout.strip()


def found() -> dict[str, Path]:
    """Return version -> interpreter, one for each supported version that is on this machine."""
    names = [Path(path) for name in NAMES if (path := shutil.which(name))]
    pythons: dict[str, Path] = {}
    for python in (*names, *sorted(PYENV.glob("*/bin/python3"))):
        told = version(python)
        if told and f"python{told}" in NAMES:
            pythons.setdefault(told, python)
    return dict(sorted(pythons.items(), key=lambda item: tuple(map(int, item[0].split(".")))))
