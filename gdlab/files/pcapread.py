"""UDP and TCP payloads out of pcap and pcapng files, as a table; also out of those of anybody else."""

from __future__ import annotations

import contextlib
import ipaddress
import json
from array import array
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from gdlab.errors import LoadError
from gdlab.files import cells
from gdlab.files import to_schema as conform
from gdlab.files.dissect import TCP, UDP, Segment, dissect
from gdlab.files.loaded import Loaded
from gdlab.files.pcapfile import Packet, PacketFile
from gdlab.files.pcapwrite import APPLICATION, EVENT_PROTOCOL, STAMPED_BY
from gdlab.messages import CATEGORIES, Direction, Event, Peer, TimeSource, guess_kind
from gdlab.payloads import PayloadArray

_SYN, _PSH, _ACK = 0x02, 0x08, 0x10


def read_capture(path: Path) -> Loaded:
    """A row for each UDP datagram and each TCP segment with a payload.

    In files of other programs, the endpoint of a conversation is the side that was spoken to first (for TCP the one
    that was connected to), as far as the file shows; TCP is not put together: a row is a segment as it was captured,
    repeated ones included. In files of `write_pcapng` rows are what they were, see there.

    Raises
    ------
    LoadError : not one packet can be read.
    """
    file = PacketFile(path.read_bytes())
    rows = _Rows(file)
    empty = True
    for packet in file.packets():
        rows.add(packet)
        empty = False
    if empty and file.notes:
        raise LoadError(
            f"{path} is a packet capture without one whole packet: {'; '.join(file.notes)}. Expected: pcap or "
            "pcapng as tcpdump, Wireshark or gdlab write them. Capture or copy it again"
        )
    provenance: dict[str, Any] = {"application": file.application}
    if rows.ours:
        with contextlib.suppress(ValueError, RecursionError):
            told = json.loads(file.comment)
            provenance |= told if isinstance(told, dict) else {}
    notes = [*file.notes, *rows.notes()]
    return Loaded(rows.table(), provenance, tuple(notes))


