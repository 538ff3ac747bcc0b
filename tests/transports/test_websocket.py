"""The WebSocket listener: handshakes, kinds, fragments, closing, and clients that do harm."""

import contextlib
import random
import socket
import struct
import sys
import threading

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect as library_connect

from gdlab.transports.connections import READ_BYTES
from tests.transports.clients import TcpClient, WebSocketClient, listening, rows
from tests.waiting import limit, wait_until

TEXT, BINARY, CONTINUATION, CLOSE, PING, PONG = 1, 2, 0, 8, 9, 10


#: With compression on offer, though no client takes it up, the `websockets` library reads every frame; without it our
#: own `Frames` takes most of them. What users see must be the same.
both_readers = pytest.mark.parametrize("compression", [False, True], ids=["own", "library"])


def ws(path="", **options):
    return listening(f"ws://127.0.0.1:0{path}", **options)


def client(made, **choices):
    return WebSocketClient(made.address.port, **choices)


def closes(store):
    built = rows(store)
    return list(built[built.event == "close"].detail)


def errors(store):
    built = rows(store)
    return list(built[built.event == "error"].detail)


def messages(store):
    return rows(store).query("event == 'message'")


# ---- handshakes


def test_the_row_of_the_opening_says_where_the_client_went():
    with ws() as (made, store), client(made, path="/chat?room=1"):
        wait_until(lambda: made.statistics().connections == 1)
    opening = rows(store).iloc[0]
    assert (opening.event, opening.detail) == ("open", "/chat?room=1")


def test_the_answer_is_one_that_godot_accepts():
    with ws() as (made, _), client(made, headers="Sec-WebSocket-Extensions: permessage-deflate\r\n") as one:
        head = dict(line.split(": ", 1) for line in one.response.split("\r\n")[1:-2])
    assert head["Connection"] == "Upgrade"
    assert head["Upgrade"] == "websocket"
    assert head["Sec-WebSocket-Accept"] == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="  # RFC 6455 section 1.3
    assert not {"Sec-WebSocket-Extensions", "Sec-WebSocket-Protocol"} & set(head)
    assert all(head.values())


@pytest.mark.parametrize(
    ("ours", "offered", "chosen"),
    [
        (None, "chat, other", "chat"),
        (["other"], "chat, other", "other"),
        (["x"], "chat", None),
        (["x"], "", None),
    ],
)
def test_sub_protocols(ours, offered, chosen):
    headers = f"Sec-WebSocket-Protocol: {offered}\r\n" if offered else ""
    with ws(subprotocols=ours) as (made, store), client(made, headers=headers) as one:
        assert (f"Sec-WebSocket-Protocol: {chosen}\r\n" in one.response) is (chosen is not None)
    assert (", sub-protocol" in rows(store).detail.iloc[0]) is (chosen is not None)


@pytest.mark.parametrize("origin", ["http://localhost:8060", "https://127.0.0.1", "http://[::1]:8888"])
def test_pages_of_this_machine_may_connect(origin):
    with ws() as (made, store), client(made, headers=f"Origin: {origin}\r\n") as one:
        assert " 101 " in one.response
    assert rows(store).detail.iloc[0] == f"/, from the page {origin}"


@pytest.mark.parametrize(
    "origin",
    ["https://evil.example", "null", "http://localhost.evil.example", "file://", "http://127.0.0.1.evil:1"],
)
def test_other_pages_may_not_unless_that_is_said(origin):
    headers = f"Origin: {origin}\r\n"
    with ws(reply=b"secret") as (made, store), pytest.raises(ConnectionRefusedError, match="403 Forbidden"):
        client(made, headers=headers)
    assert f"origins=['{origin}']" in errors(store)[0]
    for allowed in (origin, "*"):
        with ws(origins=[allowed]) as (made, _), client(made, headers=headers) as one:
            assert " 101 " in one.response


