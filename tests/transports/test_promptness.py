"""A nap is never seen: whoever reads, waits, asks or stops has what the kernel has."""

import array
import asyncio
import contextlib
import random
import socket
import sys

import pytest

import gdlab as gd
from gdlab.store import Store, table
from gdlab.transports import EndpointOptions, Loop, UdpListener, listener, parse
from gdlab.transports.batch import SLOTS, Batched, available
from gdlab.transports.datagrams import Batch, Datagram, OneByOne, prepare_datagrams
from gdlab.transports.encoding import Outgoing
from gdlab.transports.naps import Naps
from gdlab.transports.udp import best_receiver
from tests.transports.clients import TcpClient
from tests.waiting import limit, wait_until

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="without the kernel's stamps nothing naps")


@pytest.fixture(autouse=True)
def long_naps(monkeypatch):
    """After each look nobody looks for a minute, unless something asks for it."""
    monkeypatch.setattr(Naps, "looked", lambda *_arguments, **_more: 60.0)


@contextlib.contextmanager
def listening(receiver=best_receiver, **options):
    store = Store("udp://127.0.0.1:0")
    made = UdpListener(
        UdpListener.bind(parse("udp://127.0.0.1:0")), store, EndpointOptions(**options), receiver=receiver
    )
    made.start()
    try:
        yield made, store
    finally:
        made.close()


@contextlib.contextmanager
def peer(port):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(limit(5))
        sock.connect(("127.0.0.1", port))
        yield sock


@pytest.fixture
def short_naps(monkeypatch):
    """Every nap takes what has come, and never ends of itself."""
    monkeypatch.setattr(Naps, "looked", lambda *_arguments, **_more: 0.002)
    monkeypatch.setattr(Naps, "ended", lambda *_arguments: 0.002)


def naps(endpoint):
    return [attention.lags for attention in endpoint._attentions.values()]


def is_queued(sock):
    """Whether the kernel holds a datagram; an empty one does not count."""
    fcntl = pytest.importorskip("fcntl")
    termios = pytest.importorskip("termios")
    size = array.array("i", [0])
    fcntl.ioctl(sock, termios.FIONREAD, size)
    return size[0] > 0


def asleep(endpoint, store, sock):
    """Have it nap, after one datagram."""
    sock.send(b"first")
    wait_until(lambda: store.received == 1 and all(naps(endpoint)))


@pytest.mark.parametrize("receiver", [OneByOne, best_receiver])
def test_who_reads_has_all_that_has_arrived(receiver):
    with listening(receiver) as (made, store), peer(made.address.port) as sock:
        asleep(made, store, sock)
        for number in range(100):
            sock.send(b"%d" % number)
        assert store.received == 1
        made.catch_up()
        assert store.received == 101
        assert all(naps(made))
    built = table.build([store.snapshot()])
    assert list(built.payload[1:]) == [b"%d" % number for number in range(100)]
    assert set(built.time_source) == {"kernel"}


@pytest.mark.skipif(not available(), reason="this system does not receive in batches")
@pytest.mark.parametrize("end", ["read", "reply", "send", "stop"])
def test_what_naps_have_gathered_is_complete_and_in_order_however_they_end(short_naps, end):
    chance = random.Random(end)
    with listening() as (made, store), peer(made.address.port) as sock:
        asleep(made, store, sock)
        payloads = [chance.randbytes(chance.choice([0, 3, 64, 64, 64, 2048, 2100])) for _ in range(90)]
        for start in range(0, 90, 9):
            for payload in payloads[start : start + 9]:
                sock.send(payload)
            wait_until(
                lambda: not any(map(is_queued, made._sockets))
            )  # taken out of the kernel, and not told
        assert store.received == 1
        if end == "read":
            made.catch_up()
        elif end == "reply":
            made.set_reply(b"yes")
            for _ in payloads:
                assert sock.recv(100) == b"yes"
        elif end == "send":
            made.send(Outgoing(b"question", "text"))
            wait_until(lambda: store.statistics().sent == 1)
        else:
            made.close()
        assert store.received == 91
        if end in {"reply", "send"}:
            wait_until(lambda: not any(naps(made)))
    built = table.build([store.snapshot()])
    assert list(built.payload[built.direction == "in"]) == [b"first", *payloads]
    assert built.time[built.direction == "in"].is_monotonic_increasing
    assert store.statistics().lost_before_us == 0


