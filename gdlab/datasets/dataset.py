"""A data set: files that are listed at once and read when something is asked of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Executor
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from gdlab.analysis.probes import mark
from gdlab.analysis.rates import Gaps
from gdlab.analysis.stamps import SEQ, T_US, Writing, writing_of
from gdlab.codecs.table import DecodeWith, decode
from gdlab.datasets import partition, sql
from gdlab.datasets.listing import Listed
from gdlab.datasets.measured import TooLarge, needed_fields, of_streams
from gdlab.datasets.noticed import Noticed
from gdlab.datasets.reading import BASE, Part, Rows, Streams, rows_of
from gdlab.datasets.running import run
from gdlab.datasets.survey import Survey, asks, together
from gdlab.datasets.tasks import Answer, needs, work
from gdlab.datasets.units import OF_FIELDS, STAMPED, TIMED, UNDECODED, Unit
from gdlab.files import pieces, provenance
from gdlab.files import to_schema as conform
from gdlab.files.budget import ROW_BYTES
from gdlab.files.sources import paths

if TYPE_CHECKING:
    from gdlab.files.progress import ProgressFunction
    from gdlab.files.sources import Source

#: What `df` and other results may take unless it is said otherwise.
MOST_BYTES: Final = 4 << 30
#: What is read of payloads: WebSocket tells by the kind what may be in them.
STAMPS: Final = ("size_bytes", "kind", "payload")
#: Rows of streams that a task holds at a time; a single stream that is longer is held whole.
ROWS_AT_ONCE: Final = 2_000_000


def dataset(
    source: Source,
    *,
    executor: Executor | None = None,
    decode_with: DecodeWith = "auto",
    most_bytes: int = MOST_BYTES,
    rows_at_once: int = ROWS_AT_ONCE,
    progress: ProgressFunction | None = None,
) -> Dataset:
    """Take many capture files as one, without reading them into memory.

    Parameters
    ----------
    source : a folder, a pattern such as ``"runs/**/*"``, a file, or a list of these: CSV, Parquet, pcap and spilled
        captures together, as `gdlab.load` takes them. CSV of gdlab, Parquet and packet captures of more than
        256 MiB are read in pieces, each of which counts as a file of its own in `files`.
    executor : what runs the work: any executor of PEP 3148, such as a process pool, or that of Dask,
        ``client.get_executor()``, whose workers then read the files from a folder that all see. None runs it here.
    decode_with : how payloads are read where a measure names a field; as for `gdlab.codecs.decode`.
    most_bytes : memory that a table may take before it is refused.
    rows_at_once : rows that a task reads of some streams; fewer need less memory and more reading.
    progress : called with the parts done and their total. Otherwise a bar appears after a second, where tqdm is
        installed.

    Returns
    -------
    `Dataset`. Nothing has been read; only the names of the files are known.

    Raises
    ------
    LoadError : there is no such file.
    """
    return Dataset(
        [name for path in paths(source) for name in pieces.of(path)],
        executor=executor,
        decode_with=decode_with,
        most_bytes=most_bytes,
        rows_at_once=rows_at_once,
        progress=progress,
    )


class Dataset(Listed, Noticed):
    """Many capture files as one; made by `dataset`.

    Its measures are those of one capture and give what they would give of all rows in one table, in order of time;
    where times are equal, in order of file and row.
    """

    def __init__(
        self,
        files: Sequence[str],
        *,
        executor: Executor | None,
        decode_with: DecodeWith,
        most_bytes: int,
        rows_at_once: int,
        progress: ProgressFunction | None,
    ) -> None:
        super().__init__(files, executor, progress)
        self.decode_with = decode_with
        self.most_bytes = most_bytes
        self.rows_at_once = rows_at_once
        self._unmarked: bool | None = None
        self._found_writing: Writing | None = None
        self._asked: bool | None = None
        self._found_gaps: Gaps | None = None

    # ---- work

    def _part(self, columns: Sequence[str] = (), **more: Any) -> Part:
        files = tuple((number, each.path) for number, each in self._numbered())
        return Part(files, tuple(columns), together(self._looked_at()), **more)

    def _must_mark(self) -> bool:
        """Whether our pings must be told by their contents: no file marks any, and there may be some."""
        if self._unmarked is None:
            whole = self._whole()
            one_of_today = len(whole) == 1 and whole[0].about.get("version", 1) != 1
            if one_of_today or any(each.marked for each in whole):
                self._unmarked = False
            else:
                categories = together(self._looked_at())
                single = [
                    Part(((number, each.path),), (), categories, probes_only=True)
                    for number, each in self._numbered()
                    if each.sent  # who sends nothing asks nothing
                ]
                found = run(
                    asks,
                    single,
                    executor=self.executor,
                    label="looking for pings",
                    progress=self._progress,
                )
                self._unmarked = any(each for _, each in found)
        return self._unmarked

    def _writing(self, measure: str) -> Writing:
        """How messages carry number and time, where a measure falls back to that."""
        if self._found_writing is None:
            units = self._units("first_stamped", "", {}, (), whole=False)
            found: list[Rows] = self._run(units, "numbers in messages", ())
            part = self._part(STAMPS)
            self._found_writing = writing_of(_in_order(found, part, (*BASE, *STAMPS))[0])
        if not self._found_writing or measure not in TIMED:
            return self._found_writing
        if self._asked is None:
            units = self._units("asking", "round_trips", {}, (), whole=False)
            self._asked = any(self._run(units, "pings of theirs", ()))
        return Writing(fields=False, how={}) if self._asked else self._found_writing

    def _units(
        self,
        task: str,
        measure: str,
        options: Mapping[str, Any],
        fields: Sequence[str | None],
        *,
        whole: bool,
    ) -> list[Unit]:
        writing = None
        if measure in STAMPED and options.get(STAMPED[measure]) is None:
            writing = self._writing(measure)
        decoded = needed_fields(fields)
        columns, probes_only = needs(measure)
        probes_only &= not writing and not [name for name in fields if name is not None and name not in BASE]
        if writing is not None and writing.fields and measure not in UNDECODED:
            decoded = tuple(dict.fromkeys((*decoded, SEQ, T_US)))
        marks = self._must_mark()
        slim = bool(decoded) and not marks and writing is None and measure in OF_FIELDS and task != "followed"
        columns = (*columns, *(STAMPS if decoded or marks or not measure else ()))
        columns += tuple(name for name in fields if name in conform.NAMES)
        part = self._part(columns, probes_only=probes_only)

        def unit(files: Iterable[tuple[int, str]], streams: Streams | None) -> Unit:
            mine = Part(tuple(files), part.columns, part.categories, streams, probes_only)
            reading = self.decode_with if decoded else None
            return Unit(mine, task, measure, dict(options), marks, reading, decoded, writing, slim)

        if whole:
            self._afford("all rows at once, as streams are told apart by a field", 64)
            return [unit(part.files, None)]
        if of_streams(measure) or marks:
            return [
                unit(files, streams)
                for files, streams in partition.by_stream(self._numbered(), self.rows_at_once)
            ]
        return [unit((file,), None) for file in part.files]

    def _run(self, units: Sequence[Unit], label: str, fields: Sequence[str | None]) -> list[Any]:
        answers: dict[int, Answer] = dict(
            run(work, units, executor=self.executor, label=label, progress=self._progress)
        )
        for name in needed_fields(fields):
            if all(name in each.lacking for each in answers.values()):
                raise KeyError(
                    f"no payload of these files has the field {name!r}. Look at .df(until=...).gdlab.decoded() for "
                    "those there are, or give decode_with= where the data set is made"
                )
        return [answers[number].result for number in range(len(units))]

    def _gaps(self) -> Gaps:
        if self._found_gaps is None:
            part = self._part()
            files = [(number, each.path) for number, each in self._numbered() if each.gaps]
            units = [Unit(Part((file,), (), part.categories), "gaps", "rates") for file in files]
            found = self._run(units, "gaps", ())
            all_of_them = np.concatenate(found) if found else np.zeros((0, 3), np.int64)
            before = np.full(len(all_of_them), np.iinfo(np.int64).min)
            if len(all_of_them):
                asked = {"gaps": all_of_them}
                ends = {part.categories["endpoint"][number] for number in set(all_of_them[:, 0].tolist())}
                near = [
                    Unit(Part(((number, each.path),), (), part.categories), "before_gaps", "rates", asked)
                    for number, each in self._numbered()
                    if ends & {endpoint for endpoint, _ in each.streams}
                ]
                before = np.max(self._run(near, "rows before gaps", ()), axis=0)
            endpoints = pd.Index(list(part.categories["endpoint"]), dtype=object)
            self._found_gaps = Gaps(endpoints, all_of_them[:, 0], all_of_them[:, 1], before)
        return self._found_gaps

    def _afford(self, what: str, row_bytes: int) -> None:
        needed = len(self) * row_bytes
        if needed > self.most_bytes:
            raise TooLarge(
                f"{what} would take about {needed >> 20} MiB for {len(self):,} rows, and {self.most_bytes >> 20} MiB "
                "are allowed. Take a part of the files, .quantiles(...), which needs no table, or more (most_bytes=)"
            )

    # ---- the rows themselves

    def df(
        self,
        *,
        columns: Sequence[str] | None = None,
        since: pd.Timestamp | str | None = None,
        until: pd.Timestamp | str | None = None,
        peer: str | Sequence[str] | None = None,
        where: str | None = None,
    ) -> pd.DataFrame:
        """The rows as a table, as `gdlab.load` gives them, as far as they fit in memory.

        Parameters
        ----------
        columns : only these, of `gdlab.messages.SCHEMA`.
        since, until : times; `since` is inclusive, `until` exclusive. Without a time zone they are UTC.
        peer : one or several.
        where : a filter as on the dashboard, such as ``"v.hp < 20"``; payloads are decoded for it and columns of
            the values are there, as for `Capture.where`.

        Raises
        ------
        TooLarge : it would take more than `most_bytes`; the message says how much.
        LoadError : no file can be read.
        """
        wanted = conform.NAMES if columns is None else tuple(columns)
        unknown = [name for name in wanted if name not in conform.NAMES]
        if unknown:
            raise KeyError(f"there are no columns {', '.join(unknown)}; there are {', '.join(conform.NAMES)}")
        begin, end = _ns(since), _ns(until)
        peers = None if peer is None else frozenset([peer] if isinstance(peer, str) else peer)
        files = [
            (number, each)
            for number, each in self._numbered()
            if each.rows
            and (begin is None or each.last >= begin)
            and (end is None or each.first < end)
            and (peers is None or any(name in peers for _, name in each.streams))
        ]
        self._affordable(files, wanted, begin, end, peers)
        reading = wanted if where is None else conform.NAMES
        marks = self._must_mark()
        read = (*reading, *(STAMPS if marks else ()))
        part = self._part(read, since=begin, until=end)
        units = [
            Unit(
                Part(((number, each.path),), part.columns, part.categories, None, False, begin, end),
                "kept",
                options={"columns": tuple(dict.fromkeys((*reading, "time", "peer")))},
            )
            for number, each in files
        ]
        found: list[Rows] = self._run(units, "rows", ())
        table, _ = _in_order(found, part, reading)
        if marks and "payload" in table.columns:
            mark(table)
        if peers is not None:
            table = table[table["peer"].isin(sorted(peers)).to_numpy(dtype=np.bool_)].reset_index(drop=True)
        if where is not None:
            from gdlab.live.selecting import select

            return select(decode(table, self.decode_with), where)
        return table[list(wanted)]

    def _affordable(
        self,
        files: Sequence[tuple[int, Survey]],
        columns: Sequence[str],
        begin: int | None,
        end: int | None,
        peers: frozenset[str] | None,
    ) -> None:
        """Refuse what would not fit, by the share of each file's time and peers that is asked for."""
        needed = 0.0
        for _, each in files:
            low = each.first if begin is None else max(begin, each.first)
            high = each.last if end is None else min(end, each.last)
            share = 1.0 if each.last == each.first else max(high - low, 0) / (each.last - each.first)
            if peers is not None:
                share *= sum(n for (_, name), n in each.streams.items() if name in peers) / max(each.rows, 1)
            row = ROW_BYTES * len(columns) / len(conform.NAMES)
            needed += share * (each.rows * row + each.payload_bytes * ("payload" in columns))
        if needed > self.most_bytes:
            raise TooLarge(
                f"these rows would take about {int(needed) >> 20} MiB of memory, and {self.most_bytes >> 20} MiB are "
                "allowed. Ask for less (columns=, since=, until=, peer=), for a measure, which needs no table, or "
                "allow more where the data set is made (most_bytes=)"
            )

    def sql(self, query: str) -> pd.DataFrame:
        """Ask DuckDB; the rows of all files are the table ``messages``.

        Parameters
        ----------
        query : such as ``"select peer, count(*), sum(size_bytes) from messages group by peer"``. Parquet files are
            read by DuckDB itself, only the columns that are asked for; others by gdlab, one at a time. Times have
            microsecond resolution there.

        Raises
        ------
        MissingDependency : duckdb (the extra ``dataset``) is not installed.
        """
        return sql.ask(query, [each.path for each in self._whole()])

    def _each_file(self, task: str, options: Mapping[str, Any]) -> list[Unit]:
        part = self._part()
        return [Unit(Part((file,), (), part.categories), task, options=options) for file in part.files]

    def _table(self, found: Sequence[Rows]) -> tuple[pd.DataFrame, npt.NDArray[np.int64]]:
        return _in_order(found, self._part(), conform.NAMES)

    def _about(self) -> dict[str, Any]:
        return provenance.merged([dict(each.about.get("provenance") or {}) for each in self._whole()])


def _ns(moment: pd.Timestamp | str | None) -> int | None:
    if moment is None:
        return None
    when = pd.Timestamp(moment)
    when = when.tz_localize("UTC") if when.tzinfo is None else when
    return int(when.as_unit("ns").value)


def _in_order(
    found: Sequence[Rows], part: Part, columns: Sequence[str]
) -> tuple[pd.DataFrame, npt.NDArray[np.int64]]:
    """Rows of several tasks in order of time, each once, and their places; of equal times as the files have them."""
    some = [each for each in found if len(each.table)]
    if not some:
        return rows_of(Part((), tuple(columns), part.categories)).table, np.zeros(0, np.int64)
    table = pd.concat([each.table for each in some], ignore_index=True)
    times, place = conform.time_ns(table), np.concatenate([each.place for each in some])
    if ((times[1:] > times[:-1]) | (times[1:] == times[:-1]) & (place[1:] > place[:-1])).all():
        return table, place
    order = np.lexsort((place, times))
    order = order[np.diff(place[order], prepend=-1) != 0]
    return table.take(order).reset_index(drop=True), place[order]
