"""What a codec is: it makes values of a column of payloads, and never raises for what a payload holds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeGuard, runtime_checkable

import numpy as np
import numpy.typing as npt

from gdlab.codecs import json, json_columns, packed, variant_columns
from gdlab.codecs.doubt import Tally
from gdlab.codecs.osc import read_osc
from gdlab.codecs.parts import Part, Rows
from gdlab.errors import GdlabError, PayloadError, VariantDecodeError
from gdlab.facts import Statement
from gdlab.variant import Decoder
from gdlab.variant.codec import Payload
from gdlab.words import stated

if TYPE_CHECKING:
    from gdlab.payloads import PayloadArray

Objects = npt.NDArray[np.object_]
#: What is known of each of n payloads beside its bytes: `ANY`, or WebSocket's own `TEXT` or `BINARY`.
Kinds = npt.NDArray[np.int8]
ANY: Final = 0
TEXT: Final = 1
BINARY: Final = 2
#: Longer reasons are cut: they may quote what a peer sent.
MAX_REASON: Final = 300


@dataclass(slots=True)
class Decoded:
    """What became of n payloads.

    Attributes
    ----------
    objects : (n,) objects, the values; None where there is no value.
    errors : (n,) objects, the reason why a payload did not decode, else None.
    notes : (n,) objects, what should be known of a value although it decoded, else None.
    names : (n,) objects, the codec that was used.
    """

    objects: Objects
    errors: Objects
    notes: Objects
    names: Objects

    @classmethod
    def empty(cls, n: int, name: str | None) -> Decoded:
        """No values and no errors yet."""
        names = np.empty(n, object)
        names[:] = name
        return cls(np.empty(n, object), np.empty(n, object), np.empty(n, object), names)


@dataclass(slots=True)
class Fast:
    """What was read of n payloads as whole columns.

    Attributes
    ----------
    left : positions of those that were not.
    parts : what each column holds, by its name.
    names : the codecs that read the others, each with its positions.
    """

    left: Rows
    parts: dict[str, list[Part]]
    names: list[tuple[str, Rows]]

    @classmethod
    def none(cls, n: int) -> Fast:
        """Nothing was."""
        return cls(np.arange(n, dtype=np.int64), {}, [])

    @classmethod
    def of(cls, n: int, left: Rows, parts: dict[str, list[Part]], name: str) -> Fast:
        """All but those left, by one codec."""
        taken = np.ones(n, np.bool_)
        taken[left] = False
        return cls(left, parts, [(name, np.flatnonzero(taken))])


@runtime_checkable
class Codec(Protocol):
    """Makes values of payloads."""

    @property
    def name(self) -> str:
        """What the column `codec` contains."""

    def decode_column(self, payloads: PayloadArray) -> Decoded:
        """Decode every payload; none of them is missing. What does not decode has its reason in `errors`."""


@runtime_checkable
class Columnar(Codec, Protocol):
    """A codec that also reads many payloads as whole columns, without an object for each."""

    def decode_parts(self, payloads: PayloadArray) -> Fast:
        """Decode what has the same form many times; the values are those of `decode_column`."""


@runtime_checkable
class Judging(Columnar, Protocol):
    """A codec that judges a stream over its messages, and uses the kinds that WebSocket tells."""

    def tally(self, payloads: PayloadArray, kinds: Kinds) -> Tally:
        """What these messages say of their stream."""

    def judging(self, counts: Tally) -> Judging:
        """The codec for a stream of such messages; itself where nothing changes."""

    def knowing(self, kinds: Kinds) -> Columnar:
        """The codec of some payloads alone, whose kinds are these."""


def decodes_parts(codec: Codec) -> TypeGuard[Columnar]:
    """Whether a codec reads whole columns."""
    return isinstance(codec, Columnar)


def reason(error: BaseException) -> str:
    """An error in one line of bounded length, with the class of those that say little without it."""
    text = " ".join(str(error).split())
    if not isinstance(error, GdlabError):
        text = f"{type(error).__name__}: {text}" if text else type(error).__name__
    return text if len(text) <= MAX_REASON else text[: MAX_REASON - 1] + "…"


@dataclass(frozen=True, slots=True)
class RowByRow:
    """A codec that decodes one payload after the other.

    Attributes
    ----------
    name : what the column `codec` says.
    read : gives the value, and a note or None; raises one of `fails`.
    fails : the errors that mean "this payload is not of this kind".
    """

    name: str
    read: Callable[[bytes], tuple[Any, str | None]]
    fails: tuple[type[Exception], ...]

    def decode_column(self, payloads: PayloadArray) -> Decoded:
        """Decode row by row."""
        found = Decoded.empty(len(payloads), self.name)
        read, values, notes = self.read, found.objects, found.notes
        for row, payload in enumerate(payloads):
            try:
                values[row], notes[row] = read(payload)
            except self.fails as error:
                found.errors[row] = reason(error)
        return found


class VariantReader(Decoder):
    """Reads the Variants of one column: repeated messages by prepared layouts, which fit whole payloads only.

    `left` counts the bytes behind the last one.
    """

    __slots__ = ("left",)

    def general(self, data: Payload) -> Any:
        """Decode without a layout, and note how many bytes are left."""
        value, used = self.loads_from(data)
        self.left = len(data) - used
        return value

    def other(self, data: Payload) -> Any:
        """Decode what no layout fits; a payload with bytes behind its value shall not become a layout."""
        value = self.general(data)
        if not self.left:
            self._layouts.missed(bytes(data))
        return value

    def read(self, payload: bytes) -> tuple[Any, str | None]:
        """The Variant in a payload; a note where bytes follow it, which Godot ignores.

        Raises
        ------
        VariantDecodeError : there is none.
        """
        self.left = 0
        value = self.loads(payload)
        if self.left > 0:
            return value, stated(Statement.of("variant/more", more=self.left))
        return value, None


class Variants:
    """Decodes as Godot's ``bytes_to_var``."""

    name = "variant"

    def decode_column(self, payloads: PayloadArray) -> Decoded:
        """Decode row by row, with what the rows before have shown of their layout."""
        rows = RowByRow(self.name, VariantReader().read, (VariantDecodeError,))
        return rows.decode_column(payloads)

    def decode_parts(self, payloads: PayloadArray) -> Fast:
        """Read the Variants of a few layouts at once."""
        return Fast.of(len(payloads), *variant_columns.read(payloads), self.name)


