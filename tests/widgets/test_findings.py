"""Findings as they appear: said in words, over a bounded number of rows, and seldom."""

import pytest

import gdlab as gd
from gdlab.widgets import Findings, findings
from tests.widgets.parts import assert_harmless, send, weight

pytestmark = pytest.mark.usefixtures("still")


@pytest.fixture
def panel(sent, capture):
    shown = Findings(capture)
    yield shown
    shown.close()


def test_it_says_that_there_is_nothing_to_look_at(panel):
    panel.refresh()
    assert "no messages have come" in panel.text.value


def test_what_is_found_is_said_with_certainty_and_next_step(panel, capture, sent):
    send(capture, *(b'{"probe": "ping", "seq": %d, "t_us": %d}' % (n, n) for n in range(4)), b"x" * 2000)
    capture.wait_sync(5)
    sent.clear()
    panel.refresh()
    assert "% certain" in panel.text.value
    assert "looked at all 5 rows" in panel.text.value
    assert_harmless(panel.text.value)
    assert weight(sent) < 15_000


def test_it_looks_seldom(panel, capture):
    send(capture, b"one")
    capture.wait_sync(1)
    panel.refresh()
    before = panel.text.value
    send(capture, b"x" * 3000)
    capture.wait_sync(2)
    panel.refresh()
    assert panel.text.value == before
    panel._next_at = 0.0
    panel.refresh()
    assert "all 2 rows" in panel.text.value


def test_the_end_is_looked_at_at_once(panel, capture):
    panel.refresh()
    send(capture, b"last words")
    capture.wait_sync(1)
    capture.stop()
    panel.refresh()
    assert "all 1 rows" in panel.text.value or "all 1 row" in panel.text.value


def test_of_many_rows_the_last_are_looked_at_and_it_says_so(panel, capture):
    for start in range(0, findings.FEWEST + 100, 50):
        send(capture, *(b"x" for _ in range(50)))
        capture.wait_sync(start + 50)
    panel.refresh()
    assert f"the last {findings.FEWEST} of {findings.FEWEST + 100} rows" in panel.text.value


def test_a_look_that_takes_long_looks_at_less_the_next_time(panel, capture, monkeypatch):
    panel.rows = 4000
    send(capture, b"x")
    capture.wait_sync(1)
    monkeypatch.setattr(findings, "SPENT_S", 0.0)
    panel.refresh()
    assert panel.rows == 2000
    assert "looked at" in panel.text.value


def test_a_look_that_takes_no_time_looks_at_more(panel, capture, monkeypatch):
    send(capture, b"x")
    capture.wait_sync(1)
    monkeypatch.setattr(findings, "SPENT_S", 1000.0)
    panel.refresh()
    assert panel.rows == 2 * findings.FEWEST


def test_what_strangers_wrote_is_quoted_harmlessly(sent):
    def reply(message):
        raise ValueError(message.payload.decode())

    with gd.listen("udp://127.0.0.1:0", restart=True, reply=reply) as capture:
        shown = Findings(capture)
        send(capture, "<script>alert(1)</script>\u202e".encode())
        capture.wait_sync(1)
        capture.stop()
        shown.refresh()
        assert_harmless(shown.text.value)
        shown.close()
