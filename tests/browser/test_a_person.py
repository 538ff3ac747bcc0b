"""What a person does with the dashboard in JupyterLab: looks, zooms, reads, marks, clicks, sorts, scrolls a million
rows, narrows the window, switches the theme, opens a second tab, reloads, restarts the kernel."""

import json
import re

import pytest

from tests.browser.board import Board, number
from tests.browser.games import Players
from tests.browser.test_players import CONTRAST, CUT, READABLE
from tests.notebooks.test_notebooks import free_port
from tests.waiting import limit_ms, wait_until

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

MILLION = 1_000_000

#: Rows that came before, put into the capture's own store: a million of them take minutes over a socket.
FILL = f"""import numpy as np
from gdlab.messages import CATEGORIES
store = cap.endpoints[0].store
payload = np.frombuffer(b'{{"seq": 1234567}}', np.uint8)
began = gd.clock.now_ns() - {MILLION} * 100_000
for first in range(0, {MILLION}, 50_000):
    count = 50_000
    numbers = np.arange(first, first + count)
    peer, kind = store.peer_code("127.0.0.1:5000"), CATEGORIES["kind"].index("text")
    store.extend(began + numbers * 100_000, np.full(count, peer, np.int32), np.full(count, len(payload), np.uint32),
                 np.tile(payload, count), np.full(count, len(payload) + 28, np.uint32), np.full(count, kind, np.int8))
"""

#: The smallest text that is seen, in pixels, and what it says.
SMALLEST = """root => {
  const texts = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  let least = [99, ''];
  while (texts.nextNode()) {
    const part = texts.currentNode.parentElement;
    if (!texts.currentNode.textContent.trim() || !part.offsetParent || part.closest('style, option')) continue;
    const size = parseFloat(getComputedStyle(part).fontSize);
    if (size < least[0]) least = [size, texts.currentNode.textContent.trim().slice(0, 60)];
  }
  return least;
}"""

#: The parts that must be scrolled sideways.
SIDEWAYS = """root => [root, ...root.querySelectorAll('*')].filter(part =>
  ['auto', 'scroll'].includes(getComputedStyle(part).overflowX) && part.scrollWidth > part.clientWidth + 1
  && part.clientWidth > 0 && part.offsetParent && part.tagName !== 'SELECT').map(part => part.className)"""

#: The colour of one pixel of the plots' paper or ink: their sum, which a theme changes.
INK = """stage => {
  const canvas = stage.querySelector('canvas');
  const data = canvas.getContext('2d').getImageData(0, 0, canvas.width, 22).data;
  let sum = 0;
  for (let i = 0; i < data.length; i += 4)
    if (data[i + 3] > 200) sum = Math.max(sum, data[i] + data[i + 1] + data[i + 2]);
  return sum;
}"""


def position(player, frame):
    return json.dumps({"seq": frame, "player": player, "hp": 100 - frame % 40}).encode()


class Views:
    """Plots and list of a dashboard, as a person finds them."""

    def __init__(self, board):
        self.board = board
        self.page = board.page
        self.plots = board.root.locator(".gdlab-tl").first
        self.stage = self.plots.locator(".gdlab-tl-stage")
        self.grid = board.root.locator(".gdlab-gr").first
        self.rows = self.grid.locator(".gdlab-gr-row:visible")
        self.note = self.grid.locator(".gdlab-gr-note")

    def words(self):
        return self.plots.locator(".gdlab-tl-words").inner_text()

    def box(self):
        return self.stage.bounding_box()

    def listed(self):
        """The number of rows that the list says it has."""
        return number(self.note.inner_text())

    def alive(self):
        """Return when the list has grown and the plots were drawn anew."""
        before = self.listed()
        wait_until(lambda: self.page.wait_for_timeout(50) or self.listed() > before)


