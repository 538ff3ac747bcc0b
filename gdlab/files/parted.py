"""Packet captures larger than memory: read by parts, whose rows together are those of the whole file.

The file is looked at once from end to end. What decides over a part is kept: which side each conversation is seen from,
fragments that wait at its beginning, and of TCP, whose streams go over all edges, the place of every segment (about 250
bytes each, whatever it carries).
"""

from __future__ import annotations

import copy
import functools
import mmap
from pathlib import Path
from typing import Any, Final, NamedTuple, cast

import numpy as np

from gdlab.files import pcapread
from gdlab.files import to_schema as conform
from gdlab.files.loaded import Loaded
from gdlab.files.packets import captured, pcapng, sides, windows
from gdlab.files.packets.columns import Segments, segments
from gdlab.files.packets.fragments import Waiting
from gdlab.files.packets.ip import TCP
from gdlab.files.pcapwrite import APPLICATION

#: Columns of `Segments` that are kept of TCP.
_KEPT: Final = (
    "protocol", "missing", "ip_bytes", "flags", "sequence", "acknowledged", "outgoing", "lies",
)  # fmt: skip


class _Part(NamedTuple):
    window: windows.Window
    packets: int  # of the parts before
    waiting: Waiting  # fragments, at its beginning


def spans(path: Path, most: int) -> list[tuple[int, int]]:
    """Where the parts of a capture begin and end, in bytes."""
    return [(part.begin, part.end) for part in _windows(path, most)]


def read(path: Path, number: int, most: int) -> Loaded:
    """The rows of a part.

    Parameters
    ----------
    number : of the part. most : bytes of a part, as for `spans`.
    """
    stat = path.stat()
    return _whole(str(path), stat.st_size, stat.st_mtime_ns, most).part(number)


def _mapped(path: Path) -> mmap.mmap:
    with path.open("rb") as file:
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)


def _is_ours(data: mmap.mmap) -> bool:
    if not pcapng.is_pcapng(data[:4]):
        return False
    first = windows.windows(data, 1)[0]
    return windows.read(data, first).application.startswith(APPLICATION)


def _windows(path: Path, most: int) -> list[windows.Window]:
    with _mapped(path) as data:
        return windows.windows(data, most, of_messages=_is_ours(data))


@functools.lru_cache(maxsize=1)
def _whole(path: str, _size: int, _changed_ns: int, most: int) -> _Whole:
    return _Whole(Path(path), most)


class _Whole:
    """What must be known of a whole file to read a part of it."""

    def __init__(self, path: Path, most: int) -> None:
        self._path = path
        self._data = _mapped(path)
        self._ours = _is_ours(self._data)
        self._windows = windows.windows(self._data, most, of_messages=self._ours)
        self._parts: list[_Part] = []
        self._sides = sides.Datagrams()
        self._drops: list[tuple[captured.Drop, str]] = []
        self._last_ns = 0
        self._packets = 0
        if not self._ours:
            self._look()

    def part(self, number: int) -> Loaded:
        """The rows of one of the windows."""
        if self._ours:
            return pcapread.of_packets(
                self._path, windows.read(self._data, self._windows[number]), progress=_silent
            )
        part = self._parts[number]
        is_last = number == len(self._parts) - 1
        file = windows.read(self._data, part.window)
        found = segments(file, waiting=copy.deepcopy(part.waiting), ends=is_last)
        made = pcapread.Foreign(file, found, part.packets + np.arange(len(file)))
        made.datagrams(self._sides)
        if is_last:
            for drop, name in self._drops:
                made.drop(drop, name, self._last_ns)
        streams = self._streams.rows.some(part.packets, part.packets + len(file))
        windows.forget(self._data)
        table = conform.concat([made.rows.table(), streams.table()])
        keys = [np.concatenate(pair) for pair in zip(made.rows.keys(), streams.keys(), strict=True)]
        table = table.take(np.lexsort(keys)).reset_index(drop=True)
        notes = (*file.notes, *pcapread.left_out(found), *(self._streams.notes if is_last else ()))
        return Loaded(table, {"application": file.application}, notes)

    def _look(self) -> None:
        """Look at all packets once."""
        waiting = Waiting()
        streams = _Streams(len(self._data))
        for number, window in enumerate(self._windows):
            self._parts.append(_Part(window, self._packets, copy.deepcopy(waiting)))
            file = windows.read(self._data, window)
            found = segments(file, waiting=waiting, ends=number == len(self._windows) - 1)
            self._sides.of(file, found, np.flatnonzero(found.protocol == 17))
            streams.add(file, found, self._packets, window.begin - len(window.head))
            for drop in file.drops:
                name = file.interfaces[drop.interface].name or str(window.interfaces + drop.interface)
                self._drops.append((drop, name))
            if len(file):
                self._last_ns = max(self._last_ns, int(file.time_ns.max()))
            self._packets += len(file)
            windows.forget(self._data)
        self._streams = streams.rows(self._data)


class _Streams:
    """The TCP segments of a whole file, without what they carry."""

    def __init__(self, file_bytes: int) -> None:
        self._end = file_bytes  # and behind it what stands in `_joined`
        self._joined: list[bytes] = []
        self._hosts: dict[tuple[bytes, int], int] = {}
        self._parts: list[dict[str, Any]] = []

    def add(self, file: captured.Captured, found: Segments, packets: int, shift: int) -> None:
        """Take those of a window; `shift` is what its positions are off those of the file."""
        rows = np.flatnonzero(found.protocol == TCP)
        if not len(rows):
            return
        hosts = np.array([self._hosts.setdefault(host, len(self._hosts)) for host in found.hosts], np.int64)
        part = {name: getattr(found, name)[rows] for name in _KEPT}
        part |= {"source": hosts[found.source[rows]], "target": hosts[found.target[rows]]}
        size = len(file.data)
        joined = found.start[rows] >= size
        for name in ("start", "stop"):
            part[name] = getattr(found, name)[rows] + np.where(joined, self._end - size, shift)
        if joined.any():
            self._joined += found.joined
            self._end += sum(map(len, found.joined))
        part |= {"time_ns": file.time_ns[rows], "direction": file.direction[rows], "number": packets + rows}
        self._parts.append(part)

    def rows(self, data: mmap.mmap) -> pcapread.Foreign:
        """The rows of all streams."""
        names = (*_KEPT, "source", "target", "start", "stop", "time_ns", "direction", "number")
        empty = {name: np.empty(0, np.int64) for name in names}
        columns: dict[str, Any] = {
            name: np.concatenate([part[name] for part in self._parts or [empty]]) for name in names
        }
        numbers = columns.pop("number")
        file = captured.Captured(cast(bytes, data), time_ns=columns.pop("time_ns"))
        file.direction = columns.pop("direction")
        found = Segments(**columns, hosts=list(self._hosts), joined=self._joined)
        made = pcapread.Foreign(file, found, numbers)
        made.streams()
        made.notes[:0] = pcapread.left_out(found)
        return made


def _silent(_done: int, _total: int) -> None:
    """No bar."""
