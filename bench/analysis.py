"""How long the measures take on a million rows, beside plain pandas formulations of the same.

    python bench/analysis.py [rows] [rounds]

Interleaved rounds, medians, one process. Prints one line a measure; `ratio` is ours over plain pandas
(below 1: faster). A plain formulation says the same as ours or less, never more.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench import engines
from gdlab import analysis, plots
from gdlab.plots import decimate
from tests.traffic import merged, ping, pings, pong, table

try:
    from gdlab.payloads import PayloadArray
except ImportError:  # objects then
    PayloadArray = None


def game(rows):
    """50 peers, both directions, numbered, with the sender's clock; a thousandth lost, some out of order."""
    rng = np.random.default_rng(0)
    stamps = np.sort(rng.integers(0, 600 * 10**9, rows))
    peers = rng.integers(0, 50, rows)
    seq = pd.Series(peers).groupby(peers).cumcount().to_numpy() + (rng.random(rows) < 0.001)
    made = table(
        stamps,
        b"x" * 64,
        peer=np.array([f"127.0.0.1:{50_000 + i}" for i in range(50)])[peers],
        direction=np.where(rng.random(rows) < 0.9, "in", "out"),
        v__seq=seq,
        v__t=stamps // 1000 + rng.integers(0, 3000, rows),
    )
    return with_payloads(made)


def probed(rows):
    """Pings and their answers, half of the rows each."""
    n = rows // 2
    rng = np.random.default_rng(1)
    sent = np.arange(n) * 16_666_667
    return with_payloads(pings(sent, rng.integers(10**5, 17 * 10**6, n)))


def with_payloads(made):
    if PayloadArray is not None:
        made["payload"] = PayloadArray._from_sequence(made["payload"].to_numpy())
    return made


def plain_rates(t):
    said = t[t["event"] == "message"]
    groups = said.groupby([pd.Grouper(key="time", freq="5s"), "endpoint", "peer", "direction"], observed=True)
    return groups.agg(
        messages=("size_bytes", "size"), payload=("size_bytes", "sum"), wire=("wire_bytes", "sum")
    )


def plain_inter_arrival(t):
    said = t[(t["event"] == "message") & (t["direction"] == "in")]
    return said.groupby(["endpoint", "peer"], observed=True)["time"].diff().dt.total_seconds() * 1e3


def plain_jitter(t):
    said = t[(t["event"] == "message") & (t["direction"] == "in")]
    groups = said.assign(d=said["time"].astype("int64") / 1e3 - said["v.t"]).groupby(
        ["endpoint", "peer"], observed=True
    )
    return (
        groups["d"]
        .diff()
        .abs()
        .fillna(0)
        .groupby(said["peer"], observed=True)
        .ewm(alpha=1 / 16, adjust=False)
        .mean()
    )


def plain_sequence(t):
    said = t[(t["event"] == "message") & (t["direction"] == "in")]
    groups = said.groupby(["endpoint", "peer"], observed=True)["v.seq"]
    span = groups.max() - groups.min() + 1
    reordered = (said["v.seq"] < groups.cummax()).groupby(said["peer"], observed=True).sum()
    return span - groups.nunique(), said.duplicated(["endpoint", "peer", "v.seq"]).sum(), reordered


def plain_conversations(t):
    groups = t.groupby(["endpoint", "peer"], observed=True)
    both = t.groupby(["endpoint", "peer", "direction"], observed=True)["size_bytes"].agg(
        ["size", "sum", "max"]
    )
    return groups["time"].agg(["min", "max"]), both


def plain_overhead(t):
    said = t[t["event"] == "message"]
    return said.groupby(["endpoint", "direction"], observed=True)[["size_bytes", "wire_bytes"]].agg(
        ["sum", "mean"]
    )


def plain_round_trips(t):
    said = t[t["event"] == "message"]
    read = pd.DataFrame([json.loads(p) for p in said["payload"]], index=said.index)
    said = pd.concat([said, read], axis=1)
    key = ["endpoint", "peer", "seq", "t_us"]
    both = said[said["direction"] == "out"].merge(
        said[said["direction"] == "in"], on=key, suffixes=("", "_in")
    )
    return (both["time_in"] - both["time"]).dt.total_seconds() * 1e3


