"""How much memory a file may take before it is refused: what a small file unpacks to is nobody's capture."""

from __future__ import annotations

import os
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


def free_bytes() -> int | None:
    """Memory that is free for a program here; None where the system does not tell."""
    told: list[int] = []
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        told += [int(line.split()[1]) << 10 for line in lines if line.startswith("MemAvailable:")]
        limit, used = (Path("/sys/fs/cgroup") / name for name in ("memory.max", "memory.current"))
        told.append(int(limit.read_text(encoding="ascii")) - int(used.read_text(encoding="ascii")))
    except (OSError, ValueError, IndexError):
        pass  # another system, or no limit
    if not told and hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        told.append(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    return min(told) if told else None


def afford(path: Path, file_bytes: int, needed_bytes: int, way: Statement) -> None:
    """Refuse a file whose table would not fit the memory that is free, before it is read.

    Parameters
    ----------
    way : what to do instead.

    Raises
    ------
    LoadError : it says so, with the numbers and the call that works.
    """
    free = free_bytes()
    if free is not None and needed_bytes > free:
        raise LoadError(
            Statement.of(
                "load/too large",
                path=path,
                size=file_bytes >> 20,
                needed=needed_bytes >> 20,
                free=max(free, 0) >> 20,
                way=way,
            )
        )
