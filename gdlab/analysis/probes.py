"""Probe messages of a table as columns: who asked, with which number, at what time.

What a probe is, `gdlab.probe` says, and `layouts` reads it from a million messages in a few passes; here each is
given its exchange and the side that began it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from gdlab import probe
from gdlab.analysis import probe_layouts as layouts
from gdlab.analysis.columns import equals, firsts, groups, messages, order, require, times_ns
from gdlab.analysis.source import Source, table_of
from gdlab.facts import Reason
from gdlab.payloads import PayloadArray

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: The shortest probe; shorter payloads are not looked at.
MIN_BYTES: Final = len(b'{"probe":"ping","seq":0,"t_us":0}')


def probes(table: Source) -> pd.DataFrame:
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
    table = table_of(table)
    require(table, ("time", "endpoint", "peer", "direction", "event", "size_bytes", "payload"))
    rows, payloads = _candidates(table)
    fields = layouts.read(payloads)
    numbers = fields.numbers[fields.whole]
    found = pd.DataFrame(
        {
            "row": rows[fields.whole].astype(np.int64),
            "pong": fields.pong[fields.whole],
            **dict(zip(layouts.FIELDS, numbers.T, strict=True)),
            "held": fields.held[fields.whole],
        }
    )
    found["exchange"], found["ours"] = _exchanges(table, found)
    return found


def candidates(table: pd.DataFrame) -> NDArray[np.intp]:
    """Rows that may be probes, by how long they are and how they begin; all probes are among them."""
    return _candidates(table)[0]


def _candidates(table: pd.DataFrame) -> tuple[NDArray[np.intp], PayloadArray]:
    size = table["size_bytes"].to_numpy()
    return _with_prefix(
        table, np.flatnonzero(messages(table) & (size >= MIN_BYTES) & (size <= probe.MAX_PROBE_BYTES))
    )


def messages_of(
    table: pd.DataFrame, direction: str | None = None, *, probes: bool = False
) -> NDArray[np.bool_]:
    """True for the rows that are messages, without our own pings and their answers unless `probes`; (n,) bool."""
    chosen = messages(table, direction)
    return chosen if probes else chosen & ~own_probes(table)


def own_probes(table: pd.DataFrame) -> NDArray[np.bool_]:
    """True for our pings and what answered them: as the rows are marked, else as their payloads show; (n,) bool."""
    if "reason" in table.columns:
        return equals(table, "reason", Reason.PROBE)
    ours = np.zeros(len(table), dtype=np.bool_)
    if {"size_bytes", "payload"} <= set(
        table.columns
    ):  # made by hand, or by a version that did not mark them
        found = probes(table)
        ours[found["row"].to_numpy()[found["ours"].to_numpy()]] = True
    return ours


def mark(table: pd.DataFrame) -> None:
    """Mark our pings and their answers in a table of a file that does not: of version 1, or of another program."""
    found = probes(table)
    ours = found["row"].to_numpy()[found["ours"].to_numpy()]
    if len(ours) and "reason" in table.columns and not equals(table, "reason", Reason.PROBE).any():
        codes = table["reason"].cat.codes.to_numpy().copy()
        reasons: Any = table["reason"].cat.categories
        codes[ours] = list(reasons).index(Reason.PROBE)
        table["reason"] = pd.Categorical.from_codes(codes, categories=reasons)


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


def _with_prefix(table: pd.DataFrame, rows: NDArray[np.intp]) -> tuple[NDArray[np.intp], PayloadArray]:
    """Those of the rows whose payload begins as a probe does, and the payloads."""
    column = table["payload"].array[rows]
    if not isinstance(column, PayloadArray):  # a table that was made by hand
        column = PayloadArray._from_sequence([p if isinstance(p, bytes) else None for p in column])
    begins = column.startswith(probe.JSON_PREFIX)
    dictionaries = np.flatnonzero(column.startswith(probe.VARIANT_PREFIX))
    if len(dictionaries):
        begins[dictionaries] = column[dictionaries].startswith(probe.VARIANT_KEY, probe.VARIANT_KEY_AT)
    return rows[begins], column[begins]
