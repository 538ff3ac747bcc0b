"""Whether a page is there: by the beats of its heart, with time as an argument."""

import pytest

from gdlab.widgets.page_heartbeat import ASK_EVERY_S, GONE_AFTER_S, Presence


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


def answer(presence):
    """What a page sends when it is asked."""
    heart = presence.heart()
    heart.set_state({"value": heart.value + 1})


def test_nobody_is_called_gone_who_never_came(presence, clock):
    presence.ask()
    clock.now += 1000
    presence.ask()
    assert not presence.gone()


def test_nobody_is_called_gone_who_was_not_asked(presence, clock):
    answer(presence)
    clock.now += 1000
    assert not presence.gone()


def test_who_does_not_answer_is_gone_and_comes_back_with_an_answer(presence, clock, returned):
    answer(presence)
    presence.ask()
    clock.now += GONE_AFTER_S
    presence.ask()
    assert not presence.gone()
    clock.now += 1
    assert presence.gone()
    answer(presence)
    assert not presence.gone()
    assert returned == [clock.now]


def test_a_button_is_an_answer(presence, clock):
    answer(presence)
    presence.ask()
    clock.now += GONE_AFTER_S + 1
    presence.note()
    assert not presence.gone()


def test_while_a_cell_runs_and_shortly_after_nobody_is_called_gone(presence, clock):
    answer(presence)
    presence._cell_begins()
    presence.ask()
    clock.now += 1000
    assert not presence.gone()
    presence._cell_ends()
    assert not presence.gone()
    clock.now += GONE_AFTER_S + 1
    assert presence.gone()


def plays(sent):
    return [data["state"]["playing"] for _, data, _ in sent if "playing" in data.get("state", {})]


def test_it_is_asked_only_so_often(presence, clock, sent):
    presence.heart()
    sent.clear()
    for _ in range(12):
        presence.ask()
        presence.ask(at_once=True)
    assert plays(sent) == [True]
    clock.now += ASK_EVERY_S - 1
    presence.ask()
    assert plays(sent) == [True]
    presence.ask(at_once=True)
    assert plays(sent) == [True, False, True]


def test_a_heart_that_was_closed_with_all_widgets_is_replaced(presence):
    old = presence.heart()
    old.close()
    assert presence.heart() is not old
