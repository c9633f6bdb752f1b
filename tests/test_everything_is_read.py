"""Nothing is asked for in vain: every option of the command line and every field of a specification is read."""

import ast
import inspect
import textwrap
from functools import cache
from pathlib import Path

import pytest

from clustersim.cli import app

ROOT = Path(__file__).resolve().parents[1]
VALIDATORS = {"field_validator", "model_validator"}
BY_NAME = {
    "clustersim/economics/cost.py": {"building_price", "accelerator_life", "building_life"},
    "clustersim/economics/running.py": {"operations_price"},
    "clustersim/plant/network_start.py": {"xl", "xd", "xq", "xq1", "x2", "td10", "tq10", "td20", "tq20"},
    "clustersim/study/sweep/drawn.py": {"log_uniform"},
}
"""Fields that a module asks for by a name in quotes, because it does the same with several of them."""


def verbs():
    """Functions of the command line by name of the verb."""
    found = {one.name or one.callback.__name__: one.callback for one in app.registered_commands}
    assert not app.registered_groups
    return {"": app.registered_callback.callback} | found


def read_names(function):
    """Names that a function's body reads, those that it only deletes or gives a value left out."""
    (tree,) = ast.parse(textwrap.dedent(inspect.getsource(function))).body
    return {
        node.id
        for statement in tree.body
        for node in ast.walk(statement)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)
    }


@pytest.mark.parametrize("verb", verbs())
def test_every_option_is_read_by_its_verb(verb):
    function = verbs()[verb]
    assert [name for name in inspect.signature(function).parameters if name not in read_names(function)] == []


def test_the_look_at_options_sees_one_that_is_not_read():
    def verb(used: int, deleted: int, written: int, unread: int) -> int:
        del deleted
        written = used  # noqa: F841
        return used

    assert read_names(verb) == {"used"}


@cache
def trees():
    """Syntax of every module of the package and the dashboard."""
    paths = [*(ROOT / "clustersim").rglob("*.py"), *(ROOT / "app").rglob("*.py")]
    return {path: ast.parse(path.read_text(encoding="utf-8")) for path in paths}


def is_validator(node):
    """Whether a function checks a record and does nothing else."""
    if not isinstance(node, ast.FunctionDef):
        return False
    made = [one.func if isinstance(one, ast.Call) else one for one in node.decorator_list]
    return bool(VALIDATORS & {one.id for one in made if isinstance(one, ast.Name)})


def attributes_read(node):
    """Attributes that are read below a node, and keywords of patterns; what validators read is left out."""
    if is_validator(node):
        return
    if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load):
        yield node.attr
    elif isinstance(node, ast.MatchClass):
        yield from node.kwd_attrs
    for child in ast.iter_child_nodes(node):
        yield from attributes_read(child)


@cache
def read_anywhere():
    """Attributes that the package or the dashboard reads."""
    return {name for tree in trees().values() for name in attributes_read(tree)}


def spec_classes(parsed):
    """Classes of specifications, with their fields: all that derive from `Spec`, by name."""
    found = [(path, node) for path, tree in parsed.items() for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    specs, more = {"Spec"}, True
    while more:
        named = {node.name for _, node in found if specs & {getattr(base, "id", None) for base in node.bases}}
        more = not named <= specs
        specs |= named
    return {
        (path.relative_to(ROOT).as_posix(), node.name): {
            one.target.id
            for one in node.body
            if isinstance(one, ast.AnnAssign) and not ast.unparse(one.annotation).startswith("ClassVar")
        }
        for path, node in found
        if node.name in specs - {"Spec"}
    }


def test_every_field_of_a_specification_is_read():
    classes = spec_classes(trees())
    assert len(classes) > 100
    assert sum(map(len, classes.values())) > 500
    read = read_anywhere().union(*BY_NAME.values())
    assert [(*where, name) for where, fields in classes.items() for name in sorted(fields - read)] == []


@pytest.mark.parametrize("path", BY_NAME)
def test_fields_read_by_name_are_named_there_and_nowhere_read_otherwise(path):
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    quoted = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)}
    assert quoted >= BY_NAME[path]
    assert not BY_NAME[path] & read_anywhere()


def test_the_look_at_fields_sees_one_that_only_its_own_check_reads():
    text = """
class Own(Spec):
    read: int
    checked: int
    kept: ClassVar[int] = 1

    @model_validator(mode="after")
    def _check(self):
        return self if self.checked else None

class Derived(Own):
    unread: int

def use(own):
    return own.read
"""
    parsed = {ROOT / "clustersim" / "own.py": ast.parse(text)}
    assert set().union(*spec_classes(parsed).values()) == {"read", "checked", "unread"}
    assert {name for tree in parsed.values() for name in attributes_read(tree)} == {"read"}
