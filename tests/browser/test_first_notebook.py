"""The first notebook in a real JupyterLab and a real Chromium, on the oldest and the newest ipykernel."""

import re
from importlib import metadata
from pathlib import Path

import pytest

from tests.browser import kernels
from tests.browser.board import Board
from tests.notebooks.test_notebooks import free_port
from tests.waiting import limit_ms

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"


def test_the_first_notebook_comes_alive(opened, kernel, artifacts):
    from playwright.sync_api import expect

    text = (NOTEBOOKS / "01-first-packet.ipynb").read_text().replace(":4242", f":{free_port()}")
    # The lesson ends by stopping; here a person is at the mouse instead.
    text = text.replace('"game.stop()\\n",', '"pass\\n",').replace('"cap.stop()\\n",', '"pass\\n",')
    notebook = opened(text, "first", kernel)
    page = notebook.page
    wanted = kernels.oldest_version() if kernel == kernels.OLDEST else metadata.version("ipykernel")
    assert notebook.ask("__import__('ipykernel').__version__") == wanted

    notebook.run_all()
    live = page.locator(".jp-OutputArea .gdlab-live").first
    live.wait_for(timeout=limit_ms(60))
    status = live.locator(".widget-html-content:visible").first
    expect(status).to_contain_text(
        re.compile(r"[1-9][\d,]* messages .*1 peer, 0 dropped"), timeout=limit_ms(60)
    )
    expect(page.locator(".jp-OutputArea img[src^='data:image/png']:visible").first).to_be_visible(
        timeout=limit_ms(60)
    )

    live.scroll_into_view_if_needed()
    Board(page).changes_picture(live.locator("canvas").first)
    counted = status.inner_text()
    expect(status).not_to_have_text(counted, timeout=limit_ms(20))
    page.screenshot(path=artifacts / f"first-notebook-{kernel}.png")
    live.screenshot(path=artifacts / f"live-{kernel}.png")

    live.locator("button", has_text="Save CSV").click()
    expect(live).to_contain_text(re.compile(r"saved [\d,]+ rows to gdlab-.*\.csv"), timeout=limit_ms(20))
    saved = re.search(r"saved ([\d,]+) rows to (\S+\.csv)", live.inner_text())
    assert (notebook.server.folder / saved[2]).is_file()
    live.locator("button", has_text="Stop").click()
    expect(status).to_contain_text("stopped after", timeout=limit_ms(20))
    live.locator("button", has_text="Start").click()
    expect(status).to_contain_text("listening on", timeout=limit_ms(20))
    live.locator("button", has_text="Stop").click()
    expect(live.locator("button", has_text="Start")).to_be_visible(timeout=limit_ms(20))

    page.locator(".jp-OutputArea img[src^='data:image/png']:visible").last.scroll_into_view_if_needed()
    page.screenshot(path=artifacts / f"first-notebook-plots-{kernel}.png")
