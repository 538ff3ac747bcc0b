"""The live plots and the list of messages under a real mouse and keyboard, without a notebook around them."""

import re
import socket

import numpy as np
import pytest

import gdlab as gd
from gdlab.messages import CATEGORIES
from gdlab.store import Limit, Store
from gdlab.store.table import build
from gdlab.widgets.message_grid import MessageGrid
from gdlab.widgets.render import renderer
from gdlab.widgets.timeline import TimelinePanel
from tests.browser.bare import BarePage
from tests.waiting import wait_until

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]

START = 1_800_000_000 * 10**9
MILLION = 1_000_000


class Held:
    """A capture that has stopped, over a store that was filled at once."""

    running = False
    version = 1
    ping_s = None
    decode_with = "auto"
    addresses = ("udp://127.0.0.1:4242",)

    def __init__(self, rows):
        store = Store("udp://127.0.0.1:4242", Limit(rows=2 * rows))
        peers = [store.peer_code(f"127.0.0.1:{5000 + number}") for number in range(4)]
        payload = np.frombuffer(b'{"seq": 1234567}', np.uint8)
        for first in range(0, rows, 50_000):
            count = min(50_000, rows - first)
            numbers = np.arange(first, first + count)
            store.extend(
                START + numbers * 100_000,
                np.array(peers, np.int32)[numbers % 4],
                np.full(count, len(payload), np.uint32),
                np.tile(payload, count),
                np.full(count, len(payload) + 28, np.uint32),
                np.full(count, CATEGORIES["kind"].index("text"), np.int8),
            )
        self.store = store

    def snapshots(self):
        return [self.store.snapshot()]

    @property
    def df(self):
        return build(self.snapshots())

    def tail(self, count):
        return self.df.tail(count)


@pytest.fixture(scope="module")
def million():
    return Held(MILLION)


@pytest.fixture
def shown(browser):
    """Show a panel's canvas in a page; the panel and the page are closed at the end."""
    panels, pages = [], []

    def show(panel, *, width=1000, height=520, traits=()):
        page = browser.new_page(viewport={"width": width, "height": height})
        panels.append(panel)
        pages.append(page)
        return BarePage(page, panel.canvas, traits)

    yield show
    for page in pages:
        page.close()
    for panel in panels:
        panel.close()
    wait_until(lambda: renderer._thread is None)


@pytest.fixture
def played():
    """A capture that has received for a moment, and goes on."""
    with gd.listen("udp://127.0.0.1:0", restart=True) as cap:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            for number in range(60):
                sock.sendto(b'{"seq": %d}' % number, ("127.0.0.1", cap.port))
        cap.wait_sync(60)
        yield cap


def words(bare):
    return bare.page.locator(".gdlab-tl-words").inner_text()


def domain(bare):
    """Seconds in view, from the range that was asked for last."""
    told = bare.panel._window_ns()
    return (told[1] - told[0]) / 1e9


def test_wheel_drag_and_double_click_move_through_a_million_rows(shown, million, artifacts):
    panel = TimelinePanel(million)
    bare = shown(panel, traits=("by_peer", "pull"))
    bare.panel = panel
    panel.update()
    bare.turn_until("document.querySelector('.gdlab-tl').dataset.lanes === 'rates rtt events'")
    page = bare.page
    assert "received 1,000,000" in words(bare)
    whole = domain(bare)
    box = page.locator(".gdlab-tl-stage").bounding_box()
    middle = box["x"] + box["width"] / 2
    page.mouse.move(middle, box["y"] + 60)
    page.mouse.wheel(0, -400)
    bare.until(lambda: domain(bare) < 0.8 * whole)
    wheeled = domain(bare)
    page.mouse.down()
    page.mouse.move(middle + 100, box["y"] + 60, steps=4)
    page.mouse.up()
    bare.until(lambda: domain(bare) < 0.3 * wheeled)
    page.mouse.move(middle, box["y"] + 60)
    bare.until(lambda: "received 10,000 per second" in words(bare))
    page.screenshot(path=artifacts / "timeline-zoomed.png")
    page.mouse.dblclick(middle, box["y"] + 60)
    bare.until(lambda: domain(bare) == pytest.approx(whole, rel=0.05))
    assert bare.errors == []


