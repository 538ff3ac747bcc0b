"""Framings by name: what is refused, and what the refusal says."""

from __future__ import annotations

import pytest

from gdlab.errors import FramingError
from gdlab.framing import NAMES, check_name, encode, framer


@pytest.mark.parametrize("name", [*NAMES, "fixed:24"])
def test_every_name_makes_a_framer_that_knows_it(name):
    if name in {"fixed", "auto"}:
        return
    check_name(name)
    assert framer(name).name == name


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("putvar", "'putvar'; did you mean 'put_var'"),
        ("u32", "did you mean 'u32"),
        ("LINES", "did you mean 'lines'"),
        ("line", "did you mean 'lines'"),
        ("packet_peer", "'packet_peer_stream'"),
        ("xyzzy", "'xyzzy'; there are auto, raw, lines, json, put_var,"),
        ("lines:3", "no framing is called 'lines:3'"),
        ("fixed", "'fixed' needs the length of the frames in bytes, such as 'fixed:24'"),
        ("fixed:", "such as 'fixed:24'"),
        ("fixed:0", "such as 'fixed:24'"),
        ("fixed:-1", "such as 'fixed:24'"),
        ("fixed:x", "such as 'fixed:24'"),
        ("fixed:²", "such as 'fixed:24'"),
    ],
)
def test_a_wrong_name_says_which_there_are(name, message):
    for refuse in (framer, check_name, lambda n: encode(n, b"")):
        with pytest.raises(FramingError) as caught:
            refuse(name)
        assert message in str(caught.value)


def test_limits_that_cannot_be():
    for name in ("varint", "raw", "lines", "u8"):
        with pytest.raises(FramingError, match="at least 1"):
            framer(name, max_frame_bytes=0)
    with pytest.raises(FramingError, match="at most 10"):
        framer("fixed:24", max_frame_bytes=10)


@pytest.mark.parametrize(
    ("name", "payload", "message"),
    [
        ("u8", bytes(256), "256 bytes, but the length field of 'u8' ends at 255"),
        ("u16be", bytes(65536), "ends at 65535"),
        ("fixed:4", b"abc", "has 3 bytes, but 'fixed:4' sends exactly 4"),
        ("lines", b"a\nb", "several lines"),
        ("auto", b"a", "only receive"),
    ],
)
def test_payloads_a_framing_cannot_carry(name, payload, message):
    with pytest.raises(FramingError, match=message):
        encode(name, payload)


def test_a_line_may_be_sent_with_its_line_feed():
    assert encode("lines", b"register-host\n") == encode("lines", b"register-host") == b"register-host\n"
    for several in (b"one\ntwo", b"one\n\n"):
        with pytest.raises(FramingError, match="several lines"):
            encode("lines", several)
