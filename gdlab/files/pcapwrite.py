"""Writing tables as pcapng, for Wireshark.

A capture holds payloads, not packets, so the headers are made up: Ethernet between two stations that are nobody's (all
programs read that, and many nothing that differs within a file), IPv4 or IPv6, then UDP, or TCP for ``tcp://`` and
``ws://``, with right lengths and checksums, the addresses of the table, and TCP sequence numbers by which Wireshark
follows the stream. Each endpoint is an interface of the file, named as the endpoint, with times in nanoseconds.

- A message is a packet; one over TCP that is too large for a packet is several, the last with the flag PSH. Of
  WebSocket there is the payload without its framing.
- A row of another event is an IP packet of protocol 253 (for experiments, RFC 3692) whose comment has the event and
  its detail. `detail` of a message is its comment, too. What else the packet cannot tell (the reason; `kind` and
  `wire_bytes` where they are others than the packet's) stands in a comment before, which begins with ``gdlab:``.
- A peer or endpoint that is no IP address (after ``anonymise=True``) has one of 198.18.0.0/15 (for benchmarks,
  RFC 2544), and its name in a name resolution block, so that Wireshark shows it.
"""

from __future__ import annotations

import ipaddress
import json
import re
import struct
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from gdlab import clock
from gdlab.files import anonymise as names
from gdlab.files import cells, kinds, pcapframe, pcapudp, sidecar
from gdlab.files import to_schema as conform
from gdlab.files.atomic import replacing
from gdlab.files.progress import Progress, ProgressFunction
from gdlab.messages import Direction, Event, Kind

#: How our files name the program that wrote them; the version follows.
APPLICATION: Final = "gdlab "
#: How an interface tells who took its times; ``kernel`` or ``user`` follows.
STAMPED_BY: Final = "times by "

_MOST: Final = 65_535 - 40  # payload bytes of a TCP packet with the smallest headers
_MOST_UDP: Final = _MOST + 12  # a UDP header is that much shorter


def write_pcapng(
    table: pd.DataFrame,
    path: str | Path,
    *,
    anonymise: bool = False,
    provenance: Mapping[str, Any] | None = None,
    progress: ProgressFunction | None = None,
) -> Path:
    """Write a table of a capture as pcapng; see the module for what stands in it.

    `load` gives back all columns; of a datagram that is too large for one, what fits.

    Parameters
    ----------
    table : the columns of `messages.SCHEMA`.
    path : the file, such as ``run1.pcapng``.
    anonymise, progress : as for `write_csv`.
    provenance : kept in the comment of the file as JSON.

    Raises
    ------
    TableError : not the columns of a capture, or a time before 1970, which pcapng cannot say.
    OSError : the file cannot be written. What stood under the name before then still does.
    """
    path = Path(path)
    table = conform.conform(table)
    if anonymise:
        table, provenance = names.anonymise(table, provenance)
    if len(table) and int(conform.time_ns(table).min()) < 0:
        raise conform.TableError("pcapng has no times before 1970; leave those rows out")
    packets = _Packets(table)
    with replacing(path) as file, Progress(len(table), f"writing {path.name}", progress) as shown:
        file.write(_section(provenance))
        file.write(packets.beginning())
        for rows in conform.batches(conform.payloads(table).sizes):
            part = table.iloc[rows]
            file.write(b"".join(packets.of(part)))
            shown.advance(len(part))
    return path


def _fact(reason: str, by: str, code: Any, count: Any, framing: str, kind: str, wire: int | None) -> str:
    """What the packet cannot tell, as a comment that `pcapours` reads back."""
    if not (reason or by or framing or kind or wire is not None or code is not pd.NA or count is not pd.NA):
        return ""
    numbers = ["" if value is pd.NA else str(value) for value in (code, count)]
    more = f" kind={kind}" * bool(kind) + f" wire={wire}" * (wire is not None)
    more += f" framing={cells.escape(framing)}" * bool(framing)
    return f"gdlab: reason={reason} by={by} code={numbers[0]} count={numbers[1]}{more}"


