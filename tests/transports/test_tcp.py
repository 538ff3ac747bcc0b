"""The TCP listener: framing, ends of connections, and clients that do harm."""

import contextlib
import random
import socket
import struct
import threading

import numpy as np
import pytest

from gdlab import framing, variant
from gdlab.errors import FramingError
from gdlab.store import Store
from gdlab.transports import EndpointOptions, TcpListener, parse
from tests.transports.clients import TcpClient, listening, rows
from tests.waiting import limit, wait_until

ADDRESS = "tcp://127.0.0.1:0"


def tcp(**options):
    return listening(ADDRESS, **options)


def connect(made):
    sock = socket.create_connection(("127.0.0.1", made.address.port), timeout=limit(10))
    return contextlib.closing(sock)


def read_all(sock):
    data = b""
    with contextlib.suppress(ConnectionResetError):
        while piece := sock.recv(65_536):
            data += piece
    return data


def closes(store):
    built = rows(store)
    return list(built[built.event == "close"].detail)


#: Framings whose payloads are whole packets of their own, which not any bytes are.
WITH_HEADERS = {"variants", "http", "mqtt"}


@pytest.mark.parametrize(
    "name", [name for name in framing.NAMES if name not in {"auto", "raw", "fixed", "u8", *WITH_HEADERS}]
)
def test_every_framing_by_name_in_both_directions(name):
    payloads = [b"[1, 2]", b'{"a": "b"}', b"[" + b"7," * 300 + b"7]"]
    with tcp(framing=name, reply=lambda m: m.payload) as (made, store), connect(made) as sock:
        wire = b"".join(framing.encode(name, payload) for payload in payloads)
        for byte in wire[:20]:
            sock.sendall(bytes([byte]))
        sock.sendall(wire[20:])
        wait_until(lambda: store.statistics().sent == 3)
        sock.shutdown(socket.SHUT_WR)
        assert read_all(sock) == wire
    built = rows(store)
    assert list(built[built.event == "message"].query("direction == 'in'").payload) == payloads


def test_a_guessed_framing_is_told_with_the_first_message_and_used_for_answers():
    with tcp(reply=b"yes") as (made, store), connect(made) as sock:
        sock.sendall(struct.pack("<IIii", 8, 2, 7, 12)[:12] + b"")
        assert sock.recv(100) == b"\3\0\0\0yes"
    message = rows(store).query("event == 'message' and direction == 'in'").iloc[0]
    assert message.payload == struct.pack("<Ii", 2, 7)
    assert message.detail.startswith("framing put_var: 1 message in a row, each a whole Variant")


def test_a_peer_that_waits_for_an_answer_to_an_unclear_beginning_gets_it():
    with tcp(reply=b"yes") as (made, store), connect(made) as sock:
        sock.sendall(b"hello")  # no line feed: it could go on
        assert sock.recv(100) == b"yes"
    assert rows(store).query("event == 'message'").detail.iloc[0].startswith("kept raw: text without")


def test_what_is_said_before_the_framing_is_known_goes_out_as_it_is():
    with tcp(reply=b"hi~", every=0.01) as (made, _), connect(made) as sock:
        assert sock.recv(3) == b"hi~"


def test_large_chunks_of_many_frames_are_rows_each():
    chance = random.Random(3)
    uniform = [b"%064d" % number for number in range(20_000)]
    mixed = [chance.randbytes(chance.randrange(200)) for _ in range(20_000)]
    for payloads in (uniform, mixed):
        wire = b"".join(framing.encode("u32le", payload) for payload in payloads)
        with tcp(framing="u32le") as (made, store), connect(made) as sock:
            sock.sendall(wire)
            wait_until(lambda store=store: store.received == 20_000)
        built = rows(store).query("event == 'message'")
        assert list(built.payload) == payloads
        assert list(built.wire_bytes) == [len(payload) + 4 + 52 for payload in payloads]


