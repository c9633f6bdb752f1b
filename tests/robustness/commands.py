"""Commands called in this process, and what they leave: files by name and bytes."""

from __future__ import annotations

import contextlib

import yaml
from typer.testing import CliRunner

from clustersim.cli import app
from tests.conftest import SMALL
from tests.robustness.inputs import STUDY

TINY = SMALL.replace("2048", "256").replace("data: 64", "data: 8").replace("4194304", "524288").replace("3 d", "6 h")
"""A scenario of 256 accelerators."""


def call(*words):
    """Call the command line."""
    return CliRunner().invoke(app, [str(word) for word in words])


def done(*words):
    """Call it, and expect that it goes well."""
    found = call(*words)
    assert found.exit_code == 0, (found.stderr[-2000:], found.exception)
    return found


def refused(*words):
    """Call it, and expect one message and nothing else; return the message."""
    found = call(*words)
    assert found.exit_code == 2, (found.stderr[-2000:], found.exception)
    assert found.stdout == ""
    return found.stderr.rpartition("error: ")[2]


def in_this_process(monkeypatch):
    """Have points of sweeps answered here, each put onto the disk as it comes."""
    from clustersim.cli import sweep as cli_sweep
    from clustersim.study.sweep import collect
    from clustersim.study.sweep.in_process import InProcess

    monkeypatch.setattr(cli_sweep, "engine_of", lambda *_: contextlib.nullcontext(InProcess()))
    monkeypatch.setattr(collect, "EVERY_S", 0.0)


def study_beside(folder):
    """Write the small scenario and its study; return the study's file."""
    (folder / "small.yaml").write_text(TINY)
    (folder / "trial.yaml").write_text(yaml.safe_dump(STUDY, sort_keys=False))
    return folder / "trial.yaml"


def files(folder):
    """Return the bytes of every file that somebody would take for one of the program's, by name."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    }


def left_over(folder):
    """Return the hidden names in a folder."""
    return [path.name for path in folder.glob(".*")] if folder.exists() else []
