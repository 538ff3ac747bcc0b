"""The dashboard as a page of its own: Voila runs the notebook and shows what its cells show."""

from pathlib import Path

import pytest

from tests.browser import lab
from tests.browser.board import Board
from tests.browser.games import Players
from tests.browser.kernels import NEWEST
from tests.notebooks.test_notebooks import free_port
from tests.waiting import limit_ms

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]

NOTEBOOK = Path(__file__).resolve().parents[2] / "notebooks" / "00-dashboard.ipynb"


@pytest.fixture
def voila(tmp_path, kernelspecs):
    """The address of a Voila that serves the dashboard's notebook, and its log."""
    port = lab.free_port()  # of TCP
    lab.write_kernels({"python3": kernelspecs[NEWEST]}, tmp_path / "home")
    command = ["voila", str(NOTEBOOK), "--no-browser", "--Voila.ip=127.0.0.1", f"--Voila.port={port}"]
    with lab.serving(command, port, tmp_path, tmp_path / "home") as log:
        yield f"http://127.0.0.1:{port}", log


def test_the_dashboard_is_a_page_of_its_own(browser, voila, artifacts):
    from playwright.sync_api import expect

    url, log = voila
    context = browser.new_context(viewport={"width": 1280, "height": 1000})
    page = context.new_page()
    errors = lab.errors_of(page)
    page.goto(url)
    board = Board(page)
    board.root.wait_for(timeout=limit_ms(60))
    expect(page.locator(".gdlab-still")).to_be_hidden()
    port = free_port()
    board.listen(port)
    with Players(port, lambda player, frame: f'{{"frame": {frame}}}'.encode()):
        board.wait_for_more(port)
        board.wait_for_more(port)
        expect(board.root).to_contain_text('"frame"')
        page.screenshot(path=artifacts / "voila.png")
        board.row(port).locator("button", has_text="Stop").click()
        expect(board.words(port)).to_contain_text("stopped after", timeout=limit_ms(20))
    context.close()
    assert not lab.ours(errors)
    assert not lab.complaint(log)
