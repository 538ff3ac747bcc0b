"""The live plots and the whole list in JupyterLab, where a page, a kernel and anywidget's own front end meet."""

import pytest

from tests.browser.games import Players
from tests.browser.test_players import CONTRAST, CUT, READABLE
from tests.notebooks.test_notebooks import free_port
from tests.waiting import limit_ms

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]


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


def greeting(player, frame):
    return f"frame {frame}".encode()


def test_the_dashboard_draws_in_the_browser_and_lists_every_row(opened, artifacts):
    from playwright.sync_api import expect

    port = free_port()
    listen = (
        "import os; os.environ['GDLAB_VIEWS'] = ''\n"
        f"import gdlab as gd; cap = gd.listen('udp://127.0.0.1:{port}'); board = gd.dashboard(); board"
    )
    notebook = opened([listen], "views", "newest-ipykernel")
    page = notebook.page
    with Players(port, greeting):
        notebook.run_all()
        plots = page.locator(".gdlab-tl")
        plots.wait_for(timeout=limit_ms(60))
        expect(plots).to_have_attribute("data-lanes", "rates rtt events", timeout=limit_ms(30))
        expect(plots.locator(".gdlab-tl-words")).to_contain_text("in view: received", timeout=limit_ms(30))
        expect(page.locator(".gdlab-gr-row", has_text="frame").first).to_be_visible(timeout=limit_ms(30))
        board = page.locator(".gdlab-dashboard")
        for height in (800, 720):  # a laptop, a projector
            page.set_viewport_size({"width": 1280, "height": height})
            board.evaluate("(node) => node.scrollIntoView()")
            # State, rates and messages are on the first screen, large enough, and nothing is to be scrolled sideways.
            for part in (
                page.locator(".gdlab-row").first,
                plots,
                page.locator(".gdlab-gr-row", has_text="frame").first,
            ):
                expect(part).to_be_in_viewport()
            assert board.evaluate("(node) => node.scrollWidth <= node.clientWidth")
            assert board.evaluate(SIDEWAYS) == []
            assert board.evaluate(CUT) == []
            assert board.evaluate(SMALLEST)[0] >= 14
            assert board.evaluate(CONTRAST)[0] >= READABLE
            page.screenshot(path=artifacts / f"views-in-lab-{height}.png")
        page.locator(".gdlab-gr-row", has_text="frame").first.click()
        expect(page.locator(".gdlab-explain")).to_contain_text("frame", timeout=limit_ms(30))
    assert notebook.ask("board.tabs.messages.selected").startswith(b"frame")
    assert notebook.complaints == []
    notebook.ask("gd.stop_all()")
