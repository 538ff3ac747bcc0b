"""The WebSocket handshake by itself: both sides understand each other, and hostile texts raise nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gdlab.peers import ws_handshake
from gdlab.peers.ws_handshake import Url

KEY = "dGhlIHNhbXBsZSBub25jZQ=="


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("ws://example.org", Url("ws", "example.org", 80, "/")),
        ("wss://example.org/a?b=c#d", Url("wss", "example.org", 443, "/a?b=c")),
        ("WS://user:word@example.org:5000/", Url("ws", "example.org", 5000, "/")),
        ("localhost:5000", Url("ws", "localhost", 5000, "/")),
        ("ws://[::1]:5000/x", Url("ws", "::1", 5000, "/x")),
        ("http://example.org", None),
        ("", None),
    ],
)
def test_urls(text, url):
    assert ws_handshake.parse_url(text) == url


def test_both_sides_understand_each_other():
    url = ws_handshake.parse_url("ws://localhost:5000/room")
    wire = ws_handshake.request(url, KEY, ["a", "b"], ["X-Own: 1"])
    asked = ws_handshake.check_request(wire, ["b", "c"])
    assert (asked.key, asked.host, asked.path, asked.protocol) == (KEY, "localhost:5000", "/room", "b")
    answer = ws_handshake.response(asked, ["X-Own: 2"])
    assert b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" in answer  # RFC 6455 section 1.3
    assert ws_handshake.check_response(answer, KEY, ["a", "b"]) == "b"
    assert ws_handshake.check_response(answer, KEY, ["a"]) is None
    assert ws_handshake.check_response(answer, KEY, []) is None
    assert ws_handshake.check_request(wire, []) is None  # asked for what the server does not have
    assert ws_handshake.check_request(ws_handshake.request(url, KEY, [], []), ["b"]) is None


@pytest.mark.parametrize(
    "line", ["GET", "Upgrade", "Sec-WebSocket-Key", "Sec-WebSocket-Version", "Connection"]
)
def test_a_request_needs_all_its_lines(line):
    lines = ws_handshake.request(Url("ws", "h", 80, "/"), KEY, [], []).decode().split("\r\n")
    short = "\r\n".join(other for other in lines if not other.startswith(line))
    assert ws_handshake.check_request(short.encode(), []) is None


headers = st.lists(
    st.sampled_from(
        [
            b"HTTP/1.1 101 x",
            b"GET / HTTP/1.1",
            b"Upgrade: websocket",
            b"Connection: Upgrade",
            b":",
            b"a:",
            b" ",
        ]
    )
    | st.binary(max_size=20),
    max_size=8,
).map(b"\r\n".join)


@given(st.one_of(headers, st.binary(max_size=100)))
def test_hostile_heads_are_refused(head):
    # The key's answer cannot be guessed, so nothing random opens a connection.
    assert ws_handshake.check_response(head + b"\r\n\r\n", KEY, []) is None
    ws_handshake.check_request(head + b"\r\n\r\n", [])


@given(st.text(max_size=40))
def test_hostile_urls_are_refused_or_taken_apart(text):
    for url in (ws_handshake.parse_url(text), ws_handshake.parse_url(f"ws://{text}")):
        assert url is None or (0 < url.port < 65_536 and url.host and url.path.startswith("/"))
