"""The measures of a data set: taken in parts, put together as if of one table."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from gdlab import analysis
from gdlab.analysis.columns import PEER, STREAM, groups, names_of, times_ns
from gdlab.analysis.compare import Gathered, beside, gathered, told
from gdlab.analysis.conversations import added as talks_added
from gdlab.analysis.conversations import finished as talks_finished
from gdlab.analysis.frame_rates import FrameRate
from gdlab.analysis.latency import outcomes
from gdlab.analysis.overhead import added as layers_added
from gdlab.analysis.overhead import finished as layers_finished
from gdlab.analysis.percentiles import QUANTILES
from gdlab.analysis.rates import Counted, Gaps, bins_for
from gdlab.analysis.rates import finished as rates_finished
from gdlab.analysis.sequence import WINDOW
from gdlab.analysis.source import Source, is_field
from gdlab.datasets.reading import below
from gdlab.datasets.sketch import Sketch
from gdlab.datasets.units import BY_STREAM, COLUMN, Found, Unit
from gdlab.errors import GdlabError

Ints = npt.NDArray[np.int64]


class TooLarge(GdlabError, MemoryError):
    """What was asked for would not fit the memory that it may take."""


class Measured:
    """What is measured of many files; each method gives what the function of `gdlab.analysis` gives of all their rows.

    Streams (endpoint and peer) are divided among the tasks, each in order of time over all files; counts and sums are
    taken file by file. Both give the very numbers of one table.
    """

    @abstractmethod
    def _units(
        self,
        task: str,
        measure: str,
        options: Mapping[str, Any],
        fields: Sequence[str | None],
        *,
        whole: bool,
    ) -> list[Unit]: ...

    @abstractmethod
    def _run(self, units: Sequence[Unit], label: str, fields: Sequence[str | None]) -> list[Any]: ...

    @abstractmethod
    def _span(self) -> tuple[int, int, int]:
        """Rows, and the nanoseconds of the first and the last."""

    @abstractmethod
    def _gaps(self) -> Gaps: ...

    @abstractmethod
    def _afford(self, what: str, row_bytes: int) -> None:
        """Refuse a result with this many bytes for each row of the data set, where it would be too large."""

    # ---- counts and sums

    def rates(
        self,
        *,
        bin_s: float | None = None,
        by: str | Sequence[str] = STREAM,
        top: int | None = None,
        span: tuple[pd.Timestamp, pd.Timestamp] | None = None,
        probes: bool = False,
    ) -> pd.DataFrame:
        """Messages and bytes per second; arguments and result as for `gdlab.analysis.rates`."""
        by = names_of(by)
        rows, start, end = self._span()
        if span is not None:
            start, end = (pd.Timestamp(moment).as_unit("ns").value for moment in span)
            if end < start:
                raise ValueError(f"span ends ({span[1]}) before it begins ({span[0]})")
        options: dict[str, Any] = {"by": by, "start": start, "end": end, "probes": probes}
        found = self._run(self._units("grouped", "rates", options, by, whole=False), "groups", by)
        labels, _ = _labels([(labels, place) for labels, place, _ in found], by)
        bins = bins_for(
            start,
            end,
            bin_s=bin_s,
            top=top,
            messages=sum(n for _, _, n in found),
            groups=len(labels),
            some=bool(rows) or span is not None,
        )
        options = {"by": by, "bins": bins, "probes": probes}
        parts = self._run(self._units("paced", "rates", options, by, whole=False), "rates", by)
        labels, numbers = _labels([(each.labels, place) for each, place in parts], by)

        def joined(name: str) -> Any:
            return np.concatenate([getattr(each, name) for each, _ in parts])

        group = np.concatenate([number[each.group] for (each, _), number in zip(parts, numbers, strict=True)])
        counts = Counted(
            labels,
            np.zeros(len(labels), np.int64),
            group,
            *map(joined, ("bin", "messages", "payload", "wire")),
        )
        return rates_finished(counts, self._gaps(), bins=bins, by=by, top=top)

    def overhead(
        self, *, by: Sequence[str] = ("endpoint", "direction"), probes: bool = False
    ) -> pd.DataFrame:
        """Bytes of each layer; arguments and result as for `gdlab.analysis.overhead`."""
        tallies = self._tallied("overhead", by, probes=probes)
        return layers_finished(layers_added(tallies, by), by=by)

    def conversations(self, *, probes: bool = False, by: str | Sequence[str] = PEER) -> pd.DataFrame:
        """What passed between whom; arguments and result as for `gdlab.analysis.conversations`."""
        by = names_of(by)
        return talks_finished(talks_added(self._tallied("conversations", by, probes=probes), by))

    def _tallied(self, measure: str, by: Sequence[str], *, probes: bool) -> pd.DataFrame:
        options = {"by": tuple(by), "probes": probes}
        found = self._run(self._units("tallied", measure, options, by, whole=False), measure, by)
        order = _in_order([each for _, each in found])
        return _below([table for table, _ in found]).iloc[order].reset_index(drop=True)

    # ---- stream by stream

    def inter_arrival(
        self, *, direction: str = "in", probes: bool = False, by: str | Sequence[str] = PEER
    ) -> pd.DataFrame:
        """Time between messages; arguments and result as for `gdlab.analysis.inter_arrival`."""
        self._afford("one row per message", 48)
        return self._by_stream(
            "inter_arrival", {"direction": direction, "probes": probes, "by": by}, names_of(by)
        )

    def jitter(
        self, *, sent: str | None = None, unit: str = "us", by: str | Sequence[str] = PEER
    ) -> pd.DataFrame:
        """Jitter of RFC 3550; arguments and result as for `gdlab.analysis.jitter`."""
        return self._by_stream("jitter", {"sent": sent, "unit": unit, "by": by}, (sent, *names_of(by)))

    def numbered(
        self,
        *,
        seq: str | None = None,
        direction: str = "in",
        window: int = WINDOW,
        bits: int | None = None,
        probes: bool = False,
        by: str | Sequence[str] = PEER,
    ) -> pd.DataFrame:
        """What each numbered message is; arguments and result as for `gdlab.analysis.numbered`."""
        return self._by_number(
            "numbered", seq, by, direction=direction, window=window, bits=bits, probes=probes
        )

    def sequence(
        self,
        *,
        seq: str | None = None,
        direction: str = "in",
        window: int = WINDOW,
        bits: int | None = None,
        probes: bool = False,
        by: str | Sequence[str] = PEER,
    ) -> pd.DataFrame:
        """Loss, duplication and reordering; arguments and result as for `gdlab.analysis.sequence`."""
        return self._by_number(
            "sequence", seq, by, direction=direction, window=window, bits=bits, probes=probes
        )

    def _by_number(
        self, measure: str, seq: str | None, by: str | Sequence[str], **options: Any
    ) -> pd.DataFrame:
        return self._by_stream(measure, {"seq": seq, "by": by, **options}, (seq, *names_of(by)))

    def round_trips(self, *, timeout_s: float = 2.0) -> pd.DataFrame:
        """Round trips of our probes; arguments and result as for `gdlab.analysis.round_trips`."""
        return self._in_the_end(self._by_stream("round_trips", {"timeout_s": timeout_s}, ()), timeout_s)

    def _in_the_end(self, trips: pd.DataFrame, timeout_s: float = 2.0) -> pd.DataFrame:
        # Whether a ping is given up is seen from the last row of all, which not every task has.
        _, _, last = self._span()
        answered = trips["rtt_ms"].notna().to_numpy(dtype=np.bool_)
        return trips.assign(outcome=outcomes(answered, times_ns(trips), last, timeout_s))

    def response_times(self) -> pd.DataFrame:
        """Times from a message to the next of its peer; result as for `gdlab.analysis.response_times`."""
        return self._by_stream("response_times", {}, ())

    def clock_offsets(self) -> pd.DataFrame:
        """Offset and drift of the peers' clocks; result as for `gdlab.analysis.clock_offsets`."""
        return self._by_stream("clock_offsets", {}, ())

    def one_way_delay(self, *, sent: str | None = None, unit: str = "us") -> pd.DataFrame:
        """Delay of each message; arguments and result as for `gdlab.analysis.one_way_delay`."""
        return self._by_stream("one_way_delay", {"sent": sent, "unit": unit}, (sent,))

    def delay_above_least(
        self, *, sent: str | None = None, unit: str = "us", by: str | Sequence[str] = PEER
    ) -> pd.DataFrame:
        """Delay above the least; arguments and result as for `gdlab.analysis.delay_above_least`."""
        options = {"sent": sent, "unit": unit, "by": by}
        return self._by_stream("delay_above_least", options, (sent, *names_of(by)))

    def frame_rate(self, *, peer: str | None = None) -> FrameRate | None:
        """The frame rate that delays answers; arguments and result as for `gdlab.analysis.frame_rate`."""
        trips = self.round_trips()
        return analysis.frame_rate(trips, peer=peer, trips=trips)

    def _by_stream(self, measure: str, options: dict[str, Any], fields: Sequence[str | None]) -> pd.DataFrame:
        # A field alone may join what several peers sent: then one task sees all of it.
        whole = not set(PEER) <= set(names_of(options.get("by", PEER)))
        units = self._units("by_stream", measure, options, fields, whole=whole)
        return joined(self._run(units, measure, fields))

    # ---- all of it

    def quantiles(self, measure: str, quantiles: Sequence[float] = QUANTILES, **options: Any) -> pd.DataFrame:
        """Quantiles of a measure over everything, in constant memory, with an error of at most 0.5 %.

        Parameters
        ----------
        measure : ``round_trips``, ``inter_arrival``, ``jitter``, ``one_way_delay``, ``delay_above_least`` or
            ``response_times``.
        quantiles : between 0 and 1, both excluded.
        options : of the measure.

        Returns
        -------
        One row per quantile: `quantile`, `value` (milliseconds), `low`, `high` (certain bounds of the value of that
        rank), `n`, `needed_n`. Lost pings count as later than all answers.

        Notes
        -----
        Values are counted in buckets that grow by 1 %, which are added up: the result does not depend on how the files
        divide the rows. Where all values fit in memory, `gdlab.analysis.percentiles` of them is exact.
        """
        if measure not in COLUMN:
            raise ValueError(f"quantiles are of {', '.join(sorted(COLUMN))}, not of {measure!r}")
        fields = (options.get("sent"), *names_of(options.get("by", PEER)))
        units = self._units("sketched", measure, options, fields, whole=False)
        if measure == "round_trips":
            last = self._span()[2]
            units = [_with(unit, last=last) for unit in units]
        together = Sketch()
        for sketch in self._run(units, f"quantiles of {measure}", fields):
            together.merge(sketch)
        return together.quantiles(quantiles)

    def measures(self, *, seq: str | None = None, probes: bool = False) -> pd.DataFrame:
        """The measures that `compare` puts side by side; as for `gdlab.analysis.measures`."""
        return told(self.gathered(seq=seq, probes=probes))

    def compare(
        self, other: Measured | Source, *, seq: str | None = None, probes: bool = False
    ) -> pd.DataFrame:
        """Compare with another data set or capture, and whether they differ; as for `gdlab.analysis.compare`."""
        if isinstance(other, Measured):
            second = other.gathered(seq=seq, probes=probes)
        else:
            second = gathered(other, seq=seq, probes=probes)
        return beside(self.gathered(seq=seq, probes=probes), second)

    def gathered(self, *, seq: str | None = None, probes: bool = False) -> Gathered:
        """What `measures` and `compare` are computed from."""
        self._afford("the time before each message", 16)
        rows, first, last = self._span()
        trips, streams = self.round_trips(), self.sequence(seq=seq)
        options: dict[str, Any] = {"probes": probes}
        came = self._run(self._units("arrived", "rates", options, (), whole=False), "messages", ())
        values = self._run(
            self._units("values", "inter_arrival", options, (), whole=False), "inter_arrival", ()
        )
        return Gathered(
            rows=rows,
            lasted_s=float(np.float64(last - first)) / 1e9 if rows else 0.0,
            came=sum(n for n, _ in came),
            came_bytes=sum(size for _, size in came),
            rtt_ms=trips["rtt_ms"].to_numpy(dtype=np.float64),
            lost=int((trips["outcome"] == "lost").sum()),
            decided=int((trips["outcome"] != "pending").sum()),
            iat_ms=np.concatenate(values),
            missing=int(streams["lost"].sum()),
            expected=int(streams["expected"].sum()),
        )


