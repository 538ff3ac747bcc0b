"""Whole columns of payloads at once: typed numpy and pandas columns, without a Python object per message.

Payloads of the same length and the same constant words (a layout) are verified word by word in blocks and
read by strided views; payloads that have no layout are decoded one by one. Both ways give the same columns.

What a column holds, by the types its name has in all the rows:

=====================================  ==================================================================
int only                               int64; ``Int64`` of pandas, which can miss values, where rows lack it
float only, or float and int           float64, NaN where rows lack it; object where an int is beyond 2**53
bool only                              bool; ``boolean`` of pandas where rows lack it
everything else, or a mixture          object: the values as `loads` gives them, None where rows lack it
=====================================  ==================================================================

A row lacks a column where its message has no such key, where the value there is nil, or where the payload is
no Variant; `Columns.errors` tells the last from the others. 32-bit reals are widened, so all reals are
float64.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from gdlab.errors import VariantDecodeError
from gdlab.variant.codec import Decoder
from gdlab.variant.flatten import MAX_SPREAD, spread
from gdlab.variant.kinds import Type
from gdlab.variant.layout import MAX_BYTES, Layout, sketch
from gdlab.variant.slots import SlotColumns

if TYPE_CHECKING:
    import pandas as pd

#: Messages verified and read at a time; a block of them stays in the processor's cache.
BLOCK: Final = 16384
#: Layouts tried for one length before the rest of its payloads is decoded one by one.
MAX_LAYOUTS: Final = 32
#: Fewer payloads than this are decoded one by one: preparing costs more than it saves.
MIN_GROUP: Final = 8
_EXACT_INT: Final = 1 << 53

Integers = npt.NDArray[np.int64]


@dataclass(slots=True)
class Columns:
    """What `decode_columns` found.

    Attributes
    ----------
    columns : by name, such as ``v.pos.x``, in the order of their first appearance by group; each of length
    `rows`.
    errors : message of the decoder by row, for the payloads that are not Variants.
    rows : number of payloads.
    left_out : names beyond `max_columns`, which got no column.
    by_row : number of payloads that no layout fitted, and that were decoded one by one.
    """

    rows: int
    columns: dict[str, Any] = field(default_factory=dict)
    errors: dict[int, str] = field(default_factory=dict)
    left_out: set[str] = field(default_factory=set)
    by_row: int = 0

    def to_dataframe(self, index: Any = None) -> pd.DataFrame:
        """The columns as a DataFrame, without a copy."""
        import pandas as pd

        if index is None:
            index = pd.RangeIndex(self.rows)
        # Declared as objects, or pandas would look at each of them to find out whether all are strings.
        series = {
            name: pd.Series(column, index, column.dtype, copy=False) for name, column in self.columns.items()
        }
        return pd.DataFrame(series, index=index, copy=False)


@dataclass(slots=True)
class _Part:
    """Values of one column in some of the rows; `rows` None means all of them, in order."""

    rows: Integers | None
    kind: Type
    array: Any


def decode_columns(
    buffer: Any,
    offsets: npt.ArrayLike,
    lengths: npt.ArrayLike,
    *,
    full_objects: bool = False,
    max_columns: int = 256,
    layouts: bool = True,
) -> Columns:
    """Decode a column of payloads into typed columns.

    Parameters
    ----------
    buffer : bytes-like or uint8 array that holds all payloads; not changed, and not referred to afterwards.
    offsets, lengths : ``(n,)`` integers, where each payload begins and how long it is; they may overlap.
    full_objects : read whole objects as inert records.
    max_columns : names beyond this many get no column; a sender could otherwise make one for each message.
    layouts : False decodes every payload one by one, which is the reference.

    Raises
    ------
    ValueError : offsets and lengths differ in shape, or point outside the buffer.
    """
    data = (
        np.frombuffer(buffer, np.uint8)
        if not isinstance(buffer, np.ndarray)
        else buffer.view(np.uint8).ravel()
    )
    starts = np.ascontiguousarray(offsets, np.int64)
    sizes = np.ascontiguousarray(lengths, np.int64)
    if starts.ndim != 1 or starts.shape != sizes.shape:
        raise ValueError(
            f"offsets {starts.shape} and lengths {sizes.shape} must both be (n,), one for each payload"
        )
    if starts.size and (starts.min() < 0 or sizes.min() < 0 or (starts + sizes).max() > data.size):
        raise ValueError(f"a payload lies outside of the buffer's {data.size} bytes")
    reader = _Reader(data, starts, sizes, Columns(starts.size), max_columns)
    rest = reader.by_layout() if layouts else np.arange(starts.size)
    reader.one_by_one(rest, full_objects)
    return reader.finish()


class _Reader:
    """The state of one `decode_columns`."""

    def __init__(
        self,
        data: npt.NDArray[np.uint8],
        starts: Integers,
        sizes: Integers,
        result: Columns,
        max_columns: int,
    ) -> None:
        self.data = np.ascontiguousarray(data)
        self.starts = starts
        self.sizes = sizes
        self.result = result
        self.max_columns = max_columns
        self.parts: dict[str, list[_Part]] = {}

    def room(self, name: str) -> bool:
        """Whether there is a column of that name, or may be one."""
        if name not in self.parts:
            if len(self.parts) >= self.max_columns:
                if len(self.result.left_out) < self.max_columns:
                    self.result.left_out.add(name)
                return False
            self.parts[name] = []
        return True

    def payload(self, row: int) -> bytes:
        """The bytes of one payload."""
        start = self.starts[row]
        return self.data[start : start + self.sizes[row]].tobytes()

    def by_layout(self) -> Integers:
        """Read all rows that share a layout; gives the others."""
        if not self.starts.size:
            return np.arange(0)
        left: list[Integers] = []
        if self.sizes[0] == self.sizes[-1] and (self.sizes == self.sizes[0]).all():
            groups = [np.arange(self.sizes.size)]
        else:
            # 16-bit integers are sorted by radix, ten times faster.
            keys = self.sizes.astype(np.uint16) if self.sizes.max() < 1 << 16 else self.sizes
            order = np.argsort(keys, kind="stable")
            groups = np.split(order, np.flatnonzero(np.diff(self.sizes[order])) + 1)
        for rows in groups:
            size = int(self.sizes[rows[0]])
            tries = 0
            while rows.size >= MIN_GROUP and size <= MAX_BYTES and tries < MAX_LAYOUTS:
                tries += 1
                layout = self._layout(rows)
                if layout is None:
                    left.append(rows[:1])
                    rows = rows[1:]
                    continue
                rows = self._read(layout, rows, left)
            left.append(rows)
        return np.sort(np.concatenate(left)) if left else np.arange(0)

    def _layout(self, rows: Integers) -> Layout | None:
        """The layout of the first row, if its columns are those of `spread`."""
        layout = sketch(self.payload(int(rows[0])))
        if layout is None:
            return None
        root = layout.tree
        if isinstance(root, list):
            return None if len(root) > MAX_SPREAD or any(map(_has_array, root)) else layout
        return None if _has_array(root) else layout

    def _read(self, layout: Layout, rows: Integers, left: list[Integers]) -> Integers:
        """Read the rows of this layout; gives those of another one; adds to `left` what needs care."""
        width = layout.size + 3 & ~3
        checks = _Checks(layout, width)
        slots = [SlotColumns(slot, rows.size) for slot in layout.slots]
        taken: list[Integers] = []
        others: list[Integers] = []
        filled = 0
        for at in range(0, rows.size, BLOCK):
            chosen = rows[at : at + BLOCK]
            block = self._block(chosen, layout.size, width)
            fits = checks.passed(block)
            fitting = None
            if not fits.all():
                others.append(chosen[~fits])
                fitting = np.flatnonzero(fits)
                chosen = chosen[fitting]
            careful = np.zeros(len(chosen), bool)
            values = [slot.read(block, fitting, careful) for slot in slots]
            if careful.any():
                left.append(chosen[careful])
                chosen = chosen[~careful]
                values = [[array[~careful] for array in arrays] for arrays in values]
            for slot, arrays in zip(slots, values, strict=True):
                slot.store(arrays, filled)
            filled += len(chosen)
            taken.append(chosen)
        matched = np.concatenate(taken)
        for slot in slots:
            for name, kind, array in slot.named(filled):
                if self.room(name):
                    everything = filled == self.starts.size
                    self.parts[name].append(_Part(None if everything else matched, kind, array))
        return np.concatenate(others) if others else rows[:0]

    def _block(self, rows: Integers, size: int, width: int) -> npt.NDArray[np.uint8]:
        """The payloads of some rows side by side, ``(n, width)``; the padding to whole words is zero."""
        starts = self.starts[rows]
        step = int(starts[1] - starts[0]) if rows.size > 1 else size
        even = size == width and step >= size and starts[0] + step * rows.size <= self.data.size
        if even and (rows.size < 2 or (np.diff(starts) == step).all()) and step % 4 == 0:
            first = self.data[starts[0] :]
            if first.ctypes.data % 4 == 0:  # a view: nothing is copied
                return np.lib.stride_tricks.as_strided(first, (rows.size, size), (step, 1), writeable=False)
        # Every place a payload could begin at, as one element each: taking some copies each of them in one
        # go.
        windows: npt.NDArray[Any] = np.ndarray(
            (self.data.size - size + 1,), np.dtype((np.void, size)), self.data, strides=(1,)
        )
        taken = windows[starts].view(np.uint8).reshape(rows.size, size)
        if size == width:
            return taken
        block = np.zeros((rows.size, width), np.uint8)
        block[:, :size] = taken
        return block

    def one_by_one(self, rows: Integers, full_objects: bool) -> None:
        """Decode rows with the row decoder."""
        decoder = Decoder(full_objects=full_objects)
        found: dict[tuple[str, Type], tuple[list[int], list[Any]]] = {}
        self.result.by_row = rows.size
        for row in rows.tolist():
            try:
                value = decoder.loads(self.payload(row))
            except VariantDecodeError as error:
                self.result.errors[row] = str(error)
                continue
            for name, kind, item in spread(value):
                if self.room(name):
                    at, items = found.setdefault((name, kind), ([], []))
                    at.append(row)
                    items.append(item)
        for (name, kind), (at, items) in found.items():
            self.parts[name].append(_Part(np.array(at, np.int64), kind, _objects(items)))

    def finish(self) -> Columns:
        """All parts put together."""
        for name, parts in self.parts.items():
            self.result.columns[name] = _column(parts, self.result.rows)
        return self.result


def _has_array(node: Any) -> bool:
    """Whether there is an Array, which is not spread, in a layout's tree."""
    return isinstance(node, list) or (isinstance(node, dict) and any(map(_has_array, node.values())))


