"""The codec of a stream is judged over its messages, and WebSocket's own kind decides."""

import math
import struct

import pandas as pd
import pytest

import gdlab as gd
from gdlab import variant as v
from gdlab.codecs import Decoder, decode
from gdlab.codecs.guess import Auto
from tests.codecs.tables import table_of

NUMBERED = [struct.pack("<If", number, number / 2) for number in range(60)]


class Slow:
    """The guess without its columns."""

    name = "auto"

    def __init__(self, doubts=frozenset()):
        self._auto = Auto(doubts)

    def decode_column(self, payloads):
        return self._auto.decode_column(payloads)


def growing(payloads):
    return table_of(*payloads).assign(time=pd.to_datetime(range(len(payloads)), utc=True))


def told(payloads, kinds, endpoint="ws://127.0.0.1:4242"):
    return table_of(*payloads).assign(
        kind=pd.Categorical(kinds, categories=["text", "binary"]),
        endpoint=pd.Categorical([endpoint] * len(payloads)),
    )


@pytest.mark.parametrize("layout", ["<If", "<II", "<Iff", "<I3f", "<Iq", "<I4f"])
@pytest.mark.parametrize("count", [10, 60, 400])
def test_numbered_structs_do_not_turn_into_variants(layout, count):
    fields = len(struct.unpack(layout, bytes(struct.calcsize(layout)))) - 1
    payloads = [struct.pack(layout, number, *[1] * fields) for number in range(count)]
    table = decode(table_of(*payloads))
    assert set(table.codec) == {"auto:bytes"}
    assert table.value.tolist() == payloads


def test_plain_variants_are_variants_among_text_json_and_structs_of_other_sizes():
    variants = [v.dumps(number) for number in range(40)] + [
        v.dumps(v.Vector2(1, number)) for number in range(40)
    ]
    others = [b"word", b'{"seq": 12}', b'{"id":1}', struct.pack("<HHHHH", 900, 900, 3, 4, 5)] * 30
    table = decode(table_of(*variants, *others))
    assert set(table.codec[:80]) == {"auto:variant"}
    assert table["v.x"].notna().sum() == 40


def test_a_few_damaged_messages_spoil_no_stream_of_variants():
    table = decode(table_of(*[v.dumps(number) for number in range(95)], *[b"\x80\0\0\0\0\0\0\0"] * 5))
    assert (table.codec == "auto:variant").sum() == 95


def test_the_row_says_why_a_message_that_parses_is_not_believed():
    table = decode(table_of(*NUMBERED))
    assert table.decode_error[2].startswith("reads as a Variant, but most messages of its size do not")


def test_whole_columns_and_rows_judge_alike():
    payloads = [
        *NUMBERED,
        *[v.dumps({"seq": number}) for number in range(50)],
        *[v.dumps("abc")] * 40,
        *NUMBERED,
    ]
    fast, slow = decode(table_of(*payloads)), decode(table_of(*payloads), Slow(frozenset({8})))
    assert fast.codec.tolist() == slow.codec.tolist()
    assert fast.value.tolist() == slow.value.tolist()
    pd.testing.assert_series_equal(fast["v.seq"], slow["v.seq"])


def test_a_growing_table_is_judged_anew_and_gives_what_decoding_it_whole_gives():
    payloads = [*NUMBERED[1:], *[v.dumps(number) for number in range(2000)], *NUMBERED]
    decoder = Decoder()
    judged = []
    for count in (1, 3, 5, 40, 59, 1000, len(payloads)):
        table = growing(payloads[:count])
        found, expected = decoder.decode(table), decode(table)
        assert list(found.columns) == list(expected.columns)
        pd.testing.assert_frame_equal(found.drop(columns="value"), expected.drop(columns="value"))
        assert found["value"].tolist() == expected["value"].tolist()
        judged.append(found.codec[1] if count > 1 else "")
    assert judged[1] == "auto:variant"  # 1, 2, 3 look like a bool, an int, a float
    assert judged[3] == "auto:bytes"
    assert judged[-1] == "auto:variant"


def test_websockets_own_kind_decides():
    payloads = [
        b"a\0b",
        b"\n",
        b"42",
        b"42",
        b"hello",
        v.dumps(1),
        b'{"a": 1}',
        b'{"a": 1}',
        b"\5\0\0\0" + bytes(8),
    ]
    kinds = ["text", "binary", "text", "binary", "binary", "binary", "text", "binary", "text"]
    table = decode(told(payloads, kinds))
    assert table.codec.tolist() == [
        f"auto:{one}"
        for one in ("text", "bytes", "json", "bytes", "bytes", "variant", "json", "json", "text")
    ]
    assert table.value[0] == "a\0b"
    assert table.value.iloc[[1, 0]].tolist() == [b"\n", "a\0b"]  # lazily, of rows in another order
    assert 'decode="text" reads it as text' in table.decode_error[4]
    joined = pd.concat([table, table], ignore_index=True)
    assert joined.value.tolist() == table.value.tolist() * 2


