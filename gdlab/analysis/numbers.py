"""Finding the numbers that a game puts into its messages."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from gdlab.analysis.probes import messages_of, probes
from gdlab.analysis.source import Source, table_of
from gdlab.codecs import decode

#: What such a field is called, the likeliest first.
NAMES: Final = ("seq", "n", "number", "i", "id", "tick", "frame")
#: Messages that are looked at, how many of them must have the field, and how often it must count up by one.
_SAMPLE: Final = 500
_HAVE: Final = 0.9
_BY_ONE: Final = 0.9


def counting_field(sender: Source, direction: str = "out", *, by_one: float = _BY_ONE) -> str | None:
    """The field of messages of one direction that counts them; None where probes do, or nothing does.

    Parameters
    ----------
    by_one : the share of its steps that are by one; less than by default where some of the messages are lost.
    """
    table = table_of(sender)
    # Answers to our own pings are no messages of a game; who sends pings of its own has numbered those.
    sent = table[messages_of(table, direction, probes=direction == "out")].head(_SAMPLE)
    if len(sent) < 2 or len(probes(sent)):
        return None
    decoded = decode(sent)
    for name in NAMES:
        column = f"v.{name}"
        if column not in decoded:
            continue
        values = pd.to_numeric(decoded[column], errors="coerce").dropna().to_numpy(dtype=np.float64)
        if len(values) >= _HAVE * len(sent) and np.mean(np.diff(values) == 1) >= by_one:
            return column
    return None


def with_numbers(table: pd.DataFrame, seq: str | None, direction: str = "in") -> pd.DataFrame:
    """The same table; where no message of a direction has come, with an empty column of numbers, as all were lost."""
    if seq is None or seq in table.columns or messages_of(table, direction, probes=True).any():
        return table
    return table.assign(**{seq: pd.array([pd.NA] * len(table), dtype="Int64")})
