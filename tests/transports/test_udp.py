"""The UDP listener on real sockets: every datagram is a row, or is counted."""

import contextlib
import errno
import functools
import os
import random
import socket
import subprocess
import sys
import threading
import time

import pytest

from gdlab import clock, probe
from gdlab.errors import AddressError, EndpointClosed, NotConnected, PortForbidden, PortInUse
from gdlab.messages import Kind, guess_kind
from gdlab.store import Store, table
from gdlab.transports import EndpointOptions, State, UdpListener, parse, parse_remote, replies
from gdlab.transports.batch import Batched, available
from gdlab.transports.clients import UdpClient
from gdlab.transports.datagrams import OneByOne
from gdlab.transports.encoding import Outgoing
from tests.waiting import limit, wait_until

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells")


@contextlib.contextmanager
def _listening(receiver, address="udp://127.0.0.1:0", **options):
    store = Store(address)
    bound = UdpListener.bind(parse(address))
    listener = UdpListener(bound, store, EndpointOptions(**options), receiver=receiver)
    listener.start()
    try:
        yield listener, store
    finally:
        listener.close()


@pytest.fixture(
    params=[
        OneByOne,
        pytest.param(
            Batched,
            marks=pytest.mark.skipif(not available(), reason="this system does not receive in batches"),
        ),
    ]
)
def listening(request):
    """Every promise of the listener holds with each way to receive."""
    return functools.partial(_listening, request.param)


@contextlib.contextmanager
def client(family=socket.AF_INET):
    with socket.socket(family, socket.SOCK_DGRAM) as sock:
        sock.settimeout(limit(5))
        yield sock


@contextlib.contextmanager
def held(listener):
    """Keep the listener's thread from receiving; what is sent meanwhile queues up in the kernel."""
    entered, release = threading.Event(), threading.Event()
    listener.call(lambda: entered.set() or release.wait(10))
    assert entered.wait(10)
    try:
        yield
    finally:
        release.set()


def rows(store):
    return table.build([store.snapshot()])


def send_all(sock, payloads, port, host="127.0.0.1"):
    for payload in payloads:
        sock.sendto(payload, (host, port))


def test_datagrams_arrive_whole_in_order_and_with_their_sender(listening):
    payloads = [b"", b"text", bytes(range(256)), bytes(65_507)]
    with listening() as (listener, store), client() as sock:
        before = clock.now_ns()
        send_all(sock, payloads, listener.address.port)
        wait_until(lambda: store.received == 4)
        after = clock.now_ns()
        port = sock.getsockname()[1]
    built = rows(store)
    assert list(built.payload) == payloads
    assert set(built.peer) == {f"127.0.0.1:{port}"}
    assert list(built.wire_bytes) == [28 + len(payload) for payload in payloads]
    assert list(built.kind) == ["text", "text", "binary", "binary"]
    assert set(built.direction) == {"in"}
    assert built.time.is_monotonic_increasing
    assert before - 10_000_000 <= built.time.iloc[0].value
    assert built.time.iloc[-1].value <= after


@linux_only
def test_the_kernel_takes_the_time_on_linux(listening):
    with listening() as (listener, store), client() as sock:
        # A reply function that holds the thread: the stamps of what queues up meanwhile must not suffer.
        release = threading.Event()
        listener.set_reply(lambda _message: release.wait(5) and None)
        port = listener.address.port
        sock.sendto(b"holds", ("127.0.0.1", port))
        wait_until(lambda: store.received == 1)
        sock.sendto(b"queued", ("127.0.0.1", port))
        sent_by = time.time_ns()
        release.wait(0.05)
        release.set()
        wait_until(lambda: store.received == 2)
    built = rows(store)
    assert set(built.time_source) == {"kernel"}
    assert built.time.iloc[1].value <= sent_by


