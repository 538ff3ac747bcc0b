"""`WebSocketPeer`: the same scenarios for the real engine's and for the scripted one."""

import contextlib
import struct

import pytest

from gdlab.peers import Error, State, WriteMode
from tests.peers.ws_server import BINARY, CLOSE, CONT, PING, PONG, TEXT, Server, close_frame, frame
from tests.waiting import wait_until

CONNECTING, OPEN, CLOSING, CLOSED = (int(state) for state in State)


@pytest.fixture
def server():
    with contextlib.closing(Server()) as made:
        yield made


@pytest.fixture
def peer(driver):
    made = driver.make("WebSocketPeer")
    yield made
    made.close(-1)


def state(peer):
    peer.poll()
    return peer.get_ready_state()


def asked(peer, server):
    """Connect as far as the request."""
    assert peer.connect_to_url(server.url) == Error.OK
    assert peer.get_ready_state() == CONNECTING
    server.accept()
    wait_until(lambda: (peer.poll(), server.has_request())[1])


def opened(peer, server, then=b""):
    """Connect; `then` is sent with the answer's last bytes."""
    asked(peer, server)
    server.send(server.answer() + then)
    if not then:
        wait_until(lambda: state(peer) == OPEN)


def ended(peer):
    wait_until(lambda: state(peer) == CLOSED)
    assert peer.get_available_packet_count() == 0
    return peer.get_close_code(), peer.get_close_reason()


def messages(peer, count):
    wait_until(lambda: (peer.poll(), peer.get_available_packet_count())[1] >= count)
    assert peer.get_available_packet_count() == count
    return [(peer.get_packet(), peer.was_string_packet()) for _ in range(count)]


def test_the_request(peer, server):
    peer.supported_protocols = ("one", "two")
    peer.handshake_headers = ("X-Own: yes", "X-Other: 1")
    asked(peer, server)
    server.send(server.answer(headers="Sec-WebSocket-Protocol: two\r\n"))
    wait_until(lambda: state(peer) == OPEN)
    lines = server.request.decode().split("\r\n")
    key = lines[4].removeprefix("Sec-WebSocket-Key: ")
    assert len(key) == 24
    assert lines == [
        "GET /path?a=b HTTP/1.1",
        f"Host: 127.0.0.1:{server.port}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Key: {key}",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Protocol: one,two",
        "X-Own: yes",
        "X-Other: 1",
        "",
        "",
    ]
    assert peer.get_selected_protocol() == "two"
    assert peer.get_requested_url() == server.url
    assert (peer.get_connected_host(), peer.get_connected_port()) == ("127.0.0.1", server.port)
    assert peer.connect_to_url(server.url) == Error.ERR_ALREADY_IN_USE


@pytest.mark.parametrize(
    ("answer", "opens"),
    [
        ({}, True),
        ({"connection": "upgrade"}, True),
        ({"connection": "keep-alive, Upgrade"}, False),
        ({"headers": "X-Empty:\r\n"}, False),
        ({"headers": "Sec-WebSocket-Protocol: unasked\r\n"}, False),
        ({"headers": "Sec-WebSocket-Extensions: permessage-deflate\r\n"}, True),
        ({"headers": "X-Long: " + "x" * 4096 + "\r\n"}, False),
        ({"key": "another"}, False),
        ({"status": "200 OK"}, False),
    ],
)
def test_which_answers_open_the_connection(peer, server, answer, opens):
    asked(peer, server)
    server.send(server.answer(**answer))
    wait_until(lambda: state(peer) == (OPEN if opens else CLOSED))
    assert peer.get_close_code() == -1


def test_nothing_happens_without_poll(peer, server):
    peer.connect_to_url(server.url)
    server.accept()
    assert peer.get_ready_state() == CONNECTING
    assert not server.has_request()
    peer.close()
    assert peer.get_ready_state() == CLOSED
    assert peer.get_close_code() == -1


def test_text_and_binary_are_told_apart(peer, server):
    opened(peer, server)
    server.send(frame(TEXT, "hö".encode()) + frame(BINARY, b"\xff\0") + frame(TEXT) + frame(BINARY))
    assert messages(peer, 4) == [("hö".encode(), True), (b"\xff\0", False), (b"", True), (b"", False)]
    assert (peer.get_packet(), peer.get_packet_error()) == (b"", Error.ERR_UNAVAILABLE)


