"""What measures of a million rows take beside other programs, how they grow with the rows, and drawing.

Seconds are those of the processor, of all threads together. The measures that other programs have as well are defined
in `engines`.
"""

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd

from bench import engines
from bench.rounds import Contender, Metric, Result, Table, Target, interleave
from gdlab import analysis, plots
from gdlab.messages import Peer
from gdlab.plots import decimate
from gdlab.store import Limit, Store, table

ROWS = 1_000_000
#: Rows of the smaller of two tables whose times are compared.
FEW = 200_000
CLOCKS = 2_000
CPU = [Metric("cpu_s", "CPU s", 3, ratio=True), Metric("s", "s", 3)]


def built(sent_ns: np.ndarray, payloads: list[bytes], peers: np.ndarray, out: np.ndarray) -> pd.DataFrame:
    """A capture's table of probes, in order of time."""
    order = np.argsort(sent_ns, kind="stable")
    store = Store("udp://127.0.0.1:4242", Limit())
    codes = np.array([store.peer_code(Peer("127.0.0.1", 10_000 + n)) for n in range(int(peers.max()) + 1)])
    times = engines.START_NS + sent_ns[order]
    size = np.fromiter(map(len, payloads), np.int64, len(payloads))[order]
    data = np.frombuffer(b"".join([payloads[row] for row in order.tolist()]), np.uint8)
    store.extend(times, codes[peers[order]], size, data, size + 28, np.zeros(len(size), np.int8))
    directions = pd.Categorical.from_codes(out[order].astype(np.int8), categories=["in", "out"])
    return table.build([store.snapshot()]).assign(direction=directions)