def test_a_range_marked_with_the_mouse_is_a_table(shown, million):
    panel = TimelinePanel(million)
    bare = shown(panel, traits=("by_peer", "pull"))
    panel.update()
    bare.turn_until("document.querySelector('.gdlab-tl').dataset.lanes === 'rates rtt events'")
    page = bare.page
    box = page.locator(".gdlab-tl-stage").bounding_box()
    page.keyboard.down("Shift")
    page.mouse.move(box["x"] + 300, box["y"] + 60)
    page.mouse.down()
    page.mouse.move(box["x"] + 400, box["y"] + 60, steps=3)
    page.mouse.up()
    page.keyboard.up("Shift")
    bare.until(lambda: panel.marked is not None and "messages" in words(bare))
    selected = len(panel.selection)
    assert 0.05 * MILLION < selected < 0.2 * MILLION
    counted = int(re.search(r"([\d,]+) messages", words(bare))[1].replace(",", ""))
    assert counted == pytest.approx(selected, rel=0.01)
    page.locator(".gdlab-tl-stage").press("Escape")
    bare.until(lambda: panel.marked is None)


def test_the_keyboard_is_enough(shown, played):
    panel = TimelinePanel(played)
    bare = shown(panel, traits=("by_peer", "pull"))
    bare.panel = panel
    panel.update()
    bare.turn_until("document.querySelector('.gdlab-tl').dataset.lanes === 'rates rtt events'")
    stage = bare.page.locator(".gdlab-tl-stage")
    before = domain(bare)
    stage.press("+")
    bare.until(lambda: domain(bare) == pytest.approx(before / 2, rel=0.05))
    stage.press("a")
    bare.until(lambda: domain(bare) < 0.9 * before / 2)  # everything there is
    stage.press("f")
    bare.until(lambda: panel._range_ns is None)
    bare.page.locator(".gdlab-tl summary").click()
    bare.until(lambda: "Messages (per second): received" in bare.page.locator(".gdlab-tl table").inner_text())
    bare.page.get_by_role("button", name="By peer").click()
    bare.until(lambda: panel.canvas.by_peer)
    assert bare.errors == []


def test_a_million_rows_are_scrolled_sorted_and_chosen_from(shown, million, artifacts):
    panel = MessageGrid(million)
    bare = shown(panel, height=400)
    panel.update()
    page = bare.page
    rows = page.locator(".gdlab-gr-row:visible")
    full = (
        "[...document.querySelectorAll('.gdlab-gr-row')].filter((row) => !row.hidden)"
        ".every((row) => row.children[4].textContent.includes('seq'))"
    )
    bare.turn_until("document.querySelector('.gdlab-gr-note').textContent === '1,000,000 rows'")
    bare.turn_until(full)
    body = page.locator(".gdlab-gr-body")
    body.press("Home")
    bare.turn_until("document.querySelector('.gdlab-gr-row[data-place=\"0\"]') !== null")
    bare.turn_until(full)
    assert page.locator('.gdlab-gr-row[data-place="0"]').inner_text().startswith("08:00:00.000")

    def middle():  # the list may still be on its way to the beginning
        body.evaluate("(node) => { node.scrollTop = node.scrollHeight / 2; }")
        bare.turn(100)
        return int(rows.first.get_attribute("data-place"))

    bare.until(lambda: 0.45 * MILLION < middle() < 0.55 * MILLION)
    bare.turn_until(full)
    place = int(rows.first.get_attribute("data-place"))
    rows.nth(4).click()
    bare.until(lambda: panel.selected == b'{"seq": 1234567}')
    body.press("ArrowDown")
    bare.turn_until(f"document.querySelector('[aria-selected=\"true\"]')?.dataset.place === '{place + 5}'")
    page.locator('select[aria-label^="copy"]').select_option("python")
    bare.turn_until("document.querySelector('.gdlab-gr').dataset.copied === \"{'seq': 1234567}\"")
    page.get_by_role("button", name="sort by time").or_(
        page.locator("button[title='sort by time']")
    ).first.click()
    page.locator("button[title='sort by time']").click()
    body.evaluate("(node) => { node.scrollTop = 0; }")
    newest = (
        "document.querySelector('.gdlab-gr-row[data-place=\"0\"]')?.textContent.startsWith('08:01:39.999')"
    )
    bare.turn_until(newest)
    page.screenshot(path=artifacts / "grid-million.png")
    assert bare.errors == []


def test_a_filter_narrows_the_list_and_says_what_is_wrong_with_it(shown, played):
    panel = MessageGrid(played)
    bare = shown(panel, height=400)
    panel.update()
    note = "document.querySelector('.gdlab-gr-note').textContent"
    bare.turn_until(f"{note} === '60 rows'")
    field = bare.page.locator(".gdlab-gr-bar input")
    field.fill("v.seq % 20 == 0")
    field.press("Enter")
    bare.turn(50)
    panel.update()
    bare.turn_until(f"{note} === '3 of 60 rows match'")
    bare.until(lambda: bare.page.locator(".gdlab-gr-row:visible").count() == 3)
    field.fill("v.seq %")
    field.press("Enter")
    bare.turn_until("document.querySelector('.gdlab-gr-note').classList.contains('bad')")
    assert bare.errors == []
