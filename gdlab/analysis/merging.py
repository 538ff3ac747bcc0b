"""Two captures of one session as one table: each message where it was sent and where it arrived."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
import pandas as pd

from gdlab.analysis.clock_bounds import ClockBounds, Contradiction, bounds
from gdlab.analysis.columns import groups, messages, require, time_index, times_ns
from gdlab.analysis.probes import probes
from gdlab.analysis.sequence import wilson
from gdlab.analysis.source import Source, table_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

By = Literal["auto", "payload", "probe", "seq"]

#: What became of a message, in the order it is decided.
FATES: Final = ("arrived", "reordered", "lost", "unseen", "ambiguous")
WAYS: Final = ("a to b", "b to a")
#: Fewer messages in common prove nothing.
LEAST_MATCHES: Final = 5
#: One conversation must have so many times the matches of the next to be the one.
CLEARLY: Final = 2
#: A copy that comes later than this is no duplicate of the network, but the same content sent again.
DUPLICATE_NS: Final = 2_000_000_000


@dataclass(frozen=True, slots=True)
class Merged:
    """Two captures of one session, message by message.

    Attributes
    ----------
    table : one row per message, in order of its time on a's clock: `way` (category: `a to b`, `b to a`), `time` (when
        it was sent, on a's clock: as a has it, or estimated; where the clocks cannot be told, the sender's), `sent`,
        `received` (times as the two captures have them, each on its own clock; NaT where it is in one only),
        `sent_row`, `received_row` (Int64: positions in the two tables), `size_bytes`, `fate` (category: `arrived`,
        `reordered`, `lost`, `unseen`: the other capture cannot tell, as it had not begun or had ended, `ambiguous`:
        what identifies it was sent more than once), `copies` (int64: how often it arrived), `delay_ms`, `error_ms`
        (float64: the delay is this wrong at most; NaN where none is known).
    ways : one row per way: `place` (text), `entered` (int64: messages that could be followed), `lost`, `loss`,
        `loss_low`, `loss_high` (95 % Wilson interval), `reordered`, `duplicates` (int64: copies beyond the first),
        `ambiguous`, `unseen`, `least_ms`, `median_ms`, `error_ms` (of the delay, float64), `n` (int64: delays).
    clock : one row, or none where the clocks cannot be told: `time` (for which the offset holds, on a's clock),
        `offset_us` (int64: b's clock minus a's), `error_us`, `drift_ppm`, `drift_error_ppm` (float64; the error is the
        largest between `first` and `last`), `late_us` (float64: how much sooner than possible messages seem to arrive,
        which late timestamps of sending explain), `first`, `last`, `n` (int64: messages used).
    by : what the messages were told apart by: ``seq``, ``probe`` or ``payload``.
    peers : the conversation, as ``(a's name of b, b's name of a)``.
    """

    table: pd.DataFrame
    ways: pd.DataFrame
    clock: pd.DataFrame
    by: str
    peers: tuple[str, str]


@dataclass(frozen=True, slots=True)
class _Way:
    """One way: its messages by position in the sender's and the receiver's table."""

    sent: Ints
    sent_ns: Ints
    #: Rows of the first copy, -1 where there is none; and how many there are.
    got: Ints
    got_ns: Ints
    copies: Ints
    ambiguous: NDArray[np.bool_]


def merge(
    a: Source,
    b: Source,
    *,
    by: By = "auto",
    seq: str | None = None,
    same_clock: bool = False,
) -> Merged:
    """Align two captures of one session by the messages that both have.

    Parameters
    ----------
    a, b : the two sides of one conversation: what goes out of one comes into the other. Client and server, sender and
        receiver, or either side and a relay.
    by : what tells a message from another: ``payload`` (only those that were sent once), ``probe`` (only probes, which
        carry number and time), ``seq`` (the column `seq`), ``auto``: ``seq`` if that is given, else ``payload``.
    seq : column with the sender's number, such as ``"v.seq"``.
    same_clock : both captures are of one machine, whose clock needs no estimate; then one way suffices for delays.

    Returns
    -------
    `Merged`: the table, loss and order of each way, the clocks. The times of both captures stand in it as they were
    taken. Without messages both ways there is no delay in it, as no offset can be told from one way.

    Raises
    ------
    ValueError
        If it is ambiguous which messages are the same, with the reason: nothing in common, contents that repeat,
        several conversations that fit, or times that contradict each other.
    KeyError
        If there is no column `seq`.

    Notes
    -----
    The offset is an interval, not an average: no message arrives before it was sent, and the drift is steady and at
    most 500 ppm. What is sent before the first or after the last message that arrived counts as `unseen`, not lost.
    Reordering as in RFC 4737, loss as in RFC 7680, one-way delay as in RFC 7679. One conversation at a time.
    """
    if by not in ("auto", "payload", "probe", "seq"):
        raise ValueError(f"by is auto, payload, probe or seq, not {by!r}")
    if (by == "seq") and seq is None:
        raise ValueError('by="seq" needs the column with the numbers: seq="v.seq"')
    chosen = ("payload" if seq is None else "seq") if by == "auto" else by
    tables = [table_of(each, seq if chosen == "seq" else None) for each in (a, b)]
    for table in tables:
        require(table, ("time", "endpoint", "peer", "direction", "event", "size_bytes", "payload"))
    contents = _contents(*tables)
    rows = [np.flatnonzero(messages(table)) for table in tables]
    rows = list(_one_conversation(tables, rows, contents))
    keys = _keys(tables, contents, chosen, seq)
    rows = [each[key[each] >= 0] for each, key in zip(rows, keys, strict=True)]
    stamps = [times_ns(table) for table in tables]
    out = [table["direction"].eq("out").to_numpy(dtype=np.bool_) for table in tables]

    ways = []
    for sender, receiver in ((0, 1), (1, 0)):
        sent = rows[sender][out[sender][rows[sender]]]
        got = rows[receiver][~out[receiver][rows[receiver]]]
        ways.append(
            _match(sent, keys[sender][sent], stamps[sender], got, keys[receiver][got], stamps[receiver])
        )
    _refuse_the_ambiguous(ways, chosen)
    start = int(stamps[0].min())
    base, clock = (0, None) if same_clock else _clock(ways, start)
    known = same_clock or clock is not None
    parts = [
        _rows_of(way, number, tables[number], base, clock, start, known=known)
        for number, way in enumerate(ways)
    ]
    table = pd.concat(parts, ignore_index=True)
    table["way"] = pd.Categorical.from_codes(table["way"].to_numpy(), categories=pd.Index(WAYS))
    table = table.sort_values("time", kind="stable", ignore_index=True)
    peers = tuple(str(t["peer"].iloc[r[0]]) for t, r in zip(tables, rows, strict=True))
    return Merged(
        table,
        _ways(table),
        _clock_table(base, clock, start, ways, same=same_clock),
        chosen,
        (peers[0], peers[1]),
    )


def _contents(a: pd.DataFrame, b: pd.DataFrame) -> tuple[Ints, Ints]:
    """A number for each different payload of the two tables; equal content, not equal hash, makes the same."""
    both = np.concatenate([table["payload"].to_numpy(dtype=object) for table in (a, b)])
    numbers = pd.factorize(both)[0].astype(np.int64)
    return numbers[: len(a)], numbers[len(a) :]


def _keys(
    tables: list[pd.DataFrame], contents: tuple[Ints, Ints], by: str, seq: str | None
) -> tuple[Ints, Ints]:
    """What identifies each row's message, equal in both tables; negative where nothing does."""
    if by == "payload":
        return contents
    found: list[Ints] = []
    if by == "probe":
        for table, content in zip(tables, contents, strict=True):
            key = np.full(len(table), -1, np.int64)
            rows = probes(table)["row"].to_numpy()
            key[rows] = content[rows]
            found.append(key)
        return found[0], found[1]
    for table in tables:
        require(table, [str(seq)])
    columns = [pd.to_numeric(table[seq], errors="coerce") for table in tables]
    # Integers stay integers, also over 2^53, unless one of the columns has fractions or missing numbers as NaN.
    both = pd.concat(
        [column.astype("Float64" if column.dtype.kind == "f" else "Int64") for column in columns]
    )
    numbers = pd.factorize(both)[0].astype(np.int64)
    return numbers[: len(tables[0])], numbers[len(tables[0]) :]


def _one_conversation(
    tables: list[pd.DataFrame], rows: list[Any], contents: tuple[Ints, Ints]
) -> tuple[Ints, Ints]:
    """The rows of the one conversation that both tables have, told by contents that no other conversation has."""
    of, named = zip(
        *(groups(table.iloc[each], ("endpoint", "peer")) for table, each in zip(tables, rows, strict=True)),
        strict=True,
    )
    if not len(named[0]) or not len(named[1]):
        empty = "the first" if not len(named[0]) else "the second"
        raise ValueError(f"nothing to merge: {empty} capture has no messages")
    if len(named[0]) == len(named[1]) == 1:
        return rows[0], rows[1]
    owners = []
    for each, row, content in zip(of, rows, contents, strict=True):
        pairs = pd.DataFrame({"content": content[row], "conversation": each}).drop_duplicates()
        owners.append(pairs.drop_duplicates("content", keep=False).set_index("content")["conversation"])
    both = pd.concat(owners, axis=1, join="inner", keys=["a", "b"])
    votes = both.groupby(["a", "b"]).size().sort_values(ascending=False)
    most = int(votes.iloc[0]) if len(votes) else 0
    next_most = int(votes.iloc[1]) if len(votes) > 1 else 0
    if most < LEAST_MATCHES or most < CLEARLY * next_most:
        raise ValueError(
            f"ambiguous: {len(named[0])} and {len(named[1])} conversations, and it cannot be told which of the two "
            f"captures belong together ({most} messages only the best pair has, {next_most} the next). Merge one at a "
            f"time: filter the tables by peer, of {_listed(named[0])} and {_listed(named[1])}"
        )
    best = [int(number) for number in next(iter(votes.index))]
    kept = [
        np.asarray(row[each == number], np.int64) for row, each, number in zip(rows, of, best, strict=True)
    ]
    return kept[0], kept[1]


def _listed(named: pd.DataFrame) -> str:
    peers = named["peer"].astype(str).unique().tolist()
    return ", ".join(peers[:5]) + (" ..." if len(peers) > 5 else "")


def _match(sent: Ints, sent_keys: Ints, sent_ns: Ints, got: Ints, got_keys: Ints, got_ns: Ints) -> _Way:
    """What arrived of what was sent; both in order of time."""
    by_time = np.argsort(sent_ns[sent], kind="stable")
    sent, sent_keys = sent[by_time], sent_keys[by_time]
    by_time = np.argsort(got_ns[got], kind="stable")
    got, got_keys = got[by_time], got_keys[by_time]
    repeated = pd.Series(sent_keys).duplicated(keep=False).to_numpy()
    arrivals = pd.DataFrame({"key": got_keys, "row": got, "ns": got_ns[got]})
    each = arrivals.groupby("key").agg(
        row=("row", "first"), ns=("ns", "first"), last=("ns", "last"), copies=("row", "size")
    )
    found = each.reindex(sent_keys)
    here = found["row"].notna().to_numpy()
    reused = here & ((found["last"] - found["ns"]) > DUPLICATE_NS).to_numpy()
    ambiguous = repeated | reused

    def column(name: str, missing: int) -> Ints:
        # Not through floats, which cannot hold nanoseconds since 1970.
        values = np.full(len(sent), missing, np.int64)
        clear = here & ~ambiguous
        values[clear] = each[name].to_numpy()[each.index.get_indexer(pd.Index(sent_keys[clear]))]
        return values

    return _Way(sent, sent_ns[sent], column("row", -1), column("ns", 0), column("copies", 0), ambiguous)


def _refuse_the_ambiguous(ways: list[_Way], by: str) -> None:
    """Raise where too little can be told apart."""
    matched = sum(int((way.got >= 0).sum()) for way in ways)
    unclear = sum(int(way.ambiguous.sum()) for way in ways)
    total = sum(len(way.sent) for way in ways)
    if total and unclear > total / 2:
        what = {"seq": "number", "probe": "probe", "payload": "content"}[by]
        raise ValueError(
            f"ambiguous: {unclear} of {total} messages have the same {what} as another: it cannot be told which "
            "arrived. Number the messages and give the column (seq=), or send probes and use by='probe'; of a counter "
            "that starts over, merge the stretches between"
        )
    if matched < LEAST_MATCHES:
        raise ValueError(
            f"only {matched} of {total} messages that one capture sent are among those that the other received, and "
            f"{LEAST_MATCHES} are needed: are these two captures of one session, whose times overlap? What one side "
            "sends must be unchanged at the other; of a raw TCP stream, choose a framing first"
        )


def _clock(ways: list[_Way], start: int) -> tuple[int, ClockBounds | None]:
    """How b's clock stands to a's: a whole number of nanoseconds, and the line on top of it."""
    clear = [(way.got >= 0) & (way.copies == 1) for way in ways]
    if not all(each.any() for each in clear):
        return 0, None
    (forth, back), (there, here) = ways, clear
    # Whole numbers until only small differences are left: nanoseconds since 1970 exceed a float's 53 bits.
    above = forth.got_ns[there] - forth.sent_ns[there]
    below = back.sent_ns[here] - back.got_ns[here]
    base = int(above.min())
    x = (forth.sent_ns[there] - start) / 1e9, (back.got_ns[here] - start) / 1e9
    try:
        return base, bounds((x[0], (above - base) / 1e3), (x[1], (below - base) / 1e3))
    except Contradiction as error:
        raise ValueError(
            "ambiguous: as matched, messages would arrive before they were sent, whatever the clocks' offset "
            f"and drift (by {error.by_us / 1e3:.1f} ms). Either contents repeat so that others were taken for "
            "them (give seq=, or by='probe'), or a clock was set meanwhile: merge the time before and after it"
        ) from None


def _rows_of(
    way: _Way,
    number: int,
    sender: pd.DataFrame,
    base: int,
    clock: ClockBounds | None,
    start: int,
    *,
    known: bool,
) -> pd.DataFrame:
    """One way's rows of the merged table."""
    here = way.got >= 0
    forth = number == 0
    # When it was at a, which has the clock that all is told in; for what never came there, as if it had no delay.
    at_a = np.where(here, way.got_ns, way.sent_ns - base) if not forth else way.sent_ns
    x = (at_a - start) / 1e9
    offset_us = clock.at(x) if clock is not None else np.zeros(len(x))
    error = clock.error(x) if clock is not None else np.zeros(len(x))
    # The offset in nanoseconds beyond `base`, rounded: the sum stays a whole number.
    offset_ns = base + np.rint(offset_us * 1e3).astype(np.int64)
    difference = np.where(here, way.got_ns - way.sent_ns, 0)
    delay = (difference - offset_ns if forth else difference + offset_ns) / 1e6
    time = way.sent_ns if forth else way.sent_ns - offset_ns
    fate = np.select([way.ambiguous, here], [4, 0], 2)
    told = np.flatnonzero(here)
    if len(told):
        fate[: told[0]] = np.where(way.ambiguous[: told[0]], 4, 3)
        fate[told[-1] + 1 :] = np.where(way.ambiguous[told[-1] + 1 :], 4, 3)
        arrival = told[np.lexsort((way.got[told], way.got_ns[told]))]
        behind = np.zeros(len(arrival), np.bool_)
        behind[1:] = arrival[1:] < np.maximum.accumulate(arrival)[:-1]
        fate[arrival[behind]] = 1
    else:
        fate[fate == 2] = 3
    received = pd.Series(time_index(way.got_ns)).where(here)
    return pd.DataFrame(
        {
            "way": np.full(len(x), number, np.int8),
            "time": time_index(time),
            "sent": time_index(way.sent_ns),
            "received": received,
            "sent_row": pd.array(way.sent, dtype="Int64"),
            "received_row": pd.arrays.IntegerArray(way.got, ~here),
            "size_bytes": sender["size_bytes"].to_numpy(dtype=np.int64)[way.sent],
            "fate": pd.Categorical.from_codes(fate, categories=pd.Index(FATES)),
            "copies": way.copies,
            "delay_ms": np.where(here & known, delay, np.nan),
            "error_ms": np.where(here & known, error / 1e3, np.nan),
        }
    )


def _ways(table: pd.DataFrame) -> pd.DataFrame:
    """What each way did to its messages."""
    rows = []
    for name in WAYS:
        part = table[table["way"] == name]
        count = part["fate"].value_counts()
        arrived = int(count["arrived"] + count["reordered"])
        lost, delay = int(count["lost"]), part["delay_ms"].dropna()
        rows.append(
            {
                "place": name,
                "entered": arrived + lost,
                "lost": lost,
                "reordered": int(count["reordered"]),
                "duplicates": int((part["copies"] - 1).clip(lower=0).sum()),
                "ambiguous": int(count["ambiguous"]),
                "unseen": int(count["unseen"]),
                "least_ms": delay.min(),
                "median_ms": delay.median(),
                "error_ms": part["error_ms"].max(),
                "n": len(delay),
            }
        )
    frame = pd.DataFrame(rows)
    n, missing = frame["entered"].to_numpy(), frame["lost"].to_numpy()
    low, high = wilson(missing, n)
    shares = {"loss": missing / np.maximum(n, 1), "loss_low": low, "loss_high": high}
    for position, (name, share) in enumerate(shares.items(), 3):
        frame.insert(position, name, np.where(n > 0, share, np.nan))
    return frame


def _clock_table(
    base: int, clock: ClockBounds | None, start: int, ways: list[_Way], *, same: bool
) -> pd.DataFrame:
    """The clocks, as `clock_offsets` tells them."""
    used = sum(int(((way.got >= 0) & (way.copies == 1)).sum()) for way in ways)
    if clock is not None:
        first, last = float(clock.knots_s[0]), float(clock.knots_s[-1])
        middle = (first + last) / 2
        offset_us = base / 1e3 + float(clock.at(np.array([middle]))[0])
        # Half a microsecond for the whole number.
        row: tuple[Any, ...] = (middle, round(offset_us), float(clock.errors_us.max()) + 0.5)
        row += (clock.drift_ppm, clock.drift_error_ppm, clock.late_us, first, last, used)
        rows = [row]
    elif same:
        rows = [(0.0, 0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, used)]
    else:
        rows = []
    names = ["time", "offset_us", "error_us", "drift_ppm", "drift_error_ppm", "late_us", "first", "last", "n"]
    frame = pd.DataFrame(rows, columns=names).astype(dict.fromkeys(names, "float64"))
    for name in ("time", "first", "last"):
        frame[name] = time_index(start + np.rint(frame[name].to_numpy() * 1e9).astype(np.int64))
    return frame.astype({"offset_us": "int64", "n": "int64"})
