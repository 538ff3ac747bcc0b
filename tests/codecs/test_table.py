"""What users see of a decoded table."""

import struct

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gdlab import variant as v
from gdlab.codecs import decode
from tests.codecs.tables import table_of

MESSAGE = {"seq": 7, "pos": v.Vector2(1, 2)}


def only(frame):
    """The decoded columns of a table of one row."""
    assert len(frame) == 1
    return frame.drop(columns=["event", "size_bytes", "payload"]).iloc[0].to_dict()


def test_variants_are_decoded_and_flattened_behind_the_tables_own_columns():
    table = table_of(v.dumps(MESSAGE), v.dumps({"seq": 8}))
    frame = decode(table, "variant")
    assert list(frame.columns) == [
        *table.columns,
        "codec",
        "value",
        "decode_error",
        "decode_note",
        "v.seq",
        "v.pos.x",
        "v.pos.y",
    ]
    assert frame["value"].tolist() == [MESSAGE, {"seq": 8}]
    assert frame["codec"].tolist() == ["variant"] * 2
    assert frame["decode_error"].isna().all()
    assert frame["v.seq"].tolist() == [7, 8]
    assert list(table.columns) == ["event", "size_bytes", "payload"]  # unchanged


def test_auto_guesses_each_payload_and_says_that_it_guessed():
    frame = decode(table_of(v.dumps(MESSAGE), b'["CHAT", "hi"]', b"hi~", b"\x80\x00\x01", b"", "名".encode()))
    assert frame["codec"].tolist() == [
        "auto:variant",
        "auto:json",
        "auto:text",
        "auto:bytes",
        "auto:text",
        "auto:text",
    ]
    assert frame["value"].tolist() == [MESSAGE, ["CHAT", "hi"], "hi~", b"\x80\x00\x01", "", "名"]
    assert frame["decode_error"].notna().tolist() == [False, False, False, True, False, False]
    assert frame.attrs["codec"] == "guessed: 1 bytes, 1 json, 3 text, 1 variant"


@pytest.mark.parametrize(
    ("payload", "codec", "value"),
    [
        (b" [1]", "auto:json", [1]),
        (b"42", "auto:json", 42),
        (b"-0.5", "auto:json", -0.5),
        (b"true\n", "auto:json", True),
        (b"true story", "auto:text", "true story"),
        (b'"quoted"', "auto:json", "quoted"),
        (b"The answer is... 42!", "auto:text", "The answer is... 42!"),
        (b"{not json}", "auto:text", "{not json}"),
        (b"[1, 2", "auto:text", "[1, 2"),
        (bytes(4), "auto:variant", None),
        (bytes(3), "auto:bytes", bytes(3)),
        (b"abc\0", "auto:bytes", b"abc\0"),
        (v.dumps("x")[:-4], "auto:bytes", v.dumps("x")[:-4]),
        (v.dumps(1) + b"tail", "auto:bytes", v.dumps(1) + b"tail"),
    ],
)
def test_what_auto_takes_a_payload_for(payload, codec, value):
    row = only(decode(table_of(payload)))
    assert (row["codec"], row["value"]) == (codec, value)


def test_a_guess_that_failed_has_its_reason():
    errors = decode(table_of(b"{not json}", v.dumps([1, 2])[:-2]))["decode_error"].tolist()
    assert errors[0] == (
        "begins like JSON, but: not JSON: expecting property name enclosed in double quotes at character 1"
    )
    assert errors[1].startswith("begins like a Variant, but: ")


def test_what_does_not_decode_stays_a_row_with_its_reason():
    frame = decode(table_of(v.dumps(1), b"junk", b""), codec="variant")
    assert frame["value"].tolist() == [1, None, None]
    assert frame["decode_error"].isna().tolist() == [True, False, False]
    assert frame["codec"].tolist() == ["variant"] * 3
    assert frame["v"].tolist() == [1, pd.NA, pd.NA]


def test_json_integers_stay_integers_and_those_godot_would_round_are_noted():
    frame = decode(table_of(b'{"id": 9007199254740993, "n": 1}', b'{"id": 9007199254740992, "n": 2}'), "json")
    assert frame["v.id"].tolist() == [9007199254740993, 9007199254740992]
    assert str(frame["v.n"].dtype) == "Int64"
    assert "9007199254740993 is beyond 2**53" in frame["decode_note"][0]
    assert frame["decode_note"].isna().tolist() == [False, True]


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b'{"x": NaN}', "NaN is not a number of JSON"),
        (b"[" * 100_000, "more than 256 containers"),
        (b"[" * 300 + b"]" * 300, "more than 256 containers"),
        (b'{"a":' * 100_000, "more than 256 containers"),
        (b"1" * 5000, "not read"),
        (b"\xff", "byte 0xff at 0 is not UTF-8"),
        (b"", "expecting value at character 0"),
        (b"1 2", "extra data at character 2"),
    ],
)
def test_json_that_is_none_or_is_hostile_is_refused_with_a_reason(payload, reason):
    row = only(decode(table_of(payload), "json"))
    assert row["value"] is None
    assert reason in row["decode_error"]
    assert len(row["decode_error"]) <= 300


def test_integers_of_hundreds_of_digits_stay_what_they_are():
    frame = decode(table_of(b"1" + b"0" * 400, b"1"))
    assert frame["v"].tolist() == [10**400, 1]
    assert "401 digits" in frame["decode_note"][0]


def test_brackets_inside_strings_are_not_nesting():
    text = "[" * 5000 + '\\"{'
    assert only(decode(table_of(f'["{text}"]'.encode()), "json"))["value"] == [text.replace("\\", "")]


