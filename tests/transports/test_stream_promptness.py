"""A nap of a listener of many connections is never seen: whoever reads, waits, sends or stops has what has come."""

import asyncio
import contextlib
import sys
import threading
import time

import pytest

import gdlab as gd
from gdlab.messages import TimeSource
from gdlab.store import Store
from gdlab.transports import EndpointOptions, Loop, listener, parse
from gdlab.transports.encoding import Outgoing
from gdlab.transports.stream_naps import StreamNaps
from tests.transports.clients import TcpClient, WebSocketClient, listening, rows
from tests.waiting import limit, wait_until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="no other kernel stamps what streams bring")

CLIENTS = {"tcp": TcpClient, "ws": WebSocketClient}


@pytest.fixture(autouse=True)
def long_naps(monkeypatch):
    """A nap lasts a minute, and another one follows, unless something ends it; only `asleep` begins one."""
    monkeypatch.setattr(StreamNaps, "looked", lambda self, *_arguments: 60.0 if self.naps_now else 0.0)
    monkeypatch.setattr("gdlab.transports.promptness.PROMPT_FOR_S", 0.0)  # the handshakes are over


@pytest.fixture
def eager(monkeypatch):
    """It would nap after each turn."""
    monkeypatch.setattr(StreamNaps, "looked", lambda *_arguments: 60.0)
    monkeypatch.setattr(Loop, "put_off", lambda *_arguments: pytest.fail("a nap"))


@pytest.fixture(params=CLIENTS)
def scheme(request):
    return request.param


@contextlib.contextmanager
def napping(scheme, count=3, **options):
    """A listener with connections that naps, each has sent `first`; its clients."""
    address = f"{scheme}://127.0.0.1:0"
    with listening(address, framing="u32le", **options) as (made, store), contextlib.ExitStack() as stack:
        yield made, store, asleep(made, store, stack, scheme, count)


def asleep(made, store, stack, scheme="tcp", count=3):
    clients = [stack.enter_context(CLIENTS[scheme](made.address.port)) for _ in range(count)]
    for client in clients:
        client.send(b"first")
    wait_until(lambda: made.catch_up() or store.received == count)
    until_it_naps(made)
    return clients


def until_it_naps(made):
    """It has done what it was told before, and nothing but what it is told from now on ends its nap."""
    loop, begun, told = made._loop, [], threading.Event()
    naps = loop._nap

    def nap(most_s):
        told.wait(limit(10))
        loop._woken()  # by what it has done
        begun.append(most_s)
        naps(most_s)

    def begin():
        made._naps.naps_now = True
        loop._nap = nap
        loop.put_off(60.0)

    wait_until(lambda: not made._is_due)  # a timer would end it
    made.call(begin)
    told.set()
    wait_until(lambda: begun)
    loop._nap = naps


def payloads(store):
    built = rows(store)
    return list(built.payload[(built.event == "message") & (built.direction == "in")])


def test_who_reads_has_all_that_has_arrived(scheme):
    with napping(scheme) as (made, store, clients):
        for number in range(60):
            clients[number % 3].send(b"%d" % number)
        assert store.received == 3
        made.catch_up()
        assert store.received == 63
    assert sorted(payloads(store)[3:]) == sorted(b"%d" % number for number in range(60))


def test_each_of_many_connections_keeps_the_time_at_which_its_message_came(scheme):
    with napping(scheme, 200, max_connections=300) as (made, store, clients):
        before_ns = []
        for number, client in enumerate(clients):
            before_ns.append(time.time_ns())
            client.send(b"%d" % number)
        sent_by = time.time_ns()
        made.catch_up()
        assert store.received == 400
    built = rows(store).query("event == 'message'").iloc[200:]
    assert set(built.time_source) == {"kernel"}
    assert built.time.is_monotonic_increasing
    times = dict(zip(map(int, built.payload), built.time.astype("int64"), strict=True))
    assert all(before <= times[number] <= sent_by for number, before in enumerate(before_ns))


@pytest.mark.parametrize("end", ["stop", "reply", "ping", "send"])
def test_nothing_is_missing_however_a_nap_ends(scheme, end):
    with napping(scheme) as (made, store, clients):
        for number in range(30):
            clients[number % 3].send(b"%d" % number)
        clients[2].close()
        assert store.received == 3
        if end == "stop":
            made.close()
        elif end == "reply":
            made.set_reply(b"yes")
            assert clients[0].receive() if scheme == "tcp" else clients[0].receive_frame()
        elif end == "ping":
            made.set_ping(0.05)
            assert b"ping" in (clients[0].receive() if scheme == "tcp" else clients[0].receive_frame()[1])
        else:
            made.send(Outgoing(b"question", "text"))
        wait_until(lambda: store.received == 33)
    built = rows(store)
    for peer, its in built[built.peer != ""].groupby("peer", observed=True):
        came = its[its.direction == "in"]
        assert [*came.event] == ["open", *["message"] * 11, "close"], peer
        numbers = [int(payload) for payload in came.payload.iloc[2:-1]]
        assert numbers == sorted(numbers)


