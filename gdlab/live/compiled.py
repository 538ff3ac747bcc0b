"""The pieces of a filter as functions of a row; what is not on the list is refused by name."""

from __future__ import annotations

import ast
import difflib
import operator
from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np

from gdlab.errors import GdlabError

#: Names of a row that an expression may use; `v` is the decoded value.
NAMES: Final = (
    "time",
    "peer",
    "endpoint",
    "direction",
    "event",
    "kind",
    "size_bytes",
    "text",
    "detail",
    "codec",
    "v",
)

Get = Callable[[Mapping[str, Any]], Any]

_COMPARISONS: Final[dict[type, Callable[[Any, Any], Any]]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Is: operator.eq,
    ast.IsNot: operator.ne,
}
_CALCULATIONS: Final[dict[type, Callable[[Any, Any], Any]]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
}
_METHODS: Final[dict[str, tuple[int, Callable[..., Any]]]] = {
    "startswith": (1, str.startswith),
    "endswith": (1, str.endswith),
    "contains": (1, operator.contains),
    "lower": (0, str.lower),
    "upper": (0, str.upper),
}
_FUNCTIONS: Final[dict[str, Callable[[Any], Any]]] = {"abs": abs, "len": len}
#: What comparing and calculating with values of any kind may raise.
FAILS: Final = (TypeError, ValueError, ArithmeticError, LookupError, RecursionError)


class ExpressionError(GdlabError, ValueError):
    """An expression that cannot be used; the message says which part of it, and what would do."""


def compiled(node: ast.expr) -> Get:
    """Make a function of a piece of the tree, or refuse it by name."""
    make = _MAKERS.get(type(node))
    if make is None:
        raise ExpressionError(
            f"a filter cannot have {called(node)}; it has comparisons, and/or/not, numbers, text in quotes, "
            f"+ - * / // %, abs(), len() and the columns {', '.join(NAMES[:-1])} and v.…"
        )
    return make(node)


def called(node: ast.expr) -> str:
    """A piece of the tree as it was typed, shortened."""
    try:
        text = ast.unparse(node)
    except (ValueError, RecursionError):
        text = type(node).__name__
    return repr(text if len(text) <= 40 else text[:39] + "…")


def _constant(node: Any) -> Get:
    value = node.value
    if value is not None and not isinstance(value, (bool, int, float, str)):
        raise ExpressionError(f"a filter cannot have {called(node)}; numbers and text in quotes it can")
    return lambda row: value


def _name(node: Any) -> Get:
    name = node.id
    if name in ("true", "false", "null", "nan"):  # as Godot and JSON write them
        value = {"true": True, "false": False, "null": None, "nan": float("nan")}[name]
        return lambda row: value
    if name not in NAMES:
        near = difflib.get_close_matches(name, NAMES[:-1], 1, 0.5)
        hint = f"did you mean {near[0]}?" if near else f"a value that was decoded is v.{name}"
        raise ExpressionError(f"there is no column {name}: {hint}")
    return operator.itemgetter(name)


def _attribute(node: Any) -> Get:
    inner, name = compiled(node.value), node.attr
    if name == "str" and _root(node.value) != "v":  # pandas: text.str.contains("x")
        return inner
    if _root(node.value) != "v":
        raise ExpressionError(f"{called(node.value)} has no part {name}; parts have decoded values: v.{name}")
    return lambda row: _part(inner(row), name)


def _root(node: Any) -> str:
    while isinstance(node, (ast.Attribute, ast.Subscript)):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


def _subscript(node: Any) -> Get:
    inner = compiled(node.value)
    index = node.slice
    if isinstance(index, ast.UnaryOp) and isinstance(index.op, ast.USub):
        number = getattr(index.operand, "value", None)
        index = ast.Constant(-number) if type(number) is int else index
    if _root(node.value) != "v" or not (
        isinstance(index, ast.Constant)
        and isinstance(index.value, (int, str))
        and not isinstance(index.value, bool)
    ):
        raise ExpressionError(
            f'{called(node)}: in brackets stands a number or a key, as in v.items[0] or v["a b"]'
        )
    key = index.value
    return lambda row: _part(inner(row), key)