def with_clocks(rows):
    """2,000 peers with exchanges that tell their clocks, and pings of their own; a third of the rows each."""
    n = rows // 3
    rng = np.random.default_rng(3)
    peer = np.array([f"127.0.0.1:{10_000 + i}" for i in range(2000)])[np.arange(n) % 2000]
    sent = np.arange(n) * 1_000_000
    there, back = rng.integers(10**5, 10**7, (2, n))
    asked = [ping(i, s // 1000) for i, s in enumerate(sent.tolist())]
    theirs = ((sent + there) // 1000).tolist()
    answers = [
        pong(i, s // 1000, r_us=r, s_us=r) for i, (s, r) in enumerate(zip(sent.tolist(), theirs, strict=True))
    ]
    own = [ping(i, s // 1000) for i, s in enumerate((sent + 7000).tolist())]
    whole = merged(
        table(sent, asked, peer=peer, direction="out"),
        table(sent + there + back, answers, peer=peer),
        table(sent + 7000 + back, own, peer=peer),
    )
    return with_payloads(whole)


def plain_one_way(t):
    """The difference of two clocks, which is no delay: what a notebook would do without an offset."""
    said = t[(t["event"] == "message") & (t["direction"] == "in")]
    read = pd.DataFrame([json.loads(p) for p in said["payload"]], index=said.index)
    return said["time"].astype("int64") / 1e3 - read["t_us"]


def timed(work, *args):
    start = time.perf_counter()
    work(*args)
    return time.perf_counter() - start


def main():
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 5
    messages, probes, clocked = game(rows), probed(rows), with_clocks(rows)
    pairs = {
        "rates": (lambda: analysis.rates(messages, bin_s=5), lambda: plain_rates(messages)),
        "inter_arrival": (lambda: analysis.inter_arrival(messages), lambda: plain_inter_arrival(messages)),
        "jitter": (lambda: analysis.jitter(messages, sent="v.t"), lambda: plain_jitter(messages)),
        "sequence": (lambda: analysis.sequence(messages, seq="v.seq"), lambda: plain_sequence(messages)),
        "conversations": (lambda: analysis.conversations(messages), lambda: plain_conversations(messages)),
        "overhead": (lambda: analysis.overhead(messages), lambda: plain_overhead(messages)),
        "one_way_delay": (lambda: analysis.one_way_delay(clocked), lambda: plain_one_way(clocked)),
        "round_trips": (lambda: analysis.round_trips(probes), lambda: plain_round_trips(probes)),
    }
    print(f"{rows:,} rows, median of {rounds} interleaved rounds")
    print(f"{'measure':<16}{'ours ms':>10}{'pandas ms':>11}{'ratio':>8}")
    times = {name: ([], []) for name in pairs}
    for _ in range(rounds):
        for name, works in pairs.items():
            for kept, work in zip(times[name], works, strict=True):
                kept.append(timed(work))
    for name, (ours, plain) in times.items():
        a, b = statistics.median(ours), statistics.median(plain)
        print(f"{name:<16}{a * 1e3:>10.0f}{b * 1e3:>11.0f}{a / b:>8.2f}")

    trips = analysis.round_trips(probes)
    alone = {
        "findings": lambda: analysis.findings(messages, seq="v.seq"),
        "response_times": lambda: analysis.response_times(messages),
        "frame_rate": lambda: analysis.frame_rate(probes, trips=trips),
    }
    x, y = np.arange(float(rows)), np.random.default_rng(2).exponential(5, rows)
    ax = plots.latency(messages.iloc[:100])
    ax.figure.png()

    def draw():
        ax.lines[0].set_data(*decimate.dots(x, y))
        ax.set_xlim(0, rows)
        ax.set_ylim(0, 60)
        ax.figure.png(compress_level=1)

    alone["drawing the dots"] = draw
    live = plots.LiveRates()
    bins = analysis.rates(messages, bin_s=5, top=5)

    def blit():
        live.update(bins)
        live.png()

    alone["LiveRates frame"] = blit
    for name, work in alone.items():
        print(f"{name:<16}{statistics.median(timed(work) for _ in range(rounds)) * 1e3:>10.1f}")

    for found in engines.tables(2):
        print("\n".join(found.lines()), flush=True)


if __name__ == "__main__":
    main()
