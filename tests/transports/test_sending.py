"""Many datagrams of one socket: sent together as one by one, up to what the system refuses."""

import contextlib
import errno
import random
import socket

import numpy as np
import pytest

from gdlab import clock
from gdlab.transports.datagrams import OneByOne, prepare_datagrams
from gdlab.transports.mmsghdr import name_of, source_of
from gdlab.transports.sending import SLOTS, Datagrams, EachSender, TogetherSender, available

pytestmark = pytest.mark.skipif(not available(), reason="this system does not send many datagrams at once")

HOSTS = {socket.AF_INET: "127.0.0.1", socket.AF_INET6: "::1"}


def columns(payloads, sources, which):
    sizes = np.array(list(map(len, payloads)), np.int64)
    return Datagrams(np.frombuffer(b"".join(payloads), np.uint8), sizes, sources, np.array(which, np.intp))


@contextlib.contextmanager
def sockets(count, family=socket.AF_INET):
    with contextlib.ExitStack() as stack:
        made = [stack.enter_context(socket.socket(family, socket.SOCK_DGRAM)) for _ in range(count)]
        for sock in made:
            sock.bind((HOSTS[family], 0))
            sock.setblocking(False)
            prepare_datagrams(sock)
        yield made


def senders(sock):
    return [TogetherSender(sock), EachSender(sock.sendto)]


def received(sock):
    return [bytes(one.payload) for one in OneByOne(sock).receive(few=10_000)]


@pytest.mark.parametrize("family", HOSTS)
@pytest.mark.parametrize("peers", [1, 3, 70])
def test_together_is_the_same_as_one_by_one(family, peers):
    chance = random.Random(peers)
    payloads = [chance.randbytes(chance.choice([0, 1, 64, 64, 64, 1500, 9000])) for _ in range(3 * SLOTS + 5)]
    which = [chance.randrange(peers) for _ in payloads]
    with sockets(peers + 1, family) as (own, *others):
        for sender in senders(own):
            readings = np.zeros(len(payloads), np.int64)
            sources = [sock.getsockname() for sock in others]
            assert sender.send(columns(payloads, sources, which), 0, readings) == (len(payloads), None)
            assert (readings > 0).all()
            assert (np.diff(readings) >= 0).all()
            for number, sock in enumerate(others):
                wanted = [one for one, mine in zip(payloads, which, strict=True) if mine == number]
                assert received(sock) == wanted


def test_whom_it_is_for_may_change_from_call_to_call():
    with sockets(4) as (own, *others):
        names = [sock.getsockname() for sock in others]
        sender = TogetherSender(own)
        wanted = [[] for _ in others]
        for number, sources in enumerate([names[:1], names, names[1:2], names[::-1], names[:1], names[2:]]):
            payloads = [b"%d/%d" % (number, row) for row in range(5)]
            which = [row % len(sources) for row in range(5)]
            sender.send(columns(payloads, sources, which), 0, np.zeros(5, np.int64))
            for payload, place in zip(payloads, which, strict=True):
                wanted[names.index(sources[place])].append(payload)
        assert [received(sock) for sock in others] == wanted


@pytest.mark.parametrize("place", [0, 7, SLOTS - 1, SLOTS, 2 * SLOTS + 1])
def test_what_the_system_refuses_ends_it_there_with_the_reason(place):
    payloads = [b"%d" % row for row in range(2 * SLOTS + 2)]
    payloads[place] = bytes(70_000)
    with sockets(2) as (own, other):
        for sender in senders(own):
            readings = np.zeros(len(payloads), np.int64)
            datagrams = columns(payloads, [other.getsockname()], [0] * len(payloads))
            end, error = sender.send(datagrams, 0, readings)
            assert (end, error.errno) == (place, errno.EMSGSIZE)
            assert sender.send(datagrams, place + 1, readings) == (len(payloads), None)
            assert received(other) == payloads[:place] + payloads[place + 1 :]


def test_no_datagram_leaves_before_the_time_it_is_given():
    payloads = [b"x"] * 200
    with sockets(2) as (own, other):
        for sender in senders(own):
            readings = np.zeros(len(payloads), np.int64)
            sender.send(columns(payloads, [other.getsockname()], [0] * 200), 0, readings)
            (batch,) = OneByOne(other).receive()
            assert (batch.time_ns >= clock.from_readings(readings)).all()


def test_a_connected_socket_sends_to_its_peer():
    with sockets(2) as (own, other):
        own.connect(other.getsockname())
        sent = TogetherSender(own).send(
            columns([b"a", b"b"], [other.getsockname()], [0, 0]), 0, np.zeros(2, np.int64)
        )
        assert sent == (2, None)
        assert received(other) == [b"a", b"b"]


@pytest.mark.parametrize("source", [("192.0.2.7", 4242), ("::1", 1, 0, 0), ("fe80::17", 65_535, 5, 3)])
def test_an_address_is_read_as_it_was_written(source):
    assert source_of(name_of(source)) == source
