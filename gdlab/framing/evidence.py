"""How well a stream's first bytes fit a framing, in bits: what `guess` weighs.

A candidate walks over the bytes from frame to frame. Where it arrives at something that its framing does not allow it
is out; otherwise every frame speaks for it: by a length field that would hardly be so small by chance, by a payload
that is a whole Variant, a JSON text or plain text and nothing else, and by ending where a read ended.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

from gdlab.framing.cuts import (
    Cut,
    LengthCut,
    cut_mqtt,
    cut_nul,
    cut_signalr,
    cut_variants,
    cut_varint,
    varint,
)
from gdlab.framing.variant_size import is_structured, variant_size

#: Frames that are looked at; more do not make it more certain.
_MOST_FRAMES: Final = 200

#: A length beyond this is not believed.
_MAX_LENGTH: Final = 64 * 1024 * 1024

#: Lengths in a row below this do not happen by chance (12 leading zero bits of 32).
_MAX_CHAINED: Final = 1024 * 1024

_CONTROLS: Final = bytes({*range(32), 127} - {9, 10, 13})

#: A pause that does not come at the end of a frame speaks against a candidate.
_PAUSE_BITS: Final = 6.0

#: A length of 0 is as likely something else.
_EMPTY_BITS: Final = 4.0

#: A single frame that is followed by something else may be anything.
_LONE_BITS: Final = 9.0

#: Frames of one size that end where a read ended count in full so often: a program that always sends as much shows
#: nothing new by the next.
_SAME_SIZE: Final = 2

#: What a payload says that is text.
_TEXT_BITS: Final = 4.0

#: What it says that a frame ends where a read ended.
_END_BITS: Final = 6.5

#: Reads that ended inside frames speak against a candidate by no more than this: a stream may come in any pieces.
_MOST_INSIDE: Final = 2

#: There are two dozen candidates with opcodes: one of them fits by chance so much more often.
_MANY_BITS: Final = 2.0
_MOST_OPCODES: Final = 2000

#: The types of Variants that are text: String, StringName.
_TEXTS: Final = (4, 21)

#: A frame that announces so much while little has come, and nothing more comes.
_UNLIKELY_BYTES: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Candidate:
    """A framing that may be guessed.

    Attributes
    ----------
    cut : its frames.
    bits : what the length field of a frame says, if it is small; a function of the length where that is one byte.
    header_bytes : of a frame, before what its content is judged by.
    content : judges the content of a frame in bits, 0 being nothing; None rules the candidate out.
    opcode : where in a frame there should be a small number, written as its length is.
    """

    name: str
    cut: Callable[[bytes], int | Cut | None]
    bits: float | Callable[[int], float]
    header_bytes: int = 0
    content: Callable[[bytes], float | None] | None = None
    most: int = _MAX_CHAINED
    opcode: slice | None = None
    order: Literal["little", "big"] = "little"


class Fit(NamedTuple):
    """How a candidate fits.

    Attributes
    ----------
    ends : where its complete frames end.
    bits : what speaks for it; negative where it is ruled out.
    waits_for : bytes of the frame that is not complete, as it announces them; 0 where it does not.
    sizes : of the first payloads.
    """

    name: str
    ends: tuple[int, ...]
    bits: float
    waits_for: int = 0
    sizes: tuple[int, ...] = ()


OUT: Final = -1.0


def is_text(piece: bytes, *, cut: bool = True) -> bool:
    """Whether this is UTF-8 without control characters; with `cut` the last character may be incomplete."""
    if piece.translate(None, _CONTROLS) != piece:
        return False
    try:
        piece.decode()
    except UnicodeDecodeError as error:
        return (
            cut
            and error.end == len(piece)
            and len(piece) - error.start < 4
            and error.reason.startswith("unexpected end")
        )
    return True


def _text(payload: bytes) -> float | None:
    return (4.0 if len(payload) > 2 else 2.0) if payload and is_text(payload, cut=False) else None


def _anything(payload: bytes) -> float:
    """What a payload of any sort says of where it was cut out."""
    if len(payload) < 3:
        return 0.0
    if payload[:1] in b"{[" and payload[-1:] in (b"}", b"]"):
        return 8.0
    if len(payload) % 4 == 0 and variant_size(payload) == len(payload):
        return 10.0 if is_structured(payload) else 3.0
    return _TEXT_BITS if is_text(payload, cut=False) else 0.0


def _variant(payload: bytes) -> float | None:
    """A payload that must be a whole Variant; the engine pads none, so its size is the frame's."""
    size = variant_size(payload)
    if size != len(payload):
        return None
    return 24.0 if is_structured(payload) else 12.0 if size > 4 else 4.0


