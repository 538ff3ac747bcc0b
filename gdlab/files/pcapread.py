"""Captures of any program as a table: what UDP, TCP and WebSocket carried, as the receivers got it."""

from __future__ import annotations

import contextlib
import ipaddress
import json
from pathlib import Path
from typing import Any, Final

import numpy as np

from gdlab.errors import LoadError
from gdlab.facts import PEER, SYSTEM, Fact, Reason, Statement
from gdlab.files import pcapours, tsharkread
from gdlab.files.loaded import Loaded
from gdlab.files.packets import captured, pcap, pcapng, sides, tcp, websocket
from gdlab.files.packets.columns import Segments, segments
from gdlab.files.packets.ip import UDP
from gdlab.files.packets.rows import Note, Rows
from gdlab.files.pcapframe import EVENT_PROTOCOL
from gdlab.files.pcapwrite import APPLICATION
from gdlab.files.progress import Progress, ProgressFunction
from gdlab.messages import Event, Peer, wire_bytes
from gdlab.payloads import Int64

_ASKING: Final = b"GET "
#: The number of no packet: rows of the capture as a whole stand behind others of the same time.
_BEHIND_ALL: Final = 2**62


def is_capture(beginning: bytes) -> bool:
    """Whether a file that begins so is pcap or pcapng."""
    return pcap.is_pcap(beginning) or pcapng.is_pcapng(beginning)


def read_capture(path: Path, data: bytes | None = None, progress: ProgressFunction | None = None) -> Loaded:
    """A row for each UDP datagram, for what each TCP segment added to its stream, and for each WebSocket message.

    In files of other programs, the endpoint of a conversation is the side that was spoken to first (for TCP the one
    that was connected to), as far as the file shows. IP fragments and TCP streams are put together as a receiver would;
    times are those of the packet that completed a row. What no receiver gets is counted in the notes; what the
    capturing program lost is a row of event `gap`. In files of `write_pcapng` rows are what they were, see there.

    Parameters
    ----------
    data : the content of the file, where it is known already.

    Raises
    ------
    LoadError : not one packet can be read.
    """
    data = path.read_bytes() if data is None else data
    file = pcapng.read(data) if pcapng.is_pcapng(data) else pcap.read(data)
    if not len(file) and file.notes:
        raise LoadError(Statement.of("load/no packet", path=path, why=tuple(file.notes)))
    return of_packets(path, file, progress)


def read_with_tshark(path: Path, progress: ProgressFunction | None = None) -> Loaded:
    """The same of any file that tshark reads, be it no pcap or of a link layer that gdlab does not know.

    Raises
    ------
    LoadError : tshark is not installed, or cannot read the file.
    """
    found = of_packets(path, tsharkread.packets(path), progress)
    return Loaded(found.table, found.provenance, (Statement("load/by tshark"), *found.told))


def unknown_links(loaded: Loaded) -> bool:
    """Whether packets were left out because their link layer is not known."""
    whys = [dict(note.more).get("why") for note in loaded.told]
    return any(isinstance(why, Statement) and why.key == "left out/link type" for why in whys)


def of_packets(path: Path, file: captured.Captured, progress: ProgressFunction | None = None) -> Loaded:
    """The rows of packets; see `read_capture`."""
    ours = file.application.startswith(APPLICATION)
    with Progress(len(file), f"reading {path.name}", progress) as shown:
        found = segments(file, also=EVENT_PROTOCOL if ours else -1, advance=shown.advance)
        table, notes = pcapours.table(file, found) if ours else Foreign(file, found).table()
    provenance: dict[str, Any] = {"application": file.application}
    if ours:
        with contextlib.suppress(ValueError, RecursionError):
            told = json.loads(file.comment)
            provenance |= told if isinstance(told, dict) else {}
    return Loaded(table, provenance, (*file.notes, *left_out(found), *notes))


def left_out(found: Segments) -> list[Statement]:
    """What the packets carry that are no rows, counted."""
    return [
        Statement.of("note/left out", count=count, why=why) for why, count in found.left_out.most_common()
    ]


def _websocket_fact(found: websocket.Found, *, incoming: bool) -> Fact:
    """What is to be known of a row of a WebSocket that another program recorded."""
    by = PEER if incoming else ""
    if found.event == Event.CLOSE:
        code = found.code if found.code >= 0 else None
        return Fact(Reason.CLOSE_SEEN, by, code, said=found.reason, case="code" if code is not None else "")
    return Fact(Reason.MALFORMED, by, said=found.reason, case="seen")


