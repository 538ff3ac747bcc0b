"""A filter as people type it, made into a function of one row without ever running what was typed as code.

A dashboard may be open to people who have no notebook (Voila), so an expression can compare and calculate and do
nothing else: it is taken apart with `ast`, and what is not on the list below is refused by name.

=============================================  ============================================================
``size_bytes > 100 and direction == "in"``     the columns `time peer endpoint direction event kind size_bytes
                                               text detail codec`; also with ``& | ~``, as pandas has it
``v.pos.x > 10``, ``v.items[0]``, ``v["a b"]`` what was decoded, as the columns of `Capture.decoded` are named
``"CHAT" in text``, ``peer.endswith(":4242")`` text; also `startswith`, `lower`, `upper`, `contains`
``kind in ["text"]``, ``10 < v.hp < 20``       lists, chains; ``+ - * / // %``, ``abs(x)``, ``len(x)``
=============================================  ============================================================

What is not there (``v.pos.x`` of a text) is None, and comparing what cannot be compared is False: no row is an
error.
"""

from __future__ import annotations

import ast
import difflib
import io
import operator
import tokenize
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from gdlab.errors import GdlabError
from gdlab.live import value_parts

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

#: Longer expressions are refused before anything is made of them.
MAX_CHARACTERS: Final = 500
MAX_NODES: Final = 200

_Get = Callable[[Mapping[str, Any]], Any]

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
_FAILS: Final = (TypeError, ValueError, ArithmeticError, LookupError, RecursionError)
_SYMBOLS: Final = {"&": " and ", "|": " or ", "~": " not ", "`": ""}


class ExpressionError(GdlabError, ValueError):
    """An expression that cannot be used; the message says which part of it, and what would do."""


@dataclass(frozen=True, slots=True)
class Expression:
    """A filter that has been understood.

    Attributes
    ----------
    text : as it was typed.
    names : of `NAMES`, those it uses: what it does not use need not be made.
    parts : the parts of `v` that it uses, named as the columns of `Capture.decoded`; None where it uses `v` itself.
    """

    text: str
    names: frozenset[str]
    parts: frozenset[str] | None
    _get: _Get

    def __call__(self, row: Mapping[str, Any]) -> bool:
        """Whether a row is wanted; never raises, whatever the row holds.

        Parameters
        ----------
        row : values for `names`; in place of `v`, values for all of `parts` do as well.
        """
        try:
            return _truth(self._get(row))
        except _FAILS:
            return False

    @classmethod
    def parse(cls, text: str) -> Expression:
        """Understand an expression.

        Raises
        ------
        ExpressionError : it is not a valid expression, or names something that does not exist.
        """
        if len(text) > MAX_CHARACTERS:
            raise ExpressionError(
                f"a filter has at most {MAX_CHARACTERS} characters, this one has {len(text)}"
            )
        try:
            tree = ast.parse(_pythonic(text.strip()), mode="eval")
        except (SyntaxError, ValueError, RecursionError, MemoryError, tokenize.TokenError) as error:
            raise ExpressionError(_syntax_problem(text, error)) from error
        if sum(1 for _ in ast.walk(tree)) > MAX_NODES:
            raise ExpressionError("this filter is too complicated; shorten it")
        return cls(text, frozenset(_names(tree)), value_parts.used(tree.body), _compile(tree.body))


def _names(tree: ast.AST) -> set[str]:
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and node.id in NAMES}


def _pythonic(text: str) -> str:
    """Write pandas' ``&``, ``|``, ``~`` and backticks as Python has them; what stands in quotes stays."""
    if "\n" in text or "\r" in text:
        raise ValueError("a filter is one line")
    parts, end = [], 0
    quoted = False
    # Backticks are no token of Python's: they are taken away first, outside of strings only.
    kept = []
    quote = ""
    for char in text:
        if quote:
            quote = "" if char == quote else quote
        elif char in "\"'":
            quote = char
        elif char == "`":
            quoted = True
            continue
        kept.append(char)
    text = "".join(kept) if quoted else text
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.OP and token.string in _SYMBOLS:
            parts += [text[end : token.start[1]], _SYMBOLS[token.string]]
            end = token.end[1]
    return "".join([*parts, text[end:]]).strip()


def _syntax_problem(text: str, error: BaseException) -> str:
    if isinstance(error, SyntaxError):
        bare = text.replace("==", "").replace("<=", "").replace(">=", "").replace("!=", "")
        if "=" in bare:
            return 'to compare, write two equal signs: direction == "in"'
        said = error.msg
        return f"not understood: {said}. A filter looks like: size_bytes > 100 and v.seq % 2 == 0"
    if isinstance(error, ValueError):
        return str(error)
    return "not understood: a bracket or a quote is not closed"


# ---- from the tree to functions


def _compile(node: ast.expr) -> _Get:
    """Make a function of a piece of the tree, or refuse it by name."""
    make = _MAKERS.get(type(node))
    if make is None:
        raise ExpressionError(
            f"a filter cannot have {_called(node)}; it has comparisons, and/or/not, numbers, text in quotes, "
            f"+ - * / // %, abs(), len() and the columns {', '.join(NAMES[:-1])} and v.…"
        )
    return make(node)


