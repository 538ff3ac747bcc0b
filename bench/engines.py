"""The measures of a million rows beside the same in pandas, polars and DuckDB, and reading beside theirs.

Each contender gives the same numbers, which is checked before it is timed: the table is in the memory that it likes
best, so that nobody pays for another's form.
"""

import importlib
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bench.rounds import Contender, Metric, Result, Table, check, interleave
from gdlab import analysis
from gdlab.files import load, write_csv, write_parquet
from gdlab.messages import Peer
from gdlab.store import Limit, Store, table

ROWS = 1_000_000
PEERS = 50
BIN_S = 5
START_NS = 1_764_000_000_000_000_000


def captured() -> pd.DataFrame:
    """Messages of fifty peers, in and out, over ten minutes."""
    rng = np.random.default_rng(0)
    store = Store("udp://127.0.0.1:4242", Limit())
    peers = np.array([store.peer_code(Peer("127.0.0.1", 50_000 + n)) for n in range(PEERS)])
    times = START_NS + np.sort(rng.integers(0, 600 * 10**9, ROWS))
    size = rng.integers(20, 200, ROWS)
    payload = rng.integers(0, 256, int(size.sum()), dtype=np.uint8)
    store.extend(times, peers[rng.integers(0, PEERS, ROWS)], size, payload, size + 28, np.ones(ROWS, np.int8))
    return table.build([store.snapshot()])


def timed(work: Callable[[], Any]) -> Result:
    """Milliseconds of one call."""
    begin = time.perf_counter()
    work()
    return {"ms": 1000 * (time.perf_counter() - begin)}


