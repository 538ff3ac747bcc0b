"""Replaying a recording to real sockets: the same payloads, in order, on time, and no nonsense."""

from __future__ import annotations

import asyncio
import socket
import time

import numpy as np
import pandas as pd
import pytest

import gdlab as gd
from gdlab.capture.reframing import reframed
from gdlab.errors import ReplayError, WaitTimeout
from gdlab.facts import PEER, Fact, Reason
from gdlab.messages import Direction, Event, Kind, Peer
from gdlab.relays.schedule import schedule
from gdlab.store import Store, table
from gdlab.variant import dumps
from tests.relays.games import arrived
from tests.waiting import limit, wait_until

START_NS = 1_700_000_000_000_000_000


def recording(transport: str = "udp", peers: int = 2, count: int = 20, every_ms: float = 5.0) -> pd.DataFrame:
    """Messages that came in from some peers, each answered."""
    store = Store(f"{transport}://127.0.0.1:4242")
    codes = [store.peer_code(Peer("127.0.0.1", 50_000 + number)) for number in range(peers)]
    for number in range(count):
        at = START_NS + round(number * every_ms * 1e6)
        peer, text = codes[number % peers], f"message {number}".encode()
        store.append(at, peer, text, kind=Kind.TEXT)
        store.append(at + 1_000_000, peer, b"answer " + text, kind=Kind.TEXT, direction=Direction.OUT)
    return table.build([store.snapshot()])


def payloads(found: pd.DataFrame) -> list[bytes]:
    return [bytes(payload) for payload in found["payload"]]


@pytest.mark.slow
@pytest.mark.parametrize("transport", ["udp", "tcp", "ws"])
def test_clients_are_played_with_a_socket_for_each(transport: str) -> None:
    run = recording(transport)
    with (
        gd.listen(
            f"{transport}://127.0.0.1:0", framing="lines", reply=lambda m: b"answer " + m.payload
        ) as server,
        gd.replay(run, to=server.addresses[0], framing="lines") as rp,
    ):
        rp.wait_sync()
        server.wait_sync(20)
        got = arrived(server)
        whole = [f"message {number}".encode() for number in range(20)]
        assert sorted(payloads(got)) == sorted(whole)
        each = [payloads(got[got["peer"] == peer]) for peer in got["peer"].unique()]
        assert sorted(each) == [whole[::2], whole[1::2]]
        assert len(rp.peers) == 2
        sent = rp.sent
        assert len(sent) == 20
        np.testing.assert_allclose(np.diff(sent["due"].astype("int64")) / 1e6, 5.0)
        assert (sent["late_us"] >= 0).all()
        assert set(rp.timing()) == {"n", "p50_us", "p99_us", "max_us", "speed"}
        wait_until(lambda: (rp.df["direction"] == "in").sum() >= 20)
        assert not rp.compare(run).empty


@pytest.mark.slow
@pytest.mark.parametrize("transport", ["udp", "tcp", "ws"])
def test_the_server_is_played_to_whoever_connects(transport: str) -> None:
    run = recording(transport, peers=1, count=10)
    with gd.replay(run, serve=f"{transport}://127.0.0.1:0", pace="answer", framing="lines") as rp:
        client = gd.connect(rp.address, framing="lines")
        for number in range(10):
            client.send(f"message {number}")
        client.wait_sync(10)
        assert payloads(arrived(client)) == [f"answer message {number}".encode() for number in range(10)]
        rp.wait_sync()
        assert rp.notes == ()
        client.stop()


def test_an_answer_that_does_not_come_is_told() -> None:
    run = recording(peers=1, count=3)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        to = f"udp://127.0.0.1:{silent.getsockname()[1]}"
        with gd.replay(run, to=to, pace="answer", timeout=0.05) as rp:
            rp.wait_sync()
            assert len(rp.sent) == 3
            assert rp.notes[0] == (
                "peer 0: 1 messages of the other side were to come first, and 0 had after 0.05 s"
            )


