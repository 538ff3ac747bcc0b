"""A wall clock that is set while a capture runs moves no stamp: differences stay true."""

from __future__ import annotations

import socket
import struct
import sys
import time

import pytest

import gdlab as gd
from gdlab import clock
from gdlab.messages import TimeSource
from gdlab.transports.datagrams import SO_TIMESTAMPNS, stamp_and_drops

HOUR_NS = 3600 * 10**9

#: A machine may be having its own clock slewed, by milliseconds per second; less than a step is not told apart.
SLEWED_NS = 10_000_000

linux_only = pytest.mark.skipif(
    sys.platform != "linux", reason="elsewhere the clock is a counter, which nobody sets"
)


@pytest.fixture
def set_forward(monkeypatch):
    """Set the wall clock forward by so many nanoseconds, as far as gdlab can see."""
    monkeypatch.setattr(clock, "_anchor_ns", clock._anchor_ns)
    monkeypatch.setattr(clock, "_step_ns", 0)
    real = clock._real_ns

    def by(ns):
        monkeypatch.setattr(clock, "_real_ns", lambda: real() + ns)

    return by


@pytest.mark.parametrize("step_ns", [HOUR_NS, -HOUR_NS, 50_000_000])
def test_a_step_is_taken_off(set_forward, step_ns):
    before = clock.now_ns()
    set_forward(step_ns)
    after = clock.now_ns()
    assert -SLEWED_NS <= after - before < 10 * 10**9
    assert clock.stepped_ns() == pytest.approx(step_ns, abs=5_000_000)


def test_without_a_step_the_stamp_is_the_wall_clock_itself():
    assert clock.stepped_ns() == 0
    before = time.time_ns()
    assert before - 10_000_000 <= clock.now_ns() <= time.time_ns() + 10_000_000


@linux_only
@pytest.mark.parametrize("step_ns", [HOUR_NS, -HOUR_NS, 50_000_000])
def test_stamps_that_come_often_are_followed_by_steps_just_as_well(set_forward, step_ns):
    assert clock.taken_off(time.time_ns()) == 0
    set_forward(step_ns)
    for _ in range(3):
        assert clock.taken_off(time.time_ns() + step_ns) == pytest.approx(step_ns, abs=5_000_000)
    set_forward(0)
    for _ in range(3):
        assert clock.taken_off(time.time_ns()) == pytest.approx(0, abs=5_000_000)


def test_a_step_back_again_is_none(set_forward):
    set_forward(HOUR_NS)
    assert clock.stepped_ns() > 0
    set_forward(0)
    assert abs(clock.stepped_ns()) < 5_000_000


@linux_only
def test_a_stamp_of_the_kernel_is_of_the_same_clock(set_forward):
    before = clock.now_ns()
    set_forward(HOUR_NS)
    stepped = time.time_ns() + HOUR_NS  # what the kernel would stamp
    data = struct.pack("@qq", stepped // 10**9, stepped % 10**9)
    time_ns, source, _ = stamp_and_drops([(socket.SOL_SOCKET, SO_TIMESTAMPNS, data)])
    assert source is TimeSource.KERNEL
    assert -SLEWED_NS <= time_ns - before < 10 * 10**9


@linux_only
@pytest.mark.parametrize("count", [1, 500], ids=["one", "a batch"])
def test_what_arrives_after_a_step_follows_what_came_before(monkeypatch, count):
    cap = gd.listen("udp://127.0.0.1:0", restart=True)
    with cap, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as game:
        game.sendto(b"before", ("127.0.0.1", cap.port))
        cap.wait_sync(1)
        # The kernel's clock cannot be set in a test: that it is behind looks as if all other clocks had been set.
        monkeypatch.setattr(clock, "_step_ns", -HOUR_NS)
        monkeypatch.setattr(clock, "_anchor_ns", clock._anchor_ns + HOUR_NS)
        for _ in range(count):
            game.sendto(b"after", ("127.0.0.1", cap.port))
        cap.wait_sync(1 + count)
        times = cap.df.time
    assert (times.iloc[1:] - times.iloc[0]).dt.total_seconds().to_numpy() == pytest.approx(3600, abs=60)


def test_something_new_begins_with_the_clock_as_it_is(set_forward):
    set_forward(HOUR_NS)
    assert clock.stepped_ns() > 0
    with gd.listen("udp://127.0.0.1:0", restart=True) as cap:
        assert clock.stepped_ns() == 0
        assert abs(cap.began_ns - time.time_ns() - HOUR_NS) < 60 * 10**9
