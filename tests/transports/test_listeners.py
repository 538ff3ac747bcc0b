"""What every listener promises, whatever its transport: one suite over all of them."""

import contextlib
import selectors
import socket
import sys
import threading
import time
from dataclasses import dataclass
from typing import Any

import pytest

from gdlab import clock, probe, variant
from gdlab.errors import EndpointClosed, NotSent, PortInUse
from gdlab.messages import Kind, guess_kind
from gdlab.store import Store
from gdlab.transports import EndpointOptions, Outgoing, State, encode, listener, parse, replies
from tests.transports.clients import TcpClient, UdpClient, WebSocketClient, listening, rows
from tests.waiting import wait_until


@dataclass(frozen=True)
class Kit:
    """One transport, as the suite uses it."""

    scheme: str
    client: Any
    options: EndpointOptions | None
    overhead: int  # bytes that the rows count beside a payload of less than 126 bytes
    answer_overhead: int
    connects: bool = True

    def listening(self, host="127.0.0.1", **choices):
        return listening(f"{self.scheme}://{host}:0", options=self.options, **choices)

    def messages(self, store):
        built = rows(store)
        return built[built.event == "message"].reset_index(drop=True)

    @property
    def kind(self):
        return socket.SOCK_DGRAM if self.scheme == "udp" else socket.SOCK_STREAM


KITS = [
    Kit("udp", UdpClient, None, 28, 28, connects=False),
    Kit("tcp", TcpClient, EndpointOptions(framing="u32le"), 32 + 20 + 4, 32 + 20 + 4),
    Kit("ws", WebSocketClient, None, 32 + 20 + 2 + 4, 32 + 20 + 2),
]


@pytest.fixture(params=KITS, ids=lambda kit: kit.scheme)
def kit(request):
    return request.param


def assert_free(port, kit):
    with socket.socket(socket.AF_INET, kit.kind) as sock:
        if kit.connects:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(("127.0.0.1", port))
        if kit.connects:
            sock.listen()


def test_messages_arrive_whole_in_order_and_with_their_sender(kit):
    payloads = [b"text", bytes(range(256)), "grün".encode(), b"", bytes(65_000)]
    with kit.listening() as (made, store), kit.client(made.address.port) as client:
        before = clock.now_ns()
        for payload in payloads:
            client.send(payload)
        wait_until(lambda: store.received == 5)
        after = clock.now_ns()
        name = client.name
    built = kit.messages(store)
    assert list(built.payload) == payloads
    assert set(built.peer) == {name}
    assert set(built.direction) == {"in"}
    if kit.scheme != "ws":  # which has no need to guess
        assert [guess_kind(payload) for payload in payloads] == list(built.kind)
    assert built.wire_bytes.iloc[0] == 4 + kit.overhead
    assert set(built.endpoint) == {f"{kit.scheme}://127.0.0.1:0"}
    assert built.time.is_monotonic_increasing
    assert before - 10_000_000 <= built.time.iloc[0].value
    assert built.time.iloc[-1].value <= after


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux stamps")
def test_the_kernel_takes_the_time_on_linux(kit):
    release = threading.Event()
    with kit.listening() as (made, store), kit.client(made.address.port) as client:
        client.send(b"first")
        wait_until(lambda: store.received == 1)
        made.call(lambda: release.wait(10) and None)
        client.send(b"queued")
        sent_by = time.time_ns()
        release.wait(0.05)
        release.set()
        wait_until(lambda: store.received == 2)
    built = kit.messages(store)
    assert set(built.time_source) == {"kernel"}
    assert built.time.iloc[1].value <= sent_by


