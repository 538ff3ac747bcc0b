"""Whole columns and rows one by one give the same table, and each payload is decoded once."""

import dataclasses
import json
import struct
from typing import Annotated

import numpy as np
import pandas as pd
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from gdlab import variant as v
from gdlab.codecs import CODECS, Decoder, decode
from gdlab.codecs.codec import Fast
from gdlab.codecs.grown import Column
from gdlab.codecs.parts import Part
from tests.codecs.tables import table_of


class Slow:
    """A codec without its columns."""

    def __init__(self, codec):
        self._codec, self.name = codec, codec.name

    def decode_column(self, payloads):
        return self._codec.decode_column(payloads)


def assert_same(payloads, codec):
    fast, slow = decode(table_of(*payloads), codec), decode(table_of(*payloads), Slow(CODECS[codec]))
    assert set(fast.columns) == set(slow.columns)
    assert fast["value"].tolist() == slow["value"].tolist()
    for name in slow.columns.drop(["value"]):
        pd.testing.assert_series_equal(fast[name], slow[name], check_categorical=False)


scalars = st.one_of(
    st.integers(-(2**40), 2**40),
    st.floats(-1e6, 1e6, width=32),
    st.booleans(),
    st.text("ab é☃", max_size=5),
    st.none(),
)
shapes = st.recursive(
    st.just("leaf"),
    lambda inner: st.one_of(
        st.dictionaries(st.sampled_from(["seq", "pos", "x", "name", "a b"]), inner, min_size=1, max_size=3),
        st.lists(inner, min_size=1, max_size=10),
    ),
    max_leaves=6,
)


def filled(draw, shape):
    if isinstance(shape, dict):
        return {key: filled(draw, inner) for key, inner in shape.items()}
    if isinstance(shape, list):
        return [filled(draw, inner) for inner in shape]
    return draw(scalars)


