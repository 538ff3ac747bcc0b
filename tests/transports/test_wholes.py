"""Messages that were reads of their own: written together, the rows are those of one after the other."""

import contextlib
import random
import socket
import struct

import pandas as pd
import pytest

from gdlab import framing
from gdlab.messages import Peer, TimeSource, guess_kind
from gdlab.store import Store, table
from gdlab.transports.address import parse
from gdlab.transports.effects import Arrived, Finish, ManyArrived, Noted, Withdrawn
from gdlab.transports.options import EndpointOptions
from gdlab.transports.own_pings import MarkingSink, OwnPings
from gdlab.transports.session import Link
from gdlab.transports.stream_history import put
from gdlab.transports.tcp_session import TcpSession
from gdlab.transports.wholes import Wholes
from tests.transports.clients import listening, rows
from tests.transports.test_wscolumns import opened
from tests.waiting import wait_until


@pytest.mark.parametrize("seed", range(10))
def test_rows_written_together_are_those_written_one_by_one(seed: int) -> None:
    draw = random.Random(seed)
    stores, pings = [Store("e"), Store("e")], OwnPings()
    own = pings.make(1_000_000, as_variant=False)
    one, other = (MarkingSink(store, pings) for store in stores)
    for _ in range(6):
        wholes, source, word = Wholes(), TimeSource.KERNEL, "u32le"
        for number in range(draw.choice([1, 2, 6, 40, 300])):
            if draw.randrange(30) == 0:
                source, word = draw.choice(list(TimeSource)), draw.choice(["u32le", "u8", ""])
            payload = draw.choice([b"", b"text", b"\0\1\2", own, draw.randbytes(draw.randrange(90))])
            peer = one.peer_code(f"p{draw.randrange(9)}")
            assert other.peer_code(stores[0]._peers[peer]) == peer
            wholes.add(number, peer, (payload, len(payload) + 44, word, None), source)
            other.append(
                number,
                peer,
                payload,
                kind=guess_kind(payload),
                time_source=source,
                wire_bytes=len(payload) + 44,
                word=word,
            )
        assert wholes
        wholes.write(one)
        assert not wholes
    a, b = (table.build([store.snapshot()]) for store in stores)
    pd.testing.assert_frame_equal(a, b)
    assert stores[0].statistics() == stores[1].statistics()


@pytest.mark.parametrize("name", ["u32le", "u16be", "auto", "lines"])
def test_of_many_connections_each_keeps_its_order_up_to_its_end(name: str) -> None:
    """Messages and ends in one turn of the loop: what was sent before the end stands before it."""
    draw = random.Random(name)
    sent: dict[str, list[bytes]] = {}
    framed = "u32le" if name == "auto" else name
    with listening("tcp://127.0.0.1:0", framing=name) as (made, store), contextlib.ExitStack() as stack:
        socks = []
        for _ in range(30):
            sock = stack.enter_context(socket.create_connection(("127.0.0.1", made.address.port)))
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            socks.append(sock)
            sent["{}:{}".format(*sock.getsockname())] = []
        for number in range(60):
            for sock in socks:
                payload = b"%d of %s" % (number, str(sock.getsockname()).encode())
                sent["{}:{}".format(*sock.getsockname())].append(payload)
                wire = framing.encode(framed, payload)
                cut = draw.choice([len(wire), len(wire), len(wire), 3])
                sock.sendall(wire[:cut])
                if cut < len(wire):
                    sock.sendall(wire[cut:])
            if number % 20 == 19:
                for _ in range(5):
                    draw.shuffle(socks)
                    socks.pop().close()
        for sock in socks:
            sock.close()
        wait_until(lambda: (table.build([store.snapshot()]).event == "close").sum() == 30)
    built = rows(store)
    for peer, its in built[built.peer != ""].groupby("peer", observed=True):
        assert its.event.iloc[0] == "open"
        assert its.event.iloc[-1] == "close"
        assert list(its.event.iloc[1:-1]) == ["message"] * (len(its) - 2)
        assert list(its.payload.iloc[1:-1]) == sent[peer]
        assert its.time.iloc[1:-1].is_monotonic_increasing


def test_pending_rows_are_there_when_the_turn_is_over_and_when_the_listener_has_ended() -> None:
    with (
        listening("tcp://127.0.0.1:0", framing="u8") as (made, store),
        socket.create_connection(("127.0.0.1", made.address.port)) as sock,
    ):
        sock.sendall(b"\1a")
        wait_until(lambda: store.received == 1)
        sock.sendall(b"\1b")
        made.close()
        assert store.received == 2
    assert list(rows(store).query("event == 'message'").payload) == [b"a", b"b"]


def spoken(session, sink, reads, *, quickly):
    """The rows of some reads; `quickly` as of connections that are read together, else one read after the other."""
    wholes = Wholes()
    assert sink.peer_code("p") == 1
    for number, chunk in enumerate(reads):
        some = None
        if quickly:
            one = session.whole(chunk)
            some = session.wholes(chunk) if one is None else [one]
        for message in some or ():
            wholes.add(number, 1, message, TimeSource.KERNEL)
        if not some:
            wholes.write(sink)
            for effect in session.receive(chunk, number, TimeSource.KERNEL, one_by_one=False):
                if isinstance(effect, (Arrived, ManyArrived, Noted)):
                    put(sink, 1, effect)
                elif isinstance(effect, Withdrawn):
                    sink.withdraw(1)
                elif isinstance(effect, Finish):
                    return table.build([sink.snapshot()])
    wholes.write(sink)
    return table.build([sink.snapshot()])


