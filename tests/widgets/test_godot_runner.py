"""A game to try a listener with: the scripted one here, the real one where there is an engine."""

import pytest

import gdlab as gd
from gdlab.traffic import Traffic
from gdlab.transports import parse
from gdlab.widgets import GodotRunner
from gdlab.widgets.godot_runner import CHARACTERS, LINES
from tests.waiting import limit, wait_until
from tests.widgets.parts import assert_harmless

pytestmark = pytest.mark.usefixtures("still")


@pytest.fixture
def no_engine(monkeypatch):
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("GDLAB_GODOT", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", "/nonexistent")


def click(panel):
    panel.toggle.click()
    panel.refresh()


def test_without_an_engine_the_scripted_game_plays_and_is_named(sent, capture, no_engine):
    panel = GodotRunner(capture)
    panel.refresh()
    assert panel.toggle.description == "Start a game"
    click(panel)
    capture.wait_sync(3)
    assert "embedded source (no Godot 4 was found)" in panel.text.value
    assert panel.toggle.description == "Stop the game"
    click(panel)
    assert "has ended" in panel.text.value
    assert panel.toggle.description == "Start a game"
    panel.close()


def test_without_an_engine_tcp_says_what_is_missing(sent, no_engine):
    with gd.listen("tcp://127.0.0.1:0", restart=True) as capture:
        panel = GodotRunner(capture)
        click(panel)
        assert "need a real Godot" in panel.text.value
        assert not panel.playing
        panel.close()


def test_closing_ends_the_game(sent, capture, no_engine):
    panel = GodotRunner(capture)
    click(panel)
    game = panel.game
    panel.close()
    wait_until(lambda: not game.running)


def test_a_game_plays_on_while_another_capture_is_looked_at(sent, capture, no_engine):
    panel = GodotRunner(capture)
    click(panel)
    first = panel.game
    panel.follow(None)
    assert not panel.playing
    panel.refresh()
    assert panel.toggle.disabled
    with gd.listen("udp://127.0.0.1:0", restart=True) as other:
        panel.follow(other)
        click(panel)
        second = panel.game
        assert first.running
        assert second.running
        panel.follow(capture)
        panel.refresh()
        assert panel.toggle.description == "Stop the game"
        click(panel)
        assert not first.running
        assert second.running
        panel.forget(other)
        assert not second.running
    panel.close()


def test_what_the_game_prints_is_bounded_and_does_nothing(sent, capture):
    class Chatty(Traffic):
        def said(self, lines=100):
            return (["<script>alert(1)</script>\u202e"] + ["x" * 10**6] * 500)[-lines:]

    panel = GodotRunner(capture)
    panel._games[capture] = Chatty(parse(capture.addresses[0]), None, "a <b>game</b>")
    panel.refresh()
    assert len(panel.output.value) < LINES * (CHARACTERS + 10) + 200
    assert "<b>game" not in panel.text.value
    panel.game.said = lambda lines: ["<script>alert(1)</script>\u202e"]
    panel.redraw()
    panel.refresh()
    assert_harmless(panel.output.value)
    panel.close()


@pytest.mark.godot
@pytest.mark.timeout(60)
def test_a_real_godot_plays_and_its_output_is_shown(sent, capture, engine, monkeypatch):
    monkeypatch.setenv("GDLAB_GODOT", str(engine.path))
    panel = GodotRunner(capture)
    click(panel)
    capture.wait_sync(5, timeout=limit(30))
    wait_until(lambda: panel.redraw() or (panel.refresh() and "playing to" in panel.output.value))
    assert "Godot 4" in panel.text.value
    game = panel.game
    panel.close()
    wait_until(lambda: not game.running)


@pytest.mark.godot
@pytest.mark.timeout(60)
@pytest.mark.parametrize("address", ["tcp://127.0.0.1:0", "ws://127.0.0.1:0"])
def test_a_real_godot_plays_by_tcp_and_websocket(sent, engine, monkeypatch, address):
    monkeypatch.setenv("GDLAB_GODOT", str(engine.path))
    with gd.listen(address, restart=True) as capture:
        panel = GodotRunner(capture)
        click(panel)
        capture.wait_sync(5, timeout=limit(30))
        panel.close()
