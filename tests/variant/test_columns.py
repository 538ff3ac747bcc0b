"""Columns by layout are the columns of the row decoder."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gdlab import variant as v
from gdlab.variant.columns import Columns, decode_columns
from gdlab.variant.flatten import spread
from tests.variant.strategies import INTS, SCALARS, TEXTS, VALUES


def packed_together(payloads: list[bytes], gap: int = 0) -> tuple[bytes, np.ndarray, np.ndarray]:
    """One buffer with all payloads, and where they lie in it."""
    lengths = np.array([len(data) for data in payloads], np.int64)
    starts = np.concatenate([[0], np.cumsum(lengths + gap)[:-1]]) if len(payloads) else np.zeros(0, np.int64)
    return b"".join(data + bytes(gap) for data in payloads), starts.astype(np.int64), lengths


def columns_of(values: list[Any], **options: Any) -> Columns:
    return decode_columns(*packed_together([v.dumps(value) for value in values]), **options)


def assert_same(fast: Columns, slow: Columns) -> None:
    assert set(fast.columns) == set(slow.columns)
    assert fast.errors == slow.errors
    assert fast.left_out == slow.left_out
    for name, left in fast.columns.items():
        right = slow.columns[name]
        assert left.dtype == right.dtype, name
        if left.dtype != object:
            pd.testing.assert_series_equal(pd.Series(left), pd.Series(right))
            continue
        for a, b in zip(left, right, strict=True):
            assert type(a) is type(b)
            assert (a is None and b is None) or v.dumps(a, double=True) == v.dumps(b, double=True)


MESSAGES = st.fixed_dictionaries(
    {"seq": INTS, "t": SCALARS[v.Type.FLOAT], "pos": SCALARS[v.Type.VECTOR2], "name": TEXTS},
    optional={"hp": st.one_of(INTS, st.floats(), st.none(), st.booleans()), "tags": VALUES},
)
SHAPES = st.one_of(MESSAGES, st.lists(st.one_of(INTS, TEXTS), max_size=3), VALUES)


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(
    st.lists(SHAPES, max_size=6), st.integers(0, 5), st.randoms(use_true_random=False), st.binary(max_size=12)
)
def test_by_layout_is_as_row_by_row(values: list[Any], gap: int, rng: Any, junk: bytes) -> None:
    payloads = [v.dumps(value) for value in values for _ in range(rng.randrange(14))] + [junk]
    rng.shuffle(payloads)
    buffer, starts, lengths = packed_together(payloads, gap)
    fast = decode_columns(buffer, starts, lengths)
    slow = decode_columns(buffer, starts, lengths, layouts=False)
    assert slow.by_row == len(payloads)
    assert_same(fast, slow)


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(MESSAGES, st.data())
def test_mutated_messages_are_as_row_by_row(message: dict[str, Any], data: st.DataObject) -> None:
    original = v.dumps(message)
    payloads = [original] * 9
    for _ in range(9):
        broken = bytearray(original)
        for _ in range(data.draw(st.integers(0, 2))):
            broken[data.draw(st.integers(0, len(broken) - 1))] = data.draw(st.integers(0, 255))
        payloads.append(bytes(broken))
    columns = packed_together(payloads)
    assert_same(decode_columns(*columns), decode_columns(*columns, layouts=False))


def test_one_layout_needs_no_row_decoder() -> None:
    values = [
        {"seq": i, "t": i / 2, "pos": v.Vector2(i, -i), "name": f"p{i % 3}", "up": i % 2 == 0}
        for i in range(100)
    ]
    columns = columns_of(values)
    assert columns.by_row == 0
    frame = columns.to_dataframe()
    assert list(frame.columns) == ["v.seq", "v.t", "v.pos.x", "v.pos.y", "v.name", "v.up"]
    assert [str(dtype) for dtype in frame.dtypes[:4]] == ["int64", "float64", "float64", "float64"]
    assert frame["v.seq"].tolist() == list(range(100))
    assert frame["v.pos.y"].tolist() == [-i for i in range(100)]
    assert frame["v.name"].tolist() == [f"p{i % 3}" for i in range(100)]
    assert frame["v.up"].dtype == bool


def test_widths_that_godot_picks_per_value_share_a_column() -> None:
    values = [{"t": 0.5, "n": 1}, {"t": 0.1, "n": 1 << 40}] * 20
    columns = columns_of(values)
    assert columns.by_row == 0
    assert columns.columns["v.t"].tolist() == [0.5, 0.1] * 20
    assert columns.columns["v.n"].dtype == np.int64
    assert columns.columns["v.n"].tolist() == [1, 1 << 40] * 20


def test_missing_keys_and_nil_are_missing_values() -> None:
    columns = columns_of([{"a": 1, "b": 0.5, "c": True, "s": "x"}, {"a": None}, {}] * 10).columns
    assert str(columns["v.a"].dtype) == "Int64"
    assert columns["v.a"].isna().tolist() == [False, True, True] * 10
    assert str(columns["v.c"].dtype) == "boolean"
    assert np.isnan(columns["v.b"]).tolist() == [False, True, True] * 10
    assert columns["v.s"].tolist() == ["x", None, None] * 10


def test_mixed_types_keep_their_values() -> None:
    columns = columns_of(
        [{"a": 1}, {"a": 0.5}, {"b": 1}, {"b": "x"}, {"c": (1 << 53) + 1}, {"c": 0.5}] * 10
    ).columns
    assert columns["v.a"].dtype == np.float64
    assert columns["v.b"].tolist()[2:4] == [1, "x"]
    assert columns["v.c"].tolist()[4:6] == [(1 << 53) + 1, 0.5]


def test_variable_lengths() -> None:
    values = [{"name": "x" * i, "path": v.PackedVector2Array(np.ones((i, 2)))} for i in range(40)] * 2
    columns = columns_of(values).columns
    assert columns["v.name"].tolist() == ["x" * i for i in range(40)] * 2
    assert [len(path) for path in columns["v.path"]] == list(range(40)) * 2
    assert not columns["v.path"][5].flags.writeable


def test_payloads_that_are_no_variants_are_rows_with_a_reason() -> None:
    buffer, starts, lengths = packed_together([v.dumps(5), b"hello", v.dumps(6)])
    columns = decode_columns(buffer, starts, lengths)
    assert list(columns.errors) == [1]
    assert "ERR_INVALID_DATA" in columns.errors[1]
    assert columns.columns["v"].tolist() == [5, pd.NA, 6]


def test_columns_are_bounded() -> None:
    columns = columns_of([{f"k{i}": i} for i in range(500)], max_columns=10)
    assert len(columns.columns) == 10
    assert len(columns.left_out) == 10


def test_a_place_outside_of_the_buffer_is_refused() -> None:
    with pytest.raises(ValueError, match="outside"):
        decode_columns(b"\0\0\0\0", [0, 2], [4, 4])
    with pytest.raises(ValueError, match="both be"):
        decode_columns(b"\0\0\0\0", [0, 2], [4])
    assert decode_columns(b"", [], []).columns == {}


@pytest.mark.parametrize(
    ("value", "names"),
    [
        (5, ["v"]),
        (v.Vector2(1, 2), ["v.x", "v.y"]),
        ({"a b": 1, "c": {"d": 2}}, ["v['a b']", "v.c.d"]),
        (["CHAT", "hi", [1]], ["v[0]", "v[1]", "v[2]"]),
        (v.Dictionary([(1, 2), (1.0, 3), ([4], 5)]), ["v[1]", "v[1.0]", "v[Array([4])]"]),
        (
            {"xf": v.Transform3D()},
            [f"v.xf.basis.{c}.{r}" for r in "xyz" for c in "xyz"] + [f"v.xf.origin.{c}" for c in "xyz"],
        ),
    ],
)
def test_names(value: Any, names: list[str]) -> None:
    assert [name for name, _, _ in spread(v.loads(v.dumps(value)))] == names
