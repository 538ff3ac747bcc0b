"""ENet's range coder, the reading half: an adaptive model of order 2 with escapes.

About 10 microseconds a byte in plain Python, so that a live view falls behind above roughly 1000 datagrams of
100 bytes per second; what is not read yet is read later (`Dissector.feed` keeps the order).

Notes
-----
ENet 1.3.18, ``compress.c``, `enet_range_coder_decompress`. Symbols are numbers into parallel lists: this is the
fastest form of a tree in plain Python.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

_TOP: Final = 1 << 24
_BOTTOM: Final = 1 << 16
_MASK: Final = 0xFFFFFFFF
_SYMBOLS: Final = 4096
_ORDER: Final = 2
_ROOT_STEP, _STEP, _ESCAPE_STEP = 3, 2, 5


class _Model:
    """The symbols: each a node in its context's tree, and itself the context of what follows it."""

    __slots__ = ("count", "escapes", "left", "parent", "right", "total", "tree", "under", "value")

    def __init__(self) -> None:
        self.value: list[int] = [0]
        self.count: list[int] = [0]
        self.under: list[int] = [0]
        self.left: list[int] = [0]
        self.right: list[int] = [0]
        self.tree: list[int] = [0]
        self.escapes: list[int] = [1]
        self.total: list[int] = [257]
        self.parent: list[int] = [0]

    def add(self, value: int, step: int) -> int:
        """A new symbol, seen once."""
        self.value.append(value)
        self.count.append(step)
        self.under.append(step)
        self.left.append(0)
        self.right.append(0)
        self.tree.append(0)
        self.escapes.append(0)
        self.total.append(0)
        self.parent.append(0)
        return len(self.value) - 1

    def rescale(self, context: int, minimum: int) -> None:
        """Halve the counts of a context."""
        halved = self._halve(self.tree[context]) if self.tree[context] else 0
        self.escapes[context] -= self.escapes[context] >> 1
        self.total[context] = halved + self.escapes[context] + 256 * minimum

    def _halve(self, symbol: int) -> int:
        """Halve a tree; at most 256 symbols, and as deep."""
        total = 0
        while True:
            self.count[symbol] -= self.count[symbol] >> 1
            self.under[symbol] = self.count[symbol]
            if self.left[symbol]:
                self.under[symbol] += self._halve(self.left[symbol])
            total += self.under[symbol]
            if not self.right[symbol]:
                return total
            symbol = self.right[symbol]

    def insert(self, context: int, value: int) -> tuple[int, int]:
        """Count a byte in a context that did not know it or was not asked; the symbol, and its count before."""
        node = self.tree[context]
        if not node:
            new = self.tree[context] = self.add(value, _STEP)
            return new, 0
        while True:
            if value < self.value[node]:
                self.under[node] += _STEP
                if self.left[node]:
                    node = self.left[node]
                    continue
                new = self.left[node] = self.add(value, _STEP)
                return new, 0
            if value > self.value[node]:
                if self.right[node]:
                    node = self.right[node]
                    continue
                new = self.right[node] = self.add(value, _STEP)
                return new, 0
            before = self.count[node]
            self.under[node] += _STEP
            self.count[node] += _STEP
            return node, before


