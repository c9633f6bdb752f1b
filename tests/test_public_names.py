"""What the package offers: every name is there and documented, and none is imported before it is asked for."""

import ast
import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import clustersim

ROOT = Path(__file__).resolve().parents[1]
HEAVY = ("numpy", "pandas", "scipy", "numba", "pydantic", "yaml", "pyarrow", "networkx", "simpy")


@pytest.mark.parametrize("name", clustersim.__all__)
def test_each_name_is_there_and_documented(name):
    found = getattr(clustersim, name)
    assert callable(found)
    own = found.__dict__.get("__doc__") if inspect.isclass(found) else found.__doc__
    assert own
    # a dataclass without one says its signature
    assert not own.startswith(f"{name}(")


def test_the_names_are_in_order_and_listed():
    assert clustersim.__all__ == sorted(set(clustersim.__all__))
    assert set(clustersim.__all__) <= set(dir(clustersim))
    assert set(clustersim._WHERE) == set(clustersim.__all__)


def test_type_checkers_see_the_same_names_from_the_same_places():
    tree = ast.parse((ROOT / "clustersim" / "__init__.py").read_text(encoding="utf-8"))
    (block,) = [node for node in tree.body if isinstance(node, ast.If) and isinstance(node.test, ast.Name)]
    seen = {
        alias.asname or alias.name: f"{node.module}:{alias.name}"
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert seen == clustersim._WHERE


def test_an_unknown_name_is_refused():
    with pytest.raises(AttributeError, match="no attribute 'runn'"):
        clustersim.runn  # noqa: B018


def test_importing_the_package_imports_nothing_heavy():
    code = (
        "import sys, clustersim; clustersim.__all__, clustersim.__version__, dir(clustersim); "
        f"print([name for name in {HEAVY} if name in sys.modules], [m for m in sys.modules if 'clustersim.' in m])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[] []"


def test_the_page_names_everything():
    page = (ROOT / "docs" / "python.md").read_text(encoding="utf-8")
    missing = [name for name in clustersim.__all__ if f"`{name}" not in page]
    assert missing == []
