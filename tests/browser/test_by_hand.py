"""What a person does with the dashboard in JupyterLab, from the first screen to a new kernel; a picture of each step.

The plots and the list are tested one by one without a notebook around them (`test_bare_views`), at a tenth of the cost.
"""

import re

import pytest

from tests.browser.board import Board
from tests.browser.kernels import AFRESH
from tests.browser.lab import Notebook
from tests.browser.test_players import CONTRAST, CUT, READABLE
from tests.waiting import limit_ms, wait_until

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

#: A capture that has received a million rows in the last hundred seconds, and goes on; its messages are pings' answers.
HELD = """
import numpy as np
import gdlab as gd

cap = gd.listen("udp://127.0.0.1:0", ping=0.1, limit=2_000_000)
store, rows, payload = cap._life.stores[0], 1_000_000, np.frombuffer(b'{"seq": 1234567}', np.uint8)
peers = np.array([store.peer_code(f"127.0.0.1:{5000 + number}") for number in range(4)], np.int32)
began = __import__("time").time_ns() - 110 * 10**9
for first in range(0, rows, 50_000):
    numbers = np.arange(first, first + 50_000)
    store.extend(began + numbers * 100_000, peers[numbers % 4], np.full(50_000, len(payload), np.uint32),
        np.tile(payload, 50_000), np.full(50_000, len(payload) + 28, np.uint32), np.zeros(50_000, np.int8))
game = gd.demo_game(cap.addresses[0], engine=False)
board = gd.dashboard(cap)
board"""

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

#: What a screen reader would announce without a name.
NAMELESS = re.compile(
    r"^\s*- (?:button|textbox|combobox|listbox|checkbox|application|spinbutton)(?! \").*", re.MULTILINE
)

#: Each is seen as people see it who lack one kind of cones: one man in twelve, one woman in two hundred.
EYES = ("deuteranopia", "protanopia")


def faults(root):
    """What is wrong with how a dashboard looks at the present size, in the present theme."""
    contrast, pale = root.evaluate(CONTRAST)
    size, small = root.evaluate(SMALLEST)
    return [
        *(f"scrolls sideways: {name}" for name in root.evaluate(SIDEWAYS)),
        *(f"cut: {text}" for text in root.evaluate(CUT)),
        *([f"too pale: {pale}"] if contrast < READABLE else []),
        *([f"too small: {small}"] if size < 14 else []),
        *(["wider than its place"] if root.evaluate("(node) => node.scrollWidth > node.clientWidth") else []),
    ]


