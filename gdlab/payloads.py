"""A pandas column of payload bytes that makes no Python object before one is asked for.

A million captured messages must not become a million `bytes` objects when a table is built. `PayloadArray` keeps
what the store has: a few arenas (arrays of bytes) and, for each row, an address and a size. Elements come out as
`bytes`; missing ones, which a capture never has but a reindexed table may, as `pandas.NA`.
"""

from __future__ import annotations

import builtins
import sys
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd
from pandas.api.extensions import ExtensionArray, ExtensionDtype, register_extension_dtype, take

from gdlab.packed import packed

Int64: TypeAlias = npt.NDArray[np.int64]
UInt8: TypeAlias = npt.NDArray[np.uint8]

_PACKED_BYTES = 2**31  # what `packed` can address
_MISSING = -1  # the size that stands for NA: no payload is shorter than empty
_AT_ONCE = 1 << 20  # bytes that are gathered at a time


@register_extension_dtype
class PayloadDtype(ExtensionDtype):
    """The dtype `payload`: bytes of any length."""

    name = "payload"
    type = bytes
    kind = "O"
    na_value = pd.NA
    _is_immutable = True

    def __str__(self) -> str:
        # DuckDB goes by this text, asks from C, and refuses what it does not know; as objects it takes the payloads,
        # which they are when asked for. pandas and pyarrow keep the name, by which the type comes back from files.
        asking = sys._getframe(1).f_globals.get("__name__", "").partition(".")[0]
        return "object" if "duckdb" in sys.modules and asking not in {"pandas", "pyarrow"} else self.name

    @classmethod
    def construct_array_type(cls) -> builtins.type[PayloadArray]:
        """Return the array that holds this dtype."""
        return PayloadArray

    def __from_arrow__(self, array: Any) -> PayloadArray:
        """Build the column from an Arrow (large) binary array or chunked array, without copying the bytes."""
        import pyarrow as pa

        chunks = array.chunks if isinstance(array, pa.ChunkedArray) else [array]
        return PayloadArray._concat_same_type([_from_arrow_chunk(chunk) for chunk in chunks])


def _from_arrow_chunk(chunk: Any) -> PayloadArray:
    import pyarrow as pa

    chunk = chunk.cast(pa.large_binary())
    _, offset_buffer, data = chunk.buffers()
    offsets = np.frombuffer(offset_buffer, np.int64)[chunk.offset : chunk.offset + len(chunk) + 1]
    arena = np.frombuffer(data, np.uint8) if data is not None else np.empty(0, np.uint8)
    sizes = np.diff(offsets)
    if chunk.null_count:
        sizes[np.asarray(chunk.is_null())] = _MISSING
    return PayloadArray([arena], offsets[:-1], sizes)


