"""One thread for several endpoints, and what it does when one of them fails."""

import queue
import selectors
import socket
import sys
import threading
import time

import pytest

from gdlab.errors import EndpointClosed
from gdlab.store import Store
from gdlab.transports import EndpointOptions, Loop, State, listener, parse
from tests.transports.clients import TcpClient, UdpClient
from tests.waiting import limit, wait_until


def threads(name):
    return [thread for thread in threading.enumerate() if thread.name == name]


def test_several_endpoints_share_one_thread_which_ends_with_the_last():
    loop = Loop("gdlab shared")
    stores = Store("a"), Store("b")
    udp = listener(parse("udp://127.0.0.1:0"), stores[0], EndpointOptions(reply=b"yes"), loop=loop)
    tcp = listener(parse("tcp://127.0.0.1:0"), stores[1], EndpointOptions(framing="u32le"), loop=loop)
    udp.start()
    tcp.start()
    assert len(threads("gdlab shared")) == 1
    with UdpClient(udp.address.port) as sender:
        sender.send(b"ask")
        assert sender.receive() == b"yes"
    with TcpClient(tcp.address.port) as sender:
        sender.send(b"hello")
        wait_until(lambda: stores[1].received == 1)
        udp.close()
        assert udp.state is State.CLOSED
        sender.send(b"still there")
        wait_until(lambda: stores[1].received == 2)
    tcp.close()
    assert not threads("gdlab shared")


def test_an_endpoint_that_fails_leaves_the_others_of_its_loop():
    loop = Loop("gdlab shared")
    failing = listener(parse("udp://127.0.0.1:0"), Store("a"), loop=loop)
    store = Store("b")
    other = listener(parse("udp://127.0.0.1:0"), store, loop=loop)
    failing.start()
    other.start()

    def die():
        raise RuntimeError("out of cheese")

    failing.call(die)
    wait_until(lambda: failing.ended_ns is not None)
    assert failing.state is State.FAILED
    with UdpClient(other.address.port) as sender:
        sender.send(b"hello")
        wait_until(lambda: store.received == 1)
    other.close()
    failing.close()


def test_a_loop_that_was_never_started_ends_with_its_last_tenant():
    loop = Loop("gdlab shared")
    made = listener(parse("udp://127.0.0.1:0"), Store("a"), loop=loop)
    made.close()
    with pytest.raises(EndpointClosed, match="make a new one"):
        loop.enter()


def test_what_is_asked_of_a_loop_that_has_ended_is_refused():
    loop = Loop("gdlab alone")
    made = listener(parse("udp://127.0.0.1:0"), Store("a"), loop=loop)
    made.start()
    made.close()
    with pytest.raises(EndpointClosed):
        loop.ask(made, lambda: 1)


def test_an_answer_that_raises_to_the_system_is_a_row_like_any_other():
    def leave(_message):
        raise SystemExit("bye")

    store = Store("a")
    made = listener(parse("udp://127.0.0.1:0"), store, EndpointOptions(reply=leave))
    made.start()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for _ in range(2):
            sender.sendto(b"x", ("127.0.0.1", made.address.port))
        wait_until(lambda: store.statistics().errors == 2)
    assert made.state is State.LISTENING
    made.close()


def test_sockets_that_can_only_be_read_are_told_of_together_and_a_fault_is_their_tenants():
    class Tenant:
        def __init__(self):
            self.problems = []

        def failed(self, error):
            self.problems.append(str(error))

    def broken(_items):
        raise ValueError("no")

    loop, good, bad, told, alone = Loop("gdlab loop"), Tenant(), Tenant(), [], []
    loop.enter()
    pairs = [socket.socketpair() for _ in range(5)]
    read, write = selectors.EVENT_READ, selectors.EVENT_WRITE
    for number, (here, there) in enumerate(pairs):
        there.send(b"x")
        events, tenant = (read | write if number == 2 else read), (bad if number == 3 else good)
        loop.watch(tenant, here, events, alone.append, broken if tenant is bad else told.append, number)
    loop.turn(0)
    assert [sorted(items) for items in told] == [[0, 1, 4]]
    assert alone == [read | write]
    assert (good.problems, bad.problems) == ([], ["no"])
    for here, there in pairs:
        loop.watch(good, here, 0)
        here.close()
        there.close()
    loop.leave()


class Alone:
    """A tenant that does nothing of its own, and keeps what its functions raise."""

    def __init__(self):
        self.errors = []

    def failed(self, error):
        self.errors.append(error)


@pytest.fixture
def resting():
    """A loop, its tenant, and what its `rest` returns there."""
    loop, tenant = Loop("gdlab resting"), Alone()
    loop.enter()
    loop.start()
    yield loop, tenant
    loop.leave()
    assert loop.join(5)
    assert not tenant.errors


linux = pytest.mark.skipif(sys.platform != "linux", reason="there is no rest but by epoll; timers are there")


@linux
def test_it_rests_as_long_as_nothing_happens(resting):
    loop, tenant = resting

    def rest():
        begin = time.monotonic()
        return loop.rest(0.05), time.monotonic() - begin

    undisturbed, took_s = loop.ask(tenant, rest)
    assert undisturbed
    assert took_s >= 0.05


@linux
def test_what_others_ask_for_or_send_ends_its_rest(resting):
    loop, tenant = resting
    rested, done, begun = queue.Queue(), threading.Event(), threading.Event()

    def rest():
        begun.set()
        rested.put(loop.rest(60))

    loop.call(tenant, rest)
    assert begun.wait(limit(5))
    loop.call(tenant, done.set)
    assert rested.get(timeout=limit(5)) is False
    assert done.wait(limit(5))

    here, there = socket.socketpair()
    with here, there:
        read = queue.Queue()
        loop.ask(
            tenant, lambda: loop.watch(tenant, here, selectors.EVENT_READ, lambda _: read.put(here.recv(9)))
        )
        begun.clear()
        loop.call(tenant, rest)
        assert begun.wait(limit(5))
        there.send(b"hello")
        assert rested.get(timeout=limit(5)) is False
        assert read.get(timeout=limit(5)) == b"hello"
        loop.ask(tenant, lambda: loop.watch(tenant, here, 0))


@linux
def test_it_does_not_rest_beyond_a_timer(resting):
    loop, tenant = resting
    rung = threading.Event()

    def rest():
        loop.after(tenant, 0.01, rung.set)
        return loop.rest(60)

    assert loop.ask(tenant, rest) is False
    assert rung.wait(limit(5))