def probed(rows: int) -> pd.DataFrame:
    """Pings and their answers, half of the rows each."""
    n = rows // 2
    sent = np.arange(n) * 16_666_667
    back = sent + np.random.default_rng(1).integers(10**5, 17 * 10**6, n)
    texts = [b'"seq": %d, "t_us": %d}' % each for each in enumerate((sent // 1000).tolist())]
    payloads = [b'{"probe": "ping", ' + text for text in texts] + [b'{"probe": "pong", ' + t for t in texts]
    return built(np.concatenate([sent, back]), payloads, np.zeros(2 * n, np.int64), np.arange(2 * n) < n)


def with_clocks(rows: int) -> pd.DataFrame:
    """Peers with exchanges that tell their clocks, and pings of their own; a third of the rows each."""
    n = rows // 3
    sent = np.arange(n) * 1_000_000
    there, back = np.random.default_rng(3).integers(10**5, 10**7, (2, n))
    asked = ((engines.START_NS + sent) // 1000).tolist()
    theirs, own = ((sent + there) // 1000).tolist(), ((sent + 7000) // 1000).tolist()
    payloads = [b'{"probe": "ping", "seq": %d, "t_us": %d}' % each for each in enumerate(asked)]
    payloads += [
        b'{"probe": "pong", "seq": %d, "t_us": %d, "r_us": %d, "s_us": %d}' % (seq, t, r, r)
        for seq, (t, r) in enumerate(zip(asked, theirs, strict=True))
    ]
    payloads += [b'{"probe": "ping", "seq": %d, "t_us": %d}' % each for each in enumerate(own)]
    times = np.concatenate([sent, sent + there + back, sent + 7000 + back])
    return built(times, payloads, np.tile(np.arange(n) % CLOCKS, 3), np.arange(3 * n) < n)


def plain_round_trips(t: pd.DataFrame) -> Any:
    """The same in pandas, but for what was lost, repeated or asked by the other side."""
    said = t[t["event"] == "message"]
    read = pd.DataFrame([json.loads(p) for p in said["payload"]], index=said.index)
    said = pd.concat([said[["time", "endpoint", "peer", "direction"]], read], axis=1)
    key = ["endpoint", "peer", "seq", "t_us"]
    both = said[said["direction"] == "out"].merge(
        said[said["direction"] == "in"], on=key, suffixes=("", "_in")
    )
    return (both["time_in"] - both["time"]).dt.total_seconds() * 1e3


def plain_one_way(t: pd.DataFrame) -> Any:
    """The difference of two clocks, which is no delay: what a notebook would do without an offset."""
    said = t[(t["event"] == "message") & (t["direction"] == "in")]
    read = pd.DataFrame([json.loads(p) for p in said["payload"]], index=said.index)
    return said["time"].astype("int64") / 1e3 - read["t_us"]


def timed(work: Callable[[], Any]) -> Result:
    """Seconds of one call."""
    begin, cpu = time.perf_counter(), time.process_time()
    work()
    return {"cpu_s": time.process_time() - cpu, "s": time.perf_counter() - begin}


def beside(title: str, most_s: float, works: dict[str, Callable[[], Any]], rounds: int) -> Table:
    """A measure beside a plain formulation."""
    results, missing = interleave(
        [Contender(name, lambda work=work: timed(work)) for name, work in works.items()], rounds
    )
    targets = [Target("gdlab", "cpu_s", most=most_s, source="issue")]
    return Table(f"{title} of 1,000,000 rows", CPU, "gdlab", results, missing, targets)


def tables(rounds: int) -> Iterator[Table]:
    """Measures that others have as well; round trips, one-way delay, findings, growth, drawing."""
    yield from engines.beside_others(rounds)
    probes, clocked, messages = probed(ROWS), with_clocks(ROWS), engines.captured()
    of_probes = {
        "gdlab": lambda: analysis.round_trips(probes),
        "pandas": lambda: plain_round_trips(probes),
    }
    of_clocks = {
        "gdlab": lambda: analysis.one_way_delay(clocked),
        "pandas, clocks not told": lambda: plain_one_way(clocked),
    }
    yield beside("round trips", 0.3, of_probes, rounds)
    yield beside("one-way delay", 0.5, of_clocks, rounds)
    yield beside("findings", 0.3, {"gdlab": lambda: analysis.findings(messages, seq="v.seq")}, rounds)
    yield growth(rounds)
    yield drawing(messages, rounds)


def both_sides(rows: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Two captures of one session, together of so many rows; a hundredth is lost each way, some come out of order."""
    rng, n = np.random.default_rng(4), rows // 4
    sent = np.sort(rng.integers(0, n * 100_000, (2, n)), axis=1)
    got = sent + 5_000_000 + rng.exponential(1e6, (2, n)).astype(np.int64)
    sides = []
    for side in (0, 1):
        kept = rng.random(n) >= 0.01
        times = np.concatenate([sent[side], got[1 - side][kept]]) + side * 7_000_000_000
        payload = np.zeros(len(times), np.dtype([("way", "u1"), ("n", "<u8")]))
        payload["way"] = np.repeat([side, 1 - side], [n, int(kept.sum())])
        payload["n"] = np.concatenate([np.arange(n), np.flatnonzero(kept)])
        order = np.argsort(times, kind="stable")
        store = Store(f"udp://10.0.0.{side}:4242", Limit())
        peers = np.full(len(times), store.peer_code(Peer(f"10.0.0.{1 - side}", 4242)))
        size = np.full(len(times), payload.itemsize)
        data = payload[order].view(np.uint8)
        store.extend(
            engines.START_NS + times[order], peers, size, data, size + 28, np.ones(len(size), np.int8)
        )
        out = pd.Categorical.from_codes((order < n).astype(np.int8), categories=["in", "out"])
        sides.append(table.build([store.snapshot()]).assign(direction=out))
    return sides[0], sides[1]


def works_of(rows: int) -> dict[str, Callable[[], Any]]:
    """Each measure of a table of so many rows."""
    frame, probes, clocked, sides = engines.captured(rows), probed(rows), with_clocks(rows), both_sides(rows)
    return {
        **engines.in_gdlab(frame),
        "round_trips": lambda: analysis.round_trips(probes),
        "one_way_delay": lambda: analysis.one_way_delay(clocked),
        "findings": lambda: analysis.findings(frame, seq="v.seq"),
        "merge": lambda: analysis.merge(*sides),
    }


def growth(rounds: int) -> Table:
    """Each measure of a table, and of one ten times as long."""
    return grown({"few": works_of(FEW), "ten times": works_of(10 * FEW)}, FEW, rounds)


def long_tables(_rounds: int) -> Iterator[Table]:
    """Two captures of ten million rows as one: some 4 GB of memory."""
    few, many = both_sides(ROWS), both_sides(10 * ROWS)
    works = {
        "few": {"merge": lambda: analysis.merge(*few)},
        "ten times": {"merge": lambda: analysis.merge(*many)},
    }
    yield grown(works, ROWS, 1)


def grown(works: dict[str, dict[str, Callable[[], Any]]], rows: int, rounds: int) -> Table:
    """How the times of some works grow from so many rows to ten times as many."""

    def ratio(measure: str) -> Result:
        few, many = (timed(works[name][measure])["cpu_s"] for name in ("few", "ten times"))
        return {"few": few, "many": many, "times": many / few}

    contenders = [Contender(name, lambda name=name: ratio(name)) for name in works["few"]]
    results, missing = interleave(contenders, rounds)
    metrics = [
        Metric("few", f"CPU s, {rows:,} rows", 3),
        Metric("many", f"{10 * rows:,} rows", 3),
        Metric("times", "times", 1),
    ]
    targets = [Target(name, "times", most=13, source="linear, a logarithm allowed") for name in works["few"]]
    return Table("Growth to ten times the rows", metrics, next(iter(works["few"])), results, missing, targets)


def drawing(messages: pd.DataFrame, rounds: int) -> Table:
    """A million dots in a plot that is there, and a frame of live rates."""
    x, y = np.arange(float(ROWS)), np.random.default_rng(2).exponential(5, ROWS)
    axes = plots.latency(messages.iloc[:100])

    def draw() -> None:
        axes.lines[0].set_data(*decimate.dots(x, y))
        axes.set_xlim(0, ROWS)
        axes.set_ylim(0, 60)
        axes.figure.png(compress_level=1)

    live = plots.LiveRates()
    bins = analysis.rates(messages, bin_s=5, top=5)

    def frame() -> None:
        live.update(bins)
        live.png()

    results, missing = interleave(
        [
            Contender("a million dots", lambda: timed(draw)),
            Contender("a frame of live rates", lambda: timed(frame)),
        ],
        rounds,
    )
    return Table("Drawing", CPU, "a million dots", results, missing)
