"""JSON values back to back, as `put_data(JSON.stringify(...).to_utf8_buffer())` leaves them in a stream."""

from __future__ import annotations

import re
from enum import Enum, auto
from typing import Final

from gdlab.facts import PEER, US, Fact, Reason
from gdlab.framing.frames import Frame
from gdlab.framing.stream import StreamFramer

#: Arrays and objects inside each other; Python's own parser gives up at about the same depth.
MAX_DEPTH: Final = 1024

# Possessive quantifiers throughout: hostile bytes must not make the matcher go back.
_SPACE: Final = re.compile(rb"[ \t\r\n\0]*+")  # some senders end each text with a NUL
_STRUCTURE: Final = re.compile(rb'[^"{}\[\]]*+')
_STRING: Final = re.compile(rb'(?:[^"\\\n]++|\\[^\n])*+')
_FLAT: Final = re.compile(rb'[ \t\r\n\0]*+(\{[^"{}\[\]]*+(?:"(?:[^"\\\n]++|\\[^\n])*+"[^"{}\[\]]*+)*+\})')
_SCALAR_RUN: Final = re.compile(rb'[^ \t\r\n\0{}\[\]",:]*+')
_SCALAR: Final = re.compile(rb"-?\d++(?:\.\d++)?(?:[eE][-+]?\d++)?|true|false|null")
_RESTART: Final = re.compile(rb"[\n{\[]")
_CLOSES: Final = {ord("}"): ord("{"), ord("]"): ord("[")}


def _after(pattern: re.Pattern[bytes], buffer: bytearray, at: int) -> int:
    """Where a match of `pattern` that begins at `at` ends."""
    match = pattern.match(buffer, at)
    return match.end() if match else at


class _Mode(Enum):
    BETWEEN = auto()  # values
    INSIDE = auto()  # an object or array
    STRING = auto()
    SCALAR = auto()  # a number or word that stands alone: it ends with the byte after it
    BROKEN = auto()  # looking for a place where a value may begin


