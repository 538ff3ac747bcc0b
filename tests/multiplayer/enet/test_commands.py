"""Datagrams of ENet, byte by byte."""

from __future__ import annotations

import zlib

import pytest

from gdlab.multiplayer.enet import Kind, read_commands, take_apart

PING = bytes.fromhex("85ff0002")
CALL = bytes.fromhex("4901000000050003") + b"\x00\x01\x02"


def test_a_datagram_without_a_time_has_a_header_of_two_bytes() -> None:
    found = take_apart(bytes.fromhex("0001") + CALL)
    assert (found.slot, found.session, found.sent_time, found.header) == (1, 0, -1, 2)
    (command,) = found.commands
    assert (command.kind, command.channel, command.number, command.length) == (Kind.UNSEQUENCED, 1, 5, 3)
    assert found.body[command.data : command.data + command.length] == b"\x00\x01\x02"
    assert found.trouble == ""


def test_several_commands_share_a_datagram_with_a_time() -> None:
    found = take_apart(bytes.fromhex("b00274c7") + PING + CALL)
    assert (found.slot, found.session, found.sent_time, found.header) == (2, 3, 0x74C7, 4)
    assert [command.kind for command in found.commands] == [Kind.PING, Kind.UNSEQUENCED]


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", "shorter than its header"),
        (b"\x00", "shorter than its header"),
        (b"\x80\x00\x01", "ends within its header"),
        (b"\x00\x00\x00\x00", "too few for a command"),
        (b"\x00\x00\x0d\x00\x00\x01", "begins with the byte 0x0d"),
        (b"\x00\x00\x86\x00\x00\x01\x00", "has only 5"),
        (b"\x00\x00\x86\x00\x00\x01\x00\x09ab", "announces 9 bytes of data and has 2"),
        (b"\x00\x00" + bytes(5000), "more than 4096 bytes"),
        (b"\x40\x00\x01\x02\x03", "compressed by a method that is not known"),
        (b"\x16\xfe\xfd" + bytes(20), "encrypted (DTLS)"),
    ],
)
def test_what_is_no_enet_says_why(data: bytes, told: str) -> None:
    assert told in take_apart(data).trouble


def test_a_fragment_outside_its_packet_is_refused() -> None:
    fragment = (
        bytes.fromhex("8800000100010002") + b"".join(n.to_bytes(4, "big") for n in (2, 2, 4, 0)) + b"ab"
    )
    assert "outside its packet" in read_commands(fragment)[1]


def test_commands_before_a_damaged_one_are_kept() -> None:
    found = take_apart(b"\x00\x00" + PING + b"\x0e\x00\x00\x00")
    assert [command.kind for command in found.commands] == [Kind.PING]
    assert "0x0e" in found.trouble


def test_a_checksum_behind_the_header_is_recognised() -> None:
    connect = bytes([0x82, 0xFF, 0, 1]) + bytes(44)
    head = b"\x8f\xff\x12\x34"
    total = zlib.crc32(head + bytes(4) + connect).to_bytes(4, "little")
    found = take_apart(head + total + connect)
    assert found.header == 8
    assert [command.kind for command in found.commands] == [Kind.CONNECT]
    assert take_apart(head + b"\xf0\xf1\xf2\xf3" + connect).trouble


@pytest.mark.parametrize("method", ["zlib", "zstd"])
def test_a_compressed_body_is_unpacked_by_the_method_that_gives_commands(method: str) -> None:
    body = CALL[:-3] + b"\x00\x01\x02"
    body = bytes.fromhex("490100000005") + (300).to_bytes(2, "big") + b"abc" * 100
    packed = zlib.compress(body) if method == "zlib" else pytest.importorskip("zstandard").compress(body)
    found = take_apart(b"\x40\x00" + packed)
    assert (found.compressed, found.body, len(found.commands)) == (method, body, 1)
