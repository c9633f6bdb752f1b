"""``python -m release.check [FOLDER]``: install the archives in FOLDER into new environments, and try them.

For every supported Python of this machine: a new environment, the wheel with the registry's newest dependencies or,
with `--pinned`, those of constraints.txt, `pip check`, and the checks of `release.smoke` in an empty folder. The source
archive must give the very same wheel.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from release.archives import ROOT, faults, sdist, wheel
from release.interpreters import found
from release.smoke import Installed, SmokeError, smoke

PIP = ("-m", "pip", "--quiet", "--disable-pip-version-check")


def _run(*words: str | Path) -> None:
    subprocess.run(words, check=True, stdin=subprocess.DEVNULL)


def _installed(python: Path, folder: Path, archive: Path, pinned: bool) -> Installed:
    """Return the archive installed into a new environment in `folder`, with an empty folder beside it."""
    environment, empty = folder / "environment", folder / "empty"
    empty.mkdir(parents=True)
    _run(python, "-m", "venv", environment)
    inside = environment / ("Scripts" if os.name == "nt" else "bin") / "python"
    _run(inside, *PIP, "install", *(["-c", ROOT / "constraints.txt"] if pinned else []), archive)
    _run(inside, *PIP, "check")
    return Installed(inside, empty)


def _same_wheel(dist: Path, folder: Path) -> bool:
    """Whether the source archive gives the wheel that lies beside it, byte for byte."""
    _run(sys.executable, *PIP, "wheel", "--no-deps", "--no-build-isolation", "-w", folder, sdist(dist))
    return wheel(folder).read_bytes() == wheel(dist).read_bytes()


def main() -> int:
    """Check; 1 with what is wrong, 0 otherwise."""
    parser = argparse.ArgumentParser(prog="python -m release.check", description="Install a release and try it.")
    parser.add_argument("folder", nargs="?", type=Path, default=Path("dist"), help="where the archives lie")
    parser.add_argument("--pinned", action="store_true", help="install the versions of constraints.txt")
    parser.add_argument("--only", metavar="VERSION", action="append", help="only this Python, as 3.13; may be repeated")
    arguments = parser.parse_args()
    dist = arguments.folder.resolve()
    wrong = list(faults(dist))
    pythons = {version: path for version, path in found().items() if not arguments.only or version in arguments.only}
    if not pythons:
        parser.error("no supported Python was found")
    with tempfile.TemporaryDirectory() as folder:
        if not _same_wheel(dist, Path(folder)):
            wrong.append("sdist: its wheel differs from the one beside it")
        for version, python in pythons.items():
            begin = time.monotonic()
            sys.stdout.write(f"Python {version}\n")
            sys.stdout.flush()
            try:
                here = _installed(python, Path(folder) / version, wheel(dist), arguments.pinned)
                sys.stdout.write(f"  {'installed':12}{time.monotonic() - begin:6.1f} s\n")
                smoke(here)
            except (SmokeError, subprocess.CalledProcessError) as error:
                wrong.append(f"Python {version}: {error}")
    sys.stdout.write("".join(f"WRONG: {line}\n" for line in wrong) or f"all well on {', '.join(pythons)}\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
