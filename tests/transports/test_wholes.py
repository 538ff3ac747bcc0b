"""Messages that were reads of their own: written together, the rows are those of one after the other."""

import contextlib
import random
import socket

import pandas as pd
import pytest

from gdlab import framing
from gdlab.messages import TimeSource, guess_kind
from gdlab.store import Store, table
from gdlab.transports.own_pings import MarkingSink, OwnPings
from gdlab.transports.wholes import Wholes
from tests.transports.clients import listening, rows
from tests.waiting import wait_until


@pytest.mark.parametrize("seed", range(10))
def test_rows_written_together_are_those_written_one_by_one(seed: int) -> None:
    draw = random.Random(seed)
    stores, pings = [Store("e"), Store("e")], OwnPings()
    own = pings.make(1_000_000, as_variant=False)
    one, other = (MarkingSink(store, pings) for store in stores)
    for _ in range(6):
        wholes, source, word = Wholes(), TimeSource.KERNEL, "u32le"
        for number in range(draw.choice([1, 2, 6, 40, 300])):
            if draw.randrange(30) == 0:
                source, word = draw.choice(list(TimeSource)), draw.choice(["u32le", "u8", ""])
            payload = draw.choice([b"", b"text", b"\0\1\2", own, draw.randbytes(draw.randrange(90))])
            peer = one.peer_code(f"p{draw.randrange(9)}")
            assert other.peer_code(stores[0]._peers[peer]) == peer
            wholes.add(number, peer, payload, len(payload) + 44, word, source)
            other.append(
                number,
                peer,
                payload,
                kind=guess_kind(payload),
                time_source=source,
                wire_bytes=len(payload) + 44,
                word=word,
            )
        assert wholes
        wholes.write(one)
        assert not wholes
    a, b = (table.build([store.snapshot()]) for store in stores)
    pd.testing.assert_frame_equal(a, b)
    assert stores[0].statistics() == stores[1].statistics()


@pytest.mark.parametrize("name", ["u32le", "u16be", "auto", "lines"])
def test_of_many_connections_each_keeps_its_order_up_to_its_end(name: str) -> None:
    """Messages and ends in one turn of the loop: what was sent before the end stands before it."""
    draw = random.Random(name)
    sent: dict[str, list[bytes]] = {}
    framed = "u32le" if name == "auto" else name
    with listening("tcp://127.0.0.1:0", framing=name) as (made, store), contextlib.ExitStack() as stack:
        socks = []
        for _ in range(30):
            sock = stack.enter_context(socket.create_connection(("127.0.0.1", made.address.port)))
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            socks.append(sock)
            sent["{}:{}".format(*sock.getsockname())] = []
        for number in range(60):
            for sock in socks:
                payload = b"%d of %s" % (number, str(sock.getsockname()).encode())
                sent["{}:{}".format(*sock.getsockname())].append(payload)
                wire = framing.encode(framed, payload)
                cut = draw.choice([len(wire), len(wire), len(wire), 3])
                sock.sendall(wire[:cut])
                if cut < len(wire):
                    sock.sendall(wire[cut:])
            if number % 20 == 19:
                for _ in range(5):
                    draw.shuffle(socks)
                    socks.pop().close()
        for sock in socks:
            sock.close()
        wait_until(lambda: (table.build([store.snapshot()]).event == "close").sum() == 30)
    built = rows(store)
    for peer, its in built[built.peer != ""].groupby("peer", observed=True):
        assert its.event.iloc[0] == "open"
        assert its.event.iloc[-1] == "close"
        assert list(its.event.iloc[1:-1]) == ["message"] * (len(its) - 2)
        assert list(its.payload.iloc[1:-1]) == sent[peer]
        assert its.time.iloc[1:-1].is_monotonic_increasing


def test_pending_rows_are_there_when_the_turn_is_over_and_when_the_listener_has_ended() -> None:
    with (
        listening("tcp://127.0.0.1:0", framing="u8") as (made, store),
        socket.create_connection(("127.0.0.1", made.address.port)) as sock,
    ):
        sock.sendall(b"\1a")
        wait_until(lambda: store.received == 1)
        sock.sendall(b"\1b")
        made.close()
        assert store.received == 2
    assert list(rows(store).query("event == 'message'").payload) == [b"a", b"b"]
