"""Frames made at once against those that the `websockets` library makes one by one."""

import random

import numpy as np
import pytest
from websockets.frames import Frame, Opcode

from gdlab.messages import Kind, wire_bytes
from gdlab.transports.encoding import Outgoing
from gdlab.transports.wsmaking import BINARY_CODE, TEXT_CODE, of_columns, of_outgoing

OVERHEAD = wire_bytes("ws", 0)


@pytest.mark.parametrize("sizes", [[64], [0], [125], [126], [300], [0, 1, 125, 126, 127, 3000, 65_535]])
@pytest.mark.parametrize("kinds", [[Kind.TEXT], [Kind.BINARY], [Kind.TEXT, Kind.BINARY]])
def test_frames_are_those_of_the_library(sizes, kinds):
    chance = random.Random(f"{sizes} {kinds}")
    messages = [
        (chance.choice(kinds), chance.randbytes(size).hex()[:size].encode())
        for size in chance.choices(sizes, k=70)
    ]
    wire = b"".join(
        Frame(Opcode.TEXT if kind is Kind.TEXT else Opcode.BINARY, payload).serialize(mask=False)
        for kind, payload in messages
    )
    payloads = [payload for _, payload in messages]
    columns = (
        np.frombuffer(b"".join(payloads), np.uint8),
        np.array(list(map(len, payloads)), np.int64),
        np.array([TEXT_CODE if kind is Kind.TEXT else BINARY_CODE for kind, _ in messages], np.int8),
    )
    for made in (
        of_outgoing([Outgoing(payload, kind) for kind, payload in messages], OVERHEAD),
        of_columns(*columns, OVERHEAD),
    ):
        assert made.data == wire
        assert [made.payloads.tolist(), made.sizes.tolist(), made.kinds.tolist()] == [
            column.tolist() for column in columns
        ]
        assert made.wire_bytes.tolist() == [wire_bytes("ws", len(payload)) for payload in payloads]