def looked_at(views, artifacts, name, width, height, theme):
    """A screenshot from the top of the dashboard on, and what is wrong with it."""
    page, root = views.page, views.board.root
    page.set_viewport_size({"width": width, "height": height})
    root.evaluate("(node) => node.scrollIntoView()")
    page.wait_for_timeout(300)  # a few turns of the picture
    page.screenshot(path=artifacts / f"person-{name}-{width}x{height}-{theme.lower()}.png")
    where = (name, theme, width, height)
    wrong = [(*where, "cut", text) for text in root.evaluate(CUT)]
    wrong += [(*where, "sideways", part) for part in root.evaluate(SIDEWAYS)]
    size, text = root.evaluate(SMALLEST)
    wrong += [(*where, "small", size, text)] if size < 14 else []
    contrast, text = root.evaluate(CONTRAST)
    wrong += [(*where, "pale", contrast, text)] if contrast < READABLE else []
    return wrong


def test_a_person_looks_into_a_million_rows(opened, context, server, artifacts):
    from playwright.sync_api import expect

    port = free_port()
    listen = (
        "import os; os.environ['GDLAB_VIEWS'] = ''\n"
        f"import gdlab as gd; cap = gd.listen('udp://127.0.0.1:{port}', limit=3_000_000); board = gd.dashboard(); board"
    )
    notebook = opened([listen, "gd.dashboard()"], "person", "newest-ipykernel")
    page = notebook.page
    page.set_viewport_size({"width": 1280, "height": 800})
    with Players(port, position, players=3):
        notebook.run_all_to_the_end()
        views = Views(Board.of(notebook))
        expect(views.plots).to_have_attribute("data-lanes", "rates rtt events", timeout=limit_ms(60))
        expect(views.rows.first).to_contain_text("seq", timeout=limit_ms(30))

        # The first screen, on a laptop and on a projector.
        wrong = []
        for height in (800, 720):
            wrong += looked_at(views, artifacts, "first", 1280, height, "Light")
            for part in (views.board.row(port), views.stage, views.rows.first):
                expect(part).to_be_in_viewport()
        assert not wrong, wrong
        views.alive()

        # A field as a lane; a click on one of its dots chooses the message.
        views.board.root.locator("select", has_text="draw a field").first.select_option("v.hp")
        expect(views.plots).to_have_attribute(
            "data-lanes", "rates rtt field:v.hp events", timeout=limit_ms(30)
        )
        page.wait_for_timeout(700)
        box = views.box()
        for x in range(int(box["width"]) - 60, int(box["width"]) // 2, -7):
            page.mouse.click(box["x"] + x, box["y"] + 2 * 134 + 60)
            page.wait_for_timeout(30)
            if notebook.ask("board.plots.children[0].picked") is not None:
                break
        wait_until(lambda: notebook.ask("board.tabs.messages.selected") is not None)
        assert b'"hp"' in notebook.ask("board.tabs.messages.selected")
        expect(views.board.part("explain")).to_contain_text("hp", timeout=limit_ms(20))

        # The wheel zooms, the cursor reads, a dragged range is a table, the list and the numbers.
        page.mouse.move(box["x"] + 300, box["y"] + 70)
        page.mouse.wheel(0, -600)
        expect(views.plots.get_by_role("button", name="Follow")).to_have_attribute("aria-pressed", "false")
        page.mouse.move(box["x"] + 320, box["y"] + 70)
        wait_until(
            lambda: page.wait_for_timeout(50) or re.search(r"received [\d.,]+ per second", views.words())
        )
        page.keyboard.down("Shift")
        page.mouse.down()
        page.mouse.move(box["x"] + 420, box["y"] + 70, steps=4)
        page.mouse.up()
        page.keyboard.up("Shift")
        expect(views.note).to_contain_text("in the marked range", timeout=limit_ms(20))
        marked = notebook.ask("len(board.plots.children[0].selection)")
        assert views.listed() == marked > 0
        assert notebook.ask("len(board.plots.children[0].figure().axes)") == 4
        page.screenshot(path=artifacts / "person-marked.png")
        with page.expect_download() as download:
            views.plots.get_by_role("button", name="PNG").click()
        assert download.value.path().read_bytes().startswith(b"\x89PNG")
        views.stage.press("Escape")
        expect(views.note).not_to_contain_text("marked", timeout=limit_ms(20))
        page.mouse.dblclick(box["x"] + 300, box["y"] + 70)
        expect(views.plots.get_by_role("button", name="Follow")).to_have_attribute("aria-pressed", "true")

    # A million rows more: scrolled, sorted, searched.
    page.evaluate(
        "async (code) => { await window.jupyterapp.shell.currentWidget.sessionContext.session.kernel"
        ".requestExecute({code, store_history: false}).done; }",
        FILL,
    )
    expect(views.note).to_contain_text(re.compile(r"^1,0\d\d,\d\d\d rows$"), timeout=limit_ms(60))
    body = views.grid.locator(".gdlab-gr-body")
    body.press("Home")
    expect(views.grid.locator('.gdlab-gr-row[data-place="0"]')).to_contain_text(
        "player", timeout=limit_ms(20)
    )
    body.evaluate("(node) => { node.scrollTop = node.scrollHeight / 2; }")
    middle = views.grid.locator(".gdlab-gr-row:visible").nth(4)
    expect(middle).to_contain_text("1234567", timeout=limit_ms(20))
    assert 400_000 < int(middle.get_attribute("data-place")) < 600_000
    views.grid.locator("button[title='sort by bytes']").click()
    body.evaluate("(node) => { node.scrollTop = node.scrollHeight; }")
    expect(views.rows.last).to_contain_text("player", timeout=limit_ms(20))
    views.grid.locator("button[title='sort by bytes']").click()
    views.grid.locator("button[title='sort by bytes']").click()
    views.stage.press("a")
    wait_until(lambda: page.wait_for_timeout(50) or re.search(r"received 1,0\d\d,\d\d\d", views.words()))
    page.screenshot(path=artifacts / "person-million.png")

    # Narrow and wide, light and dark.
    with Players(port, position):
        wrong = []
        ink = views.stage.evaluate(INK)
        for theme in ("Light", "Dark"):
            notebook.theme(theme)
            for width, height in ((1280, 800), (900, 1000), (1600, 1000)):
                wrong += looked_at(views, artifacts, "themes", width, height, theme)
        wait_until(lambda: page.wait_for_timeout(50) or views.stage.evaluate(INK) != ink)
        notebook.theme("Light")
        page.set_viewport_size({"width": 1280, "height": 800})
        assert not wrong, wrong

        # The second dashboard, a second tab, and the page anew.
        Views(Board.of(notebook, 1)).alive()
        notebook.save()
        second = context.new_page()
        second.goto(server.address(notebook.name))
        other = Views(Board(second))
        other.rows.first.wait_for(timeout=limit_ms(60))
        other.alive()
        views.alive()
        second.close()
        page.reload()
        views = Views(Board.of(notebook))
        views.rows.first.wait_for(timeout=limit_ms(60))
        views.alive()

        # The kernel anew.
        notebook.restart()
        page.screenshot(path=artifacts / "person-restarted.png")
        said = "node => getComputedStyle(node, '::before').content"
        assert "has ended: run the cell again" in views.board.root.evaluate(said)
        inside = views.board.root.locator(".jupyter-widgets-disconnected")
        assert {part.evaluate(said) for part in inside.all()[:40]} == {"none"}
        old = views.board.root.element_handle()
        notebook.run_all()
        page.wait_for_function("old => !old.isConnected", arg=old, timeout=limit_ms(60))
        views = Views(Board.of(notebook))
        expect(views.rows.first).to_contain_text("seq", timeout=limit_ms(60))
        views.alive()
    notebook.ask("gd.stop_all()")
    page.set_viewport_size({"width": 1280, "height": 1400})
