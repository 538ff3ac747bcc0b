"""Which Variants of a stream are believed: judged over its messages, not one by one.

A Variant of one number or vector is four bytes of type and the number. A struct that begins with a counter looks just
so while the counter passes by the types: of ``<I number, f x>``, messages 1 to 3 are a bool, an int and a float. Its
other messages have the same size and are none, and that tells them apart. Text, lists and dictionaries of some length
have sizes inside, which do not fit by chance, and are believed without.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt

from gdlab.framing.godot3 import is_container, is_godot3
from gdlab.variant import Type

if TYPE_CHECKING:
    from gdlab.payloads import PayloadArray

#: For each size in bytes: messages that are a plain Variant of that size, and binary ones that are none.
Tally: TypeAlias = Mapping[int, tuple[int, int]]

#: In place of a size: the stream is one of Godot 3, whose Variants have other numbers of types.
GODOT3: Final = -3
#: Messages that are asked whether they are Godot 3's; more do not make it more certain.
ASKED: Final = 64
#: Its types that Godot 4 has as others of the same size: AABB is read as Transform2D, Color as Plane.
_AABB, _COLOR = 11, 14
#: The types up to this are the same in both.
_LAST_COMMON: Final = 5
_LAST_OF_3: Final = 26

#: A size's plain Variants are believed where so many of its binary messages are Variants.
_SHARE: Final = 0.9
_WIDE: Final = 1 << 16
#: Bytes in which also the lengths of text and lists fit by chance: a type, a count of 0 or 1, a little more.
_SHORT: Final = 16
#: Bytes below this do not begin text.
_FIRST_OF_TEXT: Final = 9

#: Bytes of the types whose Variants have one size, without the header: as they are, and with numbers of 64 bits.
_BODIES: Final[dict[Type, tuple[int, int]]] = {
    Type.NIL: (0, 0),
    Type.BOOL: (4, 4),
    Type.INT: (4, 8),
    Type.FLOAT: (4, 8),
    Type.VECTOR2: (8, 16),
    Type.VECTOR2I: (8, 8),
    Type.RECT2: (16, 32),
    Type.RECT2I: (16, 16),
    Type.VECTOR3: (12, 24),
    Type.VECTOR3I: (12, 12),
    Type.TRANSFORM2D: (24, 48),
    Type.VECTOR4: (16, 32),
    Type.VECTOR4I: (16, 16),
    Type.PLANE: (16, 32),
    Type.QUATERNION: (16, 32),
    Type.AABB: (24, 48),
    Type.BASIS: (36, 72),
    Type.TRANSFORM3D: (48, 96),
    Type.PROJECTION: (64, 128),
    Type.COLOR: (16, 16),
}
#: The same by number of the type and width; 0 where the size differs from value to value.
_SIZES: Final = np.zeros((max(Type) + 1, 2), np.int64)
for _type, (_narrow, _wide) in _BODIES.items():
    _SIZES[_type] = 4 + _narrow, 4 + _wide


def tally(payloads: PayloadArray, binary: npt.NDArray[np.bool_]) -> Tally:
    """Count what speaks for and against plain Variants, by size.

    Parameters
    ----------
    binary : (n,) bool, which may be Variants at all.
    """
    seen = Seen.of(payloads, binary)
    return {**seen.by_size(), **of_godot3(seen.asked()[1])}


def of_godot3(answers: Sequence[int] | npt.NDArray[np.int64]) -> Tally:
    """The part of `tally` that the first messages tell which may be Godot 3's; `Seen.asked` says what each is."""
    n = int(np.count_nonzero(answers))
    return {GODOT3: (len(answers) - n, n)} if n else {}