def _bare(frame: bytes) -> float:
    return 14.0 if is_structured(frame) and len(frame) > 8 else 3.0 if len(frame) > 4 else -1.0


def _protobuf(payload: bytes) -> float:
    """Whether a payload can be read as protobuf's fields to its very end."""
    at = fields = 0
    try:
        while at < len(payload):
            tag = varint(payload, at)
            if tag is None or not tag[0] >> 3 or tag[0] >> 3 > 1 << 16:
                return _anything(payload)
            kind, at = tag[0] & 7, tag[1]
            if kind == 0:
                number = varint(payload[at : at + 10], 0)
                at = at + number[1] if number else len(payload) + 1
            elif kind == 2:
                size = varint(payload, at)
                at = size[1] + size[0] if size else len(payload) + 1
            else:
                at += {1: 8, 5: 4}.get(kind, len(payload) + 1)
            fields += 1
    except ValueError:
        return _anything(payload)
    return 6.0 if at == len(payload) and fields else _anything(payload)


def _packet(packet: bytes) -> float | None:
    """What a packet of MQTT says."""
    if packet[0] >> 4 == 1:
        return 30.0 if packet[2:8] in (b"\0\4MQTT", b"\0\6MQIs") or packet[4:8] == b"MQTT" else -20.0
    if packet[0] >> 4 == 2:  # the broker's answer: whether there was a session, and a reason, section 3.2.2
        return 8.0 if len(packet) > 3 and packet[2] < 2 and (packet[3] < 6 or packet[3] & 0x80) else -8.0
    if packet[0] >> 4 == 3:
        start = varint(packet, 1)
        at = start[1] if start else 0
        size = int.from_bytes(packet[at : at + 2])
        if at + 2 + size > len(packet):
            return None  # a topic longer than its packet
        topic = packet[at + 2 : at + 2 + size]
        return 8.0 if len(topic) > 1 and is_text(topic, cut=False) else -8.0
    if packet[0] >> 4 in (8, 10):
        topic = packet[6 : 6 + int.from_bytes(packet[4:6])]
        return 8.0 if topic and is_text(topic, cut=False) else -8.0
    return 2.0


def _line(payload: bytes) -> float | None:
    # Single characters between NULs are UTF-16, or the upper bytes of small numbers.
    return (7.5 if len(payload) > 1 else -2.0) if is_text(payload, cut=False) else None


def _short(length: int) -> float:
    """What one byte says as a length: long messages are rare, and small bytes are in everything."""
    return min(0.7, math.log2(256 / 3.5 / (length + 8)))


def _opcode(piece: bytes, order: Literal["little", "big"]) -> float:
    """What bytes say that should be an opcode: there are hardly ever thousands of them."""
    return 0.0 if len(piece) < 2 else len(piece) / 2 if int.from_bytes(piece, order) < _MOST_OPCODES else -2.0


def _lengths() -> list[Candidate]:
    found = []
    for little, order in ((True, "le"), (False, "be")):
        godot = "" if little else "_be"
        word = LengthCut(4, little_endian=little)
        found.append(Candidate(f"put_var{godot}", word, 6, 4, _variant, _MAX_LENGTH))
        found.append(Candidate(f"put_utf8_string{godot}", word, 9, 4, _text))
        found.append(Candidate(f"u32{order}", word, 6, 4, _anything))
        found.append(
            Candidate(
                f"u32{order}:inclusive", LengthCut(4, little_endian=little, inclusive=True), 6, 4, _anything
            )
        )
        found.append(Candidate(f"u16{order}", LengthCut(2, little_endian=little), 3.5, 2, _anything, 1 << 16))
        found.append(
            Candidate(
                f"u16{order}:inclusive", LengthCut(2, little_endian=little, inclusive=True), 3.5, 2, _anything
            )
        )
        for size, bits in ((2, 2.5), (4, 5.0)):
            for more in (1, 2, 4):
                name = f"u{8 * size}{order}"
                found.append(
                    Candidate(
                        f"{name}:after={more}",
                        LengthCut(size, little_endian=little, after=more),
                        bits,
                        size + more,
                        _anything,
                        opcode=slice(0, more),
                        order=word.order,
                    )
                )
                found.append(
                    Candidate(
                        f"{name}:plus={more}",
                        LengthCut(size, little_endian=little, plus=more),
                        bits,
                        size + more,
                        _anything,
                        opcode=slice(size, size + more),
                        order=word.order,
                    )
                )
    return found


#: In order of preference, where two cut a stream alike.
CANDIDATES: Final[tuple[Candidate, ...]] = (
    *_lengths(),
    Candidate("variants", cut_variants, 1, 0, _bare, _MAX_LENGTH),
    Candidate("mqtt", cut_mqtt, 1.5, 0, _packet),
    Candidate("u8", LengthCut(1, little_endian=True), _short, 1, _anything),
    Candidate("varint", cut_varint, _short, 1, _protobuf),
    Candidate("nul", cut_nul, 0, 0, _line),
    Candidate("signalr", cut_signalr, 2, 0, _line),
)