class _Checks:
    """The constant words of a layout, compared column by column; two of them in one go where they are aligned."""

    def __init__(self, layout: Layout, width: int) -> None:
        mask = bytes(layout.mask).ljust(width, b"\0")
        constant = bytes(layout.constant).ljust(width, b"\0")
        self._single = self._of("<u4", mask, constant)
        self._double: list[tuple[str, int, Any, Any]] = []
        if width % 8 == 0:
            pairs = self._of("<u8", mask, constant)
            self._double = [check for check in pairs if check[2] is None]
            covered = {2 * at + half for _, at, _, _ in self._double for half in (0, 1)}
            self._double += [check for check in self._single if check[1] not in covered]

    @staticmethod
    def _of(dtype: str, mask: bytes, constant: bytes) -> list[tuple[str, int, Any, Any]]:
        """Of each word with constant bits: dtype, position, mask or None for all bits, what it has to be."""
        bits, expected = np.frombuffer(mask, dtype), np.frombuffer(constant, dtype)
        full = np.iinfo(dtype).max
        return [
            (dtype, int(at), None if bits[at] == full else bits[at], expected[at])
            for at in np.flatnonzero(bits)
        ]

    def passed(self, block: npt.NDArray[np.uint8]) -> npt.NDArray[np.bool_]:
        """Which payloads of a block have the constant words."""
        aligned = block.strides[0] % 8 == 0 and block.ctypes.data % 8 == 0
        fits = np.ones(len(block), bool)
        views = {"<u4": block.view("<u4")}
        checks = self._single
        if aligned and self._double:
            checks = self._double
            views["<u8"] = block.view("<u8")
        for dtype, column, bits, expected in checks:
            word = views[dtype][:, column]
            fits &= (word if bits is None else word & bits) == expected
        return fits


