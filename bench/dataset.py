"""A data set of many million rows: time and peak memory of its measures, beside one table where that fits.

``python -m bench.dataset 100_000_000 FOLDER`` makes Parquet files of a million rows each in the folder (those that are
there stay) and measures them; ``--table`` measures one table of all rows as well, ``--others`` polars and DuckDB. Each
measure runs in a process of its own, so that its peak is its own. The first line is what two of the files take that are
loaded as one table.
"""

import argparse
import multiprocessing
import resource
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import gdlab as gd
from gdlab import analysis
from gdlab.files import to_schema, write_parquet
from gdlab.messages import Direction, Peer
from gdlab.probe import ping
from gdlab.store import Limit, Store, table
from gdlab.variant import dumps

ROWS_IN_FILE = 1_000_000
SERVERS = 4
PEERS = 16
START_NS = 1_764_000_000_000_000_000
#: 20,000 messages per second at each server.
STEP_NS = 50_000
#: Share of the messages that did not arrive.
LOST = 0.001
MINUTE_NS = 60 * 10**9
#: One in so many messages is a ping, which is answered after 5 to 35 ms, one in a hundred of them never.
PING_EVERY = 64
MEASURES = {
    "rates": {"bin_s": 60.0},
    "conversations": {},
    "overhead": {},
    "sequence": {"seq": "v.seq"},
    "inter_arrival": {},
    "quantiles": {"measure": "inter_arrival"},
    "round_trips": {},
    "findings": {},
}


#: Seconds, of them on the processor, peak in MB, rows of the result.
Answer = tuple[float, float, float, int]
Ints = npt.NDArray[np.int64]


