"""The measures of a million rows beside the same in pandas, polars and DuckDB, and reading beside theirs.

Each contender gives the same numbers, which is checked before it is timed: the table is in the memory that it likes
best, so that nobody pays for another's form. Seconds are those of the processor, of all threads together.
"""

import importlib
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bench.rounds import Contender, Metric, Result, Table, Target, bring, check, interleave
from gdlab import analysis
from gdlab.files import load, write_csv, write_parquet
from gdlab.messages import Peer
from gdlab.store import Limit, Store, table

ROWS = 1_000_000
PEERS = 50
BIN_S = 5
START_NS = 1_764_000_000_000_000_000
KEY = ["endpoint", "peer"]
NAMES = ["time", *KEY, "direction", "event", "size_bytes", "v.seq", "v.t"]
#: What a contender is asked for, and the share of plain pandas' time that is aimed at.
MEASURES: Mapping[str, float] = {
    "rates": 1.0,
    "inter_arrival": 0.3,
    "jitter": 0.3,
    "sequence": 0.3,
    "conversations": 1.0,
}


def captured(rows: int = ROWS) -> pd.DataFrame:
    """Numbered messages of fifty peers over ten minutes with their clock; a thousandth lost, some out of order."""
    rng = np.random.default_rng(0)
    store = Store("udp://127.0.0.1:4242", Limit())
    peers = np.array([store.peer_code(Peer("127.0.0.1", 50_000 + n)) for n in range(PEERS)])
    times = START_NS + np.sort(rng.integers(0, 600 * 10**9, rows))
    size = rng.integers(20, 200, rows)
    payload = rng.integers(0, 256, int(size.sum()), dtype=np.uint8)
    each = rng.integers(0, PEERS, rows)
    store.extend(times, peers[each], size, payload, size + 28, np.ones(rows, np.int8))
    number = pd.Series(each).groupby(each).cumcount().to_numpy() + (rng.random(rows) < 0.001)
    clock = times // 1000 + rng.integers(0, 3000, rows)
    return table.build([store.snapshot()]).assign(**{"v.seq": number, "v.t": clock})


def timed(work: Callable[[], Any]) -> Result:
    """Milliseconds of one call, by the processor and by the clock."""
    begin, cpu = time.perf_counter(), time.process_time()
    work()
    return {"cpu_ms": 1000 * (time.process_time() - cpu), "ms": 1000 * (time.perf_counter() - begin)}


def imported(name: str) -> Any:
    """A package, None where it is not installed."""
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


Works = dict[str, Callable[[], Any]]


def in_gdlab(frame: pd.DataFrame) -> Works:
    """The measures themselves."""
    return {
        "rates": lambda: analysis.rates(frame, bin_s=BIN_S),
        "inter_arrival": lambda: analysis.inter_arrival(frame),
        "jitter": lambda: analysis.jitter(frame, sent="v.t"),
        "sequence": lambda: analysis.sequence(frame, seq="v.seq"),
        "conversations": lambda: analysis.conversations(frame),
    }


def in_pandas(frame: pd.DataFrame) -> Works:
    """What a notebook would write: the same or less, never more."""

    def came() -> pd.DataFrame:
        return frame[(frame["event"] == "message") & (frame["direction"] == "in")]

    def rates() -> pd.DataFrame:
        said = frame[frame["event"] == "message"]
        number = (said["time"] - frame["time"].min()) // pd.Timedelta(seconds=BIN_S)
        by = [*(said[name] for name in (*KEY, "direction")), number.rename("bin")]
        return said.groupby(by, observed=True).agg(n=("size_bytes", "size"), size=("size_bytes", "sum"))

    def between() -> Any:
        return came().groupby(KEY, observed=True)["time"].diff().dt.total_seconds() * 1e3

    def jitter() -> Any:
        said = came()
        apart = said["time"].astype("int64") / 1e3 - said["v.t"]
        steps = apart.groupby([said[name] for name in KEY], observed=True).diff().abs().fillna(0)
        filtered = steps.groupby([said[name] for name in KEY], observed=True).ewm(alpha=1 / 16, adjust=False)
        return filtered.mean() / 1e3

    def sequence() -> Any:
        said = came()
        groups = said.groupby(KEY, observed=True)["v.seq"]
        again = said.duplicated([*KEY, "v.seq"])
        below = (said["v.seq"] < groups.cummax()) & ~again
        by = [said[name] for name in KEY]
        return pd.DataFrame(
            {
                "lost": groups.max() - groups.min() + 1 - groups.nunique(),
                "duplicates": again.groupby(by, observed=True).sum(),
                "reordered": below.groupby(by, observed=True).sum(),
            }
        )

    def conversations() -> Any:
        return frame.groupby(KEY, observed=True).agg(
            first=("time", "min"), last=("time", "max"), n=("size_bytes", "size"), size=("size_bytes", "sum")
        )

    works = (rates, between, jitter, sequence, conversations)
    return dict(zip(MEASURES, works, strict=True))


