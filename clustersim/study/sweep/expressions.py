"""Formulas of a study file: arithmetic on named values, read by Python's parser and worked out here, never run.

Only what is listed below is known: numbers, texts to compare with, names, ``+ - * / // % **``, comparisons, ``and``,
``or``, ``not``, ``a if condition else b`` and the functions of :data:`FUNCTIONS`. There are no attributes, subscripts,
lambdas or other calls. A missing value (null) makes the result missing, unless ``and`` and ``or`` know it without.
"""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from clustersim import units
from clustersim.errors import InputError, UnitError, nearest
from clustersim.study.sweep.records import Scalar

MOST_LETTERS = 1000
"""Letters of a formula."""
MOST_NODES = 400
"""Parts of a formula."""
MOST_DEPTH = 40
"""Brackets within brackets."""
EXACT = 2**53
"""Whole numbers up to here stay whole."""

Value = Scalar | None


class FormulaError(InputError):
    """A formula that cannot be read, or has no value for a point: it divides by zero, or compares text and numbers."""


def _quantity(text: Any, unit: Any = None) -> float:
    if not isinstance(text, str) or not (unit is None or isinstance(unit, str)):
        raise FormulaError("quantity: expected text with a unit such as quantity('150 MW')")
    number, own = units.split(text)
    dimension = units.dimension_of(own)
    if dimension is None:
        known = [name for table in units.TABLE.values() for name in table]
        raise FormulaError(f"quantity: unknown unit {own!r}{nearest(own, known)}")
    if unit is None:
        return number * units.TABLE[dimension][own]
    table = next((table for table in units.TABLE.values() if own in table and unit in table), None)
    if table is None:
        raise FormulaError(f"quantity: expected a unit of the kind of {own!r}, found {unit!r}")
    return number * table[own] / table[unit]


def _to_digits(value: float, digits: float = 0) -> int | float:
    if not -15 <= digits <= 15:
        raise FormulaError(f"round: expected -15 to 15 digits, found {digits}")
    return round(float(value), int(digits)) if digits else round(value)


FUNCTIONS: Mapping[str, tuple[int, int, Callable[..., Any]]] = {
    "min": (1, 50, min),
    "max": (1, 50, max),
    "abs": (1, 1, abs),
    "sqrt": (1, 1, math.sqrt),
    "log": (1, 1, math.log),
    "log10": (1, 1, math.log10),
    "exp": (1, 1, math.exp),
    "floor": (1, 1, math.floor),
    "ceil": (1, 1, math.ceil),
    "round": (1, 2, _to_digits),
    "quantity": (1, 2, _quantity),
}
"""Name -> fewest and most arguments, and what it does; ``quantity('150 MW')`` is 150e6, SI as every axis."""

_ARITHMETIC: Mapping[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: lambda a, b: math.pow(a, b),
}
_COMPARED: Mapping[type[ast.cmpop], Callable[[Any, Any], bool]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}


@dataclass(frozen=True)
class Expression:
    """A formula that was read."""

    text: str
    where: str
    """Key path of the study file, for messages."""
    names: frozenset[str]
    """Names whose values it needs."""
    tree: ast.expr

    def value(self, values: Mapping[str, Value]) -> Value:
        """Return what the formula comes to; None where a value that it needs is None.

        Raises
        ------
        FormulaError
            If a name has no value, or the formula has none: a division by zero, a number too large.
        """
        try:
            found = _worked_out(self.tree, values)
        except InputError as error:
            raise FormulaError(f"{self.where}: {error}") from None
        except ZeroDivisionError:
            raise FormulaError(f"{self.where}: {self.text}: divides by zero") from None
        except (OverflowError, ValueError) as error:
            raise FormulaError(f"{self.where}: {self.text}: has no value ({error})") from None
        if isinstance(found, float) and not math.isfinite(found):
            raise FormulaError(f"{self.where}: {self.text}: has no finite value")
        return found

    def require_names(self, known: Iterable[str]) -> None:
        """Raise :class:`FormulaError` for a name that is not `known`; the message gives the nearest."""
        known = list(known)
        for name in sorted(self.names):
            if name not in known:
                raise FormulaError(f"{self.where}: unknown name {name!r}{nearest(name, known)}")


def read(text: object, where: str) -> Expression:
    """Return the formula in `text`.

    Parameters
    ----------
    text : str
        Such as ``"peak_mw <= 150 and floor > quantity('60 %')"``; a plain number is a formula too.
    where : str
        Key path for messages.

    Raises
    ------
    FormulaError
        If it is not a formula, or one of more than the arithmetic that is listed at the top of this module.
    """
    if isinstance(text, int | float):
        text = repr(text)
    if not isinstance(text, str) or not text.strip():
        raise FormulaError(f"{where}: expected a formula, found {text!r}")
    if len(text) > MOST_LETTERS:
        raise FormulaError(f"{where}: expected at most {MOST_LETTERS} letters, found {len(text)}")
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        told = error.msg if isinstance(error, SyntaxError) else type(error).__name__
        raise FormulaError(f"{where}: not a formula: {text!r} ({told})") from None
    names: set[str] = set()
    if _checked(tree, where, names, 1) > MOST_NODES:
        raise FormulaError(f"{where}: expected at most {MOST_NODES} parts, found more")
    return Expression(text.strip(), where, frozenset(names), tree)


