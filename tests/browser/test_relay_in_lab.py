"""A relay's panel under a real mouse, alone in a cell and on the dashboard: sliders, picture, a click that counts."""

import re

import pytest

from tests.browser.board import Board
from tests.waiting import limit_ms

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

CELLS = [
    """import gdlab as gd
server = gd.listen("udp://127.0.0.1:0", reply=b"ok")
px = gd.relay("udp://127.0.0.1:0", to=server.addresses[0], preset="4g-slow", seed=7)
game = gd.connect(px.address)
import threading, time
def play():
    n = 0
    while server.running:
        game.send({"seq": n, "pad": "x" * 200})
        n += 1
        time.sleep(0.01)
threading.Thread(target=play, daemon=True).start()""",
    "px",
    "gd.dashboard(server)",
]


def test_sliders_and_the_picture(opened, artifacts):
    notebook = opened(CELLS, "relay")
    notebook.run_all()
    page = notebook.page
    alone = page.locator(".gdlab-relay").first
    band = alone.locator("svg path.own").first
    band.wait_for(state="attached", timeout=limit_ms(60))
    # The band grows as reports come.
    before = band.get_attribute("d")
    page.wait_for_function(
        "([old]) => document.querySelector('.gdlab-relay svg path.own')?.getAttribute('d') !== old",
        arg=[before],
        timeout=limit_ms(20),
    )
    alone.get_by_text("Off", exact=True).click()
    page.wait_for_function(
        "() => /everything passes as it is/.test(document.querySelector('.gdlab-relay').innerText)",
        timeout=limit_ms(20),
    )
    alone.get_by_text("Off", exact=True).click()
    alone.locator("select").first.select_option("satellite-geo")
    page.wait_for_function(
        "() => /round trip at least 600 ms/.test(document.querySelector('.gdlab-relay').innerText)",
        timeout=limit_ms(20),
    )
    alone.scroll_into_view_if_needed()
    alone.screenshot(path=artifacts / "relay-panel.png")
    board = Board.of(notebook)
    board.tab("Network")
    shown = page.locator(".gdlab-network")
    shown.locator("svg path.own").first.wait_for(state="attached", timeout=limit_ms(30))
    assert re.search(r"satellite-geo|300", shown.inner_text())
    shown.scroll_into_view_if_needed()
    shown.screenshot(path=artifacts / "relay-on-the-dashboard.png")
