"""The quick way to write datagrams: byte for byte what the slow one writes."""

import random

import pandas as pd
import pytest

from gdlab.files import to_schema as conform
from gdlab.files.pcapwrite import _Packets
from gdlab.messages import Event, guess_kind
from tests.files.tables import table_of


def one_by_one(table):
    """All blocks by the way that takes any row."""
    return [b"".join(row) for row in _Packets(table)._one_by_one(table)]


def together(table):
    packets = _Packets(table)
    assert packets._is_plain(table).all()
    return packets._datagrams(table)


def as_told(table):
    """With the kind and the bytes on the wire that the packets tell."""
    texts = [str(guess_kind(payload)) for payload in table.payload]
    packets = _Packets(table)
    pairs = zip(table.endpoint, table.peer, strict=True)
    headers = [28 if len(packets._pair(*pair)[0].packed) == 4 else 48 for pair in pairs]
    kinds = pd.Categorical(texts, categories=table.kind.cat.categories)
    return table.assign(kind=kinds, wire_bytes=table.size_bytes + headers)


ENDPOINTS = ("udp://127.0.0.1:4242", "udp://[::1]:4242", "udp://localhost:9", "udp://lan:1")
PEERS = ("127.0.0.1:50000", "[::1]:7", "10.0.0.7:65535", "[fe80::1%eth0]:1", "P01", "")


@pytest.mark.parametrize("sizes", [[64], [0], [1], [0, 1, 2, 3, 4, 5], [0, 7, 65_507], range(200)], ids=str)
def test_datagrams_are_the_same_blocks(sizes):
    chance = random.Random(3)
    table = conform.conform(
        table_of(
            [
                {
                    "time": chance.randrange(2**62),
                    "endpoint": chance.choice(ENDPOINTS),
                    "peer": chance.choice(PEERS),
                    "direction": chance.choice(["in", "out"]),
                    "time_source": chance.choice(["kernel", "user"]),
                    "payload": chance.choice([chance.randbytes, bytes])(chance.choice(list(sizes))),
                }
                for _ in range(300 if max(sizes) < 1000 else 30)
            ]
        )
    )
    assert together(as_told(table)) == one_by_one(as_told(table))


@pytest.mark.slow
def test_a_checksum_of_zero_is_written_as_all_ones():
    table = conform.conform(table_of([{"payload": number.to_bytes(2, "big")} for number in range(2**16)]))
    table = as_told(table)
    checksums = [block[42 + 26 : 42 + 28] for block in together(table)]
    assert b"\0\0" not in checksums
    ones = checksums.index(b"\xff\xff")
    near = conform.conform(table[max(0, ones - 3) : ones + 3])
    assert together(near) == one_by_one(near)


def test_rows_of_all_kinds_stay_in_their_order():
    rows = [
        {"payload": b"a"},
        {"payload": b"b", "detail": "a comment"},
        {"endpoint": "tcp://127.0.0.1:5", "payload": b"c" * 70_000},
        {"payload": b"d"},
        {"event": Event.GAP, "detail": "7 rows"},
        {"payload": b"e" * 70_000},
        {"payload": b"f"},
    ] * 3
    table = conform.conform(table_of([row | {"time": number} for number, row in enumerate(rows)]))
    assert b"".join(_Packets(table).of(table)) == b"".join(one_by_one(table))
