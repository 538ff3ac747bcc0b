"""Probe messages of a table as columns: who asked, with which number, at what time.

What a probe is, `gdlab.probe` says; here a pattern finds all those that are written as usual in one pass over a
million messages, and the others are asked of `probe.parse` one by one.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from gdlab import probe
from gdlab.analysis.columns import equals, firsts, groups, messages, order, require, times_ns

if TYPE_CHECKING:
    from numpy.typing import NDArray

PREFIX: Final = b'{"probe"'
#: The shortest probe; shorter payloads are not looked at.
MIN_BYTES: Final = len(b'{"probe":"ping","seq":0,"t_us":0}')

#: As `probe.parse` takes them; longer ones, and other ways to write a number, are left to it.
_NUMBER: Final = rb"(0|[1-9]\d{0,17})(?:\.0)?"
_TIMES = rb'"r_us": ?' + _NUMBER + rb', ?"s_us": ?' + _NUMBER
#: The order of keys that Python writes, and the alphabetic one of Godot's `JSON.stringify`; one line a
#: payload, and the bare `.*` for a line that is neither, so that the n-th match is the n-th payload.
_LINE: Final = re.compile(
    rb'^(?:\{"probe": ?"(ping|pong)"(?:, ?'
    + _TIMES
    + rb')?, ?"seq": ?'
    + _NUMBER
    + rb', ?"t_us": ?'
    + _NUMBER
    + rb"(?:, ?"
    + _TIMES
    + rb")?\}|.*)$",
    re.MULTILINE,
)


def probes(table: pd.DataFrame) -> pd.DataFrame:
    """The probe messages among the rows.

    Parameters
    ----------
    table : columns `time`, `endpoint`, `peer`, `direction`, `event`, `size_bytes`, `payload`; may be empty.

    Returns
    -------
    One row a probe: `row` (int64, position in `table`), `pong` (bool), `seq`, `t_us`, `r_us`, `s_us`
    (int64; the last two 0 where `held` is False), `held` (bool: the answerer said when it received and sent),
    `exchange` (int64: ping and answers have the same endpoint, peer, `seq` and `t_us`), `ours` (bool: the
    capture sent the first message of the exchange; the others are the game's own measurement).
    """
    require(table, ("time", "endpoint", "peer", "direction", "event", "size_bytes", "payload"))
    size = table["size_bytes"].to_numpy()
    rows = np.flatnonzero(messages(table) & (size >= MIN_BYTES) & (size <= probe.MAX_PROBE_BYTES))
    rows, payloads = _with_prefix(table, rows)
    matches = _LINE.findall(b"\n".join(payloads)) if payloads else []
    fields = np.array(matches, dtype="S20").reshape(len(matches), 7)
    if (fields[:, 0] == b"").any():
        for number in np.flatnonzero(fields[:, 0] == b"").tolist():
            fields[number] = _parsed(payloads[number])
    whole = fields[:, 0] != b""
    rows, fields = rows[whole], fields[whole]
    before, after = fields[:, 1] != b"", fields[:, 5] != b""
    found = pd.DataFrame(
        {
            "row": rows.astype(np.int64),
            "pong": fields[:, 0] == b"pong",
            "seq": fields[:, 3].astype(np.int64),
            "t_us": fields[:, 4].astype(np.int64),
            "r_us": _either(fields[:, 1], fields[:, 5], before),
            "s_us": _either(fields[:, 2], fields[:, 6], before),
            "held": before | after,
        }
    )
    found["exchange"], found["ours"] = _exchanges(table, found)
    return found


def _exchanges(table: pd.DataFrame, found: pd.DataFrame) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Which exchange each probe is of, and whether we began it."""
    subset = table.iloc[found["row"].to_numpy()]
    sides, _ = groups(subset, ("endpoint", "peer"))
    key = pd.DataFrame({"side": sides, "seq": found["seq"], "t_us": found["t_us"]})
    exchange, _ = groups(key, ("side", "seq", "t_us"))
    sequence = order(exchange, times_ns(subset))
    asked = equals(subset, "direction", "out") & ~found["pong"].to_numpy()
    begins = sequence[firsts(exchange[sequence])]
    began = np.zeros(len(begins), dtype=np.bool_)
    began[exchange[begins]] = asked[begins]
    return exchange, began[exchange]


def _with_prefix(table: pd.DataFrame, rows: NDArray[np.intp]) -> tuple[NDArray[np.intp], list[bytes]]:
    """Those of the rows whose payload begins as a probe does and is one line, and the payloads."""
    column = table["payload"].array[rows]
    startswith = getattr(column, "startswith", None)
    if startswith is not None:  # a payload column looks without making objects
        begins = startswith(PREFIX)
        column, rows = column[begins], rows[begins]
    array = column.to_numpy(dtype=object)
    # Casting to a fixed width compares in C; nothing is made per row but the slice of eight bytes.
    starts = array.astype(f"S{len(PREFIX)}") == PREFIX
    kept = [
        (row, payload)
        for row, payload in zip(rows[starts].tolist(), array[starts], strict=True)
        if b"\n" not in payload
    ]
    return np.array([row for row, _ in kept], dtype=np.intp), [payload for _, payload in kept]


def _parsed(payload: bytes) -> tuple[bytes, ...]:
    """The seven groups of `_LINE` for a payload that is written otherwise; all empty if it is no probe."""
    parsed = probe.parse(payload)
    if parsed is None:
        return (b"",) * 7
    times = [b"", b""]
    if parsed.r_us is not None and parsed.s_us is not None:
        times = [b"%d" % parsed.r_us, b"%d" % parsed.s_us]
    return (b"pong" if parsed.is_pong else b"ping", b"", b"", b"%d" % parsed.seq, b"%d" % parsed.t_us, *times)


def _either(
    first: NDArray[np.bytes_], second: NDArray[np.bytes_], use_first: NDArray[np.bool_]
) -> NDArray[np.int64]:
    """Numbers of one of two text columns, 0 where both are empty."""
    text = np.where(use_first, first, second)
    return np.where(text == b"", b"0", text).astype(np.int64)
