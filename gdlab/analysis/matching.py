"""Which message of one capture is which of another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from gdlab.analysis.columns import groups, require
from gdlab.analysis.number_runs import unwrapped
from gdlab.analysis.probes import probes

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

#: Fewer messages in common prove nothing.
LEAST_MATCHES: Final = 5
#: One conversation must have so many times the matches of the next to be the one.
CLEARLY: Final = 2
#: A copy that comes later than this is no duplicate of the network, but the same content sent again.
DUPLICATE_NS: Final = 2_000_000_000
#: Rounds of a counter by which two captures may begin apart.
MOST_ROUNDS: Final = 1000


@dataclass(frozen=True, slots=True)
class Way:
    """One way: its messages by position in the sender's and the receiver's table."""

    sent: Ints
    sent_ns: Ints
    #: Rows of the first copy, -1 where there is none; and how many there are.
    got: Ints
    got_ns: Ints
    copies: Ints
    ambiguous: NDArray[np.bool_]


def contents_of(a: pd.DataFrame, b: pd.DataFrame) -> tuple[Ints, Ints]:
    """A number for each different payload of the two tables; equal content, not equal hash, makes the same."""
    both = np.concatenate([table["payload"].to_numpy(dtype=object) for table in (a, b)])
    numbers = pd.factorize(both)[0].astype(np.int64)
    return numbers[: len(a)], numbers[len(a) :]


def keys_of(
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


def one_conversation(
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


def match(sent: Ints, sent_keys: Ints, sent_ns: Ints, got: Ints, got_keys: Ints, got_ns: Ints) -> Way:
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

    return Way(sent, sent_ns[sent], column("row", -1), column("ns", 0), column("copies", 0), ambiguous)


def refuse_the_ambiguous(ways: list[Way], by: str) -> None:
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


def in_rounds(sent: Ints, sent_ns: Ints, got: Ints, got_ns: Ints, bits: int) -> tuple[Ints, Ints]:
    """Numbers of a counter that wraps around, made to count on, alike in both captures of one way.

    Parameters
    ----------
    sent, got : (n,), (m,) int64, numbers as the two captures have them, in order of time. sent_ns, got_ns : the times.

    Notes
    -----
    Where the captures begin in different rounds, those are put on each other in which most messages are in both, and
    of several the one whose clocks differ least.
    """
    if not len(sent) or not len(got):
        return sent, got
    size = 1 << bits
    begin = np.zeros(1, np.int64)
    a, b = unwrapped(sent, begin, bits), unwrapped(got, begin, bits)
    where = pd.Series(sent_ns, index=a)
    where = where[~where.index.duplicated()]
    low, high = int((a.min() - b.max()) // size), int((a.max() - b.min()) // size) + 1
    best, choice = (0, 0.0), 0
    for rounds in range(max(low, -MOST_ROUNDS), min(high, MOST_ROUNDS) + 1):
        at = where.index.get_indexer(pd.Index(b + rounds * size))
        here = at >= 0
        if not here.any():
            continue
        apart = float(np.median(np.abs(got_ns[here] - where.to_numpy()[at[here]])))
        # A counter that goes round in step with the sending looks alike in each round: then clocks decide.
        common = int(here.sum())
        if (common, -apart) > best:
            best, choice = (common, -apart), rounds
    return a, b + choice * size
