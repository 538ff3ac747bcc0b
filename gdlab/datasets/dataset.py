"""A data set: files that are listed at once and read when something is asked of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from gdlab.analysis.probes import mark
from gdlab.codecs.table import DecodeWith, decode
from gdlab.datasets import sql
from gdlab.datasets.measured import TooLarge
from gdlab.datasets.noticed import Noticed
from gdlab.datasets.planned import STAMPS, Planned
from gdlab.datasets.reading import Part, Rows, rows_in_order
from gdlab.datasets.survey import Survey
from gdlab.datasets.units import Unit
from gdlab.files import pieces, provenance
from gdlab.files import to_schema as conform
from gdlab.files.budget import ROW_BYTES
from gdlab.files.sources import paths

if TYPE_CHECKING:
    from gdlab.files.progress import ProgressFunction
    from gdlab.files.sources import Source

#: What `df` and other results may take unless it is said otherwise.
MOST_BYTES: Final = 4 << 30
#: Rows of streams that are looked at at a time; a single stream that is longer is so as a whole.
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
    rows_at_once : rows of some streams that are measured at a time; fewer need less memory and more reading.
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


class Dataset(Planned, Noticed):
    """Many capture files as one; made by `dataset`.

    Its measures are those of one capture and give what they would give of all rows in one table, in order of time;
    where times are equal, in order of file and row.
    """

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
                Part(((number, each.path),), part.columns, part.categories, (), False, begin, end),
                "kept",
                options={"columns": tuple(dict.fromkeys((*reading, "time", "peer")))},
            )
            for number, each in files
        ]
        found: list[Rows] = self._run(units, "rows", ())
        table, _ = rows_in_order(found, part, reading)
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
        return rows_in_order(found, self._part(), conform.NAMES)

    def _about(self) -> dict[str, Any]:
        return provenance.merged([dict(each.about.get("provenance") or {}) for each in self._whole()])


def _ns(moment: pd.Timestamp | str | None) -> int | None:
    if moment is None:
        return None
    when = pd.Timestamp(moment)
    when = when.tz_localize("UTC") if when.tzinfo is None else when
    return int(when.as_unit("ns").value)
