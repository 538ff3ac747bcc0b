"""A text column that grows, as pandas holds text: by Arrow where it is installed, else as Python strings.

What is handed out never changes: Arrow's arrays are immutable, and a buffer of Python strings is only written to behind
the rows that are out.
"""

from __future__ import annotations

from typing import Any, Final, Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd

from gdlab.codecs.parts import Rows, as_objects


class Texts(Protocol):
    """Text in some rows of a column; the others are NA."""

    def put(self, rows: Rows, held: Any) -> None:
        """Take in text, as objects or of Arrow, in rows behind those of the last `array`.

        Raises
        ------
        UnicodeEncodeError : Arrow cannot hold it: half a surrogate pair.
        """

    def array(self, n: int) -> Any:
        """The first n rows as pandas' array."""

    @property
    def nbytes(self) -> int:
        """Memory of it; of Python's strings, that of the references."""


def texts() -> Texts:
    """A column without text yet, held as ``dtype="string"`` is."""
    return ArrowTexts() if pd.StringDtype().storage == "pyarrow" else PythonTexts()


def is_run(rows: Rows) -> bool:
    """Whether rows stand one behind the other, in order."""
    return (
        len(rows) > 0 and int(rows[-1]) - int(rows[0]) == len(rows) - 1 and bool((np.diff(rows) == 1).all())
    )


class ArrowTexts:
    """Text in Arrow's arrays, few of them: a new one is put together with those before that are no longer."""

    def __init__(self) -> None:
        self._chunks: list[Any] = []
        self._rows = 0  # in the chunks
        self._new: list[tuple[Rows, Any]] = []

    def put(self, rows: Rows, held: Any) -> None:
        """Take in text, see `Texts`."""
        import pyarrow as pa

        if isinstance(held, np.ndarray):
            held = pa.array(held, pa.large_string())
        self._new.append((rows, held.cast(pa.large_string())))

    def array(self, n: int) -> Any:
        """The first n rows as pandas' array."""
        import pyarrow as pa

        if self._new:
            self._flush(n)
        rest = [_nothing.first(n - self._rows)] if n > self._rows else []
        return pd.arrays.ArrowStringArray(pa.chunked_array([*self._chunks, *rest], pa.large_string()))

    @property
    def nbytes(self) -> int:
        """Memory of it, see `Texts`."""
        return sum(int(each.nbytes) for each in (*self._chunks, *(held for _, held in self._new)))

    def _flush(self, n: int) -> None:
        import pyarrow as pa

        new = self._in_order() or [self._scattered(n)]
        chunk = pa.concat_arrays(new)
        self._new = []
        self._rows += len(chunk)
        while self._chunks and len(self._chunks[-1]) <= 2 * len(chunk):
            chunk = pa.concat_arrays([self._chunks.pop(), chunk])
        self._chunks.append(chunk)

    def _in_order(self) -> list[Any]:
        """The new arrays with nulls between them; none where they are not runs of rows one behind the other."""
        found, at = [], self._rows
        for rows, held in sorted(self._new, key=lambda new: int(new[0][0])):
            first = int(rows[0])
            if first < at or not is_run(rows):
                return []
            found += [_nothing.first(first - at), held]
            at = first + len(rows)
        return found

    def _scattered(self, n: int) -> Any:
        import pyarrow as pa

        places = np.full(n - self._rows, -1, np.int64)
        rows = np.concatenate([rows for rows, _ in self._new])
        places[rows - self._rows] = np.arange(len(rows))
        held = pa.concat_arrays([held for _, held in self._new])
        return held.take(pa.array(places, mask=places < 0))


class PythonTexts:
    """Text as Python strings in a buffer with room at its end."""

    def __init__(self) -> None:
        self._buffer: npt.NDArray[np.object_] = np.empty(0, object)
        self._array: Any = None

    def put(self, rows: Rows, held: Any) -> None:
        """Take in text, see `Texts`."""
        self._reserve(int(rows.max()) + 1)
        self._buffer[rows] = held if isinstance(held, np.ndarray) else as_objects(held.to_pylist())

    def array(self, n: int) -> Any:
        """The first n rows as pandas' array."""
        self._reserve(n)
        return self._array[:n]

    @property
    def nbytes(self) -> int:
        """Memory of it, see `Texts`."""
        return int(self._buffer.nbytes)

    def _reserve(self, n: int) -> None:
        if n > len(self._buffer) or self._array is None:
            old = self._buffer
            self._buffer = np.full(n + n // 2, pd.NA, object)
            self._buffer[: len(old)] = old
            # pandas looks at each element of an array that is made, but not at those of a part of one.
            self._array = pd.arrays.StringArray(self._buffer, copy=False)


class _Nothing:
    """Arrow's arrays of nulls out of one."""

    def __init__(self) -> None:
        self._nulls: Any = None

    def first(self, count: int) -> Any:
        """Return so many nulls; two threads may both make them, which is as good."""
        import pyarrow as pa

        nulls = self._nulls
        if nulls is None or count > len(nulls):
            nulls = self._nulls = pa.nulls(2 * count, pa.large_string())
        return nulls[:count]


_nothing: Final = _Nothing()