def _part(value: Any, key: Any) -> Any:
    """A part of a decoded value, or None; nothing but what was decoded can be reached."""
    if isinstance(value, dict):
        return value.get(key)
    if isinstance(key, str):
        fields = getattr(type(value), "_fields", None) if isinstance(value, tuple) else None
        if fields and key in fields:
            return value[fields.index(key)]
        properties = getattr(value, "properties", None)  # of an object that was sent whole
        return properties.get(key) if isinstance(properties, dict) else None
    if isinstance(value, (list, tuple, np.ndarray)) and -len(value) <= key < len(value):
        found = value[key]
        return found.item() if isinstance(found, np.generic) else found
    return None


def _compare(node: Any) -> Get:
    sides = [compiled(side) for side in (node.left, *node.comparators)]
    tests = [_comparison(op) for op in node.ops]

    def get(row: Mapping[str, Any]) -> bool:
        values = [side(row) for side in sides]
        return all(test(a, b) for test, a, b in zip(tests, values, values[1:], strict=False))

    return get


def _comparison(op: ast.cmpop) -> Callable[[Any, Any], bool]:
    if isinstance(op, (ast.In, ast.NotIn)):
        wanted = isinstance(op, ast.In)

        def within(item: Any, of: Any) -> bool:
            try:
                return (item in of) is wanted
            except FAILS:
                return not wanted

        return within
    compare = _COMPARISONS[type(op)]

    def test(a: Any, b: Any) -> bool:
        try:
            return truth(compare(a, b))
        except FAILS:
            return False

    return test


def truth(value: Any) -> bool:
    """Whether a value counts as true."""
    if isinstance(value, np.ndarray):
        return bool(value.all()) if value.size else False
    return bool(value)


def _logic(node: Any) -> Get:
    parts = [compiled(part) for part in node.values]
    if isinstance(node.op, ast.And):
        return lambda row: all(truth(part(row)) for part in parts)
    return lambda row: any(truth(part(row)) for part in parts)


def _unary(node: Any) -> Get:
    inner = compiled(node.operand)
    if isinstance(node.op, ast.Not):
        return lambda row: not truth(inner(row))
    if isinstance(node.op, (ast.USub, ast.UAdd)):
        sign = -1 if isinstance(node.op, ast.USub) else 1
        return lambda row: sign * _number(inner(row))
    raise ExpressionError(f"a filter cannot have {called(node)}")


def _calculation(node: Any) -> Get:
    left, right = compiled(node.left), compiled(node.right)
    calculate = _CALCULATIONS.get(type(node.op))
    if calculate is None:
        raise ExpressionError(f"a filter cannot calculate {called(node)}; it has + - * / // %")
    # Numbers only: text times a number could be made to fill the memory.
    return lambda row: calculate(_number(left(row)), _number(right(row)))


def _number(value: Any) -> int | float:
    if isinstance(value, (int, float)):
        if isinstance(value, int) and value.bit_length() > 256:
            raise OverflowError("too large to calculate with")
        return value
    raise TypeError("not a number")


def _call(node: Any) -> Get:
    if node.keywords:
        raise ExpressionError(f"a filter cannot have {called(node)}: no argument has a name here")
    arguments = [compiled(argument) for argument in node.args]
    if isinstance(node.func, ast.Attribute) and node.func.attr in _METHODS:
        inner, (count, method) = compiled(node.func.value), _METHODS[node.func.attr]
        if len(arguments) != count:
            raise ExpressionError(f"{node.func.attr} takes {count} argument{'' if count == 1 else 's'}")

        def get(row: Mapping[str, Any]) -> Any:
            text = inner(row)
            return method(text, *(a(row) for a in arguments)) if isinstance(text, str) else None

        return get
    if isinstance(node.func, ast.Name) and node.func.id in _FUNCTIONS and len(arguments) == 1:
        function, (argument,) = _FUNCTIONS[node.func.id], arguments
        return lambda row: function(argument(row))
    raise ExpressionError(
        f"a filter cannot call {called(node.func)}; it can call abs, len, and of text {', '.join(_METHODS)}"
    )


def _sequence(node: Any) -> Get:
    items = [compiled(item) for item in node.elts]
    return lambda row: [item(row) for item in items]


_MAKERS: Final[dict[type, Callable[[Any], Get]]] = {
    ast.Constant: _constant,
    ast.Name: _name,
    ast.Attribute: _attribute,
    ast.Subscript: _subscript,
    ast.Compare: _compare,
    ast.BoolOp: _logic,
    ast.UnaryOp: _unary,
    ast.BinOp: _calculation,
    ast.Call: _call,
    ast.List: _sequence,
    ast.Tuple: _sequence,
    ast.Set: _sequence,
}
