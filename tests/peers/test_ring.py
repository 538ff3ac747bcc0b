"""The ring of a `PacketPeerUDP`, by itself."""

from collections import deque

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gdlab.peers.ring import HEADER_BYTES, PacketRing, shift_above

IP = bytes(10) + b"\xff\xff\x7f\0\0\1"


@pytest.mark.parametrize(
    ("size", "ring"), [(65_536, 131_072), (65_535, 65_536), (32_768, 65_536), (1, 2), (0, 1)]
)
def test_the_power_of_two_above(size, ring):
    assert 1 << shift_above(size) == ring


@given(st.lists(st.one_of(st.none(), st.binary(max_size=120)), max_size=60))
def test_first_in_first_out_and_what_does_not_fit_is_refused(steps):
    """None takes a datagram, bytes store one; a deque with a budget says what must come out."""
    ring, model = PacketRing(8), deque()
    for step in steps:
        if step is None:
            taken = ring.take()
            assert taken == (("127.0.0.1", 4242, model.popleft()) if model else None)
        else:
            room = 255 - sum(len(data) + HEADER_BYTES for data in model)
            fits = len(step) + HEADER_BYTES <= room
            assert ring.store(IP, 4242, step) is fits
            if fits:
                model.append(step)
        assert ring.count == len(model)
        assert ring.space_left == 255 - sum(len(data) + HEADER_BYTES for data in model)


@given(st.integers(0, 200), st.integers(0, 200), st.integers(9, 12))
def test_a_larger_ring_keeps_what_waits(before, waiting, shift):
    ring = PacketRing(8)
    ring.store(IP, 1, bytes(before))
    ring.take()  # the positions are somewhere now
    stored = ring.store(IP, 2, b"x" * waiting)
    ring.resize(shift)
    assert ring.space_left == (1 << shift) - 1 - (waiting + HEADER_BYTES if stored else 0)
    assert ring.take() == (("127.0.0.1", 2, b"x" * waiting) if stored else None)
