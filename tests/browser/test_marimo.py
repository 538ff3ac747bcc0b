"""A capture in a marimo app, without anybody's hand: the plots are there, and live."""

import re

import pytest

from tests.browser import lab
from tests.browser.games import Players
from tests.notebooks.test_notebooks import free_port
from tests.waiting import limit_ms, wait_until

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

APP = """import marimo

app = marimo.App()


@app.cell
def _():
    import gdlab as gd

    cap = gd.listen("udp://127.0.0.1:PORT", restart=True)
    return (cap,)


@app.cell
def _(cap):
    cap
    return


if __name__ == "__main__":
    app.run()
"""


def received(words):
    found = re.search(r"received ([\d,]+)", words.inner_text())
    return int(found[1].replace(",", "")) if found else 0


def test_a_capture_is_live_in_marimo(browser, tmp_path, artifacts):
    from playwright.sync_api import expect

    game, port = free_port(), lab.free_port()
    app = tmp_path / "app.py"
    app.write_text(APP.replace("PORT", str(game)))
    command = [
        "marimo",
        "run",
        str(app),
        "--headless",
        "--no-token",
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
    ]
    page = browser.new_page(viewport={"width": 1000, "height": 800})
    errors = lab.errors_of(page)
    with lab.serving(command, port, tmp_path, tmp_path / "home") as log:
        page.goto(f"http://127.0.0.1:{port}", timeout=limit_ms(60))
        plots = page.locator(".gdlab-tl")
        expect(plots).to_have_attribute("data-lanes", "rates rtt events", timeout=limit_ms(60))
        words = plots.locator(".gdlab-tl-words")
        with Players(game, lambda player, frame: b"hello"):
            for _ in range(2):
                before = received(words)
                wait_until(lambda before=before: page.wait_for_timeout(50) or received(words) > before)
            page.mouse.move(500, 300)
            plots.locator(".gdlab-tl-stage").hover()
            page.mouse.wheel(0, -400)
            expect(plots.get_by_role("button", name="Follow")).to_have_attribute("aria-pressed", "false")
            page.screenshot(path=artifacts / "marimo.png")
        page.close()
    assert lab.ours(errors) == []
    assert not lab.complaint(log)
