"""The rows of a table out of the pcapng file that `pcapwrite` made of it."""

from __future__ import annotations

import ipaddress
import re
from typing import Any, Final

import numpy as np

from gdlab.facts import Statement
from gdlab.files import cells, versions
from gdlab.files.packets.captured import Captured
from gdlab.files.packets.columns import Segments
from gdlab.files.packets.ip import TCP, UDP
from gdlab.files.packets.rows import Note, Rows
from gdlab.files.pcapframe import EVENT_PROTOCOL
from gdlab.files.pcapwrite import STAMPED_BY
from gdlab.messages import CATEGORIES, Event, Peer, TimeSource
from gdlab.payloads import Int64

#: A comment that tells what happened as data.
_FACT: Final = re.compile(
    r"gdlab: reason=(\w*) by=(\w*) code=(-?\d{1,9}|) count=(-?\d{1,18}|)(?: kind=(text|binary))?"
    r"(?: wire=(-?\d{1,18}))?(?: framing=(.*))?"
)

_PSH: Final = 0x08
_OUT: Final = 2


def table(file: Captured, found: Segments) -> tuple[Any, list[Statement]]:
    """The table, and notes on what is not in it."""
    return _Ours(file, found).table()


class _Ours:
    def __init__(self, file: Captured, found: Segments) -> None:
        self._file = file
        self._found = found
        self._rows = Rows(file.data, found.joined)
        self._notes: list[Statement] = []
        self._hosts: dict[int, int] = {}
        self._tells_facts = False
        self._commented = np.fromiter(file.comments, np.int64, len(file.comments))

    def table(self) -> tuple[Any, list[Statement]]:
        found = self._found
        messages = np.flatnonzero((found.protocol == UDP) | (found.protocol == TCP))
        whole = messages[(found.protocol[messages] == UDP) | self._are_whole(messages)]
        self._add(whole)
        self._pieces(messages[~np.isin(messages, whole)])
        events: dict[Event, list[int]] = {}
        for packet in np.flatnonzero(found.protocol == EVENT_PROTOCOL).tolist():
            told, _, _ = self._comment(packet).partition(": ")
            events.setdefault(Event(told) if told in CATEGORIES["event"] else Event.ERROR, []).append(packet)
        for event, packets in events.items():
            self._add(np.array(packets), event=event)
        table = self._rows.table()
        if not self._tells_facts:
            table = versions.with_facts(table.drop(columns=list(versions.NEW)))
        return table, self._notes

    def _comment(self, packet: int) -> str:
        return (self._file.comments.get(packet) or [""])[-1]

    def _told(self, packet: int, event: Event) -> tuple[Note | None, str, int | None]:
        """What comments tell: what is behind the payload, the kind, and the bytes on the wire."""
        comments = self._file.comments.get(packet) or [""]
        match = _FACT.fullmatch(comments[0])
        detail = comments[-1] if match is None or len(comments) > 1 else ""
        if event != Event.MESSAGE:
            name, _, rest = detail.partition(": ")
            detail = rest if name == event else detail
        if match is None:
            return (Note("", "", None, None, cells.unescape(detail)) if detail else None), "", None
        self._tells_facts = True
        reason, by, code, count, kind, wire, framing = match.groups()
        note = Note(
            reason if reason in CATEGORIES["reason"] else "",
            by if by in CATEGORIES["by"] else "",
            int(code) if code else None,
            int(count) if count else None,
            cells.unescape(detail),
            cells.unescape(framing or ""),
        )
        return note, kind or "", None if wire is None else int(wire)

    def _are_whole(self, packets: Int64) -> Any:
        """(n,) bool: which of these packets hold a message of their own."""
        found = self._found
        ends = (found.flags[packets] & _PSH) != 0
        order = np.lexsort((packets, self._stream(packets)))
        stream = self._stream(packets)[order]
        tcp = (found.protocol[packets] == TCP)[order]
        after_piece = np.zeros(len(packets), np.bool_)
        after_piece[order[1:]] = tcp[1:] & tcp[:-1] & (stream[1:] == stream[:-1]) & ~ends[order[:-1]]
        return ends & ~after_piece

    def _stream(self, packets: Int64) -> Int64:
        found = self._found
        return found.source[packets] * (len(found.hosts) + 1) + found.target[packets]

    def _pieces(self, packets: Int64) -> None:
        """Messages over TCP of several packets; the last has the flag PSH."""
        found, data = self._found, self._file.data
        waiting: dict[int, list[bytes]] = {}
        for packet, stream in zip(packets.tolist(), self._stream(packets).tolist(), strict=True):
            pieces = waiting.setdefault(stream, [])
            pieces.append(data[found.start[packet] : found.stop[packet]])
            if found.flags[packet] & _PSH:
                del waiting[stream]
                self._add(np.array([packet]), payload=b"".join(pieces))
        for _ in waiting:
            self._notes.append(Statement("note/no end"))

    def _add(
        self,
        packets: Int64,
        *,
        event: Event = Event.MESSAGE,
        payload: bytes | None = None,
    ) -> None:
        if not len(packets):
            return
        found, file = self._found, self._file
        outgoing = file.direction[packets] == _OUT
        start, size = found.start[packets], found.stop[packets] - found.start[packets]
        if payload is not None:
            start, size = np.array([self._rows.add_bytes(payload)]), np.array([len(payload)])
        wire, kind = found.ip_bytes[packets].copy(), np.full(len(packets), -1)
        notes: dict[int, Note] = {}
        commented = np.flatnonzero(np.isin(packets, self._commented)) if self._file.comments else ()
        for row in commented:
            note, told_kind, told_wire = self._told(int(packets[row]), event)
            if note is not None:
                notes[int(row)] = note
            if told_kind:
                kind[row] = self._rows.code("kind", told_kind)
            if told_wire is not None:
                wire[row] = told_wire
        interfaces, which = np.unique(file.interface[packets], return_inverse=True)
        endpoints, stamps = [], []
        for number in interfaces.tolist():
            one = file.interfaces[number]
            stamp = one.description.removeprefix(STAMPED_BY)
            endpoints.append(self._rows.code("endpoint", cells.unescape(one.name)))
            stamps.append(
                self._rows.code(
                    "time_source", stamp if stamp in CATEGORIES["time_source"] else TimeSource.USER
                )
            )
        peers, what = np.unique(
            np.where(outgoing, found.target[packets], found.source[packets]), return_inverse=True
        )
        self._rows.add(
            file.time_ns[packets],
            start,
            size,
            wire,
            endpoint=np.array(endpoints)[which],
            peer=np.array([self._peer(host) for host in peers.tolist()])[what],
            outgoing=outgoing,
            order=packets,
            event=event,
            time_source=np.array(stamps)[which],
            kind=kind,
            notes=notes,
        )

    def _peer(self, host: int) -> int:
        code = self._hosts.get(host)
        if code is None:
            code = self._hosts[host] = self._rows.code("peer", self._host_text(*self._found.hosts[host]))
        return code

    def _host_text(self, packed: bytes, port: int) -> str:
        name = self._file.names.get(packed)
        if name is not None:
            name = cells.unescape(name)
            return f"{name}:{port}" if port else name
        if not port and not any(packed):
            return ""
        return str(Peer(str(ipaddress.ip_address(packed)), port))