def _checked(node: ast.expr, where: str, names: set[str], depth: int) -> int:
    """Return how many parts a node has; its names are added to `names`."""
    if depth > MOST_DEPTH:
        raise FormulaError(f"{where}: expected at most {MOST_DEPTH} brackets within brackets, found more")
    inner: list[ast.expr] = []
    match node:
        case ast.Constant(value=bool() | int() | float() | str()):
            if isinstance(node.value, int) and abs(node.value) > EXACT:
                raise FormulaError(f"{where}: expected whole numbers up to 2**53, found a larger one")
        case ast.Name():
            names.add(node.id)
        case ast.BinOp() if type(node.op) in _ARITHMETIC:
            inner = [node.left, node.right]
        case ast.UnaryOp(op=ast.USub() | ast.UAdd() | ast.Not()):
            inner = [node.operand]
        case ast.Compare() if all(type(op) in _COMPARED for op in node.ops):
            inner = [node.left, *node.comparators]
        case ast.BoolOp():
            inner = node.values
        case ast.IfExp():
            inner = [node.test, node.body, node.orelse]
        case ast.Call(func=ast.Name()) if not node.keywords:
            inner = _arguments(node, where)
        case _:
            raise FormulaError(f"{where}: {_said(node)} is not part of a formula; {_KNOWN}")
    return 1 + sum(_checked(one, where, names, depth + 1) for one in inner)


_KNOWN = "expected numbers, names, + - * / // % **, comparisons, and, or, not, if else, " + ", ".join(FUNCTIONS)


def _said(node: ast.AST) -> str:
    text = ast.unparse(node)
    return repr(text if len(text) <= 40 else f"{text[:37]}...")


def _arguments(node: ast.Call, where: str) -> list[ast.expr]:
    name = node.func.id if isinstance(node.func, ast.Name) else ""
    if name not in FUNCTIONS:
        raise FormulaError(f"{where}: unknown function {name!r}{nearest(name, FUNCTIONS)}; {_KNOWN}")
    fewest, most, _ = FUNCTIONS[name]
    if not fewest <= len(node.args) <= most:
        wanted = str(fewest) if fewest == most else f"{fewest} to {most}"
        raise FormulaError(f"{where}: {name}: expected {wanted} arguments, found {len(node.args)}")
    return node.args


def _worked_out(node: ast.expr, values: Mapping[str, Value]) -> Value:
    match node:
        case ast.Constant():
            return node.value  # type: ignore[return-value]
        case ast.Name():
            if node.id not in values:
                raise FormulaError(f"unknown name {node.id!r}{nearest(node.id, values)}")
            return values[node.id]
        case ast.BinOp():
            return _arithmetic(node, _worked_out(node.left, values), _worked_out(node.right, values))
        case ast.UnaryOp():
            return _turned(node, _worked_out(node.operand, values))
        case ast.Compare():
            return _compared(node, [_worked_out(one, values) for one in (node.left, *node.comparators)])
        case ast.BoolOp():
            return _joined(isinstance(node.op, ast.And), [_worked_out(one, values) for one in node.values])
        case ast.IfExp():
            chosen = _worked_out(node.test, values)
            return None if chosen is None else _worked_out(node.body if chosen else node.orelse, values)
        case ast.Call(func=ast.Name(id=name)):
            return _called(name, [_worked_out(one, values) for one in node.args])
    raise FormulaError(f"{_said(node)} is not part of a formula")


def _number(value: Value, node: ast.AST) -> int | float:
    if isinstance(value, str) or value is None:
        raise FormulaError(f"{_said(node)}: expected a number, found {value!r}")
    return value


def _arithmetic(node: ast.BinOp, left: Value, right: Value) -> Value:
    if left is None or right is None:
        return None
    a, b = _number(left, node.left), _number(right, node.right)
    found = _ARITHMETIC[type(node.op)](a, b)
    whole = isinstance(a, int) and isinstance(b, int) and not isinstance(node.op, ast.Div)
    if whole and float(found).is_integer() and abs(found) <= EXACT:
        return int(found)
    return float(found)


def _turned(node: ast.UnaryOp, value: Value) -> Value:
    if value is None:
        return None
    if isinstance(node.op, ast.Not):
        return not value
    number = _number(value, node.operand)
    return -number if isinstance(node.op, ast.USub) else +number


def _compared(node: ast.Compare, found: list[Value]) -> Value:
    if any(value is None for value in found):
        return None
    for op, left, right in zip(node.ops, found, found[1:], strict=False):
        equality = isinstance(op, ast.Eq | ast.NotEq)
        if isinstance(left, str) != isinstance(right, str) and not equality:
            raise FormulaError(f"{_said(node)}: expected two numbers or two texts, found {left!r} and {right!r}")
        if not _COMPARED[type(op)](left, right):
            return False
    return True


def _joined(both: bool, found: list[Value]) -> Value:
    """Return the ``and`` or ``or`` of values; a missing one counts only where it decides (Kleene's logic)."""
    if any(value is not None and bool(value) != both for value in found):
        return not both
    return None if any(value is None for value in found) else both


def _called(name: str, found: list[Value]) -> Value:
    if any(value is None for value in found):
        return None
    if name != "quantity" and any(isinstance(value, str) for value in found):
        raise FormulaError(f"{name}: expected numbers, found {found!r}")
    try:
        result = FUNCTIONS[name][2](*found)
    except UnitError as error:
        raise FormulaError(f"quantity: {error}") from None
    return result if isinstance(result, bool | int) and abs(result) <= EXACT else float(result)
