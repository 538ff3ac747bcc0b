"""Which framing a stream uses, judged by its first bytes.

Two sorts of evidence. Some streams name themselves: TLS, HTTP, a Content-Length, STOMP, JSON, lines of text. All
others are tried with every framing there is (`evidence.CANDIDATES`), and the best is taken if it is far enough ahead
of every other that would cut the stream otherwise. Where none is, the stream is kept raw, which is never wrong; a
guess is only a view, and is taken back as soon as more bytes speak against it.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Final, NamedTuple

from gdlab.framing import signatures
from gdlab.framing.evidence import CANDIDATES, Fit, fit, incomplete_variant, is_text

#: Undecided streams of so many bytes are taken as they come.
MOST_BYTES: Final = 4096

#: A guess is made with this much evidence, and is certain with that much; both are bits.
LIKELY_BITS: Final = 6.5
CERTAIN_BITS: Final = 28.0
#: A framing of lengths whose first bytes are text needs so much more.
_LETTER_BITS: Final = 3.0
#: What a frame says whose Variant has begun and is not yet there.
WAITING_BITS: Final = 20
#: The best must be so far ahead of the next that cuts the stream otherwise.
_AHEAD_BITS: Final = 3.0

_JSON_OBJECT: Final = re.compile(rb"\s*+\{\s*+([^\s])")
_JSON_ARRAY: Final = re.compile(rb"\s*+\[\s*+([-+.\w]*+)\s*+([^\s])")
_SCALAR: Final = re.compile(rb"-?\d++(?:\.\d++)?(?:[eE][-+]?\d++)?|true|false|null")
_JSON_GOES_ON: Final = re.compile(rb"[}\]]\s*+[{\[]")
_HEADERS: Final = re.compile(rb"(?i:content-(?:length|type)): ?[^\r\n]{1,200}\r\n")
_HEADERS_BEGUN: Final = b"content-length:"
_STOMP: Final = re.compile(
    rb"(?:CONNECT|STOMP|CONNECTED|SEND|SUBSCRIBE|UNSUBSCRIBE|ACK|NACK|BEGIN|COMMIT|ABORT|DISCONNECT|MESSAGE|RECEIPT|ERROR)"
    rb"\r?\n(?:[A-Za-z0-9_.-]{1,100}:[^\r\n]*\r?\n)*\r?\n"
)
_STOMP_BEGUN: Final = re.compile(
    rb"(?:CONNECT|STOMP|CONNECTED|SEND|SUBSCRIBE|MESSAGE)\r?(?:\n(?:[A-Za-z0-9_.-]{1,100}(?::[^\r\n]*\r?)?)?)*\Z"
)


class Guess(NamedTuple):
    """The name of a framing, and why it is thought to be that.

    Attributes
    ----------
    certain : more bytes will hardly change it.
    case : which sort of evidence there was; its sentences are those of the reason `framing_guessed`.
    frames : complete frames that were seen.
    waits_for : bytes of the frame that is on its way, where it announces them.
    bits : how much speaks for it, where that was weighed.
    protocol : what it is called, where it is somebody else's protocol.
    """

    name: str
    certain: bool
    case: str
    frames: int = 0
    waits_for: int = 0
    bits: int = 0
    protocol: str = ""


def guess(
    head: bytes, *, reads: Collection[int] = (), pauses: Collection[int] = (), final: bool = False
) -> Guess | None:
    """The framing of a stream that begins with `head`, or None: not yet.

    Parameters
    ----------
    head : the first bytes; more than `MOST_BYTES` are not looked at.
    reads : the positions in it at which reads ended. Senders mostly write whole messages.
    pauses : those of them at which nothing more came for a while.
    final : answer with what is there, because the stream has ended or the peer waits.

    Notes
    -----
    With more bytes the answer may be another one as long as it is not certain.
    """
    whole, head = len(head), head[:MOST_BYTES]
    if not head:
        return Guess("raw", False, "nothing") if final else None
    full = whole >= MOST_BYTES
    named = signatures.of_stream(head)
    if named is not None and named.framing:
        return Guess(named.framing, named.certain, named.advice, protocol=named.name)
    found = (
        _text(head, reads, pauses, final=final or full)
        if is_text(head[:4])
        else _binary(head, reads, pauses, final=final)
    )
    if found is None and (final or full):
        found = Guess("raw", full, "unknown")
    return found


def _text(head: bytes, reads: Collection[int], pauses: Collection[int], *, final: bool) -> Guess | None:
    """A stream that begins as text, or None: not yet."""
    if len(head) < 4 and not final:
        return None
    if _HEADERS.match(head):
        return Guess("content_length", True, "content_length")
    if _STOMP.match(head):
        return Guess("nul", True, "stomp", protocol="STOMP")
    if not final and _STOMP_BEGUN.match(head):
        return None
    if not final and (signatures.HTTP_BEGUN.match(head) or _HEADERS_BEGUN.startswith(head[:15].lower())):
        return None
    opening = head.lstrip()[:1]
    if not opening and not final:
        return None  # white space may stand before lines and before JSON alike
    if opening in (b"{", b"["):
        if b"}\x1e" in head:
            return Guess("signalr", True, "signalr", protocol="SignalR")
        verdict = _json(head)
        if verdict is None and not final:
            return None
        if verdict:
            # Behind the first value there may be a separator still.
            return Guess("json", _JSON_GOES_ON.search(head) is not None, "json")
    line, feed, _ = head.partition(b"\n")
    if not is_text(head):
        return _mixed(head, line, feed, reads, pauses)
    if final and not head.endswith(b"\n"):
        # A letter may be a length, too. Of several that is too easily so by chance.
        best = _chained(head, reads, pauses, doubt_bits=_LETTER_BITS)
        if best is not None and best.frames == 1:
            return best
    if not feed:
        return Guess("raw", False, "text") if final else None
    feeds = head.count(b"\n")
    torn = sum(1 for place in pauses if place <= len(head) and head[place - 1 : place] != b"\n")
    if feeds < 2 * torn:
        return Guess("raw", False, "text")
    return Guess("lines", feeds >= 2, "lines", feeds)


def _mixed(
    head: bytes, line: bytes, feed: bytes, reads: Collection[int], pauses: Collection[int]
) -> Guess | None:
    """A stream that begins as text and has control characters later."""
    best = _chained(head, reads, pauses, doubt_bits=_LETTER_BITS)
    if best is not None:
        return best
    if feed and is_text(line, cut=False) and len(line) > 3 and b"\0" not in head[:64]:
        return Guess("lines", False, "lines", 1)
    return Guess("raw", False, "controls")


def _json(head: bytes) -> bool | None:
    """Whether an opening bracket begins JSON; None while that is open."""
    if match := _JSON_OBJECT.match(head):
        return match[1] in b'"}'
    if not (match := _JSON_ARRAY.match(head)):
        return None
    word, after = match.groups()
    if not word:
        return after in b'[{"]'
    # "[12:00] hello" and "[net] hello" are lines of a log
    return after in b",]" and _SCALAR.fullmatch(word) is not None


def _binary(head: bytes, reads: Collection[int], pauses: Collection[int], *, final: bool) -> Guess | None:
    """A stream with control characters: frames with lengths, or nothing that can be known."""
    if len(head) < 2:
        return None
    return _chained(head, reads, pauses) or (Guess("raw", False, "unknown") if final else None)


def _chained(
    head: bytes, reads: Collection[int], pauses: Collection[int], *, doubt_bits: float = 0.0
) -> Guess | None:
    """The candidate that fits best, if it is far enough ahead; None where none is."""
    fits = [fit(candidate, head, reads, pauses) for candidate in CANDIDATES]
    # Stable: of those that fit equally well the preferred comes first.
    ranked = sorted((one for one in fits if one.ends and one.bits > 0), key=lambda one: -one.bits)
    waits_for = incomplete_variant(head)
    # Lengths of one byte are found in all text.
    if waits_for and not (ranked and ranked[0].bits > WAITING_BITS and ranked[0].name.startswith("u32")):
        name = "put_var" if head[2:4] == b"\0\0" or head[3] == 0 else "put_var_be"
        return Guess(name, False, "waiting", 0, waits_for, WAITING_BITS)
    # A length may look like a type, and what is inside the first Variant brings such a chain back into step; that a
    # length is the size of the Variant behind it is no chance.
    if any(one.name.startswith("put_var") for one in ranked):
        ranked = [one for one in ranked if one.name != "variants"]
    if not ranked:
        return None
    best = ranked[0]
    # The types of bare numbers look like lengths that are all the same.
    bare = next((one for one in ranked if one.name == "variants" and len(one.ends) > 2), best)
    if ":" in best.name and bare.ends == best.ends:
        best = bare
    rival = max((one.bits for one in ranked if not _alike(one, best)), default=0.0)
    if best.bits < doubt_bits + LIKELY_BITS or best.bits - rival < _AHEAD_BITS:
        return None
    certain = best.bits >= CERTAIN_BITS and len(best.ends) > 1
    case = "variants" if best.name in ("variants", "put_var", "put_var_be") else "lengths"
    if best.name in ("nul", "signalr"):
        case = "separator"
    protocol = "MQTT" if best.name == "mqtt" else ""
    return Guess(best.name, certain, case, len(best.ends), best.waits_for, int(best.bits), protocol)


def _alike(one: Fit, other: Fit) -> bool:
    """Whether both cut the stream at the same places, as far as both go."""
    count = min(len(one.ends), len(other.ends))
    return one.ends[:count] == other.ends[:count]
