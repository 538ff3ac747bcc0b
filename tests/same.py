"""Whether two tables are the same, asked quickly: most are."""

from __future__ import annotations

import numpy as np
import pandas as pd


def assert_same(found: pd.DataFrame, expected: pd.DataFrame) -> None:
    """Fail with what differs, in values, types, order or names.

    `pandas.testing` makes an object of each value of a column of categories, before it finds that all are equal.
    """
    if not (
        type(found.index) is type(expected.index)
        and found.index.equals(expected.index)
        and found.dtypes.equals(expected.dtypes)
        and all(_are_equal(found[name], expected[name]) for name in expected.columns)
    ):
        pd.testing.assert_frame_equal(found, expected)


def _are_equal(found: pd.Series, expected: pd.Series) -> bool:
    if not isinstance(expected.dtype, pd.CategoricalDtype):
        return found.equals(expected)
    categories = (each.cat.categories.tolist() for each in (found, expected))
    codes = (each.cat.codes.to_numpy() for each in (found, expected))
    return next(categories) == next(categories) and np.array_equal(*codes)
