"""The panel of a watch: what it says of games, and what a chosen row shows."""

from __future__ import annotations

import pytest

import gdlab as gd
from gdlab.widgets import Dashboard, WatchPanel, watch_view
from gdlab.widgets.render import renderer
from tests import recorded_links as links
from tests.waiting import wait_until
from tests.watching.puppets import puppet
from tests.widgets.parts import HOSTILE, assert_harmless, weight

pytestmark = pytest.mark.usefixtures("still")


@pytest.fixture
def watch():
    with gd.debugger(restart=True) as made:
        yield made


@pytest.fixture
def panel(sent, watch):
    made = WatchPanel(watch)
    yield made
    made.close()


def drawn(panel):
    panel.redraw()
    panel.refresh()
    return panel


def test_without_a_game_it_says_how_to_start_one(panel, watch):
    drawn(panel)
    assert "waiting for a game" in panel.status.value
    assert "--remote-debug" in panel.status.value
    assert bytes(panel.image.value).startswith(b"\x89PNG")


def test_it_lists_games_and_their_rows_and_draws_their_frames(panel, watch):
    watch.expect(4711, "server")
    with puppet(watch) as game:
        game.begin()
        watch.wait()
        game.say("servers:profile_frame", [1, 0.12, 0.1, 0.01, 0.016, 0.1, 0, 0])
        game.say("output", [["hello"], [0]])
        game.say("error", [0, 0, 1, 5, "res://main.gd", "boom", 7, "it broke", "", False, 0])
        wait_until(lambda: (watch.log["kind"] == "script_error").any() and len(watch.frames))
        drawn(panel)
        assert "server" in panel.games.value
        assert "running" in panel.games.value
        assert "120.0 ms" in panel.games.value
        assert [text.split(" ", 1)[1] for text, _ in panel.list.options[:2]] == [
            "✖ it broke  (main.gd:7)",
            "  hello",
        ]
        line = panel._picture.ax.lines[0]
        assert max(value for value in line.get_ydata() if value == value) == pytest.approx(120)
        assert len(panel._picture._errors.get_xdata()) == 1
    wait_until(lambda: not watch.games[0].running)
    assert "ended" in drawn(panel).games.value


def test_filters_show_errors_or_prints_or_what_holds_a_text(panel, watch):
    with puppet(watch) as game:
        game.say("output", [["hello", "psst"], [0, 1]])
        game.say("error", [0, 0, 1, 5, "res://main.gd", "boom", 7, "it broke", "", True, 0])
        wait_until(lambda: len(watch.log) == 4)
        for choice, count in (
            ("everything", 4),
            ("errors", 0),
            ("errors, warnings", 1),
            ("prints", 2),
            ("link", 1),
        ):
            panel.filter.value = choice
            assert len(drawn(panel).list.options) == count
        panel.filter.value = "everything"
        panel.search.value = "PSST"
        assert len(drawn(panel).list.options) == 1


def test_a_chosen_row_shows_its_stack_and_the_list_stands_still(panel, watch):
    with puppet(watch) as game:
        stack = [6, "res://main.gd", "boom", 7, "res://main.gd", "_process", 3]
        game.say("error", [0, 0, 1, 5, "core/x.cpp", "push_error", 99, "it broke", "", False, *stack])
        wait_until(lambda: len(watch.log) == 2)
        drawn(panel)
        panel.list.index = 0
        assert "boom()" in panel.details.value
        assert "_process()" in panel.details.value
        assert "core/x.cpp:99" in panel.details.value
        game.say("output", [["later"], [0]])
        wait_until(lambda: len(watch.log) == 3)
        assert len(drawn(panel).list.options) == 2
        panel.filter.value = "prints"
        assert len(drawn(panel).list.options) == 1
        assert panel.details.value == ""


def test_a_chosen_error_shows_the_packet_behind_it(sent, watch, capture):
    from tests.widgets.parts import send

    send(capture, b"from the game")
    capture.wait_sync(1)
    with puppet(watch) as game:
        capture.send(b"\x01poison")
        game.say(
            "error",
            [0, 0, 1, 5, "res://main.gd", "boom", 7, "it broke", "", False, 3, "res://main.gd", "boom", 7],
        )
        wait_until(lambda: len(watch.log) == 2)
        panel = drawn(WatchPanel(watch, capture))
        panel.list.index = 0
        assert "poison" in panel.details.value or "no single packet" in panel.details.value
        panel.close()