class PayloadArray(ExtensionArray):
    """Payloads as addresses into shared arenas; immutable.

    Parameters
    ----------
    arenas : arrays of uint8. They are addressed as if they stood one behind the other.
    addresses : (n,) int64, where each payload begins in that sequence. A payload lies within one arena.
    sizes : (n,) int64, bytes; -1 for a missing one.
    bases : address of the beginning of each arena, and of the end, where they stand apart from one another.
    """

    def __init__(
        self, arenas: Sequence[UInt8], addresses: Int64, sizes: Int64, *, bases: Int64 | None = None
    ) -> None:
        self._arenas = tuple(arenas)
        if bases is None:
            bases = np.cumsum([0, *(len(arena) for arena in self._arenas)], dtype=np.int64)
        self._bases = bases
        self._addresses = addresses
        self._sizes = sizes

    def _over(self, addresses: Int64, sizes: Int64) -> PayloadArray:
        """Return other rows over the same bytes."""
        return type(self)(self._arenas, addresses, sizes, bases=self._bases)

    # ---- what gdlab asks for

    @property
    def sizes(self) -> Int64:
        """(n,) int64, bytes of each payload; -1 where it is missing."""
        return self._sizes

    def contiguous(self) -> tuple[UInt8, Int64]:
        """All payloads behind one another.

        Returns
        -------
        buffer : uint8, the bytes. Missing payloads take none.
        offsets : (n + 1,) int64; payload i is ``buffer[offsets[i]:offsets[i + 1]]``.
        """
        sizes = np.maximum(self._sizes, 0)
        offsets = np.zeros(len(sizes) + 1, np.int64)
        np.cumsum(sizes, out=offsets[1:])
        pieces = list(self._by_arena())
        if len(pieces) == 1 and _is_run(self._addresses, sizes):
            arena, base, _ = pieces[0]
            start = int(self._addresses[0]) - base
            return arena[start : start + int(offsets[-1])], offsets
        buffer = np.empty(int(offsets[-1]), np.uint8)
        for arena, base, rows in pieces:
            starts, to = self._addresses[rows] - base, offsets[:-1][rows]
            if isinstance(rows, slice) and _is_run(starts, sizes[rows]):
                length = int(sizes[rows].sum())
                buffer[to[0] : to[0] + length] = arena[starts[0] : starts[0] + length]
            else:
                _gather(arena, starts, sizes[rows], buffer, to)
        return buffer, offsets

    def stretches(self) -> list[tuple[UInt8, Int64, slice]]:
        """All payloads without a copy of them, as far as those of neighbouring rows stand in one arena.

        Returns
        -------
        For each stretch of rows an arena, where in it each payload begins, and the rows. Where payloads of one arena
        are among those of another, all are one stretch of a copy.
        """
        pieces = list(self._by_arena())
        if all(isinstance(rows, slice) for _, _, rows in pieces):
            return [(arena, self._addresses[rows] - base, rows) for arena, base, rows in pieces]
        buffer, offsets = self.contiguous()
        return [(buffer, offsets[:-1], slice(0, len(self)))]

    def _by_arena(self) -> Iterator[tuple[UInt8, int, Any]]:
        """Each arena that is used, its base address, and its rows (a slice where they stand together)."""
        if not len(self):
            return
        if len(self._arenas) == 1:
            yield self._arenas[0], int(self._bases[0]), slice(0, len(self))
            return
        if bool(np.all(self._addresses[1:] >= self._addresses[:-1])):  # as those of a capture are
            yield from self._between(np.searchsorted(self._addresses, self._bases[: len(self._arenas)]))
            return
        which = np.searchsorted(self._bases, self._addresses, side="right") - 1
        # An empty payload at the very end has an address behind the last arena: it has no bytes to look for.
        which = np.minimum(which, len(self._arenas) - 1)
        if bool(np.all(which[1:] >= which[:-1])):
            yield from self._between(np.searchsorted(which, np.arange(len(self._arenas))))
            return
        for index in np.unique(which):
            yield self._arenas[index], int(self._bases[index]), np.flatnonzero(which == index)

    def _between(self, begins: Int64) -> Iterator[tuple[UInt8, int, slice]]:
        """The arenas that have rows, where the rows of each begin there and stand together."""
        for number, (first, last) in enumerate(pairwise([*begins.tolist(), len(self)])):
            if first < last:
                yield self._arenas[number], int(self._bases[number]), slice(first, last)

    def heads(self, rows: Any, size: int) -> UInt8:
        """The first `size` bytes of some rows, none of which is shorter; (k, size) uint8."""
        out = np.empty((len(rows), size), np.uint8)
        chosen = self[rows]
        for arena, base, some in chosen._by_arena():
            starts = chosen._addresses[some] - base
            for byte in range(size):
                out[some, byte] = arena[starts + byte]
        return out

    def startswith(self, prefix: bytes, start: int = 0) -> npt.NDArray[np.bool_]:
        """(n,) bool, which payloads have `prefix` at the byte `start`; no objects are made."""
        found = self._sizes >= start + len(prefix)
        for arena, base, rows in self._by_arena() if prefix else ():
            candidates, starts = np.flatnonzero(found[rows]), self._addresses[rows]
            if len(candidates) < len(starts):
                starts = starts[candidates]
            starts = starts + (start - base)
            position = 0
            while position < len(prefix) and len(candidates):
                # As many bytes at once as a number has, and then only where those were right.
                size = next(size for size in (8, 4, 2, 1) if size <= len(prefix) - position)
                words: Any = np.ndarray(len(arena) - size + 1, f"u{size}", arena, strides=(1,))
                keep = words[starts + position] == np.frombuffer(prefix, f"u{size}", 1, position)[0]
                if not keep.all():
                    candidates, starts = candidates[keep], starts[keep]
                position += size
            if len(candidates) < len(found[rows]):
                mask = np.zeros(len(found[rows]), np.bool_)
                mask[candidates] = True
                found[rows] = mask
        return found

    # ---- what pandas asks for

    @property
    def dtype(self) -> PayloadDtype:
        """`payload`."""
        return PayloadDtype()

    @property
    def nbytes(self) -> int:
        """Memory behind the column: addresses, sizes and the payload bytes it refers to."""
        return int(self._addresses.nbytes + self._sizes.nbytes + np.maximum(self._sizes, 0).sum())

    def __len__(self) -> int:
        return len(self._sizes)

    def _element(self, address: int, size: int) -> Any:
        if size <= 0:
            return b"" if size == 0 else pd.NA
        index = int(np.searchsorted(self._bases, address, side="right")) - 1
        start = address - int(self._bases[index])
        return self._arenas[index][start : start + size].tobytes()

    def __getitem__(self, item: Any) -> Any:
        if isinstance(item, (int, np.integer)):
            return self._element(int(self._addresses[item]), int(self._sizes[item]))
        item = pd.api.indexers.check_array_indexer(self, item)
        return self._over(self._addresses[item], self._sizes[item])

    def __iter__(self) -> Iterator[Any]:
        if len(self._arenas) == 1:
            # The common case of one block: slicing one bytes-like object is several times faster.
            base, view = int(self._bases[0]), self._arenas[0].data
            for address, size in zip(self._addresses.tolist(), self._sizes.tolist(), strict=True):
                yield (
                    bytes(view[address - base : address - base + size])
                    if size > 0
                    else self._element(0, size)
                )
            return
        for address, size in zip(self._addresses.tolist(), self._sizes.tolist(), strict=True):
            yield self._element(address, size)

    def __setitem__(self, key: Any, value: Any) -> None:
        raise TypeError(
            "captured payloads are never changed; build a column of your own with .astype(object)"
        )

    def __eq__(self, other: object) -> Any:
        values: Any = other
        if isinstance(other, (pd.DataFrame, pd.Series, pd.Index)):
            return NotImplemented
        equal = np.zeros(len(self), np.bool_)
        if isinstance(other, (bytes, bytearray, memoryview)):
            wanted = bytes(other)
            for row in np.flatnonzero(self._sizes == len(wanted)):
                equal[row] = self[row] == wanted
        elif pd.api.types.is_list_like(values):
            if len(values) != len(self):
                raise ValueError(f"lengths differ: {len(self)} payloads, {len(values)} values")
            for index, candidate in enumerate(values):
                equal[index] = isinstance(candidate, bytes) and self[index] == candidate
        return equal

    __hash__ = None  # type: ignore[assignment]  # as every ExtensionArray

    def isna(self) -> npt.NDArray[np.bool_]:
        """(n,) bool, which payloads are missing."""
        return self._sizes < 0

    def take(self, indices: Any, *, allow_fill: bool = False, fill_value: Any = None) -> PayloadArray:
        """Rows by position; with `allow_fill`, -1 gives a missing payload, or `fill_value` where that is bytes."""
        if allow_fill and isinstance(fill_value, bytes):
            return _from_objects(take(self.astype(object), indices, fill_value=fill_value, allow_fill=True))

        def rows(column: Int64, fill: int) -> Any:
            return take(column, indices, allow_fill=allow_fill, fill_value=fill if allow_fill else None)

        return self._over(rows(self._addresses, 0), rows(self._sizes, _MISSING))

    def copy(self) -> PayloadArray:
        """Return a new column over the same bytes, which never change."""
        return self._over(self._addresses.copy(), self._sizes.copy())

    def compact(self) -> PayloadArray:
        """The same payloads over bytes of their own, where they use less than half of those that they hold on to.

        Some rows of a file else keep all of its bytes in memory, and take them along to another process.
        """
        if 2 * int(np.maximum(self._sizes, 0).sum()) >= sum(map(len, self._arenas)):
            return self
        buffer, offsets = self.contiguous()
        return type(self)([buffer.copy() if buffer.base is not None else buffer], offsets[:-1], self._sizes)

    def astype(self, dtype: Any, copy: bool = True) -> Any:
        """Convert; `object` gives `bytes` objects."""
        if self.dtype == dtype:
            return self.copy() if copy else self
        if np.dtype(object) == dtype:
            objects = np.empty(len(self), object)
            objects[:] = list(self)
            return objects
        return super().astype(dtype, copy)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> npt.NDArray[Any]:
        if copy is False:
            raise ValueError("bytes objects are made on request, so they are always a copy")
        objects: npt.NDArray[Any] = self.astype(object)
        return objects if dtype is None else objects.astype(dtype)

    def __arrow_array__(self, type: Any = None) -> Any:  # noqa: A002 (pyarrow's protocol)
        import pyarrow as pa

        buffer, offsets = self.contiguous()
        missing = self.isna()
        validity = None
        if missing.any():
            validity = pa.py_buffer(np.packbits(~missing, bitorder="little").tobytes())
        array = pa.Array.from_buffers(
            pa.large_binary(), len(self), [validity, pa.py_buffer(offsets), pa.py_buffer(buffer)]
        )
        return array if type is None else array.cast(type)

    @classmethod
    def _from_sequence(cls, scalars: Any, *, dtype: Any = None, copy: bool = False) -> PayloadArray:
        if isinstance(scalars, PayloadArray):
            return scalars.copy() if copy else scalars
        return _from_objects(scalars)

    @classmethod
    def _from_factorized(cls, values: Any, original: PayloadArray) -> PayloadArray:
        return _from_objects(values)

    def _values_for_factorize(self) -> tuple[Any, Any]:
        return self.astype(object), pd.NA

    def value_counts(self, dropna: bool = True) -> pd.Series:
        """How often each payload occurs, the most frequent first (pandas before 3 asks the column)."""
        return pd.Series(self.astype(object)).value_counts(dropna=dropna)

    def _values_for_argsort(self) -> Any:
        return np.array([b"" if value is pd.NA else value for value in self], object)

    @classmethod
    def _concat_same_type(cls, to_concat: Sequence[PayloadArray]) -> PayloadArray:
        arenas: list[UInt8] = []
        addresses: list[Int64] = []
        bases = [np.zeros(1, np.int64)]
        base = 0
        for part in to_concat:
            arenas.extend(part._arenas)
            addresses.append(part._addresses + base)
            bases.append(part._bases[1:] + base)
            base += int(part._bases[-1])
        if not addresses:
            return cls([], np.empty(0, np.int64), np.empty(0, np.int64))
        return cls(
            arenas,
            np.concatenate(addresses),
            np.concatenate([part._sizes for part in to_concat]),
            bases=np.concatenate(bases),
        )

    def _formatter(self, boxed: bool = False) -> Callable[[Any], str]:
        return lambda value: str(value) if value is pd.NA else repr(value)


