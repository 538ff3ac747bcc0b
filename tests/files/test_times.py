"""Times as text: to the nanosecond, over all years that there are, and nothing else is taken for one."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gdlab.files import times

NS = st.integers(-(2**63) + 1, 2**63 - 1)


def rendered(values):
    return [row.tobytes().decode() for row in times.render(np.array(values, np.int64))]


@given(st.lists(NS, max_size=20))
def test_times_are_as_pandas_writes_them_and_come_back(values):
    texts = rendered(values)
    for text, value in zip(texts, values, strict=True):
        assert len(text) == times.WIDTH
        assert pd.Timestamp(text).value == value
    assert times.parse(texts).tolist() == values


def test_the_form_is_iso_8601_with_nine_decimals():
    assert rendered([0, -1, 2**63 - 1]) == [
        "1970-01-01T00:00:00.000000000Z",
        "1969-12-31T23:59:59.999999999Z",
        "2262-04-11T23:47:16.854775807Z",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "now",
        "2023-11-14T22:13:20Z",
        "2023-11-14 22:13:20.000000000Z",
        "2023-11-14T22:13:20.000000000",
        "2023-11-14T22:13:20.000000000ZZ",
        "2023-02-30T22:13:20.000000000Z",
        "2023-11-14T24:13:20.000000000Z",
        "2262-04-11T23:47:16.854775808Z",
        "9999-11-14T22:13:20.000000000Z",
        "2023-11-14T22:13:20.00000000\u00e9Z",
        "NaT",
    ],
)
def test_what_is_no_time_is_refused_alone_and_among_others(text):
    for texts in ([text], [*rendered([0, 1]), text]):
        with pytest.raises(ValueError, match="not a time such as 2023"):
            times.parse(texts)
