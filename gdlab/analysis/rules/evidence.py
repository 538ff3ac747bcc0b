"""The measures that several rules ask for, each computed once and only when asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

import numpy as np

from gdlab.analysis.columns import codes, equals, messages, times_ns
from gdlab.analysis.conversations import conversations
from gdlab.analysis.latency import round_trips
from gdlab.analysis.loss_location import where_lost
from gdlab.analysis.probes import messages_of, probes
from gdlab.analysis.sequence import sequence
from gdlab.analysis.stamps import Stamps, carried, with_stamps
from gdlab.analysis.watched import causes, explained
from gdlab.facts import Reason

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from gdlab.analysis.source import Source
    from gdlab.analysis.watched import Watched

#: Chooses messages, each by what is in its own row.
Mask: TypeAlias = "Callable[[Evidence], NDArray[np.bool_]]"

#: Payloads that rules about contents look at: the first ones. More would not be found out more surely.
SAMPLE: Final = 2000
#: Rows that a finding points at.
POINTED: Final = 20


class Selected(NamedTuple):
    """Some messages: how many, the payload bytes of the largest, and the first of them, as a finding points at them."""

    n: int
    largest: int
    rows: tuple[int, ...]


class Clocks(NamedTuple):
    """Messages that carry their sender's clock: how many, the first of them, and whether all are in milliseconds."""

    n: int
    rows: tuple[int, ...]
    coarse: bool


#: Nanoseconds of some moments of each of some peers.
Moments: TypeAlias = Mapping[str, "NDArray[np.int64]"]


