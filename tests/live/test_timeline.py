"""A stretch of time at the width of a screen: nothing of it is invented, and the extremes stay."""

import numpy as np
import pytest

from gdlab import probe
from gdlab.live.points import MAX_POINTS, Points, reduced
from gdlab.live.timeline import Timeline, nice_step_ns
from gdlab.messages import Direction, Event
from gdlab.store import Store
from gdlab.store.table import build

START = 1_800_000_000 * 10**9


class Held:
    """A capture, as far as a timeline wants to know."""

    def __init__(self, store):
        self.store = store

    def snapshots(self):
        return [self.store.snapshot()]

    @property
    def df(self):
        return build(self.snapshots())


def filled(seconds=10, hz=100):
    store = Store("udp://127.0.0.1:1")
    peer = store.peer_code("127.0.0.1:5")
    for number in range(seconds * hz):
        now = START + number * 10**9 // hz
        store.append(now, peer, b"x" * 20)
        if number % 10 == 0:
            ping = probe.ping(number, now)
            store.append(now, peer, ping, direction=Direction.OUT)
            store.append(now + 4_000_000, peer, ping)
    store.append(START + 5 * 10**9, peer, event=Event.CLOSE)
    return Held(store)


@pytest.mark.parametrize("whole", [False, True])
def test_a_running_capture_and_a_loaded_one_show_the_same(whole):
    held, timeline = filled(), Timeline()
    if whole:
        timeline.load(held)
    else:
        timeline.follow(held, START + 11 * 10**9)
    rates, trips, events = timeline.window(START, START + 10 * 10**9, 800)
    received = next(each for each in rates.series if each.name == "received")
    assert received.high.sum() * rates.step_s == pytest.approx(1100)
    assert len(trips.series) == 1
    assert np.allclose(trips.series[0].high, 4.0)
    assert len(trips.series[0].x) == 100
    assert [each.name for each in events.series] == ["close"]
    assert events.series[0].x.tolist() == [5.0]


def test_a_bin_that_is_not_over_is_not_drawn():
    held, timeline = filled(), Timeline()
    timeline.follow(held, START + 10 * 10**9)
    now = START + 9_950_000_000
    rates = timeline.window(START, now, 800, now)[0]
    assert all(series.x[-1] + rates.step_s <= 9.95 for series in rates.series)


def test_a_column_of_pixels_keeps_the_least_and_the_largest():
    x = np.linspace(0, 10, 100_000, endpoint=False)
    values = np.sin(x)
    values[43_210] = 99
    found = reduced("v", x, values, 10.0, 500)
    assert len(found.x) <= 502
    assert found.high.max() == 99
    assert found.low.min() == values.min()
    assert (found.low <= found.high).all()


def test_values_that_are_not_known_are_left_out():
    found = reduced("v", np.array([1.0, 2.0, 3.0]), np.array([1.0, np.nan, 3.0]), 4.0, 100)
    assert found.high.tolist() == [1.0, 3.0]


@pytest.mark.slow
def test_points_are_bounded_and_their_extremes_stay():
    points = Points()
    values = np.random.default_rng(1).normal(size=MAX_POINTS + 1000)
    values[1234] = 50
    for part in range(0, len(values), 500_000):
        chosen = values[part : part + 500_000]
        points.add(np.arange(part, part + len(chosen)), chosen)
    assert points.count <= MAX_POINTS
    found = points.window(0, len(values), 800, "v")
    assert found.high.max() == 50


@pytest.mark.parametrize(("least", "step"), [(1, 10), (11e6, 20), (21e6, 50), (400e6, 500), (3.3e9, 5000)])
def test_steps_are_round(least, step):
    assert nice_step_ns(least) == step * 1_000_000
