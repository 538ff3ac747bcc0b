"""A saved notebook whose kernel is gone, and one that was exported: the last state is there as pictures and tables."""

import json
import warnings

import pytest

from tests.browser.games import Players
from tests.browser.lab import Notebook
from tests.notebooks.test_notebooks import free_port
from tests.waiting import limit_ms, wait_until

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]

#: What Lab says of a widget whose kernel is gone; there is no way to keep it from saying so.
GONE = "widget model not found"


def the_end(frame):
    return b"the very last" if frame == 30 else f"frame {frame}".encode()


def stills(page):
    return page.locator(".gdlab-still")


def assert_shows_the_end(page, count):
    """The state when the capture was stopped: words, picture and messages."""
    from playwright.sync_api import expect

    expect(stills(page)).to_have_count(count, timeout=limit_ms(30))
    for number in range(count):
        still = stills(page).nth(number)
        expect(still).to_be_visible()
        expect(still).to_contain_text("stopped after")
        expect(still).to_contain_text("31 messages")
        expect(still).to_contain_text("the very last")
        picture = still.locator("img").first
        expect(picture).to_be_visible()
        assert picture.evaluate("image => image.naturalWidth") > 300


def as_html(path):
    """What `jupyter nbconvert --to html` writes."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of its own libraries
        from nbconvert import HTMLExporter

        text, _ = HTMLExporter().from_filename(str(path))
    return text


def test_the_last_state_stays(opened, context, kernel, tmp_path, artifacts):
    from playwright.sync_api import expect

    port = free_port()
    notebook = opened(
        [f"import gdlab as gd\ncap = gd.listen('udp://127.0.0.1:{port}')\ncap"], "saved", kernel
    )
    page = notebook.page
    notebook.run_all_to_the_end()
    view = page.locator(".gdlab-live").first
    expect(view).to_contain_text("nothing received", timeout=limit_ms(30))
    expect(stills(page)).to_have_count(1)
    expect(stills(page).first).to_be_hidden()  # beside a view that is alive
    with Players(port, lambda player, frame: the_end(frame) if frame <= 30 else None):
        wait_until(lambda: notebook.ask("cap.statistics().received") == 31)
        notebook.ask("cap.stop()")
    expect(view).to_contain_text("stopped after", timeout=limit_ms(20))
    page.wait_for_function(
        "[...document.querySelectorAll('.gdlab-still')].every(still => still.textContent.includes('stopped after'))",
        timeout=limit_ms(20),
    )
    notebook.save()

    # Opened again where no kernel knows of it.
    notebook.close()
    notebook = Notebook(page, notebook.server, notebook.name, notebook.errors)
    assert_shows_the_end(page, 1)
    page.screenshot(path=artifacts / f"saved-{kernel}.png")

    # On a machine that does not trust it: Lab takes away what could act.
    path = notebook.server.folder / notebook.name
    stored = json.loads(path.read_text())
    stored["cells"][0]["outputs"][0]["data"]["text/html"] += "<!-- signed by nobody -->"
    stranger = notebook.server.folder / f"stranger-{notebook.name}"
    stranger.write_text(json.dumps(stored))
    notebook.close()
    Notebook(page, notebook.server, stranger.name, notebook.errors)
    expect(page.locator(".jp-OutputArea")).to_contain_text("the very last")
    expect(page.locator(".jp-OutputArea img").first).to_be_visible()

    # Exported.
    exported = tmp_path / "exported.html"
    exported.write_text(as_html(path), encoding="utf-8")
    other = context.new_page()
    other.goto(exported.as_uri())
    assert_shows_the_end(other, 1)
    other.screenshot(path=artifacts / f"exported-{kernel}.png")
    other.close()
    assert all(GONE in error for error in notebook.complaints), notebook.complaints
    notebook.errors.clear()
