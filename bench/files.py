"""How fast files are written and read, beside what pandas does with the same table."""

import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from bench.rounds import Contender, Metric, Result, Table, Target, check, interleave
from gdlab.files import load, write_csv, write_parquet, write_pcapng
from gdlab.messages import Peer
from gdlab.store import Limit, Store, table

ROWS = 1_000_000
CHUNK = 10_000
PANDAS = {"csv": "DataFrame.to_csv", "parquet": "DataFrame.to_parquet, payloads as bytes"}


def captured(kind: str) -> pd.DataFrame:
    """A table of 64-byte payloads: random bytes, or JSON of 50 to 63 characters."""
    store = Store("udp://127.0.0.1:4242", Limit())
    peers = np.array([store.peer_code(Peer("127.0.0.1", 50_000 + n)) for n in range(8)])
    random = np.random.default_rng(1)
    size = np.full(CHUNK, 64)
    for start in range(0, ROWS, CHUNK):
        if kind == "binary":
            payload = random.integers(0, 256, 64 * CHUNK, dtype=np.uint8)
        else:
            texts = [
                b'{"id": %07d, "pos": [1.5, 2.25], "name": "player"}' % (start + n) for n in range(CHUNK)
            ]
            payload = np.frombuffer(b"".join(text.ljust(64) for text in texts), np.uint8)
        times = 1_700_000_000_000_000_000 + np.arange(start, start + CHUNK) * 20_000
        kinds = np.full(CHUNK, kind == "binary", np.int8)
        store.extend(times, peers[np.arange(CHUNK) % 8], size, payload, size + 28, kinds)
    return table.build([store.snapshot()])


def timed(run: Callable[[], object], file: Path | None = None) -> Result:
    """Seconds of one call, and what it wrote."""
    begin = time.perf_counter()
    run()
    result = {"ms": 1000 * (time.perf_counter() - begin)}
    return {**result, "mb": file.stat().st_size / 1e6} if file else result


def read(path: Path) -> Result:
    """Seconds of loading; all rows must be there."""
    begin = time.perf_counter()
    loaded = load(path)
    result = {"ms": 1000 * (time.perf_counter() - begin)}
    check(len(loaded.table) == ROWS, f"{path.name}: {len(loaded.table)} rows, not {ROWS}")
    return result


def of_kind(kind: str, rounds: int) -> Iterator[Table]:
    """Write and read a table of a million rows."""
    frame = captured(kind)
    with tempfile.TemporaryDirectory() as folder:
        csv, parquet, pcapng = (Path(folder) / f"a.{suffix}" for suffix in ("csv", "parquet", "pcapng"))
        theirs = {name: Path(folder) / f"pandas.{name}" for name in PANDAS}

        def to_parquet() -> None:
            objects = frame.assign(payload=np.array(list(frame["payload"]), object))
            objects.to_parquet(theirs["parquet"], compression="zstd")

        results, missing = interleave(
            [
                Contender(PANDAS["csv"], lambda: timed(lambda: frame.to_csv(theirs["csv"]), theirs["csv"])),
                Contender("write_csv", lambda: timed(lambda: write_csv(frame, csv), csv)),
                Contender(PANDAS["parquet"], lambda: timed(to_parquet, theirs["parquet"])),
                Contender("write_parquet", lambda: timed(lambda: write_parquet(frame, parquet), parquet)),
                Contender("write_pcapng", lambda: timed(lambda: write_pcapng(frame, pcapng), pcapng)),
            ],
            rounds,
        )
        yield Table(
            f"Writing 1,000,000 rows of 64 B, {kind}",
            [Metric("ms", "ms", 0, ratio=True), Metric("mb", "MB", 0)],
            PANDAS["csv"],
            results,
            missing,
            [
                Target("write_csv", "ms", least=4, against=PANDAS["csv"], upside_down=True, source="issue"),
                Target(
                    "write_parquet", "ms", least=3, against=PANDAS["parquet"], upside_down=True, source="D3"
                ),
            ],
        )
        results, missing = interleave(
            [
                Contender("pandas.read_csv", lambda: timed(lambda: pd.read_csv(theirs["csv"]))),
                Contender("load CSV", lambda: read(csv)),
                Contender("load Parquet", lambda: read(parquet)),
                Contender("load pcapng", lambda: read(pcapng)),
            ],
            1,
        )
        yield Table(
            f"Reading them again, {kind}",
            [Metric("ms", "ms", 0, ratio=True)],
            "pandas.read_csv",
            results,
            missing,
            notes=[
                "read_csv leaves text as text and times as text; load gives back the capture's own columns"
            ],
        )


def tables(rounds: int) -> Iterator[Table]:
    """All tables of this module but one."""
    yield from of_kind("binary", rounds)


def long_tables(rounds: int) -> Iterator[Table]:
    """The same with text, which pandas takes much longer for."""
    yield from of_kind("json", rounds)
