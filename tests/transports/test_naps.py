"""When a listener naps, and for how long; the time is made up, so the answers are exact."""

import pytest

from gdlab.transports.naps import FLOOD_HZ, FLOOD_TIMES, LEAST_S, TOGETHER_S, Naps, buffered_bytes

LARGE = 8 * 2**20
DEFAULT = 212_992


class Stream:
    """One datagram after the other, and a listener that naps or is woken, late by so much; the clock runs for long."""

    def __init__(self, rate_hz, *, buffer_bytes=LARGE, size=64, late_s=0.0, most=1000, now_s=1e5):
        self.rate_hz, self.size, self.late_s, self.most = rate_hz, size, late_s, most
        self.naps = Naps(buffer_bytes)
        self.began = self.now = now_s
        self.taken = self.held = 0
        self.looks = self.gathered = 0
        self.fullest = self.most_held = 0
        self.last_look = now_s
        self.longest_s = 0.0

    def arrive(self):
        """Take what the buffer holds."""
        waiting = int((self.now - self.began) * self.rate_hz + 1e-3) - self.taken
        self.fullest = max(self.fullest, buffered_bytes(waiting, waiting * self.size))
        found = min(waiting, self.most - self.held)
        self.taken += found
        self.held += found
        self.most_held = max(self.most_held, self.held)

    def look(self):
        self.arrive()
        self.longest_s = max(self.longest_s, self.now - self.last_look)
        found, self.held, self.last_look = self.held, 0, self.now
        self.looks += 1
        return self.naps.looked(self.now, found, found * self.size, full=found == self.most, most=self.most)

    def run(self, seconds):
        """Return the longest time that what was taken waited for; 0 where each datagram wakes it."""
        self.longest_s = 0.0
        until, nap_s = self.now + seconds, 0.0
        while self.now < until:
            if not nap_s:  # the next datagram wakes it
                self.now = max(self.now, self.began + (self.taken + 1) / self.rate_hz)
                nap_s = self.look()
                self.longest_s = 0.0
                continue
            self.now += nap_s + self.late_s
            nap_s = self.naps.ended(self.now)
            if nap_s:
                self.arrive()
                self.gathered += 1
            if not nap_s or self.held == self.most:
                nap_s = self.look()
        return self.longest_s

    def becomes(self, rate_hz):
        """Change the rate from here on."""
        self.began = self.now - self.taken / rate_hz
        self.rate_hz, self.fullest = rate_hz, 0


@pytest.mark.parametrize("now_s", [0.0, 1e5])
@pytest.mark.parametrize("rate_hz", [1, 60, 200])
def test_rare_datagrams_are_taken_at_once(rate_hz, now_s):
    stream = Stream(rate_hz, now_s=now_s)
    assert stream.run(2) == 0
    assert stream.looks == stream.taken


@pytest.mark.parametrize("rate_hz", [400, 1000, 5000])
def test_frequent_ones_are_gathered(rate_hz):
    assert Stream(rate_hz).run(1) == pytest.approx(TOGETHER_S, abs=0.002)


@pytest.mark.parametrize("silent_s", [0.0, 1000.0])
def test_it_begins_with_the_first_of_them_however_long_it_was_quiet(silent_s):
    stream = Stream(10_000)
    stream.look()
    stream.now += silent_s
    stream.becomes(10_000)
    stream.run(0.02)
    looks = stream.looks
    stream.run(1)
    assert stream.looks - looks < 20


def test_it_begins_as_soon_as_enough_have_come_to_know_the_rate():
    for rate_hz in (4000, 20_000):
        stream = Stream(rate_hz)
        nap_s = 0.0
        while not nap_s:
            stream.now = max(stream.now, stream.began + (stream.taken + 1) / stream.rate_hz)
            nap_s = stream.look()
        assert stream.now - stream.began < 0.003
        assert nap_s * rate_hz < 1000


def test_a_burst_that_comes_at_once_begins_no_nap():
    naps = Naps(LARGE)
    assert naps.looked(1000.0, 1, 64, full=False, most=1000) == 0
    assert naps.looked(1000.0005, 40, 2560, full=False, most=1000) == 0
    assert naps.looked(1000.02, 1, 64, full=False, most=1000) > 0  # 40 in a hundredth of a second are often


def test_what_is_handed_over_together_is_less_than_can_be_taken():
    stream = Stream(50_000)
    stream.run(1)
    assert stream.gathered == 0
    assert 850 < stream.most_held < 1000


@pytest.mark.parametrize("rate_hz", [400, 1000, 4000, 10_000, 20_000])
@pytest.mark.parametrize("size", [64, 512, 1400])
def test_a_stock_buffer_never_fills_by_more_than_a_third(rate_hz, size):
    stream = Stream(rate_hz, buffer_bytes=DEFAULT, size=size)
    stream.run(2)
    assert stream.fullest < DEFAULT / 3


@pytest.mark.parametrize("rate_hz", [400, 2000, 10_000])
def test_a_stock_buffer_is_emptied_so_often_that_a_flood_finds_room(rate_hz):
    stream = Stream(rate_hz, buffer_bytes=DEFAULT)
    stream.run(0.1)
    looks, gathered = stream.looks, stream.gathered
    stream.run(0.89)
    assert stream.gathered - gathered > 4 * (stream.looks - looks)
    stream.becomes(min(FLOOD_TIMES * rate_hz, FLOOD_HZ[1]))  # from one moment to the next, while it naps
    stream.run(0.5)
    assert stream.fullest <= DEFAULT


def test_naps_that_end_late_leave_the_buffer_room_for_that():
    late = Stream(10_000, buffer_bytes=DEFAULT, late_s=0.015)
    late.run(1)
    assert late.gathered > 20
    assert late.fullest < DEFAULT


def test_too_much_for_any_nap_is_taken_as_it_comes():
    stream = Stream(600_000)
    stream.run(0.2)
    assert stream.longest_s == stream.gathered == 0


def test_a_full_look_is_followed_by_the_next_at_once():
    stream = Stream(5000)
    stream.run(1)
    assert stream.naps.looked(stream.now, 1000, 64_000, full=True, most=1000) == 0
    assert stream.naps.looked(stream.now + 1e-4, 3, 192, full=False, most=1000) >= LEAST_S


def test_naps_end_when_it_is_quiet():
    stream = Stream(5000)
    stream.run(1)
    stream.becomes(20)
    stream.run(2)
    looks, taken = stream.looks, stream.taken
    stream.run(1)
    assert stream.looks - looks == stream.taken - taken  # each is taken as it comes


def test_a_look_in_between_puts_the_end_of_the_nap_off():
    naps = Naps(LARGE)
    for number in range(100):
        naps.looked(number / 1000, 1, 64, full=False, most=1000)
    assert naps.looked(0.1, 1, 64, full=False, most=1000) == pytest.approx(TOGETHER_S)
    assert naps.looked(0.12, 20, 1280, full=False, most=1000) == pytest.approx(TOGETHER_S)
    assert naps.ended(0.12 + TOGETHER_S - 0.06) == pytest.approx(0.06)
    assert naps.ended(0.12 + TOGETHER_S) == 0


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