class _Packets:
    """Makes the blocks of a table's rows; knows the interfaces, the hosts and how far each TCP stream is."""

    def __init__(self, table: pd.DataFrame) -> None:
        self._endpoints = table["endpoint"].cat.categories.tolist()
        self._peers = table["peer"].cat.categories.tolist()
        pairs = table[["endpoint", "time_source"]].drop_duplicates()
        self._interfaces = {
            (str(endpoint), str(stamp)): number
            for number, (endpoint, stamp) in enumerate(pairs.itertuples(index=False, name=None))
        }
        self._invented: dict[str, bytes] = {}
        self._pairs: dict[tuple[str, str], tuple[pcapframe.Host, pcapframe.Host]] = {}
        self._sent: dict[tuple[str, str], list[int]] = {}
        for peer in self._peers:
            self._host(peer)  # all names are known before the first packet
        for endpoint in self._endpoints:
            self._host(endpoint)

    def beginning(self) -> bytes:
        """The blocks before the packets: interfaces and names."""
        blocks = [
            pcapframe.block(
                1,
                struct.pack("<HHI", 1, 0, 0)
                + pcapframe.options(
                    (2, cells.escape(endpoint).encode()), (3, (STAMPED_BY + stamp).encode()), (9, b"\x09")
                ),
            )
            for endpoint, stamp in self._interfaces
        ]
        records = b""
        for name, packed in self._invented.items():
            record = packed + cells.escape(name).encode()[: pcapframe.MAX_OPTION - 5] + b"\0"
            records += pcapframe.padded(struct.pack("<HH", 1, len(record)) + record)
        if records:
            blocks.append(pcapframe.block(4, records + struct.pack("<HH", 0, 0)))
        return b"".join(blocks)

    def of(self, part: pd.DataFrame) -> Iterator[bytes]:
        """The blocks of some rows."""
        plain = self._is_plain(part)
        datagrams = iter(self._datagrams(part[plain]))
        others = self._one_by_one(part[~plain])
        for is_plain in plain.tolist():
            if is_plain:
                yield next(datagrams)
            else:
                yield from next(others)

    def _is_plain(self, part: pd.DataFrame) -> npt.NDArray[np.bool_]:
        """(n,) bool: which rows are datagrams that need no comment."""
        endpoints = part["endpoint"].cat
        is_udp = np.array([name.startswith("udp:") for name in endpoints.categories], np.bool_)
        payloads = conform.payloads(part)
        plain: npt.NDArray[np.bool_] = (
            (part["event"] == Event.MESSAGE).to_numpy(np.bool_)
            & (part["detail"].to_numpy(object) == "")
            & ((part["reason"] == "") & (part["by"] == "") & (part["framing"] == "")).to_numpy(np.bool_)
            & (part["code"].isna() & part["count"].isna()).to_numpy(np.bool_)
            & (payloads.sizes >= 0)
            & (payloads.sizes <= _MOST_UDP)
        )
        plain = plain & is_udp[endpoints.codes.to_numpy()] if len(is_udp) else plain
        if not plain.any():
            return plain
        known: npt.NDArray[np.bool_] = plain & (self._kinds(part) == "") & (self._wire(part) < 0)
        return known

    @staticmethod
    def _kinds(part: pd.DataFrame) -> npt.NDArray[np.object_]:
        """(n,) the kind where the payload does not tell it, else empty."""
        buffer, offsets = conform.payloads(part).contiguous()
        text = kinds.are_text(buffer, offsets[:-1], np.diff(offsets))
        told = part["kind"].astype(object).to_numpy()
        known: npt.NDArray[np.object_] = np.where(
            told == np.where(text, str(Kind.TEXT), str(Kind.BINARY)), "", told
        )
        return known

    def _wire(self, part: pd.DataFrame) -> npt.NDArray[np.int64]:
        """(n,) `wire_bytes` where they are others than those of a datagram with this payload, else -1."""
        endpoint, peer = part["endpoint"].cat.codes.to_numpy(), part["peer"].cat.codes.to_numpy()
        pair, which = np.unique(endpoint.astype(np.int64) << 32 | peer, return_inverse=True)
        headers = np.array([len(self._addresses(int(each >> 32), int(each & 0xFFFFFFFF))) for each in pair])
        wire = part["wire_bytes"].to_numpy()
        expected = conform.payloads(part).sizes + np.where(headers == 4, 28, 48)[which]
        told: npt.NDArray[np.int64] = np.where(wire == expected, -1, wire)
        return told

    def _addresses(self, endpoint: int, peer: int) -> bytes:
        pair = self._endpoints[endpoint], self._peers[peer]
        return (self._pairs.get(pair) or self._pair(*pair))[0].packed

    def _datagrams(self, part: pd.DataFrame) -> list[bytes]:
        if not len(part):
            return []
        columns = ["endpoint", "peer", "direction", "time_source"]
        key = np.zeros(len(part), np.int64)
        for name in columns:
            key = key * (len(part[name].cat.categories) + 1) + part[name].cat.codes.to_numpy()
        _, first, flow = np.unique(key, return_index=True, return_inverse=True)
        flows = [
            self._flow(*values)
            for values in part[columns].iloc[first].astype(object).itertuples(index=False, name=None)
        ]
        return pcapudp.blocks(flows, flow, conform.time_ns(part), conform.payloads(part))

    def _flow(self, endpoint: str, peer: str, direction: str, stamp: str) -> pcapudp.Flow:
        own, other = self._pairs.get((endpoint, peer)) or self._pair(endpoint, peer)
        source, target = (other, own) if direction == Direction.IN else (own, other)
        flags = 1 if direction == Direction.IN else 2
        interface = self._interfaces[endpoint, stamp]
        return pcapudp.Flow(interface, source.packed, target.packed, source.port, target.port, flags)

    def _one_by_one(self, part: pd.DataFrame) -> Iterator[Iterator[bytes]]:
        columns = [
            part[name].astype(object)
            for name in ("time_source", "endpoint", "peer", "direction", "event", "detail")
        ]
        facts = part[["reason", "by", "code", "count", "framing"]].astype(object)
        # A packet of a datagram tells these, one of an event or of a stream does not.
        message = (part["event"] == Event.MESSAGE).to_numpy(np.bool_)
        udp = part["endpoint"].astype(object).str.startswith("udp:").to_numpy(np.bool_) & message
        facts["kind"] = self._kinds(part)
        wire, plain = part["wire_bytes"].to_numpy(), self._wire(part)
        alike = plain < 0
        facts["wire"] = np.where(udp & alike, None, wire.astype(object))  # type: ignore[call-overload]
        for time_ns, payload, fact, *texts in zip(
            conform.time_ns(part).tolist(),
            conform.payloads(part),
            facts.itertuples(index=False, name=None),
            *columns,
            strict=True,
        ):
            yield self._row(time_ns, b"" if payload is pd.NA else payload, _fact(*fact), *texts)

    def _row(
        self,
        time_ns: int,
        payload: bytes,
        fact: str,
        stamp: str,
        endpoint: str,
        peer: str,
        direction: str,
        event: str,
        detail: str,
    ) -> Iterator[bytes]:
        own, other = self._pairs.get((endpoint, peer)) or self._pair(endpoint, peer)
        source, target = (other, own) if direction == Direction.IN else (own, other)
        comment = cells.escape(detail) if event == Event.MESSAGE else f"{event}: {cells.escape(detail)}"
        flags = 1 if direction == Direction.IN else 2
        interface = self._interfaces[endpoint, stamp]
        if event == Event.MESSAGE and not endpoint.startswith("udp:"):
            packets = self._tcp(endpoint, peer, source, target, payload, direction)
        else:
            if len(payload) > _MOST_UDP:
                comment += f" [the first {_MOST_UDP} of {len(payload)} bytes]"
                payload = payload[:_MOST_UDP]
            packets = iter((pcapframe.event(source, target, payload),))
            if event == Event.MESSAGE:
                packets = iter((pcapframe.udp(source, target, payload),))
        for packet in map(pcapudp.ethernet, packets):
            options = [(2, struct.pack("<I", flags))]
            comments = [text for text in (fact, comment) if text]
            options = [(1, text.encode()[: pcapframe.MAX_OPTION]) for text in comments] + options
            head = struct.pack(
                "<IIIII", interface, time_ns >> 32, time_ns & 0xFFFFFFFF, len(packet), len(packet)
            )
            yield pcapframe.block(6, head + pcapframe.padded(packet) + pcapframe.options(*options))

    def _tcp(
        self,
        endpoint: str,
        peer: str,
        source: pcapframe.Host,
        target: pcapframe.Host,
        payload: bytes,
        direction: str,
    ) -> Iterator[bytes]:
        """A message as one packet, or as many as it needs; the last has PSH."""
        sent = self._sent.setdefault((endpoint, peer), [1, 1])
        mine = 0 if direction == Direction.IN else 1
        for start in range(0, len(payload), _MOST) or (0,):
            piece = payload[start : start + _MOST]
            flags = 0x18 if start + _MOST >= len(payload) else 0x10
            yield pcapframe.tcp(source, target, piece, sent[mine], sent[1 - mine], flags)
            sent[mine] = (sent[mine] + len(piece)) & 0xFFFFFFFF

    def _pair(self, endpoint: str, peer: str) -> tuple[pcapframe.Host, pcapframe.Host]:
        """The two addresses, of one family: a listener may be on both."""
        own, other = self._host(endpoint), self._host(peer)
        own = own._replace(packed=pcapframe.in_family(own.packed, len(other.packed)))
        other = other._replace(packed=pcapframe.in_family(other.packed, len(own.packed)))
        self._pairs[endpoint, peer] = own, other
        return own, other

    def _host(self, text: str) -> pcapframe.Host:
        """The address of an endpoint or peer; invented where the text has none."""
        if not text:
            return pcapframe.Host(bytes(4), 0)
        match = _HOST.fullmatch(text)
        port = int(match["port"]) if match else 0
        if match is None or port > 65_535:
            return pcapframe.Host(self._invent(text), 0)
        host = match["v6"] or match["other"]
        try:
            return pcapframe.Host(
                ipaddress.ip_address("127.0.0.1" if host == "localhost" else host).packed, port
            )
        except ValueError:
            return pcapframe.Host(self._invent(host), port)

    def _invent(self, name: str) -> bytes:
        number = len(self._invented) + 1
        return self._invented.setdefault(name, (0xC6120000 + number % 0x20000).to_bytes(4, "big"))


_HOST = re.compile(
    r"(?:\w+://)?(?:\[(?P<v6>[^\]%]*)(?:%[^\]]*)?\]|(?P<other>[^:/\[\]]+)):(?P<port>\d{1,5})(?:/.*)?",
    re.DOTALL,
)


def _section(provenance: Mapping[str, Any] | None) -> bytes:
    """The section header, its length left open."""
    told = json.dumps(
        {"clock": clock.DESCRIPTION, "provenance": dict(provenance or {})}, default=str
    ).encode()
    options = [(4, f"{APPLICATION}{sidecar.version_of('gdlab')}".encode())]
    if len(told) <= pcapframe.MAX_OPTION:
        options.insert(0, (1, told))
    return pcapframe.block(
        0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1) + pcapframe.options(*options)
    )
