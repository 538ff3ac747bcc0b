"""The live view of one capture in a real browser: while a cell blocks, shown twice, closed and opened again."""

import re

import pytest

from tests.browser.board import SOCKETS, THREADS
from tests.browser.games import Players
from tests.browser.kernels import NEWEST, OLDEST, OLDEST_AFRESH
from tests.notebooks.test_notebooks import free_port
from tests.waiting import limit_ms, wait_until

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]


#: The oldest as users start it: the system interrupts that one, where a message interrupts a warm one.
STARTED = {OLDEST: OLDEST_AFRESH, NEWEST: NEWEST}


def greeting(player, frame):
    return f"frame {frame}".encode()


def messages(status):
    """The number in a status line."""
    return int(re.search(r"(\d+) messages", status.inner_text())[1])


def wait_for_more(notebook, status):
    """Return when a status line shows more messages than now."""
    shown = messages(status)
    notebook.page.wait_for_function(
        "([line, shown]) => Number(/([0-9]+) messages/.exec(line.innerText)[1]) > shown",
        arg=[status.element_handle(), shown],
        timeout=limit_ms(20),
    )


def test_the_view_goes_on_while_a_cell_blocks(opened, kernel):
    from playwright.sync_api import expect

    port = free_port()
    listen = f"import gdlab as gd; cap = gd.listen('udp://127.0.0.1:{port}'); cap"
    cells = [listen, "cap.wait_sync(10**9, timeout=100)", "print('aft' + 'er')"]
    notebook = opened(cells, "blocks", STARTED[kernel])
    with Players(port, greeting):
        notebook.run_all()
        status = notebook.page.locator(".gdlab-live .widget-html-content:visible").first
        expect(status).to_contain_text("1 peer", timeout=limit_ms(60))
        expect(notebook.page.locator(".jp-InputPrompt", has_text="[*]")).to_have_count(
            2, timeout=limit_ms(20)
        )
        for _ in range(3):
            wait_for_more(notebook, status)
        expect(notebook.page.locator(".jp-InputPrompt", has_text="[*]")).to_have_count(2)

        # The stop button ends the wait, and not the capture.
        notebook.command("notebook:interrupt-kernel")
        expect(
            notebook.page.locator(".jp-OutputArea-output", has_text="KeyboardInterrupt").first
        ).to_be_visible(timeout=limit_ms(20))
        wait_for_more(notebook, status)
    assert notebook.ask("cap.running")


def test_shown_twice_closed_and_opened_again(opened, kernel):
    from playwright.sync_api import expect

    port = free_port()
    cell = f"import gdlab as gd\ncap = gd.listen('udp://127.0.0.1:{port}', reply=None)\ncap"
    notebook = opened([cell, "cap"], "twice", kernel)
    before = notebook.ask(SOCKETS)
    with Players(port, greeting):
        notebook.run_all()
        statuses = notebook.page.locator(".gdlab-live")
        expect(statuses).to_have_count(2, timeout=limit_ms(60))
        for number in range(2):
            wait_for_more(notebook, statuses.nth(number).locator(".widget-html-content:visible").first)
        threads = notebook.ask(THREADS)
        assert threads.count("gdlab render") == 1
        assert notebook.ask(SOCKETS) == before + 1

        notebook.save()
        received = notebook.ask("cap.statistics().received")
        # The view is gone, the kernel is not: it receives for a reader who comes back. (`test_lifetime` loads the page
        # anew.)
        notebook.reopen()
        status = notebook.page.locator(".gdlab-live .widget-html-content:visible").first
        expect(status).to_contain_text("1 peer", timeout=limit_ms(60))
        wait_for_more(notebook, status)
        assert notebook.ask("cap.statistics().received") > received
        assert notebook.ask(THREADS) == threads
        assert notebook.ask(SOCKETS) == before + 1

        notebook.run_all()
        wait_for_more(notebook, notebook.page.locator(".gdlab-live .widget-html-content:visible").first)
        assert notebook.ask(THREADS) == threads
        assert notebook.ask(SOCKETS) == before + 1
    notebook.ask("gd.stop_all()")
    expect(notebook.page.locator(".gdlab-live .widget-html-content:visible").first).to_contain_text(
        "stopped", timeout=limit_ms(20)
    )
    wait_until(lambda: notebook.ask(THREADS) == [])
    assert notebook.ask(SOCKETS) == before
