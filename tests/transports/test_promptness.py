"""A nap is never seen: whoever reads, waits, asks or stops has what the kernel has."""

import asyncio
import contextlib
import socket
import sys

import pytest

import gdlab as gd
from gdlab.messages import TimeSource
from gdlab.store import Store, table
from gdlab.transports import EndpointOptions, Loop, UdpListener, listener, parse
from gdlab.transports.datagrams import OneByOne
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


def naps(endpoint):
    return [attention.naps_now for attention in endpoint._attentions.values()]


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


def test_times_that_we_take_ourselves_allow_no_nap(monkeypatch):
    monkeypatch.setattr("gdlab.transports.datagrams._ANCILLARY_BYTES", 0)  # as on Windows
    with listening(OneByOne) as (made, store), peer(made.address.port) as sock:
        for number in range(1, 20):
            sock.send(b"now")
            wait_until(lambda number=number: store.received == number)
        assert not any(naps(made))
    assert set(table.build([store.snapshot()]).time_source) == {TimeSource.USER}


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
