"""A watched game and a relayed one in JupyterLab: their panels, with what goes wrong in a game."""

from __future__ import annotations

import re

import pytest

from tests.browser.board import Board
from tests.browser.kernels import NEWEST
from tests.waiting import limit_ms, wait_until

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

#: What a script of the sample game gets: an error, and the next frame is a long one. (A call from the debugger itself
#: runs between the parts of a frame that the engine measures.)
TROUBLE = """

func trouble() -> void:
	get_tree().process_frame.connect(func() -> void: OS.delay_msec(120), CONNECT_ONE_SHOT)
	var nothing: Variant = null
	nothing.explode()
"""
SQUARE = f"""
import gdlab as gd
folder = gd.godot.project("square")
path = folder / "game" / "moving_square.gd"
_ = path.write_text(path.read_text() + {TROUBLE!r})
cap = gd.listen("udp://127.0.0.1:0")
port = cap.addresses[0].rpartition(":")[2]
watch = gd.watch(project=folder, scene="game/moving_square.tscn", args=[f"port={{port}}"], timeout=90)
watch
"""
ARENA = """
import gdlab as gd, socket
folder = gd.godot.project("arena")
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
    sock.bind(("127.0.0.1", 0))
    server_port = sock.getsockname()[1]
relay = gd.relay("udp://127.0.0.1:0", to=f"udp://127.0.0.1:{server_port}")
own = relay.address.rpartition(":")[2]
play = dict(project=folder, scene="multiplayer/arena.tscn")
server = gd.godot.start(args=["role=server", f"port={server_port}"], **play)
client = gd.godot.start(args=["role=client", f"port={own}"], **play)
gd.dashboard(relay)
"""


def test_a_script_error_and_a_slow_frame_of_a_watched_game_are_seen_and_explained(opened, engine, artifacts):
    from playwright.sync_api import expect

    notebook = opened([SQUARE], "watched", NEWEST)
    page = notebook.page
    notebook.run_all_to_the_end()
    panel = page.locator(".jp-OutputArea .gdlab-watch").first
    panel.wait_for(timeout=limit_ms(60))
    expect(panel).to_contain_text(re.compile(r"playing\sto\s127"), timeout=limit_ms(60))
    expect(panel.locator("table td").first).to_have_text("game")
    expect(panel).to_contain_text("running", timeout=limit_ms(30))

    notebook.ask("watch.call('/root/MovingSquare', 'trouble')")
    expect(panel).to_contain_text(re.compile(r"Nonexistent\sfunction\s'explode'"), timeout=limit_ms(30))
    wait_until(lambda: notebook.ask("float(watch.frames['busy_ms'].max())") >= 120)
    panel.locator("select").first.select_option("errors")
    lines = panel.locator(".gdlab-lines option")
    expect(panel.locator(".gdlab-lines")).not_to_contain_text("playing", timeout=limit_ms(20))
    place = next(number for number, line in enumerate(lines.all_inner_texts()) if "✖" in line)
    panel.locator(".gdlab-lines select").select_option(index=place)
    expect(panel).to_contain_text("called", timeout=limit_ms(20))
    line = int(notebook.ask("path.read_text().split('\\n').index('\\tnothing.explode()')")) + 1
    expect(panel.locator("tr", has_text="trouble()").first).to_contain_text(str(line))

    page.set_viewport_size({"width": 1280, "height": 800})
    board = Board(page)
    board.changes_picture(panel.locator("img"))
    panel.evaluate("(node) => node.scrollIntoView()")
    page.screenshot(path=artifacts / "watched-game.png")
    page.set_viewport_size({"width": 1280, "height": 1400})

    # The game plays on; the button ends it, and its engine.
    assert notebook.ask("watch.games[0].running")
    panel.locator("button", has_text="Stop watching").click()
    expect(panel).to_contain_text("ended", timeout=limit_ms(30))
    wait_until(lambda: not notebook.ask("any(game.running for game in watch.processes)"))
    notebook.ask("gd.stop_all()")


def test_the_calls_of_a_relayed_game_are_bars_that_follow_and_bytes_to_look_at(opened, engine, artifacts):
    from playwright.sync_api import expect

    notebook = opened([ARENA], "arena", NEWEST)
    page = notebook.page
    notebook.run_all_to_the_end()
    board = Board.of(notebook)
    board.tab("Multiplayer")
    tab = board.part("multiplayer")
    expect(tab).to_contain_text("Arena.#", timeout=limit_ms(60))
    field = tab.locator("input[type=text]")
    field.fill(str(notebook.ask("str(folder)")))
    field.press("Enter")
    expect(tab).to_contain_text("Arena.world", timeout=limit_ms(30))
    expect(tab).to_contain_text("Arena.steer", timeout=limit_ms(30))
    row = tab.locator("tr", has_text="Arena.world").first
    board.changes(row, r"%\s+([\d,]+)\s")
    widths = tab.locator("table").first.evaluate(
        "(table) => [...table.querySelectorAll('td div')].map((bar) => bar.getBoundingClientRect().width)"
    )
    assert len(widths) >= 4
    assert widths == sorted(widths, reverse=True)
    # Each packet counts once, though the relay sees it at both its sides.
    shown = int(re.sub(r"\D", "", re.search(r"%\s+([\d,]+)\s", row.inner_text())[1]))
    calls = notebook.ask("int((relay.multiplayer(project=folder).calls['method'] == 'world').sum())")
    assert shown <= calls <= shown + 200

    tab.locator("button", has_text="Hold").click()
    texts = tab.locator("option").all_inner_texts()
    tab.locator("select").select_option(
        index=next(number for number, line in enumerate(texts) if "Arena.world" in line)
    )
    expect(tab).to_contain_text("PackedVector2Array", timeout=limit_ms(20))
    expect(tab.locator("table").nth(1)).to_contain_text("method")
    page.set_viewport_size({"width": 1280, "height": 800})
    tab.evaluate("(node) => node.scrollIntoView()")
    page.screenshot(path=artifacts / "multiplayer-tab.png")
    page.set_viewport_size({"width": 1280, "height": 1400})
    notebook.ask("(client.stop(), server.stop(), gd.stop_all())[-1]")