def test_two_origins_are_none_of_this_machine():
    with ws() as (made, _), pytest.raises(ConnectionRefusedError, match="403"):
        client(made, headers="Origin: http://localhost\r\nOrigin: https://evil.example\r\n")


def test_a_listener_with_a_path_is_only_there():
    with ws("/game") as (made, store):
        with client(made, path="/game?x=1"):
            wait_until(lambda: made.statistics().connections == 1)
        with pytest.raises(ConnectionRefusedError, match="404 Not Found"):
            client(made, path="/other")
    assert "'/other'" in errors(store)[0]


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b" 426 "),
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", b" 40"),
        (b"GET / HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n", b" 400 "),
        (b"hello, is this TCP?\r\n", b" 400 "),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(600) + b"\r\n", b" 400 "),
        (b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\n\r\n", b" 4"),
        (b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 500 + b"\r\n", b" 4"),
    ],
)
def test_what_is_no_websocket_handshake_gets_a_plain_answer(request_, status):
    with ws() as (made, store), TcpClient(made.address.port) as plain:
        plain.sock.sendall(request_)
        answer = b""
        with contextlib.suppress(ConnectionResetError):
            while piece := plain.sock.recv(65_536):
                answer += piece
        wait_until(lambda: errors(store))
    assert answer.startswith(b"HTTP/1.1" + status)
    assert b"WebSocket" in answer
    assert errors(store)[0].startswith("refused")
    assert closes(store) == []


def test_slow_handshakes_are_cut_off_and_others_are_served_meanwhile():
    with ws(handshake_s=0.3, reply=b"yes") as (made, store), contextlib.ExitStack() as stack:
        slow = [stack.enter_context(TcpClient(made.address.port)) for _ in range(50)]
        for number, one in enumerate(slow):
            one.sock.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n"[: number % 24])
        with client(made) as quick:
            quick.send(b"?")
            assert quick.receive() == b"yes"
        wait_until(lambda: len(errors(store)) == 50)
    assert "handshake was not complete after 0.3 s" in errors(store)[0]


# ---- messages


@both_readers
def test_text_and_binary_are_kept_apart_both_ways(compression):
    def same(message):
        return message.text if message.kind == "text" else message.payload

    with ws(reply=same, compression=compression) as (made, store), client(made) as one:
        for payload, opcode in (("grün", 0x81), (b"bytes", 0x82), ("", 0x81), (b"", 0x82), ("plain", 0x81)):
            one.send(payload)
            wanted = payload.encode() if isinstance(payload, str) else payload
            assert one.receive_frame() == (opcode, wanted)
    built = messages(store)
    assert (
        list(built.kind)
        == ["text", "text", "binary", "binary", "text", "text"] + ["binary"] * 2 + ["text"] * 2
    )


@both_readers
def test_fragments_are_one_message_and_pings_between_them_are_answered(compression):
    with ws(compression=compression) as (made, store), client(made) as one:
        one.send_frame(TEXT, "grü".encode()[:3], fin=False)
        one.send_frame(PING, b"are you there")
        one.send_frame(CONTINUATION, b"", fin=False)
        one.send_frame(CONTINUATION, "grün".encode()[3:])
        assert one.receive_frame() == (0x80 | PONG, b"are you there")
        one.send_frame(BINARY, b"next")
        wait_until(lambda: store.received == 2)
    built = messages(store)
    assert list(built.payload) == ["grün".encode(), b"next"]
    assert list(built.kind) == ["text", "binary"]
    assert built.wire_bytes.iloc[0] == 5 + 3 * (6 + 52)


@both_readers
def test_many_small_messages_of_one_read_keep_their_order_and_kind(compression):
    payloads = [b"%d" % number if number % 3 else str(number) for number in range(5000)]
    wire = b"".join(
        WebSocketClient.frame(TEXT if isinstance(payload, str) else BINARY, str(number).encode())
        for number, payload in enumerate(payloads)
    )
    with ws(compression=compression) as (made, store), client(made) as one:
        one.sock.sendall(wire)
        wait_until(lambda: store.received == 5000)
    built = messages(store)
    assert [int(payload) for payload in built.payload] == list(range(5000))
    assert list(built.kind) == ["text" if isinstance(payload, str) else "binary" for payload in payloads]


