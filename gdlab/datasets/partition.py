"""Which streams of which files a task takes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gdlab.datasets.reading import Streams
from gdlab.datasets.survey import Survey

File = tuple[int, str]


def by_stream(
    files: Sequence[tuple[int, Survey]], rows_at_once: int
) -> list[tuple[list[File], Streams | None]]:
    """Divide the streams so that no task holds more rows than that, unless one stream alone has more.

    Returns
    -------
    Files and streams of each task; no streams mean all of them. Each stream is in one task, with all its rows.
    """
    rows: dict[tuple[str, str], int] = {}
    for _, each in files:
        for stream, n in each.streams.items():
            rows[stream] = rows.get(stream, 0) + n
    buckets = list(_packed(rows, rows_at_once))
    if len(buckets) <= 1:
        return [([(number, each.path) for number, each in files], None)]
    return [(_with(bucket, files), _streams(bucket)) for bucket in buckets]


def _packed(rows: dict[tuple[str, str], int], rows_at_once: int) -> Iterator[list[tuple[str, str]]]:
    bucket: list[tuple[str, str]] = []
    held = 0
    with_peers = {endpoint for endpoint, peer in rows if peer}
    for stream, n in rows.items():
        if stream[1] == "" and stream[0] in with_peers:  # nobody's rows go with every peer of their endpoint
            continue
        if bucket and held + n > rows_at_once:
            yield bucket
            bucket, held = [], 0
        bucket.append(stream)
        held += n
    if bucket:
        yield bucket


def _streams(bucket: Sequence[tuple[str, str]]) -> Streams:
    peers: dict[str, set[str]] = {}
    for endpoint, peer in bucket:
        peers.setdefault(endpoint, set()).add(peer)
    return Streams(tuple((endpoint, frozenset(names)) for endpoint, names in peers.items()))


def _with(bucket: Sequence[tuple[str, str]], files: Sequence[tuple[int, Survey]]) -> list[File]:
    """The files that have rows of these streams, or gaps of their endpoints."""
    wanted = set(bucket)
    ends = {endpoint for endpoint, _ in bucket}
    return [
        (number, each.path)
        for number, each in files
        if wanted & each.streams.keys()
        or any(endpoint in ends and (peer == "" or each.gaps) for endpoint, peer in each.streams)
    ]