def test_nothing_that_only_linux_has_is_needed(kit, monkeypatch):
    # As on Windows: no stamps, no batches, no recvmsg, nothing but select.
    for name in ("stream_listener", "connections", "datagrams", "drops"):
        monkeypatch.setattr(f"gdlab.transports.{name}.LINUX", False)
    for name in ("connections", "datagrams"):
        monkeypatch.setattr(f"gdlab.transports.{name}._ANCILLARY_BYTES", 0)
    monkeypatch.setattr("gdlab.transports.udp.available", lambda: False)
    monkeypatch.setattr("selectors.DefaultSelector", selectors.SelectSelector)
    with kit.listening(reply=lambda message: message.payload) as (made, store):
        with kit.client(made.address.port) as one, kit.client(made.address.port) as other:
            for number in range(50):
                one.send(b"%d" % number)
                assert one.receive() == b"%d" % number
            other.send(b"me, too")
            assert other.receive() == b"me, too"
        wait_until(lambda: made.statistics().connections == 0)
        assert made.statistics().kernel_drops is None
    built = kit.messages(store).query("direction == 'in'")
    assert list(built.payload) == [b"%d" % number for number in range(50)] + [b"me, too"]
    assert set(built.time_source) == {"user"}
    assert built.time.is_monotonic_increasing


def test_localhost_hears_both_families_under_one_port(kit):
    with kit.listening("localhost") as (made, store):
        port = made.address.port
        with kit.client(port) as four, kit.client(port, "::1") as six:
            four.send(b"four")
            six.send(b"six")
            wait_until(lambda: store.received == 2)
            names = {four.name, six.name}
    assert set(kit.messages(store).peer) == names


def test_many_clients_at_once_are_told_apart(kit):
    with kit.listening() as (made, store), contextlib.ExitStack() as stack:
        clients = [stack.enter_context(kit.client(made.address.port)) for _ in range(40)]
        for number in range(5):
            for which, client in enumerate(clients):
                client.send(b"%d of %d" % (number, which))
        wait_until(lambda: store.received == 200)
        names = [client.name for client in clients]
        assert made.statistics().connections == (40 if kit.connects else 0)
    built = kit.messages(store)
    for which, name in enumerate(names):
        assert list(built.payload[built.peer == name]) == [b"%d of %d" % (n, which) for n in range(5)]


@pytest.mark.parametrize(
    ("reply", "answer"),
    [
        (b"pong", b"pong"),
        ("grüße", "grüße".encode()),
        (lambda message: message.payload[::-1], b"gnip"),
        (lambda message: f"{message.text} from {message.peer.host}", b"ping from 127.0.0.1"),
    ],
)
def test_answers_reach_the_sender_and_are_rows(kit, reply, answer):
    with kit.listening(reply=reply) as (made, store), kit.client(made.address.port) as client:
        client.send(b"ping")
        assert client.receive() == answer
        wait_until(lambda: store.statistics().sent == 1)
    built = kit.messages(store)
    assert list(built.direction) == ["in", "out"]
    assert list(built.payload) == [b"ping", answer]
    assert built.peer.iloc[0] == built.peer.iloc[1]
    assert built.wire_bytes.iloc[1] == len(answer) + kit.answer_overhead


def test_a_bad_reply_is_a_row_and_the_listener_lives_on(kit):
    with (
        kit.listening(reply=lambda _message: 1 / 0) as (made, store),
        kit.client(made.address.port) as client,
    ):
        client.send(b"1")
        client.send(b"2")
        wait_until(lambda: store.statistics().errors == 2)
        made.set_reply(b"mended")
        client.send(b"3")
        assert client.receive() == b"mended"
    errors = rows(store).query("event == 'error'")
    assert errors.detail.str.contains("ZeroDivisionError: division by zero").all()


def test_it_speaks_by_itself_to_everyone_it_knows(kit):
    with kit.listening(reply=b"hi~", every=0.01) as (made, store):
        with kit.client(made.address.port) as one, kit.client(made.address.port) as other:
            one.send(b"hello")
            other.send(b"hello")
            assert [one.receive() for _ in range(3)] == [b"hi~"] * 3
            assert [other.receive() for _ in range(3)] == [b"hi~"] * 3
            made.set_reply(b"only when asked")
            wait_until(lambda: one.send(b"?") or one.receive() == b"only when asked")
        wait_until(lambda: store.received >= 3)
    assert set(kit.messages(store).query("direction == 'out'").payload) == {b"hi~", b"only when asked"}