@pytest.mark.parametrize("stays", [False, True])
@pytest.mark.parametrize("error", [ConnectionResetError(), OSError(errno.ENETRESET, "")])
def test_what_windows_says_of_our_answers_on_the_next_receive_is_left_aside(error, stays, monkeypatch):
    errors = [error]

    class Windows(socket.socket):
        def recvfrom(self, *arguments):
            if errors:
                raise errors.pop()
            return super().recvfrom(*arguments)

    monkeypatch.setattr("gdlab.transports.datagrams._ANCILLARY_BYTES", 0)
    with Windows(socket.AF_INET, socket.SOCK_DGRAM) as sock, client() as other:
        sock.bind(("127.0.0.1", 0))
        sock.setblocking(False)
        other.sendto(b"still there", sock.getsockname())
        receiver = OneByOne(sock)
        if stays:
            receiver.stay(lambda: False)
        assert [arrived.payload for arrived in receiver.receive()] == [b"still there"]


def test_localhost_hears_both_families_under_one_port(listening):
    with (
        listening("udp://localhost:0") as (listener, store),
        client() as four,
        client(socket.AF_INET6) as six,
    ):
        port = listener.address.port
        four.sendto(b"four", ("127.0.0.1", port))
        six.sendto(b"six", ("::1", port))
        wait_until(lambda: store.received == 2)
    built = rows(store).set_index("payload")
    assert built.peer[b"four"].startswith("127.0.0.1:")
    assert built.peer[b"six"].startswith("[::1]:")
    assert built.wire_bytes[b"six"] == 3 + 8 + 40


def handed_over(listener, store):
    """Datagrams that are rows or counted, without the rest of a nap."""
    listener.catch_up()
    return store.received + (listener.statistics().kernel_drops or 0)


@pytest.mark.slow
def test_ten_thousand_garbage_datagrams_are_rows_or_counted(listening):
    chance = random.Random(7)
    # Sizes as hostile traffic has them: mostly small, some of the largest that UDP can carry.
    sizes = [
        chance.choice([0, 1, chance.randrange(100), chance.randrange(1500), chance.randrange(65_508)])
        for _ in range(10_000)
    ]
    sizes[:2] = [0, 65_507]
    noise = random.Random(8).randbytes(200_000)
    with listening() as (listener, store), client() as sock:
        for number, size in enumerate(sizes):
            start = chance.randrange(200_000 - size) if size < 200_000 else 0
            sock.sendto(noise[start : start + size], ("127.0.0.1", listener.address.port))
            if number % 50 == 49:  # a pace that any machine can keep: what is lost all the same is counted
                wait_until(lambda number=number: handed_over(listener, store) > number)
        listener.close()
        built = rows(store)
        drops = listener.statistics().kernel_drops or 0
    messages = built[built.event == "message"]
    assert len(messages) + drops == 10_000
    assert (built.event == "error").sum() == 0
    assert listener.error is None
    if drops == 0:
        assert messages.size_bytes.tolist() == sizes


@linux_only
def test_what_the_kernel_drops_is_counted_and_is_a_row(listening):
    release = threading.Event()
    with listening(reply=lambda _message: release.wait(10) and None) as (listener, store), client() as sock:
        for own in listener._sockets:
            own.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        port = listener.address.port
        sock.sendto(b"first", ("127.0.0.1", port))
        wait_until(lambda: store.received == 1)
        send_all(sock, [b"x" * 1000] * 200, port)
        assert listener.statistics().kernel_drops > 0
        assert listener.statistics().receive_buffer_bytes < 20_000
        release.set()
        wait_until(lambda: store.received > 1)
        listener.set_reply(None)
        wait_until(lambda: store.received + listener.statistics().kernel_drops == 201)
        sock.sendto(b"after the loss", ("127.0.0.1", port))
        wait_until(lambda: rows(store).payload.iloc[-1] == b"after the loss")
        drops = listener.statistics().kernel_drops
    built = rows(store)
    gaps = built[built.event == "gap"]
    assert drops == store.statistics().lost_before_us == sum(int(detail.split()[0]) for detail in gaps.detail)
    assert "receive buffer" in gaps.detail.iloc[0]
    assert (built.event == "message").sum() == 202 - drops