def test_what_queued_up_behind_a_busy_listener_keeps_the_order_of_its_connection():
    entered, release = threading.Event(), threading.Event()
    with tcp(framing="u32le") as (made, store), contextlib.ExitStack() as stack:
        clients = [stack.enter_context(TcpClient(made.address.port)) for _ in range(8)]
        wait_until(lambda: made.statistics().connections == 8)
        made.call(lambda: entered.set() or release.wait(10))
        assert entered.wait(10)
        for number in range(500):
            for client in clients:
                client.send(b"%d" % number)
        release.set()
        wait_until(lambda: store.received == 4000)
        names = [client.name for client in clients]
    built = rows(store).query("event == 'message'")
    for name in names:
        assert list(built.payload[built.peer == name]) == [b"%d" % number for number in range(500)]


def test_an_end_in_order_is_a_row_and_unfinished_bytes_are_kept():
    with tcp(framing="lines") as (made, store):
        with connect(made) as sock:
            sock.sendall(b"whole\nhalf")
        wait_until(lambda: closes(store))
        assert made.statistics().connections == 0
    built = rows(store)
    assert list(built.event) == ["open", "message", "error", "close"]
    assert (built.payload.iloc[2], built.detail.iloc[2]) == (b"half", "the stream ended before the line feed")
    assert closes(store) == ["closed by the peer"]


def test_a_reset_is_a_row_that_says_so():
    with tcp() as (made, store):
        client = TcpClient(made.address.port)
        wait_until(lambda: made.statistics().connections == 1)
        client.reset()
        wait_until(lambda: closes(store))
    assert closes(store) == ["reset by the peer"]


def test_who_has_said_all_still_gets_the_answers():
    answer = bytes(5_000_000)
    with tcp(framing="lines", reply=answer) as (made, store), connect(made) as sock:
        sock.sendall(b"give me a lot\n")
        sock.shutdown(socket.SHUT_WR)
        assert read_all(sock) == answer + b"\n"
        wait_until(lambda: closes(store))
    assert closes(store) == ["closed by the peer"]
    assert rows(store).query("event == 'error'").empty


def test_a_broken_stream_is_closed_with_the_reason_and_its_bytes_are_kept():
    with tcp(framing="put_var") as (made, store), connect(made) as sock:
        sock.sendall(b"GET / HTTP/1.1\r\n\r\n")
        assert read_all(sock) == b""
        wait_until(lambda: closes(store))
    broken = rows(store).query("event == 'error'").iloc[0]
    assert broken.payload.startswith(b"GET / ")
    assert "'GET ' is text" in broken.detail
    assert closes(store)[0] == f"closed here: {broken.detail}"


def test_a_frame_over_the_limit_is_cut_and_the_stream_goes_on():
    with (
        tcp(framing="u32le", max_message_bytes=1000) as (made, store),
        TcpClient(made.address.port) as client,
    ):
        client.send(bytes(3000))
        client.send(b"after")
        wait_until(lambda: store.received == 1)
    built = rows(store)
    assert list(built.event) == ["open", "error", "gap", "message", "close"]
    assert "limit is 1000" in built.detail.iloc[1]
    assert built.payload.iloc[3] == b"after"


def test_an_answer_that_the_framing_cannot_carry_is_a_row():
    with tcp(framing="lines", reply=b"two\nlines") as (made, store), connect(made) as sock:
        sock.sendall(b"?\n")
        wait_until(lambda: store.statistics().errors == 1)
    error = rows(store).query("event == 'error'").iloc[0]
    assert "not sent: the payload holds a line feed" in error.detail
    assert error.direction == "out"


