"""Rows of one file of a data set: only the columns and streams that are asked for, in the categories of all files."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from gdlab.analysis.columns import equals, messages
from gdlab.analysis.probes import candidates
from gdlab.analysis.source import is_field
from gdlab.codecs.grown import below as decoded_below
from gdlab.files import pieces
from gdlab.files import to_schema as conform
from gdlab.payloads import PayloadArray
from gdlab.store.table import empty

Ints: TypeAlias = npt.NDArray[np.int64]

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
    shares : only the rows of these streams, each by itself; none for all rows together.
    probes_only : only messages that may be probes, and gaps.
    since, until : nanoseconds since 1970 of the first row wanted and the first no longer wanted.
    """

    files: tuple[tuple[int, str], ...]
    columns: tuple[str, ...]
    categories: Mapping[str, tuple[str, ...]]
    shares: tuple[Streams, ...] = ()
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


def rows_of(part: Part) -> Rows:
    """All rows of a part that is not divided into shares.

    Raises
    ------
    LoadError : a file is no longer what it was.
    """
    (rows,) = shares_of(part)
    return rows


def shares_of(part: Part, prepare: Callable[[pd.DataFrame], pd.DataFrame] | None = None) -> Iterator[Rows]:
    """The rows of each share of a part; `prepare` makes of the rows of each file what is kept of them.

    Each file is read once, and what is read of it is let go before the next is.

    Raises
    ------
    LoadError : a file is no longer what it was.
    """
    held: list[list[tuple[pd.DataFrame, Ints]]] = [[] for _ in part.shares or (None,)]
    for number, path in part.files:
        for mine, found in zip(held, _of_file(number, path, part, prepare), strict=True):
            if len(found[1]):
                mine.append(found)
    for mine in held:
        yield _in_time(mine, part)


def _columns(part: Part) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*BASE, *part.columns, *(("size_bytes", "payload") * part.probes_only))))


def _of_file(
    number: int, path: str, part: Part, prepare: Callable[[pd.DataFrame], pd.DataFrame] | None
) -> list[tuple[pd.DataFrame, Ints]]:
    """What each share has of a file, and the places of these rows."""
    read = pieces.read(path, columns=_columns(part), progress=quiet)
    table = _in_categories(read.table, part.categories)
    chosen = _chosen(table, part)
    each = [chosen & share.rows(table) for share in part.shares] or [chosen]
    rows = np.flatnonzero(np.logical_or.reduce(each))
    table = table if len(rows) == len(table) else table.iloc[rows]
    if prepare is not None and len(rows):
        table = prepare(table)
    places = (number << ROW_BITS) + rows
    if len(each) == 1:
        return [(own(table), places)]
    parts = [np.flatnonzero(those[rows]) for those in each]
    return [(own(table.iloc[at]), places[at]) for at in parts]


def own(table: pd.DataFrame) -> pd.DataFrame:
    """Some rows of a table with payloads that do not hold on to those of the others."""
    if "payload" not in table.columns:
        return table
    payloads = table["payload"].array
    return table.assign(payload=payloads.compact()) if isinstance(payloads, PayloadArray) else table


def _in_time(found: list[tuple[pd.DataFrame, Ints]], part: Part) -> Rows:
    """The rows of several files, which are let go, in order of time."""
    if not found:
        return Rows(_in_categories(empty()[list(_columns(part))], part.categories), np.zeros(0, np.int64))
    tables, places = [table for table, _ in found], [place for _, place in found]
    found.clear()
    together = below(tables)
    del tables
    place = np.concatenate(places)
    times = conform.time_ns(together)
    if bool((times[1:] < times[:-1]).any()):
        order = np.lexsort((place, times))
        together, place = together.take(order).reset_index(drop=True), place[order]
    return Rows(together, place)


def below(tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Tables of the same columns below each other; of fields some may lack some, or have them of other types."""
    if len(tables) == 1:
        return tables[0].reset_index(drop=True)
    names = dict.fromkeys(name for table in tables for name in table.columns)
    mixed = [
        name
        for name in names
        if is_field(name) and len({str(table[name].dtype) if name in table else "" for table in tables}) > 1
    ]
    together = pd.concat([table.drop(columns=mixed, errors="ignore") for table in tables], ignore_index=True)
    for name in mixed:
        columns = [table[name].array if name in table else np.full(len(table), np.nan) for table in tables]
        together[name] = decoded_below(columns)
    return together[list(names)] if mixed else together


def _chosen(table: pd.DataFrame, part: Part) -> npt.NDArray[np.bool_]:
    chosen = np.ones(len(table), dtype=np.bool_)
    if part.since is not None or part.until is not None:
        times = conform.time_ns(table)
        if part.since is not None:
            chosen &= times >= part.since
        if part.until is not None:
            chosen &= times < part.until
    return chosen & relevant(table) if part.probes_only else chosen


def relevant(table: pd.DataFrame) -> npt.NDArray[np.bool_]:
    """The rows that `Part.probes_only` asks for; (n,) bool."""
    may_be = ~messages(table)
    may_be[candidates(table)] = True
    return may_be


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


def rows_in_order(found: Sequence[Rows], part: Part, columns: Sequence[str]) -> tuple[pd.DataFrame, Ints]:
    """Rows of several tasks in order of time, each once, and their places; of equal times as the files have them."""
    some = [each for each in found if len(each.table)]
    if not some:
        return rows_of(Part((), tuple(columns), part.categories)).table, np.zeros(0, np.int64)
    table = below([each.table for each in some])
    times, place = conform.time_ns(table), np.concatenate([each.place for each in some])
    if ((times[1:] > times[:-1]) | (times[1:] == times[:-1]) & (place[1:] > place[:-1])).all():
        return table, place
    order = np.lexsort((place, times))
    order = order[np.diff(place[order], prepend=-1) != 0]
    return table.take(order).reset_index(drop=True), place[order]
