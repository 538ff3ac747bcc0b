"""Messages taken in columns, of one read or several, against the same bytes taken one by one."""

import itertools
import random
import struct

import numpy as np
import pytest
from websockets.frames import Frame, Opcode

from gdlab.messages import CATEGORIES, Peer, TimeSource
from gdlab.transports.address import parse
from gdlab.transports.effects import Arrived, Ending, Finish, ManyArrived, Noted, Write
from gdlab.transports.options import EndpointOptions
from gdlab.transports.session import Link, Read
from gdlab.transports.websocket_sides import ClientSession, ServerSession
from gdlab.transports.wscolumns import ChainFinder, leading_texts, unmasked
from tests.some import some

REQUEST = (
    b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
MOST = 40_000

#: A mask of chance, and some with which frames seem to begin within many payloads.
MASKS = (b"", b"\x82\x85\x81\x82", bytes(4), b"\x82\x82\x82\x82")


def framed(chance, first, payload, *, masked, longer=0.01, masks=MASKS):
    """A frame; its length is also written longer than it need be, which no rule forbids a reader to take."""
    size, flag = len(payload), 0x80 * masked
    if size < 126 and chance.random() >= longer:
        head = bytes([first, flag | size])
    elif size < 65_536:
        head = struct.pack(">BBH", first, flag | 126, size)
    else:
        head = struct.pack(">BBQ", first, flag | 127, size)
    if not masked:
        return head + payload
    mask = chance.choice(masks) or chance.randbytes(4)
    key = (mask * (size // 4 + 1))[:size]
    return head + mask + (int.from_bytes(payload) ^ int.from_bytes(key)).to_bytes(size)


def payload_of(chance, kind, size):
    """Bytes of several sorts, frames within a frame among them."""
    sort = chance.randrange(4)
    if kind == 0x81:
        text = chance.choice(["plain", "größer", "日本語", "🎲"]) * (size // 4 + 1)
        return text[: size // 3].encode()
    if sort == 0:
        return bytes(size)
    if sort == 1:
        return (b"\x82\x80\x82\x85mask12345" * (size // 4 + 1))[:size]
    if sort == 2:
        return (b"\x82\x02\x81\x81\x82\x05" * (size // 4 + 1))[:size]
    return chance.randbytes(size)


def stream(chance, *, masked, spoil):
    """Frames: (first byte, payload, frame) of each. Where they are spoilt some are no messages, or none at all."""
    sizes = chance.choice(
        [
            lambda: 64,
            lambda: 130,
            lambda: chance.randrange(20, 201),
            lambda: chance.choice([0, 1, 2, 5, 125, 126, 127]),
            lambda: chance.choice([30, 31]),
            lambda: chance.choice([10, 300, 5_000]),
            lambda: 1_000,
        ]
    )
    kinds = chance.choice([[0x82], [0x81], [0x81, 0x82], [0x82] * 300 + [0x81]])
    frames, total = [], 0
    while total < 60_000:
        first = chance.choice(kinds)
        if spoil and chance.random() < 0.01:
            first = chance.choice([0x89, 0x8A, 0x02, 0x80, 0x88, 0xC2, 0x83, 0x81])
            payload = chance.choice([b"", b"\x03\xe8", b"\xff\xfe", b"\xe6\x97"])
        else:
            payload = payload_of(chance, first, sizes())
        frames.append((first, payload, framed(chance, first, payload, masked=masked)))
        total += len(frames[-1][2])
    return frames


@pytest.mark.parametrize("masked", [True, False])
@pytest.mark.parametrize("seed", some(range(40), every=2))
def test_a_chain_is_the_frames_that_are_there_up_to_the_first_that_is_no_message(seed, masked):
    chance = random.Random(f"{seed} {masked}")
    frames = stream(chance, masked=masked, spoil=seed % 2)
    wire = b"".join(frame for _, _, frame in frames)
    cut = len(wire) - chance.randrange(1, 60)
    finder, at, left = ChainFinder(masked=masked), 0, list(frames)
    while (chain := finder.find(wire[at:cut])) is not None:
        taken = left[: len(chain.ends)]
        assert np.diff(chain.ends, prepend=0).tolist() == [len(frame) for _, _, frame in taken]
        assert (chain.ends - chain.offsets).tolist() == [len(payload) for _, payload, _ in taken]
        assert chain.texts.tolist() == [first == 0x81 for first, _, _ in taken]
        assert {first for first, _, _ in taken} <= {0x81, 0x82}
        if masked:
            data = unmasked(wire[at:cut], int(chain.ends[-1]), chain.offsets).tobytes()
            assert [data[a:b] for a, b in zip(chain.offsets, chain.ends, strict=True)] == [
                payload for _, payload, _ in taken
            ]
        at += int(chain.ends[-1])
        left = left[len(taken) :]
    # Nothing was passed over: what follows is no message, or has not come in whole.
    assert left[0][0] not in (0x81, 0x82) or at + len(left[0][2]) > cut - 4


@pytest.mark.parametrize(("masks", "share"), [(MASKS[:1], 0.9), (MASKS[1:], 0.25)])
@pytest.mark.parametrize("sizes", [[64], range(20, 201), [130], [3_000], [5, 180, 90]])
def test_much_of_a_read_is_found_at_once_whatever_its_sizes_and_masks_are(sizes, masks, share):
    chance = random.Random(7)
    wire = b"".join(
        framed(chance, 0x82, chance.randbytes(chance.choice(list(sizes))), masked=True, longer=0, masks=masks)
        for _ in range(700)
    )
    chain = ChainFinder(masked=True).find(wire)
    assert int(chain.ends[-1]) > share * len(wire)


@pytest.mark.parametrize(
    ("messages", "good"),
    [
        ([("ä".encode(), True), ("é".encode(), True)], 2),
        ([(b"\xc3", True), (b"\xa4", True)], 0),  # only together are they UTF-8
        ([(b"a", True), (b"\xc3", True), (b"\xa4", True)], 1),
        ([("ä".encode(), True), (b"\xff", False), ("é".encode(), True)], 3),
        ([(b"\xc3", False), (b"\xa4", True)], 1),
        ([("ä".encode(), True), (b"", True), (b"\xed\xa0\x80", True)], 2),  # a surrogate
        ([(b"\xff", False)], 1),
        ([("ä".encode(), True), (b"", True)], 2),
    ],
)
def test_text_is_checked_message_by_message(messages, good):
    payloads = np.frombuffer(b"".join(payload for payload, _ in messages), np.uint8)
    sizes = np.array([len(payload) for payload, _ in messages], np.int64)
    assert leading_texts(payloads, sizes, np.array([text for _, text in messages])) == good


def opened(*, masked):
    """A session whose handshake is done: of the side that gets frames with a mask, or without."""
    link = Link(
        parse("ws://127.0.0.1:4242"),
        EndpointOptions(max_message_bytes=MOST),
        Peer("127.0.0.1", 9),
        "127.0.0.1",
    )
    if masked:
        session = ServerSession(link)
        hello = REQUEST
    else:
        session = ClientSession(link)
        server = ServerSession(link)
        asked = b"".join(effect.data for effect in session.begin(1) if isinstance(effect, Write))
        hello = b"".join(
            effect.data for effect in server.receive(asked, 1, TimeSource.USER) if isinstance(effect, Write)
        )
    list(session.begin(1)) if masked else None
    list(session.receive(hello, 1, TimeSource.USER))
    return session


def told(effects):
    """What effects say, message by message."""
    for effect in effects:
        if isinstance(effect, ManyArrived):
            payloads = effect.payloads.tobytes()
            starts = np.cumsum(effect.sizes) - effect.sizes if effect.starts is None else effect.starts
            times = np.broadcast_to(effect.time_ns, len(effect.sizes))
            for at, size, wire, kind, time_ns in zip(
                starts, effect.sizes, effect.wire_bytes, effect.kinds, times, strict=True
            ):
                yield payloads[at : at + size], CATEGORIES["kind"][kind], wire, time_ns
        elif isinstance(effect, Arrived):
            yield effect.payload, effect.kind, effect.wire_bytes, effect.time_ns
        elif isinstance(effect, Noted):
            yield effect.event, effect.fact, effect.payload, effect.time_ns
        elif isinstance(effect, Write):
            yield len(effect.data)  # a client's has a mask of chance
        elif isinstance(effect, (Ending, Finish)):
            yield effect


@pytest.mark.parametrize("masked", [True, False])
@pytest.mark.parametrize("seed", range(60))
def test_reads_taken_ahead_say_what_they_say_one_after_the_other(seed, masked):
    chance = random.Random(f"reads {seed} {masked}")
    wire = b"".join(frame for _, _, frame in stream(chance, masked=masked, spoil=seed % 3))
    places = sorted({0, len(wire), *(chance.randrange(len(wire)) for _ in range(chance.randrange(2, 9)))})
    reads = [
        Read(wire[a:b], 1_000 + number, TimeSource.KERNEL)
        for number, (a, b) in enumerate(itertools.pairwise(places))
    ]
    plainly, ahead = opened(masked=masked), opened(masked=masked)
    one_by_one, together, at_once = [], [], 0
    for chunk, time_ns, time_source in reads:
        if not plainly._over:
            # In pieces for which no columns are made.
            for at in range(0, len(chunk), 5_000):
                one_by_one += told(plainly.receive(chunk[at : at + 5_000], time_ns, time_source))
    while reads and not ahead._over:
        some, reads = reads[:3], reads[3:]
        taken, rest = ahead.take_ahead(some)
        at_once += sum(len(many.sizes) for many in taken)
        together += told(taken)
        for read in rest:
            if not ahead._over:
                together += told(ahead.receive(*read, one_by_one=False))
    assert together == one_by_one
    assert ahead._over is plainly._over
    if not any(isinstance(each, Ending) for each in together):
        assert ahead.held_bytes == plainly.held_bytes
    if not seed % 3:
        assert at_once > 0.5 * len(together)


def test_a_message_in_fragments_is_left_to_the_reads_one_after_the_other():
    session = opened(masked=True)
    begun = Frame(Opcode.TEXT, b"be", False).serialize(mask=True)
    small = Frame(Opcode.BINARY, bytes(60)).serialize(mask=True) * 300
    ended = Frame(Opcode.CONT, b"gun", True).serialize(mask=True)
    list(session.receive(begun, 1, TimeSource.USER))
    reads = [Read(ended + small, 2, TimeSource.USER)]
    assert session.take_ahead(reads) == ([], reads)


@pytest.mark.parametrize("masked", [True, False])
def test_a_read_that_is_one_frame_says_what_it_says_in_two_reads(masked):
    chance = random.Random(f"one {masked}")
    for size in (0, 1, 2, 64, 125, 126, 300, MOST, MOST + 1, 65_600):
        for first in (0x81, 0x82, 0x89, 0x02, 0xC2, 0x83):
            for payload in (b"a" * size, ("ä" * size).encode()[:size], bytes(size)):
                wire = framed(chance, first, payload, masked=masked, masks=(b"",))
                if first == 0x82 and size == 64:
                    assert opened(masked=masked)._frames.whole(wire) == (payload, False)
                cut, sessions = chance.randrange(1, len(wire)), [opened(masked=masked) for _ in range(2)]
                whole = [*told(sessions[0].receive(wire, 2, TimeSource.USER))]
                in_two = [
                    effect
                    for part in (wire[:cut], wire[cut:])
                    for effect in told(sessions[1].receive(part, 2, TimeSource.USER))
                ]
                assert whole == in_two, (size, first)
