"""Rows of one file of a data set: only the columns and streams that are asked for, in the categories of all files."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from gdlab.analysis.columns import equals, messages
from gdlab.analysis.probes import candidates
from gdlab.files import pieces
from gdlab.files import to_schema as conform
from gdlab.store.table import empty

#: What every measure asks for.
BASE: Final = ("time", "endpoint", "peer", "direction", "event", "reason")
#: Of a row's place in all files: so many bits for the row, the rest for the file.
ROW_BITS: Final = 40


@dataclass(frozen=True, slots=True)
class Streams:
    """Who is asked for: endpoints, and of each the peers (None: all of them)."""

    peers: tuple[tuple[str, frozenset[str] | None], ...]

    def rows(self, table: pd.DataFrame) -> npt.NDArray[np.bool_]:
        """Those of a table, with the rows of their endpoints that tell of gaps or of nobody; (n,) bool."""
        endpoints: pd.Index = table["endpoint"].cat.categories
        names: pd.Index = table["peer"].cat.categories
        # One cell per endpoint and peer: a row is looked up and not compared.
        wanted = np.zeros((len(endpoints) + 1, len(names) + 1), dtype=np.bool_)
        whole = np.zeros(len(endpoints) + 1, dtype=np.bool_)
        nobody = [at for at, name in enumerate(names) if name == ""]
        for endpoint, peers in self.peers:
            at = int(endpoints.get_indexer(pd.Index([endpoint]))[0])
            if at < 0:
                continue
            whole[at] = True
            if peers is None:
                wanted[at, :] = True
            else:
                found = names.get_indexer(pd.Index(sorted(peers)))
                wanted[at, found[found >= 0]] = True
                wanted[at, nobody] = True
        codes = table["endpoint"].cat.codes.to_numpy()
        chosen = wanted[codes, table["peer"].cat.codes.to_numpy()]
        return np.asarray(chosen | (whole[codes] & equals(table, "event", "gap")))


@dataclass(frozen=True, slots=True)
class Part:
    """What is to be read.

    Attributes
    ----------
    files : numbers and paths, in the order of the data set.
    columns : names; `time` and the streams' columns are always read.
    categories : of each categorical column, those of all files in order.
    streams : only these; None for all rows.
    probes_only : only messages that may be probes, and gaps.
    since, until : nanoseconds since 1970 of the first row wanted and the first no longer wanted.
    """

    files: tuple[tuple[int, str], ...]
    columns: tuple[str, ...]
    categories: Mapping[str, tuple[str, ...]]
    streams: Streams | None = None
    probes_only: bool = False
    since: int | None = None
    until: int | None = None


@dataclass(frozen=True, slots=True)
class Rows:
    """A table in order of time, and where in all files each of its rows is; (n,) int64, growing with file and row."""

    table: pd.DataFrame
    place: npt.NDArray[np.int64]


def quiet(_done: int, _total: int) -> None:
    """No progress of single files: that of the data set is shown."""


def rows_of(part: Part, prepare: Callable[[pd.DataFrame], pd.DataFrame] | None = None) -> Rows:
    """All rows of a part; `prepare` makes of the rows of each file what is kept of them.

    Raises
    ------
    LoadError : a file is no longer what it was.
    """
    columns = tuple(dict.fromkeys((*BASE, *part.columns, *(("size_bytes", "payload") * part.probes_only))))
    tables: list[pd.DataFrame] = []
    places: list[npt.NDArray[np.int64]] = []
    for number, path in part.files:
        table = _in_categories(pieces.read(path, columns=columns, progress=quiet).table, part.categories)
        rows = np.flatnonzero(_chosen(table, part))
        if len(rows):
            table = table if len(rows) == len(table) else table.iloc[rows]
            tables.append(table if prepare is None else prepare(table))
            places.append((number << ROW_BITS) + rows)
    if not tables:
        table = _in_categories(empty()[list(columns)], part.categories)
        return Rows(table, np.zeros(0, np.int64))
    together = pd.concat(tables, ignore_index=True) if len(tables) > 1 else tables[0].reset_index(drop=True)
    place = np.concatenate(places)
    times = conform.time_ns(together)
    if bool((times[1:] < times[:-1]).any()):
        order = np.lexsort((place, times))
        together, place = together.take(order).reset_index(drop=True), place[order]
    return Rows(together, place)


def _chosen(table: pd.DataFrame, part: Part) -> npt.NDArray[np.bool_]:
    chosen = np.ones(len(table), dtype=np.bool_) if part.streams is None else part.streams.rows(table)
    if part.since is not None or part.until is not None:
        times = conform.time_ns(table)
        if part.since is not None:
            chosen &= times >= part.since
        if part.until is not None:
            chosen &= times < part.until
    if part.probes_only:
        may_be = np.zeros(len(table), dtype=np.bool_)
        may_be[candidates(table)] = True
        chosen &= may_be | ~messages(table)
    return chosen


def _in_categories(table: pd.DataFrame, categories: Mapping[str, tuple[str, ...]]) -> pd.DataFrame:
    """The table with the categories of all files, so that codes mean the same everywhere."""
    changed = {}
    for name in conform.CATEGORICAL:
        if name in table.columns and name in categories:
            wanted = categories[name]
            now = table[name].cat.categories
            if tuple(now) != wanted:
                new = pd.Index(list(wanted), dtype=object).get_indexer(now)
                codes = table[name].cat.codes.to_numpy()
                changed[name] = conform.categorical(new[codes] if len(new) else codes, wanted)
    return table.assign(**changed) if changed else table
