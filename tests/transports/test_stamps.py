"""Times that the kernel gives to datagrams, in both forms that there are."""

from __future__ import annotations

import socket
import struct
import sys
import time

import pytest

from gdlab.messages import TimeSource
from gdlab.transports import datagrams
from gdlab.transports.datagrams import Batch, OneByOne, stamp_and_drops
from tests.waiting import limit


@pytest.mark.skipif(
    sys.platform != "linux", reason="the option's number is that of Linux; macOS uses its own"
)
def test_the_form_with_microseconds_that_macos_has_is_read():
    with (
        socket.socket(type=socket.SOCK_DGRAM) as receiver,
        socket.socket(type=socket.SOCK_DGRAM) as sender,
    ):
        receiver.bind(("127.0.0.1", 0))
        receiver.settimeout(limit(5))
        receiver.setsockopt(socket.SOL_SOCKET, datagrams.SO_TIMESTAMP, 1)
        before = time.time_ns()
        sender.sendto(b"x", receiver.getsockname())
        _, ancillary, _, _ = receiver.recvmsg(100, socket.CMSG_SPACE(16))
        after = time.time_ns()
    time_ns, source, drops = stamp_and_drops(ancillary)
    assert (source, drops) == (TimeSource.KERNEL, None)
    # Cut to microseconds; the kernel's clock is that of time_ns.
    assert before - 1000 <= time_ns <= after
    assert time_ns % 1000 == 0


@pytest.mark.skipif(
    sys.platform != "linux", reason="the option's number is that of Linux; macOS uses its own"
)
@pytest.mark.parametrize("count", [3, 100])
def test_many_stamps_of_that_form_are_read_as_one_by_one(count, monkeypatch):
    with (
        socket.socket(type=socket.SOCK_DGRAM) as sock,
        socket.socket(type=socket.SOCK_DGRAM) as sender,
    ):
        sock.bind(("127.0.0.1", 0))
        sock.setblocking(False)
        datagrams.prepare_datagrams(sock)
        receiver = OneByOne(sock)
        sock.setsockopt(socket.SOL_SOCKET, datagrams.SO_TIMESTAMP, 1)
        monkeypatch.setattr(datagrams, "_USUAL_STAMP", datagrams.SCM_TIMESTAMP)
        bounds = [time.time_ns()]
        for number in range(count):
            sender.sendto(b"%d" % number, sock.getsockname())
            bounds.append(time.time_ns())
        times: list[int] = []
        for arrived in receiver.receive():
            assert arrived.time_source is TimeSource.KERNEL
            times.extend(arrived.time_ns.tolist() if isinstance(arrived, Batch) else [arrived.time_ns])
    assert len(times) == count
    for first, last, time_ns in zip(bounds, bounds[1:], times, strict=False):
        assert first - 1000 <= time_ns <= last
        assert time_ns % 1000 == 0


@pytest.mark.parametrize("count", [1, 50])
def test_what_stands_behind_the_32_bits_of_many_is_not_read(count, monkeypatch):
    monkeypatch.setattr(datagrams, "SCM_TIMESTAMP", 0x02)
    monkeypatch.setattr(datagrams, "_USUAL_STAMP", 0x02)
    stamps = [struct.pack("@liI", 1_700_000_000, 123_456 + number, 0xDEADBEEF) for number in range(count)]

    class Mac(socket.socket):
        def recvmsg(self, *_sizes):
            if not stamps:
                raise BlockingIOError
            return b"x", [(socket.SOL_SOCKET, 0x02, stamps.pop(0))], 0, ("127.0.0.1", 1)

    with Mac(type=socket.SOCK_DGRAM) as sock:
        datagrams.prepare_datagrams(sock)
        times = [
            time_ns
            for arrived in OneByOne(sock).receive()
            for time_ns in (arrived.time_ns.tolist() if isinstance(arrived, Batch) else [arrived.time_ns])
        ]
    assert times == [1_700_000_000_123_456_000 + 1000 * number for number in range(count)]


def test_what_stands_behind_the_32_bits_of_macos_is_not_read(monkeypatch):
    monkeypatch.setattr(datagrams, "SCM_TIMESTAMP", 0x02)
    data = struct.pack("@liI", 1_700_000_000, 123_456, 0xDEADBEEF)
    time_ns, source, _ = stamp_and_drops([(socket.SOL_SOCKET, 0x02, data)])
    assert (time_ns, source) == (1_700_000_000_123_456_000, TimeSource.KERNEL)


def test_a_message_cut_short_is_no_stamp():
    before = time.time_ns()
    time_ns, source, _ = stamp_and_drops([(socket.SOL_SOCKET, datagrams.SCM_TIMESTAMP, b"12345")])
    assert source is TimeSource.USER
    assert time_ns >= before
