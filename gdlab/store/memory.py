"""Memory for the blocks of a store: large pages where the system has them, and used again when a block is gone.

Touching a page of memory for the first time costs 1 to 6 µs, as much as receiving ten messages, and a flood touches
one for every 25. So what blocks were made of is kept for the next ones, as soon as nobody looks at it any more: no
store, no snapshot, no table.
"""

from __future__ import annotations

import contextlib
import mmap
import sys
from collections import defaultdict, deque
from typing import Any, Final

import numpy as np

from gdlab.payloads import UInt8

#: So much is kept for the next blocks, of all stores together. The system takes it back where it lacks memory.
KEPT_BYTES: Final = 64 << 20

#: A large page of the processors that we know; where the system's are of another size, this is but a hint.
_LARGE_BYTES: Final = 2 << 20

# Only Linux itself: what runs in a browser has the name too, and its maps are copies of memory that is taken at once.
_ADVICE: Final = getattr(mmap, "MADV_HUGEPAGE", None) if sys.platform == "linux" else None
_UNUSED: Final = getattr(mmap, "MADV_FREE", None)


class _Piece:
    """Memory from the system, which begins where a large page may."""

    #: Those that nobody uses, by their size. Without a lock, as arrays end in any thread at any time.
    kept: Final[defaultdict[int, deque[_Piece]]] = defaultdict(deque)

    def __init__(self, size: int) -> None:
        self.size = _whole(size)
        # Room to begin where a large page does; what lies before it is never taken from the system.
        self._mapped = mmap.mmap(-1, self.size + _LARGE_BYTES, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        begin = np.frombuffer(self._mapped, np.uint8).ctypes.data
        self._start = -begin % _LARGE_BYTES
        self.address = begin + self._start

    def enlarge(self, size: int) -> None:
        """Have what was not taken yet be taken in large pages, but for a last piece of less than half of one."""
        large = (size + _LARGE_BYTES // 2) // _LARGE_BYTES * _LARGE_BYTES
        if _ADVICE is not None:
            with contextlib.suppress(OSError):  # a kernel without large pages
                self._mapped.madvise(_ADVICE, self._start, large)

    def keep(self) -> None:
        """Have it used again, if not too much is kept already."""
        if self.size + sum(size * len(pieces) for size, pieces in list(self.kept.items())) > KEPT_BYTES:
            return
        if _UNUSED is not None:
            with contextlib.suppress(OSError):
                self._mapped.madvise(_UNUSED, self._start, self.size)
        self.kept[self.size].append(self)


class _Lease:
    """Memory of an array; when the last array over it is gone, it is kept for others."""

    def __init__(self, piece: _Piece, size: int) -> None:
        self._piece = piece
        self.__array_interface__: dict[str, Any] = {
            "version": 3,
            "shape": (size,),
            "typestr": "|u1",
            "data": (piece.address, False),
        }

    def __del__(self) -> None:
        with contextlib.suppress(Exception):  # at the end of the interpreter, of which parts are gone already
            self._piece.keep()


def taken(size: int, *, filled: bool) -> tuple[UInt8, bool]:
    """Memory that is written to from its first byte on.

    Parameters
    ----------
    filled : whether it will surely be written to the last byte, and may be taken from the system in large pages.

    Returns
    -------
    (size,) uint8, and whether all of them are zero.
    """
    if _ADVICE is None or size < _LARGE_BYTES:
        return np.zeros(size, np.uint8), True
    try:
        piece, blank = _Piece.kept[_whole(size)].pop(), False
    except IndexError:  # none is kept
        try:
            piece, blank = _Piece(size), True
        except OSError:
            return np.zeros(size, np.uint8), True
    if filled:
        piece.enlarge(size)
    return np.asarray(_Lease(piece, size)), blank


def _whole(size: int) -> int:
    """So many bytes, up to the end of a large page."""
    return -(-size // _LARGE_BYTES) * _LARGE_BYTES