def test_turning_it_off_and_on_does_not_make_it_speak_twice(kit):
    with kit.listening(reply=b"hi~", every=0.05) as (made, store), kit.client(made.address.port) as client:
        client.send(b"hello")
        for _ in range(5):
            made.set_reply(None)
            made.set_reply(b"hi~", 0.05)
        for _ in range(10):
            client.receive()
        made.set_reply(None)
        wait_until(lambda: store.statistics().sent >= 10)
    sent = (
        kit.messages(store).query("direction == 'out'").time.iloc[6:10]
    )  # it speaks at once when it is turned on
    assert sent.diff().dt.total_seconds().min() > 0.01


def test_a_function_that_speaks_is_told_to_whom(kit):
    told = []
    with (
        kit.listening(reply=lambda m: told.append(m) or f"you are {m.peer}", every=0.01) as (made, _),
        kit.client(made.address.port) as client,
    ):
        client.send(b"hello")
        assert client.receive() == f"you are {client.name}".encode()
    assert (told[0].direction, told[0].payload) == ("out", b"")


def test_peers_are_pinged_and_their_answers_are_rows(kit):
    with kit.listening(ping=0.01) as (made, store), kit.client(made.address.port) as client:
        client.send(b"hello")
        for expected in range(3):
            found = probe.parse(client.receive())
            assert (found.is_pong, found.seq) == (False, expected)
            client.send(probe.answer(probe.ping(found.seq, found.t_us * 1000), 0, 0))
        wait_until(lambda: store.received == 4)
    sent = rows(store).query("direction == 'out'")
    assert all(probe.parse(payload) for payload in sent.payload)


def test_sending_from_another_thread_to_all_or_to_one(kit):
    with kit.listening() as (made, store):
        with pytest.raises(NotSent, match="no peer to send to"):
            made.send(Outgoing(b"?", Kind.BINARY))
        with kit.client(made.address.port) as one, kit.client(made.address.port) as other:
            one.send(b"hello")
            other.send(b"hello")
            wait_until(lambda: store.received == 2)
            assert made.send(Outgoing(b"to all", Kind.BINARY)) == 2
            assert made.send(Outgoing(b"to one", Kind.BINARY), one.name) == 1
            assert [one.receive(), one.receive()] == [b"to all", b"to one"]
            assert other.receive() == b"to all"
            with pytest.raises(NotSent, match=r"'203\.0\.113\.7:1' is not there; .* knows 127"):
                made.send(Outgoing(b"?", Kind.BINARY), "203.0.113.7:1")
    with pytest.raises(EndpointClosed):
        made.send(Outgoing(b"?", Kind.BINARY))


def test_a_reply_function_may_send_to_the_others(kit):
    with (
        kit.listening() as (made, store),
        kit.client(made.address.port) as one,
        kit.client(made.address.port) as other,
    ):
        for client in (one, other):
            client.send(b"hello")
        wait_until(lambda: store.received == 2)
        made.set_reply(lambda m: made.send(Outgoing(m.payload, Kind.BINARY), other.name) and None)
        one.send(b"pass it on")
        assert other.receive() == b"pass it on"


def test_closing_is_at_once_frees_the_port_and_keeps_what_had_arrived(kit):
    with kit.listening() as (made, store), kit.client(made.address.port) as client:
        for number in range(100):
            client.send(b"%d" % number)
        begin = time.monotonic()
        made.close()
        assert time.monotonic() - begin < 2
        assert made.state is State.CLOSED
        assert store.received == 100
        assert made.error is None
        made.close()
        assert_free(made.address.port, kit)
    with pytest.raises(EndpointClosed):
        made.start()


