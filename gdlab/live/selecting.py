"""The rows of a decoded table that a filter wants."""

from __future__ import annotations

from typing import Any

import pandas as pd

from gdlab.live import value_parts
from gdlab.live.expression import Expression


def select(table: pd.DataFrame, text: str) -> pd.DataFrame:
    """The rows of a decoded table that a filter wants.

    Raises
    ------
    ExpressionError : it is not a valid filter.
    """
    wanted = Expression.parse(text)
    columns: dict[str, list[Any]] = {}
    whole = not table.attrs.get("omitted_columns") and value_parts.are_columns(wanted.parts, table.columns)
    names = wanted.names if not whole else {*wanted.names, *(wanted.parts or ())} - {"v"}
    for name in names:
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
    rows = zip(*columns.values(), strict=True)
    return table[[wanted(dict(zip(columns, row, strict=True))) for row in rows]]
