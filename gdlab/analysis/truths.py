"""What a relay knows of its own packets, taken into the measures: no second clock, and no numbers, are needed then."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import numpy as np
import pandas as pd

from gdlab.analysis.columns import time_index, times_ns

#: Fates of a packet that a relay did not pass on, in the order in which its stages decide.
FATES = ("cut", "mtu", "loss", "queue", "limit", "stopped", "unsent")


@runtime_checkable
class HasTruth(Protocol):
    """A relay, or what one has saved: a table, and what really happened to its packets."""

    def with_truth(self) -> tuple[pd.DataFrame, pd.DataFrame | None]:
        """The table, and the truth of the same moment, whose `row_in` and `row_out` are positions in it.

        None is the truth of a recording that no relay has saved.
        """


def truth_of(source: object) -> tuple[pd.DataFrame, pd.DataFrame] | None:
    """The table and the truth of a source; None where it has no truth."""
    if isinstance(source, pd.DataFrame) or not isinstance(source, HasTruth):
        return None
    table, truth = source.with_truth()
    return None if truth is None else (table, truth)


def true_delays(table: pd.DataFrame, truth: pd.DataFrame) -> pd.DataFrame:
    """From arrival at the relay to departure, of each packet that it passed on and has a row of.

    Returns
    -------
    One row per packet, in order of departure: `time` (of the departure), `endpoint`, `peer` (those of the row that went
    out), `way`, `delay_ms` (float64), `error_ms` (float64, 0: both times are of one clock), `entered` (time).
    """
    went = truth[truth["row_out"].notna()].sort_values("sent", kind="stable")
    rows = table.iloc[went["row_out"].to_numpy(dtype=np.int64)]
    entered, left = times_ns(went), times_ns(went.assign(time=went["sent"]))
    return pd.DataFrame(
        {
            "time": time_index(left),
            "endpoint": rows["endpoint"].array,
            "peer": rows["peer"].array,
            "way": went["way"].array,
            "delay_ms": (left - entered) / 1e6,
            "error_ms": 0.0,
            "entered": time_index(entered),
        }
    )


def stamped(table: pd.DataFrame, truth: pd.DataFrame) -> pd.DataFrame:
    """What went out of a relay as its receivers get it: rows that came in, with `entered_ns`, when they set out."""
    went = truth[truth["row_out"].notna()]
    rows = table.iloc[went["row_out"].to_numpy(dtype=np.int64)]
    directions = pd.Categorical(np.full(len(rows), "in"), categories=["in", "out"])
    return rows.assign(direction=directions, entered_ns=times_ns(went))