def _imported(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


def in_pandas(frame: pd.DataFrame) -> dict[str, Callable[[], Any]]:
    """Rates, times between messages, conversations."""
    key = ["endpoint", "peer"]

    def rates() -> pd.DataFrame:
        said = frame[frame["event"] == "message"]
        number = (said["time"] - frame["time"].min()) // pd.Timedelta(seconds=BIN_S)
        by = [*(said[name] for name in (*key, "direction")), number.rename("bin")]
        return said.groupby(by, observed=True).agg(n=("size_bytes", "size"), size=("size_bytes", "sum"))

    def between() -> Any:
        said = frame[(frame["event"] == "message") & (frame["direction"] == "in")]
        return said.groupby(key, observed=True)["time"].diff().dt.total_seconds() * 1e3

    def conversations() -> Any:
        return frame.groupby(key, observed=True).agg(
            first=("time", "min"), last=("time", "max"), n=("size_bytes", "size"), size=("size_bytes", "sum")
        )

    return {"rates": rates, "inter_arrival": between, "conversations": conversations}


def in_polars(polars: Any, data: Any) -> dict[str, Callable[[], Any]]:
    """The same."""
    frame = data.lazy()
    col = polars.col
    key = ["endpoint", "peer"]
    start = data["time"].min()

    def rates() -> Any:
        said = frame.filter(col("event") == "message")
        number = ((col("time") - start).dt.total_nanoseconds() // (BIN_S * 10**9)).alias("bin")
        return said.group_by([*key, "direction", number]).agg(polars.len(), col("size_bytes").sum()).collect()

    def between() -> Any:
        said = frame.filter((col("event") == "message") & (col("direction") == "in"))
        gap = col("time").diff().over(key).dt.total_nanoseconds() / 1e6
        return said.select(gap).collect()

    def conversations() -> Any:
        ends = (col("time").min().alias("first"), col("time").max().alias("last"))
        return frame.group_by(key).agg(*ends, polars.len(), col("size_bytes").sum()).collect()

    return {"rates": rates, "inter_arrival": between, "conversations": conversations}


def in_duckdb(connection: Any) -> dict[str, Callable[[], Any]]:
    """The same, of a table of DuckDB's own that is called `messages`, with nanoseconds as `ns`."""

    def asked(query: str) -> Callable[[], Any]:
        return lambda: connection.execute(query).fetchnumpy()

    start = connection.execute("select min(ns) from messages").fetchone()[0]
    return {
        "rates": asked(
            f"select endpoint, peer, direction, (ns - {start}) // {BIN_S * 10**9} as bin, count(*) as n, "
            "sum(size_bytes) as size from messages where event = 'message' group by all"
        ),
        "inter_arrival": asked(
            "select (ns - lag(ns) over (partition by endpoint, peer order by ns)) / 1e6 as ms from messages "
            "where event = 'message' and direction = 'in'"
        ),
        "conversations": asked(
            "select endpoint, peer, min(ns), max(ns), count(*) as n, sum(size_bytes) from messages group by all"
        ),
    }


def tables(rounds: int) -> Iterator[Table]:
    """One table per measure, and one of reading."""
    frame = captured()
    polars, duckdb = _imported("polars"), _imported("duckdb")
    works: dict[str, dict[str, Callable[[], Any]]] = {
        "gdlab": {
            "rates": lambda: analysis.rates(frame, bin_s=BIN_S),
            "inter_arrival": lambda: analysis.inter_arrival(frame),
            "conversations": lambda: analysis.conversations(frame),
        },
        "pandas": in_pandas(frame),
    }
    names = ["time", "endpoint", "peer", "direction", "event", "size_bytes"]
    if polars:
        works["polars"] = in_polars(polars, polars.from_pandas(frame[names]))
    if duckdb:
        connection = duckdb.connect()
        plain = frame[names].assign(ns=frame["time"].astype("int64"))
        plain = plain.astype(dict.fromkeys(names[1:5], str)).drop(columns="time")
        connection.register("given", plain)
        connection.execute("create table messages as select * from given")
        works["duckdb"] = in_duckdb(connection)
    cells = {"rates": int(np.ceil(600 / BIN_S)) * PEERS, "inter_arrival": ROWS, "conversations": PEERS}
    for measure, rows in cells.items():
        for name, work in works.items():
            result = work[measure]()
            found = len(next(iter(result.values()))) if isinstance(result, dict) else len(result)
            check(abs(found - rows) <= PEERS, f"{measure} in {name}: {found} rows, not {rows}")
        results, missing = interleave(
            [Contender(name, lambda work=work[measure]: timed(work)) for name, work in works.items()], rounds
        )
        yield Table(
            f"{measure} of 1,000,000 rows", [Metric("ms", "ms", 1, ratio=True)], "gdlab", results, missing
        )
    yield _reading(frame, polars, duckdb, rounds)


def _reading(frame: pd.DataFrame, polars: Any, duckdb: Any, rounds: int) -> Table:
    with tempfile.TemporaryDirectory() as folder:
        csv, parquet = Path(folder) / "a.csv", Path(folder) / "a.parquet"
        write_csv(frame, csv)
        write_parquet(frame, parquet)
        contenders = [
            Contender("gdlab CSV", lambda: timed(lambda: load(csv))),
            Contender("gdlab Parquet", lambda: timed(lambda: load(parquet))),
            Contender("pandas CSV", lambda: timed(lambda: pd.read_csv(csv))),
            Contender("pandas Parquet", lambda: timed(lambda: pd.read_parquet(parquet))),
        ]
        if polars:
            contenders += [
                Contender(
                    "polars CSV", lambda: timed(lambda: polars.read_csv(csv, infer_schema_length=None))
                ),
                Contender("polars Parquet", lambda: timed(lambda: polars.read_parquet(parquet))),
            ]
        if duckdb:
            contenders += [
                Contender("duckdb CSV", lambda: timed(lambda: duckdb.sql(f"from '{csv}'").to_arrow_table())),
                Contender(
                    "duckdb Parquet", lambda: timed(lambda: duckdb.sql(f"from '{parquet}'").to_arrow_table())
                ),
            ]
        results, missing = interleave(contenders, rounds)
    notes = ["of CSV the others leave times and payloads as text; load gives back the capture's own columns"]
    return Table(
        "Reading 1,000,000 rows",
        [Metric("ms", "ms", 0, ratio=True)],
        "gdlab CSV",
        results,
        missing,
        notes=notes,
    )
