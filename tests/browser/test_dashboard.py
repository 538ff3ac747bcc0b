"""The dashboard's own notebook in a real JupyterLab, on the oldest and the newest ipykernel: a person at the mouse."""

import json
import re
from pathlib import Path

import pytest

import gdlab as gd
from tests.browser.board import Board, number
from tests.browser.games import Players
from tests.notebooks.test_notebooks import free_port
from tests.waiting import limit_ms

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

NOTEBOOK = Path(__file__).resolve().parents[2] / "notebooks" / "00-dashboard.ipynb"


def position(player, frame):
    return json.dumps({"player": player, "seq": frame, "pos": [frame * 0.5, 2.25]}).encode()


def chat(player, frame):
    """Mostly positions, and a few messages of another kind."""
    return b"CHAT hello" if frame % 20 == 0 else position(player, frame)


def test_from_the_first_packet_to_the_file(opened, kernel, engine, artifacts):
    from playwright.sync_api import expect

    notebook, port = opened(NOTEBOOK.read_text(), "dashboard", kernel), free_port()
    notebook.run_all()
    board = Board.of(notebook)
    expect(board.root).to_contain_text("Nothing is captured yet")
    board.listen(port)
    expect(board.words(port)).to_contain_text("nothing received", timeout=limit_ms(20))

    # A test packet of one's own.
    board.tab("Send")
    board.button("Send myself a test packet").click()
    expect(board.part("send")).to_contain_text("the test packet arrived", timeout=limit_ms(20))

    # A real engine, started from the page, is heard, and answers what is sent to it.
    board.tab("Godot")
    board.button("Start a game").click()
    expect(board.part("engine")).to_contain_text(re.compile(r"Godot 4\S* .* plays"), timeout=limit_ms(30))
    board.wait_for_more(port)
    board.wait_for_more(port)
    board.changes_picture(board.plots)
    board.tab("Messages")
    expect(board.rows.filter(has_text="The answer is... 42!").first).to_be_visible(timeout=limit_ms(20))
    board.tab("Send")
    board.part("send").locator("textarea").fill("hello from the page")
    board.part("send").locator("button", has_text=re.compile(r"^\s*Send$")).click()
    expect(board.part("send")).to_contain_text("sent to", timeout=limit_ms(20))
    board.tab("Godot")
    board.button("Stop the game").click()
    expect(board.part("engine")).to_contain_text("has ended", timeout=limit_ms(20))

    # Many messages: filter, stand still, choose one.
    board.tab("Messages")
    note = board.part("gr-note")
    with Players(port, chat, players=3):
        player, greeted = board.rows.filter(has_text='"player"'), board.rows.filter(has_text="CHAT")
        expect(player.first).to_be_visible(timeout=limit_ms(20))
        board.filter('"CHAT" in text')
        expect(note).to_contain_text("match", timeout=limit_ms(20))
        expect(player).to_have_count(0)
        expect(greeted.first).to_be_visible(timeout=limit_ms(20))
        board.filter("size_bytes >")
        expect(note).to_have_class(re.compile("bad"), timeout=limit_ms(20))
        board.filter("")
        expect(player.first).to_be_visible(timeout=limit_ms(20))

        board.follow(False)
        still = board.lines[:10]
        for _ in range(2):
            board.changes(note, r"([\d,]+) rows")
        assert board.lines[:10] == still
        board.wait_for_more(port)

        board.choose('"player"')
        expect(board.part("explain")).to_contain_text("JSON", timeout=limit_ms(20))
        expect(board.part("explain")).to_contain_text("pos", timeout=limit_ms(20))

        # By the keys: the arrows move in the list, not in the notebook.
        chosen = board.part("explain").inner_text()
        board.part("gr-body").focus()
        board.page.keyboard.press("ArrowDown")
        expect(board.part("explain")).not_to_have_text(chosen, timeout=limit_ms(20))
        assert board.page.evaluate("document.activeElement.getAttribute('role')") == "listbox"
        board.tab("Sizes")
        expect(board.part("sizes").locator("img")).to_be_visible(timeout=limit_ms(20))
        board.tab("Messages")
        board.follow(True)
        board.changes(board.rows.last)
        notebook.page.screenshot(path=artifacts / f"dashboard-{kernel}.png")

    # The file: what the page says of it is what is in it.
    board.row(port).locator("button", has_text="Stop").click()
    expect(board.words(port)).to_contain_text("stopped after", timeout=limit_ms(20))
    received = board.received(port)
    board.row(port).locator("button", has_text="CSV").click()
    link = board.root.locator("a[download]").first
    link.wait_for(timeout=limit_ms(20))
    said = number(board.root.get_by_text(re.compile(r"saved [\d,]+ rows")).first.inner_text())
    with notebook.page.expect_download() as download:
        link.click()
    path = notebook.server.folder / download.value.suggested_filename
    assert path.read_bytes() == download.value.path().read_bytes()
    loaded = gd.load(path)
    assert len(loaded.df) == said
    assert (loaded.df.event.eq("message") & loaded.df.direction.eq("in")).sum() == received

    # The kernel anew: nothing of the old one is in the way.
    old = board.root.element_handle()
    notebook.restart_and_run_all()
    notebook.page.wait_for_function("old => !old.isConnected", arg=old, timeout=limit_ms(60))
    expect(board.root).to_contain_text("Nothing is captured yet", timeout=limit_ms(60))
    board.listen(port)
    with Players(port, position):
        board.wait_for_more(port)
        board.button("Stop all").click()
        expect(board.words(port)).to_contain_text("stopped after", timeout=limit_ms(20))