def drawn_reads(draw, wires):
    """Reads of whole messages, of several, and of parts of them."""
    reads, rest = [], b""
    for wire in wires:
        rest += wire
        if draw.randrange(3):
            cut = draw.choice([len(rest)] * 4 + [draw.randrange(len(rest) + 1)])
            reads.append(rest[:cut])
            rest = rest[cut:]
    return [read for read in [*reads, rest] if read]


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("name", ["u8", "u16be", "u32le", "put_var", "auto", "lines", "raw"])
def test_reads_of_whole_frames_are_told_as_all_others(name, seed):
    draw = random.Random(f"{name} {seed}")
    framed = {"auto": "u32le"}.get(name, name)
    payloads = [draw.choice([b"text", b"", draw.randbytes(draw.randrange(200))]) for _ in range(200)]
    if name == "lines":
        payloads = [payload.replace(b"\n", b"").replace(b"\r", b"") for payload in payloads]
    if seed % 2 and name in ("u16be", "u32le"):  # one over the limit
        payloads[100:100] = [bytes(3000)]
    reads = drawn_reads(draw, [framing.encode(framed, payload) for payload in payloads])
    built = []
    for quickly in (True, False):
        options = EndpointOptions(framing=name, max_message_bytes=2000)
        session = TcpSession(Link(parse("tcp://127.0.0.1:1"), options, Peer("127.0.0.1", 9), "127.0.0.1"))
        list(session.begin(1))
        built.append(spoken(session, Store("e"), reads, quickly=quickly))
    pd.testing.assert_frame_equal(*built)
    assert len(built[0]) >= (1 if name == "raw" else 150)


@pytest.mark.parametrize("seed", range(6))
def test_reads_of_whole_websocket_frames_are_told_as_all_others(seed):
    draw = random.Random(seed)
    mask = b"\1\2\3\4"

    def frame(first, payload):
        masked = bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload))
        size = len(payload)
        head = bytes([first, 0x80 | size]) if size < 126 else struct.pack(">BBH", first, 0xFE, size)
        return head + mask + masked

    kinds = [(0x82, b"\0\1"), (0x81, b"text"), (0x81, "ä".encode()), (0x82, bytes(300)), (0x82, b"")]
    kinds += [(0x89, b"ping")] if seed % 3 else []
    wires = [frame(*draw.choice(kinds)) for _ in range(150)]
    if seed % 2:
        wires[100:100] = [frame(0x01, b"be"), frame(0x80, b"gun")]
        wires += [frame(0x81, b"good") + frame(0x81, b"\xff") + frame(0x81, b"never")]
    reads = drawn_reads(draw, wires)
    built = [spoken(opened(masked=True), Store("e"), reads, quickly=quickly) for quickly in (True, False)]
    pd.testing.assert_frame_equal(*built)
    assert (built[0].event == "message").sum() >= 100


@contextlib.contextmanager
def kept(monkeypatch):
    """A listener that keeps a message to write it with others; its peer's socket, and how many that has sent."""
    monkeypatch.setattr("gdlab.transports.gathering.TOGETHER_S", 3600.0)
    with (
        listening("tcp://127.0.0.1:0", framing="u8") as (made, store),
        socket.create_connection(("127.0.0.1", made.address.port)) as sock,
    ):
        sent = 0
        while not made._wholes:
            sock.sendall(b"\1%d" % sent)
            sent += 1
            wait_until(lambda: store.received == sent or made._wholes)  # noqa: B023 (called at once)
        assert store.received == sent - 1
        yield made, store, sock, sent


def test_who_is_about_to_read_has_the_rows_that_are_kept(monkeypatch):
    with kept(monkeypatch) as (made, store, _, sent):
        made.catch_up()
        assert store.received == sent


def test_what_is_kept_stands_before_whatever_happens_next(monkeypatch):
    with kept(monkeypatch) as (made, store, sock, sent):
        with socket.create_connection(("127.0.0.1", made.address.port)):
            wait_until(lambda: store.received == sent)
        sock.sendall(b"\1z")
        made.close()
        assert store.received == sent + 1
    built = rows(store)
    messages = [b"%d" % number for number in range(sent)]
    assert built.payload[built.event == "message"].tolist() == [*messages, b"z"]
    assert built.event.tolist()[: sent + 2] == ["open", *["message"] * sent, "open"]


def test_what_is_kept_is_written_soon_when_nobody_asks():
    with (
        listening("tcp://127.0.0.1:0", framing="u8") as (made, store),
        socket.create_connection(("127.0.0.1", made.address.port)) as sock,
    ):
        for number in range(1, 200):
            sock.sendall(b"\1a")
            wait_until(lambda number=number: store.received == number)
        assert not made._wholes
