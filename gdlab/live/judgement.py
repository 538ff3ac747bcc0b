"""The codec of single messages of a running capture, judged over all messages that have come."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from gdlab.codecs import Codec, Decoded, chosen
from gdlab.codecs.codec import ANY, BINARY, TEXT, Fast, Judging, Kinds, decodes_parts
from gdlab.codecs.doubt import Tally, added
from gdlab.facts import Reason
from gdlab.live.rows import Row
from gdlab.messages import CATEGORIES, Event, Kind
from gdlab.payloads import PayloadArray
from gdlab.store import Cursor, Snapshot
from gdlab.store.blocks import Block

_MESSAGE: Final = CATEGORIES["event"].index(Event.MESSAGE)
_TEXT: Final = CATEGORIES["kind"].index(Kind.TEXT)


class Judgement:
    """Reads rows as the table of the whole capture does.

    Parameters
    ----------
    codec : the capture's; one that judges nothing reads rows as it is.
    """

    def __init__(self, codec: Codec) -> None:
        self.codec = codec
        guess = codec if isinstance(codec, Judging) else chosen("auto")
        assert isinstance(guess, Judging)  # noqa: S101 ("auto" is)
        self._judging: Judging = guess
        self._judges = codec is guess
        self._tally: Tally = {}
        self._cursor = Cursor()
        self._origins: list[object] = []

    def follow(self, snapshots: Sequence[Snapshot]) -> bool:
        """Take what is new in the stores; return whether rows are read otherwise from now on."""
        origins = [snapshot.origin for snapshot in snapshots]
        if list(map(id, origins)) != list(
            map(id, self._origins)
        ):  # rows were taken back: what they said is forgotten
            self._origins, self._tally, self._cursor = origins, {}, Cursor()
        for _, snapshot, block in self._cursor.new(snapshots):
            self._tally = added(self._tally, self._of(snapshot, block))
        judged = self._judging.judging(self._tally)
        changed, self._judging = judged is not self._judging, judged
        if self._judges:
            self.codec = judged
        return changed

    def decode(self, rows: Sequence[Row]) -> Decoded:
        """Read the payloads of rows, as far as they have them, with an object for each."""
        return self._reader(rows).decode_column(_payloads(rows))

    def decode_parts(self, rows: Sequence[Row]) -> Fast:
        """Read the payloads of rows as whole columns, as far as many of them have the same form."""
        reader = self._reader(rows)
        return reader.decode_parts(_payloads(rows)) if decodes_parts(reader) else Fast.none(len(rows))

    def _reader(self, rows: Sequence[Row]) -> Codec:
        if not self._judges:
            return self.codec
        return self._judging.knowing(np.array([_kind(row) for row in rows], np.int8))

    def of(self, row: Row) -> Codec:
        """The codec of one row."""
        return self.guess_of(row) if self._judges else self.codec

    def guess_of(self, row: Row) -> Codec:
        """What the guess makes of one row, whatever the capture's codec is."""
        return self._judging.knowing(np.array([_kind(row)], np.int8))

    def _of(self, snapshot: Snapshot, block: Block) -> Tally:
        columns = block.columns
        probes = [code for code, fact in enumerate(block.facts) if fact and fact.reason is Reason.PROBE]
        rows = np.flatnonzero((columns.event == _MESSAGE) & ~np.isin(columns.fact, probes))
        addresses, sizes = columns.offset[rows].astype(np.int64), columns.size[rows].astype(np.int64)
        kinds: Kinds = np.full(len(rows), ANY, np.int8)
        if snapshot.endpoint.startswith("ws"):
            kinds = np.where(columns.kind[rows] == _TEXT, TEXT, BINARY).astype(np.int8)
        return self._judging.tally(PayloadArray([block.arena], addresses, sizes), kinds)


def _payloads(rows: Sequence[Row]) -> PayloadArray:
    return PayloadArray._from_sequence([row.payload for row in rows])


def _kind(row: Row) -> int:
    if not row.endpoint.startswith("ws"):
        return ANY
    return TEXT if row.kind == Kind.TEXT else BINARY