class Foreign:
    """The rows of another program's capture.

    Parameters
    ----------
    numbers : of the packets in the whole file, where this is a part of it.
    """

    def __init__(self, file: captured.Captured, found: Segments, numbers: Int64 | None = None) -> None:
        self._file = file
        self._found = found
        self._numbers = np.arange(len(file)) if numbers is None else numbers
        self.rows = self._rows = Rows(file.data, found.joined)
        self._joined = b"".join(found.joined)
        self._hosts: dict[int, str] = {}
        self.notes: list[Statement] = []

    def table(self) -> tuple[Any, list[Statement]]:
        """The table, and what is not in it."""
        self.datagrams(sides.Datagrams())
        self.streams()
        last = int(self._file.time_ns.max()) if len(self._file) else 0
        for drop in self._file.drops:
            self.drop(drop, self._file.interfaces[drop.interface].name or str(drop.interface), last)
        return self._rows.table(), self.notes

    # ---- datagrams

    def datagrams(self, known: sides.Datagrams) -> None:
        """Rows of UDP."""
        found = self._found
        rows = np.flatnonzero(found.protocol == UDP)
        if not len(rows):
            return
        outgoing = known.of(self._file, found, rows)
        notes = {
            row: Note.of(Fact(Reason.NOT_CAPTURED, count=missing))
            for row, missing in enumerate(found.missing[rows].tolist())
            if missing
        }
        for row in np.flatnonzero(found.lies[rows]).tolist():
            notes[row] = Note.of(Fact(Reason.MALFORMED, case="udp_length"))
        bad = np.zeros(len(rows), np.bool_)
        bad[list(notes)] = True
        for chosen, event in ((~bad, Event.MESSAGE), (bad, Event.ERROR)):
            picked = np.flatnonzero(chosen)
            if len(picked):
                told = (
                    {position: notes[row] for position, row in enumerate(picked.tolist())}
                    if bad[picked[0]]
                    else {}
                )
                self._add("udp", rows[picked], outgoing[picked], event, told)

    def _add(
        self, transport: str, packets: Int64, outgoing: Any, event: Event, notes: dict[int, Note]
    ) -> None:
        found = self._found
        own = np.where(outgoing, found.source[packets], found.target[packets])
        other = np.where(outgoing, found.target[packets], found.source[packets])
        self._rows.add(
            self._file.time_ns[packets],
            found.start[packets],
            found.stop[packets] - found.start[packets],
            found.ip_bytes[packets],
            endpoint=self._codes("endpoint", own, transport + "://"),
            peer=self._codes("peer", other),
            outgoing=outgoing,
            order=self._numbers[packets],
            event=event,
            notes=notes,
        )

    # ---- streams

    def streams(self) -> None:
        """Rows of TCP, and of the WebSockets in it."""
        found = self._found
        streams = tcp.streams(found)
        self._count(streams.counts)
        if not len(streams):
            return
        own = sides.of_connections(
            self._file,
            found,
            streams.connection,
            streams.packet,
            streams.source,
            streams.target,
            streams.listening,
        )
        taken = self._websockets(streams, own)
        rest = np.flatnonzero(~taken)
        numbers = np.array(sorted(own), np.int64)
        hosts = np.array([own[number] for number in numbers.tolist()], np.int64)
        side = hosts[np.searchsorted(numbers, streams.connection[rest])]
        outgoing = (streams.source[rest] == side) & (streams.source[rest] != streams.target[rest])
        other = np.where(outgoing, streams.target[rest], streams.source[rest])
        segment, missing = streams.segment[rest], streams.missing[rest]
        endpoint, peer = self._codes("endpoint", side, "tcp://"), self._codes("peer", other)
        hole = segment < 0
        for chosen, event, case in (
            (~hole & (missing == 0), Event.MESSAGE, ""),
            (~hole & (missing > 0), Event.ERROR, ""),
            (hole, Event.GAP, "stream"),
        ):
            picked = np.flatnonzero(chosen)
            where = rest[picked]
            self._rows.add(
                self._file.time_ns[streams.packet[where]],
                streams.start[where],
                streams.stop[where] - streams.start[where],
                np.where(hole[picked], 0, found.ip_bytes[np.maximum(segment[picked], 0)]),
                endpoint=endpoint[picked],
                peer=peer[picked],
                outgoing=outgoing[picked],
                order=self._numbers[streams.packet[where]],
                within=where,
                event=event,
                notes={
                    row: Note.of(Fact(Reason.NOT_CAPTURED, count=count, case=case))
                    for row, count in enumerate(missing[picked].tolist())
                    if count
                },
            )

    def _websockets(self, streams: tcp.Streams, own: dict[int, int]) -> Any:
        """Rows of the WebSockets among the connections; gives which of the streams' rows these were."""
        taken = np.zeros(len(streams), np.bool_)
        stream = streams.connection * 2 + (streams.source < streams.target)
        _, first = np.unique(stream, return_index=True)
        asking = [
            row
            for row in first.tolist()
            if _ASKING.startswith(self._bytes(int(streams.start[row]), int(streams.stop[row]))[:4] or b"-")
        ]
        if not asking:
            return taken
        order = np.argsort(streams.connection, kind="stable")
        ordered = streams.connection[order]
        for row in asking:
            number = int(streams.connection[row])
            begin, end = np.searchsorted(ordered, [number, number + 1])
            rows = order[begin:end]
            chunks: tuple[list[websocket.Chunk], list[websocket.Chunk]] = ([], [])
            for each in rows.tolist():
                from_client = streams.source[each] == streams.source[row]
                piece = self._bytes(int(streams.start[each]), int(streams.stop[each]))
                chunks[not from_client].append(
                    websocket.Chunk(int(streams.packet[each]), piece, int(streams.missing[each]))
                )
            talk = websocket.conversation(*chunks)
            if talk is not None and not taken[row]:
                taken[rows] = True
                self._count(talk.counts)
                self._add_websocket(talk, int(streams.source[row]), int(streams.target[row]), own[number])
        return taken

    def _add_websocket(self, talk: websocket.Conversation, client: int, server: int, own: int) -> None:
        path = "" if talk.path == "/" or not talk.path.startswith("/") else talk.path
        endpoint = self._rows.code("endpoint", f"ws://{self._host(server)}{path}")
        peer = self._rows.code("peer", self._host(client))
        if own == client:
            peer = self._rows.code("peer", self._host(server))
        ipv6 = len(self._found.hosts[client][0]) == 16
        for event in {found.event for found in talk.found}:
            within = [number for number, found in enumerate(talk.found) if found.event == event]
            same = [talk.found[number] for number in within]
            starts = [self._rows.add_bytes(found.payload) for found in same]
            sizes = [len(found.payload) for found in same]
            wire = [
                wire_bytes("ws", size, ipv6=ipv6, masked=one.from_client)
                for one, size in zip(same, sizes, strict=True)
            ]
            notes = {
                row: Note.of(_websocket_fact(found, incoming=found.from_client != (own == client)))
                for row, found in enumerate(same)
                if found.reason or found.code >= 0
            }
            self._rows.add(
                self._file.time_ns[[found.packet for found in same]],
                np.array(starts, np.int64),
                np.array(sizes, np.int64),
                np.array(wire, np.int64) if event == Event.MESSAGE else np.zeros(len(same), np.int64),
                endpoint=endpoint,
                peer=peer,
                outgoing=np.array([found.from_client == (own == client) for found in same]),
                order=self._numbers[[found.packet for found in same]],
                within=within,
                event=event,
                kind=[self._rows.code("kind", found.kind) for found in same],
                notes=notes,
            )

    # ---- the rest

    def drop(self, drop: captured.Drop, name: str, last_ns: int) -> None:
        """A row of what an interface of this name has lost; `last_ns` is the time of the last packet."""
        zero = np.zeros(1, np.int64)
        self._rows.add(
            np.array([drop.time_ns or last_ns]),
            zero,
            zero,
            zero,
            endpoint=self._rows.code("endpoint", f"interface {name}"),
            peer=self._rows.code("peer", ""),
            outgoing=False,
            order=_BEHIND_ALL,
            event=Event.GAP,
            notes={0: Note.of(Fact(Reason.CAPTURE_DROP, SYSTEM, count=drop.packets))},
        )

    def _count(self, counts: Any) -> None:
        self.notes += [Statement.of(f"counted/{what}", count=count) for what, count in counts.most_common()]

    def _bytes(self, start: int, stop: int) -> bytes:
        size = len(self._file.data)
        return self._file.data[start:stop] if start < size else self._joined[start - size : stop - size]

    def _codes(self, column: str, hosts: Int64, prefix: str = "") -> Any:
        used, which = np.unique(hosts, return_inverse=True)
        codes = [self._rows.code(column, prefix + self._host(host)) for host in used.tolist()]
        return np.array(codes, np.int32)[which]

    def _host(self, number: int) -> str:
        text = self._hosts.get(number)
        if text is None:
            packed, port = self._found.hosts[number]
            text = self._hosts[number] = str(Peer(str(ipaddress.ip_address(packed)), port))
        return text
