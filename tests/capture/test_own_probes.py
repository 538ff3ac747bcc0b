"""Pings are gdlab's messages, not the game's: they are marked as written and stay out of the game's numbers."""

import dataclasses
import socket

import pytest

import gdlab as gd
from gdlab.analysis.probes import own_probes
from gdlab.errors import WaitTimeout
from gdlab.messages import CATEGORIES
from tests import planted
from tests.some import some
from tests.waiting import wait_until

#: Each transport with each codec, and the truths that each is to find: what is lost does not depend on them.
WAYS = [(transport, codec) for transport in ("udp", "tcp", "ws") for codec in ("json", "variant")]
SEEDS = 200


@pytest.mark.parametrize("way", some(range(len(WAYS)), every=2))
def test_two_hundred_planted_truths_are_found_exactly_while_gdlab_pings(way):
    seeds = range(way, SEEDS, len(WAYS))
    answered = planted.check(seeds, *WAYS[way])
    assert len(answered) == len(seeds)
    assert sum(answered) > 0  # there were pings in between


def pinged(reply=None):
    """A capture that has pinged a game that echoes, and heard 10 messages of it."""
    cap = gd.listen("udp://127.0.0.1:0", ping=0.01, reply=reply, restart=True)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as game:
        game.connect(("127.0.0.1", cap.port))
        game.settimeout(10)
        for number in range(10):
            game.send(b'{"seq": %d}' % number)
        echoed = 0
        while echoed < 5:
            data = game.recv(2000)
            if b'"ping"' in data:
                game.send(data)
                echoed += 1
        wait_until(lambda: len(cap) >= 15 + echoed)
        wait_until(lambda: len(cap.round_trips().dropna(subset="rtt_ms")) >= 5)
    cap.stop()
    return cap


def test_pings_are_shown_where_they_are_asked_for():
    cap = pinged()
    table = cap.df
    ours = own_probes(table)
    assert ours.sum() == len(table) - 10
    assert int(cap.conversations().messages_in.iloc[0]) == 10
    assert int(cap.conversations(probes=True).messages_in.iloc[0]) >= 15
    assert len(cap.inter_arrival()) == 10
    assert len(cap.inter_arrival(probes=True)) >= 15
    assert cap.rates().messages.sum() == 10
    assert cap.rates(probes=True).messages.sum() == len(table)
    assert set(cap.overhead().direction) == {"in"}
    assert cap.measures().set_index("measure").n["messages in"] == 10


def test_a_game_may_have_probes_of_its_own_which_are_its_messages():
    with gd.listen("udp://127.0.0.1:0", ping=0.01, restart=True) as cap:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as game:
            for number in range(5):
                game.sendto(
                    b'{"probe": "ping", "seq": %d, "t_us": %d}' % (number, 10 + number),
                    ("127.0.0.1", cap.port),
                )
        cap.wait_sync(5)
        cap.stop()
        assert len(cap.inter_arrival()) == 5
        assert cap.sequence().messages.tolist() == [5]


def test_a_reply_rule_is_not_asked_about_answers_to_our_pings():
    asked = []

    def reply(message):
        asked.append(message.payload)

    cap = pinged(reply)
    assert len(asked) == 10
    assert not any(b"probe" in payload for payload in asked)
    assert own_probes(cap.df).sum() > 5


def test_a_ping_that_comes_back_inside_other_text_is_known():
    with gd.listen("udp://127.0.0.1:0", ping=0.01, restart=True) as cap:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as game:
            game.connect(("127.0.0.1", cap.port))
            game.settimeout(10)
            game.send(b"hello")
            game.send(b"Got our msg: " + game.recv(2000))
            cap.wait_sync(2, probes=True)
        cap.stop()
        (block,) = cap.snapshots()[0].blocks
        incoming = block.columns.direction == CATEGORIES["direction"].index("in")
        assert block.own_probes()[incoming].tolist() == [False, True]


def test_counts_and_waits_are_of_the_game_s_messages_and_pings_stand_beside_them():
    cap = pinged()
    table = cap.df
    came = table.direction == "in"
    ours = own_probes(table)
    told = cap.statistics()
    assert told.received == 10
    assert told.received_bytes == table.size_bytes[came & ~ours].sum()
    assert told.sent == told.sent_bytes == 0
    assert told.answers_received == (came & ours).sum() >= 5
    assert told.pings_sent == (~came & ours).sum()
    beside = f"of pings: {told.pings_sent} sent, {told.answers_received} came back"
    assert f"10 messages (and {beside})" in cap.status.text
    assert cap.wait_sync(10 + told.answers_received, probes=True) is cap
    with pytest.raises(WaitTimeout, match="10 of 11 messages had arrived"):
        cap.wait_sync(11, timeout=0)


def test_a_game_that_comes_after_thousands_of_turns_without_anybody_to_ping_is_heard():
    with gd.listen("udp://127.0.0.1:0", ping=0.01, restart=True) as cap:
        (endpoint,) = cap.endpoints

        def turns():
            endpoint._ping_run += 1
            for _ in range(3000):  # each sets off the next, which is of an old run then
                endpoint.options = dataclasses.replace(endpoint.options, ping=3600.0)
                endpoint._ping_peers(endpoint._ping_run)

        endpoint._loop.ask(endpoint, turns, 60)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as game:
            game.connect(("127.0.0.1", cap.port))
            game.send(b"hello")
            wait_until(lambda: len(cap) >= 1)
        assert cap.running
