"""Every example runs and prints what is written beside it.

``UPDATE_EXAMPLES=1 pytest tests/test_examples.py`` writes the outputs anew, to be read before they are committed.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_output(path):
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, path], env=environment, cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    golden = path.with_suffix(".out")
    if os.environ.get("UPDATE_EXAMPLES"):
        golden.write_text(done.stdout, encoding="utf-8")
    assert done.stdout == golden.read_text(encoding="utf-8")


def test_there_are_examples():
    assert len(EXAMPLES) >= 3
