"""Facts as real sockets make them: what happened stands in the table as data."""

import contextlib
import errno
import socket
import struct

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

import gdlab as gd
from gdlab.facts import Reason
from gdlab.live.peer_totals import EventCounts
from gdlab.words import language, sentence
from tests.waiting import limit, wait_until


def reasons(capture):
    return set(capture.df.reason) - {""}


def first(capture, reason):
    # One table: between two looks at a running capture rows may have come.
    table = capture.df
    return table[table.reason == reason].iloc[0]


def tcp_socket(capture):
    return socket.create_connection(("127.0.0.1", capture.port), timeout=limit(10))


def ws_client(capture, path="", **choices):
    return connect(f"ws://127.0.0.1:{capture.port}{path}", open_timeout=limit(10), **choices)


@pytest.fixture
def listen():
    made = []

    def start(address, **choices):
        made.append(gd.listen(address, restart=True, **choices))
        return made[-1]

    yield start
    for capture in made:
        capture.stop()


# ---- what a peer writes steers no verdict


def test_a_peers_own_words_in_its_close_frame_are_no_close_code(listen):
    capture = listen("ws://127.0.0.1:0")
    with ws_client(capture) as one:
        one.send("x")
        one.close(4001, "match 1006 is over")
    wait_until(lambda: Reason.PEER_CLOSED in reasons(capture))
    row = first(capture, Reason.PEER_CLOSED)
    assert (row.event, row.by, row.code, row.detail) == (
        "close",
        "peer",
        4001,
        "closed by the peer: 4001 match 1006 is over",
    )
    assert not capture.findings().rule.str.contains("close").any()


def test_our_own_limit_is_not_blamed_on_godot(listen):
    capture = listen("ws://127.0.0.1:0", max_message_bytes=1000)
    with ws_client(capture) as one:
        one.send("x" * 2000)
        with pytest.raises(ConnectionClosed):
            one.recv(timeout=limit(10))
    wait_until(lambda: Reason.WE_CLOSED in reasons(capture))
    row = first(capture, Reason.WE_CLOSED)
    assert (row.event, row.by, row.code) == ("close", "us", 1009)
    assert "(max_message_bytes)" in row.detail
    found = capture.findings().set_index("rule")
    assert "max_message_bytes" in found.loc["own-close-1009"].next_step
    assert "close-1009" not in found.index
    assert not found.next_step.str.contains("inbound_buffer_size").any()


def test_garbage_is_not_counted_as_too_many_connections(listen):
    capture = listen("ws://127.0.0.1:0")
    with tcp_socket(capture) as one:
        one.sendall(b"hello godot\r\n\r\n")
        wait_until(lambda: Reason.REFUSED_HANDSHAKE in reasons(capture))
    counts = EventCounts()
    counts.follow(capture.snapshots())
    assert counts.errors == {Reason.REFUSED_HANDSHAKE: 1}


def test_the_number_of_a_gap_is_a_number(listen):
    capture = listen("udp://127.0.0.1:0", limit=800)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        for number in range(2000):
            one.sendto(b"%d" % number, ("127.0.0.1", capture.port))
            if number % 50 == 49:
                wait_until(lambda number=number: capture.statistics().received == number + 1)
    gap = first(capture, Reason.EVICTED)
    assert gap["count"] == capture.statistics().evicted_rows == 2000 - (len(capture.df) - 1)
    assert capture.df.loc[capture.df.reason == "evicted", "count"].sum() == gap["count"]


# ---- each reason, produced


def closes_without_a_word(capture):
    with tcp_socket(capture) as one:
        one.sendall(b"hi\n")


def resets(capture):
    one = tcp_socket(capture)
    one.sendall(b"hi\n")
    wait_until(lambda: capture.statistics().received)
    one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    one.close()


def sends(data):
    def act(capture):
        with tcp_socket(capture) as one, contextlib.suppress(OSError):
            one.sendall(data)
            one.shutdown(socket.SHUT_WR)
            while one.recv(1 << 16):
                pass

    return act