@linux_only
def test_drops_behind_the_last_datagram_are_a_row_without_another_one(listening):
    with listening() as (listener, store), client() as sock:
        for own in listener._sockets:
            own.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 20_000)
        with held(listener):
            send_all(sock, [b"x" * 100] * 300, listener.address.port)
            drops = listener.statistics().kernel_drops
        wait_until(lambda: store.statistics().lost_before_us == drops)
        built = rows(store)
    assert drops > 50
    assert built.event.tolist() == ["message"] * (300 - drops) + ["gap"]
    assert built["count"].iloc[-1] == drops


@linux_only
def test_drops_behind_the_last_datagram_are_counted_at_the_end(listening):
    release = threading.Event()
    with listening(reply=lambda _message: release.wait(10) and None) as (listener, store), client() as sock:
        for own in listener._sockets:
            own.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sock.sendto(b"first", ("127.0.0.1", listener.address.port))
        wait_until(lambda: store.received == 1)
        send_all(sock, [b"x" * 1000] * 200, listener.address.port)
        release.set()
        listener.close()
    assert store.received + store.statistics().lost_before_us == 201
    assert listener.statistics().kernel_drops == store.statistics().lost_before_us


@linux_only
def test_a_gap_stands_where_the_datagrams_are_missing(listening):
    with listening() as (listener, store), client() as sock:
        port = listener.address.port
        for own in listener._sockets:
            own.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 100_000)
        with held(listener):
            send_all(sock, [b"%d" % number for number in range(500)], port)
            drops = listener.statistics().kernel_drops
        wait_until(lambda: store.received == 500 - drops)
        sock.sendto(b"500", ("127.0.0.1", port))
        wait_until(lambda: store.received == 501 - drops)
    assert drops > 50
    built = rows(store)
    assert built.event.tolist() == ["message"] * (500 - drops) + ["gap", "message"]
    numbers = [int(payload) for payload in built.payload[built.event == "message"]]
    assert numbers == [*range(500 - drops), 500]
    assert built.detail.iloc[-2].startswith(f"{drops} datagrams dropped")


def test_many_senders_of_both_families_are_told_apart_in_one_go(listening):
    sent = {}
    with listening("udp://localhost:0") as (listener, store), contextlib.ExitStack() as stack:
        port = listener.address.port
        with held(listener):
            for number in range(40):
                family, host = ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1"))[number % 2]
                sock = stack.enter_context(client(family))
                for repeat in range(3):
                    payload = b"%d/%d" % (number, repeat) + b"." * (number * repeat * 40)
                    sock.sendto(payload, (host, port))
                    own = sock.getsockname()[1]
                    sent[payload] = f"127.0.0.1:{own}" if family == socket.AF_INET else f"[::1]:{own}"
        wait_until(lambda: store.received == 120)
    built = rows(store)
    assert dict(zip(built.payload, built.peer, strict=True)) == sent
    assert set(built.wire_bytes - built.size_bytes) == {28, 48}


def test_what_queued_up_arrives_whole_whatever_its_sizes(listening):
    chance = random.Random(5)
    payloads = [
        chance.randbytes(chance.choice([0, 1, 40, 2047, 2048, 2049, 9000, 65_507])) for _ in range(60)
    ]
    payloads += [b"same size %03d" % number for number in range(100)]
    payloads += [bytes([number]) * 3000 for number in range(40)]
    with listening() as (listener, store), client() as sock:
        with held(listener):
            send_all(sock, payloads, listener.address.port)
            drops = listener.statistics().kernel_drops or 0
        wait_until(lambda: store.received == len(payloads) - drops)
    built = rows(store)
    messages = built[built.event == "message"]
    assert list(messages.kind) == [guess_kind(payload) for payload in messages.payload]
    if not drops:  # a system that grants no large buffer cannot queue it all
        assert list(messages.payload) == payloads
    assert set(messages.payload) <= set(payloads)


