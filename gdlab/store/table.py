"""From snapshots to the DataFrame that users see, and its empty form; the schema is that of `messages`."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Iterable, Sequence
from typing import Any, Final

import numpy as np
import pandas as pd

from gdlab.messages import CATEGORIES
from gdlab.payloads import PayloadArray
from gdlab.store.snapshot import Snapshot
from gdlab.store.table_columns import ARENA_SHIFT, FACTS, Array, Growing, no_facts

#: Text columns hold Python strings: what a peer wrote must fit, whether pyarrow is installed or not.
STRING = pd.StringDtype("python")

#: From pandas 3 on a frame may share its columns with another one, and copies a column before it writes to it.
COPY_ON_WRITE: Final = int(pd.__version__.split(".", maxsplit=1)[0]) >= 3


def text_categories(categories: Iterable[str]) -> pd.CategoricalDtype:
    """Categories that are Python strings; pandas left to itself would make Arrow's of them."""
    return pd.CategoricalDtype(pd.Index(list(categories), dtype=object))


#: Of the closed columns, made once: pandas looks for doubles in every one that is made.
FIXED: Final = {name: text_categories(categories) for name, categories in CATEGORIES.items()}

#: Room for later rows; it is only reserved, as no page of it is touched.
_SPARE: Final = 0.5


def build(snapshots: Sequence[Snapshot]) -> pd.DataFrame:
    """One time-ordered table of the rows of several stores.

    Parameters
    ----------
    snapshots : one per store; none gives the empty table.

    Returns
    -------
    DataFrame with the columns of `messages.SCHEMA`, in order of `time` (rows of equal time keep the order in which
    they were written), index 0 to n - 1. It shares nothing but the payload bytes with the stores.
    """
    return _table(Growing(snapshots, spare=0.0))


def empty() -> pd.DataFrame:
    """Return a table with the columns and dtypes of a capture, and no rows."""
    return build(())


class Builder:
    """Builds tables of the same stores again and again, each time only what is new.

    As long as somebody holds the last table, the next one shares its columns and adds the new rows behind them; when
    nobody does, their memory is given back. Tables are independent all the same: they can be changed like any other,
    pandas copying a column first. Before pandas 3 it does not, and every table is made anew.

    Safe to use from any thread.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last: weakref.ref[Growing] | None = None

    def build(self, snapshots: Sequence[Snapshot]) -> pd.DataFrame:
        """Return the same table as the function `build`."""
        if not COPY_ON_WRITE:
            return build(snapshots)
        with self._lock:
            growing = self._last() if self._last else None
            if growing is not None and growing.continues_with(snapshots):
                growing.add(snapshots)
            else:
                growing = Growing(snapshots, spare=_SPARE)
                self._last = weakref.ref(growing)
            return _table(growing)


def _table(growing: Growing) -> pd.DataFrame:
    """Return the rows as they are now, in a frame that may be changed."""
    if not COPY_ON_WRITE:
        return _frame(growing, shared=False)
    # A second frame over the same columns is what makes pandas copy before it writes, so it lives as long.
    hidden = _frame(growing, shared=True)
    table = hidden.copy(deep=False)
    weakref.finalize(table, _let_go, growing, hidden).atexit = False
    return table


def _let_go(_growing: Growing, _hidden: pd.DataFrame) -> None:
    """Do nothing: the arguments have been kept alive until now."""


def _frame(growing: Growing, *, shared: bool) -> pd.DataFrame:
    def column(name: str) -> Array:
        values = growing.column(name).view()
        values.flags.writeable = not shared
        return values

    def category(name: str, categories: Sequence[str] | None = None) -> pd.Categorical:
        dtype = FIXED[name] if categories is None else text_categories(categories)
        return pd.Categorical.from_codes(column(name), dtype=dtype, validate=False)

    size = column("size")
    bases = np.arange(len(growing.arenas) + 1, dtype=np.int64) << ARENA_SHIFT
    return pd.DataFrame(
        {
            "time": pd.DatetimeIndex(column("time_ns").view("datetime64[ns]"), tz="UTC", copy=False),
            "time_source": category("time_source"),
            "endpoint": category("endpoint", list(growing.endpoints)),
            "peer": category("peer", list(growing.peers)),
            "direction": category("direction"),
            "event": category("event"),
            "kind": category("kind"),
            "framing": category("word", list(growing.words)),
            "size_bytes": size,
            "wire_bytes": column("wire"),
            "payload": PayloadArray(
                growing.arenas, column("address"), size if shared else size.copy(), bases=bases
            ),
            **_facts(growing, shared=shared),
        },
        copy=False,
    )


def _facts(growing: Growing, *, shared: bool) -> dict[str, Any]:
    """The columns behind the payload; out of nearly no memory where no row has a fact."""
    rows = growing.count
    if growing.facts is not None:
        found = {name: values[:rows] for name, values in growing.facts.items()}
    elif shared:
        found = {
            name: np.broadcast_to(dtype(fill), rows)
            for name, (dtype, fill) in FACTS.items()
            if name != "detail"
        }
    else:
        found = no_facts(rows)
    detail = (
        _BLANKS.first(rows) if "detail" not in found else pd.array(found["detail"], dtype=STRING, copy=False)
    )
    if shared:
        for values in found.values():
            values.flags.writeable = False
    return {
        **{
            name: pd.Categorical.from_codes(found[name], dtype=FIXED[name], validate=False)
            for name in ("reason", "by")
        },
        "code": pd.arrays.IntegerArray(found["code"], found["no_code"], copy=False),
        "count": pd.arrays.IntegerArray(found["count"], found["no_count"], copy=False),
        "detail": detail,
    }


class _Blanks:
    """Columns of empty texts out of nearly no memory: every element is the same one.

    pandas checks each element of a text column that is made, but not those of a part of one.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._column = self._make(0)

    @staticmethod
    def _make(count: int) -> Any:
        texts = np.lib.stride_tricks.as_strided(np.array([""], object), (count,), (0,))
        column = pd.array(texts, dtype=STRING, copy=False)
        texts.flags.writeable = False
        return column

    def first(self, count: int) -> Any:
        """Return `count` empty texts, read-only."""
        with self._lock:
            if count > len(self._column):
                self._column = self._make(max(count, 2 * len(self._column)))
            return self._column[:count]


_BLANKS: Final = _Blanks()
