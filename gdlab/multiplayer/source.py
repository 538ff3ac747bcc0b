"""A message table as the dissector takes it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from gdlab.multiplayer.dissector import Row

#: All that a table must have; `wire_bytes`, `event`, `detail` and `fate` are used if present.
COLUMNS: Final = ("time", "endpoint", "peer", "direction", "payload")


@dataclass(frozen=True, slots=True)
class Source:
    """Rows with a payload, in order of time.

    Attributes
    ----------
    rows : for the dissector.
    times_ns : of each.
    positions : of each in the table.
    payloads : of each.
    fates : of each, where the table has a column `fate`.
    """

    rows: list[Row]
    times_ns: npt.NDArray[np.int64]
    positions: npt.NDArray[np.int64]
    payloads: Sequence[bytes]
    fates: pd.Series | None = None


def source(table: pd.DataFrame) -> Source:
    """Messages of a table; of errors those that kept bytes, with their reason.

    Raises
    ------
    KeyError : a column is missing.
    """
    missing = [name for name in COLUMNS if name not in table.columns]
    if missing:
        raise KeyError(
            f"multiplayer needs the columns {', '.join(COLUMNS)}; this table has no {', '.join(missing)}"
        )
    stamps = pd.to_datetime(table["time"], utc=True).to_numpy(dtype="datetime64[ns]").view(np.int64)
    payloads = [b"" if data is None or data is pd.NA else bytes(data) for data in table["payload"]]
    taken = np.ones(len(table), np.bool_)
    troubles = [""] * len(table)
    if "event" in table.columns:
        events = table["event"].astype(str).to_numpy()
        taken = events == "message"
        # An error with bytes is one that still is on the wire, such as a packet that was not captured whole.
        broken = np.flatnonzero(
            (events == "error") & np.array([len(data) > 0 for data in payloads], np.bool_)
        )
        taken[broken] = True
        details = table["detail"].astype(str).to_numpy() if "detail" in table.columns else None
        for place in broken.tolist():
            troubles[place] = (str(details[place]) if details is not None else "") or "an error row"
    at = np.flatnonzero(taken)
    at = at[np.argsort(stamps[at], kind="stable")]
    endpoints, peers = table["endpoint"].astype(str).tolist(), table["peer"].astype(str).tolist()
    outs = (table["direction"].astype(str) == "out").tolist()
    wires = (
        table["wire_bytes"].astype("int64").tolist() if "wire_bytes" in table.columns else [-1] * len(table)
    )
    places = at.tolist()
    rows = [Row(endpoints[i], peers[i], outs[i], payloads[i], wires[i], troubles[i]) for i in places]
    fates = table["fate"].iloc[at].reset_index(drop=True) if "fate" in table.columns else None
    return Source(rows, stamps[at], at.astype(np.int64), [payloads[i] for i in places], fates)