class Json:
    """Decodes JSON, with its integers kept."""

    name = "json"

    def decode_column(self, payloads: PayloadArray) -> Decoded:
        """Decode row by row."""
        return RowByRow(self.name, json.read, (json.JsonError,)).decode_column(payloads)

    def decode_parts(self, payloads: PayloadArray) -> Fast:
        """Read objects of plain values at once."""
        return Fast.of(len(payloads), *json_columns.read(payloads), self.name)


def read_text(payload: bytes) -> tuple[str, None]:
    """The payload as UTF-8.

    Raises
    ------
    PayloadError : it is not.
    """
    try:
        return payload.decode(), None
    except UnicodeDecodeError as error:
        raise PayloadError(Statement.of("text/utf8", byte=payload[error.start], at=error.start)) from None


def read_raw(payload: bytes) -> tuple[bytes, None]:
    """The payload itself."""
    return payload, None


def of_function(function: Callable[[bytes], Any]) -> Codec:
    """A function of the user's as a codec; whatever it raises is the reason of that row."""
    name = getattr(function, "__name__", type(function).__name__)
    return RowByRow(
        "function" if name == "<lambda>" else str(name), lambda p: (function(p), None), (Exception,)
    )


#: The codecs by name.
CODECS: Final[dict[str, Codec]] = {
    "variant": Variants(),
    "json": Json(),
    "text": RowByRow("text", read_text, (PayloadError,)),
    "bytes": RowByRow("bytes", read_raw, ()),
    "msgpack": RowByRow("msgpack", packed.read_msgpack, (PayloadError,)),
    "cbor": RowByRow("cbor", packed.read_cbor, (PayloadError,)),
    "osc": RowByRow("osc", read_osc, (PayloadError,)),
}