def test_a_dashboard_over_a_million_rows_from_the_first_screen_to_a_new_kernel(opened, context, artifacts):
    from playwright.sync_api import expect

    notebook = opened([HELD, "other = gd.widgets.Dashboard()\nother"], "by-hand", AFRESH)
    page = notebook.page
    page.set_viewport_size({"width": 1280, "height": 800})
    notebook.run_all()
    board = Board.of(notebook)

    def picture(name):
        page.screenshot(path=artifacts / f"by-hand-{name}.png")

    # The first screen, on a laptop and on a projector: state, rates and messages, and nothing to be scrolled sideways.
    plots, stage, words = board.part("tl"), board.part("tl-stage"), board.part("tl-words")
    note, body = board.part("gr-note"), board.part("gr-body")
    expect(plots).to_have_attribute("data-lanes", "rates rtt events", timeout=limit_ms(60))
    expect(words).to_contain_text(
        re.compile("in view: received .* round trips: median"), timeout=limit_ms(30)
    )
    board.rows.filter(has_text="probe").first.wait_for(timeout=limit_ms(30))
    for height in (800, 720):
        page.set_viewport_size({"width": 1280, "height": height})
        board.root.evaluate("(node) => node.scrollIntoView()")
        for part in (board.root.locator(".gdlab-row").first, plots, board.rows.first):
            expect(part).to_be_in_viewport()
        assert faults(board.root) == []
    picture("first-screen")
    assert NAMELESS.findall(board.root.aria_snapshot()) == []

    # Look into the past: everything, then into the flood of a while ago, and read a value under the cursor.
    stage.press("a")
    expect(words).to_contain_text(re.compile(r"received 1,0\d\d,\d\d\d"), timeout=limit_ms(20))
    picture("all")
    box = stage.bounding_box()

    def at(share, y=60):
        page.mouse.move(box["x"] + 62 + share * (box["width"] - 74), box["y"] + y, steps=3)

    at(0.3)
    page.mouse.wheel(0, -300)
    page.mouse.wheel(0, -300)
    expect(words).to_contain_text(re.compile(r"received 10,000 per second"), timeout=limit_ms(20))
    picture("zoomed-and-hovered")

    # Mark a stretch: the list, the words and the table in the kernel are of that stretch.
    page.keyboard.down("Shift")
    at(0.4)
    page.mouse.down()
    at(0.6)
    page.mouse.up()
    page.keyboard.up("Shift")
    expect(note).to_contain_text("in the marked range", timeout=limit_ms(20))
    selected = notebook.ask("len(board.plots.children[0].selection)")
    assert 10_000 < selected < 900_000
    expect(note).to_contain_text(f"{selected:,} rows")
    picture("marked")
    stage.press("Escape")
    expect(note).not_to_contain_text("marked", timeout=limit_ms(20))

    # Live again; a click on a round trip chooses its message.
    box = stage.bounding_box()
    page.mouse.dblclick(box["x"] + box["width"] / 2, box["y"] + 60)
    page.mouse.move(5, 5)
    expect(plots.get_by_role("button", name="Follow")).to_have_attribute("aria-pressed", "true")
    expect(words).to_contain_text("round trips", timeout=limit_ms(20))
    page.wait_for_timeout(400)  # longer than two clicks that are one
    assert notebook.ask(
        "board.plots.children[0].picked is None"
    )  # a double click goes back, and chooses nothing
    for y in range(150, 270, 9):  # two seconds ago; ten pings per second have come back
        page.mouse.click(box["x"] + box["width"] * 0.9, box["y"] + y)
    wait_until(
        lambda: page.wait_for_timeout(50) or notebook.ask("board.plots.children[0].picked is not None")
    )
    expect(board.part("explain")).to_contain_text("probe", timeout=limit_ms(20))
    expect(body.locator("[aria-selected=true]")).to_contain_text("probe", timeout=limit_ms(20))
    picture("picked")
    # The list stands still while others arrive.
    still = board.lines[:10]
    board.changes(note, r"([\d,]+) rows")
    board.changes(note, r"([\d,]+) rows")
    assert board.lines[:10] == still

    # A million rows: to the beginning, by size, to the middle.
    body.press("Home")
    expect(body.locator('[data-place="0"]')).to_contain_text("1234567", timeout=limit_ms(20))
    board.part("gr-head").get_by_role("button", name="bytes").click()

    def middle():  # another order begins at its first row, when it has come
        body.evaluate("(node) => { node.scrollTop = node.scrollHeight / 2; }")
        page.wait_for_timeout(100)
        return int(board.rows.first.get_attribute("data-place"))

    wait_until(lambda: 300_000 < middle() < 700_000)
    expect(board.rows.first).to_contain_text("1234567", timeout=limit_ms(20))
    board.rows.nth(3).click()
    expect(board.part("explain")).to_contain_text("1234567", timeout=limit_ms(20))
    picture("sorted-in-the-middle")
    for _ in range(2):  # descending, and as they came
        board.part("gr-head").get_by_role("button", name="bytes").click()
    board.follow(True)

    # Narrow and wide windows, light and dark, and other eyes.
    problems = []
    devtools = context.new_cdp_session(page)
    for theme in ("Light", "Dark"):
        notebook.theme(theme)
        for width in (700, 1600):
            page.set_viewport_size({"width": width, "height": 1000})
            board.root.evaluate("(node) => node.scrollIntoView()")
            board.changes_picture(board.plots)
            picture(f"{width}-{theme.lower()}")
            problems += [(theme, width, fault) for fault in faults(board.root)]
    notebook.theme("Light")
    page.set_viewport_size({"width": 1280, "height": 800})
    stage.press("a")
    plots.get_by_role("button", name="By peer").click()
    expect(words).to_contain_text("127.0.0.1:5001", timeout=limit_ms(20))
    for eye in EYES:
        devtools.send("Emulation.setEmulatedVisionDeficiency", {"type": eye})
        picture(eye)
    devtools.send("Emulation.setEmulatedVisionDeficiency", {"type": "none"})
    assert problems == []

    # Two dashboards, and a second tab: all of them live. (`test_lifetime` loads the page anew.)
    other = Board.of(notebook, 1)
    other.wait_for_more(port := notebook.ask("cap.port"))
    notebook.save()
    second = Notebook(context.new_page(), notebook.server, notebook.name)
    there = Board.of(second)
    there.wait_for_more(port)
    there.changes_picture(there.plots)
    second.page.screenshot(path=artifacts / "by-hand-second-tab.png")
    assert second.complaints == []
    second.page.close()
    board.wait_for_more(port)

    # The kernel is gone: the page says so. It runs anew: nothing of the old one is in the way.
    notebook.restart()
    board.root.evaluate("(node) => node.scrollIntoView()")
    gone = "(node) => getComputedStyle(node, '::before').content"
    wait_until(lambda: page.wait_for_timeout(50) or "has ended" in board.root.evaluate(gone))
    picture("kernel-gone")
    notebook.run_all_to_the_end()
    board = Board.of(notebook)
    board.wait_for_more(notebook.ask("cap.port"))
    picture("kernel-anew")
    notebook.ask("gd.stop_all()")
