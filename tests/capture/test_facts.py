"""Facts as real sockets make them: what happened stands in the table as data."""

import contextlib
import errno
import json
import os
import socket
import struct
import sys
import threading
import time
from typing import NamedTuple

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

import gdlab as gd
from gdlab.errors import NotSent
from gdlab.facts import Fact, Reason
from gdlab.files import Spill, load
from gdlab.impair import Link, Path
from gdlab.live.peer_totals import EventCounts
from gdlab.relays.rows import Rows
from gdlab.store import Limit, Store
from gdlab.transports import parse
from gdlab.transports.relaying import wire
from gdlab.transports.relaying.datagram_core import IDLE_NS, DatagramCore
from gdlab.transports.relaying.outlet import Outlet
from gdlab.transports.relaying.worker import Worker
from gdlab.words import language, sentence
from gdlab.words.sentences import tables
from tests.files import packets
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


def fills_it(capture):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        for number in range(2000):
            one.sendto(b"%d" % number, ("127.0.0.1", capture.port))
            if number % 50 == 49:
                wait_until(lambda number=number: capture.statistics().received == number + 1)


def asks_by_datagram(capture):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.sendto(b"x", ("127.0.0.1", capture.port))
        wait_until(lambda: capture.statistics().errors)


def answers_pings(capture):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.settimeout(limit(10))
        one.sendto(b"x", ("127.0.0.1", capture.port))
        one.recv(1000)


def cannot_be_accepted(capture):
    """Connect while this process has no number for a file left."""
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    with socket.socket() as one, contextlib.ExitStack() as held:
        held.callback(resource.setrlimit, resource.RLIMIT_NOFILE, before)
        highest = os.dup(one.fileno())
        held.callback(os.close, highest)
        resource.setrlimit(resource.RLIMIT_NOFILE, (highest + 8, before[1]))
        with contextlib.suppress(OSError):
            while True:
                held.callback(os.close, os.dup(one.fileno()))
        one.connect(("127.0.0.1", capture.port))
        wait_until(lambda: Reason.OUT_OF_FILES in reasons(capture))


class Stage:
    """What the reasons are produced with."""

    def __init__(self, listen, tmp_path, monkeypatch):
        self.listen, self.tmp_path, self.monkeypatch = listen, tmp_path, monkeypatch


class Told(NamedTuple):
    """What is known of a row: its reason, and what it reads in English and in Chinese."""

    reason: Reason
    en: str
    zh: str


def told(shown):
    """The facts of all rows of a capture or relay, and those that they name as their causes."""
    return with_causes(facts_of(shown))


def with_causes(facts):
    found, pending = [], list(facts)
    while pending:
        fact = pending.pop()
        found.append(Told(fact.reason, sentence(fact, "en"), sentence(fact, "zh")))
        pending += [value for _, value in fact.more if isinstance(value, Fact)]
    return found


def listening(address, choices, act):
    """What a listener notes when somebody acts so."""

    def produce(stage, reason):
        capture = stage.listen(address, **choices)
        act(capture)
        wait_until(lambda: reason in {each.reason for each in told(capture)})
        return told(capture)

    return produce


def connecting(server, **choices):
    """What a client notes of a server, `server` being a context that gives its address."""

    def produce(stage, reason):
        with server() as address, gd.connect(address, restart=True, **choices) as capture:
            if address.startswith("udp"):
                capture.send(b"anybody there?")
            wait_until(lambda: reason in {each.reason for each in told(capture)})
            return told(capture)

    return produce


def closed_port(scheme):
    @contextlib.contextmanager
    def server():
        with gd.listen(f"{scheme}://127.0.0.1:0", restart=True) as gone:
            address = gone.addresses[0]
        yield address

    return server


