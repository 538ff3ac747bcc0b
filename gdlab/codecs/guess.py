"""Which codec a payload looks as if it were for.

A guess is marked as one: the column `codec` says ``auto:json``, not ``json``. The order of the tests is such that
no text is ever taken for a Variant: a Variant's second byte is 0, which text does not hold. Two things are known of a
message beside its bytes: the kind that WebSocket gives it, and the messages around it (see `doubt`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gdlab.codecs import json, json_columns, variant_columns
from gdlab.codecs.codec import ANY, BINARY, TEXT, Columnar, Decoded, Fast, Kinds, VariantReader, reason
from gdlab.codecs.doubt import GODOT3, Tally, doubted, is_weak, tally
from gdlab.codecs.parts import Part
from gdlab.errors import VariantDecodeError
from gdlab.facts import Statement, Value
from gdlab.framing import signatures
from gdlab.framing.godot3 import is_container, is_godot3
from gdlab.messages import Kind, guess_kind
from gdlab.variant import Type
from gdlab.words import stated

if TYPE_CHECKING:
    from gdlab.payloads import PayloadArray

#: Bits of a Variant's header word that the engine writes as something else than 0: the type, and four flags.
_WRITTEN_BITS: Final = 0x000F00FF
_LAST_TYPE: Final = max(Type)
#: Fewer payloads of a kind are read one by one: setting up the arrays takes longer.
FEW: Final = 32
#: What JSON begins with, after white space.
_JSON_STARTS: Final = frozenset(b'{["-0123456789')
_JSON_WORDS: Final = frozenset({b"true", b"false", b"null"})


class Auto:
    """Guesses per payload; what looks like nothing known stays bytes, with the reason.

    Parameters
    ----------
    doubts : sizes in bytes at which Variants that may be so by chance are not believed: the stream's other messages
        of that size are none.
    settled : whether that is judged already, of more messages than are decoded.
    """

    name = "auto"

    def __init__(self, doubts: frozenset[int] = frozenset(), *, settled: bool = False) -> None:
        self.doubts = doubts
        self.settled = settled

    @staticmethod
    def may_be_variants(kinds: Kinds) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """Whether messages of these kinds may be Variants; (n,) bool."""
        return np.not_equal(kinds, TEXT)

    def tally(self, payloads: PayloadArray, kinds: Kinds) -> Tally:
        """What these messages say of their stream."""
        return {} if self.settled else tally(payloads, self.may_be_variants(kinds))

    def judging(self, counts: Tally) -> Auto:
        """The codec for a stream of such messages; itself where nothing changes."""
        doubts = doubted(counts)
        return self if self.settled or doubts == self.doubts else Auto(doubts)

    def knowing(self, kinds: Kinds) -> Columnar:
        """The codec of these payloads alone, of which WebSocket has told the kinds."""
        return _Knowing(self, kinds)

    def decode_column(self, payloads: PayloadArray) -> Decoded:
        """Decode every payload by the codec it looks like."""
        return self.knowing(np.full(len(payloads), ANY, np.int8)).decode_column(payloads)

    def decode_parts(self, payloads: PayloadArray) -> Fast:
        """Read at once what is certainly a Variant or JSON, and has the same form many times."""
        return self.knowing(np.full(len(payloads), ANY, np.int8)).decode_parts(payloads)


class _Knowing:
    """The guesses of some payloads whose kinds are known."""

    name = "auto"

    def __init__(self, auto: Auto, kinds: Kinds) -> None:
        self._auto, self._kinds = auto, kinds

    def decode_column(self, payloads: PayloadArray) -> Decoded:
        found = Decoded.empty(len(payloads), None)
        variants, doubts = VariantReader(), self._auto.doubts
        for row, (payload, kind) in enumerate(zip(payloads, self._kinds.tolist(), strict=True)):
            name, found.objects[row], found.errors[row], found.notes[row] = guess(
                payload, variants, kind, doubts
            )
            found.names[row] = f"auto:{name}"
        return found

    def decode_parts(self, payloads: PayloadArray) -> Fast:
        fast = Fast.none(len(payloads))
        left = np.ones(len(payloads), np.bool_)
        may_be = _variants(payloads) & (self._kinds != TEXT)
        if self._auto.doubts:
            # Others of that size are Variants all the same; row by row they are told apart.
            may_be &= ~np.isin(payloads.sizes, list(self._auto.doubts))
        if GODOT3 in self._auto.doubts:
            may_be[:] = False
        for name, which, read in (
            ("auto:variant", may_be, variant_columns.read),
            ("auto:json", payloads.startswith(b"{"), json_columns.read),
        ):
            rows = np.flatnonzero(which & left)
            if len(rows) < FEW:
                continue
            unread, parts = read(payloads if len(rows) == len(payloads) else payloads[rows])
            taken = np.ones(len(rows), np.bool_)
            taken[unread] = False
            left[rows[taken]] = False
            fast.names.append((name, rows[taken]))
            for column, held in parts.items():
                fast.parts.setdefault(column, []).extend(Part(rows[part.rows], part.held) for part in held)
        fast.left = np.flatnonzero(left)
        return fast


def _variants(payloads: PayloadArray) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Which payloads have a header word as the engine writes it, see `looks_like_variant`; (n,) bool."""
    found = payloads.sizes >= 4
    rows = np.flatnonzero(found)
    if len(rows):
        heads = payloads.heads(rows, 4).view("<u4").ravel()
        found[rows] = (heads & ~np.uint32(_WRITTEN_BITS) == 0) & (heads & 0xFF <= _LAST_TYPE)
    return found