def test_a_flood_is_whole_with_the_times_of_its_reads_and_a_ping_in_it_is_answered():
    chance = random.Random(3)
    payloads = [chance.randbytes(chance.randrange(20, 400)) for _ in range(12_000)]
    frames = [WebSocketClient.frame(BINARY, payload, mask=chance.randbytes(4)) for payload in payloads]
    frames[7_000:7_000] = [WebSocketClient.frame(PING, b"there?")]
    wire = b"".join(frames)
    with ws() as (made, store):
        with client(made) as one:
            one.sock.sendall(wire)
            assert one.receive_frame() == (0x80 | PONG, b"there?")
        wait_until(lambda: len(closes(store)) == 1)
    built = messages(store)
    assert list(built.payload) == payloads
    assert list(built.wire_bytes) == [len(frame) + 52 for frame in frames if frame[0] == 0x80 | BINARY]
    assert built.time.is_monotonic_increasing
    assert built.time.nunique() > len(wire) / READ_BYTES / 2
    assert closes(store) == ["closed by the peer without a close frame (1006)"]


def test_what_godot_could_not_receive_is_warned_of_before_it_is_sent(caplog):
    def answer(message):
        return bytes(int(message.text))

    with ws(reply=answer) as (made, store), client(made) as one:
        for size in (65_535, 65_536, 70_000):
            one.send(str(size))
            assert len(one.receive()) == size
    sent = messages(store).query("direction == 'out'")
    assert [bool(detail) for detail in sent.detail] == [False, True, True]
    assert "inbound_buffer_size" in sent.detail.iloc[1]
    assert caplog.text.count("inbound_buffer_size") == 1


def test_compression_only_where_it_is_asked_for():
    for compression in (False, True):
        with (
            ws(compression=compression, reply=lambda m: m.text) as (made, store),
            library_connect(f"ws://127.0.0.1:{made.address.port}") as one,
        ):
            one.send("a" * 1000)
            assert one.recv() == "a" * 1000
            assert bool(one.protocol.extensions) is compression
        assert list(messages(store).size_bytes) == [1000, 1000]


# ---- the end


@both_readers
@pytest.mark.parametrize(
    ("payload", "detail"),
    [
        (struct.pack(">H", 1000) + b"bye", "closed by the peer: 1000 bye"),
        (struct.pack(">H", 4321), "closed by the peer: 4321"),
        (b"", "closed by the peer: no code"),
    ],
)
def test_code_and_reason_as_the_peer_sent_them(payload, detail, compression):
    with ws(compression=compression) as (made, store), client(made) as one:
        one.send(b"last words")
        one.send_frame(CLOSE, payload)
        assert one.receive_frame() == (0x80 | CLOSE, payload)
        assert one.sock.recv(1) == b""
        wait_until(lambda: closes(store))
    assert closes(store) == [detail]
    assert list(messages(store).payload) == [b"last words"]


@both_readers
def test_the_code_of_a_peer_that_does_not_wait_for_the_answer(compression):
    with ws(compression=compression) as (made, store):
        one = client(made)
        wait_until(lambda: made.statistics().connections == 1)
        entered, release = threading.Event(), threading.Event()
        made.call(lambda: entered.set() or release.wait(10))
        assert entered.wait(10)
        one.send_frame(CLOSE, struct.pack(">H", 1009))
        one.reset()  # as Godot does with a message too long that it has not read
        release.set()
        wait_until(lambda: closes(store))
    assert closes(store) == ["closed by the peer: 1009"]


