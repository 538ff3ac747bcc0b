"""The first notebook in a real JupyterLab and a real Chromium, as `gdlab lab` opens it."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

import pytest

from tests.browser import lab
from tests.notebooks.test_notebooks import free_port

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"

#: Where screenshots stay, for people to look at.
ARTIFACTS = Path(__file__).resolve().parents[2] / "artifacts"

#: What browsers and Lab itself complain of, and what is none of ours.
HARMLESS = re.compile(r"favicon|net::ERR_|Failed to load resource|GPU|WebGL|preload", re.IGNORECASE)


@pytest.fixture(scope="module")
def browser():
    """A real Chromium; skips with the reason, or fails where CI demands one."""
    reason = ""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        reason = "playwright is not installed (dependency group `browser`)"
    path = lab.chromium()
    if not path:
        reason = "no Chromium on PATH (Debian and Ubuntu: apt install chromium)"
    if reason:
        if os.environ.get("GDLAB_REQUIRE_BROWSER") == "1":
            pytest.fail(f"GDLAB_REQUIRE_BROWSER=1, but {reason}")
        pytest.skip(reason)
    with sync_playwright() as playwright:
        flags = [*lab.QUIET, *(["--no-sandbox"] if os.geteuid() == 0 else [])]
        chromium = playwright.chromium.launch(executable_path=path, args=flags)
        yield chromium
        chromium.close()


@pytest.mark.browser
@pytest.mark.timeout(180)
def test_the_first_notebook_comes_alive(browser, tmp_path):
    from playwright.sync_api import expect

    port = free_port()
    work = tmp_path / "work"
    work.mkdir()
    text = (NOTEBOOKS / "01-first-packet.ipynb").read_text().replace(":4242", f":{port}")
    # The lesson ends by stopping; here a person is at the mouse instead.
    text = text.replace('"game.stop()\\n",', '"pass\\n",').replace('"cap.stop()\\n",', '"pass\\n",')
    (work / "01-first-packet.ipynb").write_text(text)
    ARTIFACTS.mkdir(exist_ok=True)
    env = {"GDLAB_TRAFFIC": ""}
    with lab.server(work, tmp_path / "home", ["gdlab.cli", "lab", "--no-traffic"], env) as (url, token, log):
        address = f"{url}/doc/tree/01-first-packet.ipynb?token={token}&reset"
        with lab.page(browser, address) as (page, errors):
            page.evaluate("void window.jupyterapp.commands.execute('notebook:run-all-cells')")
            live = page.locator(".jp-OutputArea .gdlab-live").first
            live.wait_for(timeout=60_000)
            status = live.locator(".widget-html-content").first
            expect(status).to_contain_text(
                re.compile(r"[1-9]\d* messages, 1 peer, 0 dropped"), timeout=60_000
            )
            expect(page.locator(".jp-OutputArea img[src^='data:image/png']").first).to_be_visible(
                timeout=60_000
            )

            picture = live.locator("img").first
            live.scroll_into_view_if_needed()
            before = picture.get_attribute("src")
            page.wait_for_function(
                "([image, before]) => image.src !== before",
                arg=[picture.element_handle(), before],
                timeout=20_000,
            )
            counted = status.inner_text()
            expect(status).not_to_have_text(counted, timeout=20_000)
            page.screenshot(path=ARTIFACTS / "first-notebook.png")
            live.screenshot(path=ARTIFACTS / "live.png")

            live.locator("button", has_text="Save CSV").click()
            expect(live).to_contain_text(re.compile(r"saved \d+ rows to gdlab-.*\.csv"), timeout=20_000)
            live.locator("button", has_text="Stop").click()
            expect(status).to_contain_text("stopped after", timeout=20_000)
            live.locator("button", has_text="Start").click()
            expect(status).to_contain_text("listening on", timeout=20_000)
            live.locator("button", has_text="Stop").click()
            expect(live.locator("button", has_text="Start")).to_be_visible(timeout=20_000)

            page.locator(".jp-OutputArea img[src^='data:image/png']").last.scroll_into_view_if_needed()
            page.screenshot(path=ARTIFACTS / "first-notebook-plots.png")
            assert not [error for error in errors if not HARMLESS.search(error)]
        assert len(list(work.glob("gdlab-*.csv"))) == 1
        assert "Traceback" not in log.read_text()
    shutil.copy(log, ARTIFACTS / "server.log")
