"""Rows of the table collected column by column; what a hostile file makes of them stays in proportion to its size."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from gdlab.facts import Fact
from gdlab.files import kinds
from gdlab.files import to_schema as conform
from gdlab.messages import Direction, Event, Kind, TimeSource
from gdlab.payloads import Int64, PayloadArray
from gdlab.words import sentence


class Note(NamedTuple):
    """What a row has behind its payload."""

    reason: str
    by: str
    code: int | None
    count: int | None  # type: ignore[assignment]  # of a tuple, which no note needs
    detail: str
    framing: str = ""

    @classmethod
    def of(cls, fact: Fact) -> Note:
        """What a row with this fact has."""
        return cls(fact.reason, fact.by, fact.code, fact.count, sentence(fact))


class Rows:
    """Rows so far.

    Payloads are positions in `data`, and behind its end in what `add_bytes` has taken.
    """

    def __init__(self, data: bytes, joined: Sequence[bytes] = ()) -> None:
        self._data = data
        self._joined = list(joined)
        self._end = len(data) + sum(map(len, joined))
        self._orders: dict[str, dict[str, int]] = {
            name: conform.fixed_order(name) | ({"": 0} if name == "framing" else {})
            for name in conform.CATEGORICAL
        }
        self._parts: list[dict[str, Any]] = []
        self._notes: dict[int, Note] = {}
        self._rows = 0

    def __len__(self) -> int:
        return self._rows

    def add_bytes(self, payload: bytes) -> int:
        """Keep bytes that do not stand in the file; gives their position."""
        at = self._end
        self._joined.append(payload)
        self._end += len(payload)
        return at

    def code(self, column: str, text: str) -> int:
        """The category of a text."""
        order = self._orders[column]
        return order.setdefault(text, len(order))

    def add(
        self,
        time_ns: Int64,
        start: Int64,
        size: Int64,
        wire: Int64,
        *,
        endpoint: Any,
        peer: Any,
        outgoing: Any,
        order: Any,
        within: Any = 0,
        event: Event = Event.MESSAGE,
        kind: Any = -1,
        time_source: Any = None,
        notes: Mapping[int, Note] | None = None,
    ) -> None:
        """Rows; single values hold for all.

        Parameters
        ----------
        endpoint, peer : categories, see `code`.
        order, within : which of rows of equal time comes first: the packet's number, and a number among its rows.
        kind : categories, -1 to guess it.
        notes : by position among these rows.
        """
        rows = len(time_ns)
        time_source = self.code("time_source", TimeSource.KERNEL) if time_source is None else time_source
        into, out = self.code("direction", Direction.IN), self.code("direction", Direction.OUT)
        codes: dict[str, Any] = {
            "endpoint": endpoint,
            "peer": peer,
            "direction": np.where(outgoing, out, into),
            "event": self.code("event", event),
            "kind": kind,
            "time_source": time_source,
            "reason": 0,
            "by": 0,
            "framing": 0,
        }
        self._parts.append(
            {name: np.broadcast_to(np.asarray(values, np.int32), rows) for name, values in codes.items()}
            | {"time": time_ns, "start": start, "size": size, "wire": wire}
            | {
                name: np.broadcast_to(np.asarray(values, np.int64), rows)
                for name, values in (("order", order), ("within", within))
            }
        )
        for row, note in (notes or {}).items():
            self._notes[self._rows + row] = note
        self._rows += rows

    def some(self, first: int, last: int) -> Rows:
        """The rows of the packets from `first` to before `last`, with payloads of their own."""
        made = Rows(b"")
        made._orders = self._orders
        joined, size = b"".join(self._joined), len(self._data)
        payloads: list[bytes] = []
        position, before, at = 0, 0, 0
        for part in self._parts:
            chosen = np.flatnonzero((part["order"] >= first) & (part["order"] < last))
            mine = {name: values[chosen] for name, values in part.items()}
            mine["start"] = at + np.cumsum(mine["size"]) - mine["size"]
            for start, length in zip(part["start"][chosen].tolist(), mine["size"].tolist(), strict=True):
                stop = start + length
                payloads.append(
                    self._data[start:stop] if start < size else joined[start - size : stop - size]
                )
            at += int(mine["size"].sum())
            made._parts.append(mine)
            for row, number in enumerate((chosen + before).tolist()):
                if number in self._notes:
                    made._notes[position + row] = self._notes[number]
            position += len(chosen)
            before += len(part["order"])
        made._rows = position
        made._joined = [b"".join(payloads)]
        return made

    def keys(self) -> list[Int64]:
        """What rows are in order of in `table`; the last counts most."""
        columns = [
            np.concatenate([part[name] for part in self._parts]) if self._parts else np.empty(0, np.int64)
            for name in ("within", "order", "time")
        ]
        order = np.lexsort(columns)
        return [column[order] for column in columns]

    def table(self) -> pd.DataFrame:
        """All rows, in order of time."""

        def column(name: str, dtype: Any = np.int64) -> Any:
            return np.concatenate([part[name] for part in self._parts]) if self._parts else np.empty(0, dtype)

        sizes = column("size")
        arenas = [np.frombuffer(part, np.uint8) for part in (self._data, b"".join(self._joined)) if part]
        payloads = PayloadArray(arenas, column("start"), sizes)
        details = np.full(self._rows, "", object)
        told = {name: column(name, np.int32).copy() for name in ("reason", "by", "framing")}
        numbers: dict[str, tuple[Any, Any]] = {
            "code": (np.zeros(self._rows, np.int32), np.ones(self._rows, np.bool_)),
            "count": (np.zeros(self._rows, np.int64), np.ones(self._rows, np.bool_)),
        }
        for row, note in self._notes.items():
            details[row] = note.detail
            told["reason"][row], told["by"][row] = self.code("reason", note.reason), self.code("by", note.by)
            told["framing"][row] = self.code("framing", note.framing)
            for name, value in (("code", note.code), ("count", note.count)):
                if value is not None:
                    numbers[name][0][row], numbers[name][1][row] = value, False
        kind = column("kind", np.int32).copy()
        unknown = np.flatnonzero(kind < 0)
        text = np.empty(len(unknown), np.bool_)
        starts, base = column("start")[unknown], 0
        for arena in arenas:
            mine = np.flatnonzero((starts >= base) & (starts < base + len(arena)) | (sizes[unknown] == 0))
            text[mine] = kinds.are_text(arena, starts[mine] - base, sizes[unknown][mine])
            base += len(arena)
        kind[unknown] = np.where(text, self.code("kind", Kind.TEXT), self.code("kind", Kind.BINARY))
        columns: dict[str, Any] = {
            "time": pd.DatetimeIndex(column("time").view("datetime64[ns]"), tz="UTC"),
            "size_bytes": sizes,
            "wire_bytes": column("wire"),
            "payload": payloads,
            **{name: pd.arrays.IntegerArray(*parts) for name, parts in numbers.items()},
            "detail": pd.array(details, dtype=pd.StringDtype("python")),
        }
        for name in conform.CATEGORICAL:
            codes = kind if name == "kind" else told[name] if name in told else column(name, np.int32)
            columns[name] = conform.categorical(codes, self._orders[name])
        table = pd.DataFrame(columns, copy=False)[list(conform.NAMES)]
        keys = [column("within"), column("order"), column("time")]
        return table if _are_sorted(keys) else table.take(np.lexsort(keys)).reset_index(drop=True)


def _are_sorted(keys: list[Int64]) -> bool:
    """Whether rows stand in the order of their keys, of which the last counts most."""
    later = np.zeros(max(len(keys[0]) - 1, 0), np.bool_)
    for key in keys:
        later = (key[1:] < key[:-1]) | ((key[1:] == key[:-1]) & later)
    return not later.any()
