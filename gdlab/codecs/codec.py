"""What a codec is: it makes values of a column of payloads, and never raises for what a payload holds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from gdlab.codecs import json
from gdlab.errors import VariantDecodeError
from gdlab.variant import Decoder
from gdlab.variant.codec import Payload

if TYPE_CHECKING:
    from gdlab.payloads import PayloadArray

Objects = npt.NDArray[np.object_]
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


@runtime_checkable
class Codec(Protocol):
    """Makes values of payloads."""

    @property
    def name(self) -> str:
        """What the column `codec` says."""

    def decode_column(self, payloads: PayloadArray) -> Decoded:
        """Decode every payload; none of them is missing. What does not decode has its reason in `errors`."""


def reason(error: BaseException) -> str:
    """An error in one line of bounded length, with the class of those that say little without it."""
    text = " ".join(str(error).split())
    if not isinstance(error, (VariantDecodeError, json.JsonError)):
        text = f"{type(error).__name__}: {text}" if text else type(error).__name__
    return text if len(text) <= MAX_REASON else text[: MAX_REASON - 1] + "…"


@dataclass(frozen=True, slots=True)
class Rows:
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
    """Reads the Variants of one column: repeated messages by prepared layouts, which fit whole payloads only."""

    __slots__ = ("_left",)

    def general(self, data: Payload) -> Any:
        """Decode without a layout, and note how many bytes are left."""
        value, used = self.loads_from(data)
        self._left = len(data) - used
        return value

    def other(self, data: Payload) -> Any:
        """Decode what no layout fits; a payload with bytes behind its value shall not become a layout."""
        value = self.general(data)
        if not self._left:
            self._layouts.missed(bytes(data))
        return value

    def read(self, payload: bytes) -> tuple[Any, str | None]:
        """The Variant in a payload; a note where bytes follow it, which Godot ignores.

        Raises
        ------
        VariantDecodeError : there is none.
        """
        self._left = 0
        value = self.loads(payload)
        if self._left > 0:
            return value, f"{self._left} bytes follow the Variant; Godot ignores them"
        return value, None


class Variants:
    """Decodes as Godot's ``bytes_to_var``."""

    name = "variant"

    def decode_column(self, payloads: PayloadArray) -> Decoded:
        """Decode row by row, with what the rows before have shown of their layout."""
        rows = Rows(self.name, VariantReader().read, (VariantDecodeError,))
        return rows.decode_column(payloads)


def read_text(payload: bytes) -> tuple[str, None]:
    """The payload as UTF-8.

    Raises
    ------
    UnicodeDecodeError : it is not.
    """
    return payload.decode(), None


def read_raw(payload: bytes) -> tuple[bytes, None]:
    """The payload itself."""
    return payload, None


def of_function(function: Callable[[bytes], Any]) -> Codec:
    """A function of the user's as a codec; whatever it raises is the reason of that row."""
    name = getattr(function, "__name__", type(function).__name__)
    return Rows("function" if name == "<lambda>" else str(name), lambda p: (function(p), None), (Exception,))


#: The codecs by name.
CODECS: Final[dict[str, Codec]] = {
    "variant": Variants(),
    "json": Rows("json", json.read, (json.JsonError,)),
    "text": Rows("text", read_text, (UnicodeDecodeError,)),
    "raw": Rows("raw", read_raw, ()),
}
