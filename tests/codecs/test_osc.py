"""Open Sound Control: the examples of its specification, and whatever else arrives."""

import contextlib
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gdlab.codecs import decode
from gdlab.codecs.osc import read_osc
from gdlab.codecs.osc_writing import write_osc
from tests.codecs.tables import table_of

#: godOSC's OSCClient, a position.
CUBE = bytes.fromhex("2f637562652f706f730000002c666669000000003f80000040200000fffffffd")
#: The specification's examples.
OSCILLATOR = bytes.fromhex("2f6f7363696c6c61746f722f342f6672657175656e6379002c66000043dc0000")
FOO = bytes.fromhex(
    "2f666f6f000000002c696973666600 00000003e8ffffffff68656c6c6f0000003f9df3b640b5b22d".replace(" ", "")
)


def test_messages_become_their_address_and_arguments():
    assert read_osc(CUBE)[0] == {"address": "/cube/pos", "args": [1.0, 2.5, -3]}
    assert read_osc(OSCILLATOR)[0] == {"address": "/oscillator/4/frequency", "args": [440.0]}
    args = read_osc(FOO)[0]["args"]
    assert args[:3] == [1000, -1, "hello"]
    assert args[3:] == pytest.approx([1.234, 5.678])


def test_bundles_and_the_other_types():
    tags = b",[TFNI]hdtcrmbS\0"
    values = (
        struct.pack(">qdQIII", -5, 0.5, 1, ord("ö"), 0xFF00FF00, 0x903C7F) + b"\0\0\0\5hello\0\0\0" + b"sym\0"
    )
    message = b"/all\0\0\0\0" + tags + values
    bundle = b"#bundle\0" + struct.pack(">Q", 1) + struct.pack(">I", len(message)) + message
    assert read_osc(bundle)[0] == {
        "time": 1,
        "elements": [
            {
                "address": "/all",
                "args": [
                    [True, False, None, float("inf")],
                    -5,
                    0.5,
                    1,
                    "ö",
                    0xFF00FF00,
                    0x903C7F,
                    b"hello",
                    "sym",
                ],
            }
        ],
    }


def test_osc_is_a_codec_with_columns():
    table = decode(table_of(CUBE, b"junk", CUBE), "osc")
    assert table["v.address"].tolist()[::2] == ["/cube/pos"] * 2
    assert table["v.args[1]"].tolist()[::2] == [2.5, 2.5]
    assert table.decode_error[1] == "not OSC: it begins neither with '/' nor with #bundle"


@pytest.mark.parametrize(
    ("packet", "said"),
    [
        (CUBE[:-1], "not a multiple of 4"),
        (CUBE[:-4], "is not complete"),
        (CUBE + bytes(4), "4 bytes follow"),
        (b"/abc", "has no end"),
        (b"/a\0x", "not padded"),
        (b"/a\0\0,q\0\0", "of type 'q'"),
        (b"/a\0\0,[\0\0", "without its end"),
        (b"/a\0\0,b\0\0\x7f\xff\xff\xff", "blob"),
        (b"#bundle\0" + bytes(8) + b"\x7f\xff\xff\xff", "2,147,483,647 bytes"),
    ],
)
def test_what_is_none_is_refused_with_the_reason(packet, said):
    with pytest.raises(ValueError, match=said):
        read_osc(packet)


def test_bundles_in_bundles_are_bounded():
    packet = CUBE
    for _ in range(100):
        packet = b"#bundle\0" + bytes(8) + struct.pack(">I", len(packet)) + packet
    with pytest.raises(ValueError, match="more than 16 bundles"):
        read_osc(packet)


@given(st.binary(max_size=60), st.sampled_from([b"", b"/a\0\0,", b"#bundle\0" + bytes(8), CUBE[:20]]))
def test_no_bytes_raise_anything_else(data, head):
    with contextlib.suppress(ValueError):
        read_osc(head + data)


@pytest.mark.parametrize("packet", [CUBE, OSCILLATOR, FOO])
def test_what_is_read_is_written_to_the_same_bytes(packet):
    assert write_osc(read_osc(packet)[0]) == packet


def test_a_bundle_is_written_with_its_time_and_its_elements():
    made = write_osc({"elements": [read_osc(CUBE)[0], {"time": 9, "elements": [{"address": "/a"}]}]})
    read = read_osc(made)[0]
    assert read["time"] == 1
    assert read["elements"] == [read_osc(CUBE)[0], {"time": 9, "elements": [{"address": "/a", "args": []}]}]
