"""Encoder and decoder objects, with the functions that use shared ones."""

from __future__ import annotations

import struct
from typing import Any, Final

from gdlab.errors import VariantDecodeError
from gdlab.facts import Statement
from gdlab.variant.cache import LayoutCache
from gdlab.variant.decode import decode
from gdlab.variant.encode import encode
from gdlab.variant.plain import GIVEN_UP, decode_plain
from gdlab.variant.wire import MAX_BYTES

Payload = bytes | bytearray | memoryview


class Encoder:
    """Encodes values with the same options.

    Parameters
    ----------
    full_objects : write whole objects (`ObjectRecord`), as ``var_to_bytes_with_objects`` does.
    double : write reals with 64 bits, as double-precision builds of Godot do.
    """

    __slots__ = ("double", "full_objects")

    def __init__(self, *, full_objects: bool = False, double: bool = False) -> None:
        self.full_objects = full_objects
        self.double = double

    def dumps(self, value: object) -> bytes:
        """The bytes Godot's ``var_to_bytes`` gives for `value`; raises `VariantEncodeError`."""
        return encode(value, full_objects=self.full_objects, double=self.double)

    def __repr__(self) -> str:
        return f"Encoder(full_objects={self.full_objects}, double={self.double})"


class Decoder:
    """Decodes payloads with the same options.

    Parameters
    ----------
    full_objects : read whole objects, as inert `ObjectRecord`; else they are refused, as Godot refuses them.
    max_bytes : longer input is refused before it is looked at.
    """

    __slots__ = ("_layouts", "_readers", "full_objects", "max_bytes")

    def __init__(self, *, full_objects: bool = False, max_bytes: int = MAX_BYTES) -> None:
        self.full_objects = full_objects
        self.max_bytes = max_bytes
        self._layouts = LayoutCache()
        self._readers = self._layouts.readers

    def loads(self, data: Payload) -> Any:
        """The value at the start of `data`; what follows it is ignored, as Godot ignores it.

        Messages of a shape that has come before are read by a layout prepared for it.

        Packed arrays are read-only; where `data` is `bytes` they are views of it and keep it alive.

        Raises
        ------
        VariantDecodeError : the bytes are not a Variant of Godot 4.
        """
        try:
            # Prepared layouts read any buffer of bytes; their arrays are no views of one that may change.
            return self._readers[len(data)](data, self)  # type: ignore[arg-type]
        except (KeyError, struct.error, BufferError):  # a length without layouts; no buffer of single bytes
            return self.other(data)

    def other(self, data: Payload) -> Any:
        """The value of a payload that no prepared layout fits."""
        if type(data) is not bytes:
            data = self._bytes(data)
        value = self.general(data)
        self._layouts.missed(data)
        return value

    def general(self, data: Payload) -> Any:
        """The same value without a prepared layout."""
        if type(data) is not bytes:
            data = self._bytes(data)
        self._check(len(data))
        try:
            return decode_plain(data)[0]
        except GIVEN_UP:
            return decode(data, 0, len(data), full_objects=self.full_objects)[0]

    def loads_from(self, data: Payload, offset: int = 0) -> tuple[Any, int]:
        """The value at `offset`, and the number of bytes it took.

        A PackedByteArray at the end may lack its padding; the number then is larger than what was left, as
        Godot's ``decode_var_size`` has it.

        Raises
        ------
        VariantDecodeError : the bytes are not a Variant of Godot 4; the error's `offset` counts from the start
        of `data`.
        """
        if not 0 <= offset <= len(data):
            raise IndexError(f"offset {offset} lies outside of the {len(data)} bytes given")
        if not isinstance(data, bytes):
            data = memoryview(data).cast("B")
        self._check(len(data) - offset)
        if offset == 0 and type(data) is bytes:
            try:
                return decode_plain(data)
            except GIVEN_UP:  # the strict decoder has the last word
                pass
        value, after = decode(data, offset, len(data), full_objects=self.full_objects)
        return value, after - offset

    def _bytes(self, data: Payload) -> bytes:
        view = memoryview(data)
        self._check(view.nbytes)
        return bytes(view)

    def _check(self, size: int) -> None:
        if size > self.max_bytes:
            raise VariantDecodeError(
                Statement.of("variant/too large", size=size, most=self.max_bytes),
                expected=Statement.of("variant/at most", most=self.max_bytes),
                found=Statement.of("variant/bytes", size=size),
            )

    def __repr__(self) -> str:
        return f"Decoder(full_objects={self.full_objects})"


_DECODERS: Final = {full_objects: Decoder(full_objects=full_objects) for full_objects in (False, True)}


def dumps(value: object, *, full_objects: bool = False, double: bool = False) -> bytes:
    """The bytes Godot's ``var_to_bytes`` gives for `value`.

    Parameters
    ----------
    value : any value of `gdlab.variant.types`; plain lists, tuples, dicts and numpy arrays and numbers, too.
    full_objects : write whole objects (`ObjectRecord`), as ``var_to_bytes_with_objects`` does.
    double : write reals of vectors with 64 bits, as a double-precision build of Godot does.

    Raises
    ------
    VariantEncodeError : Godot could not hold the value; `path` says where in it.
    """
    return encode(value, full_objects=full_objects, double=double)


def loads(data: Payload, *, full_objects: bool = False) -> Any:
    """The value in `data`, as Godot's ``bytes_to_var`` reads it; see `Decoder.loads`.

    Raises
    ------
    VariantDecodeError : the bytes are not a Variant of Godot 4; `offset`, `path` and `code` say more.
    """
    return _DECODERS[bool(full_objects)].loads(data)


def loads_from(data: Payload, offset: int = 0, *, full_objects: bool = False) -> tuple[Any, int]:
    """The value at `offset` and the number of bytes it took; see `Decoder.loads_from`."""
    return _DECODERS[bool(full_objects)].loads_from(data, offset)
