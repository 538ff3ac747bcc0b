"""What two matched captures show, as tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from gdlab.analysis.columns import time_index
from gdlab.analysis.interval import wilson

if TYPE_CHECKING:
    from gdlab.analysis.clock_bounds import ClockBounds
    from gdlab.analysis.matching import Way

#: What became of a message, in the order it is decided.
FATES: Final = ("arrived", "reordered", "lost", "unseen", "ambiguous")
WAYS: Final = ("a to b", "b to a")


def rows_of(
    way: Way,
    number: int,
    sender: pd.DataFrame,
    base: int,
    clock: ClockBounds | None,
    start: int,
    *,
    known: bool,
) -> pd.DataFrame:
    """One way's rows of the merged table."""
    here = way.got >= 0
    forth = number == 0
    # When it was at a, which has the clock that all is told in; for what never came there, as if it had no delay.
    at_a = np.where(here, way.got_ns, way.sent_ns - base) if not forth else way.sent_ns
    x = (at_a - start) / 1e9
    offset_us = clock.at(x) if clock is not None else np.zeros(len(x))
    error = clock.error(x) if clock is not None else np.zeros(len(x))
    # The offset in nanoseconds beyond `base`, rounded: the sum stays a whole number.
    offset_ns = base + np.rint(offset_us * 1e3).astype(np.int64)
    difference = np.where(here, way.got_ns - way.sent_ns, 0)
    delay = (difference - offset_ns if forth else difference + offset_ns) / 1e6
    time = way.sent_ns if forth else way.sent_ns - offset_ns
    fate = np.select([way.ambiguous, here], [4, 0], 2)
    told = np.flatnonzero(here)
    if len(told):
        fate[: told[0]] = np.where(way.ambiguous[: told[0]], 4, 3)
        fate[told[-1] + 1 :] = np.where(way.ambiguous[told[-1] + 1 :], 4, 3)
        arrival = told[np.lexsort((way.got[told], way.got_ns[told]))]
        behind = np.zeros(len(arrival), np.bool_)
        behind[1:] = arrival[1:] < np.maximum.accumulate(arrival)[:-1]
        fate[arrival[behind]] = 1
    else:
        fate[fate == 2] = 3
    received = pd.Series(time_index(way.got_ns)).where(here)
    return pd.DataFrame(
        {
            "way": np.full(len(x), number, np.int8),
            "time": time_index(time),
            "sent": time_index(way.sent_ns),
            "received": received,
            "sent_row": pd.array(way.sent, dtype="Int64"),
            "received_row": pd.arrays.IntegerArray(way.got, ~here),
            "size_bytes": sender["size_bytes"].to_numpy(dtype=np.int64)[way.sent],
            "fate": pd.Categorical.from_codes(fate, categories=pd.Index(FATES)),
            "copies": way.copies,
            "delay_ms": np.where(here & known, delay, np.nan),
            "error_ms": np.where(here & known, error / 1e3, np.nan),
        }
    )


def ways_of(table: pd.DataFrame) -> pd.DataFrame:
    """What each way did to its messages."""
    rows = []
    for name in WAYS:
        part = table[table["way"] == name]
        count = part["fate"].value_counts()
        arrived = int(count["arrived"] + count["reordered"])
        lost, delay = int(count["lost"]), part["delay_ms"].dropna()
        rows.append(
            {
                "place": name,
                "entered": arrived + lost,
                "lost": lost,
                "reordered": int(count["reordered"]),
                "duplicates": int((part["copies"] - 1).clip(lower=0).sum()),
                "ambiguous": int(count["ambiguous"]),
                "unseen": int(count["unseen"]),
                "least_ms": delay.min(),
                "median_ms": delay.median(),
                "error_ms": part["error_ms"].max(),
                "n": len(delay),
            }
        )
    frame = pd.DataFrame(rows)
    n, missing = frame["entered"].to_numpy(), frame["lost"].to_numpy()
    low, high = wilson(missing, n)
    shares = {"loss": missing / np.maximum(n, 1), "loss_low": low, "loss_high": high}
    for position, (name, share) in enumerate(shares.items(), 3):
        frame.insert(position, name, np.where(n > 0, share, np.nan))
    return frame


def clock_table(
    base: int, clock: ClockBounds | None, start: int, ways: list[Way], *, same: bool
) -> pd.DataFrame:
    """The clocks, as `clock_offsets` tells them."""
    used = sum(int(((way.got >= 0) & (way.copies == 1)).sum()) for way in ways)
    if clock is not None:
        first, last = float(clock.knots_s[0]), float(clock.knots_s[-1])
        middle = (first + last) / 2
        offset_us = base / 1e3 + float(clock.at(np.array([middle]))[0])
        # Half a microsecond for the whole number.
        row: tuple[Any, ...] = (middle, round(offset_us), float(clock.errors_us.max()) + 0.5)
        row += (clock.drift_ppm, clock.drift_error_ppm, clock.late_us, first, last, used)
        rows = [row]
    elif same:
        rows = [(0.0, 0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, used)]
    else:
        rows = []
    names = ["time", "offset_us", "error_us", "drift_ppm", "drift_error_ppm", "late_us", "first", "last", "n"]
    frame = pd.DataFrame(rows, columns=names).astype(dict.fromkeys(names, "float64"))
    for name in ("time", "first", "last"):
        frame[name] = time_index(start + np.rint(frame[name].to_numpy() * 1e9).astype(np.int64))
    return frame.astype({"offset_us": "int64", "n": "int64"})
