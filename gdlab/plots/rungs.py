"""What stands on the rungs of a ladder: messages, and between them those whose numbers did not come."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
import pandas as pd

from gdlab.analysis.numbers import counting_field
from gdlab.analysis.numbers_of import numbers_of
from gdlab.codecs import decode
from gdlab.text import count

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: Messages before and behind the shown ones that are looked at: what comes later than these is taken for lost.
AROUND: Final = 500
#: Of the steps between numbers that came, so many are by one: those of a path that loses half of all.
_BY_ONE: Final = 0.4
#: A step over more numbers than this is another beginning, not a loss.
_JUMP: Final = 1000


class Rung(NamedTuple):
    """A message, or numbers that did not come.

    Attributes
    ----------
    row : position among the conversation's messages; -1 where nothing came.
    lost : it did not come, or what was sent did not come back.
    words : which numbers did not come; empty for a message.
    """

    row: int
    lost: bool = False
    words: str = ""


def rungs(mine: pd.DataFrame, first: int, most: int) -> list[Rung]:
    """The rungs from a message on.

    Parameters
    ----------
    mine : the messages with one peer, in order of time.
    first : position of the first one to show. most : how many rungs there are.

    Notes
    -----
    Numbers are found in the messages as `sequence` and `counting_field` do. Where both sides send the same ones, as
    where a server answers each message with its bytes, a message that was sent and did not come back is lost, on one
    way or the other, once a later one did. Else a number is lost that was left out, and does not come later either.
    """
    begin, end = max(0, first - AROUND), first + most + AROUND
    near = mine.iloc[begin:end]
    shown = range(first, min(first + most, len(mine)))
    numbers = _numbers(near)
    if numbers is None:
        return [Rung(row) for row in shown]
    incoming = (near["direction"] == "in").to_numpy(dtype=np.bool_)
    known = ~np.isnan(numbers)
    came = set(numbers[incoming & known].tolist())
    sent = set(numbers[~incoming & known].tolist())
    echoed = bool(came) and len(came & sent) >= 0.9 * len(came)
    found: list[Rung] = []
    highest = numbers[incoming & known][0] if came else np.nan
    for at, (number, is_in) in enumerate(zip(numbers.tolist(), incoming.tolist(), strict=True)):
        row = begin + at
        lost = False
        if is_in and number > highest:
            left_out = range(int(highest) + 1, int(number)) if number - highest <= _JUMP else ()
            missing = [each for each in left_out if each not in came and each not in sent]
            if missing and row in shown:
                found.append(Rung(-1, True, _words(missing)))
            highest = number
        elif not is_in and echoed:
            lost = number not in came and number < max(came)  # a later one may still be under way
        if row in shown:
            found.append(Rung(row, lost))
    return found[:most]


def _numbers(near: pd.DataFrame) -> NDArray[np.float64] | None:
    """The number of each message, NaN where it has none; None where nothing counts them."""
    if (
        "label" in near.columns
    ):  # packets with a protocol's own words and numbers, and sent again where one is lost
        return None
    rows, carried, _ = numbers_of(near, None, "in", with_probes=True)
    if len(rows):  # the other side's probes, or its messages in the form of `Capture.gdscript`
        numbers = np.full(len(near), np.nan)
        numbers[rows] = carried
        return numbers
    name = counting_field(near, "out") or counting_field(near, "in", by_one=_BY_ONE)
    if name is None:
        return None
    decoded = near if name in near.columns else decode(near)
    return pd.to_numeric(decoded[name], errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)


def _words(missing: list[int]) -> str:
    which = f"{missing[0]}" if len(missing) == 1 else f"{missing[0]} to {missing[-1]}"
    return f"{count(len(missing), 'message')} missing: {which}"