def make(folder: Path, rows: int) -> None:
    """Files of four servers in turn: numbered messages of sixteen players, one in a thousand lost, and pings."""
    folder.mkdir(parents=True, exist_ok=True)
    message = np.frombuffer(dumps({"seq": 1}), np.uint8)
    for number in range(max(rows // ROWS_IN_FILE, 1)):
        path = folder / f"part-{number:05}.parquet"
        if path.exists():
            continue
        rng = np.random.default_rng(number)
        server, turn = number % SERVERS, number // SERVERS
        n = int(min(ROWS_IN_FILE, rows) / (1 + 2 / PING_EVERY)) // PEERS * PEERS
        store = Store(f"udp://10.0.0.{server}:4242", Limit())
        peers = np.array([store.peer_code(Peer(f"10.1.{server}.{p}", 50_000 + p)) for p in range(PEERS)])
        kept = rng.random(n) >= LOST
        times = START_NS + turn * n * STEP_NS + np.arange(n) * STEP_NS + rng.integers(0, STEP_NS, n)
        each = rng.permuted(np.tile(peers, (n // PEERS, 1)), axis=1).ravel()
        payload = np.tile(message, (n, 1))
        payload[:, -4:] = (turn * n // PEERS + np.arange(n, dtype="<u4") // PEERS)[:, None].view(np.uint8)
        size = np.full(int(kept.sum()), len(message))
        store.extend(
            times[kept], each[kept], size, payload[kept].ravel(), size + 28, np.ones(len(size), np.int8)
        )
        asked = times[::PING_EVERY]
        answered = rng.random(len(asked)) >= 0.01
        pings = [ping(turn * len(asked) + at, int(when)) for at, when in enumerate(asked)]
        pongs = [one.replace(b"ping", b"pong") for one, there in zip(pings, answered, strict=True) if there]
        back = (asked + rng.integers(5_000_000, 35_000_000, len(asked)))[answered]
        asking = each[::PING_EVERY]
        in_time = np.argsort(back, kind="stable")
        probed(store, asked, asking, pings, Direction.OUT)
        probed(store, back[in_time], asking[answered][in_time], [pongs[at] for at in in_time], Direction.IN)
        write_parquet(to_schema.in_order(table.build([store.snapshot()])), path, progress=quiet)


def probed(store: Store, at: Ints, peers: Ints, payloads: list[bytes], direction: Direction) -> None:
    """Write pings or what answered them."""
    size = np.array([len(payload) for payload in payloads])
    joined = np.frombuffer(b"".join(payloads), np.uint8)
    store.extend(
        at,
        peers,
        size,
        joined,
        size + 28,
        np.zeros(len(at), np.int8),
        probes=np.ones(len(at), np.bool_),
        direction=direction,
    )


def quiet(_done: int, _total: int) -> None:
    """No bars between the lines."""


def taken(
    what: str, name: str, folder: str, answers: "multiprocessing.Queue[tuple[float, float, int]]"
) -> None:
    """Run one measure; seconds, peak in MB, rows of the result."""
    begin = time.perf_counter()
    options = dict(MEASURES.get(name, {}))
    if what == "two files":
        result = gd.load(sorted(Path(folder).glob("*.parquet"))[:2]).df
    elif what in OTHERS:
        result = OTHERS[what](name, f"{folder}/*.parquet")
    elif what == "table":
        result = getattr(analysis, name)(gd.load(folder).df, **options)
    elif name == "quantiles":
        result = gd.dataset(folder, progress=quiet).quantiles(options.pop("measure"), **options)
    else:
        result = getattr(gd.dataset(folder, progress=quiet, most_bytes=16 << 30), name)(**options)
    used = resource.getrusage(resource.RUSAGE_SELF)
    answers.put((time.perf_counter() - begin, used.ru_utime + used.ru_stime, peak_mb(used), len(result)))


def in_polars(name: str, files: str) -> Any:
    """The same sums in polars, a file at a time."""
    import polars as pl

    rows, key = pl.scan_parquet(files), ["endpoint", "peer"]
    said = rows.filter(pl.col("event") == "message", pl.col("reason") != "probe")
    if name == "rates":
        begin = rows.select(pl.col("time").min()).collect().item()
        key += ["direction", ((pl.col("time") - begin).dt.total_nanoseconds() // MINUTE_NS).alias("bin")]
    sums = pl.len(), pl.col("size_bytes").sum(), pl.col("time").min().alias("first")
    return said.group_by(key).agg(*sums, pl.col("time").max().alias("last")).collect(engine="streaming")


def in_duckdb(name: str, files: str) -> Any:
    """The same sums in DuckDB, which counts microseconds."""
    import duckdb

    duckdb.sql("set enable_progress_bar = false")
    sums, by = "count(*) as n, sum(size_bytes), min(time), max(time)", "endpoint, peer"
    if name == "rates":
        begin = duckdb.sql(f"select min(epoch_us(time::timestamptz)) from '{files}'").fetchall()[0][0]
        by += f", direction, (epoch_us(time::timestamptz) - {begin}) // {MINUTE_NS // 1000} as bin"
    said = "event = 'message' and reason <> 'probe'"
    return duckdb.sql(f"select {by}, {sums} from '{files}' where {said} group by all").df()


OTHERS: Mapping[str, Callable[[str, str], Any]] = {"polars": in_polars, "duckdb": in_duckdb}
#: What they can do as well without knowing what is in payloads.
ALIKE = ("rates", "conversations")


def peak_mb(used: resource.struct_rusage) -> float:
    """The most memory of this process; Linux hands `ru_maxrss` down from whoever started it."""
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        return used.ru_maxrss / 1e3
    return int(status.partition("VmHWM:")[2].split()[0]) / 1e3


def main() -> None:
    """Print a line per measure."""
    parser = argparse.ArgumentParser()
    parser.add_argument("rows", nargs="?", default=2_000_000, type=lambda text: int(text.replace("_", "")))
    parser.add_argument("folder", nargs="?", type=Path, default=Path(tempfile.gettempdir()) / "gdlab-rows")
    parser.add_argument("--table", action="store_true", help="also one table of all rows")
    parser.add_argument(
        "--others", action="store_true", help="also polars and DuckDB, where they have the measure"
    )
    parser.add_argument("--only", nargs="*", choices=list(MEASURES), default=list(MEASURES))
    options = parser.parse_args()
    begin = time.perf_counter()
    make(options.folder, options.rows)
    files = sorted(options.folder.glob("*.parquet"))
    size = sum(path.stat().st_size for path in files) / 1e6
    print(f"{len(files)} files, {size:,.0f} MB, made in {time.perf_counter() - begin:.0f} s", flush=True)
    context = multiprocessing.get_context("spawn")
    for name in ("load", *options.only):
        also = ["table"] * (options.table and name != "quantiles")
        also += [other for other in OTHERS if options.others and name in ALIKE]
        for what in ("data set", *also) if name != "load" else ("two files",):
            answers: multiprocessing.Queue[Answer] = context.Queue()
            process = context.Process(target=taken, args=(what, name, str(options.folder), answers))
            process.start()
            process.join()
            nan = float("nan")
            seconds, cpu, peak, rows = (nan, nan, nan, 0) if process.exitcode else answers.get()
            print(
                f"{name:15} {what:9} {seconds:8.1f} s {cpu:8.1f} s of CPU {peak:8,.0f} MB {rows:12,} rows",
                flush=True,
            )


if __name__ == "__main__":
    main()
