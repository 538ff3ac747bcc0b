"""What the kernel dropped at a socket, told by the datagrams that came after it, or by the socket."""

from __future__ import annotations

import socket
import struct
from typing import Final

import numpy as np

from gdlab.transports.datagrams import LINUX, Batch

#: Rows of event `gap` in one batch; where the kernel dropped between more datagrams, neighbours share one.
_GAPS_IN_A_BATCH: Final = 64

_32_BITS: Final = 0xFFFF_FFFF

#: Linux: nine 32-bit counters of a socket (include/uapi/linux/sock_diag.h), the last of which is what was dropped.
_SO_MEMINFO: Final = 55
_MEMINFO: Final = struct.Struct("@9I")


class Drops:
    """Follows the kernel's counter of one socket, which has 32 bits and begins anew behind them."""

    def __init__(self) -> None:
        self._counted = 0

    def new(self, counter: int) -> int:
        """How many more the counter tells of than it did; none where it seems to have gone back."""
        new = (counter - self._counted) & _32_BITS
        if new >> 31:  # half of the range or more would be a step back
            return 0
        self._counted += new
        return new

    def tellers(self, batch: Batch) -> list[int]:
        """Positions of the datagrams before which something was dropped."""
        if batch.drops is None:
            return []
        known = np.uint32(self._counted & _32_BITS)
        # Mostly all tell the same as before, and it is far cheaper to see that than to look for a change.
        if batch.drops.tobytes() == known.tobytes() * len(batch):
            return []
        before = np.concatenate([[known], batch.drops[:-1]])
        tellers = np.flatnonzero(batch.drops != before)
        every = max(1, -(-len(tellers) // _GAPS_IN_A_BATCH))
        return [int(row) for row in tellers[::every]]


def dropped(sock: socket.socket) -> int | None:
    """How many datagrams the kernel has dropped at a socket; None where it does not tell (Linux 4.12 on does)."""
    if not LINUX:
        return None
    try:
        return int(_MEMINFO.unpack(sock.getsockopt(socket.SOL_SOCKET, _SO_MEMINFO, _MEMINFO.size))[-1])
    except (OSError, struct.error):
        return None