def joined(found: list[Found | str]) -> pd.DataFrame:
    """A measure of some streams, which are let go, as one of all; refused where all of them refuse.

    Raises
    ------
    ValueError : why the first of them refuses.
    """
    taken = [each for each in found if not isinstance(each, str)]
    if not taken:
        raise ValueError(found[0])
    some = [each for each in taken if len(each.table)] or taken[:1]
    place = np.concatenate([each.place for each in some])
    time = np.concatenate([each.time for each in some])
    tables = [each.table for each in some]
    for each in (found, taken, some):
        each.clear()
    order = np.lexsort((place, time))
    del place, time
    table = _below(tables)
    tables.clear()
    table = table.iloc[order]
    table.index = pd.RangeIndex(len(table))
    return table


def needed_fields(names: Sequence[str | None]) -> tuple[str, ...]:
    """Those of some names that only decoding gives."""
    return tuple(dict.fromkeys(name for name in names if name is not None and is_field(name)))


def of_streams(measure: str) -> bool:
    """Whether a measure needs all messages of a stream at once."""
    return measure in BY_STREAM


def _with(unit: Unit, **more: Any) -> Unit:
    return Unit(
        unit.part,
        unit.task,
        unit.measure,
        {**unit.options, **more},
        unit.marks,
        unit.decode_with,
        unit.fields,
    )


