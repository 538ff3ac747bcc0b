"""Frames told apart by us against the `websockets` library's own reader, over the same bytes cut anywhere."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from websockets.frames import Frame, Opcode
from websockets.streams import StreamReader

from gdlab.transports.wsframes import Frames

MOST = 70_000


@st.composite
def frames(draw):
    """A frame in order; messages of one frame are the most frequent."""
    sort = draw(st.sampled_from(["message", "message", "message", "fragment", "control"]))
    if sort == "control":
        opcode = draw(st.sampled_from([Opcode.CLOSE, Opcode.PING, Opcode.PONG]))
        return Frame(opcode, draw(st.binary(max_size=125)), True)
    opcode = draw(st.sampled_from([Opcode.TEXT, Opcode.BINARY] + [Opcode.CONT] * (sort == "fragment")))
    size = draw(st.sampled_from([0, 1, 3, 4, 64, 125, 126, 127, 300, 65_535, 65_536]))
    return Frame(opcode, bytes(range(256)) * (size // 256) + bytes(size % 256), sort == "message")


def whole(masked, chunks, *, columns=False):
    """All frames that `Frames` finds: (first byte, payload) of each, and whether it gave up."""
    found, split = [], Frames(masked=masked, max_size=MOST)
    for chunk in chunks:
        split.feed(chunk)
        while True:
            while columns and (many := split.take_columns()) is not None:
                ends = many.sizes.cumsum()
                found += [
                    (0x81 if text else 0x82, many.payloads[end - size : end].tobytes())
                    for end, size, text in zip(ends, many.sizes, many.texts, strict=True)
                ]
            payloads, texts = split.take_messages()
            found += [
                (0x81 if text else 0x82, payload) for payload, text in zip(payloads, texts, strict=True)
            ]
            if not (frame := split.take_frame()):
                break
            found += by_library(frame, masked)
    return found, split


def by_library(wire, masked):
    """The same by the library."""
    reader, found = StreamReader(), []
    reader.feed_data(wire)
    while reader.buffer:
        parsing = Frame.parse(reader.read_exact, mask=masked, max_size=MOST)
        try:
            next(parsing)
        except StopIteration as end:
            frame = end.value
            found.append((frame.opcode | 0x80 * frame.fin, bytes(frame.data)))
        else:
            raise AssertionError("a frame was handed on before it was complete")
    return found


@pytest.mark.slow
@given(
    sent=st.lists(frames(), max_size=12),
    cuts=st.lists(st.integers(0, 200_000), max_size=8),
    masked=st.booleans(),
    columns=st.booleans(),
)
@settings(max_examples=300)
def test_the_frames_are_those_of_the_library_however_they_are_cut(sent, cuts, masked, columns):
    wire = b"".join(frame.serialize(mask=masked) for frame in sent)
    at = sorted({0, len(wire), *(cut % (len(wire) + 1) for cut in cuts)})
    found, split = whole(masked, [wire[a:b] for a, b in itertools.pairwise(at)], columns=columns)
    assert found == [(frame.opcode | 0x80 * frame.fin, bytes(frame.data)) for frame in sent]
    assert found == by_library(wire, masked)
    assert not split.broken
    assert split.held_bytes == 0


def test_byte_by_byte():
    sent = [Frame(Opcode.TEXT, b"a" * size) for size in (0, 5, 125, 126, 700)]
    wire = b"".join(frame.serialize(mask=True) for frame in sent)
    found, _ = whole(True, [wire[at : at + 1] for at in range(len(wire))])
    assert [payload for _, payload in found] == [frame.data for frame in sent]


@pytest.mark.parametrize(
    "header",
    [
        b"\x82\x05",  # not masked
        b"\xc2\x85",  # a reserved bit
        b"\x83\x85",  # no such opcode
        b"\x89\xfe",  # a ping over 125 bytes
        b"\x09\x80",  # a ping in fragments
        b"\x82\xff" + (MOST + 1).to_bytes(8) + b"mask",
        b"\x82\xff" + b"\xff" * 8 + b"mask",
    ],
)
def test_a_header_that_breaks_the_rules_is_handed_on_at_once_with_all_behind_it(header):
    good = Frame(Opcode.BINARY, b"good").serialize(mask=True)
    split = Frames(masked=True, max_size=MOST)
    split.feed(good + header + b"more")
    assert split.take_messages() == ([b"good"], [False])
    assert split.take_frame() == header + b"more"
    assert split.broken
    split.feed(good)
    assert split.take_messages() == ([], [])
    assert split.take_frame() == good
    assert split.take_frame() == b""


def test_what_is_held_is_what_has_come_of_one_frame():
    split = Frames(masked=True, max_size=MOST)
    wire = Frame(Opcode.BINARY, bytes(60_000)).serialize(mask=True)
    for at in range(0, len(wire) - 1000, 1000):
        split.feed(wire[at : at + 1000])
        assert split.take_messages() == ([], [])
        assert split.take_frame() == b""
        assert split.held_bytes == at + 1000
