"""The truth table: what really happened to each copy of each packet."""

from __future__ import annotations

import threading
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from gdlab.files import TRUTH_SCHEMA
from gdlab.impair import FIELDS, RECORD, WAYS, Also, Fate

__all__ = ["TRUTH_SCHEMA", "Truth", "lateness", "truth_table"]

_FATES: Final = tuple(fate.name.lower() for fate in Fate)
_DTYPE: Final = np.dtype([(name, np.int64) for name in FIELDS])
#: What each combination of flags is called.
_ALSO: Final = np.array(
    [" ".join(str(flag.name).lower() for flag in Also if flag & bits and flag.value) for bits in range(32)],
    object,
)


class Truth:
    """Collects records; written by one thread, read by any. The oldest go beyond `most` and are counted."""

    def __init__(self, most: int = 1_000_000) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._blocks: list[npt.NDArray[Any]] = []
        self._rows = 0
        self.evicted = 0

    def add(self, block: bytes) -> None:
        """Take records as the relay's process writes them."""
        records = np.frombuffer(block, _DTYPE, len(block) // RECORD.size)
        with self._lock:
            self._blocks.append(records)
            self._rows += len(records)
            while self._rows - len(self._blocks[0]) >= self._most:
                gone = self._blocks.pop(0)
                self._rows -= len(gone)
                self.evicted += len(gone)

    def records(self) -> npt.NDArray[Any]:
        """All records, in the order in which they were settled."""
        with self._lock:
            if len(self._blocks) > 1:
                self._blocks = [np.concatenate(self._blocks)]
            return self._blocks[0] if self._blocks else np.empty(0, _DTYPE)

    def __len__(self) -> int:
        return self._rows


def truth_table(records: npt.NDArray[Any], peers: dict[int, str]) -> pd.DataFrame:
    """The table of `TRUTH_SCHEMA` in order of arrival, without the positions of rows; see `placed`."""
    order = np.lexsort((records["copy"], records["n"], records["time"]))
    records = records[order]
    numbers, codes = np.unique(records["client"], return_inverse=True)
    names = [peers.get(int(number), f"client {number}") for number in numbers]
    sent = records["sent"]
    went = sent > 0

    def ms(name: str) -> npt.NDArray[np.float64]:
        values: npt.NDArray[np.float64] = records[name] / 1e6
        return values

    def times(values: npt.NDArray[np.int64]) -> pd.DatetimeIndex:
        return pd.DatetimeIndex(values.view("datetime64[ns]"), tz="UTC")

    categories = pd.Index(sorted(set(names)), dtype=object)
    data: dict[str, object] = {
        "way": pd.Categorical.from_codes(records["way"], categories=pd.Index(WAYS)),
        "client": records["client"],
        "peer": pd.Categorical(np.array([*names, ""], object)[codes], categories=categories),
        "n": records["n"],
        "copy": records["copy"],
        "time": times(records["time"].copy()),
        "size_bytes": records["size"],
        "wire_bytes": records["wire"],
        "fragments": records["fragments"],
        "fate": pd.Categorical.from_codes(records["fate"], categories=pd.Index(_FATES)),
        "also": pd.array(_ALSO[records["also"] & 31], dtype=pd.StringDtype("python")),
        "state": records["state"],
        "delay_drawn_ms": ms("delay"),
        "queue_ms": ms("queue"),
        "serial_ms": ms("serial"),
        "backlog_bytes": records["backlog"],
        "order_ms": ms("order"),
        "slot_ms": ms("slot"),
        "reorder_ms": ms("reorder"),
        "hold_ms": ms("hold"),
        "stall_ms": ms("stall"),
        "resends": records["resends"],
        "release": times(records["release"].copy()),
        "sent": times(np.where(went, sent, np.iinfo(np.int64).min)),
        "late_us": np.where(went, (sent - records["release"]) / 1e3, np.nan),
        "setting": records["setting"],
    }
    return pd.DataFrame(data)


def lateness(truth: pd.DataFrame) -> pd.DataFrame:
    """The relay's own lateness in microseconds: `n`, `p50_us`, `p99_us`, `max_us`, a row per way that sent any."""
    rows = []
    for way, part in truth[truth["late_us"].notna()].groupby("way", observed=True):
        late = part["late_us"].to_numpy()
        rows.append((way, len(late), *np.percentile(late, [50, 99]), late.max()))
    return pd.DataFrame(rows, columns=["way", "n", "p50_us", "p99_us", "max_us"])
