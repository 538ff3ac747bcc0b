"""Where the times are our own: a listener stays at its socket, and takes each datagram as it comes."""

import contextlib
import random
import selectors
import socket
import threading

import pytest

import gdlab as gd
from gdlab import clock
from gdlab.errors import EndpointClosed
from gdlab.messages import TimeSource
from gdlab.store import Store, table
from gdlab.transports import EndpointOptions, Loop, State, UdpListener, listener, parse, parse_remote
from gdlab.transports.clients import UdpClient
from gdlab.transports.datagrams import TURN, OneByOne
from gdlab.transports.encoding import Outgoing
from gdlab.transports.naps import BEGIN_HZ, Naps
from tests.transports.clients import TcpClient
from tests.waiting import limit, wait_until

_SELECTORS = {
    selectors.DefaultSelector,
    selectors.SelectSelector,
    getattr(selectors, "PollSelector", selectors.SelectSelector),
}


@pytest.fixture(autouse=True, params=sorted(_SELECTORS, key=str))
def selector(request, monkeypatch):
    """As on Windows: without the kernel's stamps, and also with the selector that is there."""
    monkeypatch.setattr("gdlab.transports.datagrams._ANCILLARY_BYTES", 0)
    monkeypatch.setattr("gdlab.transports.loop.selectors.DefaultSelector", request.param)


@pytest.fixture
def stays(monkeypatch):
    """It stays for a minute, unless something asks for what has come."""
    monkeypatch.setattr(Naps, "looked", lambda *_arguments, **_more: 60.0)


@contextlib.contextmanager
def listening(address="udp://127.0.0.1:0", **options):
    store = Store(address)
    bound = UdpListener.bind(parse(address))
    made = UdpListener(bound, store, EndpointOptions(**options), receiver=OneByOne)
    made.start()
    try:
        yield made, store
    finally:
        made.close()


@contextlib.contextmanager
def peer(port, host="127.0.0.1"):
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as sock:
        sock.settimeout(limit(5))
        sock.connect((host, port))
        yield sock


def taken(made):
    """How many datagrams have been taken and are no rows yet."""
    return sum(len(receiver._kept.payloads) for receiver in made._receivers.values())


def staying(made, store, *peers):
    """Have it stay, after one datagram of each."""
    for number, sock in enumerate(peers, 1):
        sock.send(b"first")
        wait_until(lambda number=number: made.catch_up() or store.received == number)
    wait_until(lambda: all(each.lags for each in made._attentions.values()))


def test_each_has_the_time_at_which_it_came_though_its_row_comes_later(stays):
    bounds = []
    with listening() as (made, store), peer(made.address.port) as sock:
        staying(made, store, sock)
        for number in range(1, 60):
            before_ns = clock.now_ns()
            sock.send(b"%d" % number)
            wait_until(lambda number=number: taken(made) == number)
            bounds.append((before_ns, clock.now_ns()))
        assert store.received == 1
        made.catch_up()
        assert store.received == 60
    built = table.build([store.snapshot()])[1:]
    assert list(built.payload) == [b"%d" % number for number in range(1, 60)]
    assert set(built.time_source) == {TimeSource.USER}
    for time, (first, last) in zip(built.time, bounds, strict=True):
        assert first <= time.value <= last


@pytest.mark.parametrize("end", ["read", "reply", "send", "ping", "stop"])
def test_what_has_come_is_complete_and_in_order_however_it_ends(stays, end):
    chance = random.Random(end)
    payloads = [chance.randbytes(chance.choice([0, 3, 64, 64, 2048, 9000])) for _ in range(90)]
    with listening() as (made, store), peer(made.address.port) as one, peer(made.address.port) as other:
        staying(made, store, one, other)
        for number, payload in enumerate(payloads, 1):
            (one if number % 3 else other).send(payload)
            if number % 5 == 0:
                wait_until(lambda number=number: taken(made) == number)
        assert store.received == 2
        if end == "read":
            made.catch_up()
        elif end == "reply":
            made.set_reply(b"yes")
            for number, _ in enumerate(payloads, 1):
                assert (one if number % 3 else other).recv(100) == b"yes"
        elif end == "send":
            made.send(Outgoing(b"question", "text"))
            wait_until(lambda: store.statistics().sent)
        elif end == "ping":
            made.set_ping(60.0)
            wait_until(lambda: store.received == 92)
        else:
            made.close()
        assert store.received == 92
        if end in {"reply", "send", "ping"}:
            wait_until(lambda: not any(each.lags for each in made._attentions.values()))
    built = table.build([store.snapshot()])
    came = built[built.direction == "in"]
    assert list(came.payload[2:]) == payloads
    assert came.time.is_monotonic_increasing
    names = dict(zip(came.payload[:2].index, came.peer[:2], strict=True))
    assert list(came.peer[2:]) == [names[0 if number % 3 else 1] for number in range(1, 91)]
    assert store.statistics().errors == 0


def test_more_than_can_be_kept_is_handed_over(stays):
    with listening() as (made, store), peer(made.address.port) as sock:
        staying(made, store, sock)
        for start in range(0, TURN + 100, 50):
            for number in range(start, start + 50):
                sock.send(b"%d" % number)
            wait_until(lambda start=start: taken(made) + store.received == start + 51)
        assert store.received > TURN
        made.catch_up()
        built = table.build([store.snapshot()])
    assert list(built.payload[1:]) == [b"%d" % number for number in range(TURN + 100)]


