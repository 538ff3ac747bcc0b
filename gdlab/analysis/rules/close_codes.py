"""Rules about how connections end."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Final

from gdlab.analysis.rules.finding import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gdlab.analysis.rules.facts import Facts

_CODE: Final = re.compile(r"(?<![\d.])(-1|1\d{3})(?![\d.])")
#: What the close codes of RFC 6455 section 7.4.1 mean with a Godot at the other end (seen in Godot 4.6).
CODES: Final = {
    1002: (
        "a protocol error",
        (
            "Godot closes so for a masked frame from a server or a compressed one: switch compression off in "
            "the server."
        ),
    ),
    1006: (
        "no close frame at all",
        (
            "The game quit, freed its peer, called close(-1), or the network broke: "
            "Godot sends no close frame when it quits. "
            "Call close() and keep polling for a few frames before quitting."
        ),
    ),
    1007: (
        "text that is not UTF-8",
        "Send bytes as binary frames (put_packet, send), only text by send_text.",
    ),
    1009: (
        "a message too big for the receiver",
        "Godot's default is 65,535 bytes: raise inbound_buffer_size before connecting, or send less at once.",
    ),
    1011: (
        "an error or a missing answer to a keep-alive ping",
        (
            "Python's websockets closes so when no pong came for 20 s. "
            "A game answers pings in poll(): a paused or blocked game looks dead. "
            "Poll while paused, or set ping_interval=None."
        ),
    ),
    -1: (
        "no close frame, as Godot reports it",
        "The connection ended without the closing handshake; see 1006.",
    ),
}


def close_codes(facts: Facts) -> Iterator[Finding]:
    """WebSocket connections that ended otherwise than by 1000 or 1001."""
    closed = facts.event("close") & facts.transport("ws", "wss")
    rows, details = facts.details(closed)
    seen: dict[int, list[int]] = {}
    for row, text in zip(rows, details, strict=True):
        found = _CODE.search(text)
        if found and int(found[1]) in CODES:
            seen.setdefault(int(found[1]), []).append(row)
    for code, where in Counter({code: len(at) for code, at in seen.items()}).most_common():
        meaning, advice = CODES[code]
        yield Finding(
            f"close-{abs(code)}",
            0.95,
            f"{where} of {len(rows)} WebSocket connections ended with {code}: {meaning}.",
            f"close code {code} in {where} rows",
            advice,
            "The close code is the only word about why; a program that quits without closing says nothing.",
            tuple(seen[code][:20]),
        )
