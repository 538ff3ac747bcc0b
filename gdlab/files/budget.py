"""How much memory a file may take before it is refused: what a small file unpacks to is nobody's capture."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from gdlab.errors import LoadError
from gdlab.facts import Statement

#: Bytes that any file may unpack to; beyond, at most `RATIO` times its size, and never more than `MOST_BYTES`.
FREE_BYTES: Final = 256 << 20
RATIO: Final = 200
MOST_BYTES: Final = 16 << 30
#: Rows that any file may have; beyond, each takes some of the file, as times do not repeat.
FREE_ROWS: Final = 1_000_000
ROWS_PER_BYTE: Final = 2
#: Memory of a row without its payload.
ROW_BYTES: Final = 96


def allowed(file_bytes: int) -> int:
    """Bytes that a file of this size may unpack to."""
    return min(max(FREE_BYTES, RATIO * file_bytes), MOST_BYTES)


def check(path: Path, file_bytes: int, unpacked_bytes: int, rows: int = 0) -> None:
    """Refuse a file that would take more memory than captures do.

    Raises
    ------
    LoadError : it says so, with the numbers.
    """
    if rows > max(FREE_ROWS, ROWS_PER_BYTE * file_bytes):
        raise LoadError(Statement.of("load/rows", path=path, size=file_bytes, rows=rows))
    needed = unpacked_bytes + rows * ROW_BYTES
    limit = allowed(file_bytes)
    if unpacked_bytes > limit or needed > MOST_BYTES:
        raise LoadError(
            Statement.of(
                "load/memory",
                path=path,
                size=file_bytes,
                needed=max(unpacked_bytes, needed) >> 20,
                most=min(limit, MOST_BYTES) >> 20,
            )
        )
