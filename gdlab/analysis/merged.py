"""What merging captures of one session finds: the table of messages, the clocks, and the way place by place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import pandas as pd

from gdlab.text import count

By = Literal["auto", "payload", "probe", "seq"]


@dataclass(frozen=True, slots=True)
class Merged:
    """Two captures of one session, message by message.

    Attributes
    ----------
    table : one row per message, in order of its time on a's clock: `way` (category: `a to b`, `b to a`), `time` (when
        it was sent, on a's clock: as a has it, or estimated; where their offset is not known, the sender's), `sent`,
        `received` (times as the two captures have them, each on its own clock; NaT where it is in one only),
        `sent_row`, `received_row` (Int64: positions in the two tables), `size_bytes`, `fate` (category: `arrived`,
        `reordered`, `lost`, `unseen`: the other capture cannot tell, as it had not begun or had ended, `ambiguous`:
        what identifies it was sent more than once), `copies` (int64: how often it arrived), `delay_ms`, `error_ms`
        (float64: the delay is this wrong at most; NaN where none is known).
    ways : one row per way: `place` (text), `entered` (int64: messages that could be followed), `lost`, `loss`,
        `loss_low`, `loss_high` (95 % Wilson interval), `reordered`, `duplicates` (int64: copies beyond the first),
        `ambiguous`, `unseen`, `least_ms`, `median_ms`, `error_ms` (of the delay, float64), `n` (int64: delays).
    clock : one row, or none where their offset is not known: `time` (for which the offset holds, on a's clock),
        `offset_us` (int64: b's clock minus a's), `error_us`, `drift_ppm`, `drift_error_ppm` (float64; the error is the
        largest between `first` and `last`), `late_us` (float64: how much sooner than possible messages seem to arrive,
        which late timestamps of sending explain), `first`, `last`, `n` (int64: messages used).
    by : what the messages were told apart by: ``seq``, ``probe`` or ``payload``.
    peers : the conversation, as ``(a's name of b, b's name of a)``.
    path : with a capture of a relay between the two, the same place by place; else None.
    """

    table: pd.DataFrame
    ways: pd.DataFrame
    clock: pd.DataFrame
    by: str
    peers: tuple[str, str]
    path: MergedPath | None = None

    def __repr__(self) -> str:
        clocks = "the clocks cannot be told" if self.clock.empty else "the clocks: .clock"
        messages = count(len(self.table), "message")
        places = "" if self.path is None else "; place by place: .path.ways"
        return (
            f"<Merged: {messages} by {self.by}: .table; {clocks}{places}; each way: .ways>\n"
            f"{self.ways.to_string(index=False)}"
        )


@dataclass(frozen=True, slots=True)
class MergedPath:
    """Three captures of one session, place by place.

    Attributes
    ----------
    ways : one row per place of the way there and back, with the columns of `Merged.ways`: what was lost, came out of
        order or twice between a and the relay, inside the relay, and between the relay and b.
    before, inside, behind : the parts as `Merged`: a and the relay; what came into the relay and what left it, on its
        own clock; the relay and b.
    """

    ways: pd.DataFrame
    before: Merged
    inside: Merged
    behind: Merged