def says(path="", *, data="x", as_text=None, **choices):
    def act(capture):
        try:
            with ws_client(capture, path, **choices) as one:
                one.send(data, text=as_text)
                one.recv(timeout=limit(10))
        except Exception:  # noqa: BLE001 (what the client sees is its own matter)
            pass

    return act


def two_at_once(capture):
    with tcp_socket(capture), tcp_socket(capture) as other:
        other.recv(1)


def stays_silent(capture):
    with tcp_socket(capture) as one, contextlib.suppress(OSError):
        one.recv(1)


def goes_before_the_end(capture):
    with tcp_socket(capture) as one:
        one.sendall(b"GET / HTTP/1.1\r\n")


def never_reads(capture):
    one = tcp_socket(capture)
    try:
        one.sendall(b"x\n")
        wait_until(lambda: Reason.SLOW_READER in reasons(capture))
    finally:
        one.close()


def raises(_message):
    raise ZeroDivisionError("division by zero")


def is_stopped(capture):
    with tcp_socket(capture):
        wait_until(lambda: capture.statistics().connections)
        capture.stop()


def pauses(capture):
    capture.stop()
    capture.start()


UDP, TCP, WS = "udp://127.0.0.1:0", "tcp://127.0.0.1:0", "ws://127.0.0.1:0"
TALKATIVE = {"framing": "lines", "max_waiting_bytes": 1000, "every": 0.001, "reply": b"y" * 60_000}
PRODUCED = {
    Reason.OPENED: (TCP, {}, closes_without_a_word),
    Reason.PEER_CLOSED: (TCP, {}, closes_without_a_word),
    Reason.PEER_RESET: (TCP, {"framing": "lines"}, resets),
    Reason.WE_CLOSED: (TCP, {"framing": "u32le"}, sends(b"GET / HTTP/1.1\r\n")),
    Reason.SLOW_READER: (
        TCP,
        {"framing": "lines", "max_waiting_bytes": 1000, "every": 0.001, "reply": b"y" * 60_000},
        never_reads,
    ),
    Reason.HELD_TOO_MUCH: (
        TCP,
        {"framing": "u32le", "max_held_bytes": 1000},
        sends(struct.pack("<I", 5000) + bytes(4000)),
    ),
    Reason.REFUSED_LIMIT: (TCP, {"max_connections": 1}, two_at_once),
    Reason.REFUSED_ORIGIN: (WS, {}, says(origin="https://evil.example")),
    Reason.REFUSED_PATH: (WS + "/chat", {}, says("/other")),
    Reason.REFUSED_HANDSHAKE: (WS, {}, sends(b"hello\r\n\r\n")),
    Reason.HANDSHAKE_TIMEOUT: (WS, {"handshake_timeout": 0.05}, stays_silent),
    Reason.HANDSHAKE_CUT: (WS, {}, goes_before_the_end),
    Reason.MALFORMED: (TCP, {"framing": "json"}, sends(b"}\n")),
    Reason.OVERSIZED: (TCP, {"framing": "lines", "max_message_bytes": 10}, sends(b"x" * 50 + b"\n")),
    Reason.SKIPPED: (TCP, {"framing": "lines", "max_message_bytes": 10}, sends(b"x" * 50 + b"\n")),
    Reason.INCOMPLETE: (TCP, {"framing": "lines"}, sends(b"half")),
    Reason.NOT_SENT: (TCP, {"framing": "lines", "reply": "two\nlines"}, sends(b"x\n")),
    Reason.REPLY_RAISED: (TCP, {"framing": "lines", "reply": raises}, sends(b"x\n")),
    Reason.FRAMING_GUESSED: (TCP, {}, sends(b"hello there\n")),
    Reason.MAY_NOT_FIT: (WS, {"reply": "y" * 70_000}, says(max_size=None)),
    Reason.PAUSED: (UDP, {}, pauses),
    Reason.STOPPED: (TCP, {}, is_stopped),
}


