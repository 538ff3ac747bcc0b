"""A game's own packed format: a struct format with names for its fields, one for each type byte, or a dataclass."""

from __future__ import annotations

import dataclasses
import re
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Final, get_args, get_origin, get_type_hints

import numpy as np

from gdlab.codecs.codec import Decoded, Fast
from gdlab.codecs.parts import Part, Rows, as_objects
from gdlab.codecs.places import MAX_ITEMS
from gdlab.facts import Statement
from gdlab.variant import Vector2, Vector2i, Vector3, Vector3i, Vector4, Vector4i
from gdlab.words import stated

if TYPE_CHECKING:
    from gdlab.payloads import PayloadArray

#: What `struct` reads of one field, as numpy has it; Godot's `encode_*` methods write the same.
_DTYPES: Final = {
    "b": "i1",
    "B": "u1",
    "?": "?",
    "h": "i2",
    "H": "u2",
    "i": "i4",
    "I": "u4",
    "l": "i4",
    "L": "u4",
    "q": "i8",
    "Q": "u8",
    "e": "f2",
    "f": "f4",
    "d": "f8",
}
#: Two to four numbers under one name are a vector, as in Godot.
_COMPONENTS: Final = ("x", "y", "z", "w")
_VECTORS: Final = {2: Vector2, 3: Vector3, 4: Vector4}
_INTEGER_VECTORS: Final = {2: Vector2i, 3: Vector3i, 4: Vector4i}
_FIELD: Final = re.compile(r"(\d*)([bB?hHiIlLqQefdsx])(?:\s+([A-Za-z_]\w*))?")
_ORDERS: Final = {"<": "<", ">": ">", "!": ">", "=": "<"}
#: Fields of one format; a payload that has more should be JSON or a Variant.
_MOST: Final = 256


@dataclass(frozen=True, slots=True)
class Field:
    """One name of a format: `count` numbers of `code`, from byte `offset` on."""

    name: str
    code: str
    count: int
    offset: int

    @property
    def columns(self) -> list[str]:
        """The names of its columns, without the leading ``v``."""
        if self.code == "s" or self.count == 1:
            return [f".{self.name}"]
        if self.count <= len(_COMPONENTS) and self.code != "?":
            return [f".{self.name}.{part}" for part in _COMPONENTS[: self.count]]
        return [f".{self.name}[{index}]" for index in range(min(self.count, MAX_ITEMS))]


