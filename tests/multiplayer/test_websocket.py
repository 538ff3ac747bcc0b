"""WebSocket messages out of a captured stream."""

from __future__ import annotations

import pytest

from gdlab.multiplayer.websocket import StreamReader

HANDSHAKE = b"GET / HTTP/1.1\r\nUpgrade: websocket\r\n\r\n"


def frame(payload: bytes, *, opcode: int = 2, final: bool = True, mask: bytes = b"") -> bytes:
    size = len(payload)
    head = bytes([opcode | (0x80 if final else 0)])
    bit = 0x80 if mask else 0
    if size < 126:
        head += bytes([size | bit])
    else:
        head += bytes([126 | bit]) + size.to_bytes(2, "big")
    masked = bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload)) if mask else payload
    return head + mask + masked


STREAM = (
    HANDSHAKE
    + frame(b"one", mask=b"\x01\x02\x03\x04")
    + frame(b"tw", final=False)
    + frame(b"", opcode=9)
    + frame(b"o", opcode=0)
    + frame(b"x" * 300)
)


@pytest.mark.parametrize("step", [1, 2, 7, 1000])
def test_messages_come_out_however_the_stream_is_cut(step: int) -> None:
    reader, found = StreamReader(), []
    for at in range(0, len(STREAM), step):
        found += reader.feed(STREAM[at : at + step])
    assert [piece.payload for piece in found if piece.kind == "message"] == [b"one", b"two", b"x" * 300]
    assert [piece.kind for piece in found] == [
        "handshake",
        "message",
        "part",
        "control",
        "message",
        "message",
    ]
    assert sum(piece.size for piece in found) == len(STREAM)


def test_a_stream_joined_in_the_middle_is_read_again_from_the_next_chunk() -> None:
    reader = StreamReader()
    (lost,) = reader.feed(b"\xff\xff garbage")
    assert (lost.kind, lost.size) == ("lost", 10)
    (piece,) = reader.feed(frame(b"again"))
    assert piece.payload == b"again"


def test_a_message_beyond_the_limit_is_given_up_at_its_header() -> None:
    (lost,) = StreamReader().feed(b"\x82\x7f" + (1 << 40).to_bytes(8, "big"))
    assert lost.kind == "lost"
    assert "more than" in lost.note