@contextlib.contextmanager
def full_queue():
    """A server that takes nobody in, and whose queue is full: its system answers no further attempt."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as server, contextlib.ExitStack() as held:
        for _ in range(4):
            one = held.enter_context(socket.socket())
            one.setblocking(False)
            one.connect_ex(server.getsockname())
        yield f"tcp://127.0.0.1:{server.getsockname()[1]}"


@contextlib.contextmanager
def not_one_host():
    """An address to which no system makes a connection."""
    yield "tcp://255.255.255.255:9"


@contextlib.contextmanager
def no_websocket():
    """A server of something else."""
    with gd.listen(TCP, framing="lines", reply=b"420 what?", restart=True) as other:
        yield f"ws://127.0.0.1:{other.port}"


def recorded(*packets_of):
    """What the reader of captures of other programs notes of a file, once in each language."""

    def produce(stage, _reason):
        file = stage.tmp_path / "foreign.pcap"
        file.write_bytes(b"".join(packets_of))
        return told_of_files(lambda: load(file).table)

    return produce


def told_of_files(read):
    english = read()
    before = language()
    language("zh")
    try:
        chinese = read()
    finally:
        language(before)
    return [
        Told(reason, *texts)
        for reason, *texts in zip(english["reason"], english["detail"], chinese["detail"], strict=True)
    ]


def has_gone_before_it_is_answered(stage, _reason):
    """Answers to a peer that is gone when the first of them is sent."""
    gone, refused = threading.Event(), []

    def answer(message):
        gone.wait(limit(10))
        try:
            capture.send(b"y", to=str(message.peer))
        except NotSent as error:
            refused.append(error.fact)

    capture = stage.listen(TCP, framing="lines", reply=answer)
    with tcp_socket(capture) as one:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        one.sendall(b"x\n" * 20)
        wait_until(lambda: capture.statistics().received)
    gone.set()
    wait_until(lambda: any(refused))
    return with_causes(filter(None, refused))


def has_a_fault(stage, _reason):
    def cut(_data, _end):
        raise ZeroDivisionError("division by zero")

    stage.monkeypatch.setattr("gdlab.transports.tcp_session.TcpSession.receive", cut)
    capture = stage.listen(TCP, framing="lines")
    with tcp_socket(capture) as one:
        one.sendall(b"x\n")
        wait_until(lambda: Reason.INTERNAL in reasons(capture))
    return told(capture)


def loses_its_socket(stage, _reason):
    capture = stage.listen(UDP)
    (endpoint,) = capture.endpoints

    def fail(*_arguments):
        raise OSError(errno.ENETDOWN, "the network is down")

    stage.monkeypatch.setattr(endpoint, "_take", fail)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.sendto(b"x", ("127.0.0.1", capture.port))
    wait_until(lambda: Reason.ENDPOINT_FAILED in reasons(capture))
    return told(capture)


def is_flooded(stage, _reason):
    release = threading.Event()
    capture = stage.listen(UDP, reply=lambda _message: release.wait(limit(10)) and None)
    (endpoint,) = capture.endpoints
    for own in endpoint._sockets:
        own.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.sendto(b"first", ("127.0.0.1", capture.port))
        wait_until(lambda: capture.statistics().received == 1)
        for _ in range(200):
            one.sendto(b"x" * 1000, ("127.0.0.1", capture.port))
        release.set()
        wait_until(lambda: capture.statistics().kernel_drops and Reason.KERNEL_DROP in reasons(capture))
    return told(capture)


def outruns_the_disk(stage, _reason):
    def read():
        store = Store("udp://127.0.0.1:1", Limit(rows=80))
        for number in range(1000):
            store.append(number, payload=b"x")
        with Spill(stage.tmp_path / language(), interval_s=1e6) as spill:
            spill.add(store)
        return load(stage.tmp_path / language()).table

    return told_of_files(read)


def drops_the_oldest(stage, _reason):
    capture = stage.listen(UDP, limit=800)
    fills_it(capture)
    return told_of_files(lambda: capture.df)


def does_not_end_its_side(stage, _reason):
    stage.monkeypatch.setattr("gdlab.transports.stream_bytes.LINGER_S", 0.1)
    capture = stage.listen(
        TCP, framing="u32le", max_message_bytes=1 << 24, max_waiting_bytes=1 << 26, reply=bytes(1 << 24)
    )
    with tcp_socket(capture) as one:
        one.sendall(struct.pack("<I", 1) + b"x")
        wait_until(lambda: capture.statistics().sent)
        one.sendall(b"GET / HTTP/1.1\r\n")  # no length of this framing: it is ended here, in order
        wait_until(lambda: Reason.UNSENT in reasons(capture))
    return told(capture)


def resets_a_relay(stage, reason):
    server = stage.listen(TCP, framing="lines")
    with gd.relay(TCP, to=server.addresses[0]) as px:
        with socket.create_connection(
            ("127.0.0.1", int(px.address.rpartition(":")[2])), timeout=limit(10)
        ) as one:
            one.sendall(b"hi\n")
            wait_until(lambda: server.statistics().received)
            one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        wait_until(lambda: reason in {each.reason for each in told(px)})
        assert (first(px, reason).by, first(px, reason).code) == ("peer", errno.ECONNRESET)
        return told(px)


def compresses_through_a_relay(stage, reason):
    server = stage.listen(WS, compression=True)
    with gd.relay(WS, to=server.addresses[0]) as px, connect(px.address, compression="deflate") as one:
        one.send("hello " * 100)
        wait_until(lambda: reason in {each.reason for each in told(px)})
        return told(px)


def sets_a_relay(stage, reason):
    with gd.relay(UDP, to=stage.listen(UDP).addresses[0]) as px:
        px.set(delay_ms=20)
        wait_until(lambda: reason in {each.reason for each in told(px)})
        return told(px)


class RelayHere:
    """The parts of a relay's process, without the process: its sockets, and the pipe to the notebook's rows."""

    def __init__(self, server):
        reading, writing = os.pipe()
        self._pipe = os.fdopen(reading, "rb")
        self._worker = Worker(
            Path(1, Link(), Link(), shared=True, streams=False, header_bytes=28), Outlet(writing)
        )
        self._writing = writing
        first = {
            "host": "127.0.0.1",
            "port": 0,
            "to_host": "127.0.0.1",
            "to_port": server.port,
            "max_clients": 9,
        }
        self.core = DatagramCore(self._worker, first)
        self._worker.core = self.core
        self.core.register(self._worker.selector)
        self.rows = Rows(parse(UDP), Limit(), "auto")
        self.outlet = self._worker.outlet

    def snapshots(self):
        return self.rows.snapshots()

    def turn(self):
        """Receive what has come."""
        for key, mask in self._worker.selector.select(limit(10)):
            key.data(mask)

    def tell(self):
        """Let the notebook take what was told so far."""
        self.outlet.tell(done=True)
        self.outlet.close(limit(10))
        os.close(self._writing)
        while header := self._pipe.read(wire.HEADER.size):
            kind, size = wire.HEADER.unpack(header)
            data = self._pipe.read(size)
            if kind == wire.ROWS:
                self.rows.rows(data)
            elif kind == wire.JSON:
                self.rows.told(json.loads(data))

    def close(self):
        self.core.close()
        worker = self._worker
        for each in (worker._here, worker._there, worker.selector, self._pipe):
            each.close()
        if worker._timer is not None:
            os.close(worker._timer.fd)


def relaying_here(act):
    def produce(stage, _reason):
        here = RelayHere(stage.listen(UDP))
        with contextlib.closing(here), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
            one.sendto(b"x", ("127.0.0.1", int(here.core.address.rpartition(":")[2])))
            here.turn()
            act(here, stage)
            here.tell()
            return told(here)

    return produce


def is_silent(here, _stage):
    here.core.housekeep(time.time_ns() + IDLE_NS + 1)


def is_read_too_slowly(here, stage):
    with stage.monkeypatch.context() as patched:
        patched.setattr("gdlab.transports.relaying.outlet.MOST_WAITING_BYTES", -1)
        here.outlet.flush()
    here.outlet.row(time.time_ns(), 1, b"y", 0)


UDP, TCP, WS = "udp://127.0.0.1:0", "tcp://127.0.0.1:0", "ws://127.0.0.1:0"
TLS_HELLO = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc" + bytes(507)
_DATAGRAM = packets.ethernet(packets.ip4(17, packets.udp(b"hello world")))
_SHAKEN = (
    packets.tcp(seq=0, flags=packets.SYN),
    packets.tcp(packets.upgrade(), seq=1),
    packets.tcp(packets.frame(struct.pack(">H", 1001) + b"bye", 8, b"abcd"), seq=1 + len(packets.upgrade())),
)
PRODUCED = {
    Reason.OPENED: listening(TCP, {}, closes_without_a_word),
    Reason.PEER_CLOSED: listening(TCP, {}, closes_without_a_word),
    Reason.PEER_RESET: listening(TCP, {"framing": "lines"}, resets),
    Reason.BROKEN: resets_a_relay,
    Reason.WE_CLOSED: listening(TCP, {"framing": "u32le"}, sends(b"GET / HTTP/1.1\r\n")),
    Reason.SLOW_READER: listening(
        TCP,
        {"framing": "lines", "max_waiting_bytes": 1000, "every": 0.001, "reply": b"y" * 60_000},
        never_reads,
    ),
    Reason.HELD_TOO_MUCH: listening(
        TCP,
        {"framing": "u32le", "max_held_bytes": 1000},
        sends(struct.pack("<I", 5000) + bytes(4000)),
    ),
    Reason.STOPPED: listening(TCP, {}, is_stopped),
    Reason.INTERNAL: has_a_fault,
    Reason.LINGERED: does_not_end_its_side,
    Reason.REFUSED_LIMIT: listening(TCP, {"max_connections": 1}, two_at_once),
    Reason.REFUSED_ORIGIN: listening(WS, {}, says(origin="https://evil.example")),
    Reason.REFUSED_PATH: listening(WS + "/chat", {}, says("/other")),
    Reason.REFUSED_HANDSHAKE: listening(WS, {}, sends(b"hello\r\n\r\n")),
    Reason.HANDSHAKE_TIMEOUT: listening(WS, {"handshake_timeout": 0.05}, stays_silent),
    Reason.HANDSHAKE_CUT: listening(WS, {}, goes_before_the_end),
    Reason.SUBPROTOCOL: listening(WS, {"subprotocols": ["json"], "reply": "y"}, says(subprotocols=["chat"])),
    Reason.ENCRYPTED: listening(TCP, {}, sends(TLS_HELLO)),
    Reason.NOT_WEBSOCKET: connecting(no_websocket, reconnect=True),
    Reason.OUT_OF_FILES: listening(TCP, {}, cannot_be_accepted),
    Reason.CONNECT_FAILED: connecting(closed_port("tcp"), reconnect=True),
    Reason.NOBODY_LISTENS: connecting(closed_port("tcp"), reconnect=True),
    Reason.NO_ANSWER: connecting(full_queue, reconnect=True, timeout=0.1),
    Reason.UNREACHABLE: connecting(closed_port("udp")),
    Reason.MALFORMED: listening(TCP, {"framing": "json"}, sends(b"}\n")),
    Reason.OVERSIZED: listening(TCP, {"framing": "lines", "max_message_bytes": 10}, sends(b"x" * 50 + b"\n")),
    Reason.NOT_UTF8: listening(WS, {}, says(data=b"\xff", as_text=True)),
    Reason.INCOMPLETE: listening(TCP, {"framing": "lines"}, sends(b"half")),
    Reason.NOT_SENT: listening(TCP, {"framing": "lines", "reply": "two\nlines"}, sends(b"x\n")),
    Reason.UNFRAMABLE: listening(TCP, {"framing": "lines", "reply": "two\nlines"}, sends(b"x\n")),
    Reason.TOO_BIG: listening(UDP, {"reply": bytes(70_000)}, asks_by_datagram),
    Reason.ENDING: has_gone_before_it_is_answered,
    Reason.SYSTEM_ERROR: connecting(not_one_host, reconnect=True),
    Reason.UNSENT: does_not_end_its_side,
    Reason.REPLY_RAISED: listening(TCP, {"framing": "lines", "reply": raises}, sends(b"x\n")),
    Reason.FRAMING_GUESSED: listening(TCP, {}, sends(b"hello there\n")),
    Reason.MAY_NOT_FIT: listening(WS, {"reply": "y" * 70_000}, says(max_size=None)),
    Reason.PROBE: listening(UDP, {"ping": 0.05}, answers_pings),
    Reason.NOT_CAPTURED: recorded(
        packets.section(),
        packets.interface(snap=len(_DATAGRAM) - 2),
        packets.simple_packet(_DATAGRAM[:-2] + bytes(-(len(_DATAGRAM) - 2) % 4), len(_DATAGRAM)),
    ),
    Reason.CLOSE_SEEN: recorded(packets.pcap([packets.ip4(6, each) for each in _SHAKEN], link=101)),
    Reason.CAPTURE_DROP: recorded(
        packets.section(), packets.interface(), packets.old_packet(_DATAGRAM, 10**15, drops=7)
    ),
    Reason.COMPRESSED: compresses_through_a_relay,
    Reason.SETTING: sets_a_relay,
    Reason.IDLE: relaying_here(is_silent),
    Reason.UNTOLD: relaying_here(is_read_too_slowly),
    Reason.ENDPOINT_FAILED: loses_its_socket,
    Reason.KERNEL_DROP: is_flooded,
    Reason.EVICTED: drops_the_oldest,
    Reason.PAUSED: listening(UDP, {}, pauses),
    Reason.SKIPPED: listening(TCP, {"framing": "lines", "max_message_bytes": 10}, sends(b"x" * 50 + b"\n")),
    Reason.SPILL_MISSED: outruns_the_disk,
}
#: What reads alike everywhere: numbers, and the words of others.
ONLY_DATA = {Reason.CLOSE_SEEN, Reason.SETTING, Reason.SYSTEM_ERROR}
#: What only Linux counts, limits or refuses so.
ON_LINUX = {Reason.KERNEL_DROP, Reason.OUT_OF_FILES, Reason.NO_ANSWER, Reason.IDLE, Reason.UNTOLD}


@pytest.mark.parametrize("reason", Reason, ids=str)
def test_every_reason_is_produced_by_a_real_socket_or_file_and_has_its_sentences(
    reason, listen, tmp_path, monkeypatch
):
    if reason in ON_LINUX and sys.platform != "linux":
        pytest.skip("only Linux can be brought to this")
    produced = PRODUCED[reason](Stage(listen, tmp_path, monkeypatch), reason)
    texts = {(each.en, each.zh) for each in produced if each.reason == reason}
    assert texts
    for english, chinese in texts:
        assert english.isascii()
        assert chinese != english or (english and reason in ONLY_DATA)
    assert tables("en").counted[reason] != tables("zh").counted[reason]


def test_a_row_reads_as_its_fact_does(listen):
    capture = listen(TCP, framing="lines")
    sends(b"half")(capture)
    wait_until(lambda: Reason.INCOMPLETE in reasons(capture))
    (fact,) = [fact for fact in facts_of(capture) if fact.reason == Reason.INCOMPLETE]
    row = first(capture, Reason.INCOMPLETE)
    assert row.detail == sentence(fact, "en")
    assert row["count"] == 1


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
    assert row.detail == f"{row['count']:,} bytes were not sent: the peer did not close its side"
    assert sentence(fact, "zh") == f"有 {row['count']:,} 字节没有发送：对端没有关闭它的那一侧"  # noqa: RUF001


def test_text_of_websocket_that_is_none_is_not_utf8(listen):
    capture = listen(WS)
    says(data="\udcff".encode(errors="surrogateescape"), as_text=True)(capture)
    table = capture.df
    assert Reason.WE_CLOSED in set(table.reason)
    (fact, *_) = [fact for fact in facts_of(capture) if fact.reason is Reason.WE_CLOSED]
    assert dict(fact.more)["cause"].reason is Reason.NOT_UTF8
    assert (fact.by, fact.code) == ("us", 1007)


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
