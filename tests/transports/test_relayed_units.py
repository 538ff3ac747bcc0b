"""What of a stream a relay takes for one unit: by the bytes, however the reads cut them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gdlab.transports.relaying.units import MAX_UNIT_BYTES, units

HEAD = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
FRAMES = [
    b"\x81\x85mask" + bytes(5),
    b"\x82\xfe\x01\x00mask" + bytes(256),
    b"\x89\x80mask",
    b"\x82\xff" + (70_000).to_bytes(8) + b"mask" + bytes(70_000),
]
LINES = [b"one\n", b"two is longer\n", b"\n"]


@given(st.lists(st.integers(1, 40_000), max_size=8))
@pytest.mark.parametrize(
    ("transport", "framing", "wanted"), [("ws", "auto", [HEAD, *FRAMES]), ("tcp", "lines", LINES)]
)
def test_units_do_not_depend_on_the_reads(
    transport: str, framing: str, wanted: list[bytes], cuts: list[int]
) -> None:
    whole = b"".join(wanted)
    cut = units(transport, framing)
    got: list[bytes] = []
    at = 0
    for size in [*cuts, len(whole)]:
        got += cut.feed(whole[at : at + size])
        at += size
    expected = [
        unit[start : start + MAX_UNIT_BYTES]
        for unit in wanted
        for start in range(0, len(unit), MAX_UNIT_BYTES)
    ]
    assert got == expected
    assert cut.held_bytes == 0


def test_what_never_ends_is_passed_on_all_the_same() -> None:
    cut = units("tcp", "lines")
    assert cut.feed(b"no end") == []
    assert cut.held_bytes == 6
    assert cut.rest() == b"no end"
    long = units("tcp", "lines")
    assert b"".join(long.feed(bytes(MAX_UNIT_BYTES + 1))) == bytes(MAX_UNIT_BYTES + 1)
    assert [len(unit) for unit in units("tcp", "raw").feed(bytes(MAX_UNIT_BYTES + 1))] == [MAX_UNIT_BYTES, 1]
