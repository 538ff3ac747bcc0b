"""Replaying a recording to real sockets: the same payloads, in order, on time, and no nonsense."""

from __future__ import annotations

import socket

import numpy as np
import pandas as pd
import pytest

import gdlab as gd
from gdlab.errors import ReplayError
from gdlab.messages import Direction, Event, Kind, Peer
from gdlab.relays.schedule import schedule
from gdlab.store import Store, table
from gdlab.variant import dumps
from tests.relays.games import arrived
from tests.waiting import wait_until

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
            assert "were to come first" in rp.notes[0]


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
        (b"plain", "tcp", "Name framing="),
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