def test_bursts_of_one_size_are_followed_by_any_other(listening):
    """The batched receiver makes its slots as long as the datagrams of the last turn were."""
    chance = random.Random(6)
    sizes = [64, 64, 200, 200, 1, 1, 0, 0, 2048, 2049, 64, 64]
    bursts = [[chance.randbytes(size) for _ in range(40)] for size in sizes]
    mixed = [chance.randbytes(chance.choice([0, 3, 64, 65, 2048, 2500])) for _ in range(30)]
    bursts += [mixed, bursts[0], bursts[0][:3] + mixed[:3], mixed, [chance.randbytes(60_000), b"short"]]
    received = 0
    with listening() as (listener, store), client() as sock:
        for burst in bursts:
            with held(listener):
                send_all(sock, burst, listener.address.port)
            received += len(burst)
            wait_until(lambda: store.received == received)  # noqa: B023 (called at once)
    built = rows(store)
    sent = [payload for burst in bursts for payload in burst]
    assert list(built.payload) == sent
    assert list(built.kind) == [guess_kind(payload) for payload in sent]


def test_a_steady_stream_faster_than_wake_ups_are_worth_is_complete(listening):
    payloads = [b"%05d" % number for number in range(5000)]
    with listening() as (listener, store), client() as sock:
        for start in range(0, 5000, 10):
            send_all(sock, payloads[start : start + 10], listener.address.port)
            wait_until(lambda start=start: store.received >= start - 500)
        wait_until(lambda: store.received + (listener.statistics().kernel_drops or 0) == 5000)
    assert list(rows(store).payload) == payloads


@pytest.mark.parametrize(
    ("reply", "answer"),
    [
        (b"pong", b"pong"),
        ("grüße", "grüße".encode()),
        (lambda message: message.payload[::-1], b"gnip"),
        (lambda message: f"{message.text} from {message.peer.host}", b"ping from 127.0.0.1"),
        (bytearray(b"mutable"), b"mutable"),
    ],
)
def test_answers_reach_the_sender_and_are_rows(listening, reply, answer):
    with listening(reply=reply) as (listener, store), client() as sock:
        sock.sendto(b"ping", ("127.0.0.1", listener.address.port))
        assert sock.recv(100) == answer
        wait_until(lambda: store.statistics().sent == 1)
    built = rows(store)
    assert list(built.direction) == ["in", "out"]
    assert list(built.payload) == [b"ping", answer]
    assert built.peer.iloc[0] == built.peer.iloc[1]
    assert built.time_source.iloc[1] == "user"


def test_a_reply_of_none_answers_nothing(listening):
    with (
        listening(reply=lambda message: b"yes" if message.payload == b"2" else None) as (listener, _),
        client() as sock,
    ):
        send_all(sock, [b"1", b"2"], listener.address.port)
        assert sock.recv(100) == b"yes"


@pytest.mark.parametrize(
    ("reply", "says"),
    [
        (lambda _message: 1 / 0, "ZeroDivisionError: division by zero"),
        (lambda _message: 42, "TypeError: a reply is bytes, text, None, or a list of these, not int"),
        (lambda _message: bytes(70_000), "70000 bytes do not fit into one datagram"),
    ],
)
def test_a_bad_reply_is_a_row_and_the_listener_lives_on(listening, reply, says):
    with listening(reply=reply) as (listener, store), client() as sock:
        send_all(sock, [b"1", b"2"], listener.address.port)
        wait_until(lambda: store.statistics().errors == 2)
        listener.set_reply(b"mended")
        sock.sendto(b"3", ("127.0.0.1", listener.address.port))
        assert sock.recv(100) == b"mended"
    errors = rows(store).query("event == 'error'")
    assert errors.detail.str.contains(says, regex=False).all()
    assert set(errors.direction) == {"out"}


def asked_together(listener, socks, payloads):
    """Have questions wait in the kernel, those of the clients in turn."""
    with held(listener):
        for number, payload in enumerate(payloads):
            socks[number % len(socks)].sendto(payload, ("127.0.0.1", listener.address.port))