def test_a_peer_may_close_within_a_message_in_fragments():
    """Case 7.1.5 of the Autobahn test suite: what follows counts no more, and the answer is the peer's own code."""
    with ws() as (made, store), client(made) as one:
        one.send_frame(TEXT, b"begun", fin=False)
        one.sock.sendall(one.frame(CLOSE, struct.pack(">H", 1000)) + one.frame(CONTINUATION, b"and ended"))
        assert one.receive_frame() == (0x80 | CLOSE, struct.pack(">H", 1000))
        wait_until(lambda: len(closes(store)) == 1)
    assert closes(store) == ["closed by the peer: 1000"]
    assert errors(store) == ["the peer closed within a message in fragments, of which 5 bytes had come"]
    assert messages(store).empty


def test_an_end_without_a_close_frame():
    with ws() as (made, store):
        with client(made):
            wait_until(lambda: made.statistics().connections == 1)
        client(made).reset()
        wait_until(lambda: len(closes(store)) == 2)
    assert sorted(closes(store)) == ["closed by the peer without a close frame (1006)", "reset by the peer"]


@both_readers
@pytest.mark.parametrize(
    ("wire", "code", "says"),
    [
        (WebSocketClient.frame(BINARY, bytes(2000)), 1009, "limit"),
        (WebSocketClient.frame(TEXT, b"\xff\xfe"), 1007, "not UTF-8"),
        (b"\x82\x05hello", 1002, "mask"),
        (WebSocketClient.frame(CONTINUATION, b"x"), 1002, "continuation"),
        (WebSocketClient.frame(0x42, b"x"), 1002, "reserved"),
        (WebSocketClient.frame(PING, bytes(200)), 1002, "control frame"),
        (WebSocketClient.frame(CLOSE, b"\3"), 1002, "close"),
        (
            WebSocketClient.frame(BINARY, bytes(900), fin=False)
            + WebSocketClient.frame(CONTINUATION, bytes(900)),
            1009,
            "limit",
        ),
    ],
)
def test_what_breaks_the_protocol_ends_the_connection_with_the_reason(wire, code, says, compression):
    with ws(max_message_bytes=1000, compression=compression) as (made, store), client(made) as one:
        one.send(b"before")
        one.sock.sendall(wire)
        opcode, payload = one.receive_frame()
        assert opcode == 0x80 | CLOSE
        assert struct.unpack(">H", payload[:2]) == (code,)
        wait_until(lambda: closes(store))
    assert list(messages(store).payload) == [b"before"]
    assert closes(store)[0].startswith(f"closed here: {code} ")
    assert len(errors(store)) == 1
    assert says in errors(store)[0] or says in closes(store)[0]


def test_stopping_says_goodbye_after_the_last_message_could_be_read():
    with (
        ws(reply=b"answer") as (made, store),
        library_connect(f"ws://127.0.0.1:{made.address.port}", compression=None) as one,
    ):
        one.send(b"?")
        assert one.recv() == b"answer"
        made.close()
        with pytest.raises(ConnectionClosed) as caught:
            one.recv()
    assert (caught.value.rcvd.code, caught.value.rcvd.reason) == (1001, "gdlab has stopped")
    built = rows(store)
    assert closes(store) == ["closed here: stopped"]
    sent, ended = built[built.direction == "out"].time.iloc[-1], built[built.event == "close"].time.iloc[0]
    assert (ended - sent).total_seconds() >= 0.09


def test_a_client_that_never_reads_is_closed_and_the_others_are_served():
    with (
        ws(reply=bytes(200_000), max_waiting_bytes=1_000_000) as (made, store),
        client(made, receive_buffer=4096) as deaf,
        client(made) as other,
    ):
        with contextlib.suppress(OSError):
            for _ in range(500):
                deaf.send(b"more")
        wait_until(lambda: closes(store))
        made.set_reply(b"fine")
        other.send(b"how are you?")
        assert other.receive() == b"fine"
    assert "the peer does not read" in closes(store)[0]


