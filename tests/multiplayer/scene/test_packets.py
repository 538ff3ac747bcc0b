"""Packets of SceneMultiplayer, made and read."""

from __future__ import annotations

from typing import Any

import pytest

from gdlab.errors import VariantDecodeError, VariantEncodeError
from gdlab.multiplayer.scene import read_arguments, read_value, rpc_packet, take_packet_apart, write_value
from gdlab.variant import Vector2


@pytest.mark.parametrize(
    ("value", "data"),
    [
        (True, "81"),
        (False, "01"),
        (7, "0207"),
        (-1, "02ff"),
        (300, "422c01"),
        (70000, "8270110100"),
        (1 << 40, "c20000000000010000"),
        ("a", "040000000100000061000000"),
        (None, "00000000"),
    ],
)
def test_values_are_as_short_as_the_engine_writes_them(value: Any, data: str) -> None:
    raw = bytes.fromhex(data)
    assert write_value(value) == raw
    assert read_value(raw, 0, len(raw)) == (value, len(raw))


@pytest.mark.parametrize(
    ("arguments", "node", "path", "method", "relayed"),
    [
        ((), 1, "", 3, None),
        ((1, Vector2(1, 2)), 300, "", 4, None),
        ((b"xyz",), 70000, "", 5, None),
        (("to all",), 1, "Main/Größe", 300, 0),
        ((1, True, None), 1, "", 0x8001, -5),
    ],
)
def test_a_call_that_is_written_reads_the_same(
    arguments: tuple[Any, ...], node: int, path: str, method: int, relayed: int | None
) -> None:
    data = rpc_packet(method, arguments, node=node, path=path, relayed=relayed)
    packet = take_packet_apart(data)
    assert (packet.kind, packet.method, packet.path, packet.relayed) == ("rpc", method, path, relayed)
    assert packet.node == (-1 if path else node)
    assert read_arguments(data, packet.start, packet.stop, raw=packet.raw) == (arguments, packet.stop)


@pytest.mark.parametrize(
    ("data", "told"),
    [
        ("", "an empty packet"),
        ("08", "begins with the byte 0x08"),
        ("00", "within its header"),
        ("0001", "within its header"),
        ("30010203040506", "unknown width"),
        ("20ffff00800001", "outside of it"),
        ("0201", "not 6"),
        ("0501", "not 5"),
        ("0600", "within its header"),
        ("06000001000000ff000000", "announces 255 bytes"),
        ("0704010000", "within its header"),
        ("070401000000", "unknown kind 4"),
        ("0703010000000703010000000001", "inside a relayed packet"),
        ("0400010000000100000000000040ffffffff", "within its list or name"),
    ],
)
def test_what_is_no_packet_says_why(data: str, told: str) -> None:
    packet = take_packet_apart(bytes.fromhex(data))
    assert packet.kind == "unknown"
    assert told in packet.note


def test_a_sync_without_an_object_is_kept_with_its_note() -> None:
    packet = take_packet_apart(bytes.fromhex("060500"))
    assert (packet.kind, packet.method) == ("sync", 5)
    assert "refuses" in packet.note


def test_an_int_beyond_64_bits_and_a_missing_value_are_refused() -> None:
    with pytest.raises(VariantEncodeError, match="64 bits"):
        write_value(1 << 63)
    with pytest.raises(VariantDecodeError, match="missing"):
        read_value(b"", 0, 0)
