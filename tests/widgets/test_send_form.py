"""Sending from the dashboard: what goes out, to whom, and what is said when it does not."""

import json

import pytest

import gdlab as gd
from gdlab.variant import Vector2, loads
from gdlab.widgets import SendForm
from gdlab.widgets.send_form import JSON, PEERS, TEXT, VARIANT
from tests.waiting import wait_until
from tests.widgets.parts import send, weight

pytestmark = pytest.mark.usefixtures("still")


@pytest.fixture
def game(capture):
    """A peer that has been heard."""
    with gd.connect(capture.addresses[0], restart=True) as client:
        client.send(b"here")
        capture.wait_sync(1)
        yield client


@pytest.fixture
def box(sent, capture):
    panel = SendForm(capture)
    yield panel
    panel.close()


def show(panel):
    panel._listed_at = 0.0
    return panel.refresh()


def submit(panel, kind, text):
    panel.kind.value = kind
    panel.message.value = text
    panel.submit.click()


def test_text_json_and_variants_arrive_as_such(box, game):
    submit(box, TEXT, "Grüße")
    submit(box, JSON, '{"a": [1, null]}')
    submit(box, VARIANT, '{"pos": Vector2(1, 2)}')
    game.wait_sync(3)
    payloads = list(game.df.query("direction == 'in'").payload)
    assert payloads[0] == "Grüße".encode()
    assert json.loads(payloads[1]) == {"a": [1, None]}
    assert loads(payloads[2]) == {"pos": Vector2(1, 2)}
    assert "sent to 1 peer" in box.outcome.value


def test_what_is_not_typed_is_the_example(box, game):
    for kind in (TEXT, JSON, VARIANT):
        submit(box, kind, "")
        assert "sent to 1 peer" in box.outcome.value
    game.wait_sync(3)


@pytest.mark.parametrize(
    ("kind", "text", "said"),
    [
        (JSON, "{a: 1}", "this is not JSON"),
        (JSON, "[NaN]", "JSON has no NaN"),
        (VARIANT, "Vector2(1)", "2 numbers"),
        (VARIANT, "hello", "text stands in quotes"),
        (VARIANT, "9999999999999999999999", "not sent"),
        (VARIANT, "__import__('os').system('true')", "one of the types"),
        (JSON, "<script>alert(1)</script>", "this is not JSON"),
    ],
)
def test_what_cannot_be_sent_is_said_in_words(box, game, capture, kind, text, said):
    before = capture.statistics().sent
    submit(box, kind, text)
    assert "not sent" in box.outcome.value
    assert said in box.outcome.value
    assert "<script" not in box.outcome.value
    assert capture.statistics().sent == before


def test_with_nobody_there_it_says_so(box):
    submit(box, TEXT, "anyone?")
    assert "not sent" in box.outcome.value


def test_one_peer_can_be_chosen_and_stays_chosen(box, game, capture):
    show(box)
    (peer,) = [value for _, value in box.to.options if value]
    box.to.value = peer
    send(capture, b"a second one")
    capture.wait_sync(2)
    show(box)
    assert len(box.to.options) == 3
    assert box.to.value == peer
    submit(box, TEXT, "only you")
    assert "sent to 1 peer" in box.outcome.value


def test_the_list_of_peers_is_bounded(box, capture, sent):
    for _ in range(PEERS + 10):
        send(capture, b"x")
    capture.wait_sync(PEERS + 10)
    sent.clear()
    show(box)
    assert len(box.to.options) == PEERS + 1
    assert weight(sent) < 10_000
    sent.clear()
    show(box)
    assert sent == []


def test_a_test_packet_is_confirmed_in_words(box, capture):
    box.test.click()
    assert "sent to udp://" in box.outcome.value
    wait_until(lambda: box.refresh() and "the test packet arrived" in box.outcome.value)
    assert "hears this computer" in box.outcome.value


def test_a_test_packet_to_a_stopped_listener_is_refused_in_words(box, capture):
    capture.stop()
    box.test.click()
    assert "start it first" in box.outcome.value


def test_closing_ends_a_test_that_is_on_its_way(sent, capture):
    panel = SendForm(capture)
    panel.test.click()
    panel.close()
    capture.wait_sync(1)


def test_without_a_capture_it_says_so(sent):
    panel = SendForm()
    panel.submit.click()
    assert "no capture" in panel.outcome.value
    panel.test.click()
    assert "no capture" in panel.outcome.value
    panel.close()