def test_a_client_that_never_reads_is_closed_and_the_others_are_served():
    with (
        tcp(framing="u32le", reply=bytes(200_000), max_waiting_bytes=1_000_000) as (made, store),
        TcpClient(made.address.port, receive_buffer=4096) as deaf,
        TcpClient(made.address.port) as other,
    ):
        with contextlib.suppress(OSError):
            for _ in range(500):
                deaf.send(b"more")
        wait_until(lambda: closes(store))
        made.set_reply(b"fine")
        other.send(b"how are you?")
        assert other.receive() == b"fine"
    assert closes(store)[0].startswith("closed here: the peer does not read, ")
    assert "max_waiting_bytes" in closes(store)[0]


def test_what_waits_for_all_peers_together_has_a_limit():
    with (
        tcp(framing="u32le", reply=bytes(400_000), max_unsent_bytes=2_000_000) as (made, store),
        contextlib.ExitStack() as stack,
    ):
        deaf = [stack.enter_context(TcpClient(made.address.port, receive_buffer=4096)) for _ in range(12)]
        for each in deaf:
            with contextlib.suppress(OSError):
                for _ in range(20):  # 12 x 20 x 400 kB
                    each.send(b"more")
        wait_until(lambda: len(closes(store)) > 2)
        most = made.ask(lambda: made.statistics().unsent_bytes)
        assert most <= 2_000_000 + 400_000
    assert all("max_unsent_bytes" in each for each in closes(store)[:2])


def test_connections_over_the_limit_are_refused_each_with_a_row():
    with (
        tcp(max_connections=3, framing="u32le", reply=b"in") as (made, store),
        contextlib.ExitStack() as stack,
    ):
        clients = [stack.enter_context(TcpClient(made.address.port)) for _ in range(3)]
        wait_until(lambda: made.statistics().connections == 3)
        for _ in range(2):
            with connect(made) as sock:
                assert read_all(sock) == b""
        wait_until(lambda: store.statistics().errors == 2)
        clients[0].close()
        wait_until(lambda: made.statistics().connections == 2)
        with TcpClient(made.address.port) as late:
            late.send(b"?")
            assert late.receive() == b"in"
    errors = rows(store).query("event == 'error'")
    assert errors.detail.str.contains(r"refused: 3 connections are open, the limit is 3").all()
    assert errors.peer.str.startswith("127.0.0.1:").all()


def test_no_more_connections_than_the_system_can_watch(monkeypatch):
    monkeypatch.setattr("gdlab.transports.stream_listener.MOST_CONNECTIONS", 1)  # 500 on Windows
    with tcp(framing="u32le", reply=b"in") as (made, store), TcpClient(made.address.port) as client:
        wait_until(lambda: made.statistics().connections == 1)
        with connect(made) as sock:
            assert read_all(sock) == b""
        client.send(b"?")
        assert client.receive() == b"in"
        assert made.error is None
    (error,) = rows(store).query("event == 'error'").detail
    assert error == "refused: 1 connection is open, the limit is 1 on this system"


def test_incomplete_messages_of_all_connections_together_are_bounded():
    with tcp(framing="u32le", max_held_bytes=100_000) as (made, store), contextlib.ExitStack() as stack:
        for _ in range(12):
            sock = stack.enter_context(connect(made))
            with contextlib.suppress(OSError):
                sock.sendall(struct.pack("<I", 1_000_000) + bytes(10_000))
        wait_until(lambda: len(closes(store)) >= 3)
        assert made._held_bytes <= 100_000
        with TcpClient(made.address.port) as fine:
            fine.send(b"served")
            wait_until(lambda: store.received == 1)
    assert "max_held_bytes" in closes(store)[0]


@pytest.mark.slow
def test_two_thousand_connects_and_drops():
    chance = random.Random(11)
    with tcp(framing="u32le", reply=b"ok") as (made, store):
        with TcpClient(made.address.port) as steady:
            for number in range(2000):
                sock = socket.create_connection(("127.0.0.1", made.address.port), timeout=limit(10))
                if number % 3:
                    with contextlib.suppress(OSError):
                        sock.sendall(chance.randbytes(chance.randrange(1, 60)))
                if number % 2:
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("@ii", 1, 0))
                sock.close()
                if number % 500 == 0:
                    steady.send(b"still there?")
                    assert steady.receive() == b"ok"
            wait_until(lambda: made.statistics().connections == 1, 30)
        assert made.error is None
        wait_until(lambda: not made._connections, 30)
        assert made._held_bytes == 0
    events = rows(store).event.value_counts()
    assert events["open"] == events["close"] > 1


