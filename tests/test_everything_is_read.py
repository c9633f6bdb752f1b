"""Nothing is there in vain: options of the command line and fields of specifications are read, functions are used."""

import ast
import inspect
import re
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


ANSWERS = {
    "clustersim/economics/capital.py": {"present_value": "of payments; what discounting is held against"},
    "clustersim/economics/cases.py": {"case_cost": "an hour at published inputs; held against published hours"},
    "clustersim/fabric/algorithms.py": {
        "binomial_broadcast": "textbook algorithm beside the others",
        "halving_doubling_all_gather": "textbook algorithm beside the others",
        "in_switch_all_reduce": "textbook algorithm beside the others",
        "message_latency": "latency that the textbook algorithms take",
        "ring_broadcast": "textbook algorithm beside the others",
    },
    "clustersim/fabric/collectives.py": {
        "all_to_all": "textbook algorithm beside the others",
        "hierarchical_all_reduce": "textbook algorithm beside the others",
        "point_to_point": "textbook algorithm beside the others",
        "ring_all_gather": "textbook algorithm beside the others",
    },
    "clustersim/fabric/network.py": {"completion_times": "flows in time, which the table of rates is held against"},
    "clustersim/fabric/site.py": {"link_count": "links by kind, as `count` gives switches by tier"},
    "clustersim/fabric/torus_slices.py": {
        "chips_of": "slices of a pod with lost cubes",
        "circuits": "slices of a pod with lost cubes",
        "place_slices": "slices of a pod with lost cubes",
        "swap_cube": "slices of a pod with lost cubes",
    },
    "clustersim/fabric/spec.py": {"fabric_spec": "one fabric without a file of a place"},
    "clustersim/limits/flicker.py": {"short_term_severity_of_wave": "flickermeter for instantaneous voltage"},
    "clustersim/limits/measures.py": {"excursions": "how often the largest excursion is passed"},
    "clustersim/operation/checkpoints.py": {
        "daly_interval": "published law beside Young's, which a run takes",
        "exact_interval": "published law beside Young's, which a run takes",
    },
    "clustersim/operation/lives.py": {"hazard": "of a life", "survival": "of a life"},
    "clustersim/plant/fuel.py": {"heat_rate": "of a unit at part load; `burn` is of several"},
    "clustersim/plant/losses.py": {"transformer_reactive": "reactive power of the stages alone"},
    "clustersim/plant/protection.py": {"trip_time_s": "closed form of the curve whose travel a run integrates"},
    "clustersim/plant/transformer_thermal.py": {"steady_state": "start of `temperatures` after a constant load"},
    "clustersim/plant/weather.py": {"design_air": "air of given temperatures, for cooling without a year"},
    "clustersim/power/damped.py": {"residual_j": "the account of energy closes"},
    "clustersim/power/device.py": {"burst_peak_w": "law that the measured peaks under a power limit are held against"},
    "clustersim/power/end_burn.py": {"with_end_burns": "model of a published script; held against its record"},
    "clustersim/power/spectrum.py": {"variance_w2": "the spectrogram keeps the variance"},
}
"""Public functions and methods that only tests and readers call: what each says, or is held against."""


def public_functions(tree):
    """Names of public functions of a module, and of public methods of its classes: (name, whether it is a method)."""
    for node in tree.body:
        for one in node.body if isinstance(node, ast.ClassDef) else [node]:
            if isinstance(one, ast.FunctionDef) and not one.name.startswith("_") and not is_registered(one):
                yield one.name, one is not node


def is_registered(function):
    """Whether something calls a function because of what stands above it: a verb, a validator, what pydantic writes."""
    names = {node.id for one in function.decorator_list for node in ast.walk(one) if isinstance(node, ast.Name)}
    return bool(names & (VALIDATORS | {"app", "model_serializer", "field_serializer"}))


def used_in(tree, *, listing):
    """Names that a module calls, reads as an attribute, hands on or names as text; an `__init__` lists."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            yield "import" if listing else "name", node.id
        elif isinstance(node, ast.Attribute):
            yield "attribute", node.attr
        elif isinstance(node, ast.ImportFrom) and not listing:
            yield from (("import", one.name) for one in node.names)
        elif isinstance(node, ast.Constant) and (found := re.fullmatch(r"[\w.]+:(\w+)", str(node.value))):
            yield "import", found[1]


def unused(parsed, templates=""):
    """Public functions and methods of the package that nothing of it, of dashboard and examples uses: by module."""
    uses = {path: set(used_in(tree, listing=path.name == "__init__.py")) for path, tree in parsed.items()}
    everywhere = set().union(*uses.values(), {("attribute", name) for name in re.findall(r"\.(\w+)", templates)})
    found = {}
    for path, tree in parsed.items():
        where = path.relative_to(ROOT).as_posix()
        for name, method in public_functions(tree) if where.startswith("clustersim/") else ():
            abroad = {("attribute", name)} if method else {("attribute", name), ("import", name)}
            if not abroad & everywhere and (method or ("name", name) not in uses[path]):
                found.setdefault(where, set()).add(name)
    return found


def test_every_public_function_is_used_or_an_answer_of_its_own():
    templates = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "clustersim").rglob("*.j2"))
    parsed = trees() | {path: ast.parse(path.read_text(encoding="utf-8")) for path in (ROOT / "examples").glob("*.py")}
    assert unused(parsed, templates) == {where: set(names) for where, names in ANSWERS.items()}


def test_the_look_at_functions_sees_those_that_nothing_uses():
    text = """
from clustersim.other import taken

def called():
    return _private()

def _private():
    return Kind().method()

def uncalled():
    method = called()
    return method

class Kind:
    def method(self):
        return "clustersim.own:named"

    def unread(self):
        return 0

def named():
    return 1
"""
    listing = "from clustersim.own import uncalled"
    parsed = {
        ROOT / "clustersim" / "own.py": ast.parse(text),
        ROOT / "clustersim" / "__init__.py": ast.parse(listing),
    }
    assert unused(parsed) == {"clustersim/own.py": {"uncalled", "unread"}}