def test_speed_gaps_frames_rate_loops_and_edit_make_the_plan() -> None:
    run = recording(peers=1, count=4, every_ms=100)

    def due_ms(**options) -> list[float]:
        return (schedule(run, serve=False, transport="udp", **options).due_ns / 1e6).round(2).tolist()

    assert due_ms() == [0, 100, 200, 300]
    assert due_ms(speed=2) == [0, 50, 100, 150]
    assert due_ms(gaps=0.01) == [0, 10, 20, 30]
    assert due_ms(frames=8) == [0, 125, 250, 375]
    assert due_ms(pace="rate", hz=1000) == [0, 1, 2, 3]
    assert due_ms(loops=2) == [0, 100, 200, 300, 400, 500, 600, 700]
    assert due_ms(start=0.15) == [0, 100]
    assert b"MESSAGE" in schedule(run, serve=False, transport="udp", edit=bytes.upper).data


def test_edit_sets_fields_of_json_and_of_dictionaries() -> None:
    def of(*payloads: bytes) -> pd.DataFrame:
        store = Store("udp://127.0.0.1:1")
        for number, payload in enumerate(payloads):
            store.append(START_NS + number, store.peer_code(Peer("127.0.0.1", 5)), payload)
        return table.build([store.snapshot()])

    run = of(b'{"id": 1, "pos": {"x": 2}}', dumps({"id": 1, "hp": 9}), b"plain")
    data = schedule(
        run,
        serve=False,
        transport="udp",
        edit={"v.id": 7, "pos.x": lambda old: old + 1, "hp": lambda old: -old},
    ).data
    assert b'{"id":7,"pos":{"x":3}}' in data
    assert dumps({"id": 7, "hp": -9}) in data
    assert data.endswith(b"plain")
    with pytest.raises(ReplayError, match=r"field 'mana', which no message has; there are hp, id, pos"):
        schedule(run, serve=False, transport="udp", edit={"mana": 1})


def test_what_cannot_be_replayed_is_refused_with_the_reason() -> None:
    def of(first: bytes, transport: str = "udp") -> pd.DataFrame:
        store = Store(f"{transport}://127.0.0.1:1")
        store.append(START_NS, store.peer_code(Peer("127.0.0.1", 5)), first)
        return table.build([store.snapshot()])

    connect = bytes([0x8F, 0xFF, 0, 0, 0x82, 0xFF, 0, 1]) + bytes(44)
    for payload, transport, reason in (
        (connect, "udp", "ENet"),
        (b"\x16\xfe\xfd" + bytes(60), "udp", "encrypted"),
        (b"\x16\x03\x01" + bytes(60), "tcp", "encrypted"),
        (b"plain", "tcp", "name framing="),
    ):
        with pytest.raises(ReplayError, match=reason):
            gd.replay(of(payload, transport), to=f"{transport}://127.0.0.1:9")
    assert schedule(of(connect), serve=False, transport="udp", edit=lambda data: data).count == 1
    with pytest.raises(ReplayError, match=r"nothing to replay.*serve="):
        gd.replay(of(b"x").assign(direction="out"), to="udp://127.0.0.1:9")
    with pytest.raises(ReplayError, match="either to="):
        gd.replay(recording())
    with pytest.raises(ReplayError, match="cannot be replayed over tcp"):
        gd.replay(recording(), to="tcp://127.0.0.1:9")


def test_what_is_missing_in_the_recording_is_told_and_a_file_will_do(tmp_path) -> None:
    store = Store("udp://127.0.0.1:1")
    peer = store.peer_code(Peer("127.0.0.1", 5))
    store.append(START_NS, peer, b"one")
    store.append(START_NS + 1, peer, event=Event.GAP, fact=gd_fact(412))
    with gd.listen("udp://127.0.0.1:0") as server:
        cap = gd.connect(server.addresses[0])
        cap.send("one")
        server.wait_sync(1)
        path = server.to_csv(tmp_path / "run.csv")
        cap.stop()
        with gd.replay(path, to=server.addresses[0]) as rp:
            rp.wait_sync()
            server.wait_sync(2)
    plan = schedule(table.build([store.snapshot()]), serve=False, transport="udp")
    assert "412 datagrams" in plan.notes[0]


def gd_fact(count: int):
    from gdlab.facts import SYSTEM, Fact, Reason

    return Fact(Reason.KERNEL_DROP, SYSTEM, count=count, case="relay")