@pytest.mark.parametrize("clients", [1, 3])
@pytest.mark.parametrize(
    "rule",
    [
        replies.echo,
        lambda message: message.payload,
        lambda message: message.text if message.kind == "text" else message.payload,
    ],
)
def test_answers_to_what_queued_up_are_rows_in_their_order(listening, rule, clients):
    chance = random.Random(clients)
    payloads = [b"text %d" % n if n % 3 else chance.randbytes(chance.randrange(600)) for n in range(150)]
    with listening(reply=rule) as (listener, store), contextlib.ExitStack() as stack:
        socks = [stack.enter_context(client()) for _ in range(clients)]
        asked_together(listener, socks, payloads)
        for number, sock in enumerate(socks):
            wanted = payloads[number::clients]
            assert [sock.recv(2000) for _ in wanted] == wanted
        wait_until(lambda: store.statistics().sent == len(payloads))
    built = rows(store)
    there, back = built[built.direction == "in"], built[built.direction == "out"]
    assert list(there.payload) == list(back.payload) == payloads
    assert list(there.kind) == list(back.kind)
    assert list(there.peer) == list(back.peer)
    assert list(there.wire_bytes) == list(back.wire_bytes)
    assert set(back.time_source) == {"user"}
    assert (back.time.to_numpy() >= there.time.to_numpy()).all()
    assert back.time.is_monotonic_increasing


def test_answers_that_cannot_be_sent_are_error_rows_among_the_others(listening):
    def rule(message):
        return bytes(70_000) if message.payload.endswith(b"7") else message.payload

    payloads = [b"%03d" % number for number in range(60)]
    good = [payload for payload in payloads if not payload.endswith(b"7")]
    with listening(reply=rule) as (listener, store), client() as sock:
        asked_together(listener, [sock], payloads)
        assert [sock.recv(100) for _ in good] == good
        wait_until(lambda: store.statistics().errors == 6)
        wait_until(lambda: store.statistics().sent == 54)
    back = rows(store).query("direction == 'out'")
    assert [len(payload) > 3 for payload in back.payload] == [payload.endswith(b"7") for payload in payloads]
    assert set(back.event[back.size_bytes > 3]) == {"error"}
    assert list(back.payload[back.event == "message"]) == good


def test_a_rule_that_raises_or_sends_by_itself_keeps_the_order(listening):
    endpoints = []

    def rule(message):
        if message.payload == b"\x0013":
            raise ValueError("no")
        if message.payload == b"\x0017":
            endpoints[0].send(Outgoing(b"\x00between", Kind.BINARY))
        if message.payload == b"\x0019":
            return [b"\x00one", replies.close(), b"\x00never"]
        return message.payload

    payloads = [b"\x00%d" % number for number in range(10, 40)]
    wanted = [b"bad" if one == b"\x0013" else one for one in payloads]
    wanted[7:10] = [b"\x00between", b"\x0017", b"\x0018", b"\x00one"]
    with listening(reply=rule) as (listener, store), client() as sock:
        endpoints.append(listener)
        asked_together(listener, [sock], payloads)
        came = [one for one in wanted if one != b"bad"]
        assert [sock.recv(100) for _ in came] == came
        wait_until(lambda: store.statistics().sent == len(came))
    back = rows(store).query("direction == 'out'")
    assert [
        b"bad" if event == "error" else payload
        for event, payload in zip(back.event, back.payload, strict=True)
    ] == wanted


def test_no_answer_waits_for_a_slow_rule_to_answer_the_others(listening):
    sent = []

    def rule(message):
        sent.append(store.statistics().sent)
        until = time.monotonic() + (0.003 if message.payload[:1] == b"s" else 0)
        while time.monotonic() < until:
            pass
        return message.payload

    with listening(reply=rule) as (listener, store), client() as sock:
        for number in range(10):  # quick at first, so that many are taken at once
            asked_together(listener, [sock], [b"quick"] * 64)
            wait_until(lambda number=number: store.statistics().sent == 64 * (number + 1))
        asked_together(listener, [sock], [b"slow"] * 32)
        wait_until(lambda: store.statistics().sent == 672)
    assert all(640 + answered - before <= 3 for answered, before in enumerate(sent[640:]))