@st.composite
def columns_of_values(draw):
    """Many values of few shapes, as games send them, with some of another kind in between."""
    kinds = draw(st.lists(shapes, min_size=1, max_size=3))
    some = [[filled(draw, {"v": kind}) for _ in range(3)] for kind in kinds]
    order = draw(st.lists(st.integers(0, len(kinds) * 3 - 1), min_size=70, max_size=90))
    return [some[each % len(kinds)][each // len(kinds)] for each in order]


@pytest.mark.slow
@given(columns_of_values())
@settings(max_examples=25, deadline=None, phases=[Phase.generate])
def test_json_by_columns_is_json_by_rows(values):
    assert_same([json.dumps(value).encode() for value in values], "json")


@pytest.mark.slow
@given(columns_of_values())
@settings(max_examples=25, deadline=None, phases=[Phase.generate])
def test_variants_by_columns_are_variants_by_rows(values):
    assert_same([v.dumps(value) for value in values], "variant")


@pytest.mark.parametrize(
    "odd",
    [
        b'{"a": 1}{"a": 2}',
        b'{"a": ',
        b'{"a": {}',
        b"[1]",
        b'{"a": 1, "a": 2}',
        b'{"a": "2026-01-01T00:00:00"}',
        b'{"a": 12345678901234567890}',
        b'{"a": "\\u00e9"}',
        b'{"a": "x\ny"}',
        b'{"a": 1} ',
        b'{"a": NaN}',
        b'{"a": Infinity}',
        b'{"a": 9007199254740993}',
        b'{"a": -9007199254740993, "b": 0.5}',
        b'{"a": 0.30000000000000004}',
        b'{"a": 1e-05}',
        b'{"a": -0}',
        b'{"a": "\\ud800"}',
        b'{"a": "\\udc00"}',
        b'{"a": "\\ud83d\\ude00"}',
        b'{"a": "\\u0000"}',
        b'{"a": 1}}',
        b'{"a": [1}',
        b'{"a": "}\n{"}',
        b'{"a": "\r"}',
        b'{"a": []}',
        b'{"a": [null]}',
        b'{"a": [[], [1]]}',
        b'{"a": 1e400}',
        b'{"a": "\xff"}',
        b'{"a": null}',
        b"{}",
        b"",
    ],
)
def test_json_that_is_odd_is_read_as_row_by_row(odd):
    assert_same(
        [b'{"a": %d}' % n for n in range(80)] + [odd] + [b'{"a": 1, "b": [1, {"c": true}]}'] * 40, "json"
    )
    assert_same([odd] * 70, "json")


def test_uniform_messages_are_read_without_an_object_for_each():
    for codec, write in (("variant", v.dumps), ("json", lambda value: json.dumps(value).encode())):
        table = table_of(*(write({"seq": n, "pos": [0.5 * n, 1.0], "up": n % 2 == 0}) for n in range(200)))
        fast = CODECS[codec].decode_parts(table["payload"].array)
        assert isinstance(fast, Fast)
        assert len(fast.left) == 0
        frame = decode(table)
        assert frame["codec"].unique().tolist() == [f"auto:{codec}"]
        assert frame["v.pos[0]"].tolist() == [0.5 * n for n in range(200)]
        assert frame["value"].iloc[7] == {"seq": 7, "pos": [3.5, 1.0], "up": False}
        assert str(frame["v.seq"].dtype) == "Int64"


def growing(payloads):
    times = pd.to_datetime(np.arange(len(payloads)), utc=True)
    return table_of(*payloads).assign(time=times)


@pytest.mark.slow
@pytest.mark.parametrize("storage", ["pyarrow", "python"])
def test_a_decoder_gives_what_decode_gives_as_the_table_grows(storage):
    with pd.option_context("mode.string_storage", storage):
        _grows()


def _grows():
    payloads = [
        json.dumps({"seq": n, "t": n / 2 if n > 150 else n, "who": f"p{n % 3}"}).encode() for n in range(300)
    ]
    payloads[120] = b"no json"
    payloads[125] = b'{"seq": "none", "who": 7, "wide": 18446744073709551615}'
    payloads[140] = b'{"seq": 9007199254740993, "wide": 1, "who": "\\ud800"}'
    payloads[220] = v.dumps({"seq": 220, "pos": v.Vector2(1, 2)})
    decoder = Decoder()
    kept = []
    for n in (0, 10, 11, 100, 122, 130, 150, 220, 221, 300):
        table = growing(payloads[:n])
        found, expected = decoder.decode(table), decode(table)
        assert list(found.columns) == list(expected.columns)
        pd.testing.assert_frame_equal(found.drop(columns="value"), expected.drop(columns="value"))
        assert found["value"].tolist() == expected["value"].tolist()
        assert found.attrs == expected.attrs
        kept.append((found, expected))
    for found, expected in kept:  # tables given earlier stay what they were
        pd.testing.assert_frame_equal(found.drop(columns="value"), expected.drop(columns="value"))


def test_what_a_decoder_keeps_is_bounded_and_counted():
    table = growing([b'{"seq": %d, "name": "Ann"}' % n for n in range(100)])
    decoder = Decoder()
    decoder.decode(table)
    # Its rows are there as payloads and as values.
    assert decoder.nbytes > table["payload"].array.nbytes + 100 * 8
    bounded = Decoder(most_bytes=decoder.nbytes - 1)
    pd.testing.assert_frame_equal(
        bounded.decode(table).drop(columns="value"), decode(table).drop(columns="value")
    )
    assert bounded.nbytes == 0


def test_a_decoded_table_is_the_users_own():
    table = growing(
        [b'{"seq": %d, "who": "a", "mixed": %s}' % (n, (b"1", b'"x"')[n % 2]) for n in range(100)]
    )
    decoder = Decoder()
    first = decoder.decode(table)
    first.loc[0, ["v.seq", "v.who", "v.mixed", "decode_error"]] = [99, "b", None, "wrong"]
    first["v.seq"] += 1
    assert first["v.who"].tolist()[:2] == ["b", "a"]
    second = decoder.decode(table)
    assert second["v.seq"].tolist() == list(range(100))
    assert set(second["v.who"]) == {"a"}
    assert second["v.mixed"].tolist() == [1, "x"] * 50
    assert second["decode_error"].isna().all()


kinds_of_parts = st.lists(
    st.lists(
        st.one_of(
            st.integers(-5, 5),
            st.sampled_from([2**53 + 1, -(2**53) - 1, 2**63, 2**64, -(2**63)]),
            st.sampled_from([0.5, 2.0, float("inf")]),
            st.booleans(),
            st.sampled_from(["a", "é", "\ud800"]),
            st.none(),
        ),
        max_size=4,
    ),
    max_size=4,
)


def expected_kind(values):
    """What the table of `flatten` says of a column of such values."""
    kinds = {type(value) for value in values}
    if kinds <= {int, float} and float in kinds:
        return "Float64" if all(abs(v) <= 2**53 for v in values if type(v) is int) else "object"
    if kinds == {int}:
        low, high = min(values), max(values)
        return (
            "Int64"
            if low >= -(2**63) and high < 2**63
            else "UInt64"
            if low >= 0 and high < 2**64
            else "object"
        )
    return {frozenset({bool}): "boolean", frozenset({str}): "string"}.get(frozenset(kinds), "object")


@pytest.mark.slow
@given(kinds_of_parts, st.booleans())
@settings(max_examples=150, deadline=None)
def test_a_column_in_pieces_is_the_column_at_once(batches, looked_at_between):
    column, start, seen, earlier = Column(), 0, [], []
    for batch in batches:
        rows = np.flatnonzero([value is not None for value in batch])
        held = np.empty(len(rows), object)
        held[:] = [batch[row] for row in rows]
        column.add(start, start + len(batch), [Part(rows, held)])
        start += len(batch)
        seen += batch
        if looked_at_between:
            earlier.append((column.array(start), list(seen)))
    for made, values in [*earlier, (column.array(start), seen)]:
        known = [value for value in values if value is not None]
        series = pd.Series(made, dtype=made.dtype)
        assert str(series.dtype) == expected_kind(known)
        assert series.isna().tolist() == [value is None for value in values]
        assert [v for v in series.tolist() if v is not pd.NA] == known
        if series.dtype == object:  # each as it came: no integer became a float
            assert [type(v) for v in series.tolist() if v is not pd.NA] == [type(v) for v in known]


def test_what_websocket_tells_is_followed_as_the_table_grows():
    payloads = [b"\x02\0\0\0%c\0\0\0" % n for n in range(60)]
    kinds = ["binary" if n % 3 else "text" for n in range(60)]
    endpoints = ["ws://127.0.0.1:1" if n < 40 else "udp://127.0.0.1:2" for n in range(60)]
    decoder = Decoder()
    for n in (5, 30, 60):
        table = growing(payloads[:n]).assign(kind=kinds[:n], endpoint=endpoints[:n])
        for each in (table, table.astype({"kind": "category", "endpoint": "category"})):
            found, expected = decoder.decode(each), decode(each)
            assert found["codec"].tolist() == expected["codec"].tolist()
            assert found["value"].tolist() == expected["value"].tolist()
    assert found["codec"].tolist()[:4] == ["auto:text", "auto:variant", "auto:variant", "auto:text"]
    assert found["codec"].iloc[42] == "auto:variant"


def test_rows_that_are_no_longer_wanted_are_no_longer_decoded():
    decoder = Decoder()
    table = growing([b"%d" % n for n in range(10)])
    table["event"] = "message"
    assert decoder.decode(table, "json")["v"].notna().all()
    table.loc[3, "event"] = "error"
    assert decoder.decode(table, "json")["v"].isna().tolist() == [n == 3 for n in range(10)]


def test_a_bad_message_sends_its_neighbours_to_the_row_decoder_not_the_block():
    payloads = [b'{"seq": %d, "who": "p"}' % n for n in range(4000)]
    for row, bad in ((5, b"{]"), (1000, b'{"seq": }'), (3999, b'{"seq": 1e}')):
        payloads[row] = bad
    fast = CODECS["json"].decode_parts(table_of(*payloads)["payload"].array)
    assert {5, 1000, 3999} <= set(fast.left.tolist())
    assert len(fast.left) < 400
    assert_same(payloads, "json")


def test_integers_beside_floats_in_a_list_stay_integers():
    payloads = [b'{"pos": [%d.5, %d, 1.0], "at": [{"x": 2}, {"x": 0.5}]}' % (n, n % 7) for n in range(200)]
    frame = decode(table_of(*payloads), "json")
    assert not len(CODECS["json"].decode_parts(table_of(*payloads)["payload"].array).left)
    kinds = {name: str(frame[name].dtype) for name in ("v.pos[0]", "v.pos[1]", "v.pos[2]", "v.at[0].x")}
    assert list(kinds.values()) == ["Float64", "Int64", "Float64", "Int64"]
    assert_same(payloads, "json")


def test_dates_and_nulls_are_read_as_whole_columns():
    payloads = [b'{"at": "2026-01-01T00:00:%02d", "to": null, "x": 1e-05}' % (n % 60) for n in range(200)]
    assert not len(CODECS["json"].decode_parts(table_of(*payloads)["payload"].array).left)
    assert_same(payloads, "json")


def test_other_rows_of_the_same_number_are_decoded_anew():
    decoder = Decoder()
    decoder.decode(growing([b'{"seq": %d}' % n for n in range(100)]))
    other = growing([b'{"seq": %d}' % (n + 500) for n in range(100)])
    other["time"] += pd.Timedelta("1s")
    assert decoder.decode(other)["v.seq"].tolist() == list(range(500, 600))


def test_a_format_with_names_makes_columns():
    payloads = [struct.pack("<BH3f?8s", 1, n, n, 0.5, -n, n % 2, b"bob") for n in range(100)]
    frame = decode(
        table_of(*payloads, b"short", payloads[3] + b"!!"), "<B type, H seq, 3f pos, ? up, 8s name"
    )
    assert frame["v.seq"].tolist()[:100] == list(range(100))
    assert frame["v.pos.x"].tolist()[:3] == [0.0, 1.0, 2.0]
    assert list(frame.columns[frame.columns.str.startswith("v.")]) == [
        "v.type",
        "v.seq",
        "v.pos.x",
        "v.pos.y",
        "v.pos.z",
        "v.up",
        "v.name",
    ]
    assert frame["v.up"].dtype == "boolean"
    assert frame["v.name"].iloc[5] == "bob"
    assert frame["value"].iloc[5] == {
        "type": 1,
        "seq": 5,
        "pos": v.Vector3(5.0, 0.5, -5.0),
        "up": True,
        "name": "bob",
    }
    assert frame["decode_error"].iloc[100] == (
        "5 bytes, and the format '<B type, H seq, 3f pos, ? up, 8s name' takes 24"
    )
    assert frame["decode_note"].iloc[101] == "2 bytes follow the 24 of the format"
    assert frame["v.seq"].iloc[101] == 3


def test_each_type_byte_may_have_a_format_of_its_own():
    moves = [struct.pack("<BHff", 1, n, n, n) for n in range(50)]
    hits = [struct.pack("<BHB", 2, n, 10) for n in range(50)]
    mixed = [each for pair in zip(moves, hits, strict=True) for each in pair]
    frame = decode(table_of(*mixed, b"\x07?"), {1: "<B type, H seq, 2f pos", 2: "<B type, H seq, B damage"})
    assert frame["v.type"].tolist()[:4] == [1, 2, 1, 2]
    assert frame["v.damage"].isna().tolist()[:4] == [True, False, True, False]
    assert str(frame["v.damage"].dtype) == "Int64"
    assert frame["decode_error"].iloc[100] == "no format for the type byte 7; there are formats for 1, 2"


@dataclasses.dataclass
class Move:
    type: Annotated[int, "B"]
    seq: Annotated[int, "H"]
    pos: Annotated[tuple, "2f"]


def test_a_dataclass_says_how_it_is_packed():
    frame = decode(table_of(*(struct.pack("<BHff", 1, n, n, 2) for n in range(40))), Move)
    assert frame["v.pos.y"].tolist() == [2.0] * 40
    assert frame["value"].iloc[3] == Move(1, 3, v.Vector2(3.0, 2.0))
    assert frame["codec"].iloc[0] == "Move"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("<B", "has no name"),
        ("<B type, H type", "two fields 'type'"),
        ("<Z type", "is not a field"),
        ("@B type, H seq", "differs between machines"),
        ("<4x, 2x", "names no field"),
        ("<999f a", "1 to 256 values"),
    ],
)
def test_a_format_that_is_none_is_refused(text, said):
    with pytest.raises(ValueError, match=said):
        decode(table_of(b""), text)


def test_msgpack_and_cbor_are_codecs():
    msgpack, cbor2 = pytest.importorskip("msgpack"), pytest.importorskip("cbor2")
    value = {"seq": 1, "pos": [0.5, 1.5], "raw": b"\x00"}
    for codec, payload in (("msgpack", msgpack.packb(value)), ("cbor", cbor2.dumps(value))):
        frame = decode(table_of(payload, b"\xc1\xff"), codec)
        assert frame["value"].iloc[0] == value
        assert frame["v.pos[1]"].iloc[0] == 1.5
        assert frame["decode_error"].notna().tolist() == [False, True]


def test_half_a_surrogate_pair_harms_no_later_row():
    payloads = [b'{"who": "a"}', b'{"who": "\\ud800"}', b'{"other": 1}', b'{"who": "b"}']
    decoder = Decoder()
    for n in range(5):
        found = decoder.decode(growing(payloads[:n]), "json")
    assert found["v.who"].tolist() == ["a", "\ud800", pd.NA, "b"]