class _Rows:
    """Rows in columns; what a hostile file can make of them stays in proportion to its size."""

    def __init__(self, file: PacketFile) -> None:
        self._file = file
        self._times, self._starts, self._sizes, self._wire = (array("q") for _ in range(4))
        self._codes = {name: array("i") for name in conform.CATEGORICAL}
        self._orders: dict[str, dict[str, int]] = {
            name: {str(value): code for code, value in enumerate(CATEGORIES.get(name, ()))}
            for name in conform.CATEGORICAL
        }
        self._details: dict[int, str] = {}
        self._hosts: dict[tuple[bytes, int], str] = {}
        self._own: set[tuple[int, bytes, int]] = set()
        self._left_out: Counter[str] = Counter()
        self._pieces: dict[tuple[str, str, str], list[bytes]] = {}
        self._joined: list[bytes] = []
        self._joined_at = len(file.data)

    @property
    def ours(self) -> bool:
        """Whether `write_pcapng` wrote the file; known once the first block is read."""
        return self._file.application.startswith(APPLICATION)

    def add(self, packet: Packet) -> None:
        """Take what a packet carries."""
        data = self._file.data
        also = EVENT_PROTOCOL if self.ours else -1
        found = dissect(data, packet.interface.link_type, packet.start, packet.stop, also)
        if isinstance(found, str):
            self._left_out[found] += 1
        elif self.ours and packet.interface.description.startswith(STAMPED_BY):
            self._add_ours(packet, found)
        else:
            self._add_foreign(packet, found)

    def _add_ours(self, packet: Packet, found: Segment) -> None:
        outgoing = packet.direction == 2
        endpoint = cells.unescape(packet.interface.name)
        peer = self._peer(found.target if outgoing else found.source)
        start, size = found.start, found.stop - found.start
        event, detail = str(Event.MESSAGE), packet.comment
        if found.protocol == EVENT_PROTOCOL:
            event, _, detail = packet.comment.partition(": ")
            if event not in CATEGORIES["event"]:
                event, detail = str(Event.ERROR), packet.comment
        elif found.protocol == TCP:
            # The pieces of a message end with the flag PSH.
            key = (endpoint, peer, "out" if outgoing else "in")
            pieces = self._pieces.pop(key, [])
            if pieces or not found.tcp_flags & _PSH:
                pieces.append(self._file.data[start : found.stop])
                if not found.tcp_flags & _PSH:
                    self._pieces[key] = pieces
                    return
                whole = b"".join(pieces)
                start, size = self._joined_at, len(whole)
                self._joined.append(whole)
                self._joined_at += size
        stamp = packet.interface.description.removeprefix(STAMPED_BY)
        self._add(
            packet.time_ns,
            start,
            size,
            found.ip_bytes,
            time_source=stamp if stamp in CATEGORIES["time_source"] else TimeSource.USER,
            endpoint=endpoint,
            peer=peer,
            direction=Direction.OUT if outgoing else Direction.IN,
            event=event,
            detail=cells.unescape(detail),
        )

    def _add_foreign(self, packet: Packet, found: Segment) -> None:
        outgoing = self._is_outgoing(packet, found)
        if found.protocol == TCP and found.start == found.stop and not found.missing:
            self._left_out["TCP without a payload"] += 1
            return
        own, other = (found.source, found.target) if outgoing else (found.target, found.source)
        missing = found.missing
        self._add(
            packet.time_ns,
            found.start,
            found.stop - found.start,
            found.ip_bytes,
            time_source=TimeSource.KERNEL,
            endpoint=f"{'udp' if found.protocol == UDP else 'tcp'}://{self._peer(own)}",
            peer=self._peer(other),
            direction=Direction.OUT if outgoing else Direction.IN,
            event=Event.ERROR if missing else Event.MESSAGE,
            detail=f"{missing} bytes of the payload were not captured" if missing else "",
        )

    def _is_outgoing(self, packet: Packet, found: Segment) -> bool:
        """Whether the endpoint's side sent this."""
        source, target = (found.protocol, *found.source), (found.protocol, *found.target)
        if packet.direction:
            return packet.direction == 2
        # On loopback everything comes in as well as it goes out; the link layer says only one of them.
        loopback = found.source[0] == found.target[0] or found.source[0][0] == 127
        if found.outgoing is not None and not loopback:
            return found.outgoing
        if found.protocol == TCP and found.tcp_flags & _SYN:
            listening = source if found.tcp_flags & _ACK else target
            self._own.add(listening)
            return listening == source
        if target not in self._own and source in self._own:
            return True
        self._own.add(target)
        return False

    def _peer(self, host: tuple[bytes, int]) -> str:
        text = self._hosts.get(host)
        if text is None:
            text = self._hosts[host] = self._host_text(*host)
        return text

    def _host_text(self, packed: bytes, port: int) -> str:
        name = self._file.names.get(packed) if self.ours else None
        if name is not None:
            name = cells.unescape(name)
            return f"{name}:{port}" if port else name
        if self.ours and not port and not any(packed):
            return ""
        return str(Peer(str(ipaddress.ip_address(packed)), port))

    def _add(self, time_ns: int, start: int, size: int, wire: int, *, detail: str, **texts: str) -> None:
        self._times.append(time_ns)
        self._starts.append(start)
        self._sizes.append(size)
        self._wire.append(wire)
        for name, text in texts.items():
            order = self._orders[name]
            self._codes[name].append(order.setdefault(str(text), len(order)))
        if detail:
            self._details[len(self._times) - 1] = detail

    def notes(self) -> list[str]:
        """What is not in the table."""
        return [f"{count} packets were left out: {why}" for why, count in self._left_out.most_common()] + [
            f"a message from {peer} to {endpoint} has no end and was left out"
            for endpoint, peer, _ in self._pieces
        ]

    def table(self) -> pd.DataFrame:
        """The rows in order of time."""
        rows = len(self._times)
        arenas = [np.frombuffer(part, np.uint8) for part in (self._file.data, *self._joined)]
        sizes = np.array(self._sizes, np.int64)
        payloads = PayloadArray(arenas, np.array(self._starts, np.int64), sizes)
        kinds = self._orders["kind"]
        self._codes["kind"] = array("i", (kinds[guess_kind(payload)] for payload in payloads))
        details = np.full(rows, "", object)
        for row, detail in self._details.items():
            details[row] = detail
        columns: dict[str, Any] = {
            "time": pd.DatetimeIndex(np.array(self._times, np.int64).view("datetime64[ns]"), tz="UTC"),
            "size_bytes": sizes,
            "wire_bytes": np.array(self._wire, np.int64),
            "payload": payloads,
            "detail": pd.array(details, dtype=pd.StringDtype("python")),
        }
        for name, codes in self._codes.items():
            columns[name] = conform.categorical(np.array(codes, np.int32), self._orders[name])
        return conform.in_order(pd.DataFrame(columns, copy=False)[list(conform.NAMES)])