def test_what_is_sent(peer, server):
    opened(peer, server)
    assert peer.send_text("hö") == Error.OK
    assert peer.send(b"\xff") == Error.OK
    assert peer.send(b"text", WriteMode.WRITE_MODE_TEXT) == Error.OK
    assert peer.put_packet(b"packet") == Error.OK
    assert peer.put_packet(b"") == Error.OK  # not sent
    assert peer.send(b"") == Error.OK  # sent
    assert peer.send_text("") == Error.OK
    expected = [
        (TEXT, "hö".encode()),
        (BINARY, b"\xff"),
        (TEXT, b"text"),
        (BINARY, b"packet"),
        (BINARY, b""),
        (TEXT, b""),
    ]
    assert [server.receive() for _ in expected] == [(0x80 | opcode, data) for opcode, data in expected]


def test_pings_are_answered_when_polled(peer, server):
    opened(peer, server)
    server.send(frame(PING, b"are you there") + frame(TEXT, b"message") + frame(PING))
    assert messages(peer, 1) == [(b"message", True)]
    wait_until(lambda: peer.poll() is None)
    assert server.receive() == (0x80 | PONG, b"are you there")
    assert server.receive() == (0x80 | PONG, b"")


@pytest.mark.parametrize(
    ("frames", "expected"),
    [
        ([frame(TEXT, b"ab", fin=False), frame(CONT, b"cd")], b"abcd"),
        ([frame(TEXT, b"a\xc3", fin=False), frame(CONT, b"\xb6")], "aö".encode()),
        (  # the trap: a ping's payload becomes part of the message
            [
                frame(TEXT, b"ab", fin=False),
                frame(PING, b"ping"),
                frame(CONT, b"cd", fin=False),
                frame(CONT, b"ef"),
            ],
            b"abpingcdef",
        ),
        ([frame(TEXT, b"ab", fin=False), frame(PONG, b"pong"), frame(CONT, b"cd")], b"abpongcd"),
        ([frame(TEXT, b"ab", fin=False), frame(PING), frame(CONT, b"cd")], b"abcd"),
    ],
)
def test_fragments(peer, server, frames, expected):
    opened(peer, server)
    server.send(b"".join(frames))
    assert messages(peer, 1) == [(expected, True)]


def test_fragments_byte_by_byte(peer, server):
    opened(peer, server)
    for byte in frame(TEXT, b"ab", fin=False) + frame(CONT, b"cd") + frame(BINARY, b"x" * 200):
        server.send(bytes([byte]))
        peer.poll()
    assert messages(peer, 2) == [(b"abcd", True), (b"x" * 200, False)]


def test_the_largest_message(peer, server):
    opened(peer, server)
    server.send(frame(BINARY, bytes(65_535)))
    assert messages(peer, 1) == [(bytes(65_535), False)]
    server.send(frame(BINARY, bytes(65_536)))
    assert ended(peer) == (1009, "Message too big")
    assert server.receive() == (0x80 | CLOSE, struct.pack("!H", 1009))


def test_a_larger_buffer_takes_larger_messages(peer, server):
    peer.inbound_buffer_size = 1 << 20
    opened(peer, server)
    server.send(frame(BINARY, bytes(200_000)))
    assert messages(peer, 1) == [(bytes(200_000), False)]


def test_fragments_that_do_not_fit_together_stall_the_connection(peer, server):
    opened(peer, server)
    server.send(frame(BINARY, bytes(40_000), fin=False) + frame(CONT, bytes(40_000)) + close_frame(1000))
    for _ in range(20):
        assert state(peer) == OPEN
        assert peer.get_available_packet_count() == 0


def test_a_message_over_the_buffer_leaves_its_bytes_to_the_next(peer, server):
    peer.inbound_buffer_size = 100  # its ring holds 127
    opened(peer, server)
    server.send(frame(TEXT, b"a" * 60, fin=False) + frame(CONT, b"b" * 60) + frame(TEXT, b"next"))
    assert messages(peer, 2) == [(b"", False), (b"aaaa", True)]


def test_not_reading_loses_nothing(peer, server):
    opened(peer, server)
    server.send(b"".join(frame(BINARY, number.to_bytes(2) + bytes(998)) for number in range(150)))
    wait_until(lambda: (peer.poll(), peer.get_available_packet_count())[1] == 65)
    peer.poll()
    assert peer.get_available_packet_count() == 65
    got = []
    while len(got) < 150:
        wait_until(lambda: (peer.poll(), peer.get_available_packet_count())[1] > 0)
        got.append(int.from_bytes(peer.get_packet()[:2]))
    assert got == list(range(150))


