"""The counters: nothing lost is said as plainly as something lost."""

import socket

import pytest

import gdlab as gd
from gdlab.widgets import Counters
from tests.waiting import wait_until
from tests.widgets.parts import port_of, send, weight

pytestmark = pytest.mark.usefixtures("still")


def test_nothing_lost_is_said(sent, capture):
    panel = Counters(capture)
    send(capture, b"one", b"two")
    capture.wait_sync(2)
    panel.refresh()
    assert "Nothing was lost" in panel.text.value
    assert "messages, 6 bytes of payload" in panel.text.value
    assert "gdlab-bad" not in panel.text.value
    panel.close()


def test_without_a_capture_it_says_so(sent):
    panel = Counters()
    panel.redraw()
    panel.update()
    assert "no capture" in panel.text.value
    panel.close()


def test_what_the_limit_took_is_a_number_and_a_word(sent):
    with gd.listen("udp://127.0.0.1:0", restart=True, limit=100) as capture:
        panel = Counters(capture)
        for start in range(0, 300, 50):
            send(capture, *(b"x" for _ in range(50)))
            capture.wait_sync(start + 50)
        panel.refresh()
        evicted = capture.statistics().evicted_rows
        assert evicted > 0
        assert (
            f'evicted (memory limit)</td><td class="n"><span class="gdlab-bad">{evicted}<' in panel.text.value
        )
        assert "Something was lost" in panel.text.value
        panel.close()


def test_failures_are_named_and_the_last_one_is_quoted_harmlessly(sent):
    def reply(message):
        raise ValueError("<script>alert(1)</script>\u202e")

    with gd.listen("udp://127.0.0.1:0", restart=True, reply=reply) as capture:
        panel = Counters(capture)
        send(capture, b"x")
        wait_until(lambda: capture.statistics().errors == 1)
        panel.refresh()
        assert "failures of the reply function" in panel.text.value
        assert "<script" not in panel.text.value
        assert "\u202e" not in panel.text.value
        panel.close()


def test_refused_connections_are_counted(sent):
    with gd.listen("tcp://127.0.0.1:0", restart=True, max_connections=1) as capture:
        panel = Counters(capture)
        with (
            socket.create_connection(("127.0.0.1", port_of(capture))),
            socket.create_connection(("127.0.0.1", port_of(capture))),
        ):
            wait_until(lambda: capture.statistics().errors == 1)
            panel.refresh()
        assert "connections refused (too many)" in panel.text.value
        assert "TCP and WebSocket lose nothing" in panel.text.value
        panel.close()


def test_a_turn_costs_the_browser_little(sent, capture):
    panel = Counters(capture)
    send(capture, *(b"x" for _ in range(100)))
    capture.wait_sync(100)
    sent.clear()
    panel.refresh()
    assert weight(sent) < 5000
    panel.close()
