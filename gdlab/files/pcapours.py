"""The rows of a table out of the pcapng file that `pcapwrite` made of it."""

from __future__ import annotations

import ipaddress
import re
from typing import Any, Final

import numpy as np

from gdlab.files import cells, versions
from gdlab.files.packets.captured import Captured
from gdlab.files.packets.columns import Segments
from gdlab.files.packets.ip import TCP, UDP
from gdlab.files.packets.rows import Note, Rows
from gdlab.files.pcapwrite import EVENT_PROTOCOL, STAMPED_BY
from gdlab.messages import CATEGORIES, Event, Peer, TimeSource
from gdlab.payloads import Int64

#: A comment that tells what happened as data.
_FACT: Final = re.compile(
    r"gdlab: reason=(\w*) by=(\w*) code=(-?\d{1,9}|) count=(\d{1,18}|)(?: framing=(.*))?"
)

_PSH: Final = 0x08
_OUT: Final = 2


def table(file: Captured, found: Segments) -> tuple[Any, list[str]]:
    """The table, and notes on what is not in it."""
    return _Ours(file, found).table()


class _Ours:
    def __init__(self, file: Captured, found: Segments) -> None:
        self._file = file
        self._found = found
        self._rows = Rows(file.data, found.joined)
        self._notes: list[str] = []
        self._hosts: dict[int, int] = {}
        self._tells_facts = False

    def table(self) -> tuple[Any, list[str]]:
        found = self._found
        commented = np.zeros(len(self._file), np.bool_)
        commented[list(self._file.comments)] = True
        messages = np.flatnonzero((found.protocol == UDP) | (found.protocol == TCP))
        whole = messages[(found.protocol[messages] == UDP) | self._are_whole(messages)]
        self._add(whole[~commented[whole]])
        for packet in whole[commented[whole]].tolist():
            self._add(np.array([packet]), note=self._note(packet, self._comment(packet)))
        self._pieces(messages[~np.isin(messages, whole)])
        for packet in np.flatnonzero(found.protocol == EVENT_PROTOCOL).tolist():
            told, _, detail = self._comment(packet).partition(": ")
            event = Event(told) if told in CATEGORIES["event"] else Event.ERROR
            if event != told:
                detail = self._comment(packet)
            self._add(np.array([packet]), event=event, note=self._note(packet, detail))
        table = self._rows.table()
        if not self._tells_facts:
            table = versions.with_facts(table.drop(columns=list(versions.NEW)))
        return table, self._notes

    def _comment(self, packet: int) -> str:
        return (self._file.comments.get(packet) or [""])[-1]

    def _note(self, packet: int, detail: str) -> Note | None:
        """What is behind the payload; the reason stands in a comment of its own, before that of the detail."""
        comments = self._file.comments.get(packet) or [""]
        told = _FACT.fullmatch(comments[0])
        if told is None:
            return Note("", "", None, None, cells.unescape(detail)) if detail else None
        self._tells_facts = True
        if len(comments) == 1:
            detail = ""
        reason, by, code, count, framing = told.groups()
        return Note(
            reason if reason in CATEGORIES["reason"] else "",
            by if by in CATEGORIES["by"] else "",
            int(code) if code else None,
            int(count) if count else None,
            cells.unescape(detail),
            cells.unescape(framing or ""),
        )

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
                note = self._note(packet, self._comment(packet))
                self._add(np.array([packet]), payload=b"".join(pieces), note=note)
        for _ in waiting:
            self._notes.append("a message has no end and was left out")

    def _add(
        self,
        packets: Int64,
        *,
        event: Event = Event.MESSAGE,
        note: Note | None = None,
        payload: bytes | None = None,
    ) -> None:
        if not len(packets):
            return
        found, file = self._found, self._file
        outgoing = file.direction[packets] == _OUT
        start, size = found.start[packets], found.stop[packets] - found.start[packets]
        if payload is not None:
            start, size = np.array([self._rows.add_bytes(payload)]), np.array([len(payload)])
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
            found.ip_bytes[packets],
            endpoint=np.array(endpoints)[which],
            peer=np.array([self._peer(host) for host in peers.tolist()])[what],
            outgoing=outgoing,
            order=packets,
            event=event,
            time_source=np.array(stamps)[which],
            notes={0: note} if note else None,
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