def test_a_text_message_is_no_variant_in_whole_columns_either():
    payloads = [v.dumps(v.Vector2(0, 0))] * 50
    assert set(decode(told(payloads, ["text"] * 50)).codec) == {"auto:text"}
    assert set(decode(told(payloads, ["binary"] * 50)).codec) == {"auto:variant"}
    assert set(decode(told(payloads, ["text"] * 50, "udp://127.0.0.1:1")).codec) == {"auto:variant"}


def test_a_live_websocket_tells_its_kinds():
    with gd.listen("ws://127.0.0.1:0") as capture, gd.connect(capture.addresses[0]) as game:
        game.send("a\0b")
        game.send(b"\n")
        capture.wait_sync(2)
    incoming = capture.decoded()
    assert incoming[incoming.event == "message"].codec.tolist() == ["auto:text", "auto:bytes"]


def header(kind):
    return struct.pack("<I", kind)


def text3(text):
    packed = text.encode()
    return struct.pack("<I", len(packed)) + packed + bytes(-len(packed) % 4)


#: Variants as Godot 3 numbers their types, each whole.
AABB = header(11) + struct.pack("<6f", 0, 0, 0, 1, 2, 3)
COLOR = header(14) + struct.pack("<4f", 1, 0.5, 0, 1)
PLANE = header(9) + struct.pack("<4f", 0, 1, 0, 2)
CONTAINERS_OF_3 = {
    # As long as the values that Godot 4 has under the same numbers, and so read as those.
    "dictionary": header(18) + struct.pack("<I", 2)
    + b"".join(header(4) + text3(key) + header(2) + struct.pack("<i", 7) for key in ("ab", "cdefgh")),
    "array": header(19) + struct.pack("<I", 2) + AABB + COLOR + b"",
    "array of rects": header(19) + struct.pack("<I", 1) + header(6) + struct.pack("<4f", 1, 2, 3, 4),
    "node path": header(15) + struct.pack("<III", 0x80000002, 0, 1) + text3("root") + text3("x"),
    "bytes": header(20) + struct.pack("<I", 12) + bytes(range(12)),
    "object": header(17) + text3("Node") + struct.pack("<I", 1) + text3("hp") + header(2) + struct.pack("<i", 7),
}  # fmt: skip


@pytest.mark.parametrize("count", [1, 50])
@pytest.mark.parametrize("name", CONTAINERS_OF_3)
def test_containers_of_godot_3_are_named_alone_and_as_columns(name, count):
    table = decode(table_of(*[CONTAINERS_OF_3[name]] * count))
    assert set(table.codec) == {"auto:bytes"}
    assert table.decode_error[0].startswith("looks like a Variant of Godot 3")


@pytest.mark.parametrize("count", [1, 50])
def test_what_both_have_is_judged_by_the_stream(count):
    """A Color of Godot 3 is a Plane of Godot 4, an AABB a Transform2D, of the same size."""
    boxes = [header(11) + struct.pack("<6f", number, 2.5, -number, 4, 1, 2) for number in range(count)]
    for some in ([AABB] * count, boxes):
        table = decode(table_of(*some))
        assert set(table.codec) == {"auto:bytes"}
        assert table.decode_error[0].startswith("looks like a Variant of Godot 3")
    turning = [
        v.dumps(v.Transform2D((math.cos(a), math.sin(a)), (-2 * math.sin(a), 2 * math.cos(a)), (a, 2)))
        for a in range(count)
    ]
    skewed = v.dumps(v.Transform2D((1, 0), (0.7, 0.7), (3, 4)))
    assert set(decode(table_of(*turning, v.dumps(v.Transform2D((0, 0), (0, 0), (1, 2))))).codec) == {
        "auto:variant"
    }
    assert set(decode(table_of(*turning, *[skewed] * (count // 2))).codec) == {"auto:variant"}
    mixed = decode(table_of(*[AABB, COLOR] * count, PLANE))
    assert set(mixed.codec) == {"auto:bytes"}
    assert set(decode(table_of(*[COLOR] * count)).codec) == {"auto:bytes"}
    planes = [v.dumps(v.Plane((0, 1, 0), 0.5)), v.dumps(v.Transform2D((1, 0), (0, 1), (0.5, 2)))] * count
    vectors = [v.dumps(v.Vector3(0, 1, number)) for number in range(count)]
    assert set(decode(table_of(*planes, *vectors)).codec) == {"auto:variant"}
