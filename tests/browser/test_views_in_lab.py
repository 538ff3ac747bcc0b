"""The live plots and the whole list in JupyterLab, where a page, a kernel and anywidget's own front end meet."""

import pytest

from tests.browser.games import Players
from tests.notebooks.test_notebooks import free_port
from tests.waiting import limit_ms

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]


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
        page.set_viewport_size({"width": 1280, "height": 800})
        page.locator(".gdlab-dashboard").evaluate("(node) => node.scrollIntoView()")
        # State, rates and messages are on the first screen of a projector, and nothing has to be scrolled sideways.
        for part in (
            page.locator(".gdlab-row").first,
            plots,
            page.locator(".gdlab-gr-row", has_text="frame").first,
        ):
            expect(part).to_be_in_viewport()
        board = page.locator(".gdlab-dashboard")
        assert board.evaluate("(node) => node.scrollWidth <= node.clientWidth")
        page.screenshot(path=artifacts / "views-in-lab.png")
        page.locator(".gdlab-gr-row", has_text="frame").first.click()
        expect(page.locator(".gdlab-explain")).to_contain_text("frame", timeout=limit_ms(30))
    assert notebook.ask("board.tabs.messages.selected").startswith(b"frame")
    assert notebook.complaints == []
    notebook.ask("gd.stop_all()")