@dataclass(frozen=True, slots=True)
class Seen:
    """Messages that may be Variants.

    Attributes
    ----------
    rows : (n,) positions of the messages. payloads : all of which they are some.
    heads : (n, 4) uint8, their first bytes; `words` the same as numbers.
    sizes : (n,) int64, bytes. expected : what a Variant of that type has, 0 where it differs, -1 where none begins so.
    """

    rows: npt.NDArray[np.intp]
    payloads: PayloadArray
    heads: npt.NDArray[np.uint8]
    words: npt.NDArray[np.uint32]
    sizes: npt.NDArray[np.int64]
    expected: npt.NDArray[np.int64]

    @classmethod
    def of(cls, payloads: PayloadArray, binary: npt.NDArray[np.bool_]) -> Seen:
        """Look at the beginnings of payloads, of which `binary` may be Variants."""
        rows = np.flatnonzero((payloads.sizes >= 4) & binary)
        heads = payloads.heads(rows, 4)
        words = heads.view("<u4").ravel()
        is_header = (words & ~np.uint32(0xFF | _WIDE) == 0) & ((words & 0xFF) <= max(Type))
        sizes_of_type = _SIZES[np.where(is_header, words & 0xFF, 0), (words >> 16 & 1).astype(np.int64)]
        return cls(rows, payloads, heads, words, payloads.sizes[rows], np.where(is_header, sizes_of_type, -1))

    def by_size(self) -> Tally:
        """The part of `tally` that all messages tell; those of several parts are added up."""
        plain, sizes = self.expected == self.sizes, self.sizes
        none = (self.expected > 0) & ~plain | (self.expected < 0) & (self.heads < _FIRST_OF_TEXT).any(axis=1)
        return {
            size: (
                int(np.count_nonzero(plain & (sizes == size))),
                int(np.count_nonzero(none & (sizes == size))),
            )
            for size in np.unique(sizes[plain | none & np.isin(sizes, 4 + _bodies())]).tolist()
        }

    def asked(self) -> tuple[npt.NDArray[np.intp], list[bool]]:
        """Positions of the first messages that may be Godot 3's, `ASKED` at most, and whether they are."""
        kinds = self.words & 0xFF
        own = (self.expected >= 0) & (kinds > _LAST_COMMON) & (kinds <= _LAST_OF_3)
        at = np.flatnonzero(own)[:ASKED]
        is_plain = (self.expected == self.sizes)[at].tolist()
        return self.rows[at], [
            is_godot3(payload)
            and (not plain or is_container(payload) or _is_color(payload) or _is_aabb(payload))
            for plain, payload in zip(is_plain, map(bytes, self.payloads[self.rows[at]]), strict=True)
        ]


def _is_color(payload: bytes) -> bool:
    """Whether a plane of Godot 4 is rather a Color of Godot 3: parts of 0 to 1, and a normal not of length 1."""
    if payload[0] != _COLOR or len(payload) != 20:
        return False
    parts = np.frombuffer(payload, "<f4", 4, 4).astype(np.float64)
    return bool(np.all((parts >= 0) & (parts <= 1)) and abs(np.linalg.norm(parts[:3]) - 1) > 0.01)


def _is_aabb(payload: bytes) -> bool:
    """Whether a Transform2D of Godot 4 is rather an AABB of Godot 3.

    A transform turns and scales: its axes are at right angles and not of length 0. A box has a size, which is not
    negative. A transform with a skew may be taken for a box, where it is all that the stream has.
    """
    if payload[0] != _AABB or len(payload) != 28:
        return False
    parts = np.frombuffer(payload, "<f4", 6, 4).astype(np.float64)
    x, y, size = parts[:2], parts[2:4], parts[3:]
    with np.errstate(all="ignore"):
        lengths = float(np.linalg.norm(x) * np.linalg.norm(y))
        is_turned = lengths > 0 and abs(float(x @ y)) <= 0.01 * lengths
    return not is_turned and bool(np.all(np.isfinite(parts)) and np.all(size >= 0) and np.any(size > 0))


def _bodies() -> npt.NDArray[np.int64]:
    return np.unique([size for pair in _BODIES.values() for size in pair])


def added(one: Tally, other: Tally) -> Tally:
    """Both together."""
    sizes: Any = {*one, *other}
    nothing = (0, 0)
    return {
        size: (
            one.get(size, nothing)[0] + other.get(size, nothing)[0],
            one.get(size, nothing)[1] + other.get(size, nothing)[1],
        )
        for size in sizes
    }


def doubted(counts: Tally) -> frozenset[int]:
    """The sizes whose plain Variants are not believed; `GODOT3` among them where none is."""
    return frozenset(
        size
        for size, (plain, none) in counts.items()
        if (none > plain if size == GODOT3 else plain and plain < _SHARE * (plain + none))
    )


def is_weak(payload: bytes) -> bool:
    """Whether it may be a Variant by chance: its type has one size, which it has, or it is very short."""
    head = int.from_bytes(payload[:4], "little")
    if len(payload) <= _SHORT:
        return True
    if head & ~(0xFF | _WIDE) or head & 0xFF > max(Type):
        return False
    return bool(_SIZES[head & 0xFF, head >> 16] == len(payload))
