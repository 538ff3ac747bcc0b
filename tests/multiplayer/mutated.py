"""Packets of real games, damaged."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pandas as pd

from tests.multiplayer.golden import table

#: Runs whose packets are damaged: every kind of packet, every mode, fragments, compression, both transports.
SEEDS = (
    "rpc_types_enet",
    "rpc_modes_enet",
    "late_enet",
    "spawner_enet",
    "sync_enet",
    "big_enet",
    "zlib_enet",
    "range_enet",
    "three_ws",
    "auth_enet",
)


def damaged(data: bytes, chance: random.Random, other: bytes) -> bytes:
    """Flip bits, cut, repeat, splice, overwrite with extreme numbers, or replace by noise."""
    raw = bytearray(data)
    for _ in range(chance.randrange(1, 4)):
        kind = chance.randrange(8)
        at = chance.randrange(len(raw) + 1)
        if kind == 0 and raw:
            raw[at % len(raw)] ^= 1 << chance.randrange(8)
        elif kind == 1:
            del raw[at:]
        elif kind == 2:
            del raw[at : at + chance.randrange(1, 9)]
        elif kind == 3:
            raw[at:at] = raw[max(0, at - chance.randrange(1, 60)) : at]
        elif kind == 4:
            raw[at:] = other[min(at, len(other)) :]
        elif kind == 5:
            raw[at : at + 4] = chance.choice((b"\xff\xff\xff\xff", b"\0\0\0\x80", b"\0\0\0\0", b"\xff\x7f"))
        elif kind == 6:
            raw[at:at] = chance.randbytes(chance.randrange(1, 12))
        else:
            raw = bytearray(chance.randbytes(chance.randrange(200)))
    return bytes(raw)


def batches(seed: int, count: int, size: int = 2000) -> Iterator[pd.DataFrame]:
    """Tables of `size` rows, `count` in all, of which most are damaged."""
    chance = random.Random(seed)
    made = 0
    while made < count:
        frame = table(chance.choice(SEEDS))
        rows = min(size, count - made)
        picks = [chance.randrange(len(frame)) for _ in range(rows)]
        picks.sort()
        part = frame.iloc[picks].reset_index(drop=True)
        payloads = list(part["payload"])
        part["payload"] = [
            data if chance.random() < 0.2 else damaged(data, chance, chance.choice(payloads))
            for data in payloads
        ]
        made += rows
        yield part