def test_answers_of_a_client_that_find_nobody_are_rows_and_so_is_that():
    with client() as game:
        game.bind(("127.0.0.1", 0))
        made = UdpClient.at(
            parse_remote(f"udp://127.0.0.1:{game.getsockname()[1]}"),
            store := Store("x"),
            EndpointOptions(reply=replies.echo),
        )
        made.start()
        try:
            made.send(Outgoing(b"hello", Kind.TEXT))
            _, there = game.recvfrom(100)
            with held(made):
                for number in range(30):
                    game.sendto(b"question %02d" % number, there)
                game.close()
            wait_until(lambda: store.statistics().sent == 31)
        finally:
            made.close()
    built = rows(store)
    assert list(built.payload[(built.direction == "out")]) == [
        b"hello",
        *(b"question %02d" % number for number in range(30)),
    ]
    if sys.platform == "linux":  # where the refusal has come back before the next one is sent
        errors = built[built.event == "error"]
        assert len(errors)
        assert errors.detail.str.contains("nobody listens").all()


def test_pings_of_ours_that_come_back_are_not_answered(listening):
    with listening(ping=0.002, reply=replies.echo) as (listener, store), client() as sock:
        sock.sendto(b"hello", ("127.0.0.1", listener.address.port))
        pings = []
        while len(pings) < 20:
            found = sock.recv(200)
            if found != b"hello":
                pings.append(found)
        listener.set_ping(None)
        asked_together(listener, [sock], [one for ping in pings for one in (ping, b"what " + ping[-9:])])
        wait_until(lambda: store.received == 41)
        wait_until(lambda: (rows(store).query("direction == 'out'").size_bytes == 14).sum() == 20)
    back = rows(store).query("direction == 'out'")
    assert sum(payload in set(pings) for payload in back.payload) == 20


def test_a_reply_that_is_none_of_these_is_refused_at_once_and_nothing_stays_open():
    with pytest.raises(TypeError, match="reply"):
        EndpointOptions(reply=42)


def test_closing_is_at_once_without_a_packet_and_frees_the_port(listening):
    with listening() as (listener, _):
        port = listener.address.port
        begin = time.monotonic()
        listener.close()
        assert time.monotonic() - begin < 2
        assert listener.state is State.CLOSED
        listener.close()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.bind(("127.0.0.1", port))
    with pytest.raises(EndpointClosed):
        listener.start()
    with pytest.raises(EndpointClosed, match=r"start\(\) of its capture"):
        listener.call(lambda: None)


def test_closing_while_a_peer_floods(listening):
    stop = threading.Event()
    with listening() as (listener, store), client() as sock:
        port = listener.address.port

        def flood():
            while not stop.is_set():
                with contextlib.suppress(OSError):
                    sock.sendto(b"flood", ("127.0.0.1", port))

        flooder = threading.Thread(target=flood)
        flooder.start()
        wait_until(lambda: store.received > 100)
        begin = time.monotonic()
        listener.close()
        took = time.monotonic() - begin
        stop.set()
        flooder.join()
    assert listener.state is State.CLOSED
    assert took < 4


def test_what_had_arrived_before_the_end_is_kept(listening):
    with listening() as (listener, store), client() as sock:
        send_all(sock, [b"%d" % number for number in range(100)], listener.address.port)
        listener.close()
    assert store.received == 100


def test_an_endpoint_that_was_never_started_frees_its_port_too():
    listener = UdpListener.at(parse("udp://127.0.0.1:0"), Store("x"))
    port = listener.address.port
    listener.close()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", port))


def test_a_thread_that_dies_says_why(listening, caplog):
    with listening() as (listener, store):

        def die() -> None:
            raise RuntimeError("out of cheese")

        listener.call(die)
        wait_until(lambda: listener.state is State.FAILED)
        wait_until(lambda: not any(t.name == f"gdlab {listener.address}" for t in threading.enumerate()))
    assert isinstance(listener.error, RuntimeError)
    assert "out of cheese" in rows(store).detail.iloc[-1]
    assert "out of cheese" in caplog.text
    assert listener._sockets == []