def test_no_more_messages_wait_than_may(peer, server):
    peer.max_queued_packets = 2
    opened(peer, server)
    server.send(b"".join(frame(BINARY, b"%d" % number) for number in range(4)))
    assert [data for data, _ in messages(peer, 2)] == [b"0", b"1"]
    assert [data for data, _ in messages(peer, 2)] == [b"2", b"3"]


def test_the_outbound_limit(peer, server):
    opened(peer, server)
    assert peer.send(bytes(65_535)) == Error.OK
    assert server.receive() == (0x80 | BINARY, bytes(65_535))
    assert peer.send(bytes(65_536)) == Error.ERR_OUT_OF_MEMORY
    assert state(peer) == OPEN
    assert peer.send(b"small") == Error.OK
    assert server.receive() == (0x80 | BINARY, b"small")


def test_sending_to_a_reader_that_sleeps(peer, server):
    opened(peer, server)
    sent = 0
    while (error := peer.send(bytes(60_000))) == Error.OK:
        sent += 1
        assert sent < 1000
    assert error == Error.ERR_OUT_OF_MEMORY
    assert 0 < peer.get_current_outbound_buffered_amount() <= 65_535
    assert state(peer) == OPEN
    left = sent * (60_000 + 8)  # with header and mask
    while left:
        wait_until(lambda: (peer.poll(), server.has_data())[1])
        left -= server.skip(min(left, 1 << 20))
    assert peer.get_current_outbound_buffered_amount() == 0
    assert peer.send(b"awake again") == Error.OK
    assert server.receive() == (0x80 | BINARY, b"awake again")


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
def test_how_the_server_ends_it(peer, server, frames, code, reason, reply):
    opened(peer, server)
    server.send(frames)
    assert ended(peer) == (code, reason)
    if reply is not None:
        assert server.receive() == (0x80 | CLOSE, reply)
    assert server.at_end()


@pytest.mark.parametrize("how", ["close", "reset"])
def test_an_end_without_close_frame(peer, server, how):
    opened(peer, server)
    server.reset() if how == "reset" else server.connection.close()
    assert ended(peer) == (-1, "")


@pytest.mark.parametrize("end", [close_frame(1000, b"bye"), frame(CLOSE), b""])
def test_a_message_followed_at_once_by_the_end_is_lost(peer, server, end):
    opened(peer, server)
    server.send(frame(TEXT, b"the last word") + end)
    if not end:
        server.connection.close()
    code, _ = ended(peer)
    assert code == (1000 if len(end) > 2 else 0 if end else -1)
    assert (peer.get_packet(), peer.get_packet_error()) == (b"", Error.FAILED)


def test_a_message_that_is_taken_before_the_end_is_not_lost(peer, server):
    opened(peer, server)
    server.send(frame(TEXT, b"the last word"))
    assert messages(peer, 1) == [(b"the last word", True)]
    server.send(close_frame(1000))
    assert ended(peer) == (1000, "")


def test_a_message_with_the_handshake(peer, server):
    opened(peer, server, then=frame(TEXT, b"welcome"))
    assert messages(peer, 1) == [(b"welcome", True)]


def test_a_message_and_the_end_with_the_handshake(peer, server):
    opened(peer, server, then=frame(TEXT, b"welcome") + close_frame(1013 - 2))
    assert ended(peer) == (1011, "")


def test_closing_takes_two_sides_and_polling(peer, server):
    opened(peer, server)
    peer.close(4000, "enough")
    assert server.receive() == (0x80 | CLOSE, struct.pack("!H", 4000) + b"enough")
    for _ in range(3):
        assert state(peer) == CLOSING
    assert peer.send_text("too late") == Error.FAILED
    server.send(frame(TEXT, b"too late") + close_frame(4000, b"enough"))
    assert peer.get_ready_state() == CLOSING
    assert ended(peer) == (4000, "enough")
    assert server.at_end()


def test_closing_with_minus_one_is_no_close_frame(peer, server):
    opened(peer, server)
    peer.close(-1)
    assert peer.get_ready_state() == CLOSED
    assert peer.get_close_code() == -1
    assert server.at_end()


def test_closing_with_zero_is_an_empty_close_frame(peer, server):
    opened(peer, server)
    peer.close(0)
    assert server.receive() == (0x80 | CLOSE, b"")
    server.send(frame(CLOSE))
    assert ended(peer) == (0, "")