@pytest.mark.parametrize("wire", [b"\xff" * 100, b"\5\0\0\0whole\5\0\0\0par"], ids=["hostile", "cut off"])
def test_what_ends_a_connection_in_a_nap_ends_no_other(wire):
    with napping("tcp") as (made, store, clients):
        clients[0].send(b"before")
        clients[0].sock.sendall(wire)
        clients[1].reset()
        clients[2].send(b"after")
        clients[0].close()
        made.catch_up()
        wait_until(lambda: made.catch_up() or made.statistics().connections == 1)
        clients[2].send(b"still")
        made.catch_up()
        assert store.received == 6 + (b"whole" in wire)
    built = rows(store)
    assert (built.event == "close").sum() == 3
    assert set(payloads(store)) >= {b"before", b"after", b"still"}


@pytest.mark.parametrize(
    "read",
    [
        lambda cap: len(cap.df.query("event == 'message'")),
        lambda cap: len(cap) - 3,
        lambda cap: len(cap.tail(1000)) - 3,
        lambda cap: cap.statistics().received,
        lambda cap: sum(map(len, cap.snapshots())) - 3,
        lambda cap: cap.version and len(cap) - 3,
    ],
    ids=["df", "len", "tail", "statistics", "snapshots", "version"],
)
def test_every_reader_of_a_capture_has_it(read):
    with gd.listen("tcp://127.0.0.1:0", framing="u32le") as cap, contextlib.ExitStack() as stack:
        clients = asleep(cap.endpoints[0], cap._life.stores[0], stack)
        for client in clients:
            client.send(b"again")
        assert read(cap) == 6


def test_who_waits_for_messages_gets_them():
    with gd.listen("tcp://127.0.0.1:0", framing="u32le") as cap, contextlib.ExitStack() as stack:
        clients = asleep(cap.endpoints[0], cap._life.stores[0], stack)
        for client in clients:
            client.send(b"again")
        cap.wait_sync(6)
        for client in clients:
            client.send(b"again")
        asyncio.run(cap.wait(9))


@pytest.mark.parametrize("options", [{"reply": b"yes"}, {"ping": 600.0}])
@pytest.mark.usefixtures("eager")
def test_who_answers_or_asks_never_naps(scheme, options):
    with listening(f"{scheme}://127.0.0.1:0", framing="u32le", **options) as (made, store):
        with CLIENTS[scheme](made.address.port) as client:
            for number in range(1, 20):
                client.send(b"now")
                wait_until(lambda number=number: made.catch_up() or store.received == number)
        assert made.error is None


def test_nobody_naps_for_a_second_after_something_was_sent(scheme, monkeypatch):
    with napping(scheme) as (made, store, clients):
        monkeypatch.setattr("gdlab.transports.promptness.PROMPT_FOR_S", 3600.0)
        monkeypatch.setattr(StreamNaps, "looked", lambda *_arguments: 60.0)
        made.send(Outgoing(b"question", "text"))
        monkeypatch.setattr(Loop, "put_off", lambda *_arguments: pytest.fail("a nap"))
        for number in range(4, 20):
            clients[0].send(b"answer")
            wait_until(lambda number=number: made.catch_up() or store.received == number)
        assert made.error is None


@pytest.mark.usefixtures("eager")
def test_times_that_we_take_ourselves_allow_no_nap(monkeypatch):
    monkeypatch.setattr("gdlab.transports.connections._ANCILLARY_BYTES", 0)  # as on Windows and macOS
    with listening("tcp://127.0.0.1:0", framing="u32le") as (made, store), contextlib.ExitStack() as stack:
        clients = [stack.enter_context(TcpClient(made.address.port)) for _ in range(3)]
        for client in clients:
            client.send(b"now")
        wait_until(lambda: made.catch_up() or store.received == 3)
        assert made.error is None
    assert set(rows(store).time_source[rows(store).event == "message"]) == {TimeSource.USER}


def test_timers_end_a_nap_in_time():
    with napping("tcp") as (made, store, clients):
        due = []
        clients[0].send(b"again")
        made.call(lambda: made._after(0.02, lambda: due.append(store.received)))
        wait_until(lambda: due)
        made.catch_up()
        assert store.received == 4


def test_another_endpoint_of_the_same_thread_is_served_at_once(monkeypatch):
    monkeypatch.setattr(StreamNaps, "looked", lambda *_arguments: 60.0)
    loop, stores = Loop("gdlab shared"), (Store("a"), Store("b"))
    options = EndpointOptions(framing="u32le")
    with contextlib.ExitStack() as stack:
        made = [listener(parse("tcp://127.0.0.1:0"), store, options, loop=loop) for store in stores]
        for one in made:
            one.start()
            stack.callback(one.close)
        first, second = (stack.enter_context(TcpClient(one.address.port)) for one in made)
        # Nobody looks, as a look would end a nap.
        for number in range(1, 10):
            first.send(b"hello")
            wait_until(lambda number=number: stores[0].received == number)
            second.send(b"hello")
            wait_until(lambda number=number: stores[1].received == number)
        assert [one.error for one in made] == [None, None]