@pytest.mark.slow
def test_the_same_traffic_through_another_network() -> None:
    run = recording(peers=1, count=30, every_ms=2)
    with (
        gd.listen("udp://127.0.0.1:0") as server,
        gd.relay(
            "udp://127.0.0.1:0", to=server.addresses[0], up=gd.Link(delay_ms=10, loss=0.3), seed=5
        ) as px,
        gd.replay(run, to=px.address) as rp,
    ):
        rp.wait_sync()
        px.wait_sync(30)
        lost = set(px.truth.query("fate == 'loss'")["n"])
        server.wait_sync(30 - len(lost))
        assert payloads(arrived(server)) == [b"message %d" % n for n in range(30) if n not in lost]


@pytest.mark.slow
def test_a_close_code_is_kept_and_the_servers_own_ends_are_left_to_the_server() -> None:
    from websockets.exceptions import ConnectionClosed
    from websockets.sync.client import connect

    def reply(message):
        return [b"bye", gd.replies.close(4999, "go")] if message.payload == b"out" else message.payload

    with gd.listen("ws://127.0.0.1:0", reply=reply) as cap:
        with connect(cap.addresses[0]) as leaves:
            leaves.send("first")
            leaves.recv(timeout=60)
            leaves.close(4321, "some words")
        with connect(cap.addresses[0]) as thrown_out:
            thrown_out.send(b"out")
            thrown_out.recv(timeout=60)
            with pytest.raises(ConnectionClosed):
                thrown_out.recv(timeout=60)
        wait_until(lambda: (cap.df["event"] == "close").sum() == 2)
        run = cap.df
    assert run[run["event"] == "close"]["code"].tolist() == [4321, 4999]
    with gd.listen("ws://127.0.0.1:0", reply=lambda message: message.payload) as again:
        with gd.replay(run, to=again.addresses[0]) as rp:
            rp.wait_sync()
            assert "replayed 2 of 2" in repr(rp)
        wait_until(lambda: (again.df["event"] == "close").sum() == 2)
        got = again.df
        assert got[got["event"] == "close"]["code"].tolist() == [
            4321,
            1001,
        ]  # no peer of this one was thrown out
        mine = got[(got["event"] == "message") & (got["direction"] == "in")]
        assert mine["kind"].tolist() == ["text", "binary"]
    thrown = run["peer"].iloc[-1]
    with (
        gd.replay(run, serve="ws://127.0.0.1:0", peer=thrown, pace="answer") as rp,
        connect(rp.address) as client,
    ):
        client.send(b"out")
        assert client.recv(timeout=60) == b"bye"
        with pytest.raises(ConnectionClosed):
            client.recv(timeout=60)
        assert (client.close_code, client.close_reason) == (4999, "")


def test_a_half_closed_connection_still_gets_its_answers() -> None:
    """A client that ends its own side, as `shutdown` does, and reads on."""
    store = Store("tcp://127.0.0.1:1")
    peer = store.peer_code(Peer("127.0.0.1", 5))
    store.append(START_NS, peer, event=Event.OPEN, fact=Fact(Reason.OPENED, PEER))
    store.append(START_NS + 1, peer, b"ask", kind=Kind.TEXT)
    store.append(START_NS + 2, peer, event=Event.CLOSE, fact=Fact(Reason.PEER_CLOSED, PEER))
    run = table.build([store.snapshot()])
    with socket.create_server(("127.0.0.1", 0)) as server:
        to = f"tcp://127.0.0.1:{server.getsockname()[1]}"
        with gd.replay(run, to=to, framing="lines", linger=10) as rp:
            there, _ = server.accept()
            with there:
                there.settimeout(10)
                parts = []
                while part := there.recv(100):
                    parts.append(part)
                assert b"".join(parts) == b"ask\n"
                there.sendall(b"the answer\n")
                wait_until(lambda: (rp.df["event"] == "message").sum() == 2)
            assert payloads(rp.df.query("event == 'message'")) == [b"ask", b"the answer"]