def guess(
    payload: bytes, variants: VariantReader, kind: int = ANY, doubts: frozenset[int] = frozenset()
) -> tuple[str, Any, str | None, str | None]:
    """Name of the codec, value, reason why it is not what it looks like (or None), note (or None).

    Parameters
    ----------
    kind : what WebSocket calls it: `TEXT` is never a Variant, `BINARY` never plain text; else `ANY`.
    doubts : sizes at which Variants that may be so by chance are not believed, see `doubt`.
    """
    why = None
    if kind != TEXT and (is_container(payload) or (GODOT3 in doubts and is_godot3(payload))):
        return "bytes", payload, _looks_like(signatures.GODOT3), None
    if kind != TEXT and looks_like_variant(payload):
        if len(payload) in doubts and is_weak(payload):
            return "bytes", payload, _why("doubt"), None
        try:
            value, note = variants.read(payload)
        except VariantDecodeError as error:
            why = _why("variant", problem=reason(error))
        else:
            if note is None:
                return "variant", value, None, None
            why = _why("variant more", type=type(value).__name__, more=variants.left)
    elif looks_like_json(payload) and (kind != BINARY or is_meant_as_json(payload)):
        try:
            value, note = json.read(payload)
        except json.JsonError as error:
            # Text often begins so: "0.5,1.2" and "[12:00] hello" are no JSON that is broken.
            why = _why("json", problem=reason(error)) if is_meant_as_json(payload) else None
        else:
            return "json", value, None, note
    known = signatures.of_message(payload)
    # A counter passes by the numbers of Godot 3's types as well.
    if known is not None and not (known.advice == "godot3" and len(payload) in doubts):
        why = _looks_like(known)
    if kind == TEXT:
        try:
            return "text", payload.decode(), why, None
        except UnicodeDecodeError as error:
            return "bytes", payload, _why("text", byte=payload[error.start], at=error.start), None
    if guess_kind(payload) is Kind.TEXT:
        if kind != BINARY:
            return "text", payload.decode(), why, None
        why = why or _why("binary")
    return "bytes", payload, why or _why("nothing"), None


def _why(case: str, **more: Value) -> str:
    return stated(Statement.of(f"guess/{case}", **more))


def _looks_like(known: signatures.Signature) -> str:
    return _why("protocol", name=known.title, way_out=known.way_out)


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
    return bool(text) and (text[0] in _JSON_STARTS or not _JSON_WORDS.isdisjoint(text.split(maxsplit=1)[:1]))


def summary(counts: Mapping[str, int]) -> str:
    """How often each codec was guessed, in words."""
    return ", ".join(f"{counts[kind]} {kind.removeprefix('auto:')}" for kind in sorted(counts))