@pytest.mark.skipif(not available(), reason="this system does not receive in batches")
@pytest.mark.parametrize("waiting", [[3, 0, 300], [128, 129, 1], [900, 99], [127, 872], [SLOTS], [950, 200]])
def test_what_naps_bring_is_handed_over_in_order_however_much_it_is(waiting):
    with contextlib.ExitStack() as stack:
        sock, sender = (stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) for _ in "ab")
        prepare_datagrams(sock)
        sock.bind(("127.0.0.1", 0))
        sender.connect(sock.getsockname())
        receiver, sent = Batched(sock), 0
        for count in waiting:
            for number in range(sent, sent + count):
                sender.send(b"%d" % number)
            sent += count
            assert receiver.gather() == (sent < SLOTS)
        found = b"".join(
            batch.payloads.tobytes()
            for _ in range(2)
            for batch in receiver.receive()
            if isinstance(batch, Batch)
        )
        found += b"".join(each.payload for each in receiver.receive() if isinstance(each, Datagram))
    assert found == b"".join(b"%d" % number for number in range(sent))


@pytest.mark.skipif(not available(), reason="this system does not receive in batches")
def test_more_than_can_be_gathered_is_handed_over(short_naps):
    with listening() as (made, store), peer(made.address.port) as sock:
        asleep(made, store, sock)
        for number in range(SLOTS + 100):
            sock.send(b"%d" % number)
        wait_until(lambda: store.received > SLOTS)
        made.catch_up()
        built = table.build([store.snapshot()])
    assert list(built.payload[1:]) == [b"%d" % number for number in range(SLOTS + 100)]


@pytest.mark.parametrize(
    "read",
    [
        lambda cap: len(cap.df),
        len,
        lambda cap: len(cap.tail(1000)),
        lambda cap: cap.statistics().received,
        lambda cap: sum(map(len, cap.snapshots())),
        lambda cap: cap.version and len(cap),
    ],
    ids=["df", "len", "tail", "statistics", "snapshots", "version"],
)
def test_every_reader_of_a_capture_has_it(read):
    with gd.listen("udp://127.0.0.1:0") as cap, peer(cap.port) as sock:
        asleep(cap.endpoints[0], cap._life.stores[0], sock)
        for _ in range(20):
            sock.send(b"again")
        assert read(cap) == 21


def test_who_waits_for_messages_gets_them():
    with gd.listen("udp://127.0.0.1:0") as cap, peer(cap.port) as sock:
        asleep(cap.endpoints[0], cap._life.stores[0], sock)
        for _ in range(20):
            sock.send(b"again")
        cap.wait_sync(21)
        for _ in range(20):
            sock.send(b"again")
        asyncio.run(cap.wait(41))


def test_who_stops_has_all_of_it():
    with gd.listen("udp://127.0.0.1:0") as cap, peer(cap.port) as sock:
        asleep(cap.endpoints[0], cap._life.stores[0], sock)
        for _ in range(20):
            sock.send(b"again")
    assert len(cap.df) == 21


def test_a_reply_that_is_set_during_a_nap_answers_what_waits_and_ends_it():
    with listening() as (made, store), peer(made.address.port) as sock:
        asleep(made, store, sock)
        sock.send(b"are you there?")
        made.set_reply(b"yes")
        assert sock.recv(100) == b"yes"
        wait_until(lambda: not any(naps(made)))


@pytest.mark.parametrize("options", [{"reply": b"yes"}, {"ping": 0.2}])
def test_who_answers_or_asks_never_naps(options):
    with listening(**options) as (made, store), peer(made.address.port) as sock:
        for number in range(1, 20):
            sock.send(b"now")
            wait_until(lambda number=number: store.received == number)
        assert not any(naps(made))


def test_pings_that_begin_during_a_nap_end_it():
    with listening() as (made, store), peer(made.address.port) as sock:
        asleep(made, store, sock)
        made.set_ping(0.05)
        assert b"ping" in sock.recv(1000)
        wait_until(lambda: not any(naps(made)))


def test_after_a_message_of_ours_its_answer_is_taken_at_once():
    with listening() as (made, store), peer(made.address.port) as sock:
        asleep(made, store, sock)
        made.send(Outgoing(b"question", "text"))
        assert sock.recv(100) == b"question"
        sock.send(b"answer")
        wait_until(lambda: store.received == 2)


def test_others_of_the_same_thread_are_served_meanwhile():
    loop, stores = Loop("gdlab shared"), (Store("a"), Store("b"))
    udp = listener(parse("udp://127.0.0.1:0"), stores[0], loop=loop)
    tcp = listener(parse("tcp://127.0.0.1:0"), stores[1], EndpointOptions(framing="u32le"), loop=loop)
    udp.start()
    tcp.start()
    with peer(udp.address.port) as sock, TcpClient(tcp.address.port) as sender:
        asleep(udp, stores[0], sock)
        sender.send(b"hello")
        wait_until(lambda: stores[1].received == 1)
        assert all(naps(udp))
    udp.close()
    tcp.close()