@dataclass(frozen=True, slots=True)
class Format:
    """A struct format with names.

    Attributes
    ----------
    text : as it was written. order : ``<`` or ``>``. size : bytes of a payload.
    """

    text: str
    order: str
    fields: tuple[Field, ...]
    size: int

    @classmethod
    def parse(cls, text: str) -> Format:
        """Read a format such as ``"<B type, H seq, 3f pos"``.

        Parameters
        ----------
        text : codes of `struct`, each with a name, separated by commas; ``x`` is a byte to skip and has no name,
            ``8s`` is text of eight bytes. Without ``<`` or ``>`` in front it is little-endian, as Godot writes.

        Raises
        ------
        ValueError : it is none.
        """
        order, rest = "<", text.strip()
        if rest and rest[0] in "<>!=@":
            if rest[0] == "@":
                raise ValueError(stated(Statement.of("format/order", text=text)))
            order, rest = _ORDERS[rest[0]], rest[1:]
        fields: list[Field] = []
        offset = 0
        for piece in rest.split(","):
            found = _FIELD.fullmatch(piece.strip())
            if found is None:
                raise ValueError(stated(Statement.of("format/field", piece=piece.strip(), text=text)))
            count, code, name = int(found[1] or 1), found[2], found[3]
            if code != "x":
                if name is None:
                    raise ValueError(stated(Statement.of("format/name", piece=piece.strip(), text=text)))
                if any(field.name == name for field in fields):
                    raise ValueError(stated(Statement.of("format/twice", text=text, name=name)))
                if count < 1 or len(fields) >= _MOST or (code != "s" and count > _MOST):
                    raise ValueError(
                        stated(Statement.of("format/many", piece=piece.strip(), text=text, most=_MOST))
                    )
                fields.append(Field(name, code, count, offset))
            offset += struct.calcsize(f"<{count}{code}")
        if not fields:
            raise ValueError(stated(Statement.of("format/empty", text=text)))
        return cls(text, order, tuple(fields), offset)

    @property
    def dtype(self) -> np.dtype[Any]:
        """The payload as a numpy record."""
        kinds: list[Any] = []
        for field in self.fields:
            if field.code == "s":
                kinds.append(f"S{field.count}")
            else:
                kind = f"{self.order}{_DTYPES[field.code]}"
                kinds.append(kind if field.count == 1 else (kind, (field.count,)))
        return np.dtype(
            {
                "names": [field.name for field in self.fields],
                "formats": kinds,
                "offsets": [field.offset for field in self.fields],
                "itemsize": self.size,
            }
        )

    def parts(self, records: Any, rows: Rows) -> dict[str, list[Part]]:
        """The columns of some records, with their names."""
        found: dict[str, list[Part]] = {}
        for field in self.fields:
            values = records[field.name]
            if field.code == "s":
                found[f"v.{field.name}"] = [Part(rows, as_objects([_text(each) for each in values.tolist()]))]
                continue
            wide = values.astype(_wide(values.dtype), copy=True)
            if field.count == 1:
                found[f"v.{field.name}"] = [Part(rows, wide)]
                continue
            if field.count > len(_COMPONENTS) or field.code == "?":
                found[f"v.{field.name}[]"] = [Part(rows, np.full(len(rows), field.count, np.int64))]
            for index, name in enumerate(field.columns):
                found["v" + name] = [Part(rows, np.ascontiguousarray(wide[:, index]))]
        return found

    def bytes_of(self, field: Field) -> int:
        """How many bytes a field takes."""
        return struct.calcsize(f"<{field.count}{field.code}")

    def value_of(self, payload: bytes, field: Field) -> list[Any]:
        """The numbers of one field of a payload, or its one text."""
        found = list(struct.unpack_from(f"{self.order}{field.count}{field.code}", payload, field.offset))
        return [_text(found[0])] if field.code == "s" else found

    def pack(self, value: Any) -> bytes:
        """The payload of a dict with these names, or of their values in order.

        Raises
        ------
        TypeError : a name is missing, or its value does not fit.
        """
        names = [field.name for field in self.fields]
        values = [value.get(name) for name in names] if isinstance(value, Mapping) else value
        if isinstance(value, Mapping) and set(value) != set(names):
            raise TypeError(
                stated(
                    Statement.of(
                        "format/names", text=self.text, names=tuple(names), given=tuple(map(str, value))
                    )
                )
            )
        if isinstance(values, (str, bytes)) or not hasattr(values, "__len__") or len(values) != len(names):
            raise TypeError(
                stated(Statement.of("format/values", text=self.text, takes=len(names), names=tuple(names)))
            )
        payload = bytearray(self.size)
        for field, each in zip(self.fields, values, strict=True):
            parts = (
                [each.encode() if isinstance(each, str) else each]
                if field.code == "s" or field.count == 1
                else each
            )
            try:
                struct.pack_into(f"{self.order}{field.count}{field.code}", payload, field.offset, *parts)
            except (struct.error, TypeError) as error:
                raise TypeError(
                    stated(
                        Statement.of(
                            "format/value", value=repr(each), name=field.name, text=self.text, why=error
                        )
                    )
                ) from None
        return bytes(payload)

    def value(self, record: Any) -> dict[str, Any]:
        """One record as a dict."""
        return {field.name: _value(field, record[field.name]) for field in self.fields}


def _wide(dtype: np.dtype[Any]) -> Any:
    if dtype.kind == "b":
        return np.bool_
    if dtype.kind == "f":
        return np.float64
    return np.uint64 if dtype.kind == "u" and dtype.itemsize == 8 else np.int64


def _value(field: Field, raw: Any) -> Any:
    if field.code == "s":
        return _text(raw)
    value = raw.tolist()
    vectors = _VECTORS if field.code in "efd" else _INTEGER_VECTORS
    return vectors[field.count](*value) if field.count in vectors and field.code != "?" else value


def _text(raw: bytes) -> str:
    return raw.rstrip(b"\0").decode(errors="replace")


