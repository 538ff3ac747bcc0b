"""The truth table: what really happened to each copy of each packet."""

from __future__ import annotations

import threading
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from gdlab.impair import FIELDS, RECORD, WAYS, Also, Fate
from gdlab.messages import Column

_MS: Final = "ms"

TRUTH_SCHEMA: Final[tuple[Column, ...]] = (
    Column("way", "category", "", "`up` towards the server, `down` towards the client"),
    Column("client", "int64", "", "number of the client, in order of its first packet, from 1"),
    Column("peer", "category", "", "the client's address, as the column `peer` of the rows has it"),
    Column(
        "n", "int64", "", "number of the packet of this client and way, from 0: the n-th row that came in"
    ),
    Column("copy", "int64", "", "0, and 1 for a duplicate"),
    Column("time", "datetime64[ns, UTC]", "ns", "arrival, the kernel's stamp where it has one"),
    Column("size_bytes", "int64", "bytes", "payload; of a stream, what one unit had"),
    Column("wire_bytes", "int64", "bytes", "with headers, as the bottleneck counts it"),
    Column("fragments", "int64", "", "IP packets, or TCP segments"),
    Column("fate", "category", "", "`passed`, `loss`, `queue`, `cut`, `mtu`, `limit`, `stopped`, `unsent`"),
    Column("also", "string", "", "what else: `copy`, `damaged`, `reordered`, `held`, `resent`"),
    Column("state", "int64", "", "of the loss model: 0 good, 1 bad; of four states their number"),
    Column("delay_drawn_ms", "float64", _MS, "the link's delay with this packet's jitter"),
    Column("queue_ms", "float64", _MS, "wait for those before it at the bottleneck"),
    Column("serial_ms", "float64", _MS, "the time its own bytes take there"),
    Column("backlog_bytes", "int64", "bytes", "what waited there when it came"),
    Column("order_ms", "float64", _MS, "wait so that it passes no earlier packet"),
    Column("slot_ms", "float64", _MS, "wait for the next moment of release"),
    Column("reorder_ms", "float64", _MS, "held back, so that others pass it"),
    Column("hold_ms", "float64", _MS, "held while the line was down, or paused by hand; TCP: its window"),
    Column("stall_ms", "float64", _MS, "TCP: until a lost segment had been sent again"),
    Column("resends", "int64", "", "TCP: how often"),
    Column("release", "datetime64[ns, UTC]", "ns", "when it was due: `time` and all of the above"),
    Column("sent", "datetime64[ns, UTC]", "ns", "when it was handed to the system; missing if it was not"),
    Column("late_us", "float64", "us", "`sent` minus `release`: the relay's own lateness"),
    Column("setting", "int64", "", "number of the setting in force when it came"),
)

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
    """The table of `TRUTH_SCHEMA`, in order of arrival."""
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
    return pd.DataFrame(
        {
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
    )


def lateness(truth: pd.DataFrame) -> pd.DataFrame:
    """The relay's own lateness in microseconds: `n`, `p50_us`, `p99_us`, `max_us`, one row a way that sent anything."""
    rows = []
    for way, part in truth[truth["late_us"].notna()].groupby("way", observed=True):
        late = part["late_us"].to_numpy()
        rows.append((way, len(late), *np.percentile(late, [50, 99]), late.max()))
    return pd.DataFrame(rows, columns=["way", "n", "p50_us", "p99_us", "max_us"])
