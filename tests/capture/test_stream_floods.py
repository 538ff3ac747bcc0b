"""Floods on streams, which are taken in columns: the same rows as read one by one, wherever they go."""

import random
import socket
from bisect import bisect_left
from collections.abc import Iterable
from itertools import accumulate

import numpy as np
import pytest

import gdlab as gd
from gdlab import framing
from gdlab.framing import Read, StreamReader
from gdlab.messages import Peer, TimeSource, guess_kind
from gdlab.store import Limit, Store, table
from gdlab.transports import session as session_module
from gdlab.transports.address import parse
from gdlab.transports.effects import Again, Arrived, Effect, Finish, Later, ManyArrived, Noted, Withdrawn
from gdlab.transports.options import EndpointOptions
from gdlab.transports.session import Link
from gdlab.transports.stream_history import history, put
from gdlab.transports.tcp_session import TcpSession
from tests.same import assert_same
from tests.some import some
from tests.waiting import wait_until

NAMES = ["u32le", "u16be", "u8", "fixed:7", "lines"]
SIZES = [1, 3, 500, 8_193, 9_000, 64 * 1024, 128 * 1024]


def payloads_of(draw: random.Random, name: str, count: int) -> list[bytes]:
    """Binary, text or both; short and long."""
    how, most = draw.randrange(3), 250 if name == "u8" else 300
    if name == "lines":
        return [b"%d " % number * draw.randrange(9) for number in range(count)]
    if name.startswith("fixed"):
        return [b"\x1b\0\0\0" + draw.randbytes(3) for _ in range(count)]
    made = []
    for number in range(count):
        size = draw.randrange(most)
        text = how == 1 or (how == 2 and draw.randrange(2))
        made.append(
            (b"%d," % number * size)[:size] if text else (b"\x1b\0\0\0" + draw.randbytes(size))[:size]
        )
    return made


def framed_by(draw: random.Random, name: str, payloads: list[bytes]) -> list[bytes]:
    framed = [framing.encode(name, payload) for payload in payloads]
    if name == "lines":  # both kinds of line ends
        framed = [one[:-1] + b"\r\n" if draw.randrange(2) else one for one in framed]
    return framed


def cut(draw: random.Random, framed: list[bytes]) -> list[Read]:
    """Reads of several sizes; half of them end within a few bytes of the end of a frame."""
    wire, ends = b"".join(framed), list(accumulate(map(len, framed)))
    reads, at = [], 0
    while at < len(wire):
        end = at + draw.choice(SIZES)
        if draw.randrange(2) and end < len(wire):
            end = max(at + 1, ends[bisect_left(ends, end)] + draw.randrange(-3, 6))
        chunk = wire[at:end]
        at += len(chunk)
        reads.append(Read(chunk, 1_000_000_000 * len(reads)))
    return reads


def taken_by_a_session(
    name: str, reads: list[Read], store: Store, draw: random.Random, *, together: bool = True, **options: int
) -> None:
    """As an endpoint does it: some reads together where the session takes them so, and the others one by one."""
    chosen = EndpointOptions(framing=name, **options)
    session = TcpSession(Link(parse("tcp://127.0.0.1:4242"), chosen, Peer("127.0.0.1", 5), "127.0.0.1"))
    code, over = store.peer_code("p"), False

    def act(effects: Iterable[Effect]) -> None:
        nonlocal over
        for effect in effects:
            if isinstance(effect, Withdrawn):
                store.withdraw()
            elif isinstance(effect, Again):
                (stream,) = history(store.streams())
                store.withdraw()
                act(effect.go_on(stream.reads))
            elif isinstance(effect, (Finish, Later)):
                over = over or isinstance(effect, Finish)
            else:
                assert isinstance(effect, (Arrived, ManyArrived, Noted))
                put(store, code, effect)

    left = [session_module.Read(*read, TimeSource.KERNEL) for read in reads]
    while left:
        count = draw.randrange(1, 6) if together else 1
        some, left = left[:count], left[count:]
        effects, rest = session.take_ahead(some) if count > 1 else ((), some)
        act(effects)
        for chunk, time_ns, source in rest:
            if over:
                return
            act(session.receive(chunk, time_ns, source, one_by_one=False))


