"""Commands of the tutorial and of the questions print what their pages show.

A block ``console`` has commands after ``$ ``, their further lines after ``> ``, and below each what it prints. Verbs
run in this process and what follows a ``|`` in a shell; all pages share a folder, so that none repeats the run of
another. ``make examples`` runs these tests; ``UPDATE_EXAMPLES=1 make examples`` writes the outputs anew.
"""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from clustersim.cli import app

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "docs" / "tutorial.md", *sorted((ROOT / "docs" / "howto").glob("*.md"))]
BLOCK = re.compile(r"(?<=^```console\n).*?(?=^```$)", re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("commands")


def commands(block):
    """Yield each command of a block, as it is shown, and what the block says that it prints."""
    for part in re.split(r"^(?=\$ )", block, flags=re.MULTILINE)[1:]:
        lines = part.splitlines(keepends=True)
        end = next((at for at, line in enumerate(lines) if at and not line.startswith("> ")), len(lines))
        yield "".join(lines[:end]), "".join(lines[end:])


def printed(shown):
    command = "".join(line[2:] for line in shown.splitlines(keepends=True)).rstrip("\n")
    verb, _, filtered = command.partition(" | ")
    if found := re.fullmatch(r"python (examples/\w+)\.py", command):
        return (ROOT / f"{found[1]}.out").read_text(encoding="utf-8")
    if not verb.startswith("clustersim "):
        return shell(command)
    done = CliRunner().invoke(app, shlex.split(verb.removesuffix(" 2>&1"))[1:])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    told = done.output if verb.endswith(" 2>&1") else done.stdout
    assert told, f"{verb}: {done.stderr}"
    return shell(filtered, told) if filtered else told


def shell(command, given=""):
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-c", command], input=given, capture_output=True, text=True, env={**os.environ, "PATH": path}
    )
    assert not done.stderr, done.stderr
    return done.stdout


@pytest.mark.examples
@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_commands(path, folder, monkeypatch):
    monkeypatch.chdir(folder)
    page = path.read_text(encoding="utf-8")
    new = BLOCK.sub(lambda block: "".join(shown + printed(shown) for shown, _ in commands(block[0])), page)
    if os.environ.get("UPDATE_EXAMPLES"):
        path.write_text(new, encoding="utf-8")
        return
    assert new == page


def test_every_page_has_commands():
    for path in PAGES:
        assert any(list(commands(block)) for block in BLOCK.findall(path.read_text(encoding="utf-8"))), path


def test_a_block_is_taken_apart():
    parts = [
        ("$ clustersim step x | head -n 1\n", "first\n"),
        ("$ cat > a.yaml <<'END'\n> name: a\n> END\n", ""),
        ("$ clustersim check a.yaml\n", "fine\n"),
    ]
    assert list(commands("".join(shown + told for shown, told in parts))) == parts