@pytest.mark.slow
def test_chunks_are_the_bytes_as_they_were_read(tmp_path) -> None:
    sent = [b"one\ntw", b"o\nthree", b"\nrest"]
    with gd.listen("tcp://127.0.0.1:0", framing="lines") as cap:
        with socket.create_connection(("127.0.0.1", cap.port)) as game:
            for number, piece in enumerate(sent):
                game.sendall(piece)
                wait_until(lambda number=number: cap.statistics().received_bytes >= [3, 6, 11][number])
                time.sleep(0.02)
        wait_until(lambda: "close" in set(cap.df["event"]))
        run = cap.df
        path = cap.to_csv(tmp_path / "run.csv")
    run_times = reframed(run, "raw").query("event == 'message'")["time"].to_numpy()
    assert payloads(arrived(cap)) == [b"one", b"two", b"three"]
    for source in (run, path):
        with (
            gd.listen("tcp://127.0.0.1:0", framing="raw") as again,
            gd.replay(source, to=again.addresses[0], chunks=True) as rp,
        ):
            rp.wait_sync()
            wait_until(lambda again=again: (again.df["event"] == "close").any())
            # How the receiver reads them is up to its system.
            assert b"".join(payloads(arrived(again))) == b"".join(sent)
            assert payloads(rp.df.query("direction == 'out'")) == sent
            assert (np.diff(rp.sent["due"].to_numpy()) == np.diff(run_times)).all()
    with pytest.raises(ReplayError, match="leave framing= and edit= out"):
        gd.replay(run, to="tcp://127.0.0.1:9", chunks=True, framing="lines")
    with pytest.raises(ReplayError, match="over udp messages are whole"):
        gd.replay(recording(), to="udp://127.0.0.1:9", chunks=True)


def test_framings_are_those_of_the_recording_for_each_peer() -> None:
    with gd.listen("tcp://127.0.0.1:0", reply=lambda message: message.payload) as cap:
        for data in (b"a line\nanother\n" * 3, b"\0\0\0\x03abc\0\0\0\x04abcd" * 4):
            with socket.create_connection(("127.0.0.1", cap.port)) as game:
                game.sendall(data)
                game.shutdown(socket.SHUT_WR)
                while game.recv(1000):
                    pass
        run = cap.df
    assert run["framing"][run["framing"] != ""].unique().tolist() == ["lines", "put_utf8_string_be"]
    assert schedule(run, serve=False, transport="tcp").framings == ("lines", "put_utf8_string_be")
    assert schedule(run, serve=True, transport="tcp").framings == ("lines", "put_utf8_string_be")

    def mine(data: bytes) -> int | None:
        return 4 if len(data) >= 4 else None

    with pytest.raises(ReplayError, match=r"function of your own.*chunks=True"):
        schedule(cap.reframe(mine).df, serve=False, transport="tcp")


def test_a_capture_of_a_client_is_the_other_way_round() -> None:
    with gd.listen("tcp://127.0.0.1:0", framing="lines", reply=lambda _: b"down") as server:
        cap = gd.connect(server.addresses[0], framing="lines")
        cap.send("up")
        cap.wait_sync(1)
        cap.stop()
    plan = schedule(cap.df, serve=False, transport="tcp", framing="lines")
    assert plan.messages == 1
    assert b"up" in plan.data
    assert schedule(cap.df, serve=False, transport="tcp", framing="lines", start=1e-9).messages == 1
    assert b"down" in schedule(cap.df, serve=True, transport="tcp", framing="lines").data


def test_pings_are_not_replayed() -> None:
    with gd.listen("udp://127.0.0.1:0", ping=0.02) as cap, gd.connect(cap.addresses[0]) as game:
        game.set_reply(lambda message: message.payload)
        game.send("hello")
        wait_until(lambda: len(cap.df.query("reason == 'probe' and direction == 'in'")) > 0)
        run = cap.df
    assert schedule(run, serve=False, transport="udp").messages == 1


def test_a_cell_can_wait_for_a_replay_while_others_run() -> None:
    async def cell() -> tuple[int, int]:
        turns = 0

        async def other() -> None:
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0.005)

        with gd.listen("udp://127.0.0.1:0") as server, gd.replay(recording(), to=server.addresses[0]) as rp:
            beside = asyncio.ensure_future(other())
            with pytest.raises(WaitTimeout, match="a longer timeout= waits on"):
                await rp.wait(timeout=0)
            sent = len((await rp.wait(timeout=limit(60))).sent)
            beside.cancel()
            return sent, turns

    sent, turns = asyncio.run(cell())
    assert sent == 20
    assert turns > 1
