"""IP packets put together from their fragments, as a receiver would (RFC 791, 5722 and 8200)."""

from __future__ import annotations

from typing import Final

from gdlab.files.packets.ip import Fragment

_MOST_WAITING: Final = 4096  # packets; the oldest goes first
_MOST_PIECES: Final = 8192  # a packet of 65,535 bytes in the smallest pieces
_WAIT_NS: Final = 60 * 1_000_000_000  # Linux gives up after 30 s
_LARGEST: Final = 65_535

_Key = tuple[bytes, bytes, int, int]


class Waiting:
    """Fragments of packets that are not whole yet.

    Attributes
    ----------
    given_up : fragments of packets that never became whole. overlapping : fragments of packets whose fragments
        contradict each other, which receivers drop.
    """

    def __init__(self) -> None:
        self.given_up = 0
        self.overlapping = 0
        self._parts: dict[_Key, _Parts] = {}

    def add(self, data: bytes, fragment: Fragment, time_ns: int) -> tuple[bytes, int] | None:
        """Take a fragment; gives the packet's content, and its length with all IP headers, when it is whole."""
        key = (fragment.source, fragment.target, fragment.protocol, fragment.identification)
        parts = self._parts.get(key)
        if parts is not None and abs(time_ns - parts.time_ns) > _WAIT_NS:
            self.given_up += self._parts.pop(key).captured
            parts = None
        if parts is None:
            if len(self._parts) >= _MOST_WAITING:
                self.given_up += self._parts.pop(next(iter(self._parts))).captured
            parts = self._parts[key] = _Parts(time_ns)
        parts.add(data, fragment)
        if parts.bad:
            del self._parts[key]
            self.overlapping += parts.captured
            return None
        if not parts.is_whole():
            return None
        del self._parts[key]
        return parts.content(), parts.ip_bytes

    def end(self) -> None:
        """No more fragments come."""
        self.given_up += sum(parts.captured for parts in self._parts.values())
        self._parts.clear()


class _Parts:
    """The fragments of one packet."""

    def __init__(self, time_ns: int) -> None:
        self.time_ns = time_ns
        self.captured = 0  # fragments, the repeated ones, too
        self.ip_bytes = 0
        self.bad = False
        self._pieces: dict[int, bytes] = {}
        self._have = 0
        self._length = -1

    def add(self, data: bytes, fragment: Fragment) -> None:
        self.captured += 1
        piece = data[fragment.start : fragment.stop]
        if fragment.missing:
            return  # cut off by the capture: the packet cannot become whole
        known = self._pieces.get(fragment.offset)
        if known == piece:
            return  # repeated
        end = fragment.offset + len(piece)
        if not fragment.more:
            self.bad = self._length not in {-1, end}
            self._length = end
        self.bad = self.bad or known is not None or end > _LARGEST or len(self._pieces) >= _MOST_PIECES
        self._pieces[fragment.offset] = piece
        self._have += len(piece)
        self.ip_bytes += fragment.ip_bytes

    def is_whole(self) -> bool:
        if self._length < 0 or self._have < self._length:
            return False
        at = 0
        for offset in sorted(self._pieces):
            if offset != at:
                self.bad = True  # as many bytes as there should be, but not side by side
                return False
            at += len(self._pieces[offset])
        return at == self._length

    def content(self) -> bytes:
        return b"".join(self._pieces[offset] for offset in sorted(self._pieces))
