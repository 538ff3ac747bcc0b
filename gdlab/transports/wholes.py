"""Messages that were reads of their own, of many connections, written together."""

from __future__ import annotations

from typing import Final, TypeAlias

import numpy as np

from gdlab.messages import CATEGORIES, Kind, TimeSource, guess_kind
from gdlab.transports.session import Whole
from gdlab.transports.sink import Sink
from gdlab.transports.text_or_binary import guess_kinds

#: Fewer are cheaper written one by one.
_MANY: Final = 6

_CODES: Final = {kind: code for code, kind in enumerate(map(Kind, CATEGORIES["kind"]))}

_Row: TypeAlias = tuple[int, int, Whole]


class Wholes:
    """Keeps them in their order until they are written."""

    def __init__(self) -> None:
        self._rows: list[_Row] = []
        self._groups: list[
            tuple[TimeSource, list[_Row]]
        ] = []  # stamped in the same way, and cut out in the same way
        self._word, self._guesses, self._time_source = "", True, TimeSource.USER  # of the last

    def __len__(self) -> int:
        return len(self._groups)

    def add(self, time_ns: int, peer: int, whole: Whole, time_source: TimeSource) -> None:
        """Keep one that `Session.whole` has found; the other arguments are those of `Sink.append`."""
        _, _, word, kind = whole
        if (
            word != self._word
            or time_source is not self._time_source
            or (kind is None) is not self._guesses
            or not self._groups
        ):
            self._word, self._guesses, self._time_source = word, kind is None, time_source
            self._rows = []
            self._groups.append((time_source, self._rows))
        self._rows.append((time_ns, peer, whole))

    def write(self, sink: Sink) -> None:
        """Write all of them, and keep none."""
        groups, self._groups = self._groups, []
        for time_source, rows in groups:
            (_write_together if len(rows) >= _MANY else _write_each)(sink, rows, time_source)


def _write_together(sink: Sink, rows: list[_Row], time_source: TimeSource) -> None:
    times, peers, wholes = zip(*rows, strict=True)
    payloads, wires, (word, *_), kinds = zip(*wholes, strict=True)
    sizes = np.array(list(map(len, payloads)), np.int64)
    joined = np.frombuffer(b"".join(payloads), np.uint8)
    sink.extend(
        np.array(times, np.int64),
        np.array(peers, np.int32),
        sizes,
        joined,
        np.array(wires, np.int64),
        guess_kinds(joined, sizes)
        if kinds[0] is None
        else np.array([_CODES[kind] for kind in kinds], np.int8),
        time_source=time_source,
        word=word,
    )


def _write_each(sink: Sink, rows: list[_Row], time_source: TimeSource) -> None:
    for time_ns, peer, (payload, wire_bytes, word, kind) in rows:
        sink.append(
            time_ns,
            peer,
            payload,
            kind=guess_kind(payload) if kind is None else kind,
            time_source=time_source,
            wire_bytes=wire_bytes,
            word=word,
        )
