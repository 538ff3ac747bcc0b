"""`WebSocketPeer` from connecting to talking: the same scenarios for the real engine's and for the scripted one."""

import struct

import pytest

from gdlab.peers import Error, WriteMode
from tests.peers.ws_server import BINARY, CLOSE, CONT, PING, PONG, TEXT, close_frame, frame
from tests.peers.ws_steps import CLOSED, CONNECTING, OPEN, asked, ended, messages, opened, state
from tests.waiting import wait_until


def test_the_request(websocket, server):
    websocket.supported_protocols = ("one", "two")
    websocket.handshake_headers = ("X-Own: yes", "X-Other: 1")
    asked(websocket, server)
    server.send(server.answer(headers="Sec-WebSocket-Protocol: two\r\n"))
    wait_until(lambda: state(websocket) == OPEN)
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
    assert websocket.get_selected_protocol() == "two"
    assert websocket.get_requested_url() == server.url
    assert (websocket.get_connected_host(), websocket.get_connected_port()) == ("127.0.0.1", server.port)
    assert websocket.connect_to_url(server.url) == Error.ERR_ALREADY_IN_USE


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
def test_which_answers_open_the_connection(websocket, server, answer, opens):
    asked(websocket, server)
    server.send(server.answer(**answer))
    wait_until(lambda: state(websocket) == (OPEN if opens else CLOSED))
    assert websocket.get_close_code() == -1


def test_nothing_happens_without_poll(websocket, server):
    websocket.connect_to_url(server.url)
    server.accept()
    assert websocket.get_ready_state() == CONNECTING
    assert not server.has_request()
    websocket.close()
    assert websocket.get_ready_state() == CLOSED
    assert websocket.get_close_code() == -1


def test_text_and_binary_are_told_apart(websocket, server):
    opened(websocket, server)
    server.send(frame(TEXT, "hö".encode()) + frame(BINARY, b"\xff\0") + frame(TEXT) + frame(BINARY))
    assert messages(websocket, 4) == [("hö".encode(), True), (b"\xff\0", False), (b"", True), (b"", False)]
    assert (websocket.get_packet(), websocket.get_packet_error()) == (b"", Error.ERR_UNAVAILABLE)


def test_what_is_sent(websocket, server):
    opened(websocket, server)
    assert websocket.send_text("hö") == Error.OK
    assert websocket.send(b"\xff") == Error.OK
    assert websocket.send(b"text", WriteMode.WRITE_MODE_TEXT) == Error.OK
    assert websocket.put_packet(b"packet") == Error.OK
    assert websocket.put_packet(b"") == Error.OK  # not sent
    assert websocket.send(b"") == Error.OK  # sent
    assert websocket.send_text("") == Error.OK
    expected = [
        (TEXT, "hö".encode()),
        (BINARY, b"\xff"),
        (TEXT, b"text"),
        (BINARY, b"packet"),
        (BINARY, b""),
        (TEXT, b""),
    ]
    assert [server.receive() for _ in expected] == [(0x80 | opcode, data) for opcode, data in expected]


def test_pings_are_answered_when_polled(websocket, server):
    opened(websocket, server)
    server.send(frame(PING, b"are you there") + frame(TEXT, b"message") + frame(PING))
    assert messages(websocket, 1) == [(b"message", True)]
    wait_until(lambda: websocket.poll() is None)
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
def test_fragments(websocket, server, frames, expected):
    opened(websocket, server)
    server.send(b"".join(frames))
    assert messages(websocket, 1) == [(expected, True)]


def test_fragments_byte_by_byte(websocket, server):
    opened(websocket, server)
    for byte in frame(TEXT, b"ab", fin=False) + frame(CONT, b"cd") + frame(BINARY, b"x" * 200):
        server.send(bytes([byte]))
        websocket.poll()
    assert messages(websocket, 2) == [(b"abcd", True), (b"x" * 200, False)]


def test_the_largest_message(websocket, server):
    opened(websocket, server)
    server.send(frame(BINARY, bytes(65_535)))
    assert messages(websocket, 1) == [(bytes(65_535), False)]
    server.send(frame(BINARY, bytes(65_536)))
    assert ended(websocket) == (1009, "Message too big")
    assert server.receive() == (0x80 | CLOSE, struct.pack("!H", 1009))


def test_a_larger_buffer_takes_larger_messages(websocket, server):
    websocket.inbound_buffer_size = 1 << 20
    opened(websocket, server)
    server.send(frame(BINARY, bytes(200_000)))
    assert messages(websocket, 1) == [(bytes(200_000), False)]


def test_fragments_that_do_not_fit_together_stall_the_connection(websocket, server):
    opened(websocket, server)
    server.send(frame(BINARY, bytes(40_000), fin=False) + frame(CONT, bytes(40_000)) + close_frame(1000))
    for _ in range(20):
        assert state(websocket) == OPEN
        assert websocket.get_available_packet_count() == 0


def test_a_message_over_the_buffer_leaves_its_bytes_to_the_next(websocket, server):
    websocket.inbound_buffer_size = 100  # its ring holds 127
    opened(websocket, server)
    server.send(frame(TEXT, b"a" * 60, fin=False) + frame(CONT, b"b" * 60) + frame(TEXT, b"next"))
    assert messages(websocket, 2) == [(b"", False), (b"aaaa", True)]


