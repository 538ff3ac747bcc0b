"""Whether a page is there: by the beats of its heart, with time as an argument."""

import pytest

from gdlab.widgets.presence import GONE_AFTER_S, Presence


class Clock:
    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def returned():
    return []


@pytest.fixture
def presence(sent, clock, returned):
    made = Presence(back=lambda: returned.append(clock.now), clock=clock)
    yield made
    made.heart().close()


def beat(presence):
    """What a page sends every few seconds."""
    heart = presence.heart()
    heart.set_state({"value": heart.value + 1})


def test_nobody_is_called_gone_who_never_came(presence, clock):
    clock.now += 1000
    assert not presence.gone()


def test_who_stops_beating_is_gone_and_comes_back_with_a_beat(presence, clock, returned):
    beat(presence)
    clock.now += GONE_AFTER_S
    assert not presence.gone()
    clock.now += 1
    assert presence.gone()
    beat(presence)
    assert not presence.gone()
    assert returned == [clock.now]


def test_while_a_cell_runs_and_shortly_after_nobody_is_called_gone(presence, clock):
    beat(presence)
    presence._cell_begins()
    clock.now += 1000
    assert not presence.gone()
    presence._cell_ends()
    assert not presence.gone()
    clock.now += GONE_AFTER_S + 1
    assert presence.gone()


def test_a_page_that_comes_starts_the_heart_once_for_all_that_it_shows(presence, clock, sent):
    presence.heart()
    sent.clear()
    for _ in range(12):
        presence.start()
    playing = [data["state"]["playing"] for _, data, _ in sent if "playing" in data.get("state", {})]
    assert playing == [True]
    clock.now += 60
    sent.clear()
    presence.start()
    playing = [data["state"]["playing"] for _, data, _ in sent if "playing" in data.get("state", {})]
    assert playing == [False, True]


def test_a_heart_that_was_closed_with_all_widgets_is_replaced(presence):
    old = presence.heart()
    old.close()
    assert presence.heart() is not old
