"""The parts of the dashboard, each alone in its cell, in a real JupyterLab: what the mouse and the keyboard do."""

import json
import re

import pytest

from gdlab.variant import Vector2, dumps
from tests.browser.games import Players
from tests.browser.kernels import NEWEST
from tests.notebooks.test_notebooks import free_port
from tests.waiting import limit_ms

pytestmark = [pytest.mark.browser, pytest.mark.timeout(150)]

#: What each cell shows, and the class it is found by.
CELLS = {
    "gdlab-messages": "table = w.MessageTable(cap); table",
    "gdlab-explain": "ex = w.Explain(); table.observe(lambda c: ex.show(c['new']), 'selected'); ex",
    "gdlab-rates": "w.RatePlot(cap)",
    "gdlab-latency": "w.LatencyPlot(cap)",
    "gdlab-conversations": "w.Conversations(cap)",
    "gdlab-counters": "w.Counters(cap)",
    "gdlab-findings": "w.Findings(cap)",
    "gdlab-send": "w.SendForm(cap)",
    "gdlab-script": "w.GDScriptView(cap)",
    "gdlab-engine": "w.GodotRunner(cap)",
    "gdlab-sizes": "w.SizeLab(gd.variant.dumps({'id': 7, 'pos': gd.variant.Vector2(1, 2), 'name': 'Ada'}))",
}


def message(player, frame):
    """What player and frame send: Variants, JSON, text, and what means harm."""
    if player % 4 == 0:
        return dumps({"seq": frame, "pos": Vector2(frame % 97, 3.5), "name": f"player {player}"})
    if player % 4 == 1:
        return json.dumps(["CHAT", f"Hello from python {frame}"]).encode()
    if player % 4 == 2:
        return b"The answer is... 42!"
    return f"<script>document.title='harm'</script><img src=x onerror=\"document.title='harm'\"> \u202e{frame}".encode()


def test_thirty_players_are_seen_filtered_frozen_explained_and_answered(opened, artifacts):
    from playwright.sync_api import expect

    port = free_port()
    begin = f"import gdlab as gd\nfrom gdlab import widgets as w\ncap = gd.listen('udp://127.0.0.1:{port}')"
    notebook = opened([begin, *CELLS.values()], "parts", NEWEST)
    page = notebook.page

    def part(name):
        found = page.locator(f".jp-OutputArea .{name}").first
        found.scroll_into_view_if_needed()
        return found

    with Players(port, message, players=30, fps=20):
        notebook.run_all_to_the_end()

        conversations = part("gdlab-conversations")
        expect(conversations).to_contain_text("30 peers, 30 heard", timeout=limit_ms(30))
        shown = conversations.locator("td.m").all_inner_texts()
        assert shown == sorted(shown, key=lambda peer: int(peer.rpartition(":")[2]))

        table = part("gdlab-messages")
        filter_field = table.locator("input")
        filter_field.fill("v.seq % 2 == 0")
        filter_field.press("Enter")
        expect(table).to_contain_text("messages and events match")
        expect(table.locator("option").first).to_contain_text(re.compile(r"'seq':\s\d*[02468],"))
        filter_field.fill("v.seq %")
        filter_field.press("Enter")
        expect(table).to_contain_text("not understood")
        filter_field.fill("v.seq > 0")
        filter_field.press("Enter")
        expect(table).not_to_contain_text("not understood")

        # Frozen by keyboard; a message is chosen and explained.
        table.locator("button", has_text="Freeze").focus()
        page.keyboard.press("Space")
        expect(table).to_contain_text("frozen")
        table.locator("option").nth(1).click()
        line = table.locator("option").first.inner_text()
        expect(part("gdlab-explain")).to_contain_text("Dictionary (27)")
        expect(table).to_contain_text(re.compile(r"frozen: [1-9]"))
        assert table.locator("option").first.inner_text() == line
        # By mouse: another one.
        table.locator("option").nth(4).click()
        expect(part("gdlab-explain")).to_contain_text("player")
        table.locator("button", has_text="Frozen").click()
        filter_field.fill("")
        filter_field.press("Enter")
        expect(table).to_contain_text("the last 50 of")

        send = part("gdlab-send")
        send.locator("button", has_text="test packet").click()
        expect(send).to_contain_text("the test packet arrived", timeout=limit_ms(10))
        send.locator("button", has_text="Variant").click()
        # JupyterLab may hand the two fields and the button to different threads of the kernel, so a person's pace is
        # kept: the button is pressed when the kernel has shown that it knows what is written.
        send.locator("textarea").fill("Vector2(1")
        expect(send).to_contain_text("not Variant yet")
        send.locator("button", has_text=re.compile("^Send$")).click()
        expect(send).to_contain_text(re.compile("not sent, this is not a value: .*expected a comma"))
        send.locator("textarea").fill("Vector2(1, 2)")
        expect(send).to_contain_text("Variant, 12 bytes")
        send.locator("button", has_text=re.compile("^Send$")).click()
        expect(send).to_contain_text(re.compile(r"sent to \d+ peers"))

        script = part("gdlab-script")
        script.locator("button", has_text="Copy").click()
        expect(script.locator("button.gdlab-copy")).to_have_text(re.compile("Copied|Ctrl"))

        sizes = part("gdlab-sizes")
        sizes.locator("input").first.fill("[1, 2, 3]")
        sizes.locator("input").first.press("Enter")
        expect(sizes).to_contain_text("typed in")

        for name in ("gdlab-rates", "gdlab-latency"):
            picture = part(name).locator("img")
            expect(picture).to_be_visible()
            assert picture.bounding_box()["height"] > 200

        assert page.title() != "harm"

    # What has come stays as it is; nothing of it is cut, in either theme and on any screen.
    for theme in ("Light", "Dark"):
        notebook.theme(theme)
        for width in (900, 1600):
            page.set_viewport_size({"width": width, "height": 1200})
            for name in CELLS:
                assert part(name).evaluate("e => e.scrollWidth <= e.clientWidth + 1"), (
                    f"{name} is cut at {width}"
                )
            # One picture of them all: of each alone it would take as long as the rest of the test.
            page.set_viewport_size({"width": width, "height": 5000})
            page.screenshot(path=artifacts / f"parts-{theme.lower()}-{width}.png")
    page.set_viewport_size({"width": 1280, "height": 1400})
    notebook.theme("Light")
