"""When a listener of many connections naps; the time is made up, so the answers are exact."""

import heapq
import itertools
import random

import pytest

from gdlab.transports.stream_naps import (
    CLOSE_AT_ONCE,
    CLOSE_NS,
    CLOSE_OF_ONE,
    CLOSE_SHARE,
    NAP_S,
    PAUSE_S,
    StreamNaps,
)


class Many:
    """Connections that send at the times of their own iterators, and a listener that naps or is woken by each."""

    def __init__(self, *senders):
        self.naps = StreamNaps()
        self.now = 0.0
        self.last = {}
        self.turns = self.reads = self.met = 0
        self.began = []  # when naps did
        self._due = heapq.merge(*(zip(times, itertools.repeat(name)) for name, times in enumerate(senders)))
        self._next = next(self._due)

    def turn(self, until):
        found = []
        while self._next[0] <= until:
            found.append(self._next)
            self._next = next(self._due)
        return found

    def run(self, seconds):
        end, nap_s = self.now + seconds, 0.0
        while self.now < end:
            self.now = max(
                self.now + nap_s, 0.0 if nap_s and self._next[0] <= self.now + nap_s else self._next[0]
            )
            chunks, close = {}, []
            for at, name in self.turn(self.now):
                chunks.setdefault(name, []).append(at)
            for name, times in chunks.items():
                if len(times) > 1 or times[-1] - self.last.get(name, -1.0) < CLOSE_NS / 1e9:
                    close.append(name)
                self.met += len(times) - 1
                self.last[name] = times[-1]
            self.turns += 1
            self.reads += len(chunks)
            before = self.naps.naps_now
            nap_s = self.naps.looked(self.now, len(chunks), close)
            if self.naps.naps_now and not before:
                self.began.append(self.now)


def steady(hz, phase=0.0):
    number = 0
    while True:
        yield phase + number / hz
        number += 1


def pairs(hz, phase=0.0, apart_s=0.0005, since_s=0.0):
    for at in steady(hz, phase):
        yield at
        if at >= since_s:
            yield at + apart_s


def spread(count, hz=60.0, make=steady, **more):
    return [make(hz, number / count / hz, **more) for number in range(count)]


def test_a_nap_of_many_connections_brings_as_many_messages_as_it_has_milliseconds_times_twelve():
    many = Many(*spread(200))
    many.run(1)
    turns, reads = many.turns, many.reads
    many.run(1)
    assert many.reads - reads == pytest.approx(12_000, rel=0.01)
    assert many.turns - turns == pytest.approx(1 / NAP_S, rel=0.05)
    assert many.met == 0


def test_all_at_the_same_moment_are_napped_on_as_well():
    many = Many(*[steady(60.0, number / 1e6) for number in range(200)])
    many.run(3)
    assert len(many.began) == 1
    assert many.naps.naps_now
    assert many.met == 0


@pytest.mark.parametrize(("count", "hz"), [(1, 60.0), (20, 60.0), (3, 5_000.0), (1, 20_000.0)])
def test_few_messages_and_few_connections_are_taken_as_they_come(count, hz):
    many = Many(*spread(count, hz))
    many.run(1)
    assert not many.began


def test_naps_end_when_few_are_left_and_begin_again():
    def but_some(hz, phase):
        return (at for at in steady(hz, phase) if phase < 0.0005 or not 1 < at < 3)

    many = Many(*spread(200, make=but_some))
    many.run(0.9)
    assert many.naps.naps_now
    many.run(2)
    assert not many.naps.naps_now
    many.run(0.7)
    assert many.naps.naps_now


def test_nobody_naps_where_each_message_has_another_close_behind_it():
    many = Many(*spread(60, make=pairs))
    many.run(5)
    assert not many.began


def test_nobody_naps_where_messages_come_at_random():
    def random_times(seed):
        chance, at = random.Random(seed), 0.0
        while True:
            at += chance.expovariate(60.0)
            yield at

    many = Many(*map(random_times, range(60)))
    many.run(5)
    assert not many.began


def test_one_connection_that_sends_in_pairs_is_enough_and_hardly_any_of_its_messages_meet():
    many = Many(*spread(59), pairs(60.0, 0.0031, since_s=1.0))
    many.run(12)
    assert 1 <= many.met <= CLOSE_OF_ONE
    assert len(many.began) == 1


def test_pauses_grow_where_naps_have_to_end_again_and_again():
    naps, now, pauses = StreamNaps(), 0.0, []
    for _ in range(9):
        ended = now
        while not naps.looked(now, 100, []):
            now += 0.01
        pauses.append(now - ended)
        for _ in range(CLOSE_OF_ONE):
            now += 0.01
            naps.looked(now, 100, ["one"])
        assert not naps.naps_now
    assert pauses[1:] == pytest.approx([1, 2, 4, 8, 16, 32, 64, 64], abs=0.3)
    while not naps.looked(now, 100, []):
        now += 0.01
    for _ in range(70_000):  # it goes well for much longer than the pause
        now += 0.01
        assert naps.looked(now, 100, [])
    naps.looked(now, 100, ["one"] * CLOSE_OF_ONE)
    began = now
    while not naps.looked(now, 100, []):
        now += 0.01
    assert now - began == pytest.approx(PAUSE_S[0], abs=0.3)


def test_a_program_with_many_connections_may_be_late_once_but_not_again_and_again():
    naps, now = StreamNaps(), 0.0
    while not naps.looked(now, 24, []):
        now += 0.002
    for _ in range(CLOSE_OF_ONE - 1):
        now += 1
        naps.looked(now - 0.01, 12_000, [])
        assert naps.looked(now, 200, range(200))
    assert not naps.looked(now + 1, 12_000, range(200))


def test_many_that_are_close_end_naps_at_once_whoever_they_are_of():
    naps, now = StreamNaps(), 0.0
    while not naps.looked(now, 24, []):
        now += 0.002
    most = int(CLOSE_AT_ONCE + CLOSE_SHARE * 24)
    assert naps.looked(now, 0, range(most))
    assert not naps.looked(now, 0, [most])


def test_somebody_who_waits_ends_them_until_it_has_been_counted_anew():
    naps, now = StreamNaps(), 0.0
    while not naps.looked(now, 24, []):
        now += 0.002
    naps.rise()
    for _ in range(100):
        now += 0.002
        assert not naps.looked(now, 24, [])
    for _ in range(30):
        now += 0.002
        naps.looked(now, 24, [])
    assert naps.naps_now


@pytest.mark.parametrize("apart_s", [1 / 12_000, 1e-6], ids=["spread", "at once"])
def test_what_a_program_that_was_late_sends_at_once_is_taken_as_it_comes(apart_s):
    def late(phase):  # for two frames and a half, a second after it began
        for at in steady(60.0, phase):
            yield at if not 1 < at < 1.042 else 1.042 + (at - 1) / 20

    many = Many(*[late(number * apart_s) for number in range(200)])
    many.run(0.99)
    assert many.naps.naps_now
    many.run(1)
    assert many.met < 20
    assert len(many.began) == 1
