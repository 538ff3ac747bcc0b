"""The store: what a table costs, what a row weighs, and a table asked for four times per second."""

import gc
import json
import subprocess
import sys
import time
from collections.abc import Iterator

import numpy as np
import pandas as pd

from bench.rounds import Contender, Metric, Result, Table, Target, check, interleave
from gdlab.messages import CATEGORIES, Peer
from gdlab.payloads import PayloadArray
from gdlab.store import Store, table

ROWS = 1_000_000
SIZE = 64
PEER = Peer("127.0.0.1", 50_000)
CHUNK = 1000


def fill(store: Store, rows: int) -> None:
    """Write rows as the batched listener does."""
    sizes, kinds = np.full(CHUNK, SIZE, np.int64), np.ones(CHUNK, np.int8)
    payloads = np.random.default_rng(1).integers(0, 256, CHUNK * SIZE).astype(np.uint8)
    for start in range(store.received, store.received + rows, CHUNK):
        times = np.arange(start, start + CHUNK, dtype=np.int64) * 1000 + 1_700_000_000_000_000_000
        peers = np.full(CHUNK, store.peer_code(PEER))
        store.extend(times, peers, sizes, payloads, sizes + 28, kinds)


def timed(run: object) -> Result:
    """CPU time of one call; garbage of the last one is not part of it."""
    gc.collect()
    begin = time.thread_time()
    built = run()  # type: ignore[operator]
    seconds = time.thread_time() - begin
    check(len(built) >= ROWS, f"{len(built)} rows, not {ROWS}")
    return {"ms": 1000 * seconds}


def tables_of_a_million(rounds: int) -> Iterator[Table]:
    """`cap.df` beside what can be done by hand."""
    store = Store("udp://127.0.0.1:4242")
    fill(store, ROWS)
    times = np.arange(ROWS) * 1000 + 1_700_000_000_000_000_000
    zeros, sizes, texts = np.zeros(ROWS, np.int8), np.full(ROWS, SIZE), np.full(ROWS, "", object)
    nothing, missing = {"code": np.zeros(ROWS, np.int32), "count": sizes}, np.ones(ROWS, np.bool_)
    arena, offsets = np.zeros(ROWS * SIZE, np.uint8), np.arange(ROWS) * SIZE
    tuples = [(1_700_000_000_000_000_000 + n, str(PEER), SIZE, bytes(SIZE)) for n in range(ROWS)]

    def ready(copy: bool | None) -> pd.DataFrame:
        def category(categories: list[str]) -> pd.Categorical:
            return pd.Categorical.from_codes(zeros, categories=categories)

        return pd.DataFrame(
            {
                "time": pd.DatetimeIndex(times.view("datetime64[ns]"), tz="UTC"),
                "time_source": category(CATEGORIES["time_source"]),
                "endpoint": category(["udp://127.0.0.1:4242"]),
                "peer": category([str(PEER)]),
                "direction": category(CATEGORIES["direction"]),
                "event": category(CATEGORIES["event"]),
                "kind": category(CATEGORIES["kind"]),
                "size_bytes": sizes,
                "wire_bytes": sizes,
                "payload": PayloadArray([arena], offsets, sizes),
                "reason": category(CATEGORIES["reason"]),
                "by": category(CATEGORIES["by"]),
                "code": pd.arrays.IntegerArray(nothing["code"], missing),
                "count": pd.arrays.IntegerArray(nothing["count"], missing),
                "detail": pd.array(texts, dtype=pd.StringDtype("python")),
            },
            copy=copy,
        )

    def by_hand() -> pd.DataFrame:
        built = pd.DataFrame(tuples, columns=["time", "peer", "size_bytes", "payload"])
        built["time"] = pd.to_datetime(built["time"], utc=True)
        built["peer"] = built["peer"].astype("category")
        return built

    builder = table.Builder()
    held = [builder.build([store.snapshot()])]

    def again() -> Result:
        fill(store, CHUNK)
        return timed(lambda: held.append(builder.build([store.snapshot()])) or held.pop(0))

    first, ready_copied, ready_shared, hand = (
        "gdlab, first time",
        "DataFrame of ready columns",
        "the same with copy=False",
        "DataFrame of a list of tuples",
    )
    once_more = "gdlab, 1000 rows later"
    results, missing = interleave(
        [
            Contender(ready_copied, lambda: timed(lambda: ready(None))),
            Contender(ready_shared, lambda: timed(lambda: ready(False))),
            Contender(first, lambda: timed(lambda: table.build([store.snapshot()]))),
            Contender(once_more, again),
            Contender(hand, lambda: timed(by_hand)),
        ],
        rounds + 2,
    )
    yield Table(
        "A table of 1,000,000 rows: CPU",
        [Metric("ms", "ms", 2, ratio=True)],
        ready_copied,
        results,
        missing,
        [
            Target(first, "ms", most=1.5, against=ready_copied, source="issue"),
            Target(once_more, "ms", most=1.5, against=ready_shared, source="issue, against the cheapest way"),
            Target(first, "ms", least=10, against=hand, upside_down=True, source="issue"),
            Target(first, "ms", least=50, against=hand, upside_down=True, source="D1"),
        ],
        ["the same dtypes in all but the last, which has four of the eleven columns"],
    )