def test_a_reason_that_is_too_long_is_no_close_frame_and_no_end(peer, server):
    opened(peer, server)
    peer.close(1000, "x" * 124)
    assert peer.get_ready_state() == CLOSING
    server.send(close_frame(1001))
    assert ended(peer) == (1001, "")
    assert server.receive() == (0x80 | CLOSE, struct.pack("!H", 1001))


def test_a_peer_that_nobody_keeps_ends_without_close_frame(driver, server):
    kept = [driver.make("WebSocketPeer")]
    opened(kept[0], server)
    kept.clear()
    driver.make("WebSocketPeer")  # the engine hears of it with the next request
    assert server.at_end()


def test_a_dead_port(peer, server):
    server.close()
    assert peer.connect_to_url(server.url) == Error.OK
    assert peer.get_ready_state() == CONNECTING
    assert ended(peer) == (-1, "")


def test_an_unknown_host(peer):
    # Which of the two it is depends on how soon the resolver's thread is done.
    if peer.connect_to_url("no such host") == Error.OK:
        assert ended(peer) == (-1, "")
    assert peer.get_ready_state() == CLOSED


@pytest.mark.parametrize(
    "url",
    [
        "",
        "ws://",
        "http://127.0.0.1:1",
        "ws://127.0.0.1:99999",
        "ws://127.0.0.1:0",
        "ws://127.0.0.1:port",
        "ws://127.0.0.1:5000?query",
        "://127.0.0.1",
    ],
)
def test_urls_that_are_refused(peer, url):
    assert peer.connect_to_url(url) == Error.ERR_INVALID_PARAMETER
    assert peer.get_ready_state() == CLOSED


@pytest.mark.parametrize(
    "url",
    [
        "ws://127.0.0.1:9",
        "WS://127.0.0.1:9/path#fragment",
        "127.0.0.1:9",
        "ws://[::1]:9/",
    ],
)
def test_urls_that_are_taken(peer, url):
    assert peer.connect_to_url(url) == Error.OK
    assert peer.get_ready_state() == CONNECTING
    assert peer.get_requested_url() == url


def test_the_same_object_connects_again_without_scheme_and_by_name(peer, server):
    opened(peer, server)
    server.send(close_frame(1001, b"restart"))
    assert ended(peer) == (1001, "restart")
    assert peer.connect_to_url(f"localhost:{server.port}") == Error.OK  # the server has 127.0.0.1 only
    assert peer.get_close_code() == -1
    wait_until(lambda: (peer.poll(), peer.get_connected_port())[1] == server.port)
    server.accept()
    wait_until(lambda: (peer.poll(), server.has_request())[1])
    server.send(server.answer())
    wait_until(lambda: state(peer) == OPEN)
    assert server.request.startswith(b"GET / HTTP/1.1\r\nHost: localhost:")


def test_a_heartbeat_that_is_not_answered_ends_it(peer, server):
    peer.heartbeat_interval = 0.05
    opened(peer, server)
    assert server.receive() == (0x80 | PING, b"")
    server.send(frame(PONG))
    wait_until(lambda: (peer.poll(), server.has_data())[1])
    assert server.receive() == (0x80 | PING, b"")
    assert ended(peer) == (-1, "")


def test_being_the_server(driver, peer):
    listener = driver.make("TCPServer")
    listener.listen(0, "127.0.0.1")
    server = driver.make("WebSocketPeer")
    assert server.accept_stream(None) == Error.ERR_INVALID_PARAMETER
    for side in (server, peer):
        side.supported_protocols = ("chat",)
    url = f"ws://127.0.0.1:{listener.get_local_port()}/room"
    peer.connect_to_url(url)
    wait_until(listener.is_connection_available)
    assert server.accept_stream(listener.take_connection()) == Error.OK
    wait_until(lambda: (state(peer), state(server)) == (OPEN, OPEN))
    assert server.get_requested_url() == url
    assert server.get_selected_protocol() == peer.get_selected_protocol() == "chat"
    server.send_text("from the server")
    peer.send(b"from the client")
    assert messages(peer, 1) == [(b"from the server", True)]
    assert messages(server, 1) == [(b"from the client", False)]
    server.close(1001, "over")
    wait_until(lambda: (state(peer), state(server)) == (CLOSED, CLOSED))
    assert [(side.get_close_code(), side.get_close_reason()) for side in (peer, server)] == [
        (1001, "over")
    ] * 2
    listener.stop()