def _labels(parts: Sequence[tuple[pd.DataFrame, Ints]], by: Sequence[str]) -> tuple[pd.DataFrame, list[Ints]]:
    """Groups of all parts in order of first row; and of each part the numbers that its groups have there."""
    order = _in_order([each for _, each in parts])
    tables = [table for table, _ in parts]
    ids, labels = groups(_below(tables).iloc[order], by)
    numbers = np.empty(len(ids), np.int64)
    numbers[order] = ids
    return labels, np.split(numbers, np.cumsum([len(table) for table in tables])[:-1])


def _in_order(firsts: Sequence[Ints]) -> Ints:
    """What sorts groups of all parts by their first row; (n, 2) each, time and place."""
    together = np.concatenate(firsts)
    return np.lexsort((together[:, 1], together[:, 0]))


def _below(tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Tables of the same columns below each other."""
    some = [table for table in tables if len(table)] or list(tables[:1])
    if len(some) == 1:
        return some[0]
    for name in some[0].columns:
        kinds = {table[name].dtype for table in some}
        if kinds == {np.dtype(np.int64), np.dtype(np.uint64)}:
            # Numbers modulo 2^64: where one stream's need all bits, all are shown so.
            some = [table.assign(**{name: table[name].astype(np.uint64)}) for table in some]
    return below(some)
