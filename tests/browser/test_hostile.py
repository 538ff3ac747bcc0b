"""What strangers send meets a real page: no script of theirs runs, nothing of theirs is drawn as markup, and the
page stays alive."""

import json
import socket

import pytest

from gdlab.variant.encode import encode
from tests.browser.board import Board
from tests.browser.games import Players
from tests.notebooks.test_notebooks import free_port
from tests.waiting import limit_ms

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]

SCRIPTS = [
    "<script>window.pwned = 1</script>",
    "<img src=x onerror='window.pwned = 2'>",
    "</option></select><img src=x onerror='window.pwned = 3'>",
    "</pre></td></table><svg onload='window.pwned = 4'>",
    "\"'><iframe srcdoc='<script>parent.pwned = 5</script>'></iframe>",
    "<a href='javascript:window.pwned=6'>click</a>",
    "<style>* { display: none !important }</style>",
    "&lt;b id=unescaped&gt; <b id=pwned>bold</b>",
]
BIDI = "\u202e}gnp.elif\u2066 \u200b\u200f zero\u0000 \x1b[31mred\x07\r\n" + "e" + "\u0301" * 200
INVALID = b'\xff\xfe\xc0\x80 \xed\xa0\x80 {"a": \x80}'

#: One line of a megabyte; UDP carries no more than 64 KiB, so it comes over TCP.
LONG = b"<b id=pwned>" + b"A" * 1_000_000

#: True where a script of theirs has run or an element of theirs is in the page.
PWNED = """() => window.pwned !== undefined || [...document.querySelectorAll('.jp-OutputArea')].some(area =>
  area.querySelector('#pwned, #unescaped, script, iframe, svg[onload], img[src=x], a[href^=javascript]'))"""


def hostile():
    for script in SCRIPTS:
        yield script.encode()
        yield json.dumps({script: [script], "text": script}).encode()
        yield encode({script: script, "list": [script]})
    yield BIDI.encode()
    yield json.dumps({"name": BIDI}).encode()
    yield encode(BIDI.replace("\0", ""))
    yield INVALID
    yield b"[" * 60_000
    yield b"\x1c\x00\x00\x00\xff\xff\xff\x7f"  # an array of 2**31 items, says the header


def test_hostile_content_stays_content(opened, artifacts):
    from playwright.sync_api import expect

    payloads = list(hostile())
    port, stream = free_port(), free_port()
    notebook = opened(
        [
            f"import gdlab as gd\ncap = gd.listen('udp://127.0.0.1:{port}')\ngd.dashboard(cap)",
            "cap",
            f"tcp = gd.listen('tcp://127.0.0.1:{stream}', framing='lines'); tcp",
        ],
        "hostile",
    )
    page = notebook.page
    dialogs = []

    def note(dialog):
        if dialog.type != "beforeunload":  # Lab's own, of changes that are not saved
            dialogs.append(dialog.message)
        dialog.accept()

    page.on("dialog", note)
    notebook.run_all_to_the_end()
    board = Board.of(notebook)
    with Players(port, lambda player, frame: payloads[frame] if frame < len(payloads) else None):
        page.wait_for_function(
            f"() => document.querySelector('.gdlab-dashboard').innerText.includes('{len(payloads)} messages')",
            timeout=limit_ms(30),
        )
    expect(page.locator(".gdlab-live").first).to_contain_text(
        f"{len(payloads)} messages", timeout=limit_ms(20)
    )

    # Every one of them is chosen, explained and measured.
    board.tab("Messages")
    body = board.part("gr-body")
    body.focus()
    for place in range(len(payloads)):
        before = board.part("explain").inner_text()
        page.keyboard.press("Home" if place == 0 else "ArrowDown")
        page.wait_for_function(
            "([part, before]) => part.innerText !== before",
            arg=[board.part("explain").element_handle(), before],
            timeout=limit_ms(20),
        )
        assert not any("\u202e" in line or "\u200b" in line for line in board.lines)
    assert int(body.locator("[aria-selected=true]").get_attribute("data-place")) == len(payloads) - 1
    for tab in ("Sizes", "Conversations", "Findings", "Counters", "Send", "Messages"):
        board.tab(tab)
    page.screenshot(path=artifacts / "hostile.png")
    assert not page.evaluate(PWNED)

    # Long lines, and the text of a peer that ends in the middle of one.
    with socket.create_connection(("127.0.0.1", stream)) as sock:
        for _ in range(5):
            sock.sendall(LONG + b"\n")
        sock.sendall(b"<script>window.pwned = 7</script>")
        page.wait_for_function(
            "() => [...document.querySelectorAll('.gdlab-live')].some(view => view.innerText.includes('5 messages'))",
            timeout=limit_ms(30),
        )
    board.row(stream).locator("button", has_text="Show").click()
    board.choose("AAAA")
    expect(board.part("explain")).to_contain_text("AAAA", timeout=limit_ms(20))
    assert len(board.root.inner_html()) < 1_000_000
    assert not page.evaluate(PWNED)

    # The page is alive, and the one who stops it is its user.
    board.button("Stop all").click()
    expect(board.words(port)).to_contain_text("stopped after", timeout=limit_ms(20))
    notebook.save()
    notebook.reopen()
    page.locator(".gdlab-still, .gdlab-dashboard").first.wait_for(state="attached", timeout=limit_ms(30))
    assert not page.evaluate(PWNED)
    page.remove_listener("dialog", note)
    assert dialogs == []
