"""When a listener naps, and for how long; the time is made up, so the answers are exact."""

import pytest

from gdlab.transports.naps import LEAST_S, NAP_S, Naps, buffered_bytes

LARGE = 8 * 2**20
DEFAULT = 212_992


class Stream:
    """One datagram after the other, and a listener that naps or is woken, late by so much."""

    def __init__(self, rate_hz, *, buffer_bytes=LARGE, size=64, late_s=0.0, most=1000):
        self.rate_hz, self.size, self.late_s, self.most = rate_hz, size, late_s, most
        self.naps = Naps(buffer_bytes)
        self.now = 0.0
        self.taken = 0
        self.looks = self.peeks = 0
        self.fullest = 0
        self.longest_s = 0.0

    def waiting(self):
        return int(self.now * self.rate_hz + 1e-6) - self.taken

    def look(self):
        waiting = self.waiting()
        self.fullest = max(self.fullest, buffered_bytes(waiting, waiting * self.size))
        found = min(waiting, self.most)
        self.taken += found
        self.looks += 1
        return self.naps.looked(self.now, found, found * self.size, full=found == self.most, most=self.most)

    def run(self, seconds, *, tells=True):
        """Return the seconds that the last nap was to last; 0 where it is woken by each datagram."""
        until, wait_s, begun = self.now + seconds, 0.0, self.now
        while self.now < until:
            if not wait_s:  # the next datagram wakes it
                self.now = max(self.now, (self.taken + 1) / self.rate_hz)
                begun, wait_s = self.now, self.look()
                continue
            self.now += wait_s + self.late_s
            self.peeks += 1
            waiting = self.waiting()
            filled = buffered_bytes(waiting, waiting * self.size) if tells else None
            wait_s = self.naps.peeked(self.now, filled)
            if not wait_s:
                self.longest_s = self.now - begun
                begun, wait_s = self.now, self.look()
        return self.longest_s


@pytest.mark.parametrize("rate_hz", [1, 60, 200])
def test_rare_datagrams_are_taken_at_once(rate_hz):
    assert Stream(rate_hz).run(2) == 0


@pytest.mark.parametrize("rate_hz", [400, 1000, 5000])
def test_frequent_ones_are_gathered(rate_hz):
    assert Stream(rate_hz).run(1) == pytest.approx(NAP_S, abs=0.002)


def test_a_nap_never_gathers_more_than_half_of_what_one_look_takes():
    stream = Stream(50_000)
    stream.run(1)
    naps = stream.looks
    stream.run(1)
    assert 90 <= stream.looks - naps <= 110


@pytest.mark.parametrize("rate_hz", [400, 1000, 4000, 10_000, 20_000])
@pytest.mark.parametrize("size", [64, 512, 1400])
@pytest.mark.parametrize("tells", [True, False])
def test_a_stock_buffer_never_fills_by_more_than_a_third(rate_hz, size, tells):
    stream = Stream(rate_hz, buffer_bytes=DEFAULT, size=size)
    stream.run(2, tells=tells)
    assert stream.fullest < DEFAULT / 3


def test_a_stock_buffer_is_peeked_at_so_that_a_flood_finds_room():
    stream = Stream(500, buffer_bytes=DEFAULT)
    stream.run(1)
    assert stream.longest_s > 0.04
    assert stream.peeks > 5 * stream.looks / 2
    # 50,000 per second from one moment to the next, while it naps
    stream.taken += int(stream.now * (50_000 - 500))
    stream.rate_hz = 50_000
    stream.fullest = 0
    stream.run(0.5)
    assert stream.fullest < 0.8 * DEFAULT


def test_naps_that_end_late_become_shorter_and_then_stop():
    punctual, late = Stream(10_000, buffer_bytes=DEFAULT), Stream(10_000, buffer_bytes=DEFAULT, late_s=0.010)
    punctual.run(1)
    late.run(1)
    assert punctual.peeks > 100
    assert late.peeks < 20
    assert late.fullest < 0.8 * DEFAULT


def test_who_is_late_without_napping_does_not_begin_to():
    naps = Naps(DEFAULT)
    for number in range(1, 200):  # 10,000 per second, of which each look finds those of 12 ms
        assert naps.looked(number * 0.012, 120, 120 * 64, full=False, most=1000) == 0


def test_too_much_for_any_nap_is_taken_as_it_comes():
    stream = Stream(400_000)
    stream.run(0.2)
    assert stream.peeks == 0


def test_a_full_look_is_followed_by_the_next_at_once():
    stream = Stream(5000)
    stream.run(1)
    assert stream.naps.looked(stream.now, 1000, 64_000, full=True, most=1000) == 0
    assert stream.naps.looked(stream.now + 1e-4, 3, 192, full=False, most=1000) >= LEAST_S


def test_naps_end_when_it_is_quiet():
    stream = Stream(5000)
    stream.run(1)
    stream.taken = int(stream.now * 20)
    stream.rate_hz = 20
    stream.longest_s = 0
    stream.run(2)
    looks, taken = stream.looks, stream.taken
    stream.run(1)
    assert stream.looks - looks == stream.taken - taken  # each is taken as it comes


def test_a_look_in_between_puts_the_end_of_the_nap_off():
    naps = Naps(LARGE)
    for number in range(100):
        naps.looked(number / 1000, 1, 64, full=False, most=1000)
    wait_s = naps.looked(0.1, 1, 64, full=False, most=1000)
    assert wait_s == pytest.approx(NAP_S)
    assert naps.looked(0.12, 20, 1280, full=False, most=1000) == pytest.approx(NAP_S)
    assert naps.peeked(0.15, 0) == pytest.approx(0.02)
    assert naps.peeked(0.17, 0) == 0


def test_the_room_in_the_buffer_is_never_estimated_too_small():
    for size, measured in {
        1: 832,
        64: 832,
        200: 1280,
        512: 1280,
        1200: 2304,
        1472: 2304,
        60_000: 60_000,
    }.items():
        assert buffered_bytes(10, 10 * size) >= 10 * measured
    assert buffered_bytes(0, 0) == 0
