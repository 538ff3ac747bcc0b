"""Thirty players at 60 messages per second each: who talks stays readable and in order, in either theme and on any
screen."""

import json
import re

import pytest

from tests.browser.board import Board
from tests.browser.games import Players
from tests.notebooks.test_notebooks import free_port
from tests.waiting import limit_ms

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]

PLAYERS = 30
TABS = ("Conversations", "Messages", "Findings", "Counters", "Sizes", "Send", "Godot")

#: The first column of the table, top to bottom.
PEERS = "part => [...part.querySelectorAll('tbody tr')].map(row => row.cells[0].innerText.trim())"

#: Words on buttons, fields' names and cells that are wider than the room they have, or reach beyond the dashboard.
CUT = """root => [...root.querySelectorAll('button, .widget-label, td, th')].filter(part => {
  if (!part.offsetParent || !part.innerText.trim()) return false;
  let box = part.parentElement;
  while (box !== root && getComputedStyle(box).overflowX === 'visible') box = box.parentElement;
  const scrolls = box !== root && ['auto', 'scroll'].includes(getComputedStyle(box).overflowX);
  return part.scrollWidth > part.clientWidth + 1 && part.clientWidth > 0
    || !scrolls && part.getBoundingClientRect().right > root.getBoundingClientRect().right + 1;
}).map(part => part.innerText)"""

#: How different the ink of a text is from its paper, as WCAG 2 counts, for every visible text; the least.
CONTRAST = """root => {
  const light = c => { c /= 255; return c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4; };
  const parse = text => (text.match(/[\\d.]+/g) || []).map(Number);
  const luminance = ([r, g, b]) => 0.2126 * light(r) + 0.7152 * light(g) + 0.0722 * light(b);
  const paper = part => {
    for (; part; part = part.parentElement) {
      const colour = parse(getComputedStyle(part).backgroundColor);
      if (colour.length === 3 || colour[3] > 0.5) return colour;
    }
    return [255, 255, 255];
  };
  const texts = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  let worst = [99, ''];
  while (texts.nextNode()) {
    const part = texts.currentNode.parentElement;
    if (!texts.currentNode.textContent.trim() || !part.offsetParent) continue;
    if (part.closest('button:disabled, option, style')) continue;
    const [a, b] = [luminance(parse(getComputedStyle(part).color)), luminance(paper(part))];
    let ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (texts.currentNode.textContent === '●') ratio *= 1.5;  // a light, whose words stand beside it
    if (ratio < worst[0]) worst = [ratio, texts.currentNode.textContent.trim().slice(0, 60)];
  }
  return worst;
}"""


#: Lets the page see its new size: what asks to be told of it, and then draws anew, has done so two frames later.
DRAWN = "() => new Promise(then => requestAnimationFrame(() => requestAnimationFrame(then)))"

#: Where a picture is kept of each part.
PICTURED = {("Light", 900), ("Dark", 1600)}

#: 4.5 is what WCAG 2 asks of text; Lab's own dimmed text on its own grey has a little less.
READABLE = 4.0


def position(player, frame):
    return json.dumps({"player": player, "seq": frame, "pos": [frame * 0.5, 2.25], "hp": 100}).encode()


def by_port(peers):
    return sorted(peers, key=lambda peer: int(peer.rpartition(":")[2]))


def test_thirty_players(opened, artifacts):
    from playwright.sync_api import expect

    port = free_port()
    notebook = opened([f"import gdlab as gd\ngd.dashboard(gd.listen('udp://127.0.0.1:{port}'))"], "players")
    page = notebook.page
    notebook.run_all_to_the_end()
    board = Board.of(notebook)
    board.tab("Conversations")
    part = board.part("conversations")
    with Players(port, position, players=PLAYERS) as players:
        expect(part).to_contain_text(re.compile(r"30 peers, 30 heard"), timeout=limit_ms(30))
        shown = part.evaluate(PEERS)
        assert shown == by_port(f"127.0.0.1:{peer}" for peer in players.ports)
        board.changes(part, r"together ([\d.,]+) messages")
        board.wait_for_more(port)
        assert part.evaluate(PEERS) == shown  # the numbers run, the rows do not

        problems = []
        for theme in ("Light", "Dark"):
            notebook.theme(theme)
            for tab in TABS:
                board.tab(tab)
                expect(board.root.locator(".gdlab-tabs button.mod-active")).to_have_text(tab)
                if tab == "Messages":
                    board.choose('"player"')
                    expect(board.part("explain")).to_contain_text("JSON", timeout=limit_ms(20))
                    board.follow(True)
                if theme == "Light":  # what has come is there in the dark, too
                    board.wait_for_more(port)
                for width in (900, 1600):
                    page.set_viewport_size({"width": width, "height": 1400})
                    page.evaluate(DRAWN)
                    if (theme, width) in PICTURED:
                        page.screenshot(path=artifacts / f"{tab.lower()}-{width}-{theme.lower()}.png")
                    where = (theme, width, tab)
                    problems += [(*where, "cut", text) for text in board.root.evaluate(CUT)]
                    contrast, text = board.root.evaluate(CONTRAST)
                    problems += [(*where, "too pale", text)] if contrast < READABLE else []
        notebook.theme("Light")
    assert problems == []
    page.set_viewport_size({"width": 1280, "height": 1400})
