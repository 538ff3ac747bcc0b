"""Rules about how connections end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from gdlab.analysis.rules.finding import Finding
from gdlab.facts import US

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gdlab.analysis.rules.evidence import Evidence

#: Close codes of RFC 6455 section 7.4.1 with a finding of their own, where the other end, a Godot, ended the connection
#: (seen in Godot 4.6).
CODES: Final = (1002, 1006, 1007, 1009, 1011)
#: The same where gdlab ended it, because of what the peer had sent.
OURS: Final = (1002, 1007, 1009)


def close_codes(evidence: Evidence) -> Iterator[Finding]:
    """WebSocket connections that ended otherwise than by 1000 or 1001."""
    closed = evidence.event("close") & evidence.transport("ws", "wss")
    if not closed.any():
        return
    ended = evidence.table.loc[closed, ["by", "code"]]
    rows = np.flatnonzero(closed)
    seen: dict[tuple[bool, int], list[int]] = {}
    for row, by, code in zip(rows.tolist(), ended["by"], ended["code"].fillna(0), strict=True):
        ours = by == US
        if code in (OURS if ours else CODES):
            seen.setdefault((ours, int(code)), []).append(row)
    for (ours, code), where in sorted(seen.items(), key=lambda item: -len(item[1])):
        yield Finding.of(
            f"own-close-{code}" if ours else f"close-{code}",
            0.95,
            evidence.at(where),
            ended=len(where),
            connections=len(rows),
        )