def test_not_reading_loses_nothing(websocket, server):
    opened(websocket, server)
    server.send(b"".join(frame(BINARY, number.to_bytes(2) + bytes(998)) for number in range(150)))
    wait_until(lambda: (websocket.poll(), websocket.get_available_packet_count())[1] == 65)
    websocket.poll()
    assert websocket.get_available_packet_count() == 65
    got = []
    while len(got) < 150:
        wait_until(lambda: (websocket.poll(), websocket.get_available_packet_count())[1] > 0)
        got.append(int.from_bytes(websocket.get_packet()[:2]))
    assert got == list(range(150))


def test_no_more_messages_wait_than_may(websocket, server):
    websocket.max_queued_packets = 2
    opened(websocket, server)
    server.send(b"".join(frame(BINARY, b"%d" % number) for number in range(4)))
    assert [data for data, _ in messages(websocket, 2)] == [b"0", b"1"]
    assert [data for data, _ in messages(websocket, 2)] == [b"2", b"3"]


def test_the_outbound_limit(websocket, server):
    opened(websocket, server)
    assert websocket.send(bytes(65_535)) == Error.OK
    assert server.receive() == (0x80 | BINARY, bytes(65_535))
    assert websocket.send(bytes(65_536)) == Error.ERR_OUT_OF_MEMORY
    assert state(websocket) == OPEN
    assert websocket.send(b"small") == Error.OK
    assert server.receive() == (0x80 | BINARY, b"small")


def test_sending_to_a_reader_that_sleeps(websocket, server):
    opened(websocket, server)
    sent = 0
    while (error := websocket.send(bytes(60_000))) == Error.OK:
        sent += 1
        assert sent < 1000
    assert error == Error.ERR_OUT_OF_MEMORY
    assert 0 < websocket.get_current_outbound_buffered_amount() <= 65_535
    assert state(websocket) == OPEN
    left = sent * (60_000 + 8)  # with header and mask
    while left:
        wait_until(lambda: (websocket.poll(), server.has_data())[1])
        left -= server.skip(min(left, 1 << 20))
    assert websocket.get_current_outbound_buffered_amount() == 0
    assert websocket.send(b"awake again") == Error.OK
    assert server.receive() == (0x80 | BINARY, b"awake again")


def test_a_dead_port(websocket, server):
    server.close()
    assert websocket.connect_to_url(server.url) == Error.OK
    assert websocket.get_ready_state() == CONNECTING
    assert ended(websocket) == (-1, "")


def test_an_unknown_host(websocket):
    # Which of the two it is depends on how soon the resolver's thread is done.
    if websocket.connect_to_url("no such host") == Error.OK:
        assert ended(websocket) == (-1, "")
    assert websocket.get_ready_state() == CLOSED


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
def test_urls_that_are_refused(websocket, url):
    assert websocket.connect_to_url(url) == Error.ERR_INVALID_PARAMETER
    assert websocket.get_ready_state() == CLOSED


@pytest.mark.parametrize(
    "url",
    [
        "ws://127.0.0.1:9",
        "WS://127.0.0.1:9/path#fragment",
        "127.0.0.1:9",
        "ws://[::1]:9/",
    ],
)
def test_urls_that_are_taken(websocket, url):
    assert websocket.connect_to_url(url) == Error.OK
    assert websocket.get_ready_state() == CONNECTING
    assert websocket.get_requested_url() == url


def test_the_same_object_connects_again_without_scheme_and_by_name(websocket, server):
    opened(websocket, server)
    server.send(close_frame(1001, b"restart"))
    assert ended(websocket) == (1001, "restart")
    assert websocket.connect_to_url(f"localhost:{server.port}") == Error.OK  # the server has 127.0.0.1 only
    assert websocket.get_close_code() == -1
    wait_until(lambda: (websocket.poll(), websocket.get_connected_port())[1] == server.port)
    server.accept()
    wait_until(lambda: (websocket.poll(), server.has_request())[1])
    server.send(server.answer())
    wait_until(lambda: state(websocket) == OPEN)
    assert server.request.startswith(b"GET / HTTP/1.1\r\nHost: localhost:")


def test_a_heartbeat_that_is_not_answered_ends_it(websocket, server):
    websocket.heartbeat_interval = 0.05
    opened(websocket, server)
    assert server.receive() == (0x80 | PING, b"")
    server.send(frame(PONG))
    wait_until(lambda: (websocket.poll(), server.has_data())[1])
    assert server.receive() == (0x80 | PING, b"")
    assert ended(websocket) == (-1, "")


def test_being_the_server(driver, websocket):
    listener = driver.make("TCPServer")
    listener.listen(0, "127.0.0.1")
    server = driver.make("WebSocketPeer")
    assert server.accept_stream(None) == Error.ERR_INVALID_PARAMETER
    for side in (server, websocket):
        side.supported_protocols = ("chat",)
    url = f"ws://127.0.0.1:{listener.get_local_port()}/room"
    websocket.connect_to_url(url)
    wait_until(listener.is_connection_available)
    assert server.accept_stream(listener.take_connection()) == Error.OK
    wait_until(lambda: (state(websocket), state(server)) == (OPEN, OPEN))
    assert server.get_requested_url() == url
    assert server.get_selected_protocol() == websocket.get_selected_protocol() == "chat"
    server.send_text("from the server")
    websocket.send(b"from the client")
    assert messages(websocket, 1) == [(b"from the server", True)]
    assert messages(server, 1) == [(b"from the client", False)]
    server.close(1001, "over")
    wait_until(lambda: (state(websocket), state(server)) == (CLOSED, CLOSED))
    assert [(side.get_close_code(), side.get_close_reason()) for side in (websocket, server)] == [
        (1001, "over")
    ] * 2
    listener.stop()
