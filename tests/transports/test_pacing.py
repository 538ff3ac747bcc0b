"""When a listener sleeps between looks; the time is made up, so the answers are exact."""

import pytest

from gdlab.transports.pacing import PAUSE_S, Pacing, buffered_bytes

LARGE = 8 * 2**20
DEFAULT = 212_992


def last_pause(rate_hz: float, *, buffer_bytes: int = LARGE, size: int = 64, seconds: float = 0.5) -> float:
    """Let one datagram a look arrive at a steady rate, and return what is said in the end."""
    pacing, pause = Pacing(), 0.0
    for number in range(int(rate_hz * seconds)):
        pause = pacing.pause_s(number / rate_hz, 1, size, full=False, buffer_bytes=buffer_bytes)
    return pause


@pytest.mark.parametrize("rate_hz", [1, 60, 500, 700])
def test_rare_datagrams_are_taken_at_once(rate_hz):
    assert last_pause(rate_hz) == 0


@pytest.mark.parametrize("rate_hz", [1000, 10_000, 50_000])
def test_frequent_ones_are_gathered(rate_hz):
    assert last_pause(rate_hz) == PAUSE_S


def test_a_small_buffer_is_never_left_alone_for_long():
    assert last_pause(2000, buffer_bytes=DEFAULT) == PAUSE_S
    assert 0.002 <= last_pause(4000, buffer_bytes=DEFAULT) < PAUSE_S
    assert last_pause(10_000, buffer_bytes=DEFAULT) == 0
    assert last_pause(2000, buffer_bytes=DEFAULT, size=9000) == 0
    assert last_pause(400_000, buffer_bytes=LARGE) == 0


def test_a_full_look_is_followed_by_the_next_at_once():
    pacing = Pacing()
    for number in range(1000):
        pacing.pause_s(number / 10_000, 1, 64, full=False, buffer_bytes=LARGE)
    assert pacing.pause_s(0.1, 1024, 65_536, full=True, buffer_bytes=LARGE) == 0
    assert pacing.pause_s(0.1001, 3, 192, full=False, buffer_bytes=LARGE) == PAUSE_S


def test_gathering_goes_on_while_it_pays_and_ends_when_it_is_quiet():
    pacing, now = Pacing(), 0.0
    pauses = []
    for _ in range(1000):  # 5000/s, of which each sleep gathers some
        pauses.append(
            pacing.pause_s(now, 15 if pauses and pauses[-1] else 1, 64, full=False, buffer_bytes=LARGE)
        )
        now += pauses[-1] or 0.0002
    assert pauses[-1] == PAUSE_S
    assert pacing.pause_s(now + 1, 1, 64, full=False, buffer_bytes=LARGE) == 0


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
