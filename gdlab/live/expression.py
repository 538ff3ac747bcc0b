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
import io
import tokenize
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import pandas as pd

from gdlab.live.compiled import FAILS, NAMES, ExpressionError, Get, compiled, truth

#: Longer expressions are refused before anything is made of them.
MAX_CHARACTERS: Final = 500
MAX_NODES: Final = 200

_SYMBOLS: Final = {"&": " and ", "|": " or ", "~": " not ", "`": ""}


@dataclass(frozen=True, slots=True)
class Expression:
    """A filter that has been understood.

    Attributes
    ----------
    text : as it was typed.
    names : of `NAMES`, those it uses: what it does not use need not be made.
    """

    text: str
    names: frozenset[str]
    _get: Get

    def __call__(self, row: Mapping[str, Any]) -> bool:
        """Whether a row is wanted; never raises, whatever the row holds.

        Parameters
        ----------
        row : values for `names`.
        """
        try:
            return truth(self._get(row))
        except FAILS:
            return False

    @classmethod
    def parse(cls, text: str) -> Expression:
        """Understand an expression.

        Raises
        ------
        ExpressionError : it is no expression, or uses what there is not.
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
        return cls(text, frozenset(_names(tree)), compiled(tree.body))


def select(table: pd.DataFrame, text: str) -> pd.DataFrame:
    """The rows of a decoded table that a filter wants.

    Raises
    ------
    ExpressionError : it is no filter.
    """
    wanted = Expression.parse(text)
    columns: dict[str, list[Any]] = {}
    for name in wanted.names:
        if name == "v":
            columns[name] = list(table["value"])
        elif name == "text":
            columns[name] = [each.decode(errors="replace") for each in table["payload"]]
        elif name in table.columns:
            column = table[name]
            columns[name] = column.astype(object).where(column.notna(), None).tolist()
        else:
            columns[name] = [None] * len(table)
    if not columns:
        return table[[wanted({})] * len(table)] if len(table) else table
    names = list(columns)
    rows = zip(*columns.values(), strict=True)
    return table[[wanted(dict(zip(names, row, strict=True))) for row in rows]]


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
