"""Streams of a real Godot 4.6.3 decode to the calls that made them."""

from __future__ import annotations

import struct

import pytest

from gdlab.framing import Frame, StreamReader, framer
from tests.framing.conformance import check_framer, read
from tests.recorded import chunks_of, sent, variant_bytes, wire_of


def found_out(file):
    """What "auto" makes of a recorded stream: its frames, and the framing."""
    reader, frames = StreamReader("auto"), []
    for number, chunk in enumerate(chunks_of(file)):
        taken = reader.receive(chunk, number)
        assert taken.failed is taken.error is None
        frames = [] if taken.withdrawn else frames
        frames += [frame for batch in taken.batches for frame in batch.frames]
    taken = reader.end()
    frames = [] if taken.withdrawn else frames
    return frames + [frame for batch in taken.batches for frame in batch.frames], reader.name


@pytest.mark.parametrize(
    ("file", "name"), [("tcp_put_var_le.bin", "put_var"), ("tcp_put_var_be.bin", "put_var_be")]
)
def test_put_var_gives_the_variants_whatever_the_byte_order_of_the_length(file, name):
    expected = [Frame(variant_bytes(call["value"]), 4) for call in sent(file)]
    assert len(expected) == 19
    check_framer(lambda: framer(name), wire_of(file), expected)
    assert found_out(file)[0] == expected


def test_put_string_and_put_utf8_string():
    file = "tcp_strings_le.bin"
    expected = []
    for call in sent(file):
        text = call["value"]["v"]
        if call["op"] == "put_string":  # the engine turns every character that is not ASCII into a space
            text = "".join(c if c.isascii() else " " for c in text)
        expected.append(Frame(text.encode(), 4))
    assert len(expected) == 8
    check_framer(lambda: framer("put_utf8_string"), wire_of(file), expected)
    check_framer(lambda: framer("put_string"), wire_of(file), expected)
    assert found_out(file)[0] == expected


def test_packet_peer_stream():
    file = "tcp_packet_peer_stream.bin"
    expected = [
        Frame(
            bytes.fromhex(call["value"]["bytes"])
            if call["op"] == "put_packet"
            else variant_bytes(call["value"]),
            4,
        )
        for call in sent(file)
    ]
    assert len(expected) == 22  # an empty packet is not sent
    check_framer(lambda: framer("packet_peer_stream"), wire_of(file), expected)
    assert found_out(file)[0] == expected


def test_numbers_have_no_framing():
    file = "tcp_numbers_le.bin"
    frames, name = found_out(file)
    assert b"".join(frame.payload for frame in frames) == wire_of(file)
    assert name == "raw"


def test_the_engines_debugger_link_is_put_var():
    file = "debugger_tcp.bin"
    frames = read(lambda: framer("put_var"), chunks_of(file)).frames
    assert not any(frame.flaw for frame in frames)
    # Each is an Array of three: message, thread, data; the name of the message begins at byte 16.
    names = [frame.payload[16 : 16 + struct.unpack_from("<I", frame.payload, 12)[0]] for frame in frames]
    assert all(frame.payload[:8] == struct.pack("<II", 28, 3) for frame in frames)
    assert names[:2] == [b"set_pid", b"output"]
    assert b"gdlab:sample" in names
    check_framer(lambda: framer("put_var"), wire_of(file), frames)
    assert found_out(file)[0] == frames