def test_a_listener_can_follow_another_on_the_same_port_at_once(kit):
    port = 0
    for _ in range(3):
        with listening(f"{kit.scheme}://127.0.0.1:{port}", options=kit.options, reply=b"yes") as (made, _):
            port = made.address.port
            with kit.client(port) as client:
                client.send(b"are you there?")
                assert client.receive() == b"yes"


def test_a_listener_that_was_never_started_frees_its_port(kit):
    made = listener(parse(f"{kit.scheme}://127.0.0.1:0"), Store("x"))
    port = made.address.port
    made.close()
    assert_free(port, kit)


def test_a_taken_port_is_an_error_at_once_and_leaves_nothing_open(kit):
    with socket.socket(socket.AF_INET6, kit.kind) as taken:
        taken.bind(("::1", 0))
        if kit.connects:
            taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(PortInUse, match=f"port {port} is held by this very process"):
            listener(parse(f"{kit.scheme}://localhost:{port}"), Store("x"))
        assert_free(port, kit)


@pytest.mark.parametrize("period", [0, -1, float("nan"), float("inf")])
def test_impossible_periods_are_refused(kit, period):
    for name in ("ping", "every"):
        with pytest.raises(ValueError, match="period"):
            EndpointOptions(**{name: period})


@pytest.mark.parametrize("framing", ["put_var", "auto"])
def test_a_text_reply_on_a_stream_of_variants_is_a_string(framing):
    with (
        listening("tcp://127.0.0.1:0", framing=framing, reply="hi~") as (made, store),
        TcpClient(made.address.port) as client,
    ):
        client.send(variant.dumps({"seq": 1}))
        assert variant.loads(client.receive()) == "hi~"
        wait_until(lambda: store.received == 1)
        made.send(encode("news"))
        assert variant.loads(client.receive()) == "news"


def test_a_udp_peer_is_sent_to_long_after_it_was_heard(monkeypatch):
    monkeypatch.setattr("gdlab.transports.udp.SENT_TO_FOR_S", 0.0)
    with (
        listening("udp://127.0.0.1:0") as (made, store),
        UdpClient(made.address.port) as first,
        UdpClient(made.address.port) as last,
    ):
        first.send(b"hello")
        wait_until(lambda: store.received == 1)
        last.send(b"hello")
        wait_until(lambda: store.received == 2)
        assert made.send(Outgoing(b"news", Kind.BINARY)) == 1
        assert last.receive() == b"news"


def test_one_message_may_have_several_answers(kit):
    def answers(message):
        yield b"one"
        yield None
        yield b"two"

    with kit.listening(reply=answers) as (made, _), kit.client(made.address.port) as client:
        client.send(b"?")
        assert [client.receive(), client.receive()] == [b"one", b"two"]


def test_a_reply_may_end_the_connection_with_a_code_of_its_own():
    def leave(message):
        return ["bye", replies.close(4001, "match is over")]

    with listening("ws://127.0.0.1:0", reply=leave) as (made, store):
        with WebSocketClient(made.address.port) as client:
            client.send(b"?")
            assert client.receive() == b"bye"
            with pytest.raises(AssertionError, match="match is over"):  # no message: a close frame
                client.receive()
        wait_until(lambda: "close" in set(rows(store).event))
    closed = rows(store).query("event == 'close'").iloc[0]
    assert (closed.code, closed.by, closed.detail) == (4001, "us", "closed here: 4001 match is over")
    for code in (1006, 2999, 5000):
        with pytest.raises(ValueError, match="may not be sent"):
            replies.close(code)


def test_a_reply_may_end_a_stream_after_its_answer():
    with (
        listening("tcp://127.0.0.1:0", framing="u32le", reply=lambda m: (b"bye", replies.close())) as (
            made,
            _,
        ),
        TcpClient(made.address.port) as client,
    ):
        client.send(b"?")
        assert client.receive() == b"bye"
        with pytest.raises(EOFError):
            client.read(1)