def test_a_steady_stream_makes_it_stay_and_silence_ends_that():
    with listening() as (made, store), peer(made.address.port) as sock:
        (attention,) = made._attentions.values()
        pause, sent = threading.Event(), 0
        while not attention.lags:
            sock.send(b"%d" % sent)
            sent += 1
            pause.wait(0.2 / BEGIN_HZ)
        wait_until(lambda: not attention.lags)
        assert store.received == sent
        sock.send(b"rare")
        wait_until(lambda: store.received == sent + 1)
        assert not attention.lags
    assert list(table.build([store.snapshot()]).payload) == [b"%d" % n for n in range(sent)] + [b"rare"]


def test_both_families_of_localhost_are_stayed_at(stays):
    with listening("udp://localhost:0") as (made, store):
        if len(made._sockets) < 2:
            pytest.skip("without IPv6")
        with peer(made.address.port) as four, peer(made.address.port, "::1") as six:
            staying(made, store, four, six)
            for number in range(100):
                (six if number % 3 else four).send(b"%d" % number)
                if number % 7 == 0:
                    wait_until(lambda number=number: taken(made) == number + 1)
            wait_until(lambda: taken(made) == 100)
            assert store.received == 2
            made.catch_up()
        built = table.build([store.snapshot()])[2:]
    for family, numbers in (("127", range(0, 100, 3)), ("[::1]", [n for n in range(100) if n % 3])):
        assert list(built.payload[built.peer.str.startswith(family)]) == [b"%d" % n for n in numbers]


def test_others_of_the_same_thread_are_served_though_datagrams_never_cease(stays, monkeypatch):
    monkeypatch.setattr(OneByOne, "turn", 1_000_000)
    loop, stores, ended = Loop("gdlab shared"), (Store("a"), Store("b")), threading.Event()
    bound = UdpListener.bind(parse("udp://127.0.0.1:0"))
    udp = UdpListener(bound, stores[0], loop=loop, receiver=OneByOne)
    tcp = listener(parse("tcp://127.0.0.1:0"), stores[1], EndpointOptions(framing="u32le"), loop=loop)
    udp.start()
    tcp.start()
    with peer(udp.address.port) as sock, TcpClient(tcp.address.port) as sender:

        def stream():
            while not ended.wait(0.0002):
                sock.send(b"on and on")

        staying(udp, stores[0], sock)
        thread = threading.Thread(target=stream)
        thread.start()
        try:
            wait_until(lambda: taken(udp) > 1)
            sender.send(b"hello")
            wait_until(lambda: stores[1].received == 1)
            told = threading.Event()
            loop.call(udp, lambda: loop.after(udp, 0.01, told.set))
            assert told.wait(limit(10))
        finally:
            ended.set()
            thread.join()
    udp.close()
    tcp.close()


def test_a_client_that_stays_is_told_of_what_it_sent_before(stays, monkeypatch):
    monkeypatch.setattr("gdlab.transports.udp.best_receiver", OneByOne)
    monkeypatch.setattr("gdlab.transports.promptness.PROMPT_FOR_S", 0.0)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as game:
        game.bind(("127.0.0.1", 0))
        game.settimeout(limit(5))
        store = Store("x")
        made = UdpClient.at(parse_remote(f"udp://127.0.0.1:{game.getsockname()[1]}"), store)
        made._new_receiver = OneByOne
        made.start()
        try:
            made.send(Outgoing(b"hello", "text"))
            _, there = game.recvfrom(100)
            game.sendto(b"first", there)
            wait_until(lambda: store.received == 1)
            assert all(each.lags for each in made._attentions.values())
            game.sendto(b"second", there)
            wait_until(lambda: taken(made) == 1)
            game.close()
            made.ask(lambda: made._sockets[0].send(b"anybody?"))
            wait_until(lambda: made.catch_up() or store.statistics().errors)
        finally:
            made.close()
    assert store.received == 2


@pytest.mark.parametrize("read", [lambda cap: len(cap.df), len, lambda cap: cap.statistics().received])
def test_every_reader_of_a_capture_has_it(read, stays, monkeypatch):
    monkeypatch.setattr("gdlab.transports.udp.available", lambda: False)
    with gd.listen("udp://127.0.0.1:0") as cap, peer(cap.port) as sock:
        staying(cap.endpoints[0], cap._life.stores[0], sock)
        for _ in range(20):
            sock.send(b"again")
        wait_until(lambda: taken(cap.endpoints[0]) == 20)
        assert read(cap) == 21


def test_a_listener_that_fails_while_it_stays_says_why(stays, caplog):
    with listening() as (made, store), peer(made.address.port) as sock:
        staying(made, store, sock)

        def broken(_wait):
            raise OSError(5, "out of cheese")

        for receiver in made._receivers.values():
            receiver.stay = broken
        sock.send(b"one")
        with contextlib.suppress(EndpointClosed):  # it may have come to it already
            made.ask(lambda: None)
        sock.send(b"two")
        wait_until(lambda: made.ended_ns is not None)
    assert made.state is State.FAILED
    assert "out of cheese" in caplog.text
