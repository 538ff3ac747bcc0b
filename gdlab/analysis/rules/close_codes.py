"""Rules about how connections end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from gdlab.analysis.rules.facts import POINTED
from gdlab.analysis.rules.finding import Finding
from gdlab.facts import US

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gdlab.analysis.rules.facts import Facts

#: What the close codes of RFC 6455 section 7.4.1 mean where the other end, a Godot, ended the connection (seen in
#: Godot 4.6).
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
}

#: The same where gdlab ended it, because of what the peer had sent.
OURS: Final = {
    1002: (
        "the peer broke the protocol",
        "The row of event error before the close names what was wrong with its frame.",
    ),
    1007: CODES[1007],
    1009: (
        "a message beyond this capture's own limit",
        "Raise max_message_bytes where the capture is made, or send less at once.",
    ),
    1011: ("an error in gdlab", "The log has the traceback; please report it."),
}


def close_codes(facts: Facts) -> Iterator[Finding]:
    """WebSocket connections that ended otherwise than by 1000 or 1001."""
    closed = facts.event("close") & facts.transport("ws", "wss")
    ended = facts.table.loc[closed, ["by", "code"]]
    rows = np.flatnonzero(closed)
    seen: dict[tuple[bool, int], list[int]] = {}
    for row, by, code in zip(rows.tolist(), ended["by"], ended["code"].fillna(0), strict=True):
        ours = by == US
        if code in (OURS if ours else CODES):
            seen.setdefault((ours, int(code)), []).append(row)
    for (ours, code), where in sorted(seen.items(), key=lambda item: -len(item[1])):
        meaning, advice = (OURS if ours else CODES)[code]
        who = "were ended by gdlab" if ours else "ended"
        yield Finding(
            f"own-close-{code}" if ours else f"close-{code}",
            0.95,
            f"{len(where):,} of {len(rows):,} WebSocket connections {who} with {code}: {meaning}.",
            f"close code {code} in {len(where):,} rows" + (", sent by gdlab" if ours else ""),
            advice,
            "The close code is the only word about why; a program that quits without closing says nothing.",
            tuple(where[:POINTED]),
        )