def test_deep_variants_decode_and_flatten_without_recursion_errors():
    value = 1
    for _ in range(1000):
        value = [value]
    row = only(decode(table_of(v.dumps(value))))
    assert row["codec"] == "auto:variant"
    assert "1 value has no column" in row["decode_note"]


def test_bytes_behind_a_variant_are_noted():
    row = only(decode(table_of(v.dumps(1) + b"tail"), "variant"))
    assert row["value"] == 1
    assert row["decode_note"] == "4 bytes follow the Variant; Godot ignores them"


def test_bytes_behind_a_variant_are_noted_however_often_they_come():
    payloads = [v.dumps({"seq": i, "t": 0.5}) for i in range(40)]
    mixed = [payload + b"tail" * (i % 2) for i, payload in enumerate(payloads)]
    frame = decode(table_of(*mixed, *payloads), "variant")
    assert frame["decode_note"].notna().tolist() == [False, True] * 20 + [False] * 40
    assert frame["v.seq"].tolist() == list(range(40)) * 2


def test_the_users_own_function():
    frame = decode(
        table_of(struct.pack("<If", 3, 0.5), b"short"), lambda payload: struct.unpack("<If", payload)
    )
    assert frame["value"].tolist() == [(3, 0.5), None]
    assert frame["codec"].tolist() == ["function"] * 2
    assert frame["decode_error"][1].startswith("error: unpack requires")
    assert (frame["v[0]"][0], frame["v[1]"][0]) == (3, 0.5)


def test_a_users_function_is_named_and_may_fail_in_any_way():
    def position(payload):
        raise KeyError("x")

    row = only(decode(table_of(b"1"), position))
    assert (row["codec"], row["decode_error"]) == ("position", "KeyError: 'x'")


def test_only_messages_are_decoded():
    frame = decode(table_of(b"1", b"", b"2", event=["message", "open", "error"]), "json")
    assert frame["codec"].isna().tolist() == [False, True, True]
    assert frame["value"].tolist() == [1, None, None]
    assert frame["decode_error"].isna().all()


def test_a_table_that_is_empty_or_has_missing_payloads():
    empty = decode(table_of())
    assert list(empty.columns[-4:]) == ["codec", "value", "decode_error", "decode_note"]
    longer = table_of(b"1").reindex([0, 5])
    assert decode(longer, "json")["value"].tolist() == [1, None]


def test_the_index_of_a_filtered_table_is_kept():
    frame = decode(table_of(b"1", b"2", b"3").iloc[[2, 0]], "json")
    assert frame.index.tolist() == [2, 0]
    assert frame["v"].tolist() == [3, 1]


def test_decoding_again_replaces_the_first_decoding():
    once = decode(table_of(b'{"a": 1}'), "json")
    again = decode(once, "text")
    assert again["v"].tolist() == ['{"a": 1}']
    assert "v.a" not in again
    assert again.columns.is_unique


def test_plain_bytes_columns_work_as_well():
    frame = decode(pd.DataFrame({"payload": [b"1", b"2"]}), "json")
    assert frame["v"].tolist() == [1, 2]


def test_raw_and_text():
    assert decode(table_of(b"\xff"), "bytes")["value"].tolist() == [b"\xff"]
    row = only(decode(table_of(b"\xff"), "text"))
    assert row["value"] is None
    assert "not UTF-8: byte 0xff at 0" in row["decode_error"]


@pytest.mark.slow
def test_ten_thousand_keys_make_a_bounded_number_of_columns_and_the_row_says_so():
    payload = b"{" + b",".join(b'"k%d":%d' % (i, i) for i in range(10_000)) + b"}"
    frame = decode(table_of(payload, b'{"k1": 1}'))
    assert len([name for name in frame if str(name).startswith("v")]) <= 257
    assert "9744 values have no column" in frame["decode_note"][0]
    assert frame.attrs["omitted_columns"] == 9744
    assert frame["v.k1"].tolist() == [1, 1]


def test_misuse_raises_at_once():
    with pytest.raises(
        ValueError, match=r"no codec 'yaml'; it is one of auto, variant, json, text, bytes, msgpack"
    ):
        decode(table_of(), "yaml")
    with pytest.raises(KeyError, match="payload"):
        decode(pd.DataFrame({"x": [1]}))
    with pytest.raises(ValueError, match="not int"):
        decode(table_of(), 3)


@pytest.mark.slow
@given(st.lists(st.one_of(st.binary(max_size=40), st.text(max_size=20).map(str.encode)), max_size=6))
def test_no_payload_makes_any_codec_raise_or_lose_a_row(payloads):
    table = table_of(*payloads)
    for codec in ("auto", "variant", "json", "text", "bytes"):
        frame = decode(table, codec)
        assert len(frame) == len(payloads)
        assert frame["payload"].tolist() == payloads
        failed = frame["decode_error"].notna()
        assert all(value is None or type(value) in (bytes, str) for value in frame["value"][failed])


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=8,
)


@pytest.mark.slow
@given(st.lists(json_values, max_size=4))
def test_json_values_arrive_as_they_were_written(values):
    import json

    frame = decode(
        table_of(*(json.dumps(value, ensure_ascii=False).encode("utf-8", "replace") for value in values)),
        "json",
    )
    assert len(frame) == len(values)
    for found, value, error in zip(frame["value"], values, frame["decode_error"], strict=True):
        assert error is pd.NA
        if "?" not in json.dumps(found):
            assert found == value