def unpack(data: bytes, limit: int, follow: Callable[[bytearray], int] | None = None) -> bytes | None:
    """The bytes that were packed; None if these are none, or there are more than `limit`.

    Parameters
    ----------
    follow : asked at the first byte, and then whenever there are as many bytes as it said; -1 gives up. Any noise
        unpacks to something, at 10 microseconds a byte: it is cheaper to see at its first byte that it is nothing.
    """
    if not data:
        return None
    asked_at = 1 if follow is not None else limit + 1
    out = bytearray()
    at, end = min(4, len(data)), len(data)
    code = int.from_bytes(data[:4].ljust(4, b"\0"), "big")
    low, width = 0, _MASK
    model = _Model()
    predicted = order = 0
    while True:
        context, symbol, value = predicted, 0, 0
        while True:
            root = context == 0
            escapes = model.escapes[context]
            if not root and not escapes:
                context = model.parent[context]
                continue
            total = model.total[context]
            if not root and escapes >= total:
                context = model.parent[context]
                continue
            width //= total
            if not width:
                return None
            place = (code - low & _MASK) // width
            if place >= total:
                return None
            if place < escapes:
                start, size = 0, escapes
            else:
                place -= escapes
                found = _in_root(model, place) if root else _in_context(model, context, place)
                if found is None:
                    return None
                symbol, value, start, size = found
                start += escapes
            low = low + start * width & _MASK
            width = width * size & _MASK
            while True:
                if (low ^ (low + width & _MASK)) >= _TOP:
                    if width >= _BOTTOM:
                        break
                    width = -low & (_BOTTOM - 1)
                if not width:  # only bytes that no coder wrote get here
                    return None
                code = (code << 8 & _MASK) | (data[at] if at < end else 0)
                at += 1
                if at > end + 8:
                    return None
                width = width << 8 & _MASK
                low = low << 8 & _MASK
            if symbol:
                break
            if root:  # an escape from the root is the end
                return bytes(out)
            context = model.parent[context]
        step, minimum = (_ROOT_STEP, 1) if root else (_STEP, 0)
        model.total[context] += step
        if size > 0xFF - 2 * step + minimum or model.total[context] > _BOTTOM - 0x100:
            model.rescale(context, minimum)
        last = -1
        patch = predicted
        while patch != context:
            new, before = model.insert(patch, value)
            if last < 0:
                predicted = new
            else:
                model.parent[last] = new
            last = new
            if not before:
                model.escapes[patch] += _ESCAPE_STEP
                model.total[patch] += _ESCAPE_STEP
            model.total[patch] += _STEP
            if before > 0xFF - 2 * _STEP or model.total[patch] > _BOTTOM - 0x100:
                model.rescale(patch, 0)
            patch = model.parent[patch]
        if last < 0:
            predicted = symbol
        else:
            model.parent[last] = symbol
        if len(out) == limit:
            return None
        out.append(value)
        if len(out) == asked_at and follow is not None:
            asked_at = follow(out)
            if asked_at < 0:
                return None
        if order >= _ORDER:
            predicted = model.parent[predicted]
        else:
            order += 1
        if len(model.value) >= _SYMBOLS - _ORDER:
            model = _Model()
            predicted = order = 0


def _in_context(model: _Model, context: int, place: int) -> tuple[int, int, int, int] | None:
    """The symbol at a place of a context, its byte, where it begins and its width; and count it."""
    node = model.tree[context]
    under = 0
    while node:
        after = under + model.under[node]
        before = model.count[node]
        if place >= after:
            under = after
            node = model.right[node]
        elif place < after - before:
            model.under[node] += _STEP
            node = model.left[node]
        else:
            model.under[node] += _STEP
            model.count[node] += _STEP
            return node, model.value[node], after - before, before
    return None


def _in_root(model: _Model, place: int) -> tuple[int, int, int, int] | None:
    """As `_in_context`, where bytes never seen have a width of one."""
    node = model.tree[0]
    if not node:
        if place > 255:
            return None
        node = model.tree[0] = model.add(place, _ROOT_STEP)
        return node, place, place, 1
    under = 0
    while True:
        after = under + model.under[node] + model.value[node] + 1
        before = model.count[node] + 1
        if place >= after:
            under += model.under[node]
            if model.right[node]:
                node = model.right[node]
                continue
            value = model.value[node] + 1 + (place - after)
            if value > 255:
                return None
            new = model.right[node] = model.add(value, _ROOT_STEP)
            return new, value, place, 1
        if place < after - before:
            model.under[node] += _ROOT_STEP
            if model.left[node]:
                node = model.left[node]
                continue
            value = model.value[node] - 1 - (after - before - place - 1)
            if value < 0:
                return None
            new = model.left[node] = model.add(value, _ROOT_STEP)
            return new, value, place, 1
        model.under[node] += _ROOT_STEP
        model.count[node] += _ROOT_STEP
        return node, model.value[node], after - before, before
