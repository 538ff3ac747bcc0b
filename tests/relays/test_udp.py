"""A UDP relay between real sockets: its truth, its rows, its steering, its end."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
from collections import Counter

import numpy as np
import pytest

import gdlab as gd
from gdlab.errors import AddressError, LinkError, PortInUse, RelayError, WaitTimeout
from gdlab.impair import RECORD, Path
from gdlab.messages import SCHEMA
from gdlab.relays.truth import TRUTH_SCHEMA
from tests.relays.games import arrived, numbered, numbers, udp_client, udp_server, wait_for_row
from tests.waiting import limit, wait_until

ROUGH = gd.Link(delay_ms=5, jitter_ms=4, loss=0.05, burst=2, duplicate=0.05, reorder=0.05, reorder_ms=10)


def send(client: socket.socket, count: int, first: int = 0) -> None:
    for number in range(first, first + count):
        client.send(numbered(number))


def test_what_arrives_is_what_the_truth_says() -> None:
    with (
        gd.listen("udp://127.0.0.1:0") as server,
        gd.relay("udp://127.0.0.1:0", to=server.addresses[0], up=ROUGH, seed=7) as px,
        udp_client(px) as client,
    ):
        send(client, 500)
        px.wait_sync(500)
        path = Path(7, ROUGH, gd.Link())
        expected = [(c.n, c.copy, c.fate, c.also) for i in range(500) for c in path.arrive(1, "up", i, 10)]
        wait_until(lambda: len(px.truth) >= len(expected))  # the last ones are held for a while
        truth = px.truth
        passed = truth[truth["fate"] == "passed"]
        server.wait_sync(len(passed))
        wait_until(lambda: len(px.df) == 500 + len(passed))
        sent_on = Counter(numbers(arrived(server)))
        assert sent_on == Counter(passed["n"].tolist())
        lost = set(range(500)) - set(sent_on)
        assert lost == set(truth[truth["fate"] == "loss"]["n"]) - set(passed["n"])
        # And they are those that the seed says, whatever the timing was.
        assert Counter((n, copy) for n, copy, fate, _ in expected if fate == 0) == Counter(
            zip(passed["n"], passed["copy"], strict=True)
        )


def test_every_packet_is_in_the_truth_and_its_shares_add_up() -> None:
    link = ROUGH.with_({"rate_kbps": 2000, "slot_ms": (1, 2)})
    with (
        udp_server() as (_, to),
        gd.relay("udp://127.0.0.1:0", to=to, up=link, seed=3) as px,
        udp_client(px) as client,
    ):
        send(client, 300)
        px.wait_sync(300)
        px.stop(flush=True)
        truth = px.truth
        assert [column.name for column in TRUTH_SCHEMA] == truth.columns.tolist()
        for column in TRUTH_SCHEMA:
            assert str(truth[column.name].dtype).startswith(column.dtype), column.name
        assert set(truth[truth["copy"] == 0]["n"]) == set(range(300))
        records = px._rows.truth_store.records()
        went = records[records["sent"] > 0]
        shares = sum(
            went[name] for name in ("queue", "serial", "delay", "order", "slot", "reorder", "hold", "stall")
        )
        np.testing.assert_array_equal(went["time"] + shares, went["release"])
        assert (went["sent"] >= went["release"]).all()
        assert records.dtype.itemsize == RECORD.size


def test_the_rows_are_those_of_both_sides() -> None:
    with (
        udp_server() as (server, to),
        gd.relay("udp://127.0.0.1:0", to=to) as px,
        udp_client(px) as client,
    ):
        client.send(b"question")
        payload, upstream = server.recvfrom(100)
        server.sendto(b"answer", upstream)
        assert (payload, client.recv(100)) == (b"question", b"answer")
        wait_until(lambda: len(px.df) == 4)
        table = px.df
        assert table.columns.tolist() == [column.name for column in SCHEMA]
        me = "{}:{}".format(*client.getsockname())
        there = to.partition("//")[2]
        onward = f"udp://{upstream[0]}:{upstream[1]}"
        assert table[["endpoint", "peer", "direction", "payload"]].to_numpy().tolist() == [
            [px.address, me, "in", b"question"],
            [onward, there, "out", b"question"],
            [onward, there, "in", b"answer"],
            [px.address, me, "out", b"answer"],
        ]
        assert px.truth["peer"].unique().tolist() == [me]


def test_clients_are_told_apart_and_have_links_of_their_own() -> None:
    with (
        udp_server() as (server, to),
        gd.relay("udp://127.0.0.1:0", to=to, seed=1) as px,
        udp_client(px) as one,
        udp_client(px) as two,
    ):
        sources = []
        for client in (one, two):
            client.send(b"hello")
            sources.append(server.recvfrom(100)[1])
        assert sources[0] != sources[1]
        wait_until(lambda: len(px.clients) == 2)  # the relay tells of them a moment later
        px.client(1).up.set(loss=1.0)
        one.send(b"gone")
        two.send(b"here")
        assert server.recvfrom(100) == (b"here", sources[1])
        with pytest.raises(RelayError, match="no client"):
            px.client("10.0.0.1:1")


@pytest.mark.slow
def test_conditions_change_while_it_runs_and_can_be_repeated() -> None:
    with (
        udp_server() as (server, to),
        gd.relay("udp://127.0.0.1:0", to=to, seed=5) as px,
        udp_client(px) as client,
    ):
        send(client, 20)
        px.wait_sync(20)
        px.set(up={"loss": 0.5})
        send(client, 100, first=20)
        px.wait_sync(120)
        px.off()
        send(client, 20, first=120)
        px.wait_sync(140)
        px.on()
        assert px.links["up"].loss == 0.5
        lost = set(px.truth.query("fate == 'loss'")["n"])
        assert 30 <= len(lost) <= 70
        assert min(lost) >= 20
        assert max(lost) < 120
        assert px.history[0][1] == {"up": {"loss": 0.5}}
        settings = px.df.query("event == 'setting'")
        assert len(settings) == len(px.history)
        assert json.loads(settings["detail"].iloc[0])["values"] == {"loss": 0.5}
        assert sorted(px.truth["setting"].unique()) == [0, 1, 2]
        gd.relay("udp://127.0.0.1:0", to=to, scenario=px.history, seed=5).stop()
    assert server.fileno() == -1


def test_outage_spike_pause_and_step() -> None:
    with (
        udp_server() as (server, to),
        gd.relay("udp://127.0.0.1:0", to=to) as px,
        udp_client(px) as client,
    ):
        px.pause()
        send(client, 5)
        wait_until(lambda: px.status.get("held") == 5)
        px.step(3)
        assert [json.loads(server.recv(100))["seq"] for _ in range(3)] == [0, 1, 2]
        assert len(px.truth) == 3 or px.wait_sync(3)
        px.resume()
        assert [json.loads(server.recv(100))["seq"] for _ in range(2)] == [3, 4]
        px.wait_sync(5)
        assert (px.truth["hold_ms"] > 0).all()
        px.outage(60)
        send(client, 3, first=5)
        px.wait_sync(8)
        assert px.truth["fate"].tolist()[5:] == ["cut"] * 3
        with pytest.raises(RelayError, match="pause"):
            px.step()


def test_a_spike_makes_everything_later() -> None:
    with udp_server() as (server, to), gd.relay("udp://127.0.0.1:0", to=to) as px, udp_client(px) as client:
        px.spike(60, delay_ms=30)
        client.send(b"x")
        server.recv(10)
        px.wait_sync(1)
        assert px.truth["delay_drawn_ms"].tolist() == [30.0]


def test_nobody_behind_the_relay_is_a_row() -> None:
    # A port that was free a moment ago may be another test's by now; on this one nobody ever listens.
    with gd.relay("udp://127.0.0.1:0", to="udp://127.0.0.1:1") as px, udp_client(px) as client:

        def told() -> bool:
            client.send(b"anybody?")
            return bool((px.df["event"] == "error").any())

        wait_until(told)
        assert "nobody listens" in wait_for_row(px, "error")


def test_the_largest_datagram_passes() -> None:
    with udp_server() as (server, to), gd.relay("udp://127.0.0.1:0", to=to) as px, udp_client(px) as client:
        payload = bytes(range(256)) * 256
        client.send(payload[:65_507])
        assert server.recv(70_000) == payload[:65_507]


def test_more_clients_than_allowed_are_told_and_not_served() -> None:
    with (
        udp_server() as (_, to),
        gd.relay("udp://127.0.0.1:0", to=to, max_clients=2) as px,
        udp_client(px) as one,
        udp_client(px) as two,
        udp_client(px) as three,
    ):
        for client in (one, two, three):
            client.send(b"x")
        assert "max_clients" in wait_for_row(px, "error")
        assert len(px.clients) == 2


@pytest.mark.slow
def test_running_the_cell_again_gives_back_the_running_relay() -> None:
    with udp_server() as (_, to):
        px = gd.relay("udp://127.0.0.1:0", to=to, seed=1)
        try:
            assert gd.relay(px.address, to=to) is px
            assert gd.relay(px.address, to=to, preset="dsl") is px
            assert px.links["up"].delay_ms == 30
            other = gd.relay(px.address, to=to, seed=2)
            assert other is not px
            assert not px.running
            with pytest.raises(PortInUse):
                gd.relay(f"udp://localhost:{other.address.rpartition(':')[2]}", to=to)
        finally:
            assert gd.stop_all() >= 1


def test_impossible_conditions_name_the_field_and_the_way_out() -> None:
    with pytest.raises(LinkError, match=r"loss is 5, but is a share.*loss=0\.05"):
        gd.Link(loss=5)
    with pytest.raises(LinkError, match="burst is 1, but with loss"):
        gd.Link(loss=0.5, burst=1)
    with pytest.raises(LinkError, match="rate_kbps is 0"):
        gd.Link(rate_kbps=0)
    with udp_server() as (_, to):
        with pytest.raises(AddressError, match="must be"):
            gd.relay("tcp://127.0.0.1:0", to=to)
        with pytest.raises(LinkError, match=r"no preset .5G."):
            gd.relay("udp://127.0.0.1:0", to=to, preset="5G")
        with gd.relay("udp://127.0.0.1:0", to=to) as px:
            with pytest.raises(LinkError, match="no 'latency'"):
                px.set(latency=5)
            assert px.history == []
            px.set(delay_ms=5)


def test_presets_have_a_source_for_every_number() -> None:
    table = gd.relay.presets()
    assert len(table) == 17
    assert (table["source"].str.len() > 5).all()
    assert table.loc["4g-good", "round_trip_ms"] == 60
    assert table.loc["satellite-leo", "scenario"]


KERNEL = """
import gdlab as gd, socket, sys
px = gd.relay("udp://127.0.0.1:0", to="udp://127.0.0.1:9", preset="dsl")
print(px.address, px.pid, flush=True)
sys.stdin.read()
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="ends a process by SIGKILL")
def test_a_killed_kernel_frees_the_port_at_once() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", KERNEL], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as kernel:
        assert kernel.stdout is not None
        address, _pid = kernel.stdout.readline().split()
        os.kill(kernel.pid, signal.SIGKILL)
        kernel.wait(10)
    port = int(address.rpartition(":")[2])

    def is_free() -> bool:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            try:
                sock.bind(("127.0.0.1", port))
            except OSError:
                return False
            return True

    wait_until(is_free)


def test_a_relay_process_that_is_killed_says_so() -> None:
    with udp_server() as (_, to), gd.relay("udp://127.0.0.1:0", to=to) as px:
        os.kill(px.pid, signal.SIGTERM)
        wait_until(lambda: not px.running)
        assert "has ended" in repr(px)
        with pytest.raises(RelayError):
            px.set(delay_ms=5)


def test_a_cell_can_wait_for_packets_while_others_run() -> None:
    async def cell() -> tuple[int, str]:
        with (
            gd.listen("udp://127.0.0.1:0") as server,
            gd.relay("udp://127.0.0.1:0", to=server.addresses[0]) as px,
            udp_client(px) as client,
        ):
            waiting = asyncio.ensure_future(px.wait(20, timeout=limit(20)))
            await asyncio.sleep(0)
            send(client, 20)  # which runs while the other waits
            found = len((await waiting).truth)
            with pytest.raises(WaitTimeout, match="20 of 21 packets") as timeout:
                await px.wait(21, timeout=0.05)
            return found, str(timeout.value)

    found, told = asyncio.run(cell())
    assert found >= 20
    assert "does the client send to" in told
