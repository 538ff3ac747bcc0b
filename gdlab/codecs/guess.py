"""Which codec a payload looks as if it were for.

A guess is marked as one: the column `codec` says ``auto:json``, not ``json``. The order of the tests is such that
no text is ever taken for a Variant: a Variant's second byte is 0, which text does not hold.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gdlab.codecs import json
from gdlab.codecs.codec import Decoded, VariantReader, reason
from gdlab.errors import VariantDecodeError
from gdlab.framing import signatures
from gdlab.messages import Kind, guess_kind
from gdlab.variant import Type

if TYPE_CHECKING:
    from gdlab.payloads import PayloadArray

#: Bits of a Variant's header word that the engine writes as something else than 0: the type, and four flags.
_WRITTEN_BITS: Final = 0x000F00FF
_LAST_TYPE: Final = max(Type)
#: What JSON begins with, after white space.
_JSON_STARTS: Final = frozenset(b'{["-0123456789')
_JSON_WORDS: Final = frozenset({b"true", b"false", b"null"})


class Auto:
    """Guesses per payload; what looks like nothing known stays bytes, with the reason."""

    name = "auto"

    def decode_column(self, payloads: PayloadArray) -> Decoded:
        """Decode every payload by the codec it looks like."""
        found = Decoded.empty(len(payloads), None)
        variants = VariantReader()
        for row, payload in enumerate(payloads):
            name, found.objects[row], found.errors[row], found.notes[row] = guess(payload, variants)
            found.names[row] = f"auto:{name}"
        return found


def guess(payload: bytes, variants: VariantReader) -> tuple[str, Any, str | None, str | None]:
    """Name of the codec, value, reason why it is not what it looks like (or None), note (or None)."""
    why = None
    if looks_like_variant(payload):
        try:
            value, note = variants.read(payload)
        except VariantDecodeError as error:
            why = f"begins like a Variant, but: {reason(error)}"
        else:
            if note is None:
                return "variant", value, None, None
            why = f"begins like a Variant ({type(value).__name__}), but {note.split(';', maxsplit=1)[0]}"
    elif looks_like_json(payload):
        try:
            value, note = json.read(payload)
        except json.JsonError as error:
            # Text often begins so: "0.5,1.2" and "[12:00] hello" are no JSON that is broken.
            why = f"begins like JSON, but: {reason(error)}" if is_meant_as_json(payload) else None
        else:
            return "json", value, None, note
    known = signatures.of_message(payload)
    if known is not None:
        why = f"looks like {known.name}: {known.way_out}"
    if guess_kind(payload) is Kind.TEXT:
        return "text", payload.decode(), why, None
    return "raw", payload, why or "neither a Variant nor JSON nor text", None


def is_meant_as_json(payload: bytes) -> bool:
    """It begins as an object or an array of JSON does, and as no line of text."""
    text = payload.strip(b" \t\r\n")
    if text[:1] + text[-1:] in (b"{}", b"[]"):
        return True
    if text[:1] == b"{":
        return text[1:].lstrip(b" \t\r\n")[:1] in (b'"', b"}", b"")
    return text[:1] == b"[" and text[1:].lstrip(b" \t\r\n")[:1] in (b"{", b"[", b'"', b"]", b"")


def looks_like_variant(payload: bytes) -> bool:
    """The header word is one the engine writes; nothing is said of what follows."""
    if len(payload) < 4:
        return False
    header = int.from_bytes(payload[:4], "little")
    return header & ~_WRITTEN_BITS == 0 and header & 0xFF <= _LAST_TYPE


def looks_like_json(payload: bytes) -> bool:
    """It begins with something that begins JSON."""
    text = payload[:64].lstrip(b" \t\r\n") or payload.lstrip(b" \t\r\n")[:64]
    return bool(text) and (text[0] in _JSON_STARTS or text.split(maxsplit=1)[0] in _JSON_WORDS)


def summary(names: Any) -> str:
    """How often each codec was guessed, in words."""
    kinds, counts = np.unique(names[names != None].astype(str), return_counts=True)  # noqa: E711  # elementwise
    return ", ".join(
        f"{count} {kind.removeprefix('auto:')}" for kind, count in zip(kinds, counts, strict=True)
    )
