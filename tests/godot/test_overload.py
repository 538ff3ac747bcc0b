"""The finding `overload`, by captures of the real engine: a game that reads with `if`, and games that keep up."""

from __future__ import annotations

import pytest

import gdlab as gd
from gdlab import godot
from gdlab.godot import Engine
from tests.waiting import limit, wait_until

#: An echo at 20 frames per second, so that a busy machine's pings are still too many. What differs is one word.
GAME = """
extends Node
var udp := PacketPeerUDP.new()
var said := 0.0
func _ready() -> void:
    Engine.max_fps = 20
    udp.connect_to_host("127.0.0.1", {port})
func _process(delta: float) -> void:
    said -= delta
    if said <= 0.0:
        said = 1.0
        udp.put_packet("hello".to_utf8_buffer())
    {word} udp.get_available_packet_count() > 0:
        udp.put_packet(udp.get_packet())
"""
ENOUGH = 60


def played(engine: Engine, word: str, ping: float, *, until_found: bool) -> gd.Capture:
    """A capture of a game that is pinged; until the finding is there, or as many pings are answered as are enough."""
    with gd.listen("udp://127.0.0.1:0", ping=ping, restart=True) as cap:
        text = GAME.format(port=cap.port, word=word)
        with godot.start(source=text, engine=engine, time_limit_s=100) as game:
            cap.wait_sync(1, timeout=limit(30))
            if until_found:
                wait_until(lambda: "overload" in set(cap.findings().rule), 40)
            else:
                wait_until(lambda: cap.statistics().answers_received >= ENOUGH, 40)
            assert game.errors == []
    assert until_found or cap.round_trips().rtt_ms.notna().sum() >= ENOUGH
    return cap


def test_a_game_that_reads_one_packet_a_frame_under_many_is_overloaded(engine: Engine) -> None:
    cap = played(engine, "if", 0.01, until_found=True)
    told = cap.findings().set_index("rule").loc["overload"]
    assert told.certainty >= 0.9
    assert "`while peer.get_available_packet_count() > 0:`, not `if`" in told.next_step
    assert cap.round_trips().rtt_ms.max() >= 1000


@pytest.mark.parametrize(("word", "ping"), [("while", 0.01), ("if", 0.2)], ids=["reads all", "few messages"])
def test_games_that_keep_up_are_not(engine: Engine, word: str, ping: float) -> None:
    cap = played(engine, word, ping, until_found=False)
    assert "overload" not in set(cap.findings().rule)