def fit(candidate: Candidate, data: bytes, reads: Collection[int], pauses: Collection[int]) -> Fit:
    """Walk over the bytes by a candidate.

    Parameters
    ----------
    reads, pauses : positions at which a read ended, and at which nothing more came for a while.
    """
    at, bits, empty = 0, -_MANY_BITS if candidate.opcode else 0.0, 0
    short = callable(candidate.bits)
    ends: list[int] = []
    sizes: list[int] = []
    waits_for = 0
    while at < len(data) and len(ends) < _MOST_FRAMES:
        try:
            found = candidate.cut(data[at:])
        except ValueError:
            return Fit(candidate.name, tuple(ends), OUT)
        if found is None:
            break
        start, stop, size = found if isinstance(found, tuple) else (0, found, found)
        if size > candidate.most or size < 1:
            return Fit(candidate.name, tuple(ends), OUT)
        if at + size > len(data):
            waits_for = size
            break
        inside = data[at + max(start, candidate.header_bytes if start == 0 else 0) : at + stop]
        if candidate.content is not None:
            said = candidate.content(inside) if inside else 0.0
            if said is None:
                return Fit(candidate.name, tuple(ends), OUT)
            # Behind a letter there is text in all text.
            bits += 0.0 if said == _TEXT_BITS and short and ends and 32 <= data[at] < 127 else said
        if candidate.opcode is not None:
            bits += _opcode(data[at : at + size][candidate.opcode], candidate.order)
        empty += not inside
        often = sizes.count(stop - start)
        if not inside:
            # The first byte of a longer length is 0, too.
            bits -= _EMPTY_BITS if ends else 2 * _EMPTY_BITS
        elif not callable(candidate.bits):
            bits += candidate.bits
        elif often < _SAME_SIZE:
            bits += candidate.bits(stop - start)
        at += size
        ends.append(at)
        sizes.append(stop - start)
    if not ends or 2 * empty > len(ends):
        return Fit(candidate.name, tuple(ends), 0.0, waits_for)
    bits += _fitting(ends, reads)
    places = set(ends)
    bits -= min(_MOST_INSIDE, sum(1 for place in reads if place <= at and place not in places))
    if len(ends) == 1 and at < len(data):
        bits -= _LONE_BITS
    # A pause inside a frame is likely only where a long one is on its way.
    waits = [place for place in pauses if place <= at and place not in places]
    bits -= _PAUSE_BITS * len(waits)
    if len(data) in pauses and at < len(data):
        bits -= _PAUSE_BITS if waits_for < 1024 else 2 * _PAUSE_BITS if waits_for > _UNLIKELY_BYTES else 0.0
    return Fit(candidate.name, tuple(ends), bits, waits_for, tuple(sizes))


def _fitting(ends: Sequence[int], reads: Collection[int]) -> float:
    """What it says, in bits, that frames end where reads ended.

    A length that is the size of all that came with it is one in hundreds, however short the frame is. Of several
    frames in a read the last one ends with it by chance the more easily, the shorter they are. Those of a size that
    others have had count less and less.
    """
    seen: dict[int, int] = {}
    bits, last, first, frames = 0.0, 0, 0, 0
    wanted = set(reads)
    for end in ends:
        frames += 1
        if end in wanted:
            size = end - last
            often = seen[size] = seen.get(size, 0) + 1
            mean = (end - first) / frames
            chance = _END_BITS if frames == 1 else min(_END_BITS, math.log2(max(mean, 2.0)))
            bits += chance * min(1.0, _SAME_SIZE / often**2)
            first, frames = end, 0
        last = end
    return bits


def incomplete_variant(data: bytes) -> int:
    """Bytes of a frame of `put_var` that has begun and whose Variant agrees with it so far; 0 where there is none."""
    for candidate in CANDIDATES:
        if not candidate.name.startswith("put_var") or len(data) < 12:
            continue
        found = candidate.cut(data)
        if (
            isinstance(found, Cut)
            and len(data) < found.size <= candidate.most
            and variant_size(data[4:]) == 0
            and is_structured(data, 4)
            and _announces(data, found.size - 8)
        ):
            return found.size
    return 0


def _announces(data: bytes, size: int) -> bool:
    """Whether text that begins behind a frame's length goes as far as that says: `size` bytes behind its type."""
    if data[4] not in _TEXTS:
        return True
    length = int.from_bytes(data[8:12], "little")
    return 4 + length + -length % 4 == size