class Structs:
    """Reads payloads of one format, or of one for each type byte.

    Parameters
    ----------
    name : what the column `codec` says.
    formats : by the first byte of the payload; under None, the only one.
    make : what a dict of the fields becomes, such as an instance of a dataclass.
    """

    def __init__(
        self,
        name: str,
        formats: Mapping[int | None, Format],
        make: Callable[[dict[str, Any]], Any] | None = None,
    ) -> None:
        self.name = name
        self._formats = dict(formats)
        self._make = make

    def decode_column(self, payloads: PayloadArray) -> Decoded:
        """Decode row by row."""
        found = Decoded.empty(len(payloads), self.name)
        for row, payload in enumerate(payloads):
            form, why = self.format_of(payload)
            if form is None:
                found.errors[row] = why
                continue
            value: Any = form.value(np.frombuffer(payload, form.dtype, 1)[0])
            found.objects[row] = value if self._make is None else self._make(value)
            if len(payload) > form.size:
                found.notes[row] = stated(
                    Statement.of("struct/more", more=len(payload) - form.size, size=form.size)
                )
        return found

    def decode_parts(self, payloads: PayloadArray) -> Fast:
        """Read all payloads of exactly a format's size as whole columns."""
        buffer, offsets = payloads.contiguous()
        sizes = np.diff(offsets)
        taken = np.zeros(len(sizes), np.bool_)
        found: dict[str, list[Part]] = {}
        for key, form in self._formats.items():
            fits = sizes == form.size
            if key is not None:
                fits &= ~taken
                fits[fits] = buffer[offsets[:-1][fits]] == key
            rows = np.flatnonzero(fits)
            if not len(rows):
                continue
            taken |= fits
            records = _records(buffer, offsets[:-1][rows], form)
            for name, parts in form.parts(records, rows).items():
                found.setdefault(name, []).extend(parts)
        return Fast.of(len(sizes), np.flatnonzero(~taken), found, self.name)

    def format_of(self, payload: bytes) -> tuple[Format | None, str]:
        """The format that a payload has; None and the reason where it has none."""
        form = self._formats.get(None)
        if form is None:
            if not payload:
                return None, stated(Statement("struct/empty"))
            form = self._formats.get(payload[0])
            if form is None:
                known = tuple(key for key in self._formats if key is not None)
                return None, stated(Statement.of("struct/type", type=payload[0], known=known))
        if len(payload) < form.size:
            return None, stated(
                Statement.of("struct/short", size=len(payload), format=form.text, takes=form.size)
            )
        return form, ""


def _records(buffer: Any, starts: Any, form: Format) -> Any:
    """Payloads of one size as an array of records."""
    size = form.size
    if len(starts) < 2 or bool((np.diff(starts) == size).all()):
        data = buffer[int(starts[0]) : int(starts[0]) + size * len(starts)]
        return np.ascontiguousarray(data).view(form.dtype)
    windows = np.ndarray(
        (len(buffer) - size + 1,), np.dtype((np.void, size)), np.ascontiguousarray(buffer), strides=(1,)
    )
    return windows[starts].view(form.dtype)


def of_dataclass(cls: type) -> Structs:
    """The codec of a dataclass whose fields say how they are packed.

    ::

        @dataclass
        class Move:
            type: Annotated[int, "B"]
            seq: Annotated[int, "H"]
            pos: Annotated[tuple, "3f"]

    Raises
    ------
    ValueError : a field does not say it.
    """
    hints = get_type_hints(cls, include_extras=True)
    pieces = []
    for field in dataclasses.fields(cls):
        hint = hints[field.name]
        codes = (
            [each for each in get_args(hint)[1:] if isinstance(each, str)]
            if get_origin(hint) is Annotated
            else []
        )
        if len(codes) != 1:
            raise ValueError(stated(Statement.of("format/hint", name=field.name, of=cls.__name__)))
        pieces.append(f"{codes[0]} {field.name}")
    form = Format.parse(getattr(cls, "BYTE_ORDER", "<") + ", ".join(pieces))
    return Structs(cls.__name__, {None: form}, lambda fields: cls(**fields))


def of_formats(formats: Mapping[int, str]) -> Structs:
    """The codec of several formats, told apart by the first byte, which is part of each.

    Raises
    ------
    ValueError : a key is no byte, or a format is none.
    """
    for key in formats:
        if type(key) is not int or not 0 <= key <= 255:
            raise ValueError(stated(Statement.of("format/type byte", byte=repr(key))))
    return Structs("struct", {key: Format.parse(text) for key, text in formats.items()})


def is_format(text: str) -> bool:
    """Whether a name is meant as a format: it has what no name of a codec has."""
    return bool(text.strip()) and (text.strip()[0] in "<>!=@" or " " in text.strip() or "," in text)