@pytest.mark.parametrize("seed", some(range(8), every=4))
@pytest.mark.parametrize("name", NAMES)
def test_rows_are_those_of_frames_read_one_by_one(name: str, seed: int) -> None:
    draw = random.Random(f"{name} {seed}")
    payloads = payloads_of(draw, name, 10_000 if name == "fixed:7" else 2000)  # several of the largest reads
    reads = cut(draw, framed_by(draw, name, payloads))
    store = Store("tcp://127.0.0.1:4242")
    taken_by_a_session(name, reads, store, draw)
    built = table.build([store.snapshot()])
    plain, frames, words, times = StreamReader(name), [], [], []
    for chunk, time_ns in reads:
        for batch in plain.receive(chunk, time_ns).batches:
            frames += batch.frames
            words += batch.words
            times += [time_ns] * len(batch.frames)
    assert [frame.payload for frame in frames] == payloads
    assert list(built.payload) == payloads
    assert list(built.framing) == words
    assert built.time.astype(np.int64).tolist() == times
    assert list(built.kind) == [guess_kind(payload) for payload in payloads]
    assert list(built.wire_bytes) == [52 + len(one.payload) + one.header_bytes for one in frames]
    assert store.statistics().received_bytes == sum(map(len, payloads))
    (stream,) = history(store.streams())
    assert stream.reads == reads
    assert stream.complete


@pytest.mark.parametrize("seed", some(range(6), every=3))
@pytest.mark.parametrize("name", ["u32le", "u16be", "auto"])
def test_reads_taken_together_make_the_rows_of_reads_taken_one_by_one(name: str, seed: int) -> None:
    """With messages over the limit between the others, and lengths that are none in the end."""
    draw = random.Random(f"{name} {seed}")
    framed = "u32le" if name == "auto" else name
    wire = [*framed_by(draw, framed, payloads_of(draw, framed, 1500)), b"\xff" * draw.choice([0, 9])]
    most = draw.choice([290, 1000])
    reads, stores = cut(draw, wire), [Store("tcp://127.0.0.1:4242") for _ in range(2)]
    for store, together in zip(stores, (True, False), strict=True):
        taken_by_a_session(name, reads, store, draw, together=together, max_message_bytes=most)
    one, other = (table.build([store.snapshot()]).astype({"framing": str}) for store in stores)
    assert_same(one, other)
    assert history(stores[0].streams()) == history(stores[1].streams())


def test_what_a_small_limit_keeps_is_the_end_of_all_rows() -> None:
    draw = random.Random(5)
    payloads = payloads_of(draw, "u32le", 30_000)
    store = Store("tcp://127.0.0.1:4242", Limit(bytes=1 << 20))
    taken_by_a_session("u32le", cut(draw, framed_by(draw, "u32le", payloads)), store, draw)
    statistics = store.statistics()
    assert statistics.bytes_kept <= 1 << 20
    built = table.build([store.snapshot()])
    kept = built[built.event == "message"]
    assert len(kept) + statistics.evicted_rows == len(payloads)
    assert list(kept.payload) == payloads[-len(kept) :]
    gone = sum(map(len, payloads)) - int(kept.size_bytes.sum())
    assert store.snapshot().evicted.payload_bytes == gone


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["mixed", "uniform", "text"])
def test_a_flood_comes_back_from_every_file_and_in_another_framing(tmp_path, kind: str) -> None:
    draw = random.Random(kind)
    sizes = [64 if kind == "uniform" else draw.randrange(20, 200) for _ in range(6_000)]
    payloads = [
        (b"%d," % number * 99)[:size] if kind == "text" else b"\x1b\0\0\0" + draw.randbytes(size - 4)
        for number, size in enumerate(sizes)
    ]
    wire = b"".join(framing.encode("u32le", payload) for payload in payloads)
    with gd.listen("tcp://127.0.0.1:0", framing="u32le", spill=tmp_path / "spill") as capture:
        port = int(capture.addresses[0].rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port)) as sock:
            sock.sendall(wire)
        wait_until(lambda: "close" in set(capture.df.event))
        assert list(of(capture.df).payload) == payloads
        capture.to_csv(tmp_path / "a.csv")
        capture.to_parquet(tmp_path / "a.parquet")
        capture.to_pcapng(tmp_path / "a.pcapng")
        times = of(capture.df).time.tolist()
    for name in ("a.csv", "a.parquet", "a.pcapng", "spill"):
        loaded = of(gd.load(tmp_path / name).df)
        assert list(loaded.payload) == payloads
        assert loaded.time.tolist() == times
    capture.reframe("raw")
    assert b"".join(of(capture.df).payload) == wire
    capture.reframe("u32le")
    assert list(of(capture.df).payload) == payloads
    assert of(capture.df).time.tolist() == times


def of(recorded):
    """The messages."""
    return recorded[recorded.event == "message"]