@pytest.mark.slow
def test_a_flood_of_pings_from_a_client_that_never_reads_is_bounded():
    with ws(max_waiting_bytes=100_000) as (made, store), client(made, receive_buffer=4096) as deaf:
        ping = WebSocketClient.frame(PING, bytes(125)) * 100
        with contextlib.suppress(OSError):
            for _ in range(5000):
                deaf.sock.sendall(ping)
        wait_until(lambda: closes(store))
    assert "the peer does not read" in closes(store)[0]


# ---- harm


def mutated(chance, data):
    data = bytearray(data)
    for _ in range(chance.randrange(1, 6)):
        action, at = chance.randrange(4), chance.randrange(len(data) or 1)
        if action == 0 and data:
            data[at] = chance.randrange(256)
        elif action == 1:
            data[at:at] = chance.randbytes(chance.randrange(1, 20))
        elif action == 2:
            del data[at : at + chance.randrange(1, 20)]
        else:
            data[at:at] = data[: chance.randrange(1, 40)]
    return bytes(data)


@pytest.mark.slow
@both_readers
@pytest.mark.parametrize("what", ["handshakes", "frames"])
def test_mutated_bytes_end_no_listener_and_others_are_served(what, compression):
    chance = random.Random(17)
    handshake = WebSocketClient.HANDSHAKE.format(
        path="/", port=1, headers="Origin: http://localhost\r\n"
    ).encode()
    frames = b"".join(
        [
            WebSocketClient.frame(TEXT, b"hello"),
            WebSocketClient.frame(BINARY, bytes(300)),
            WebSocketClient.frame(TEXT, b"a", fin=False),
            WebSocketClient.frame(PING, b"p"),
            WebSocketClient.frame(CONTINUATION, b"b"),
            WebSocketClient.frame(CLOSE, b"\3\xe8"),
        ]
    )
    options = {"max_message_bytes": 10_000, "compression": compression}
    with ws(reply=lambda m: m.payload, **options) as (made, store), client(made) as steady:
        for number in range(400):
            sock = socket.create_connection(("127.0.0.1", made.address.port), timeout=limit(10))
            with contextlib.closing(sock), contextlib.suppress(OSError):
                if what == "handshakes":
                    sock.sendall(mutated(chance, handshake) + frames)
                else:
                    sock.sendall(handshake + mutated(chance, frames))
                if number % 2:
                    sock.shutdown(socket.SHUT_WR)
                    sock.recv(1)
            if number % 100 == 0:
                steady.send(b"%d" % number)
                assert steady.receive() == b"%d" % number
        wait_until(lambda: len(made._connections) == 1, 30)
        assert made.statistics().connections == 1
        assert made.error is None
    assert not rows(store).detail.str.contains("internal error").any()
    events = rows(store).event.value_counts()
    assert events["open"] == events["close"]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells what waits to be sent")
def test_what_had_arrived_is_a_row_although_pings_cannot_be_sent():
    from fcntl import ioctl
    from termios import TIOCOUTQ

    entered, release = threading.Event(), threading.Event()
    with ws(ping=0.002, reply=lambda m: m.payload) as (made, store):
        clients = [WebSocketClient(made.address.port) for _ in range(5)]
        wait_until(lambda: made.statistics().connections == 5)
        made.call(lambda: entered.set() or release.wait(10))
        assert entered.wait(10)
        for client in clients:
            client.sock.setsockopt(
                socket.IPPROTO_TCP, socket.TCP_NODELAY, 1
            )  # what waits here is lost at its close
            for number in range(40):
                client.send(b"%d" % number)
            # What is still here when it closes is lost here, and never came to the listener.
            wait_until(lambda sock=client.sock: not struct.unpack("i", ioctl(sock, TIOCOUTQ, bytes(4)))[0])
            client.close()
        release.set()
        wait_until(lambda: made.statistics().connections == 0)
    assert store.received == 200
