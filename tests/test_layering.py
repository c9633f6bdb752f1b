"""Who imports whom, beyond what the layers of import-linter say."""

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "clustersim"
ROOMS = ("workload", "fabric", "training", "operation", "power", "instrument", "plant", "limits", "economics")
RECORDS = ("spec", "records")
PARTS = ("spec_parts", "strategies", "families")
"""Where a room keeps parts of its spec."""


def _imports(path):
    """Names of clustersim modules that a file imports, at the top or inside functions."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.startswith("clustersim"))
        elif isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("clustersim"):
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def test_scenario_sees_only_the_specs_of_the_rooms():
    for path in (PACKAGE / "scenario").glob("*.py"):
        for name in _imports(path):
            parts = name.split(".")
            if len(parts) > 2 and parts[1] in ROOMS:
                assert parts[2] in RECORDS, f"{path.name} imports {name}"


def test_a_spec_sees_only_the_basics_and_other_specs():
    allowed = {"catalog", "units", "spec", "errors"}
    paths = [*PACKAGE.glob("*/spec.py"), *(path for part in PARTS for path in PACKAGE.glob(f"*/{part}/*.py"))]
    for path in paths:
        room = path.relative_to(PACKAGE).parts[0]
        if room == "scenario":
            continue
        for name in _imports(path):
            parts = name.split(".")
            own_parts = parts[1:2] == [room] and set(parts[2:3]) & set(PARTS)
            if len(parts) > 1:
                assert own_parts or parts[1] in allowed, f"{path.relative_to(PACKAGE)} imports {name}"


def test_the_dashboard_uses_no_room():
    used = {"study", "report", "background", "scenario", "errors", "summary_keys", "units"}
    for path in (ROOT / "app").rglob("*.py"):
        for name in _imports(path):
            parts = name.split(".")
            assert len(parts) == 1 or parts[1] in used, f"{path.name} imports {name}"


def test_only_study_and_above_know_the_study():
    for room in (*ROOMS, "catalog", "scenario"):
        for path in (PACKAGE / room).rglob("*.py"):
            assert not any(name.startswith(("clustersim.study", "clustersim.report")) for name in _imports(path)), path


def test_kernels_take_plain_arrays():
    """Modules of kernels import each other and nothing else of the package, and what is compiled is nowhere else."""
    for path in PACKAGE.rglob("*.py"):
        if not path.stem.endswith("kernels"):
            assert "njit" not in path.read_text(encoding="utf-8"), path
            continue
        for name in _imports(path):
            room_alone = (PACKAGE.parent / name.replace(".", "/")).is_dir()
            assert room_alone or name.split(".")[2].endswith("_kernels"), f"{path} imports {name}"


def _rooms_imported(room):
    """Rooms that a room imports, the catalog left out."""
    names = (name for path in (PACKAGE / room).rglob("*.py") for name in _imports(path))
    found = {name.split(".")[1] for name in names if "." in name}
    return {name for name in found if (PACKAGE / name).is_dir()} - {room, "catalog"}


def test_the_table_of_arrows_is_that_of_the_imports():
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    drawn = {
        room: set() if rooms == "none" else set(rooms.split(", "))
        for room, rooms in re.findall(r"^\| `(\w+)` \| ([a-z, ]+) \|$", page, re.MULTILINE)
    }
    assert drawn == {room: _rooms_imported(room) for room in drawn}
    assert set(drawn) == {path.parent.name for path in PACKAGE.glob("*/__init__.py")} - {"catalog"}


def test_the_picture_has_the_rooms_in_the_order_of_the_layers():
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    picture = page.split("## Rooms and arrows")[1].split("\n\nThe arrows as they are")[0]
    drawn = [name for name in re.findall(r"^    ([a-z]+)  +\S", picture, re.MULTILINE) if (PACKAGE / name).is_dir()]
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    layers = [name.removeprefix("clustersim.") for name in reversed(contracts[0]["layers"])]
    assert drawn[0] == "scenario"
    assert drawn[1:] == [name for name in layers if (PACKAGE / name).is_dir() and name != "catalog"]
    below = picture.split("below them all: ")[1]
    roots = {path.stem for path in PACKAGE.glob("*.py") if not path.stem.startswith(("console", "__"))}
    assert roots | {"catalog"} == set(re.findall(r"([a-z_]+)(?: \([^)]*\))?(?:,|$)", below))


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_modules_are_small(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 500


def test_help_does_not_load_the_heavy_packages():
    heavy = "numpy,pandas,scipy,networkx,numba,plotly,streamlit,pyarrow,simpy"
    code = (
        "import sys; from typer.testing import CliRunner; from clustersim.cli import app; "
        "assert CliRunner().invoke(app, ['--help']).exit_code == 0; "
        f"print([name for name in '{heavy}'.split(',') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
