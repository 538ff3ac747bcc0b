"""The truth of a relay as a file beside its capture: ``run1.truth.csv``."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from gdlab.errors import LoadError
from gdlab.messages import Column

#: Of the file beside a saved capture, with what really happened to its packets.
TRUTH_SUFFIX: Final = ".truth.csv"
_MOST_BYTES: Final = 2**30
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
    Column(
        "row_in", "Int64", "", "position of its arrival in `df`; missing where no row is of this packet alone"
    ),
    Column("row_out", "Int64", "", "position of its departure in `df`; missing where it was not sent on"),
)

_TIMES: Final = ("time", "release", "sent")


def truth_path(capture: Path) -> Path:
    """Where the truth of a capture is: ``run1.csv`` and ``run1.csv.gz`` have ``run1.truth.csv``."""
    return capture.with_name(capture.name.partition(".")[0] + TRUTH_SUFFIX)


def write_truth(truth: pd.DataFrame, capture: Path, *, anonymise: bool = False) -> Path:
    """Write the truth beside a capture; with `anonymise` without the clients' addresses."""
    path = truth_path(capture)
    whole = truth.assign(**{name: _whole(truth[name]) for name in _TIMES})
    (whole.drop(columns="peer") if anonymise else whole).to_csv(path, index=False, float_format="%.10g")
    return path


def _whole(times: pd.Series) -> pd.arrays.IntegerArray:
    """Nanoseconds since 1970, to the last one: floats would round them to quarters of a microsecond."""
    values = times.to_numpy(dtype="datetime64[ns]").view(np.int64)
    return pd.arrays.IntegerArray(values.copy(), times.isna().to_numpy())


def read_truth(capture: Path) -> pd.DataFrame | None:
    """The truth beside a capture; None where there is none.

    Raises
    ------
    LoadError : the file is no truth of a relay.
    """
    path = truth_path(capture)
    if not path.is_file():
        return None
    if path.stat().st_size > _MOST_BYTES:
        raise LoadError(f"{path} is larger than a truth table may be ({_MOST_BYTES:,} bytes)")
    try:
        table = pd.read_csv(path, dtype=_dtypes(), keep_default_na=False, na_values=[""])
        columns: dict[str, Any] = {}
        for column in TRUTH_SCHEMA:
            if column.name == "peer" and "peer" not in table:
                continue
            values = table[column.name]
            if column.name in _TIMES:
                values = pd.to_datetime(values, utc=True, unit="ns")
            elif column.name == "also":
                values = values.fillna("")
            columns[column.name] = values
    except (KeyError, ValueError, OverflowError) as error:
        raise LoadError(
            f"{path} should be the truth of a relay, and is not: {error}. Take it away, or save again"
        ) from error
    return pd.DataFrame(columns)


def _dtypes() -> dict[str, str]:
    return {
        column.name: "Int64" if column.name in _TIMES else "str" if column.dtype == "string" else column.dtype
        for column in TRUTH_SCHEMA
    }
