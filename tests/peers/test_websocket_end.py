"""How a `WebSocketPeer` ends: the same scenarios for the real engine's and for the scripted one."""

import struct

import pytest

from gdlab.peers import Error
from tests.peers.ws_server import CLOSE, CONT, PING, TEXT, close_frame, frame
from tests.peers.ws_steps import CLOSED, CLOSING, ended, messages, opened, state


@pytest.mark.parametrize(
    ("frames", "code", "reason", "reply"),
    [
        (close_frame(1000), 1000, "", struct.pack("!H", 1000)),
        (close_frame(1001, b"going"), 1001, "going", struct.pack("!H", 1001) + b"going"),
        (close_frame(4321, "tschüß".encode()), 4321, "tschüß", struct.pack("!H", 4321) + "tschüß".encode()),
        (frame(CLOSE), 0, "", b""),  # not 1005
        (frame(CLOSE, b"x"), 0, "", b""),
        (close_frame(1005), 1002, "Protocol error", struct.pack("!H", 1002)),
        (close_frame(2999), 1002, "Protocol error", struct.pack("!H", 1002)),
        (close_frame(1000, b"\xff"), 1007, "Invalid frame payload data", struct.pack("!H", 1007)),
        (frame(TEXT, b"ok\xff"), 1007, "Invalid frame payload data", struct.pack("!H", 1007)),
        (frame(TEXT, b"ok\xc3"), 1007, "Invalid frame payload data", struct.pack("!H", 1007)),
        (frame(TEXT, b"hi", masked=True), 1002, "Protocol error", struct.pack("!H", 1002)),
        (frame(TEXT, b"hi", rsv1=True), 1002, "Protocol error", struct.pack("!H", 1002)),
        (frame(3, b"hi"), 1002, "Protocol error", struct.pack("!H", 1002)),
        (frame(CONT, b"hi"), 1002, "Protocol error", struct.pack("!H", 1002)),
        (frame(TEXT, b"a", fin=False) + frame(TEXT, b"b"), 1002, "Protocol error", struct.pack("!H", 1002)),
        # Headers that break the rules: no close frame at all.
        (frame(PING, b"x" * 126), -1, "", None),
        (frame(PING, b"x", fin=False), -1, "", None),
        (b"\x82\x7e\x00\x02hi", -1, "", None),
    ],
)
def test_how_the_server_ends_it(websocket, server, frames, code, reason, reply):
    opened(websocket, server)
    server.send(frames)
    assert ended(websocket) == (code, reason)
    if reply is not None:
        assert server.receive() == (0x80 | CLOSE, reply)
    assert server.at_end()


@pytest.mark.parametrize("how", ["close", "reset"])
def test_an_end_without_close_frame(websocket, server, how):
    opened(websocket, server)
    server.reset() if how == "reset" else server.connection.close()
    assert ended(websocket) == (-1, "")


@pytest.mark.parametrize("end", [close_frame(1000, b"bye"), frame(CLOSE), b""])
def test_a_message_followed_at_once_by_the_end_is_lost(websocket, server, end):
    opened(websocket, server)
    server.send(frame(TEXT, b"the last word") + end)
    if not end:
        server.connection.close()
    code, _ = ended(websocket)
    assert code == (1000 if len(end) > 2 else 0 if end else -1)
    assert (websocket.get_packet(), websocket.get_packet_error()) == (b"", Error.FAILED)


def test_a_message_that_is_taken_before_the_end_is_not_lost(websocket, server):
    opened(websocket, server)
    server.send(frame(TEXT, b"the last word"))
    assert messages(websocket, 1) == [(b"the last word", True)]
    server.send(close_frame(1000))
    assert ended(websocket) == (1000, "")


def test_a_message_with_the_handshake(websocket, server):
    opened(websocket, server, then=frame(TEXT, b"welcome"))
    assert messages(websocket, 1) == [(b"welcome", True)]


def test_a_message_and_the_end_with_the_handshake(websocket, server):
    opened(websocket, server, then=frame(TEXT, b"welcome") + close_frame(1013 - 2))
    assert ended(websocket) == (1011, "")


def test_closing_takes_two_sides_and_polling(websocket, server):
    opened(websocket, server)
    websocket.close(4000, "enough")
    assert server.receive() == (0x80 | CLOSE, struct.pack("!H", 4000) + b"enough")
    for _ in range(3):
        assert state(websocket) == CLOSING
    assert websocket.send_text("too late") == Error.FAILED
    server.send(frame(TEXT, b"too late") + close_frame(4000, b"enough"))
    assert websocket.get_ready_state() == CLOSING
    assert ended(websocket) == (4000, "enough")
    assert server.at_end()


def test_closing_with_minus_one_is_no_close_frame(websocket, server):
    opened(websocket, server)
    websocket.close(-1)
    assert websocket.get_ready_state() == CLOSED
    assert websocket.get_close_code() == -1
    assert server.at_end()


def test_closing_with_zero_is_an_empty_close_frame(websocket, server):
    opened(websocket, server)
    websocket.close(0)
    assert server.receive() == (0x80 | CLOSE, b"")
    server.send(frame(CLOSE))
    assert ended(websocket) == (0, "")


def test_a_reason_that_is_too_long_is_no_close_frame_and_no_end(websocket, server):
    opened(websocket, server)
    websocket.close(1000, "x" * 124)
    assert websocket.get_ready_state() == CLOSING
    server.send(close_frame(1001))
    assert ended(websocket) == (1001, "")
    assert server.receive() == (0x80 | CLOSE, struct.pack("!H", 1001))


def test_a_peer_that_nobody_keeps_ends_without_close_frame(driver, server):
    kept = [driver.make("WebSocketPeer")]
    opened(kept[0], server)
    kept.clear()
    driver.make("WebSocketPeer")  # the engine hears of it with the next request
    assert server.at_end()