def in_polars(polars: Any, frame: pd.DataFrame) -> Works:
    """The same."""
    data = polars.from_pandas(frame[NAMES])
    lazy = data.lazy()
    col = polars.col
    start = data["time"].min()
    said = lazy.filter(col("event") == "message")
    came = lazy.filter((col("event") == "message") & (col("direction") == "in"))
    ns = col("time").dt.epoch("ns")

    def rates() -> Any:
        number = ((col("time") - start).dt.total_nanoseconds() // (BIN_S * 10**9)).alias("bin")
        return said.group_by([*KEY, "direction", number]).agg(polars.len(), col("size_bytes").sum()).collect()

    def between() -> Any:
        return came.select(col("time").diff().over(KEY).dt.total_nanoseconds() / 1e6).collect()

    def jitter() -> Any:
        step = (ns / 1e3 - col("v.t")).diff().abs().fill_null(0)
        filtered = step.ewm_mean(alpha=1 / 16, adjust=False).over(KEY) / 1e3
        return came.select(filtered).collect()

    def sequence() -> Any:
        seq = col("v.seq")
        again = (~seq.is_first_distinct()).over(KEY)
        below = (seq < seq.cum_max()).over(KEY)
        each = came.select(*KEY, seq, again=again, below=below)
        lost = (seq.max() - seq.min() + 1 - seq.n_unique()).alias("lost")
        reordered = (col("below") & ~col("again")).sum().alias("reordered")
        return each.group_by(KEY).agg(lost, col("again").sum().alias("duplicates"), reordered).collect()

    def conversations() -> Any:
        ends = (col("time").min().alias("first"), col("time").max().alias("last"))
        return lazy.group_by(KEY).agg(*ends, polars.len(), col("size_bytes").sum()).collect()

    works = (rates, between, jitter, sequence, conversations)
    return dict(zip(MEASURES, works, strict=True))


def in_duckdb(duckdb: Any, frame: pd.DataFrame) -> Works:
    """The same, but the filter of jitter, of a table of DuckDB's own with nanoseconds as `ns`."""
    connection = duckdb.connect()
    plain = frame[NAMES].assign(ns=frame["time"].astype("int64"), seq=frame["v.seq"])
    plain = plain.astype(dict.fromkeys(NAMES[1:5], str)).drop(columns=["time", "v.seq", "v.t"])
    connection.register("given", plain)
    connection.execute("create table messages as select * from given")
    (start,) = connection.execute("select min(ns) from messages").fetchone()

    def asked(query: str) -> Callable[[], Any]:
        return lambda: connection.execute(query).fetchnumpy()

    came = "from messages where event = 'message' and direction = 'in'"
    return {
        "rates": asked(
            f"select endpoint, peer, direction, (ns - {start}) // {BIN_S * 10**9} as bin, count(*) as n, "
            "sum(size_bytes) as size from messages where event = 'message' group by all"
        ),
        "inter_arrival": asked(
            f"select (ns - lag(ns) over (partition by endpoint, peer order by ns)) / 1e6 as ms {came}"
        ),
        "sequence": asked(
            "with each as (select endpoint, peer, seq, max(seq) over (partition by endpoint, peer order by ns) as "
            f"top, row_number() over (partition by endpoint, peer, seq order by ns) as nth {came}) "
            "select max(seq) - min(seq) + 1 - count(distinct seq) as lost, count(*) filter (nth > 1) as duplicates, "
            "count(*) filter (seq < top and nth = 1) as reordered from each group by endpoint, peer"
        ),
        "conversations": asked(
            "select endpoint, peer, min(ns), max(ns), count(*) as n, sum(size_bytes) from messages group by all"
        ),
    }


def _same(measure: str, results: Mapping[str, Any]) -> None:
    """Stop where contenders do not give the same."""
    told = {}
    for name, result in results.items():
        if measure == "sequence":
            told[name] = [int(result[column].sum()) for column in ("lost", "duplicates", "reordered")]
        elif measure == "jitter":
            column = result["jitter_ms"].fillna(0) if name == "gdlab" else result
            told[name] = [round(float(np.asarray(column).mean()), 6)]
        else:
            told[name] = [len(next(iter(result.values()))) if isinstance(result, dict) else len(result)]
    ours = told["gdlab"]
    for name, theirs in told.items():
        # Bins without a message are rows of ours alone.
        near = PEERS if measure == "rates" else 1e-3 if measure == "jitter" else 0
        alike = all(abs(a - b) <= near for a, b in zip(ours, theirs, strict=True))
        check(alike, f"{measure}: {ours} here, {theirs} in {name}")


def beside_others(rounds: int) -> Iterator[Table]:
    """One table per measure, and one of reading."""
    frame = captured()
    polars, duckdb = imported("polars"), imported("duckdb")
    works = {"gdlab": in_gdlab(frame), "pandas": in_pandas(frame)}
    absent = {}
    for name, package, made in (("polars", polars, in_polars), ("duckdb", duckdb, in_duckdb)):
        if package:
            works[name] = made(package, frame)
        else:
            absent[name] = bring(name)
    for measure, share in MEASURES.items():
        able = {name: work[measure] for name, work in works.items() if measure in work}
        _same(measure, {name: work() for name, work in able.items()})
        contenders = [Contender(name, lambda work=work: timed(work)) for name, work in able.items()]
        contenders += [Contender(name, None, why) for name, why in absent.items()]
        results, missing = interleave(contenders, rounds)
        if duckdb and measure not in works["duckdb"]:
            missing["duckdb"] = "its windows do not look at their own results, as this filter must"
        targets = [Target("gdlab", "cpu_ms", most=share, against="pandas", source="issue")]
        targets += [
            Target("gdlab", "cpu_ms", most=1.0, against=name, source="issue")
            for name in ("polars", "duckdb")
            if name in able
        ]
        metrics = [Metric("cpu_ms", "CPU ms", 1, ratio=True), Metric("ms", "ms", 1)]
        yield Table(f"{measure} of 1,000,000 rows", metrics, "gdlab", results, missing, targets)
    yield _reading(
        frame[[name for name in frame.columns if not name.startswith("v.")]], polars, duckdb, rounds
    )


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
        [Metric("cpu_ms", "CPU ms", 0, ratio=True), Metric("ms", "ms", 0)],
        "gdlab CSV",
        results,
        missing,
        notes=notes,
    )