def _is_run(addresses: Int64, sizes: Int64) -> bool:
    """Whether the payloads stand one behind the other, in the order of the rows."""
    return len(addresses) > 0 and bool(np.all(addresses[1:] == addresses[:-1] + sizes[:-1]))


def _gather(arena: UInt8, starts: Int64, sizes: Int64, out: UInt8, to: Int64) -> None:
    """Copy scattered payloads, without a loop over rows, which would cost a microsecond each."""
    if not len(sizes):
        return
    if bool(np.all(sizes == sizes[0])):
        if sizes[0]:
            _words(out, int(sizes[0]))[to] = _words(arena, int(sizes[0]))[starts]
        return
    ends = np.cumsum(sizes)
    if (
        len(arena) < _PACKED_BYTES
        and bool(np.all(starts[1:] >= starts[:-1] + sizes[:-1]))
        and bool(np.all(to == to[0] + ends - sizes))
    ):
        out[to[0] : to[0] + int(ends[-1])] = packed(arena, starts, sizes)
        return
    begin = 0
    while begin < len(sizes):
        # The positions of bytes take 24 times what the bytes do: not of all of them at once.
        before = int(ends[begin - 1]) if begin else 0
        end = max(int(np.searchsorted(ends, before + _AT_ONCE, side="right")), begin + 1)
        size = sizes[begin:end]
        within = np.arange(before, int(ends[end - 1])) - np.repeat(ends[begin:end] - size, size)
        out[np.repeat(to[begin:end], size) + within] = arena[np.repeat(starts[begin:end], size) + within]
        begin = end


def _words(array: UInt8, size: int) -> npt.NDArray[np.void]:
    """So many bytes from each position of an array on, over the same memory."""
    return np.ndarray((len(array) - size + 1,), f"V{size}", array, strides=(1,))


def _from_objects(values: Any) -> PayloadArray:
    """Build the column from Python objects: bytes-likes, and None, NaN or NA for a missing payload."""
    chunks: list[bytes] = []
    sizes = np.empty(len(values), np.int64)
    for row, value in enumerate(values):
        if isinstance(value, (bytes, bytearray, memoryview)):
            chunks.append(bytes(value))
            sizes[row] = len(chunks[-1])
        elif value is None or value is pd.NA or value != value:  # only NaN differs from itself
            sizes[row] = _MISSING
        else:
            raise TypeError(f"row {row}: a payload is bytes, not {type(value).__name__}; encode text first")
    arena = np.frombuffer(b"".join(chunks), np.uint8)
    counted = np.maximum(sizes, 0)
    return PayloadArray([arena], np.cumsum(counted) - counted, sizes)