@pytest.mark.parametrize("reason", PRODUCED, ids=str)
def test_a_reason_is_produced_and_has_its_sentence(listen, reason):
    address, choices, act = PRODUCED[reason]
    capture = listen(address, **choices)
    act(capture)
    wait_until(lambda: reason in reasons(capture))
    row = first(capture, reason)
    assert row.detail
    assert row["count"] >= 1
    facts = [fact for one in capture.snapshots() for block in one.blocks for fact in block.facts if fact]
    (fact, *_) = [fact for fact in facts if fact.reason == reason]
    assert sentence(fact, "zh") != sentence(fact, "en") == row.detail


def facts_of(capture):
    return [fact for one in capture.snapshots() for block in one.blocks for fact in block.facts if fact]


def test_a_peer_that_neither_reads_nor_ends_its_side_leaves_bytes_unsent(listen, monkeypatch):
    monkeypatch.setattr("gdlab.transports.stream_bytes.LINGER_S", 0.1)
    capture = listen(
        TCP, framing="u32le", max_message_bytes=1 << 24, max_waiting_bytes=1 << 26, reply=bytes(1 << 24)
    )
    with tcp_socket(capture) as one:
        one.sendall(struct.pack("<I", 1) + b"x")
        wait_until(lambda: capture.statistics().sent)
        one.sendall(b"GET / HTTP/1.1\r\n")  # no length of this framing: it is ended here, in order
        wait_until(lambda: Reason.UNSENT in reasons(capture))
    row = first(capture, Reason.UNSENT)
    assert (row.event, row.by) == ("error", "peer")
    assert 0 < row["count"] < 1 << 25
    (fact,) = [fact for fact in facts_of(capture) if fact.reason is Reason.UNSENT]
    assert dict(fact.more)["cause"].reason is Reason.LINGERED
    assert row.detail == f"{row['count']:,} bytes were not sent: it did not end its side"
    assert sentence(fact, "zh") == f"有 {row['count']:,} 字节没有发送：对端没有关闭它的那一侧"  # noqa: RUF001


def has_its_sentence(capture, reason):
    wait_until(lambda: reason in reasons(capture))
    row = first(capture, reason)
    (fact, *_) = [fact for fact in facts_of(capture) if fact.reason == reason]
    assert sentence(fact, "zh") != sentence(fact, "en") == row.detail
    return row


def test_a_connection_that_a_client_of_a_relay_resets_is_broken(listen):
    server = listen(TCP, framing="lines")
    with gd.relay(TCP, to=server.addresses[0]) as px:
        one = socket.create_connection(("127.0.0.1", int(px.address.rpartition(":")[2])), timeout=limit(10))
        one.sendall(b"hi\n")
        wait_until(lambda: server.statistics().received)
        one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        one.close()
        row = has_its_sentence(px, Reason.BROKEN)
        assert (row.by, row.code) == ("peer", errno.ECONNRESET)


def test_text_of_websocket_that_is_none_is_not_utf8(listen):
    capture = listen(WS)
    says(data="\udcff".encode(errors="surrogateescape"), as_text=True)(capture)
    table = capture.df
    assert Reason.WE_CLOSED in set(table.reason)
    (fact, *_) = [fact for fact in facts_of(capture) if fact.reason is Reason.WE_CLOSED]
    assert dict(fact.more)["cause"].reason is Reason.NOT_UTF8
    assert (fact.by, fact.code) == ("us", 1007)


def test_a_datagram_to_a_port_where_nobody_listens_is_unreachable():
    with gd.listen(UDP, restart=True) as gone:
        port = gone.port
    with gd.connect(f"udp://127.0.0.1:{port}", restart=True) as client:
        client.send(b"anybody there?")
        has_its_sentence(client, Reason.UNREACHABLE)


def test_a_table_made_after_the_language_changed_is_in_that_language(listen):
    capture = listen(TCP, framing="lines")
    sends(b"half")(capture)
    wait_until(lambda: Reason.INCOMPLETE in reasons(capture))
    kept = capture.df
    try:
        language("zh")
        assert first(capture, Reason.INCOMPLETE).detail == "流在换行之前结束"
    finally:
        language("en")
    assert kept[kept.reason == "incomplete"].detail.iloc[0] == "the stream ended before the line feed"