def _called(node: ast.expr) -> str:
    try:
        text = ast.unparse(node)
    except (ValueError, RecursionError):
        text = type(node).__name__
    return repr(text if len(text) <= 40 else text[:39] + "…")


def _constant(node: Any) -> _Get:
    value = node.value
    if value is not None and not isinstance(value, (bool, int, float, str)):
        raise ExpressionError(f"a filter cannot have {_called(node)}; numbers and text in quotes it can")
    return lambda row: value


def _name(node: Any) -> _Get:
    name = node.id
    if name in ("true", "false", "null", "nan"):  # as Godot and JSON write them
        value = {"true": True, "false": False, "null": None, "nan": float("nan")}[name]
        return lambda row: value
    if name not in NAMES:
        near = difflib.get_close_matches(name, NAMES[:-1], 1, 0.5)
        hint = f"did you mean {near[0]}?" if near else f"a value that was decoded is v.{name}"
        raise ExpressionError(f"there is no column {name}: {hint}")
    return operator.itemgetter(name)


def _attribute(node: Any) -> _Get:
    inner, name = _compile(node.value), node.attr
    if name == "str" and value_parts.root(node.value) != "v":  # pandas: text.str.contains("x")
        return inner
    if value_parts.root(node.value) != "v":
        raise ExpressionError(
            f"{_called(node.value)} has no part {name}; parts have decoded values: v.{name}"
        )
    return _part_of(inner, name, value_parts.column(node))


def _part_of(inner: _Get, key: Any, column: str | None) -> _Get:
    """A part by the name of its column, where the row has columns; else the part of what `inner` gives."""
    name = column or ""  # no row has a column of that name
    return lambda row: row[name] if name in row else _part(inner(row), key)


def _subscript(node: Any) -> _Get:
    inner = _compile(node.value)
    index = node.slice
    if isinstance(index, ast.UnaryOp) and isinstance(index.op, ast.USub):
        number = getattr(index.operand, "value", None)
        index = ast.Constant(-number) if type(number) is int else index
    if value_parts.root(node.value) != "v" or not (
        isinstance(index, ast.Constant)
        and isinstance(index.value, (int, str))
        and not isinstance(index.value, bool)
    ):
        raise ExpressionError(
            f'{_called(node)}: in brackets stands a number or a key, as in v.items[0] or v["a b"]'
        )
    return _part_of(inner, index.value, value_parts.column(node))


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


def _compare(node: Any) -> _Get:
    sides = [_compile(side) for side in (node.left, *node.comparators)]
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
            except _FAILS:
                return not wanted

        return within
    compare = _COMPARISONS[type(op)]

    def test(a: Any, b: Any) -> bool:
        try:
            return _truth(compare(a, b))
        except _FAILS:
            return False

    return test


def _truth(value: Any) -> bool:
    if isinstance(value, np.ndarray):
        return bool(value.all()) if value.size else False
    return bool(value)


def _logic(node: Any) -> _Get:
    parts = [_compile(part) for part in node.values]
    if isinstance(node.op, ast.And):
        return lambda row: all(_truth(part(row)) for part in parts)
    return lambda row: any(_truth(part(row)) for part in parts)


def _unary(node: Any) -> _Get:
    inner = _compile(node.operand)
    if isinstance(node.op, ast.Not):
        return lambda row: not _truth(inner(row))
    if isinstance(node.op, (ast.USub, ast.UAdd)):
        sign = -1 if isinstance(node.op, ast.USub) else 1
        return lambda row: sign * _number(inner(row))
    raise ExpressionError(f"a filter cannot have {_called(node)}")


def _calculation(node: Any) -> _Get:
    left, right = _compile(node.left), _compile(node.right)
    calculate = _CALCULATIONS.get(type(node.op))
    if calculate is None:
        raise ExpressionError(f"a filter cannot calculate {_called(node)}; it has + - * / // %")
    # Numbers only: text times a number could be made to fill the memory.
    return lambda row: calculate(_number(left(row)), _number(right(row)))


def _number(value: Any) -> int | float:
    if isinstance(value, (int, float)):
        if isinstance(value, int) and value.bit_length() > 256:
            raise OverflowError("too large to calculate with")
        return value
    raise TypeError("not a number")


def _call(node: Any) -> _Get:
    if node.keywords:
        raise ExpressionError(f"a filter cannot have {_called(node)}: no argument has a name here")
    arguments = [_compile(argument) for argument in node.args]
    if isinstance(node.func, ast.Attribute) and node.func.attr in _METHODS:
        inner, (count, method) = _compile(node.func.value), _METHODS[node.func.attr]
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
        f"a filter cannot call {_called(node.func)}; it can call abs, len, and of text {', '.join(_METHODS)}"
    )


def _sequence(node: Any) -> _Get:
    items = [_compile(item) for item in node.elts]
    return lambda row: [item(row) for item in items]


_MAKERS: Final[dict[type, Callable[[Any], _Get]]] = {
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