def _objects(items: list[Any]) -> npt.NDArray[np.object_]:
    """An object array whose elements may be sequences."""
    array = np.empty(len(items), object)
    for index, item in enumerate(items):
        array[index] = item
    return array


def _column(parts: list[_Part], rows: int) -> Any:
    """One column of the parts that were found for it."""
    kinds = {part.kind for part in parts}
    if len(parts) == 1 and parts[0].rows is None and kinds <= {Type.INT, Type.FLOAT, Type.BOOL}:
        return parts[0].array
    present = np.zeros(rows, bool)
    for part in parts:
        present[_at(part)] = True
    if kinds == {Type.INT}:
        return _filled(parts, np.zeros(rows, np.int64), present, "IntegerArray")
    if kinds == {Type.BOOL}:
        return _filled(parts, np.zeros(rows, np.bool_), present, "BooleanArray")
    if kinds <= {Type.INT, Type.FLOAT} and not any(_beyond_float(part) for part in parts):
        out = np.full(rows, np.nan)
        for part in parts:
            out[_at(part)] = part.array
        return out
    values = np.empty(rows, object)
    for part in parts:
        values[_at(part)] = part.array if part.array.dtype == object else _objects(part.array.tolist())
    return values


def _at(part: _Part) -> Any:
    return slice(None) if part.rows is None else part.rows


def _filled(parts: list[_Part], out: npt.NDArray[Any], present: npt.NDArray[np.bool_], masked: str) -> Any:
    for part in parts:
        out[_at(part)] = part.array
    if present.all():
        return out
    import pandas as pd

    return getattr(pd.arrays, masked)(out, ~present)


def _beyond_float(part: _Part) -> bool:
    """Whether a part has integers that a float64 would round."""
    if part.kind is not Type.INT or not len(part.array):
        return False
    return int(max(part.array)) > _EXACT_INT or int(min(part.array)) < -_EXACT_INT
