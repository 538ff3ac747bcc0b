"""The transport's part of all packets of a file as columns.

The plain packets, which are nearly all of nearly every capture (Ethernet, raw IP, Linux cooked or loopback; IP without
fragments or extensions; UDP or TCP), are read thousands at once with numpy, all others one by one by `ip`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from gdlab.facts import Statement
from gdlab.files.packets.captured import Captured
from gdlab.files.packets.fragments import Waiting
from gdlab.files.packets.ip import TCP, TUNNEL_PORTS, UDP, Fragment, Segment, dissect, whole
from gdlab.files.packets.link import IPV4, IPV6, LOOPBACK, RAW_IP
from gdlab.payloads import Int64, UInt8

Bools = npt.NDArray[np.bool_]
Advance = Callable[[int], None]

_AT_ONCE: Final = 65_536
_ETHERNET, _COOKED, _COOKED_2 = 1, 113, 276
_OUTGOING = 4
#: By port.
_IS_TUNNEL = np.isin(np.arange(1 << 16), [*TUNNEL_PORTS])
#: `outgoing` of a segment.
UNKNOWN, NOT_OUTGOING, OUTGOING = -1, 0, 1


@dataclass(slots=True)
class Segments:
    """What was found in the packets of a file; all columns are (n,), n the packets of the file.

    Attributes
    ----------
    protocol : 17 UDP, 6 TCP, another one that was asked for, 0 where there is none of them.
    source, target : positions in `hosts`.
    start, stop : of the captured payload, in the file, and behind its end in `joined`.
    missing, ip_bytes, flags, sequence, acknowledged, outgoing, lies : as for `ip.Segment`.
    left_out : packets that carry none of them, by what they are instead.
    """

    protocol: Int64
    source: Int64
    target: Int64
    start: Int64
    stop: Int64
    missing: Int64
    ip_bytes: Int64
    flags: Int64
    sequence: Int64
    acknowledged: Int64
    outgoing: Int64
    lies: Bools
    hosts: list[tuple[bytes, int]] = field(default_factory=list)
    joined: list[bytes] = field(default_factory=list)
    left_out: Counter[Statement] = field(default_factory=Counter)


def segments(
    captured: Captured,
    *,
    also: int = -1,
    advance: Advance | None = None,
    waiting: Waiting | None = None,
    ends: bool = True,
) -> Segments:
    """Take all packets apart.

    Parameters
    ----------
    also : one more IP protocol to give, whose header is its two ports.
    advance : told how many packets more are done.
    waiting : fragments of the packets before, and then of these, of a file that comes in parts; `ends`: no more come.
    """
    reader = _Reader(captured, also, waiting or Waiting())
    for first in range(0, len(captured), _AT_ONCE):
        last = min(first + _AT_ONCE, len(captured))
        reader.read(first, last)
        if advance is not None:
            advance(last - first)
    return reader.end(ends=ends)


class _Reader:
    def __init__(self, captured: Captured, also: int, waiting: Waiting) -> None:
        rows = len(captured)
        self._captured = captured
        self._also = also
        self._bytes = np.frombuffer(captured.data, np.uint8)

        def zeros() -> Int64:
            return np.zeros(rows, np.int64)

        self._out = Segments(
            zeros(),
            zeros(),
            zeros(),
            zeros(),
            zeros(),
            zeros(),
            zeros(),
            zeros(),
            zeros(),
            zeros(),
            np.full(rows, UNKNOWN, np.int64),
            np.zeros(rows, np.bool_),
        )
        self._known: dict[tuple[bytes, int], int] = {}
        self._waiting = waiting
        self._joined_at = len(captured.data)
        self._links = np.array([one.link_type for one in captured.interfaces], np.int64)

    def read(self, first: int, last: int) -> None:
        """Some of the packets."""
        rows = np.arange(first, last)
        links = self._links[self._captured.interface[first:last]]
        slow: list[Int64] = []
        for link_type in np.unique(links).tolist():
            mine = rows[links == link_type]
            done = self._fast(link_type, mine)
            slow.append(mine[~done])
        for row in np.sort(np.concatenate(slow)).tolist() if slow else ():
            self._slow(row, int(links[row - first]))

    def end(self, *, ends: bool) -> Segments:
        if ends:
            self._waiting.end()
            if self._waiting.given_up:
                self._out.left_out[Statement("left out/fragments")] += self._waiting.given_up
            if self._waiting.overlapping:
                self._out.left_out[Statement("left out/contradicting")] += self._waiting.overlapping
        self._out.hosts = list(self._known)
        return self._out

    # ---- one by one

    def _slow(self, row: int, link_type: int) -> None:
        captured = self._captured
        data = captured.data
        found = dissect(data, link_type, int(captured.start[row]), int(captured.stop[row]), self._also)
        shift = 0
        for _ in range(8):  # a fragment may hold a tunnel, and that a fragment
            if not isinstance(found, Fragment):
                break
            made = self._waiting.add(data, found, int(captured.time_ns[row]))
            if made is None:
                return
            data, ip_bytes = made
            found = whole(data, found, ip_bytes, self._also)
            shift = self._joined_at
        if isinstance(found, Fragment):
            found = Statement("left out/tunnels")
        if isinstance(found, Statement):
            self._out.left_out[found] += 1
            return
        if not shift:  # what was put together is whole
            bytes_there = int(captured.stop[row] - captured.start[row])
            found = found.within(max(int(captured.original[row]) - bytes_there, 0))
        if shift:
            self._out.joined.append(data)
            self._joined_at += len(data)
        self._put(row, found, shift)

    def _put(self, row: int, found: Segment, shift: int) -> None:
        out = self._out
        out.protocol[row] = found.protocol
        out.source[row], out.target[row] = self._host(found.source), self._host(found.target)
        out.start[row], out.stop[row], out.missing[row] = (
            found.start + shift,
            found.stop + shift,
            found.missing,
        )
        out.ip_bytes[row], out.flags[row] = found.ip_bytes, found.tcp_flags
        out.sequence[row], out.acknowledged[row], out.lies[row] = (
            found.sequence,
            found.acknowledged,
            found.lies,
        )
        if found.outgoing is not None:
            out.outgoing[row] = int(found.outgoing)

    def _host(self, host: tuple[bytes, int]) -> int:
        return self._known.setdefault(host, len(self._known))

    # ---- all together

    def _u8(self, at: Int64) -> Int64:
        column: Int64 = self._bytes.take(at, mode="clip").astype(np.int64)
        return column

    def _u16(self, at: Int64) -> Int64:
        return self._u8(at) << 8 | self._u8(at + 1)

    def _u32(self, at: Int64) -> Int64:
        return self._u16(at) << 16 | self._u16(at + 2)

    def _fast(self, link_type: int, rows: Int64) -> Bools:
        """Read the plain ones of some packets of one link type; gives which these were."""
        done = np.zeros(len(rows), np.bool_)
        start, stop = self._captured.start[rows], self._captured.stop[rows]
        outgoing: Int64 | None = None
        if link_type == _ETHERNET:
            at, ether_type = start + 14, self._u16(start + 12)
        elif link_type == _COOKED:
            at, ether_type = start + 16, self._u16(start + 14)
            outgoing = np.where(self._u16(start) == _OUTGOING, OUTGOING, NOT_OUTGOING)
        elif link_type == _COOKED_2:
            at, ether_type = start + 20, self._u16(start)
            outgoing = np.where(self._u8(start + 10) == _OUTGOING, OUTGOING, NOT_OUTGOING)
        elif link_type in RAW_IP or link_type in LOOPBACK:
            at = start + 4 * (link_type in LOOPBACK)
            version = self._u8(at) >> 4
            ether_type = np.select([version == 4, version == 6], [IPV4, IPV6], 0)
        else:
            return done
        for wanted, size in ((IPV4, 20), (IPV6, 40)):
            chosen = np.flatnonzero((ether_type == wanted) & (stop - at >= size + 8))
            if len(chosen):
                plain = self._ip(size, rows[chosen], at[chosen], stop[chosen])
                done[chosen[plain]] = True
        if outgoing is not None:
            self._out.outgoing[rows[done]] = outgoing[done]
        return done

    def _ip(self, size: int, rows: Int64, at: Int64, stop: Int64) -> Bools:
        """Packets of one version of IP; gives which are plain."""
        if size == 20:
            head, length, protocol = self._u8(at), self._u16(at + 2), self._u8(at + 9)
            header = (head & 15) * 4
            fragment = self._u16(at + 6) & 0x3FFF
            plain: Bools = (head >> 4 == 4) & (header >= 20) & (fragment == 0) & (length >= header + 8)
            end = at + length
            addresses = at + 12
        else:
            length, protocol = self._u16(at + 4), self._u8(at + 6)
            header = np.full(len(rows), 40)
            plain = (self._u8(at) >> 4 == 6) & (length >= 8)
            end = at + 40 + length
            addresses = at + 8
        transport = at + header
        limit = np.minimum(stop, end)
        udp, tcp = protocol == UDP, protocol == TCP
        udp_bytes = self._u16(transport + 4)
        target_port = self._u16(transport + 2)
        plain &= (udp & (limit - transport >= 8) & (udp_bytes >= 8) & (transport + udp_bytes <= end)) | (
            tcp & (limit - transport >= 20)
        )
        plain &= ~(udp & (_IS_TUNNEL[self._u16(transport)] | _IS_TUNNEL[target_port]))
        words = (self._u8(transport + 12) >> 4) * 4
        plain &= udp | ((words >= 20) & (transport + words <= limit))
        if not plain.any():
            return plain
        chosen = np.flatnonzero(plain)
        rows, at, transport, stop, end = (
            rows[chosen],
            at[chosen],
            transport[chosen],
            stop[chosen],
            end[chosen],
        )
        udp, addresses = udp[chosen], addresses[chosen]
        out = self._out
        out.protocol[rows] = protocol[chosen]
        finish = np.where(udp, transport + udp_bytes[chosen], end)
        out.start[rows] = transport + np.where(udp, 8, words[chosen])
        out.stop[rows] = np.minimum(finish, stop)
        # IP may say that there is more than the frame had.
        frame = self._captured.start[rows] + np.maximum(
            self._captured.original[rows], stop - self._captured.start[rows]
        )
        out.missing[rows] = np.maximum(np.minimum(finish, frame) - stop, 0)
        out.lies[rows] = udp & (finish > frame)
        out.ip_bytes[rows] = np.minimum(end, frame) - at
        of_tcp = ~udp
        streams = transport[of_tcp]
        out.flags[rows[of_tcp]] = self._u8(streams + 13)
        out.sequence[rows[of_tcp]] = self._u32(streams + 4)
        out.acknowledged[rows[of_tcp]] = self._u32(streams + 8)
        width = 4 if size == 20 else 16
        out.source[rows] = self._hosts(addresses, width, self._u16(transport))
        out.target[rows] = self._hosts(addresses + width, width, target_port[chosen])
        return plain

    def _hosts(self, at: Int64, width: int, ports: Int64) -> Int64:
        """Positions of the hosts whose addresses are at these positions of the file."""
        if width == 4:
            codes, distinct = pd.factorize(self._u32(at) << 16 | ports)
            hosts = [(int(each >> 16).to_bytes(4, "big"), int(each & 0xFFFF)) for each in distinct]
        else:
            keys = np.empty((len(at), 18), np.uint8)
            keys[:, :16] = self._bytes[at[:, None] + np.arange(16)]
            keys[:, 16], keys[:, 17] = ports >> 8, ports & 255
            codes, hosts = _factorize_rows(keys)
        numbers = np.array([self._host(host) for host in hosts], np.int64)
        result: Int64 = numbers[codes]
        return result


def _factorize_rows(keys: UInt8) -> tuple[Any, list[tuple[bytes, int]]]:
    """Distinct rows of an address of 16 bytes and a port of two."""
    halves = keys[:, :16].copy().view(">u8").astype(np.uint64)
    upper, _ = pd.factorize(halves[:, 0])
    lower, distinct = pd.factorize(halves[:, 1])
    port = keys[:, 16].astype(np.int64) << 8 | keys[:, 17]
    codes, _ = pd.factorize((upper.astype(np.int64) * len(distinct) + lower) << 16 | port)
    first = np.zeros(codes.max() + 1, np.int64)
    first[codes[::-1]] = np.arange(len(codes))[::-1]
    return codes, [(keys[row, :16].tobytes(), int(port[row])) for row in first]