class Evidence:
    """A table as the rules see it.

    What is asked of `table` itself are rows that are no messages, and payloads of the first ones; whatever needs all
    messages is a method or an attribute here, so that it can be had of many files as well.

    Parameters
    ----------
    table : a message table.
    statistics : counters of the capture, as a mapping or an object with attributes; None for a table alone.
    seq : column with the numbers of the messages, where they are decoded.
    sender, relay : message tables of other places on the way of the messages, where they are at hand; a relay's truth
        is used.
    watched : what a game told of itself meanwhile, where it was watched.
    ended_in_order : false where the capture was cut off, so that its last rows may be missing.
    until_ns : up to when was listened, UTC nanoseconds; by default up to the last row. Silence writes no rows.
    """

    def __init__(
        self,
        table: pd.DataFrame,
        statistics: object = None,
        seq: str | None = None,
        *,
        sender: pd.DataFrame | None = None,
        relay: Source | None = None,
        watched: Watched | None = None,
        ended_in_order: bool = True,
        until_ns: int | None = None,
    ) -> None:
        self.table = table
        self._until_ns = until_ns
        self.ended_in_order = ended_in_order
        self.watched = watched
        self._sender, self._relay = sender, relay
        self._statistics = statistics
        self._seq = seq
        self._chosen: dict[tuple[str, ...], NDArray[np.bool_]] = {}

    def counter(self, name: str) -> int | None:
        """A counter of the capture; None where it has none of that name, or a file says what is no number."""
        source = self._statistics
        value: Any = source.get(name) if isinstance(source, Mapping) else getattr(source, name, None)
        return int(value) if isinstance(value, int | np.integer) else None

    # ---- asked of all rows

    @property
    def n(self) -> int:
        """How many rows there are."""
        return len(self.table)

    @cached_property
    def span(self) -> tuple[int, int] | None:
        """Nanoseconds of the first and the last row; None without rows."""
        return (int(self.stamps.min()), int(self.stamps.max())) if len(self.stamps) else None

    def at(self, rows: NDArray[np.integer[Any]] | list[int]) -> tuple[int, ...]:
        """Positions of the first of some rows of the table, as a finding points at them."""
        return tuple(np.asarray(rows)[:POINTED].tolist())

    def pointed(self, which: NDArray[np.bool_]) -> tuple[int, ...]:
        """The first rows of those, as a finding points at them."""
        return self.at(np.flatnonzero(which))

    def selected(self, mask: Mask) -> Selected:
        """The messages that one of `masks` chooses."""
        which = mask(self)
        n = int(np.count_nonzero(which))
        return Selected(n, int(self.size[which].max()) if n else 0, self.pointed(which))

    def said(self, peer: str, first_ns: int, last_ns: int) -> tuple[int, int]:
        """Messages to a peer and from it between two moments, both of which count as within."""
        return said(self.table, peer, first_ns, last_ns)

    def sent_before(self, moments_ns: Moments) -> Moments:
        """When the message of ours before each moment went to each peer; the least integer where there was none."""
        return sent_before(self.table, moments_ns)

    def asked(self, peers: list[str]) -> tuple[int, ...]:
        """The first of our pings to some peers, and of their answers."""
        mine = self.probes[self.probes["ours"]]["row"].to_numpy()
        return self.at(mine[self.table["peer"].iloc[mine].isin(peers).to_numpy(dtype=np.bool_)])

    @property
    def their_probes(self) -> Clocks:
        """The pings of the other sides."""
        row, ours, pong, t_us = (self.probes[name].to_numpy() for name in ("row", "ours", "pong", "t_us"))
        theirs = ~ours & ~pong
        return self._clocks(row[theirs], t_us[theirs])

    @property
    def stamped(self) -> Clocks:
        """Messages of the game that carry number and time, where those are known without being told."""
        return self._clocks(self.carried.rows, self.carried.t_us)

    def _clocks(self, rows: NDArray[np.int64], t_us: NDArray[np.int64]) -> Clocks:
        return Clocks(len(rows), self.at(rows), bool((t_us % 1000 == 0).all()))

    # ---- the table

    @cached_property
    def stamps(self) -> NDArray[np.int64]:
        """Nanoseconds of each row."""
        return times_ns(self.table)

    @property
    def until_ns(self) -> int:
        """Up to when was listened."""
        return max(self.span[1] if self.span else 0, self._until_ns or 0)

    @property
    def lasted_s(self) -> float:
        """From the first to the last row."""
        return float(self.span[1] - self.span[0]) / 1e9 if self.span else 0.0

    @cached_property
    def arrived(self) -> NDArray[np.bool_]:
        """The messages that came in, without answers to our pings."""
        return messages_of(self.table, "in")

    @cached_property
    def heard(self) -> NDArray[np.bool_]:
        """All that came in, answers to our pings as well: who answers is there."""
        return messages(self.table, "in")

    @cached_property
    def sent(self) -> NDArray[np.bool_]:
        """The messages that went out, without our pings."""
        return messages_of(self.table, "out")

    def event(self, name: str) -> NDArray[np.bool_]:
        """The rows of an event."""
        return self._once(("event", name), lambda: equals(self.table, "event", name))

    def transport(self, *names: str) -> NDArray[np.bool_]:
        """The rows of endpoints of a transport, such as ``ws``."""
        return self._once(("transport", *names), lambda: self._transport(names))

    def _transport(self, names: tuple[str, ...]) -> NDArray[np.bool_]:
        numbers, values = codes(self.table, "endpoint")
        answers = [str(value).split(":", 1)[0] in names for value in values]
        if not any(answers):
            return np.zeros(len(self.table), dtype=np.bool_)
        return np.asarray(np.array([*answers, False], dtype=np.bool_)[numbers])

    def _once(self, what: tuple[str, ...], find: Callable[[], NDArray[np.bool_]]) -> NDArray[np.bool_]:
        """What several rules ask for; read-only, as all of them get the same."""
        if what not in self._chosen:
            self._chosen[what] = find()
            self._chosen[what].flags.writeable = False
        return self._chosen[what]

    @cached_property
    def size(self) -> NDArray[np.int64]:
        """Payload bytes of each row."""
        return self.table["size_bytes"].to_numpy(dtype=np.int64)

    @cached_property
    def trips(self) -> pd.DataFrame:
        """Round trips of our probes."""
        return round_trips(self.table)

    @cached_property
    def probes(self) -> pd.DataFrame:
        """All probe messages."""
        return probes(self.table)

    @cached_property
    def carried(self) -> Stamps:
        """Number and time that the game's own messages carry, where those are known without being told."""
        return carried(self._stamped)

    @cached_property
    def _stamped(self) -> pd.DataFrame:
        return with_stamps(self.table)

    @cached_property
    def conversations(self) -> pd.DataFrame:
        """One row per peer."""
        return conversations(self.table, probes=True)

    @cached_property
    def streams(self) -> pd.DataFrame:
        """Loss of each stream of numbered messages."""
        return sequence(self._stamped if self._seq is None else self.table, seq=self._seq)

    @cached_property
    def where_lost(self) -> pd.DataFrame | None:
        """Loss of each part of the way; None without a table of the sender."""
        if self._sender is None:
            return None
        return where_lost(
            self._sender,
            self.table,
            relay=self._relay,
            seq=self._seq,
            kernel_drops=self.counter("kernel_drops"),
        )

    # ---- what the game told

    @cached_property
    def explained(self) -> pd.DataFrame | None:
        """Long round trips with the stall that explains each; None without a watch."""
        return None if self.watched is None else explained(self.table, self.watched)

    def during(self, times: pd.Series[Any]) -> NDArray[np.bool_]:
        """Which moments lie within the rows of the table, half a second around them."""
        if self.span is None:
            return np.ones(len(times), dtype=np.bool_)
        moments = times.astype("datetime64[ns, UTC]").astype("int64").to_numpy()
        around = 500_000_000
        return np.asarray(
            (moments >= self.span[0] - around) & (moments <= self.span[1] + around), dtype=np.bool_
        )

    def log(self, kind: str) -> pd.DataFrame | None:
        """Rows of one kind of the watched game's log, of the time of the table; None without a watch."""
        if self.watched is None:
            return None
        log = self.watched.log
        return log[(log["kind"] == kind) & self.during(log["time"])]

    def causes(self, log: pd.DataFrame) -> NDArray[np.int64]:
        """Position of the packet behind each row of the log; -1 where it is not known."""
        return causes(log, self.table)

    def rows_at(self, times: pd.Series[Any]) -> tuple[int, ...]:
        """Positions of the first rows at or after those moments, at most `POINTED`."""
        if not len(self.stamps):
            return ()
        order = np.argsort(self.stamps, kind="stable")
        moments = times.astype("datetime64[ns, UTC]").astype("int64").to_numpy()[:POINTED]
        at = np.searchsorted(self.stamps[order], moments)
        return tuple(dict.fromkeys(order[np.minimum(at, len(order) - 1)].tolist()))

    def payloads(self, which: NDArray[np.bool_]) -> tuple[list[int], list[bytes]]:
        """Positions and payloads of the first rows of those, at most `SAMPLE`; a file may lack payloads."""
        rows = np.flatnonzero(which & self.table["payload"].notna().to_numpy(np.bool_))[:SAMPLE]
        return rows.tolist(), list(self.table["payload"].array[rows])

    def reason(self, *reasons: Reason) -> NDArray[np.bool_]:
        """(n,) bool: rows with one of these reasons."""
        return equals(self.table, "reason", *reasons)

    def details(self, which: NDArray[np.bool_]) -> tuple[list[int], list[str]]:
        """Positions and sentences of the first rows of those, at most `SAMPLE`; sentences are for people."""
        rows = np.flatnonzero(which)[:SAMPLE]
        return rows.tolist(), [str(text) for text in self.table["detail"].iloc[rows].fillna("")]


def said(table: pd.DataFrame, peer: str, first_ns: int, last_ns: int) -> tuple[int, int]:
    """See `Evidence.said`."""
    stamps = times_ns(table)
    during = messages(table) & equals(table, "peer", peer) & (stamps >= first_ns) & (stamps <= last_ns)
    out = equals(table, "direction", "out")
    return int((during & out).sum()), int((during & ~out).sum())


def sent_before(table: pd.DataFrame, moments_ns: Moments) -> Moments:
    """See `Evidence.sent_before`."""
    stamps, ours = times_ns(table), messages(table, "out")
    never = np.iinfo(np.int64).min
    found = {}
    for peer, moments in moments_ns.items():
        sent = np.append(never, np.sort(stamps[ours & equals(table, "peer", peer)]))
        found[peer] = sent[np.searchsorted(sent[1:], moments, side="left")]
    return found
