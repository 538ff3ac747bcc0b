"""What became of numbered messages: lost, duplicated, reordered.

The three are kept apart, as RFC 4737 (reordering) and RFC 5560 (duplication) define them: a message that
comes late is not lost, and one that comes twice makes up for nothing. Numbers count by one constant step for each
message of a stream, mostly by one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from gdlab.analysis.columns import (
    PEER,
    firsts,
    groups,
    messages,
    names_of,
    order,
    require,
    time_index,
    times_ns,
)
from gdlab.analysis.interval import wilson
from gdlab.analysis.placing import by_row
from gdlab.analysis.probes import messages_of
from gdlab.analysis.probes import probes as probes_of
from gdlab.analysis.source import Source, table_of
from gdlab.analysis.stamps import carried, with_stamps

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

#: What a message is, in the order it is decided.
STATUS: Final = ("in order", "duplicate", "reordered", "late")
#: So far behind, a message is late and no longer reordered: about a second at 60 messages per second.
WINDOW: Final = 64
#: A number this far from the one before begins a new run: a jump of a game's own, or garbage, not 10,000
#: losses.
JUMP: Final = 10_000
#: A run starts anew where the numbers drop and stay down for so many messages more.
STAYS: Final = 3
#: A step other than one is believed from so many on.
STEPS: Final = 20
#: Of a probe's numbers at least this share must follow on each other: a game that counts all its messages but
#: probes only now and then would else seem to lose most. Loss over about 80 % cannot be told from that.
BY_ONE: Final = 0.2


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
        it counts the probes: one in five of its steps at least is by one. Of other streams the number of messages
        that carry `seq` and `t_us`, as those of `Capture.gdscript` do.
    direction : ``in`` for what arrived.
    window : how many numbers a message may be behind to count as reordered; further behind it is late.
    bits : width of a counter that wraps around, 2 to 64, such as 16. By default it does not.
    probes : also our own pings and what answered them, which are gdlab's messages and not the game's.
    by : columns that tell the streams apart, each of which counts for itself, such as ``"v.id"``.

    Returns
    -------
    One row a numbered message, in order of arrival: `time`, the columns `by`, `run` (int64: counts the
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
    Reordered is a message with a number below the next expected one, which is one more than the highest
    seen (RFC 4737 section 3.3), that is no duplicate; a duplicate has a number that came before (RFC 5560
    section 3.2). The numbers of a run start anew where they drop by more than `window` and stay down for
    three more messages, or where they jump by over 10,000. A sender that starts over within `window` numbers
    under the same address cannot be told from one that duplicates.

    A stream that never counts by one, and by the same step (2, 100, -1) at least half the time in 20 steps or more, all
    others being multiples of it, counts by that step: what is not lost is then not reported as lost. Numbers of which
    a path lets exactly every second through look the same; `sequence` shows the step.
    """
    each = _each(table, seq, direction, window, bits, names_of(by), probes=probes)
    return each.drop(columns=["at", "step", "jump"])


