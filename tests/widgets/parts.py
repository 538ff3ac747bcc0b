"""What the tests of the parts share: sending, refreshing by hand, weighing what goes to the browser."""

import socket

from gdlab.widgets.render import renderer

#: What a hostile peer sends: markup, controls, bidirectional overrides, no UTF-8, and one line of a megabyte.
HOSTILE = [
    b"<script>alert(1)</script>",
    b'"><img src=x onerror=alert(1)>',
    "admin\u202etxt.exe".encode(),
    b"bell\x07 null\x00 escape\x1b[31m\r\nnext",
    b"\xff\xfe\xfd not utf-8",
    "zero\u200bwidth e\u0301\u0301\u0301\u0301\u0301\u0301".encode(),
    b'{"<b>key</b>": "<i>\\u202e</i>"}',
]

BAD_CHARACTERS = ["\u202e", "\u200b", "\x07", "\x00", "\x1b", "\ufeff"]


def by_hand(panel):
    """Take a panel from the render thread: the test refreshes it."""
    renderer.remove(panel)
    return panel


def send(capture, *payloads):
    """Send datagrams to a listener from one socket."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        for payload in payloads:
            sock.sendto(payload, ("127.0.0.1", port_of(capture)))


def port_of(capture):
    return int(capture.addresses[0].rpartition(":")[2])


def weight(sent):
    """Bytes of what crossed to the browser: texts of the traits, and buffers."""
    return sum(len(repr(data.get("state", data))) + buffers for _, data, buffers in sent)


def assert_harmless(markup):
    """No markup of a stranger's, and nothing that acts on the text around it or cannot be seen."""
    lower = markup.lower()
    assert "<script" not in lower
    assert "<img src=x" not in lower
    assert "<b>key" not in lower
    for character in BAD_CHARACTERS:
        assert character not in markup
