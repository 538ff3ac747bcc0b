"""Answers to the messages of one read: sent together, each a row, in the order of what they answer."""

import struct

import pytest

from gdlab import framing
from gdlab.transports import replies
from gdlab.transports.encoding import encode
from tests.transports.clients import TcpClient, WebSocketClient, listening, rows
from tests.waiting import wait_until

CLIENTS = {"tcp": TcpClient, "ws": WebSocketClient}

SIZES = [5, 64, 0, 125, 126, 200, 3, 3000] * 60


def payloads():
    return [
        bytes([0, number % 251]) * (size // 2) + b"\x01" * (size % 2) for number, size in enumerate(SIZES)
    ]


def sent_together(client, messages, header="<I"):
    """One write of all of them, as a game sends in one frame."""
    if isinstance(client, WebSocketClient):
        wire = [client.frame(2, message) for message in messages]
    else:
        wire = [struct.pack(header, len(message)) + message for message in messages]
    client.sock.sendall(b"".join(wire))


def received(client):
    found = client.receive()
    return found[1] if isinstance(found, tuple) else found


@pytest.mark.parametrize("transport", ["tcp", "ws"])
@pytest.mark.parametrize("rule", [replies.echo, lambda message: message.payload])
def test_every_answer_is_a_row_and_comes_in_order(transport, rule):
    messages = payloads()
    with listening(f"{transport}://127.0.0.1:0", reply=rule, framing="u32le") as (made, store):
        with CLIENTS[transport](made.address.port) as client:
            sent_together(client, messages)
            assert [received(client) for _ in messages] == messages
        wait_until(lambda: store.statistics().sent == len(messages))
    table = rows(store)
    table = table[table.event == "message"]
    there, back = table[table.direction == "in"], table[table.direction == "out"]
    assert list(there.payload) == messages
    assert list(back.payload) == messages
    assert set(back.time_source) == {"user"}
    overhead = there.wire_bytes.to_numpy() - there.size_bytes.to_numpy()
    masks = 4 if transport == "ws" else 0
    assert list(back.wire_bytes.to_numpy() - back.size_bytes.to_numpy()) == list(overhead - masks)
    # An answer is never older than what it answers.
    assert (back.time.to_numpy() >= there.time.to_numpy()).all()
    assert back.time.is_monotonic_increasing


@pytest.mark.parametrize("mixed", [False, True])
@pytest.mark.parametrize("name", ["u8", "u16be", "u32be", "put_var", "put_utf8_string"])
def test_an_echo_is_framed_as_the_same_answers_one_by_one(name, mixed):
    """Text as well, of which a stream of Variants gets a Variant."""
    messages = [b"text %03d" % n if n % 5 == 0 else bytes([0, n % 251] * 4) for n in range(200)]
    if mixed:
        messages = [message * (n % 4) for n, message in enumerate(messages)]
    wire, back = b"".join(framing.encode(name, message) for message in messages), []
    for rule in (replies.echo, replies.first(replies.echo)):
        with (
            listening("tcp://127.0.0.1:0", reply=rule, framing=name) as (made, store),
            TcpClient(made.address.port) as client,
            client.sock.makefile("rb") as stream,
        ):
            client.sock.sendall(wire)
            wait_until(lambda store=store: store.statistics().sent == len(messages))
            made.close()
            answers = stream.read()
        out = rows(store).query("direction == 'out'")
        back.append((answers, out.payload.tolist(), out.kind.tolist(), out.wire_bytes.tolist()))
    assert back[0] == back[1]
    if name != "put_var":
        assert back[0][0] == wire


@pytest.mark.parametrize("size", [64, 126])
def test_what_is_echoed_keeps_its_kind(size):
    messages = [chr(97 + number % 26) * size for number in range(200)]
    texts = [number % 7 < 3 or number > 100 for number in range(200)]
    with listening("ws://127.0.0.1:0", reply=replies.echo) as (made, store):
        with WebSocketClient(made.address.port) as client:
            frame = client.frame
            for part in (slice(0, 100), slice(100, 200)):
                client.sock.sendall(
                    b"".join(
                        frame(1 if text else 2, message.encode())
                        for message, text in zip(messages[part], texts[part], strict=True)
                    )
                )
            back = [client.receive_frame() for _ in messages]
        wait_until(lambda: store.statistics().sent == len(messages))
    assert back == [
        (0x81 if text else 0x82, message.encode()) for message, text in zip(messages, texts, strict=True)
    ]
    table = rows(store).query("event == 'message'")
    for direction in ("in", "out"):
        rows_of = table[table.direction == direction]
        assert list(rows_of.kind) == ["text" if text else "binary" for text in texts]
        assert list(rows_of.payload) == [message.encode() for message in messages]


@pytest.mark.parametrize("transport", ["tcp", "ws"])
def test_a_rule_that_raises_for_one_message_answers_the_others(transport):
    def rule(message):
        if message.payload == b"\x00bad":
            raise ValueError("no")
        return message.payload

    messages = [b"\x00a", b"\x00b", b"\x00bad", b"\x00c"] * 5
    with listening(f"{transport}://127.0.0.1:0", reply=rule, framing="u32le") as (made, store):
        with CLIENTS[transport](made.address.port) as client:
            sent_together(client, messages)
            good = [message for message in messages if message != b"\x00bad"]
            assert [received(client) for _ in good] == good
        wait_until(lambda: store.statistics().sent == len(good))
        assert made.reply_problem.count == 5
    table = rows(store)
    out = table[table.direction == "out"]
    assert [
        "bad" if event == "error" else payload[1:].decode()
        for event, payload in zip(out.event, out.payload, strict=True)
    ] == ["a", "b", "bad", "c"] * 5


@pytest.mark.parametrize("transport", ["tcp", "ws"])
def test_what_a_rule_sends_by_itself_comes_behind_what_was_answered_before(transport):
    endpoints = []

    def rule(message):
        if message.payload == b"\x003":
            endpoints[0].send(encode(b"\x00between"))
        return message.payload

    messages = [b"\x00%d" % number for number in range(8)]
    with listening(f"{transport}://127.0.0.1:0", reply=rule, framing="u32le") as (made, _store):
        endpoints.append(made)
        with CLIENTS[transport](made.address.port) as client:
            sent_together(client, messages)
            wanted = [*messages[:3], b"\x00between", *messages[3:]]
            assert [received(client) for _ in wanted] == wanted


@pytest.mark.parametrize("transport", ["tcp", "ws"])
def test_an_answer_that_cannot_be_framed_is_an_error_row_and_the_others_go_out(transport):
    framing = {"tcp": "u8", "ws": "auto"}[transport]

    def rule(message):
        return b"\x00" * 300 if message.payload == b"\x00long" else message.payload

    messages = [b"\x00a", b"\x00long", b"\x00b"] * 4
    with listening(f"{transport}://127.0.0.1:0", reply=rule, framing=framing) as (made, store):
        with CLIENTS[transport](made.address.port) as client:
            sent_together(client, messages, header="B")
            wait_until(lambda: store.statistics().sent + store.statistics().errors >= 12)
        statistics = store.statistics()
    assert statistics.received == 12
    assert (statistics.sent, statistics.errors) == ((8, 4) if transport == "tcp" else (12, 0))