def test_a_taken_port_names_its_holder_and_the_way_out():
    holder = subprocess.Popen(
        [
            sys.executable,
            "-c",
            (
                "import socket; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(('127.0.0.1', 0));"
                "print(s.getsockname()[1], flush=True); input()"
            ),
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with holder:
        port = int(holder.stdout.readline())
        with pytest.raises(PortInUse) as caught:
            UdpListener.at(parse(f"udp://127.0.0.1:{port}"), Store("x"))
        holder.communicate("\n")
    message = str(caught.value)
    assert f"port {port}" in message
    assert "udp://127.0.0.1:0" in message
    if sys.platform == "linux":
        assert f"process {holder.pid} (python" in message
        assert caught.value.holder.startswith(f"process {holder.pid}")


def test_a_port_taken_in_one_family_of_localhost_leaves_nothing_open():
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as taken:
        taken.bind(("::1", 0))
        port = taken.getsockname()[1]
        with pytest.raises(PortInUse):
            UdpListener.at(parse(f"udp://localhost:{port}"), Store("x"))
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
            free.bind(("127.0.0.1", port))


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may bind any port")
def test_a_privileged_port_says_which_ports_are_free_for_all():
    with pytest.raises(PortForbidden, match="above 1023"):
        UdpListener.at(parse("udp://127.0.0.1:7"), Store("x"))


@pytest.mark.parametrize("error", ["EACCES", "EADDRNOTAVAIL", "EADDRINUSE", "ENOBUFS"])
def test_every_refusal_of_the_system_becomes_an_error_with_a_way_out(error):
    import errno

    from gdlab.transports.ports import bind_error

    number = getattr(errno, error)
    made = bind_error(OSError(number, os.strerror(number)), parse("udp://127.0.0.1:7"))
    expected = {"EACCES": PortForbidden, "EADDRINUSE": PortInUse}.get(error, AddressError)
    assert isinstance(made, expected)
    assert "udp://127.0.0.1:" in str(made)


def test_an_address_of_another_machine_is_refused_in_words():
    with pytest.raises(AddressError, match="not an address of this machine"):
        UdpListener.at(parse("udp://203.0.113.7:0", host="lan"), Store("x"))


def test_peers_that_were_heard_are_pinged_and_their_answers_are_rows(listening):
    with listening(ping=0.01) as (listener, store), client() as sock:
        sock.sendto(b"hello", ("127.0.0.1", listener.address.port))
        for expected in range(3):
            found = probe.parse(sock.recv(200))
            assert (found.is_pong, found.seq) == (False, expected)
            sock.sendto(
                probe.answer(probe.ping(found.seq, found.t_us * 1000), 0, 0),
                ("127.0.0.1", listener.address.port),
            )
        wait_until(lambda: store.received == 4)
        listener.set_ping(None)
    sent = rows(store).query("direction == 'out'")
    assert len(sent) >= 3
    assert all(probe.parse(payload) for payload in sent.payload)


def test_an_answer_never_stands_before_its_question_however_quickly_it_comes(listening):
    with listening(ping=0.002) as (listener, store), client() as sock:
        sock.sendto(b"hello", ("127.0.0.1", listener.address.port))
        for _ in range(60):  # an echo in this process runs while the listener still returns from its call
            sock.sendto(sock.recv(200), ("127.0.0.1", listener.address.port))
        wait_until(lambda: store.received == 61)
        listener.set_ping(None)
    table = rows(store)
    asked, answered = (
        table[(table.direction == direction) & (table.size_bytes > 5)].groupby("payload").time.min()
        for direction in ("out", "in")
    )
    assert len(answered) == 60
    assert (answered >= asked.reindex(answered.index)).all()


@pytest.mark.parametrize("period", [0, -1, float("nan"), float("inf")])
def test_an_impossible_ping_period_is_refused(period):
    with pytest.raises(ValueError, match="ping"):
        EndpointOptions(ping=period)


def test_a_ping_period_that_is_no_number_says_what_is_expected():
    with pytest.raises(TypeError, match=r"'fast'.*give seconds, at least 0.001"):
        EndpointOptions(ping="fast")


@pytest.mark.parametrize("interface", ["127.0.0.1", "lo"])
def test_a_group_at_a_chosen_interface_gets_what_is_sent_there(interface):
    """At the loopback it needs no `host="lan"`: nobody else can reach it."""
    if interface not in ("127.0.0.1", *(name for _, name in socket.if_nameindex())):
        pytest.skip("this system calls its loopback otherwise")
    address = "udp://239.255.77.8:{}?interface=" + interface
    store = Store("x")
    listener = UdpListener(UdpListener.bind(parse(address.format(0))), store)
    listener.start()
    try:
        url = address.format(listener.address.port)
        assert str(listener.address) == url
        sender = UdpClient.at(parse_remote(url), Store("y"))
        sender.start()
        try:
            sender.send(Outgoing(b"to the group", Kind.TEXT))
            wait_until(lambda: store.received)
        finally:
            sender.close()
    finally:
        listener.close()


@pytest.mark.parametrize("form", ["udp://[ff11::7777]:{}?interface={}", "udp://[ff11::7777%{1}]:{0}"])
def test_a_group_of_ipv6_is_joined_at_the_interface_that_is_named(form):
    """Its scope, the interface itself, never leaves this machine."""
    group = "ff11::7777"
    for interface in socket.if_nameindex() if socket.has_ipv6 else []:
        number, name = interface
        with contextlib.suppress(OSError), socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sock:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, number)
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 0)
            sock.sendto(b"is there a way?", (group, 9, 0, number))
            break
    else:
        pytest.skip("no interface of this system carries groups of IPv6")
    store = Store("x")
    listener = UdpListener(UdpListener.bind(parse(form.format(0, name), host="lan")), store)
    listener.start()
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sock:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, number)
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 0)
            sock.sendto(b"to the group", (group, listener.address.port, 0, number))
            wait_until(lambda: store.received)
        sender = UdpClient.at(parse_remote(form.format(listener.address.port, name)), Store("y"))
        sender.start()
        try:
            sender.send(Outgoing(b"to the group, by gdlab", Kind.TEXT))
            wait_until(lambda: store.received == 2)
        finally:
            sender.close()
    finally:
        listener.close()


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("udp://239.255.77.8:0?interface=nosuch0", "called 'nosuch0'"),
        ("udp://127.0.0.1:0?interface=lo", "no multicast group"),
        ("udp://239.255.77.8:0?interface=127.0.0.1&x=1", "not understood"),
        ("udp://[ff15::7777]:0?interface=192.0.2.7", "wants the name"),
        ("udp://[ff12::7777]:0", "name yours behind the port"),
    ],
)
def test_an_interface_that_is_none_is_refused_with_the_reason(address, words):
    with pytest.raises(AddressError, match=words):
        UdpListener.bind(parse(address, host="lan"))


def test_nothing_is_sent_to_a_group_of_a_link_that_is_not_named():
    with pytest.raises(NotConnected, match="name yours behind the port"):
        UdpClient.at(parse_remote("udp://[ff12::7777]:4242"), Store("x"))


def test_a_multicast_group_is_joined_and_not_without_being_asked(listening):
    with pytest.raises(AddressError, match='host="lan"'):
        parse("udp://239.255.77.7:0")
    bound = UdpListener.bind(parse("udp://239.255.77.7:0", host="lan"))
    store = Store("x")
    listener = UdpListener(bound, store)
    listener.start()
    try:
        with client() as sock:
            for interface in ("127.0.0.1", "0.0.0.0"):
                with contextlib.suppress(OSError):
                    sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(interface))
                    sock.sendto(b"to all", ("239.255.77.7", listener.address.port))
            wait_until(lambda: store.received)
    finally:
        listener.close()
