"""The live plots as parts of their own: what they say, and what they cost."""

import pytest

import gdlab as gd
from gdlab.widgets import LatencyPlot, RatePlot
from tests.waiting import wait_until
from tests.widgets.parts import send, weight

pytestmark = pytest.mark.usefixtures("still")


def test_rates_are_drawn_while_the_capture_runs_and_stand_still_after(sent, capture):
    panel = RatePlot(capture)
    panel.refresh()
    assert bytes(panel.image.value).startswith(b"\x89PNG")
    send(capture, b"x" * 10)
    capture.wait_sync(1)
    assert panel.refresh()
    capture.stop()
    assert not panel.refresh()
    sent.clear()
    assert not panel.refresh()
    assert sent == []
    panel.close()


def test_a_picture_costs_the_browser_a_bounded_number_of_bytes(sent, capture):
    panel = RatePlot(capture)
    send(capture, *(b"x" for _ in range(500)))
    sent.clear()
    panel.redraw()
    panel.refresh()
    assert 0 < weight(sent) < 60_000
    panel.close()


def test_without_probes_it_says_what_to_do(sent, capture):
    panel = LatencyPlot(capture)
    panel.refresh()
    assert "press Ping peers" in panel.text.value
    assert "echo" in panel.text.value
    panel.ping.value = True
    panel.refresh()
    assert "nobody to ping yet" in panel.text.value
    panel.close()


def test_the_button_pings_and_the_answers_are_drawn(sent, capture):
    with gd.connect(capture.addresses[0], reply=gd.replies.probe_answer, restart=True) as game:
        game.send(b"here")
        capture.wait_sync(1)
        panel = LatencyPlot(capture)
        capture.set_ping(0.02)
        capture.wait_sync(4, probes=True)
        panel.redraw()
        panel.refresh()
        assert "median" in panel.text.value
        assert "round trips in the last 30 s" in panel.text.value
        assert len(panel._picture.ax.lines[0].get_xdata()) >= 3
        panel.ping.value = True
        panel.ping.value = False  # no more pings: what was sent stays what it is
        before = capture.statistics().pings_sent
        panel.close()
        assert capture.statistics().pings_sent - before <= 1


def test_pings_that_nobody_answers_say_what_to_do(sent, capture):
    send(capture, b"I do not answer")
    capture.wait_sync(1)
    panel = LatencyPlot(capture)
    panel.ping.value = True
    wait_until(lambda: capture.statistics().pings_sent >= 1)
    panel.redraw()
    panel.refresh()
    assert "none was answered" in panel.text.value
    panel.close()


def test_a_stopped_capture_cannot_ping_and_nothing_breaks(sent, capture):
    capture.stop()
    panel = LatencyPlot(capture)
    panel.ping.value = True
    panel.refresh()
    assert bytes(panel.image.value).startswith(b"\x89PNG")
    panel.close()


def test_no_page_shows_a_broken_picture_before_the_first_drawing(sent):
    for panel in (RatePlot(), LatencyPlot()):
        assert bytes(panel.image.value).startswith(b"\x89PNG")
        panel.close()
