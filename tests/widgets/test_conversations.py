"""Who talks: thirty peers stay readable, in an order that holds still."""

import re
import socket
from contextlib import ExitStack

import pytest

import gdlab as gd
from gdlab.widgets import Conversations, conversations
from tests.waiting import wait_until
from tests.widgets.parts import assert_harmless, port_of, send, weight

pytestmark = pytest.mark.usefixtures("still")


@pytest.fixture
def panel(sent, capture):
    shown = Conversations(capture)
    yield shown
    shown.close()


def show(panel):
    panel._drawn_at = 0.0
    return panel.refresh()


def peers(panel):
    return re.findall(r'<td class="m">([^<]*)</td>', panel.text.value)


def test_it_says_that_nobody_has_been_heard(panel):
    show(panel)
    assert "nobody has been heard yet" in panel.text.value


def test_thirty_peers_stand_in_the_order_of_their_addresses_whoever_speaks(panel, capture, sent):
    with ExitStack() as stack:
        socks = [stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) for _ in range(30)]
        for sock in socks:
            sock.sendto(b"here", ("127.0.0.1", port_of(capture)))
        capture.wait_sync(30)
        show(panel)
        first = peers(panel)
        assert len(first) == 30
        assert first == sorted(first, key=lambda peer: int(peer.rpartition(":")[2]))
        assert "30 peers, 30 heard" in panel.text.value
        for turn in range(5):
            for sock in socks[turn : turn * 6]:
                sock.sendto(b"again", ("127.0.0.1", port_of(capture)))
            show(panel)
            assert peers(panel) == first
        sent.clear()
        socks[3].sendto(b"again", ("127.0.0.1", port_of(capture)))
        capture.wait_sync(30 + sum(max(0, turn * 6 - turn) for turn in range(5)) + 1)
        show(panel)
        assert weight(sent) < 15_000


def test_sorted_by_messages_the_busiest_is_first(panel, capture):
    for count in (1, 5, 3):
        send(capture, *(b"x" for _ in range(count)))
    capture.wait_sync(9)
    panel.order.value = "messages"
    show(panel)
    counts = re.findall(r'</td><td>.*?</td><td class="n">(\d+)</td>', panel.text.value)
    assert counts == ["5", "3", "1"]


def test_a_connection_that_has_ended_is_said_to_be_closed(sent):
    with gd.listen("tcp://127.0.0.1:0", restart=True) as server:
        shown = Conversations(server)
        with gd.connect(server.addresses[0]) as client:
            client.send("hello\n")
            server.wait_sync(1)
            show(shown)
            assert ">active<" in shown.text.value
        wait_until(lambda: server.statistics().connections == 0)
        show(shown)
        assert ">closed<" in shown.text.value
        shown.close()


def test_of_a_crowd_some_are_shown_and_the_others_counted(panel, capture, monkeypatch):
    monkeypatch.setattr(conversations, "ROWS", 5)
    for _ in range(9):
        send(capture, b"x")
    capture.wait_sync(9)
    show(panel)
    assert len(peers(panel)) == 5
    assert "4 more are not shown" in panel.text.value
    assert_harmless(panel.text.value)
