"""Which streams of which files a task takes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TypeAlias

from gdlab.datasets.reading import Streams
from gdlab.datasets.survey import Survey

File: TypeAlias = tuple[int, str]
Stream: TypeAlias = tuple[str, str]
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
    shares = list(_packed(rows, at_once))
    if len(shares) <= 1:
        return [([(number, each.path) for number, each in files if wanted[number]], ())]
    return [
        (
            _with([stream for share in task for stream in share], files, wanted),
            tuple(_streams(share) for share in task),
        )
        for task in _tasks(shares, rows, held)
    ]


def _packed(rows: Mapping[Stream, int], at_once: int) -> Iterator[list[Stream]]:
    share: list[Stream] = []
    used = 0
    with_peers = {endpoint for endpoint, peer in rows if peer}
    for stream, n in rows.items():
        if stream[1] == "" and stream[0] in with_peers:  # nobody's rows go with every peer of their endpoint
            continue
        if share and used + n > at_once:
            yield share
            share, used = [], 0
        share.append(stream)
        used += n
    if share:
        yield share


def _tasks(
    shares: Sequence[list[Stream]], rows: Mapping[Stream, int], held: int
) -> Iterator[list[list[Stream]]]:
    task: list[list[Stream]] = []
    used = 0
    for share in shares:
        n = sum(rows[stream] for stream in share)
        if task and used + n > held:
            yield task
            task, used = [], 0
        task.append(share)
        used += n
    if task:
        yield task


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
