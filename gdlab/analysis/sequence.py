"""What became of numbered messages: lost, duplicated, reordered.

The three are kept apart, as RFC 4737 (reordering) and RFC 5560 (duplication) define them: a message that
comes late is not lost, and one that comes twice makes up for nothing. Numbers count by one constant step for each
message of a stream, mostly by one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from gdlab.analysis.columns import (
    PEER,
    group_rows,
    in_time,
    names_of,
    order,
    require,
    starts_of,
    time_index,
    times_ns,
)
from gdlab.analysis.gathering import at, picked
from gdlab.analysis.interval import wilson
from gdlab.analysis.number_runs import Runs, in_steps, runs_of, unwrapped
from gdlab.analysis.numbers_of import numbers_of
from gdlab.analysis.placing import by_row
from gdlab.analysis.source import Source, table_of
from gdlab.analysis.stamps import with_stamps
from gdlab.analysis.together import together

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

#: What a message is, in the order it is decided.
STATUS: Final = ("in order", "duplicate", "reordered", "late")
#: So far behind, a message is late and no longer reordered: about a second at 60 messages per second.
WINDOW: Final = 64


@by_row
def numbered(
    table: Source,
    *,
    seq: str | None = None,
    direction: str = "in",
    window: int = WINDOW,
    bits: int | None = None,
    probes: bool = False,
    by: str | Sequence[str] = PEER,
) -> pd.DataFrame:
    """What each numbered message is: in order, duplicate, reordered or late.

    Parameters
    ----------
    table : columns `time`, `endpoint`, `peer`, `direction`, `event` and `seq`; any order, may be empty.
    seq : column with the number, such as ``"v.seq"``; missing and fractional numbers are left out. By default
        the `seq` of the probes that the other side sent (not of its answers to ours), of streams in which
        it counts the probes: at least one in five of its steps is by one. For other streams, the `seq` of
        messages that carry `seq` and `t_us`, as those of `Capture.gdscript` do.
    direction : ``in`` for what arrived.
    window : how many numbers a message may be behind to count as reordered; further behind it is late.
    bits : width of a counter that wraps around, 2 to 64, such as 16. By default it does not.
    probes : include our own pings and their answers, which are gdlab's messages and not the game's.
    by : columns that tell the streams apart, each of which counts for itself, such as ``"v.id"``.

    Returns
    -------
    One row per numbered message, in order of arrival: `time`, the columns `by`, `run` (int64: counts the
    restarts of the stream's numbers, from 0), `seq` (int64, wrap-around undone; uint64, modulo 2^64, where a number is
    over 2^63 - 1 or `bits` over 62), `status` (category: `in
    order`, `duplicate`, `reordered`, `late`), `behind` (int64: by how many steps it is behind the
    highest seen, 0 in order), `skipped` (int64: numbers left out just before it, that may still come).

    Raises
    ------
    KeyError
        If there is no column `seq`.
    ValueError
        If `window` is negative, or `bits` not from 2 to 64.

    Notes
    -----
    A message is reordered if its number is below the next expected one, which is one more than the
    highest seen (RFC 4737 section 3.3), and it is not a duplicate; a duplicate has a number that came before (RFC 5560
    section 3.2). The numbers of a run start anew where they drop by more than `window` and stay down for
    three more messages, or where they jump by over 10,000. A sender that starts over within `window` numbers
    under the same address cannot be distinguished from one that duplicates.

    A stream that never counts by one, and by the same step (2, 100, -1) at least half the time in 20 steps or more, all
    others being multiples of it, counts by that step: what is not lost is then not reported as lost. Numbers of which
    a path lets exactly every second through look the same; `sequence` shows the step.
    """
    by = names_of(by)
    table, stamps, found = _found(table, seq, direction, window, bits, by, probes=probes)
    n, sequence, runs, taken = len(found.rows), found.sequence, found.runs, found.rows
    if in_time(picked(stamps, taken)):
        by_time = np.empty(n, dtype=np.int64)
        by_time[sequence] = np.arange(n)
    else:  # what has the same time stays in the order of its rows
        by_time = np.lexsort((sequence, stamps[taken][sequence]))
        taken = taken[sequence[by_time]]
    status, behind = np.zeros(n, dtype=np.int8), np.zeros(n, dtype=np.int64)
    status[runs.below] = runs.status(window)
    behind[runs.below] = runs.behind
    return pd.DataFrame(
        {
            "time": time_index(stamps[taken]),
            **{name: table[name].array.take(taken) for name in by},
            "run": runs.within(found.starts)[by_time],
            "seq": found.told[by_time],
            "status": pd.Categorical.from_codes(status[by_time], categories=pd.Index(STATUS)),
            "behind": behind[by_time],
            "skipped": runs.skipped()[by_time],
        },
        index=pd.Index(taken),
        copy=False,
    )


@dataclass(frozen=True, slots=True)
class _Found:
    """Numbered messages in order of stream, then time.

    Attributes
    ----------
    rows : (n,) int64, positions in the table, growing. sequence : (n,) int64, positions in `rows`, in that order.
    told : (n,) the numbers as they are shown, in that order.
    starts : (streams,) int64, where each stream begins.
    step : (streams,) int64, by what each counts.
    runs : what became of them.
    """

    rows: Ints
    sequence: Ints
    told: NDArray[np.int64] | NDArray[np.uint64]
    starts: Ints
    step: Ints
    runs: Runs


def _found(
    source: Source,
    seq: str | None,
    direction: str,
    window: int,
    bits: int | None,
    by: Sequence[str],
    *,
    probes: bool,
) -> tuple[pd.DataFrame, Ints, _Found]:
    """The table, the nanoseconds of all its rows, and its numbered messages."""
    if window < 0:
        raise ValueError(f"window counts numbers and cannot be {window}")
    if bits is not None and not 2 <= bits <= 64:
        raise ValueError(f"bits is the width of a counter, 2 to 64, not {bits}")
    with together():  # probes are looked for once
        table = table_of(with_stamps(source) if seq is None else source, seq, *by)
        require(table, ("time", "endpoint", "peer", "direction", "event", *by))
        rows, number, unsigned = numbers_of(table, seq, direction, with_probes=probes)
    stamps = times_ns(table)
    ids, first = group_rows(table, by, rows)
    sequence = order(ids, picked(stamps, rows))
    starts = starts_of(ids, len(first))
    number = at(number, sequence)
    if bits is not None:
        number = unwrapped(number, starts, bits)
    told = number.view(np.uint64) if unsigned or (bits or 0) > 62 else number
    number, step = in_steps(number, starts)
    found = _Found(rows, sequence, told, starts, step, runs_of(number, starts, window))
    return table, stamps, found


@by_row
def sequence(
    table: Source,
    *,
    seq: str | None = None,
    direction: str = "in",
    window: int = WINDOW,
    bits: int | None = None,
    probes: bool = False,
    by: str | Sequence[str] = PEER,
) -> pd.DataFrame:
    """Loss, duplication and reordering of each stream of numbered messages.

    Parameters
    ----------
    table, seq, direction, window, bits, probes, by : as for `numbered`.

    Returns
    -------
    One row per stream, in order of its first message: the columns `by`, `messages` (int64: numbered ones, the
    sample size), `expected` (int64: numbers from the lowest to the highest of each run), `received`
    (different numbers), `lost` (``expected - received``), `loss` (share of the expected, float64; NaN for
    fewer than two), `loss_low`, `loss_high` (its 95 % Wilson interval), `duplicates`, `reordered`, `late`
    (int64, of the `messages`), `max_behind` (int64), `restarts` (int64: how often the numbers start anew, lower),
    `jumps` (int64: how often they leap ahead by over 10,000), `jumped` (int64: numbers left out by those; lost, or
    never assigned: the numbers do not show which), `step` (int64: by what they count, see `numbered`).

    Notes
    -----
    What was lost before the first or after the last message that arrived cannot be seen; loss is as of the
    last row, and what is missing there may still come. The interval supposes losses independent of each
    other; losses in bursts are less certain than it suggests. Loss is "missing in this capture": where it
    happened (path, the socket buffers of either side, the sender) is another question.
    """
    by = names_of(by)
    table, stamps, found = _found(table, seq, direction, window, bits, by, probes=probes)
    starts, runs = found.starts, found.runs
    streams = len(starts)
    all_of_them = np.diff(starts, append=len(found.rows))

    def of(positions: Ints) -> Ints:
        """The streams that messages are of."""
        return np.searchsorted(starts, positions, side="right") - 1

    def counted(positions: Ints) -> Ints:
        return np.bincount(of(positions), minlength=streams).astype(np.int64)

    run_stream = of(runs.begins)
    expected = np.bincount(run_stream, weights=runs.spans, minlength=streams).astype(np.int64)
    status = runs.status(window)
    duplicates = counted(runs.below[status == 1])
    received = all_of_them - duplicates
    lost = expected - received
    low, high = wilson(lost, expected)
    enough = expected > 1
    worst, jumped = np.zeros(streams, dtype=np.int64), np.zeros(streams, dtype=np.int64)
    np.maximum.at(worst, of(runs.below), runs.behind)
    leaps, ahead = runs.leaps
    # Clipped, so that the sum of what a hostile sender writes stays within 64 bits.
    np.add.at(jumped, of(leaps), np.clip(ahead - 1, 0, 2**40))

    first = found.rows[found.sequence[starts]]
    columns = {
        **{name: table[name].array.take(first) for name in by},
        "messages": all_of_them,
        "expected": expected,
        "received": received,
        "lost": lost,
        "loss": np.where(enough, lost / np.maximum(expected, 1), np.nan),
        "loss_low": np.where(enough, low, np.nan),
        "loss_high": np.where(enough, high, np.nan),
        "duplicates": duplicates,
        "reordered": counted(runs.below[status == 2]),
        "late": counted(runs.below[status == 3]),
        "max_behind": worst,
        "restarts": np.bincount(run_stream, minlength=streams).astype(np.int64) - 1 - counted(leaps),
        "jumps": counted(leaps),
        "jumped": jumped,
        "step": found.step,
    }
    result = pd.DataFrame(columns, index=pd.Index(first))
    return result.iloc[np.lexsort((first, stamps[first]))]
