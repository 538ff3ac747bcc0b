"""Measures that know which row of the table each of their rows stands for.

A table that was measured in parts is put together again by it: what has the same time keeps the order of its rows.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, ParamSpec

import pandas as pd

P = ParamSpec("P")


def by_row(measure: Callable[P, pd.DataFrame]) -> Callable[P, pd.DataFrame]:
    """Number the rows of a measure's result from 0; `placed` gives them numbered by rows of the table."""

    @functools.wraps(measure)
    def numbered_anew(*args: P.args, **options: P.kwargs) -> pd.DataFrame:
        return measure(*args, **options).reset_index(drop=True)

    return numbered_anew


def placed(measure: Callable[P, pd.DataFrame]) -> Callable[P, pd.DataFrame]:
    """The same measure with an index of its result: the position of the row in the table that each row stands for.

    Raises
    ------
    TypeError : the measure is not one of `by_row`.
    """
    found: Any = getattr(measure, "__wrapped__", None)
    if found is None:
        raise TypeError(f"{measure!r} does not know its rows")
    inner: Callable[P, pd.DataFrame] = found
    return inner
