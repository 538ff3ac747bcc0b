"""From bytes to an ordinary value, fast: what games send most, and nothing that needs care.

The payload is taken apart into words once, so most steps are an index into a tuple. Whatever is out of the
ordinary (declared types, objects, NaN of 32 bits, a byte order mark, deep nesting), or wrong, ends in one of
the exceptions `GIVEN_UP`; the strict decoder then has the last word, on values as on errors.
"""

from __future__ import annotations

import struct
import sys
from collections.abc import Callable as Function
from typing import Any, Final

from gdlab.variant.containers import Array, Dictionary, FiledDict
from gdlab.variant.keys import Key
from gdlab.variant.mathtypes import Vector2
from gdlab.variant.readers import FIXED_BY_HEADER, READERS, Bad
from gdlab.variant.records import StringName
from gdlab.variant.wire import COUNT_MASK, TYPE_MASK


class NotPlain(Exception):
    """The value, or its bytes, is for the strict decoder."""


#: What `decode_plain` raises; also where an index or a slice ends outside of the bytes.
GIVEN_UP: Final = (NotPlain, Bad, IndexError, struct.error, UnicodeDecodeError)

#: Deeper containers are for the strict decoder, which counts.
_MAX_DEPTH: Final = 100
#: Larger payloads are not made into a tuple of words, which takes ten times their memory.
_MAX_WORDS: Final = 1024

#: Words of a text with so many bytes, with its type and its length; a longer key is not plain.
_FIELD_WORDS: Final = tuple(2 + (size + 3 >> 2) for size in range(256))

_u32: Final = struct.Struct("<I").unpack_from
_i64: Final = struct.Struct("<q").unpack_from
_f32: Final = struct.Struct("<f").unpack_from
_f64: Final = struct.Struct("<d").unpack_from
_2f: Final = struct.Struct("<2f").unpack_from


class _Words(dict[int, Function[[bytes], tuple[int, ...]]]):
    """By their number, what reads all the words of a payload."""

    def __missing__(self, count: int) -> Function[[bytes], tuple[int, ...]]:
        self[count] = found = struct.Struct(f"<{count}I").unpack_from
        return found


_WORDS: Final = _Words()


class _Keys(dict[bytes, str]):
    """Text of a dictionary's key by its bytes: a game has few keys, and sends them in every message."""

    MAX: Final = 1024
    MAX_BYTES: Final = 32

    def __missing__(self, raw: bytes) -> str:
        text = _text(raw)
        if len(raw) <= self.MAX_BYTES:
            if len(self) >= self.MAX:
                self.clear()
            self[raw] = text
        return text


_KEYS: Final = _Keys()


def _text(raw: bytes) -> str:
    text = raw.decode()
    if "\0" in text or text[:1] == "\ufeff":
        raise NotPlain
    return text


def decode_plain(data: bytes) -> tuple[Any, int]:
    """The value at the start of `data` and the bytes it took, if it is ordinary; else raises one of `GIVEN_UP`."""
    end = len(data)
    if data[0] > 28:  # a packed array, whose words nobody needs
        return READERS[data[0]](data, 4, end, _u32(data, 0)[0])  # type: ignore[misc]
    count = end >> 2
    words: Any
    if count <= _MAX_WORDS:
        words = _WORDS[count](data)
    elif sys.byteorder == "little":
        words = memoryview(data)[: 4 * count].cast("I")
    else:
        raise NotPlain
    at = 0  # counts words
    # The innermost open container: what it is, how many values are missing, the key of the next one.
    frames: list[tuple[Any, int, bool, Any]] = []
    target: Any = None
    left = 0
    in_dictionary = False
    key: Any = None
    value: Any
    keys, field_words, fixed_by_header = _KEYS, _FIELD_WORDS, FIXED_BY_HEADER
    new_list, new_tuple = list.__new__, tuple.__new__
    while True:
        if in_dictionary:
            header = words[at]
            if header == 4 or header == 21:
                size = words[at + 1]
                start = 4 * at + 8
                key = keys[data[start : start + size]]
                at += field_words[size]  # if this is beyond the end, no value follows
                if header == 21:
                    key = StringName(key)
            elif header == 2:
                value = words[at + 1]
                key = Key(value if value < 0x80000000 else value - 0x100000000)
                at += 2
            else:
                raise NotPlain
        # Compared with whole headers, as Godot writes them, since masking takes longer than comparing; with
        # numbers (see `Type`; bit 16 is `WIDE`), since names do, too; the most frequent first.
        header = words[at]
        if header == 2:
            value = words[at + 1]
            if value > 0x7FFFFFFF:
                value -= 0x100000000
            at += 2
        elif header == 0x10003:
            (value,) = _f64(data, 4 * at + 4)
            at += 3
        elif header == 4:
            size = words[at + 1]
            start = 4 * at + 8
            value = data[start : start + size].decode()
            at += field_words[size] if size < 256 else 2 + (size + 3 >> 2)
            if at > count or "\0" in value or (value >= "\ufeff" and value[0] == "\ufeff"):
                raise NotPlain
        elif header == 3:
            (value,) = _f32(data, 4 * at + 4)
            if value != value:  # the test for NaN
                raise NotPlain
            at += 2
        elif header == 5:
            x, y = parts = _2f(data, 4 * at + 4)
            total = x + y
            if total != total:  # NaN, or infinities of both signs
                raise NotPlain
            value = new_tuple(Vector2, parts)
            at += 3
        elif header == 27 or header == 28:
            elements = words[at + 1] & COUNT_MASK
            at += 2
            # A FiledDict, which is filled faster, becomes a Dictionary when it is complete.
            value = FiledDict() if header == 27 else new_list(Array)
            if elements:
                if len(frames) == _MAX_DEPTH:
                    raise NotPlain
                frames.append((target, left, in_dictionary, key))
                target, left, in_dictionary = value, elements, header == 27
                continue
            if header == 27:
                value.__class__ = Dictionary
        elif header == 1:
            value = words[at + 1] != 0
            at += 2
        elif header == 0x10002:
            (value,) = _i64(data, 4 * at + 4)
            at += 3
        elif (fixed := fixed_by_header.get(header)) is not None:
            size, unpack, build, narrow = fixed
            parts = unpack(data, 4 * at + 4)
            if narrow:
                total = sum(parts)
                if total != total:
                    raise NotPlain
            value = build(parts)
            at += 1 + (size >> 2)
        elif header == 0:
            value = None
            at += 1
        else:
            read = READERS[header & TYPE_MASK]
            if read is None:  # declared types, objects, headers that Godot does not write
                raise NotPlain
            value, after = read(data, 4 * at + 4, end, header)
            at = after >> 2

        # Hand the value to the container it belongs to; a container that is complete is a value in turn.
        while True:
            if in_dictionary:
                target[key] = value
            elif target is None:
                return value, 4 * at
            else:
                target.append(value)
            left -= 1
            if left:
                break
            value = target
            if in_dictionary:
                value.__class__ = Dictionary
            target, left, in_dictionary, key = frames.pop()
