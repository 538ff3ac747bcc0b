"""The dashboard shown twice, behind another tab, while a cell blocks, closed and opened again: nothing is left over."""

import pytest

from tests.browser.board import SOCKETS, THREADS, Board
from tests.browser.games import Players
from tests.browser.kernels import NEWEST, OLDEST
from tests.notebooks.test_notebooks import free_port
from tests.waiting import limit_ms, wait_until

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]

#: How many widgets the kernel keeps.
WIDGETS = "len(__import__('ipywidgets').widgets.widget._instances)"

#: How many rows the list of messages knows of, where it is a menu beside pictures, and where the browser draws it. The
#: oldest kernel shows pictures.
BEHIND = {OLDEST: "board.tabs.messages._arrived", NEWEST: "len(board.tabs.messages._listing)"}
VIEWS = {OLDEST: "import os; os.environ['GDLAB_VIEWS'] = 'pictures'\n", NEWEST: ""}


def greeting(player, frame):
    return f"frame {frame}".encode()


def test_nothing_is_left_over(opened, kernel):
    from playwright.sync_api import expect

    port = free_port()
    notebook = opened(
        [
            f"{VIEWS[kernel]}import gdlab as gd\nboard = gd.dashboard()\nboard",
            "gd.dashboard()",
            "cap.wait_sync(10**9, timeout=100)",
        ],
        "lifetime",
        kernel,
    )
    page = notebook.page
    before = notebook.ask(SOCKETS)
    notebook.ask(f"exec('import gdlab as gd; cap = gd.listen(\"udp://127.0.0.1:{port}\")', globals())")
    with Players(port, greeting):
        # Shown twice, while the last cell blocks.
        notebook.run_all()
        first, second = Board.of(notebook), Board.of(notebook, 1)
        for board in (first, second, first):
            board.wait_for_more(port)
        expect(page.locator(".jp-InputPrompt", has_text="[*]")).to_have_count(1)
        notebook.command("notebook:interrupt-kernel")
        expect(page.locator(".jp-OutputArea-output", has_text="KeyboardInterrupt").first).to_be_visible(
            timeout=limit_ms(20)
        )
        first.wait_for_more(port)
        threads = notebook.ask(THREADS)
        assert threads.count("gdlab render") == 1
        assert notebook.ask(SOCKETS) == before + 1

        # A part behind a tab costs nothing: its messages stand still until it comes to the front.
        first.tab("Counters")
        expect(first.part("counters")).to_be_visible(timeout=limit_ms(20))
        behind = BEHIND[kernel]
        hidden = notebook.ask(behind)
        first.wait_for_more(port)
        first.wait_for_more(port)
        assert notebook.ask(behind) == hidden
        first.tab("Messages")
        wait_until(lambda: notebook.ask(behind) > hidden)

        # Closed and opened again: the whole page, or the notebook in it. Both close all connections to the kernel.
        notebook.save()
        received = notebook.ask("cap.statistics().received")
        if kernel == NEWEST:
            page.goto("about:blank")
            notebook.open()
        else:
            notebook.reopen()
        first = Board.of(notebook)
        first.wait_for_more(port)
        assert notebook.ask("cap.statistics().received") > received
        assert notebook.ask(THREADS) == threads
        assert notebook.ask(SOCKETS) == before + 1

        # Closed for good: the capture goes on, nobody draws, and the widgets are gone.
        kept = notebook.ask(WIDGETS)
        notebook.ask("board.close()")
        expect(page.locator(".gdlab-dashboard")).to_have_count(0, timeout=limit_ms(20))
        wait_until(lambda: "gdlab render" not in notebook.ask(THREADS))
        assert notebook.ask("cap.running")
        assert notebook.ask(WIDGETS) < kept
    notebook.ask("gd.stop_all()")
    wait_until(lambda: notebook.ask(THREADS) == [])
    assert notebook.ask(SOCKETS) == before
