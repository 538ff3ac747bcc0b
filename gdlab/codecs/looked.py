"""What decoding looks at in the rows of a table, and whether they are those of another table and some more."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from gdlab.codecs.codec import ANY, BINARY, TEXT, Kinds
from gdlab.facts import Reason
from gdlab.messages import Event, Kind
from gdlab.payloads import PayloadArray

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Choice:
    """Which rows of a text column hold one of some values.

    Attributes
    ----------
    codes : (n,) what stands in each row. chosen : (k,) bool, whether the code is one of those; the last for -1.
    """

    codes: npt.NDArray[Any]
    chosen: Mask

    @classmethod
    def of(cls, column: pd.Series, *values: str) -> Choice:
        """The rows that hold one of these values."""
        if isinstance(column.dtype, pd.CategoricalDtype):
            return cls.where(column, column.cat.categories.isin(values))
        return cls(np.asarray(column.isin(values), np.bool_).astype(np.int8), np.array([False, True, False]))

    @classmethod
    def where(cls, column: pd.Series, chosen: Any) -> Choice:
        """The rows of a column of categories, of which some are chosen."""
        # By the array: a Series of the codes would be a copy of them.
        codes: Any = column.array
        return cls(codes.codes, np.append(np.asarray(chosen, np.bool_), False))

    def rows(self, start: int) -> Mask:
        """(n - start,) bool, which of the rows from `start` on hold one."""
        rows: Mask = self.chosen[self.codes[start:]]
        return rows

    def continues(self, other: Choice) -> bool:
        """Whether the other's rows are the first of these."""
        known = len(other.chosen) - 1
        return (
            len(self.chosen) > known
            and np.array_equal(self.chosen[:known], other.chosen[:known])
            and begins_with(self.codes, other.codes)
        )


class Looked:
    """The rows of a table as decoding sees them.

    Parameters
    ----------
    table : with the column `payload`; may have others of a capture. Rows are told apart by `time` and by size.
    probes : whether our own pings, and what answered them, are decoded.
    """

    def __init__(self, table: pd.DataFrame, *, probes: bool) -> None:
        self.payloads = _payloads(table["payload"])
        self._times = _times(table)
        self._choices: dict[str, Choice] = {}
        if "event" in table.columns:
            self._choices["message"] = Choice.of(table["event"], Event.MESSAGE)
        if "reason" in table.columns and not probes:
            self._choices["probe"] = Choice.of(table["reason"], Reason.PROBE)
        if "kind" in table.columns and "endpoint" in table.columns:
            # WebSocket tells the kind; for other transports it is a guess.
            endpoints = table["endpoint"]
            if not isinstance(endpoints.dtype, pd.CategoricalDtype):
                endpoints = endpoints.astype("category")
            names = endpoints.cat.categories.astype(str)
            self._choices["told"] = Choice.where(endpoints, names.str.startswith(("ws://", "wss://")))
            self._choices["text"] = Choice.of(table["kind"], Kind.TEXT)
            self._choices["binary"] = Choice.of(table["kind"], Kind.BINARY)

    def __len__(self) -> int:
        return len(self.payloads)

    def continues(self, other: Looked) -> bool:
        """Whether the other's rows are the first of these."""
        return (
            len(other) <= len(self)
            and len(other._times) in (0, len(other))
            and begins_with(self._times, other._times)
            and begins_with(self.payloads.sizes, other.payloads.sizes)
            and self._choices.keys() == other._choices.keys()
            and all(choice.continues(other._choices[name]) for name, choice in self._choices.items())
        )

    def wanted(self, start: int) -> Mask:
        """(n - start,) bool, which of the rows from `start` on are decoded."""
        wanted: Mask = self.payloads.sizes[start:] >= 0
        if "message" in self._choices:
            wanted &= self._choices["message"].rows(start)
        if "probe" in self._choices:
            wanted &= ~self._choices["probe"].rows(start)
        return wanted

    def kinds(self, start: int) -> Kinds:
        """(n - start,) what WebSocket says of the rows from `start` on."""
        kinds = np.full(len(self) - start, ANY, np.int8)
        if "told" in self._choices and self._choices["told"].chosen.any():
            told = self._choices["told"].rows(start)
            kinds[told & self._choices["text"].rows(start)] = TEXT
            kinds[told & self._choices["binary"].rows(start)] = BINARY
        return kinds


def begins_with(array: npt.NDArray[Any], beginning: npt.NDArray[Any]) -> bool:
    """Whether an array begins with these elements; at once where they are the same memory, which cannot change."""
    if not len(beginning):
        return True
    if len(beginning) > len(array):
        return False
    if array.strides == beginning.strides == (0,):
        return bool(array[0] == beginning[0])
    return (
        array.ctypes.data == beginning.ctypes.data
        and array.strides == beginning.strides
        and array.dtype == beginning.dtype
        and not (array.flags.writeable or beginning.flags.writeable)
    ) or np.array_equal(array[: len(beginning)], beginning)


def _times(table: pd.DataFrame) -> npt.NDArray[np.int64]:
    """When each row was; rows of the same times are the same rows. Empty where the table has no times."""
    if "time" not in table.columns:
        return np.empty(0, np.int64)
    return table["time"].to_numpy(dtype="datetime64[ns]").view(np.int64)


def _payloads(column: pd.Series) -> PayloadArray:
    array = column.array
    return array if isinstance(array, PayloadArray) else PayloadArray._from_sequence(list(column))