@pytest.mark.slow
def test_garbage_in_every_framing_ends_no_listener():
    chance = random.Random(5)
    seeds = [
        framing.encode("put_var", b"\2\0\0\0\7\0\0\0"),
        b'{"a": [1, 2]}\n',
        b"line\n",
        b"[[[[[[[[",
        b"\0" * 9,
    ]
    for name in ("auto", "json", "put_var", "u16be", "fixed:7"):
        with tcp(framing=name, reply=lambda m: m.payload, max_message_bytes=4096) as (made, store):
            for _ in range(60):
                data = bytearray(b"".join(chance.choices(seeds, k=chance.randrange(1, 6))))
                for _ in range(chance.randrange(4)):
                    data[chance.randrange(len(data))] = chance.randrange(256)
                with connect(made) as sock, contextlib.suppress(OSError):
                    sock.sendall(data)
            wait_until(lambda made=made, store=store: len(closes(store)) == 60 and not made._connections, 20)
            assert made.error is None
        assert not rows(store).detail.str.contains("internal error").any()


def test_a_fault_in_one_connection_ends_only_that_one(caplog):
    with (
        tcp(framing="u32le", reply=b"ok") as (made, store),
        TcpClient(made.address.port) as victim,
        TcpClient(made.address.port) as other,
    ):
        wait_until(lambda: made.statistics().connections == 2)

        def hurt():
            hurt_one = next(c for c in made._connections if str(c.peer) == victim.name)
            hurt_one.session._reader = None

        made.ask(hurt)
        victim.send(b"?")
        wait_until(lambda: closes(store))
        assert "internal error in gdlab" in closes(store)[0]
        other.send(b"?")
        assert other.receive() == b"ok"
    assert "connection of 127.0.0.1" in caplog.text


def test_impossible_choices_are_refused_before_anything_is_bound():
    with pytest.raises(FramingError, match="did you mean"):
        EndpointOptions(framing="put_vat")
    with pytest.raises(ValueError, match="max_connections"):
        EndpointOptions(max_connections=0)
    with pytest.raises(TypeError, match="reply"):
        TcpListener(parse(ADDRESS), Store("x"), reply=np.int64(3))


def test_pings_wait_until_the_framing_is_known():
    with tcp(ping=0.005) as (made, store), connect(made) as sock:
        sock.settimeout(0.2)
        with pytest.raises(TimeoutError):  # a game that reads lengths would have taken it for one
            sock.recv(100)
        sock.settimeout(limit(10))
        sock.sendall(struct.pack("<IIi", 8, 2, 7))
        header = sock.recv(4)
        asked = sock.recv(int.from_bytes(header, "little"))
        assert (
            variant.loads(asked)["probe"] == "ping"
        )  # a game that reads with get_var understands nothing else
    assert rows(store).query("event == 'message'").direction.iloc[0] == "in"


def test_what_had_arrived_is_a_row_although_its_answers_cannot_be_sent():
    """The tutorial's kind of client: it sends and leaves without reading."""
    entered, release = threading.Event(), threading.Event()
    with tcp(framing="lines", reply=b"got it") as (made, store):
        made.call(lambda: entered.set() or release.wait(10))
        assert entered.wait(10)
        for _ in range(10):
            with connect(made) as sock:
                for number in range(50):
                    sock.sendall(b"line %d\n" % number)
        release.set()
        wait_until(lambda: len(closes(store)) == 10)
    assert store.received == 500
