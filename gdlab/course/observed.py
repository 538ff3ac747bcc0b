"""What two captures of one conversation show of each part of the way."""

from __future__ import annotations

import json
from dataclasses import dataclass

import numpy as np
import pandas as pd

from gdlab.analysis.columns import messages, times_ns
from gdlab.analysis.source import Source, table_of


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the way: numbered messages in, numbered messages out.

    Attributes
    ----------
    entered : different messages that came into it. left : those that came out of it.
    run : missing ones in a row, on average; 0 where none is missing.
    twice : messages that came out more than once. overtaken : that came out behind one that went in later.
    delay_ms, spread_ms : median and standard deviation of the time that it took.
    """

    entered: int
    left: int
    run: float
    twice: int
    overtaken: int
    delay_ms: float
    spread_ms: float

    def size(self, kind: str) -> float:
        """How much of a kind of fault there is in it: per cent of what entered, or milliseconds."""
        whole = max(1, self.entered)
        return {
            "loss": 100 * (self.entered - self.left) / whole,
            "burst": 100 * (self.entered - self.left) / whole,
            "duplicate": 100 * self.twice / whole,
            "reorder": 100 * self.overtaken / whole,
            "delay": self.delay_ms,
            "jitter": self.spread_ms,
        }[kind]

    def as_json(self) -> dict[str, object]:
        """JSON-able, rounded."""
        return {
            "entered": self.entered,
            "left": self.left,
            "lost_in_a_row": round(self.run, 2),
            "twice": self.twice,
            "overtaken": self.overtaken,
            "delay_ms": round(self.delay_ms, 2),
            "spread_ms": round(self.spread_ms, 2),
        }


def observe(client: Source, server: Source) -> dict[str, Part]:
    """The three parts of the way to a server that answers each number once, and back: `up`, `server`, `down`."""
    sent, answers = _seen(client, "out"), _seen(client, "in")
    asked, answered = _seen(server, "in"), _seen(server, "out")
    return {"up": _part(sent, asked), "server": _part(asked, answered), "down": _part(answered, answers)}


def _seen(source: Source, direction: str) -> pd.DataFrame:
    """Number and time of each message of a direction, in order of time."""
    rows = table_of(source)
    rows = rows[messages(rows, direction)]
    numbers = [_number(bytes(payload)) for payload in rows["payload"]]
    seen = pd.DataFrame({"n": numbers, "time_ns": times_ns(rows)})
    return seen[seen["n"] >= 0].sort_values("time_ns", kind="stable", ignore_index=True)


def _number(payload: bytes) -> int:
    try:
        found = json.loads(payload)
    except ValueError:
        return -1
    number = found.get("n") if isinstance(found, dict) else None
    return number if isinstance(number, int) and 0 <= number < 2**53 else -1


def _part(into: pd.DataFrame, out: pd.DataFrame) -> Part:
    first_in, first_out = into.drop_duplicates("n"), out.drop_duplicates("n")
    came_out = first_in["n"].isin(set(first_out["n"])).to_numpy()
    runs = int((~came_out & np.concatenate(([True], came_out[:-1]))).sum())
    place = pd.Series(np.arange(len(first_in)), index=first_in["n"].to_numpy())
    order = place.reindex(first_out["n"]).dropna().to_numpy()
    entered_ns = first_in.set_index("n")["time_ns"]
    left_ns = first_out.set_index("n")["time_ns"]
    took_ms = ((left_ns - entered_ns).dropna() / 1e6).to_numpy(dtype=np.float64)
    repeats = out[out["n"].isin(place.index)]["n"].value_counts() - 1
    before = into["n"].value_counts() - 1
    return Part(
        len(first_in),
        int(came_out.sum()),
        float((~came_out).sum()) / runs if runs else 0.0,
        int((repeats.sub(before.reindex(repeats.index).fillna(0)) > 0).sum()),
        int((order < np.maximum.accumulate(order)).sum()) if len(order) else 0,
        float(np.median(took_ms)) if len(took_ms) else 0.0,
        float(np.std(took_ms)) if len(took_ms) else 0.0,
    )