def _each(
    table: Source,
    seq: str | None,
    direction: str,
    window: int,
    bits: int | None,
    by: Sequence[str],
    *,
    probes: bool,
) -> pd.DataFrame:
    """As `numbered`, with columns for `sequence`.

    These are `at` (steps since the run began), `step` of the stream, and `jump` (steps that a run began ahead of the
    one before; 0 where it did not).
    """
    table = table_of(with_stamps(table) if seq is None else table, seq, *by)
    if window < 0:
        raise ValueError(f"window counts numbers and cannot be {window}")
    if bits is not None and not 2 <= bits <= 64:
        raise ValueError(f"bits is the width of a counter, 2 to 64, not {bits}")
    require(table, ("time", "endpoint", "peer", "direction", "event", *by))
    stamps = times_ns(table)
    rows, number, unsigned = _numbers(table, seq, direction, with_probes=probes)
    subset = table[list(by)].iloc[rows]
    ids, _ = groups(subset, by)
    sequence = order(ids, stamps[rows])
    begins = firsts(ids[sequence])
    number = number[sequence]
    if bits is not None:
        number = unwrapped(number, begins, bits)
    told = number.view(np.uint64) if unsigned or (bits or 0) > 62 else number
    number, step = _in_steps(number, begins)
    anew = begins | _restarts(number, begins, window)

    part = np.cumsum(anew) - 1  # runs of all streams, numbered through
    jump = np.zeros_like(number)
    jump[1:] = np.where(anew[1:] & ~begins[1:], np.maximum(np.diff(number), 0), 0)
    # From the beginning of its run: no run spans 64 bits, whatever a hostile sender writes between two.
    number = number - number[np.flatnonzero(anew)][part]
    highest = _highest_before(number, part, anew)
    behind = np.where(anew, 0, np.maximum(highest - number, 0))
    below = ~anew & (number <= highest)
    again = pd.DataFrame({"part": part, "number": number}).duplicated().to_numpy()
    status = np.select([again, below & (behind > window), below], [1, 3, 2], 0)
    # The run within its stream: how many runs began since the stream did.
    run = part - np.maximum.accumulate(np.where(begins, part, 0)) if len(part) else part
    stream_time = stamps[rows][sequence]
    # What has the same time stays in the order of its rows.
    by_time = np.lexsort((sequence, stream_time))
    taken = sequence[by_time]
    return pd.DataFrame(
        {
            "time": time_index(stream_time[by_time]),
            **{name: subset[name].array.take(taken) for name in by},
            "run": run[by_time],
            "seq": told[by_time],
            "status": pd.Categorical.from_codes(status[by_time], categories=pd.Index(STATUS)),
            "behind": behind[by_time],
            "skipped": np.where(anew | below, 0, number - highest - 1)[by_time],
            "at": number[by_time],
            "step": step[by_time],
            "jump": jump[by_time],
        },
        index=pd.Index(rows[taken]),
    )


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
    table, seq, direction, window, bits, probes, by : as of `numbered`.

    Returns
    -------
    One row per stream, in order of its first message: the columns `by`, `messages` (int64: numbered ones, the
    sample size), `expected` (int64: numbers from the lowest to the highest of each run), `received`
    (different numbers), `lost` (``expected - received``), `loss` (share of the expected, float64; NaN for
    less than two), `loss_low`, `loss_high` (its 95 % Wilson interval), `duplicates`, `reordered`, `late`
    (int64, of the `messages`), `max_behind` (int64), `restarts` (int64: how often the numbers start anew, lower),
    `jumps` (int64: how often they leap ahead by over 10,000), `jumped` (int64: numbers left out by those; lost, or
    never given, which nobody can tell from the numbers), `step` (int64: by what they count, see `numbered`).

    Notes
    -----
    What was lost before the first or after the last message that arrived cannot be seen; loss is as of the
    last row, and what is missing there may still come. The interval supposes losses independent of each
    other; losses in bursts are less certain than it says. Loss is "missing in this capture": where it
    happened (path, the socket buffers of either side, the sender) is another question.
    """
    by = names_of(by)
    each = _each(table, seq, direction, window, bits, by, probes=probes)
    ids, labels = groups(each, by)
    streams = len(labels)
    status = each["status"].cat.codes.to_numpy()
    number = each["at"].to_numpy()
    leaps = each["jump"].to_numpy()
    jumped, step = np.zeros(streams, dtype=np.int64), np.ones(streams, dtype=np.int64)
    step[ids] = each["step"].to_numpy()
    # Clipped, so that the sum of what a hostile sender writes stays within 64 bits.
    np.add.at(jumped, ids, np.clip(leaps - 1, 0, 2**40))

    parts, runs = groups(each, (*by, "run"))
    spans = pd.Series(number).groupby(parts).agg(["min", "max"])
    of_stream = np.zeros(len(runs), dtype=np.int64)
    of_stream[parts] = ids
    span = (spans["max"] - spans["min"] + 1).to_numpy(dtype=np.float64)
    expected = np.bincount(of_stream, weights=span, minlength=streams).astype(np.int64)

    def counted(which: NDArray[np.bool_]) -> Ints:
        return np.bincount(ids[which], minlength=streams).astype(np.int64)

    all_of_them = counted(status >= 0)
    duplicates = counted(status == 1)
    received = all_of_them - duplicates
    lost = expected - received
    worst = pd.Series(each["behind"].to_numpy()).groupby(ids).max().to_numpy(dtype=np.int64)
    low, high = wilson(lost, expected)
    enough = expected > 1
    first = np.zeros(streams, dtype=np.int64)
    first[ids[::-1]] = each.index.to_numpy()[::-1]
    return labels.set_axis(pd.Index(first), axis=0).assign(
        messages=all_of_them,
        expected=expected,
        received=received,
        lost=lost,
        loss=np.where(enough, lost / np.maximum(expected, 1), np.nan),
        loss_low=np.where(enough, low, np.nan),
        loss_high=np.where(enough, high, np.nan),
        duplicates=duplicates,
        reordered=counted(status == 2),
        late=counted(status == 3),
        max_behind=worst,
        restarts=np.bincount(of_stream, minlength=streams).astype(np.int64) - 1 - counted(leaps > 0),
        jumps=counted(leaps > 0),
        jumped=jumped,
        step=step,
    )


def _numbers(
    table: pd.DataFrame, seq: str | None, direction: str, *, with_probes: bool
) -> tuple[Ints, Ints, bool]:
    """Rows that have a number, the numbers modulo 2^64, and whether they are unsigned ones."""
    wanted = messages(table, direction) if seq is None else messages_of(table, direction, probes=with_probes)
    if seq is None:
        found = probes_of(table)
        rows = found["row"].to_numpy()
        theirs = found["ours"].to_numpy() == (direction == "out")
        kept = wanted[rows] & theirs & ~found["pong"].to_numpy()
        rows, number = rows[kept], found["seq"].to_numpy()[kept]
        ids, _ = groups(table.iloc[rows], ("endpoint", "peer"))
        counts = _counts_by_one(ids, number)[ids]
        return *_beside(table, rows[counts], number[counts], direction), False
    require(table, [seq])
    # Without the missing ones first: with them, integers of an object column would become floats.
    there = np.flatnonzero(wanted & table[seq].notna().to_numpy(dtype=np.bool_))
    column = pd.to_numeric(table[seq].iloc[there], errors="coerce")
    if pd.api.types.is_integer_dtype(column.dtype):
        # Integers stay integers, also over 2^53.
        whole = column.notna().to_numpy(dtype=np.bool_)
        column = column[whole]
        if pd.api.types.is_unsigned_integer_dtype(column.dtype):
            big = column.to_numpy(dtype=np.uint64)
            return there[whole], big.view(np.int64), bool((big > np.uint64(2**63 - 1)).any())
        return there[whole], column.to_numpy(dtype=np.int64), False
    values = column.to_numpy(dtype=np.float64, na_value=np.nan)
    whole = np.isfinite(values) & (np.abs(values) < 2.0**63)
    whole[whole] &= values[whole] == np.floor(values[whole])
    return there[whole], values[whole].astype(np.int64), False


def _beside(table: pd.DataFrame, rows: Ints, number: Ints, direction: str) -> tuple[Ints, Ints]:
    """Numbers of probes, and those of the stamped messages of streams that have no such probes."""
    own = carried(table, direction)
    if not len(own.rows):
        return rows, number
    both = np.concatenate([rows, own.rows])
    ids, labels = groups(table.iloc[both], ("endpoint", "peer"))
    probing = np.zeros(len(labels), np.bool_)
    probing[ids[: len(rows)]] = True
    own = own.of(~probing[ids[len(rows) :]])
    return np.concatenate([rows, own.rows]), np.concatenate([number, own.seq])


def _counts_by_one(ids: Ints, number: Ints) -> NDArray[np.bool_]:
    """Whether the numbers of each stream count these messages, and not others between them, too."""
    together = np.argsort(ids, kind="stable")
    inside = ids[together][1:] == ids[together][:-1]
    stream = ids[together][1:][inside]
    by_one = np.diff(number[together])[inside] == 1
    streams = int(ids.max(initial=-1)) + 1
    steps = np.bincount(stream, minlength=streams)
    return np.asarray(np.bincount(stream[by_one], minlength=streams) >= BY_ONE * steps)


def unwrapped(number: Ints, begins: NDArray[np.bool_], bits: int) -> Ints:
    """Numbers of a counter that wraps, made to count on: each step is the shortest way around."""
    unused = 64 - bits
    step = np.zeros_like(number)
    # Shifted up and down again, the sign is that of the counter's highest bit; all is modulo 2^64.
    step[1:] = (np.diff(number) << unused) >> unused
    step[begins] = ((number.view(np.uint64) << np.uint64(unused)) >> np.uint64(unused)).view(np.int64)[begins]
    total = np.cumsum(step)
    start = np.maximum.accumulate(np.where(begins, np.arange(len(number)), 0)) if len(number) else number
    return total - (total - step)[start]


def _in_steps(number: Ints, begins: NDArray[np.bool_]) -> tuple[Ints, Ints]:
    """Numbers counted in the constant step of their stream, from its first; and that step of each row."""
    size = np.ones_like(number)
    stream = np.cumsum(begins) - 1
    moves = np.zeros_like(number)
    moves[1:] = np.diff(number)
    moves[begins] = 0
    streams = int(stream.max(initial=-1)) + 1
    by_one = np.bincount(stream[moves == 1], minlength=streams) > 0
    candidates = np.flatnonzero(~by_one & (np.bincount(stream[moves != 0], minlength=streams) >= STEPS))
    if not len(candidates):
        return number, size
    number = number.copy()
    edges = np.append(np.flatnonzero(begins), len(number))
    for each in candidates.tolist():
        here = slice(edges[each], edges[each + 1])
        steps = moves[here][moves[here] != 0]
        values, often = np.unique(steps, return_counts=True)
        usual = int(values[np.argmax(often)])
        # A step so large that ten thousand of them leave 64 bits is garbage and no counter.
        if 2 * often.max() < len(steps) or abs(usual) > 2**48:
            continue
        near = steps[np.abs(steps) <= JUMP * abs(usual)]
        if not (near % usual).any():
            number[here] = (number[here] - number[here][0]) // usual
            size[here] = usual
    return number, size


def _restarts(number: Ints, begins: NDArray[np.bool_], window: int) -> NDArray[np.bool_]:
    """True where the numbers of a stream start anew."""
    step = np.zeros_like(number)
    step[1:] = np.diff(number)
    step[begins] = 0
    stays = np.ones(len(number), dtype=np.bool_)
    stream = np.cumsum(begins)
    for ahead in range(1, STAYS + 1):
        near = np.zeros(len(number), dtype=np.bool_)
        near[:-ahead] = (stream[ahead:] == stream[:-ahead]) & (number[ahead:] - number[:-ahead] <= window)
        stays &= near
    # One message far ahead of its time, after which the numbers go on, is no restart.
    passed = np.ones(len(number), dtype=np.bool_)
    passed[2:] = (number[2:] <= number[:-2]) | (stream[2:] != stream[:-2])
    return (step > JUMP) | (step < -JUMP) | ((step < -window) & stays & passed)


def _highest_before(number: Ints, part: Ints, anew: NDArray[np.bool_]) -> Ints:
    """The highest number of the run before each message; (n,) int64, meaningless where a run begins."""
    # groupby().cummax() is one pass in C; shifting by one makes it "before this message".
    highest = pd.Series(number).groupby(part).cummax().to_numpy(dtype=np.int64)
    before = np.empty_like(highest)
    before[1:] = highest[:-1]
    before[anew] = 0
    return before