def test_a_held_game_can_be_let_go_by_a_button(sent):
    with gd.debugger(breaks="hold", restart=True) as watch, puppet(watch) as game:
        panel = WatchPanel(watch)
        assert drawn(panel).resume.layout.display == "none"
        game.say("debug_enter", [True, "Breakpoint Statement", False, 1])
        wait_until(lambda: watch.games and watch.games[0].session.broken)
        assert drawn(panel).resume.layout.display is None
        assert "peers leave in" in panel.status.value
        assert "stands still" in panel.games.value
        panel.resume.click()
        game.await_request("continue")
        panel.close()


def test_stopping_keeps_what_was_seen(panel, watch):
    with puppet(watch) as game:
        game.begin()
        watch.wait()
        panel.stop.click()
        assert not watch.running
        drawn(panel)
        assert "stopped" in panel.status.value
        assert panel.stop.disabled
        assert game


def test_eight_games_have_a_line_each(panel, watch):
    games = [puppet(watch, 100 + number) for number in range(8)]
    for each in games:
        each.__enter__().begin()
    watch.wait(8)
    assert drawn(panel).games.value.count("<tr>") == 9
    assert "several" not in panel.status.value
    for each in games:
        each.__exit__(None, None, None)


def test_what_games_say_cannot_act_in_the_page(panel, watch):
    with puppet(watch) as game:
        for hostile in HOSTILE:
            game.say("output", [[hostile.decode(errors="replace").replace("\0", "")], [0]])
        wait_until(lambda: len(watch.log) >= len(HOSTILE))
        drawn(panel)
        for index in range(len(panel.list.options)):
            panel.list.index = index
            assert_harmless(panel.details.value)
            panel.list.index = None
        assert not any("\u202e" in text or "\x1b" in text for text, _ in panel.list.options)


def test_it_costs_the_browser_a_bounded_number_of_bytes(sent, panel, watch):
    with puppet(watch) as game:
        game.say("output", [["x" * 1000] * 500, [0] * 500])
        wait_until(lambda: len(watch.log) > 500)
        sent.clear()
        drawn(panel)
        assert 0 < weight(sent) < 80_000


def test_a_recording_is_shown_as_it_ended(sent):
    watch = gd.debugger(recorded=links.FOLDER / "debug_all")
    panel = watch_view(watch)
    assert watch_view(watch) is panel
    drawn(panel)
    assert "recording debug_all" in panel.status.value
    assert any("bye" in text for text, _ in panel.list.options)
    values = panel._picture.ax.lines[0].get_ydata()
    assert max(value for value in values if value == value) == pytest.approx(121.7, abs=0.2)
    panel.close()


def test_alone_it_takes_the_watch_that_is_begun(sent):
    panel = WatchPanel()
    drawn(panel)
    assert "gd.debugger()" in panel.status.value
    with gd.debugger(restart=True) as watch:
        drawn(panel)
        assert panel.watch is watch
        assert "waiting for a game" in panel.status.value
    panel.close()


def test_a_panel_that_rests_is_woken_by_a_watch_that_begins(sent, monkeypatch):
    panel = WatchPanel()
    drawn(panel)
    assert not panel.refresh()
    woken = []
    monkeypatch.setattr(renderer, "add", woken.append)
    with gd.debugger(restart=True):
        assert panel in woken
    panel.close()


def test_the_dashboard_has_it_behind_a_tab(sent, capture, watch):
    board = Dashboard(capture)
    board.tabs.bar.value = "Game"
    (panel,) = [part for part in board.tabs.panels() if isinstance(part, WatchPanel)]
    assert panel.capture is capture
    with puppet(watch) as game:
        game.begin()
        watch.wait()
        drawn(panel)
        assert panel.watch is watch
        assert "running" in panel.games.value
    board.tabs.bar.value = "Messages"
    assert not panel.in_sight
    board.close()
