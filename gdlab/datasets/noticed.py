"""The findings of a data set: every rule is asked, of counts and of the rows that it looks at, not of all rows."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from gdlab.analysis.findings import listed
from gdlab.analysis.rules import RULES, Evidence
from gdlab.analysis.rules.evidence import POINTED, Clocks, Mask, Moments, Selected
from gdlab.analysis.rules.masks import COUNTED, heard
from gdlab.analysis.stamps import SEQ, T_US
from gdlab.datasets.measured import Measured, joined
from gdlab.datasets.noted import FIRST, Chosen, Clocked, Followed
from gdlab.datasets.reading import ROW_BITS, Rows
from gdlab.datasets.units import Unit

Ints = npt.NDArray[np.int64]


class Noticed(Measured):
    """What is remarkable of many files."""

    @abstractmethod
    def _glance(self, *questions: str) -> list[Any]:
        """The answers of all parts to the first of some questions of `glanced`; all are asked at once."""

    @abstractmethod
    def _each_file(self, task: str, options: Mapping[str, Any]) -> list[Unit]:
        """Units of a task that looks at time, streams and events of each file alone."""

    @abstractmethod
    def _as_done(self, units: Sequence[Unit], label: str) -> Iterator[Any]:
        """Results of units, in any order: of those that were taken nothing is kept."""

    @abstractmethod
    def _table(self, found: Sequence[Rows]) -> tuple[pd.DataFrame, Ints]:
        """Rows of several tasks in order of time, each once, and the place of each."""

    @abstractmethod
    def _about(self) -> dict[str, Any]:
        """What the files tell of themselves, together."""

    def findings(self, *, seq: str | None = None) -> pd.DataFrame:
        """What is remarkable; `seq` and result as for `gdlab.analysis.findings`.

        Notes
        -----
        Of the messages, only the first payloads that a rule looks into are fetched; loss, round trips and conversations
        are measured as here anyway. What stays in memory is a row per ping, the rows that are not messages, and these.
        """
        evidence = self._evidence(seq)
        return listed([finding for rule in RULES for finding in rule(evidence)])

    def _evidence(self, seq: str | None) -> Evidence:
        parts: list[Chosen] = self._glance("chosen", "stamped", "related")
        counted = [
            (sum(part.counted[mask][0] for part in parts), max(part.counted[mask][1] for part in parts))
            for mask in range(len(COUNTED))
        ]
        followed = self._followed(seq, named=bool(counted[COUNTED.index(heard)][0]))
        theirs, stamped = (
            _clocks([getattr(each, name) for each in followed]) for name in ("theirs", "stamped")
        )
        if seq is not None and not stamped.n:  # no fields, but perhaps text or bytes
            others = self._followed(None, named=False)
            stamped = _clocks([each.stamped for each in others])
        own = np.concatenate([each.own for each in followed])
        trips, streams = [each.trips for each in followed], [each.streams for each in followed]
        followed.clear()
        trips_of_all, streams_of_all = self._in_the_end(joined(trips)), joined(streams)
        first = [_first([part.first[mask] for part in parts], most) for mask, most in enumerate(FIRST)]
        wanted = np.concatenate([*first, *(part.others for part in parts), own, theirs.first, stamped.first])
        table, place = self._table(self._fetched(np.unique(wanted[:, 1])))
        rows, begin, end = self._span()
        return _Spread(
            table,
            _Facts(
                asking=self,
                positions=self._ranks(np.stack([_times(table), place], axis=1)),
                n=rows,
                span=(begin, end) if rows else None,
                counted=counted,
                own=np.isin(place, own[:, 1]),
                theirs=Clocks(theirs.n, (), theirs.coarse),
                stamped=Clocks(stamped.n, (), stamped.coarse),
                first=tuple(np.flatnonzero(np.isin(place, each.first[:, 1])) for each in (theirs, stamped)),
                trips=trips_of_all,
                streams=streams_of_all,
            ),
            self._about(),
        )

    def _followed(self, seq: str | None, *, named: bool) -> list[Followed]:
        fields = () if seq is None else (seq, SEQ, T_US)
        units = self._units("followed", "sequence", {"seq": seq}, fields, whole=False)
        return self._run(units, "pings and numbers", (seq,) if named else ())

    def _fetched(self, places: Ints) -> list[Rows]:
        files = set((places >> ROW_BITS).tolist())
        units = [
            unit
            for unit in self._units("fetched", "findings", {"places": places}, (), whole=False)
            if files & {number for number, _ in unit.part.files}
        ]
        return self._run(units, "rows of findings", ())

    def _ranks(self, keys: Ints) -> Ints:
        """The positions that rows of these times and places have among all rows."""
        together = np.zeros(len(keys), np.int64)
        for each in self._as_done(self._each_file("ranked", {"keys": keys}), "places of rows"):
            together += each
        return together

    def ranks_at(self, moments_ns: Ints) -> Ints:
        """How many of all rows are before some moments."""
        return self._ranks(np.stack([moments_ns, np.full(len(moments_ns), -1)], axis=1))

    def sent_before(self, moments_ns: Moments) -> Moments:
        """As of `Evidence.sent_before`, of all rows."""
        latest = {peer: np.full(len(each), np.iinfo(np.int64).min) for peer, each in moments_ns.items()}
        if latest:
            units = self._each_file("before", {"moments": moments_ns})
            for found in self._as_done(units, "messages before pings"):
                for peer, each in found.items():
                    np.maximum(latest[peer], each, out=latest[peer])
        return latest

    def said(self, peer: str, first_ns: int, last_ns: int) -> tuple[int, int]:
        """As of `Evidence.said`, of all rows."""
        units = self._each_file("between", {"peer": peer, "first": first_ns, "last": last_ns})
        found = self._run(units, "messages meanwhile", ())
        return sum(asked for asked, _ in found), sum(answered for _, answered in found)


@dataclass(frozen=True, slots=True)
class _Facts:
    """What is known of all rows; `positions` are those of the rows at hand among them."""

    asking: Noticed
    positions: Ints
    n: int
    span: tuple[int, int] | None
    counted: list[tuple[int, int]]
    own: npt.NDArray[np.bool_]
    theirs: Clocks
    stamped: Clocks
    first: tuple[npt.NDArray[np.intp], ...]
    trips: pd.DataFrame
    streams: pd.DataFrame


class _Spread(Evidence):
    """Evidence of which only some rows are at hand."""

    def __init__(self, table: pd.DataFrame, facts: _Facts, about: Mapping[str, Any]) -> None:
        super().__init__(
            table, about.get("statistics"), ended_in_order=about.get("ended_in_order") is not False
        )
        self._facts = facts

    @property
    def n(self) -> int:
        return self._facts.n

    @cached_property
    def span(self) -> tuple[int, int] | None:
        return self._facts.span

    def at(self, rows: npt.NDArray[np.integer[Any]] | list[int]) -> tuple[int, ...]:
        return tuple(self._facts.positions[np.asarray(rows, np.int64)[:POINTED]].tolist())

    def selected(self, mask: Mask) -> Selected:
        return Selected(*self._facts.counted[COUNTED.index(mask)], self.pointed(mask(self)))

    def said(self, peer: str, first_ns: int, last_ns: int) -> tuple[int, int]:
        return self._facts.asking.said(peer, first_ns, last_ns)

    def sent_before(self, moments_ns: Moments) -> Moments:
        return self._facts.asking.sent_before(moments_ns)

    def asked(self, peers: list[str]) -> tuple[int, ...]:
        theirs = self.table["peer"].isin(peers).to_numpy(dtype=np.bool_)
        return self.pointed(self._facts.own & theirs)

    @property
    def their_probes(self) -> Clocks:
        return self._facts.theirs._replace(rows=self.at(self._facts.first[0]))

    @property
    def stamped(self) -> Clocks:
        return self._facts.stamped._replace(rows=self.at(self._facts.first[1]))

    @cached_property
    def trips(self) -> pd.DataFrame:
        return self._facts.trips

    @cached_property
    def streams(self) -> pd.DataFrame:
        return self._facts.streams

    @cached_property
    def conversations(self) -> pd.DataFrame:
        return self._facts.asking.conversations(probes=True)

    def rows_at(self, times: pd.Series[Any]) -> tuple[int, ...]:
        moments = (
            times.astype("datetime64[ns, UTC]").to_numpy(dtype="datetime64[ns]").view(np.int64)[:POINTED]
        )
        at = self._facts.asking.ranks_at(moments)
        return tuple(dict.fromkeys(np.minimum(at, self.n - 1).tolist()))


def _first(parts: Sequence[Ints], most: int) -> Ints:
    """The first of some times and places, each of which is there once or more."""
    found = np.unique(np.concatenate(parts), axis=0)
    return found[np.lexsort((found[:, 1], found[:, 0]))[:most]]


def _clocks(parts: Sequence[Clocked]) -> Clocked:
    return Clocked(
        sum(part.n for part in parts),
        _first([part.first for part in parts], POINTED),
        all(part.coarse for part in parts),
    )


def _times(table: pd.DataFrame) -> Ints:
    return table["time"].to_numpy(dtype="datetime64[ns]").view(np.int64)
