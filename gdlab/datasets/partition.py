"""Which streams of which files a task takes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TypeAlias, TypeVar

from gdlab.datasets.reading import Streams
from gdlab.datasets.survey import Survey

File: TypeAlias = tuple[int, str]
Stream: TypeAlias = tuple[str, str]
Thing = TypeVar("Thing")
#: Rows of each stream that are wanted of each file, by its number.
Wanted: TypeAlias = Mapping[int, Mapping[Stream, int]]


def by_stream(
    files: Sequence[tuple[int, Survey]], wanted: Wanted, at_once: int, held: int
) -> list[tuple[list[File], tuple[Streams, ...]]]:
    """Divide the streams among tasks, and those of each task into shares that it looks at one after the other.

    Parameters
    ----------
    at_once : rows of a share at most, unless one stream alone has more.
    held : rows of a task at most, unless one share alone has more. A task reads each of its files once.

    Returns
    -------
    Files and shares of each task; no shares mean all streams. Each stream is in one share, with all its rows.
    """
    rows: dict[Stream, int] = {}
    for number, _ in files:
        for stream, n in wanted[number].items():
            rows[stream] = rows.get(stream, 0) + n
    shares = list(_filled(_shared(rows), at_once))
    if len(shares) <= 1:
        return [([(number, each.path) for number, each in files if wanted[number]], ())]
    return [
        (
            _with([stream for share in task for stream in share], files, wanted),
            tuple(_streams(share) for share in task),
        )
        for task in _filled(((share, sum(rows[stream] for stream in share)) for share in shares), held)
    ]


def _shared(rows: Mapping[Stream, int]) -> Iterator[tuple[Stream, int]]:
    """The streams that are taken by themselves: nobody's rows go with every peer of their endpoint."""
    with_peers = {endpoint for endpoint, peer in rows if peer}
    return ((stream, n) for stream, n in rows.items() if stream[1] != "" or stream[0] not in with_peers)


def _filled(things: Iterable[tuple[Thing, int]], most: int) -> Iterator[list[Thing]]:
    """Things with their rows in groups of at most so many rows, or of one thing that has more."""
    group: list[Thing] = []
    used = 0
    for thing, n in things:
        if group and used + n > most:
            yield group
            group, used = [], 0
        group.append(thing)
        used += n
    if group:
        yield group


def _streams(share: Sequence[Stream]) -> Streams:
    peers: dict[str, set[str]] = {}
    for endpoint, peer in share:
        peers.setdefault(endpoint, set()).add(peer)
    return Streams(tuple((endpoint, frozenset(names)) for endpoint, names in peers.items()))


def _with(streams: Sequence[Stream], files: Sequence[tuple[int, Survey]], wanted: Wanted) -> list[File]:
    """The files that have rows of these streams, or gaps of their endpoints."""
    mine = set(streams)
    ends = {endpoint for endpoint, _ in streams}
    return [
        (number, each.path)
        for number, each in files
        if mine & wanted[number].keys()
        or any(endpoint in ends and (peer == "" or each.gaps) for endpoint, peer in wanted[number])
    ]
