"""Many messages that are written together, as columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from gdlab.payloads import UInt8


class Many(NamedTuple):
    """n messages; what the columns are says `Store.extend`.

    Attributes
    ----------
    codes : of time source, direction and event, which are the same for all.
    """

    time_ns: npt.NDArray[np.int64]
    peers: npt.NDArray[Any]
    sizes: npt.NDArray[Any]
    payloads: UInt8
    wire_bytes: npt.NDArray[Any]
    kinds: npt.NDArray[np.int8]
    codes: tuple[int, int, int]
    probes: npt.NDArray[np.bool_] | None = None
    word: str = ""
    starts: npt.NDArray[np.int64] | None = None
    words: Sequence[tuple[int, str]] = ()

    @property
    def payload_bytes(self) -> int:
        """Of all messages, without what stands between them."""
        return len(self.payloads) if self.starts is None else int(self.sizes.sum())

    def lying(self) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """(n,) int64 each, where the payloads begin and end."""
        if self.starts is not None:
            return self.starts, self.starts + self.sizes
        ends = np.cumsum(self.sizes, dtype=np.int64)
        return ends - self.sizes, ends

    def part(self, rows: slice, first: int, last: int) -> Many:
        """Some of the messages, whose payloads begin at the byte `first` and end at `last`."""
        return self._replace(
            time_ns=self.time_ns[rows],
            peers=self.peers[rows],
            sizes=self.sizes[rows],
            payloads=self.payloads[first:last],
            wire_bytes=self.wire_bytes[rows],
            kinds=self.kinds[rows],
            probes=None if self.probes is None else self.probes[rows],
            starts=None if self.starts is None else self.starts[rows] - first,
            words=[(row - rows.start, word) for row, word in self.words if rows.start <= row < rows.stop],
        )
