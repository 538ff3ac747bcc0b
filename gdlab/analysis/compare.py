"""Two runs side by side, and whether they differ."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from gdlab.analysis.arrivals import inter_arrival
from gdlab.analysis.columns import times_ns
from gdlab.analysis.interval import wilson
from gdlab.analysis.latency import round_trips
from gdlab.analysis.percentiles import percentiles
from gdlab.analysis.probes import messages_of
from gdlab.analysis.sequence import sequence
from gdlab.analysis.source import Source, table_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

COLUMNS: Final = (
    "measure",
    "unit",
    "a",
    "a_low",
    "a_high",
    "a_n",
    "b",
    "b_low",
    "b_high",
    "b_n",
    "change",
    "differs",
)


def compare(a: Source, b: Source, *, seq: str | None = None, probes: bool = False) -> pd.DataFrame:
    """The measures of two captures, their uncertainty, and whether they differ by more than it.

    Parameters
    ----------
    a, b : message tables.
    seq : column with the numbers of the messages, as for `sequence`; by default those of probes.
    probes : include our own pings and their answers, which are gdlab's messages and not the game's.

    Returns
    -------
    One row per measure: `measure`, `unit`, for each run the value, the ends of its 95 % interval and the sample
    size (`a`, `a_low`, `a_high`, `a_n`, and `b`...), `change` (``b - a``), `differs` (boolean: True where the
    two intervals have nothing in common, False where they overlap, missing where either run has no interval).

    Notes
    -----
    Intervals that do not overlap mean a difference beyond chance (the test is stricter than one at 5 %);
    intervals that overlap do not prove the runs equal. Values of rates and sizes are plain facts of the
    captures: no interval, no verdict.
    """
    return beside(gathered(a, seq=seq, probes=probes), gathered(b, seq=seq, probes=probes))


def beside(a: Gathered, b: Gathered) -> pd.DataFrame:
    """The table of `compare` of what was gathered of two captures."""
    rows = []
    for (name, unit, *first), (_, _, *second) in zip(_rows(a), _rows(b), strict=True):
        verdict: bool | None = None
        if not np.isnan([*first[1:3], *second[1:3]]).any():  # a lost ping may make an end infinite
            verdict = bool(first[2] < second[1] or second[2] < first[1])
        rows.append((name, unit, *first, *second, second[0] - first[0], verdict))
    frame = pd.DataFrame(rows, columns=list(COLUMNS))
    return frame.astype({"a_n": "int64", "b_n": "int64", "differs": "boolean"})


def measures(table: Source, *, seq: str | None = None, probes: bool = False) -> pd.DataFrame:
    """The measures of one capture that `compare` puts side by side.

    Parameters
    ----------
    table : a message table; may be empty.
    seq, probes : as for `compare`.

    Returns
    -------
    One row per measure: `measure`, `unit`, `value`, `low`, `high` (float64; the ends of the 95 % interval, NaN
    for what has none, or lies beyond what was measured because pings were lost), `n` (int64: sample size).
    """
    return told(gathered(table, seq=seq, probes=probes))


def told(of: Gathered) -> pd.DataFrame:
    """The table of `measures` of what was gathered of a capture."""
    frame = pd.DataFrame(_rows(of), columns=["measure", "unit", "value", "low", "high", "n"])
    frame = frame.astype({"value": "float64", "low": "float64", "high": "float64", "n": "int64"})
    # Where pings were lost, a percentile lies beyond what was measured: unknown, and no number of milliseconds.
    ends = ["value", "low", "high"]
    frame[ends] = frame[ends].where(np.isfinite(frame[ends]))
    return frame


@dataclass(frozen=True, slots=True)
class Gathered:
    """Of a capture, what its measures are computed from.

    Attributes
    ----------
    rows, lasted_s : how many, and from the first to the last.
    came, came_bytes : messages that arrived, and their bytes.
    rtt_ms, iat_ms : values in any order; NaN where there is none.
    lost, decided : pings without answer, and those of which it is known.
    missing, expected : numbered messages.
    """

    rows: int
    lasted_s: float
    came: int
    came_bytes: float
    rtt_ms: NDArray[np.float64]
    lost: int
    decided: int
    iat_ms: NDArray[np.float64]
    missing: int
    expected: int


def gathered(source: Source, *, seq: str | None = None, probes: bool = False) -> Gathered:
    """Gather what `measures` and `compare` tell of a capture."""
    table = table_of(source, seq)
    stamps = times_ns(table)
    arrived = messages_of(table, "in", probes=probes)
    trips = round_trips(table)
    streams = sequence(table, seq=seq)
    return Gathered(
        rows=len(stamps),
        lasted_s=float(np.ptp(stamps)) / 1e9 if len(stamps) else 0.0,
        came=int(arrived.sum()),
        came_bytes=float(table["size_bytes"].to_numpy(dtype=np.float64)[arrived].sum()),
        rtt_ms=trips["rtt_ms"].to_numpy(dtype=np.float64),
        lost=int((trips["outcome"] == "lost").sum()),
        decided=int((trips["outcome"] != "pending").sum()),
        iat_ms=inter_arrival(table, probes=probes)["iat_ms"].to_numpy(dtype=np.float64),
        missing=int(streams["lost"].sum()),
        expected=int(streams["expected"].sum()),
    )


def _rows(of: Gathered) -> list[tuple[str, str, float, float, float, int]]:
    """Name, unit, value, interval, and sample size of each measure of one run."""
    n, lasted, nan = of.came, of.lasted_s, float("nan")
    return [
        ("duration", "s", lasted, nan, nan, of.rows),
        ("messages in", "1/s", n / lasted if lasted else nan, nan, nan, n),
        ("goodput in", "bytes/s", of.came_bytes / lasted if lasted else nan, nan, nan, n),
        ("payload in, mean", "bytes", of.came_bytes / n if n else nan, nan, nan, n),
        *_quantiles("round trip", of.rtt_ms, of.lost),
        *_quantiles("inter-arrival", of.iat_ms, 0),
        _share("loss of numbered messages", of.missing, of.expected),
        _share("loss of round trips", of.lost, of.decided),
    ]


def _quantiles(
    name: str, values: NDArray[np.float64], missing: int
) -> list[tuple[str, str, float, float, float, int]]:
    found = percentiles(values, (0.5, 0.95, 0.99), missing=missing)
    return [
        (f"{name}, {q * 100:g} %", "ms", value, low, high, n)
        for q, value, low, high, n in zip(
            found["quantile"], found["value"], found["low"], found["high"], found["n"], strict=True
        )
    ]


def _share(name: str, hits: int, n: int) -> tuple[str, str, float, float, float, int]:
    nan = float("nan")
    if n < 2:
        return (name, "share", nan, nan, nan, n)
    low, high = wilson(np.array([hits]), np.array([n]))
    return (name, "share", hits / n, float(low[0]), float(high[0]), n)
