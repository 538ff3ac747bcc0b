"""The render thread's budget: what it sends to the browser is counted, and bounded."""

import time

import pytest

from gdlab.widgets import render
from gdlab.widgets.render import Renderer
from tests.waiting import wait_until


class Pictures:
    """A view that sends a picture of some size in every turn."""

    def __init__(self, renderer, size_bytes):
        self.renderer, self.size_bytes = renderer, size_bytes
        self.turns = 0

    def refresh(self):
        self.turns += 1
        self.renderer.count(self.size_bytes)
        return True

    def show_error(self, error):
        raise error


@pytest.fixture
def drawing():
    made = []

    def make(**options):
        made.append(Renderer(**options))
        return made[-1]

    yield make
    for each in made:
        for view in list(each._views):
            each.remove(view)
        each._wake.set()
        wait_until(lambda each=each: each._thread is None)


def test_what_is_sent_on_average_is_bounded(drawing):
    renderer = drawing(hz=1000, bytes_per_s=100_000)
    view = Pictures(renderer, 20_000)  # five turns per second are paid for
    began = time.monotonic()
    renderer.add(view)
    wait_until(lambda: view.turns >= 4)
    assert time.monotonic() - began >= 0.59  # three pauses of 0.2 s, however fast the machine


def test_a_button_does_not_overdraw_the_budget(drawing):
    renderer = drawing(hz=1000, bytes_per_s=100_000)
    view = Pictures(renderer, 20_000)
    began = time.monotonic()
    renderer.add(view)
    while view.turns < 3:
        renderer.hurry(view)
        time.sleep(0.001)
    assert time.monotonic() - began >= 0.39


def test_a_button_does_not_wait_for_the_next_turn(drawing):
    renderer = drawing(hz=1 / 60)
    view = Pictures(renderer, 10)
    renderer.add(view)
    wait_until(lambda: view.turns == 1)
    renderer.hurry(view)
    wait_until(lambda: view.turns == 2)


def test_the_cost_is_known(drawing):
    renderer = drawing(hz=100, bytes_per_s=10_000_000)
    assert renderer.statistics().turns_hz == 0
    view = Pictures(renderer, 1000)
    renderer.add(view)
    wait_until(lambda: view.turns >= 5)
    spent = renderer.statistics()
    assert spent.views == 1
    assert spent.sent_bytes >= 5000
    assert spent.turns_hz > 0
    assert spent.bytes_per_s == pytest.approx(1000 * spent.turns_hz)
    assert 0 <= spent.busy <= 1


def test_setting_a_trait_is_counted_where_it_differs(sent):
    import ipywidgets

    label = ipywidgets.HTML()
    before = render.renderer.statistics().sent_bytes
    render.put(label, "value", "x" * 1000)
    render.put(label, "value", "x" * 1000)
    counted = render.renderer.statistics().sent_bytes - before
    assert 1000 < counted < 2000
    label.close()
