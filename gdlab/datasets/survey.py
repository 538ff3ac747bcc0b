"""What one file of a data set holds, found without its payloads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from gdlab.analysis.columns import equals, groups, messages
from gdlab.analysis.probes import candidates
from gdlab.datasets.reading import Part, quiet, rows_of
from gdlab.errors import GdlabError
from gdlab.facts import Reason
from gdlab.files import pieces
from gdlab.files import to_schema as conform
from gdlab.messages import CATEGORIES

#: Columns that are looked at: those with few different values, the time, and the size.
_SLIM = ("time", "size_bytes", *conform.CATEGORICAL)


@dataclass(frozen=True, slots=True)
class Survey:
    """One file.

    Attributes
    ----------
    path, file_bytes : of the file, or the folder of a spilled capture.
    rows, payload_bytes, marked, gaps, sent : how many; `marked` are our pings and their answers, `sent` what went out.
    first, last : nanoseconds since 1970 of the earliest and the latest row; 0 without rows.
    streams : rows of each endpoint and peer.
    categories : as the file has them, in their order.
    about : what the file tells of itself.
    notes : what is to be known of it.
    broken : why it cannot be read; empty where it can.
    """

    path: str
    file_bytes: int
    rows: int = 0
    payload_bytes: int = 0
    marked: int = 0
    gaps: int = 0
    sent: int = 0
    first: int = 0
    last: int = 0
    streams: Mapping[tuple[str, str], int] = field(default_factory=dict)
    categories: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    about: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    broken: str = ""


def survey(path: str) -> Survey:
    """Look at a file; what is wrong with it is in the result and raises nothing."""
    size = 0
    try:
        loaded = pieces.read(path, columns=_SLIM, progress=quiet)
        size = _size(path)
    except (GdlabError, OSError, MemoryError) as error:
        return Survey(path, size, broken=str(error) or type(error).__name__)
    table = loaded.table
    times = conform.time_ns(table)
    ids, labels = groups(table, ("endpoint", "peer"))
    count = np.bincount(ids, minlength=len(labels))
    streams = {
        (str(endpoint), str(peer)): int(n)
        for endpoint, peer, n in zip(labels["endpoint"], labels["peer"], count, strict=True)
    }
    return Survey(
        path,
        size,
        rows=len(table),
        payload_bytes=int(table["size_bytes"].sum()),
        marked=int(equals(table, "reason", Reason.PROBE).sum()),
        sent=int(messages(table, "out").sum()),
        gaps=int(equals(table, "event", "gap").sum()),
        first=int(times.min()) if len(times) else 0,
        last=int(times.max()) if len(times) else 0,
        streams=streams,
        categories={name: tuple(map(str, table[name].cat.categories)) for name in conform.CATEGORICAL},
        about=loaded.provenance,
        notes=loaded.notes,
    )


def asks(part: Part) -> bool:
    """Whether messages that we sent may be pings: asked where nothing marks them."""
    table = rows_of(part).table
    out = messages(table, "out")
    return bool(out[candidates(table)].any())


def together(surveys: list[Survey]) -> dict[str, tuple[str, ...]]:
    """The categories of all files, in the order in which `gdlab.load` of all of them has them."""
    found: dict[str, tuple[str, ...]] = {}
    whole = [each for each in surveys if not each.broken]
    for name in conform.CATEGORICAL:
        if len(whole) == 1:
            found[name] = whole[0].categories[name]
            continue
        order = dict.fromkeys(map(str, CATEGORIES.get(name, ())))
        for each in whole:
            order |= dict.fromkeys(each.categories[name])
        found[name] = tuple(order)
    return found


def _size(name: str) -> int:
    path = Path(pieces.whole(name))
    if path.is_dir():
        return sum(each.stat().st_size for each in path.iterdir() if each.is_file())
    return path.stat().st_size
