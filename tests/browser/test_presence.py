"""A page that goes: nothing is drawn for it until it is back. One that stays is never taken for gone."""

import pytest

from tests.browser.board import Board
from tests.browser.games import Players
from tests.notebooks.test_notebooks import free_port
from tests.waiting import wait_until

pytestmark = [pytest.mark.browser, pytest.mark.timeout(150)]

#: The page is asked four times as often as usual, and sooner taken for gone: the test has as many questions to see
#: answered, or not, in a quarter of the time.
SOONER = "from gdlab.widgets import page_heartbeat as h; h.ASK_EVERY_S, h.GONE_AFTER_S = 1.0, 5.0"

#: Notes in the kernel, while no page can ask it, whether it takes the page for gone and what it has sent till then.
WATCH = """
import threading
from gdlab.widgets.panel import presence
noted = []
def watch():
    while cap.running:
        noted.append((presence.gone(), gd.widgets.renderer.statistics().sent_bytes))
        pause.wait(0.5)
pause = threading.Event()
threading.Thread(target=watch, daemon=True).start()
"""


def greeting(player, frame):
    return f"frame {frame}".encode()


def test_nothing_is_drawn_for_a_page_that_has_gone(opened):
    port = free_port()
    listen = f"{SOONER}\nimport gdlab as gd; cap = gd.listen('udp://127.0.0.1:{port}')"
    notebook = opened([f"{listen}\nboard = gd.dashboard(cap)\nboard", "gd.dashboard()", WATCH], "presence")
    with Players(port, greeting):
        notebook.run_all()
        Board.of(notebook, 1).wait_for_more(port)
        # A dozen times asked, in two views.
        wait_until(
            lambda: notebook.page.wait_for_timeout(500) or notebook.ask("len(noted)") > 24, timeout_s=60
        )
        assert not notebook.ask("any(gone for gone, _ in noted)")
        notebook.save()
        notebook.page.goto("about:blank")
        notebook.page.wait_for_timeout(9_000)  # there is nothing to ask: that is what is tested
        notebook.open()
        Board.of(notebook).wait_for_more(port)
        away = notebook.ask("[sent for gone, sent in noted if gone]")
        assert len(away) > 5
        assert away[-1] - away[0] < 20_000
        wait_until(lambda: not notebook.ask("presence.gone()"))
    notebook.ask("gd.stop_all()")
