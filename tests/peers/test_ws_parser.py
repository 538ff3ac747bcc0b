"""The WebSocket frame parser by itself: whole, byte by byte, and hostile."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gdlab.peers.ws_parser import Chunk, Close, Control, FrameParser, Message, Refuse
from tests.peers.ws_server import BINARY, CLOSE, CONT, PING, TEXT, close_frame, frame


def events(pieces, *, masked=False, max_bytes=65_535):
    """Events, with the chunks between two others put together."""
    parser = FrameParser(masked=masked, max_bytes=max_bytes)
    found = []
    for piece in pieces:
        for event in parser.feed(piece):
            if isinstance(event, Chunk) and found and isinstance(found[-1], Chunk):
                found[-1] = Chunk(found[-1].data + event.data)
            else:
                found.append(event)
    return found


frames = st.lists(
    st.builds(
        frame,
        st.sampled_from([TEXT, BINARY, CONT, CLOSE, PING, 3, 11]),
        st.binary(max_size=140),
        fin=st.booleans(),
        masked=st.booleans(),
        rsv1=st.sampled_from([False, False, False, True]),
    ),
    max_size=6,
).map(b"".join)


@given(st.one_of(frames, st.binary(max_size=300)), st.booleans(), st.integers(1, 200))
def test_pieces_do_not_matter_and_nothing_raises(wire, masked, max_bytes):
    whole = events([wire], masked=masked, max_bytes=max_bytes)
    single = events([bytes([byte]) for byte in wire], masked=masked, max_bytes=max_bytes)
    # Text that turns out bad is delivered as far as it was read before, and the message with it is never completed.
    assert [e for e in whole if not isinstance(e, Chunk)] == [e for e in single if not isinstance(e, Chunk)]
    if not any(isinstance(e, Refuse) for e in whole):
        assert whole == single
    ends = [e for e in whole if isinstance(e, Close | Refuse)]
    assert ends == whole[len(whole) - len(ends) :]
    assert len(ends) <= 1


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65_535, 65_536, 100_000])
def test_sizes_and_masks(size):
    data = bytes(range(256)) * (size // 256) + bytes(size % 256)
    for masked in (False, True):
        wire = frame(BINARY, data, masked=masked)
        pieces = [wire[i : i + 1000] for i in range(0, len(wire), 1000)]
        expected = ([Chunk(data)] if data else []) + [Message(is_text=False)]
        assert events(pieces, masked=masked, max_bytes=100_000) == expected


def test_nothing_after_the_end():
    assert events([close_frame(1000, b"bye") + frame(TEXT, b"x"), frame(TEXT, b"y")]) == [Close(1000, b"bye")]
    assert events([frame(3) + frame(TEXT, b"x"), frame(TEXT, b"y")]) == [Refuse(1002)]


def test_a_control_frame_outside_of_messages_is_no_part_of_one():
    assert events([frame(PING, b"ping") + frame(TEXT, b"text")]) == [
        Control(PING, b"ping"),
        Chunk(b"text"),
        Message(is_text=True),
    ]
