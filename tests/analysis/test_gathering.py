"""Columns in another order: with arrow and without it the same, as numpy gives it."""

import contextlib
import io
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from gdlab.analysis.gathering import are_all, at, column_at, picked, sorting

WITHOUT_ARROW = "import sys; sys.modules['pyarrow'] = None\n"
#: Order, time between messages and jitter of enough rows for arrow, out of order, with numbers far apart.
MEASURED = """
import hashlib
import numpy as np, pandas as pd
from gdlab import analysis
from gdlab.analysis.gathering import sorting
rng = np.random.default_rng(5)
n = 20_000
table = pd.DataFrame({
    "time": pd.to_datetime(rng.integers(10**18, 10**18 + 10**9, n), utc=True), "endpoint": "udp://a:1",
    "peer": pd.Categorical.from_codes(rng.integers(0, 300, n), [str(each) for each in range(300)]),
    "direction": "in", "event": "message", "reason": "",
    "v.seq": rng.integers(0, 100, n), "v.t": rng.integers(0, 10**9, n),
})
found = [sorting(rng.integers(0, 10**9, n))]
for each in (table, table.sort_values("time", ignore_index=True)):
    found.append(analysis.inter_arrival(each)["iat_ms"].to_numpy())
    found.append(analysis.jitter(each, sent="v.t")["jitter_ms"].to_numpy())
    found += [analysis.sequence(each, seq="v.seq")[name].to_numpy() for name in ("lost", "duplicates", "reordered")]
print(hashlib.sha256(b"".join(each.tobytes() for each in found)).hexdigest(), "pyarrow.compute" in sys.modules)
"""


@pytest.mark.parametrize("rows", [0, 1, 50, 20_000])
@pytest.mark.parametrize("below", [1, 50, 4096, 5000, 70_000, 2**40, 2**62])
def test_sorting_is_that_of_numpy_and_stable(rows: int, below: int) -> None:
    numbers = np.random.default_rng(rows).integers(0, below, rows)
    assert sorting(numbers).tolist() == np.argsort(numbers, kind="stable").tolist()
    assert sorting(np.sort(numbers)).tolist() == list(range(rows))


@pytest.mark.parametrize("rows", [0, 10, 20_000])
@pytest.mark.parametrize("dtype", ["int64", "int8", "float64", "uint64", "bool", "datetime64[ns]"])
def test_values_at_positions_are_those_of_numpy_and_may_be_changed(rows: int, dtype: str) -> None:
    rng = np.random.default_rng(rows)
    values = rng.integers(0, 100, rows).astype(dtype)
    positions = rng.permutation(rows)
    taken = at(values, positions)
    assert taken.dtype == values.dtype
    assert np.array_equal(taken, values[positions])
    if rows:
        before = values.copy()
        taken[:] = values[0]
        assert np.array_equal(values, before)


def test_rows_that_are_all_are_not_copied() -> None:
    values = np.arange(5)
    assert picked(values, np.arange(5)) is values
    assert picked(values, np.array([1, 0, 2, 3, 4])).tolist() == [1, 0, 2, 3, 4]
    assert picked(values, np.array([0, 4])).tolist() == [0, 4]
    assert not are_all(np.array([0, 0, 2]), 3)


@pytest.mark.parametrize("rows", [3, 20_000])
def test_a_column_keeps_its_type_and_what_is_missing(rows: int) -> None:
    rng = np.random.default_rng(1)
    frame = pd.DataFrame(
        {
            "c": pd.Categorical.from_codes(rng.integers(-1, 3, rows), ["x", "y", "z"]),
            "i": pd.array(range(rows), "Int64"),
        }
    )
    positions = rng.permutation(rows)
    for name in frame:
        expected = frame[name].iloc[positions].reset_index(drop=True)
        pd.testing.assert_series_equal(pd.Series(column_at(frame, name, positions), name=name), expected)


@pytest.mark.slow
def test_measures_are_the_same_without_arrow() -> None:
    pytest.importorskip("pyarrow")
    without = subprocess.run(
        [sys.executable, "-c", WITHOUT_ARROW + MEASURED], capture_output=True, text=True, check=True
    ).stdout.split()
    with contextlib.redirect_stdout(io.StringIO()) as told:
        exec(f"import sys\n{MEASURED}", {})
    assert (without[1], told.getvalue().split()[1]) == ("False", "True")
    assert without[0] == told.getvalue().split()[0]
