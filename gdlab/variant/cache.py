"""The prepared layouts of one decoder, found while it decodes."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from gdlab.variant.layout import MAX_BYTES, General, Layout, Reader, any_other, prepare, sketch


class _Prepared(NamedTuple):
    """A layout with its function, whose global ``otherwise`` is the next one of the same length."""

    layout: Layout
    read: Any


def _too_large(data: bytes, decoder: General) -> Any:
    """What reads payloads that are too large for a layout."""
    return decoder.general(data)


class LayoutCache:
    """Prepared layouts by the length of the payload.

    A layout is prepared when two payloads of the same length have it. Looking for one costs about as much as
    decoding; whenever it was in vain the next attempt waits twice as long, so traffic without a shape costs
    nothing to speak of.

    The number of layouts is bounded. When there are too many, all become old, and an old one that matches a
    payload becomes a new one; the others are forgotten at the next such change. So layouts in use stay, a
    stranger's shapes push each other out, and a match costs no bookkeeping. Preparing takes a hundred times
    as long as decoding, so beyond the first `MAX_LAYOUTS` there is one for every `MISSES` payloads missed.

    Attributes
    ----------
    readers : for each length, what reads payloads of that length.
    """

    MAX_LAYOUTS: Final = 256
    MAX_PER_LENGTH: Final = 8
    MAX_LENGTHS: Final = 64
    MAX_READERS: Final = 4096
    MAX_WAIT: Final = 1024
    MISSES: Final = 64

    def __init__(self) -> None:
        self.readers: dict[int, Reader] = {}
        self._chains: dict[int, list[_Prepared]] = {}
        self._old: dict[int, list[_Prepared]] = {}
        self._last: dict[int, bytes] = {}
        self._misses = 0
        self._next = 1
        self._wait = 1
        self._in_use = 0
        self._made = 0

    def __len__(self) -> int:
        """Layouts in memory."""
        return self._in_use + sum(map(len, self._old.values()))

    def missed(self, data: bytes) -> None:
        """Note a payload that no layout in use matched, and that the general decoder took."""
        self._misses += 1
        if len(data) not in self.readers and len(self.readers) < self.MAX_READERS:
            # The next miss of this length costs no exception, and none at all where there will be no layout.
            self.readers[len(data)] = any_other if len(data) <= MAX_BYTES else _too_large
        if len(data) > MAX_BYTES or self._renewed(data):
            return
        if self._misses < self._next or self._made > self.MAX_LAYOUTS + self._misses // self.MISSES:
            return
        before = self._last.get(len(data))
        layout = None
        if before is None:
            if len(self._last) >= self.MAX_LENGTHS:
                del self._last[next(iter(self._last))]
        else:
            layout = sketch(data)
            if layout is None or not layout.matches(before):
                layout = None
                self._wait = min(2 * self._wait, self.MAX_WAIT)
                self._next = self._misses + self._wait
        if layout is None:
            self._last[len(data)] = data
            return
        self._wait = 1
        self._made += 1
        self._use(_Prepared(layout, prepare(layout)))

    def _renewed(self, data: bytes) -> bool:
        """Take up an old layout again if the payload has it."""
        olds = self._old.get(len(data), [])
        for index, old in enumerate(olds):
            if old.layout.matches(data):
                del olds[index]
                self._use(old)
                return True
        return False

    def _use(self, prepared: _Prepared) -> None:
        if self._in_use >= self.MAX_LAYOUTS // 2:
            self._old, self._chains, self._in_use = self._chains, {}, 0
            self.readers.clear()
        chain = self._chains.setdefault(prepared.layout.size, [])
        chain.insert(0, prepared)
        self._in_use += 1
        if len(chain) > self.MAX_PER_LENGTH:
            del chain[-1]
            self._in_use -= 1
        following: Reader = any_other
        for one in reversed(chain):
            one.read.__globals__["otherwise"] = following
            following = one.read
        self.readers[prepared.layout.size] = following