_MEMORY = """
import json, sys
def rss():
    return int(next(l for l in open('/proc/self/status') if l.startswith('VmRSS')).split()[1]) * 1024
import bench.store as b
b.fill(b.Store('warm'), 5000)
before = rss()
kept = b.KEEPERS[sys.argv[1]]()
print(json.dumps({'bytes': rss() - before}))
"""


def _kept_store() -> Store:
    store = Store("udp://127.0.0.1:4242")
    fill(store, ROWS)
    return store


def _kept_tuples() -> list[tuple[int, tuple[str, int], bytes]]:
    # As `recvfrom` returns them: an address of its own each time.
    payload = bytes(SIZE)
    return [
        (1_700_000_000_000_000_000 + n, (str(PEER.host + "!")[:-1], 50_000), bytes(bytearray(payload)))
        for n in range(ROWS)
    ]


def _kept_received() -> object:
    """A million real datagrams through the listener, at a pace at which none is lost."""
    from bench.native import send
    from gdlab.transports import UdpListener, parse

    store = Store("udp://127.0.0.1:0")
    listener = UdpListener.at(parse("udp://127.0.0.1:0"), store)
    listener.start()
    send(listener.address.port, SIZE, ROWS, 200_000)
    deadline = time.monotonic() + 20
    while store.received + (listener.statistics().kernel_drops or 0) < ROWS and time.monotonic() < deadline:
        time.sleep(0.05)
    lost = listener.statistics().kernel_drops or 0
    check(store.received + lost == ROWS, f"{store.received} rows + {lost} drops are not {ROWS}")
    listener.close()
    return store, listener


KEEPERS = {
    "gdlab store": _kept_store,
    "gdlab listener and store": _kept_received,
    "list of tuples": _kept_tuples,
}


def memory(_rounds: int) -> Iterator[Table]:
    """Each in a process of its own, against the same process before."""

    def weigh(name: str) -> Result:
        done = subprocess.run(
            [sys.executable, "-c", _MEMORY, name], capture_output=True, text=True, check=True, timeout=120
        )
        used = json.loads(done.stdout)["bytes"]
        return {"mb": used / 1e6, "each": used / ROWS}

    linux = "" if sys.platform == "linux" else "read from /proc"
    results, missing = interleave(
        [Contender(name, lambda name=name: weigh(name), linux) for name in KEEPERS], 1
    )
    yield Table(
        "Memory of 1,000,000 datagrams of 64 B, above the process without them",
        [Metric("mb", "MB", 1, ratio=True), Metric("each", "bytes/datagram", 1)],
        "list of tuples",
        results,
        missing,
        [
            Target("gdlab listener and store", "mb", most=110, source="issue"),
            Target(
                "gdlab listener and store",
                "mb",
                most=1 / 3,
                against="list of tuples",
                source="issue, D2 (0.4)",
            ),
            Target("gdlab store", "each", most=SIZE + 40, source="item 2"),
        ],
    )


def looked_at(_rounds: int) -> Iterator[Table]:
    """A whole table four times per second while datagrams arrive."""
    from bench.native import helper
    from gdlab.transports import UdpListener, parse

    binary, why = helper()
    rate, seconds = 20_000, 5

    def look(fresh: bool) -> Result:
        store = Store("udp://127.0.0.1:0")
        listener = UdpListener.at(parse("udp://127.0.0.1:0"), store)
        fill(store, 500_000)
        before = store.received
        builder, built = table.Builder(), None
        listener.start()
        sender = subprocess.Popen(
            [str(binary), "send", str(listener.address.port), str(SIZE), str(rate * seconds), str(rate)],
            stdout=subprocess.DEVNULL,
        )
        cpu, begin = time.process_time(), time.monotonic()
        while sender.poll() is None:
            built = table.build([store.snapshot()]) if fresh else builder.build([store.snapshot()])
            time.sleep(0.25)
        cpu, wall = time.process_time() - cpu, time.monotonic() - begin
        listener.close()
        lost = listener.statistics().kernel_drops or 0
        check(store.received - before + lost == rate * seconds, "rows and drops are not what was sent")
        check(built is not None and len(built) > 500_000, "the tables did not grow")
        return {"percent": 100 * cpu / wall, "lost": lost}

    results, missing = interleave(
        [
            Contender("tables added to", lambda: look(False), why),
            Contender("tables made anew", lambda: look(True), why),
        ],
        1,
    )
    yield Table(
        "20,000/s arriving on top of 500,000 rows, the whole table four times per second: the process",
        [Metric("percent", "% of a core", 1, ratio=True), Metric("lost", "lost", 0)],
        "tables made anew",
        results,
        missing,
        [
            Target("tables added to", "percent", most=30, source="issue, without the drawing"),
            Target("tables added to", "lost", most=0, source="issue"),
        ],
    )


def tables(rounds: int) -> Iterator[Table]:
    """All tables of this module."""
    for build in (tables_of_a_million, memory, looked_at):
        yield from build(rounds)