class JsonFramer(StreamFramer):
    """Complete JSON values; what separates them is white space or nothing.

    Only brackets and strings are followed; whether the text between them is JSON is the decoder's question.
    What cannot be right (a wrong closing bracket, a line feed in a string, an opening bracket right after a
    value, bytes between values) becomes a BROKEN frame, and the next value is taken to begin at the next line
    feed or opening bracket. A value over the limit is followed to its end without being kept.
    """

    def __init__(self, name: str, *, max_frame_bytes: int) -> None:
        super().__init__(name, max_frame_bytes=max_frame_bytes)
        self._mode = _Mode.BETWEEN
        self._start = 0  # where the current value begins in the buffer
        self._at = 0  # the buffer is read up to here
        self._stack = bytearray()  # the open brackets
        self._space = 0  # bytes between the last value and the current one
        self._skipped: int | None = None  # bytes dropped of a value over the limit; None outside one
        self._why: Fact | None = None  # what is wrong with a broken value
        self._steps = {
            _Mode.BETWEEN: self._between,
            _Mode.INSIDE: self._inside,
            _Mode.STRING: self._string,
            _Mode.SCALAR: self._scalar,
            _Mode.BROKEN: self._broken,
        }

    @property
    def is_lost(self) -> bool:
        """Whether it looks for a place where a value may begin."""
        return self._mode is _Mode.BROKEN

    def _advance(self) -> None:
        while self._at < len(self._buffer) and self._steps[self._mode]():
            pass
        self._bound()
        del self._buffer[: self._start]
        self._taken += self._start
        self._at -= self._start
        self._start = 0

    # Each step reads on from `_at`, and returns False if it needs bytes that have not come.

    def _between(self) -> bool:
        buffer, size, limit = self._buffer, len(self._buffer), self.max_frame_bytes
        at = self._at
        # Most messages of games are objects without objects in them: one call of the matcher for each.
        while flat := _FLAT.match(buffer, at):
            begin, end = flat.span(1)
            if end - begin > limit:
                break
            self._ready.append(Frame(flat[1], self._space + begin - at))
            self._space = 0
            at = end
        begin = _after(_SPACE, buffer, at)
        self._space += begin - at
        self._start = self._at = begin
        if begin == size:
            return False
        first = buffer[begin]
        if first in b"{[":
            self._mode = _Mode.INSIDE  # which reads the bracket
        elif first == ord('"'):
            self._mode = _Mode.STRING
            self._at += 1
        elif chr(first).isascii() and (chr(first).isalnum() or first in b"+-."):
            self._mode = _Mode.SCALAR
        else:
            self._break("json_start", found=repr(bytes([first])))
        return True

    def _inside(self) -> bool:
        buffer = self._buffer
        self._at = at = _after(_STRUCTURE, buffer, self._at)
        if at == len(buffer):
            return False
        self._bound()
        found = buffer[at]
        if found in b"{[":
            if self._stack and self._skipped is None and not self._may_open(at):
                self._close(Fact(Reason.MALFORMED, PEER, case="json_comma"))
                return True
            self._stack.append(found)
        self._at += 1
        if len(self._stack) > MAX_DEPTH:
            self._break("json_depth", most=MAX_DEPTH)
        elif found == ord('"'):
            self._mode = _Mode.STRING
        elif found in _CLOSES:
            if self._stack.pop() != _CLOSES[found]:
                self._break("json_bracket", found=repr(chr(found)))
            elif not self._stack:
                self._close()
        return True

    def _may_open(self, at: int) -> bool:
        """Whether a nested value may begin here, judged by the byte before it."""
        before = at - 1
        while self._buffer[before] in b" \t\r\n\0":
            before -= 1
        return self._buffer[before] in b":,["

    def _string(self) -> bool:
        buffer = self._buffer
        self._at = at = _after(_STRING, buffer, self._at)
        if at == len(buffer) or (buffer[at] == ord("\\") and at + 1 == len(buffer)):
            return False
        if buffer[at] != ord('"'):
            self._break("json_string")
            return True
        self._at += 1
        self._mode = _Mode.INSIDE
        if not self._stack:
            self._close()
        return True

    def _scalar(self) -> bool:
        self._at = at = _after(_SCALAR_RUN, self._buffer, self._at)
        if at == len(self._buffer):
            return False
        self._bound()
        self._end_scalar()
        return True

    def _end_scalar(self) -> None:
        if self._skipped is not None or _SCALAR.fullmatch(self._buffer, self._start, self._at):
            self._close()
        else:
            self._break("json_word")

    def _broken(self) -> bool:
        found = _RESTART.search(self._buffer, self._at)
        self._at = found.start() if found else len(self._buffer)
        if not found:
            return False
        self._close(self._why)
        return True

    def _break(self, case: str, **more: int | str) -> None:
        self._mode = _Mode.BROKEN
        self._why = Fact(Reason.MALFORMED, PEER, case=case).also(**more)
        self._stack.clear()

    def _bound(self) -> None:
        """Let go of a value that has become longer than the limit, but for its first bytes."""
        held = self._at - self._start
        if self._mode is _Mode.BETWEEN:
            return
        if self._skipped is None:
            if held <= self.max_frame_bytes:
                return
            self._add(
                bytes(self._buffer[self._start : self._start + self.kept_bytes]),
                self._space,
                Fact.of(
                    Reason.OVERSIZED,
                    by=PEER,
                    limit="max_frame_bytes",
                    case="json",
                    most=self.max_frame_bytes,
                    kept=self.kept_bytes,
                ),
            )
            self._skipped = 0
            held -= self.kept_bytes
        self._skipped += held
        self.dropped_bytes += held
        self._start = self._at

    def _close(self, flaw: Fact | None = None) -> None:
        """End the current value at `_at`."""
        self._bound()
        if self._skipped is None:
            self._ready.append(Frame(bytes(self._buffer[self._start : self._at]), self._space, flaw))
        else:
            skipped = Fact(Reason.SKIPPED, US, count=self._skipped, limit="max_frame_bytes", case="json")
            self._add(b"", 0, skipped)
        self._start = self._at
        self._mode = _Mode.BETWEEN
        self._stack.clear()
        self._space = 0
        self._skipped = None

    def _finish(self) -> None:
        self._at = len(self._buffer)
        self._bound()
        if self._mode is _Mode.SCALAR:
            self._end_scalar()
        if self._mode is _Mode.BETWEEN:
            self.dropped_bytes += self._space
        elif self._mode is _Mode.BROKEN:
            self._close(self._why)
        else:
            self._close(Fact(Reason.INCOMPLETE, PEER, case="json"))
