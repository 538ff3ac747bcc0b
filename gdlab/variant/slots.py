"""The columns of one slot of a layout, read from blocks of payloads side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from gdlab.variant.flatten import path_name
from gdlab.variant.kinds import Type
from gdlab.variant.packed import PACKED
from gdlab.variant.records import StringName
from gdlab.variant.wire import FIXED

if TYPE_CHECKING:
    from gdlab.variant.layout import Slot

Block = npt.NDArray[np.uint8]

_DTYPES: Final = {"i": "<i4", "q": "<i8", "f": "<f4", "d": "<f8", "I": "<u4"}
_COLUMN_DTYPES: Final[dict[str, Any]] = {
    "i": np.int64,
    "q": np.int64,
    "I": np.bool_,
    "f": np.float64,
    "d": np.float64,
}


class SlotColumns:
    """Columns of a slot: one, or one for each component.

    Parameters
    ----------
    slot : where the values lie.
    rows : how many there are at most.
    """

    def __init__(self, slot: Slot, rows: int) -> None:
        self.slot = slot
        dtype = _COLUMN_DTYPES.get(slot.code, object)
        self.arrays: list[npt.NDArray[Any]] = [
            np.empty(rows, dtype) for _ in range(slot.count if slot.code in _DTYPES else 1)
        ]
        self._known: dict[bytes, Any] = {}

    def read(
        self, block: Block, rows: npt.NDArray[np.int64] | None, careful: npt.NDArray[np.bool_]
    ) -> list[npt.NDArray[Any]]:
        """The values of some rows (None: all) of a block, ``(n, bytes)``.

        Marks in `careful`, which has one element for each of them, the ones that need the row decoder.
        """
        slot = self.slot
        raw = block[:, slot.offset : slot.offset + slot.size]
        if slot.code in _DTYPES:
            values = raw.view(_DTYPES[slot.code])
            columns = [values[:, component] for component in range(slot.count)]
            return columns if rows is None else [column[rows] for column in columns]
        if slot.code == "x":
            return [_arrays(slot, raw if rows is None else raw[rows])]
        if rows is None and len(block) and slot.size % 4 == 0 and slot.size and self._uniform(raw):
            value = self._known_value(raw[0].tobytes())
            if value is not None:
                return [np.broadcast_to(np.array([value], object), len(block))]
        return [self._texts(raw if rows is None else raw[rows], careful)]

    @staticmethod
    def _uniform(raw: Block) -> bool:
        """Whether all rows have the same bytes, a multiple of four."""
        words = raw.view("<u4")
        return all(bool((words[:, at] == words[0, at]).all()) for at in range(words.shape[1]))

    def store(self, values: list[npt.NDArray[Any]], at: int) -> None:
        """Put the values of a block into the columns, from position `at` on."""
        with np.errstate(invalid="ignore"):  # widening a signalling NaN
            for array, part in zip(self.arrays, values, strict=True):
                array[at : at + len(part)] = part

    def named(self, rows: int) -> list[tuple[str, Type, npt.NDArray[Any]]]:
        """Name, type and values of each column, cut to the rows that were stored."""
        name = path_name(self.slot.path)
        arrays = [array[:rows] for array in self.arrays]
        fixed = FIXED.get(self.slot.kind)
        if fixed is None:
            return [(name, self.slot.kind, arrays[0])]
        part = Type.FLOAT if fixed.code == "f" else Type.INT
        return [(f"{name}.{field}", part, array) for field, array in zip(fixed.fields, arrays, strict=True)]

    def _texts(self, raw: Block, careful: npt.NDArray[np.bool_]) -> npt.NDArray[np.object_]:
        """Text or bytes of the rows; each distinct one is decoded once."""
        codes, firsts = _distinct(raw)
        found = np.empty(len(firsts), object)
        for code, row in enumerate(firsts.tolist()):
            item = raw[row].tobytes()
            value = self._known_value(item)
            if value is None:
                careful |= codes == code
                continue
            found[code] = value
        return found[codes]

    def _known_value(self, item: bytes) -> Any:
        """What the bytes stand for, the same object for the same bytes; None as `_value` gives it."""
        value = self._known.get(item)
        if value is None:
            value = self._value(item)
            if value is not None and len(self._known) < _MAX_KNOWN:
                self._known[item] = value
        return value

    def _value(self, item: bytes) -> Any:
        """What the bytes stand for; None where the row decoder has to look (NUL, byte order mark, ...)."""
        kind = self.slot.kind
        if kind is Type.PACKED_BYTE_ARRAY:
            return item
        if b"\0" in item or item[:1] >= b"\xef":
            return None
        try:
            text = item.decode()
        except UnicodeDecodeError:
            return None
        return StringName(text) if kind is Type.STRING_NAME else text


#: Texts remembered for one slot, so that equal ones share an object.
_MAX_KNOWN: Final = 65536


def _distinct(raw: Block) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """A number for each row such that equal rows have equal numbers, and one row of each number."""
    import pandas as pd

    count, size = raw.shape
    if size == 0:
        return np.zeros(count, np.int64), np.zeros(min(count, 1), np.int64)
    if (raw == raw[:1]).all():
        return np.zeros(count, np.int64), np.zeros(min(count, 1), np.int64)
    words = np.zeros((count, -(-size // 8) * 8), np.uint8)
    words[:, :size] = raw
    wide = words.view("<u8")
    mixed = wide[:, 0].copy()
    for column in range(1, wide.shape[1]):
        mixed *= _FACTOR
        mixed ^= mixed >> np.uint64(29)
        mixed += wide[:, column]
    codes, values = pd.factorize(mixed)
    firsts = np.full(len(values), count, np.int64)
    np.minimum.at(firsts, codes, np.arange(count))
    if wide.shape[1] > 1 and (wide[firsts][codes] != wide).any():  # a sender can make the mixture collide
        return np.arange(count), np.arange(count)
    return codes, firsts


_FACTOR: Final = np.uint64(0x9E3779B97F4A7C15)


def _arrays(slot: Slot, raw: Block) -> npt.NDArray[np.object_]:
    """Packed arrays of the rows, read-only copies."""
    cls = PACKED[slot.kind]
    copy = raw.tobytes()
    components = cls.columns or 1
    scalar = np.dtype("<f8") if slot.wide and cls.has_double() else cls.scalar
    count = slot.size // (scalar.itemsize * components)
    shape = (count, cls.columns) if cls.columns else (count,)
    out = np.empty(len(raw), object)
    for row in range(len(raw)):
        out[row] = np.ndarray.__new__(cls, shape, scalar, copy, row * slot.size)
    return out
