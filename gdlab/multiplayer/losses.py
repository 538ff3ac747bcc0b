"""What did not arrive, and where it went: ENet numbers everything it sends, also what it then throws away."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from gdlab.multiplayer.sequences import Ints, unwrapped
from gdlab.multiplayer.view import View

#: Groups of numbers: (kind of numbering, mode).
RELIABLE, ORDERED, UNRELIABLE = "reliable", "unreliable_ordered", "unreliable"
#: Not numbered: what the network carries.
DATAGRAM: Final = "datagram"
_COLUMNS: Final = (
    "connection",
    "from",
    "mode",
    "channel",
    "numbered",
    "seen",
    "missing_before",
    "resent",
    "late",
    "lost_behind",
    "seen_behind",
)
#: Words of a column `fate` for what did not come out of a relay.
_GONE: Final = {"dropped", "loss", "lost", "queue", "cut", "rule", "limit", "mtu"}


@dataclass(frozen=True, slots=True)
class Numbers:
    """Numbered things of one kind that passed a place, in order of time.

    Attributes
    ----------
    keys : numbers without a wrap, one each time something passed.
    first : whether it is the first copy.
    missing : numbers that never passed: in gaps, and before the first where the beginning was captured.
    late : first copies that came behind a higher number.
    """

    keys: Ints
    first: npt.NDArray[np.bool_]
    missing: int
    late: int


def losses(view: View, fates: pd.Series | None = None) -> pd.DataFrame:
    """One row for each connection, sender, mode and channel that ENet numbers by itself, and one for its datagrams.

    Parameters
    ----------
    fates : per row of the table what became of it, such as ``dropped``, where the capture's owner knows; without,
        what was lost behind is known only where a relay's far leg is in the table.

    Returns
    -------
    `connection`, `from` (client or server), `mode` (datagram: what the network carries, acknowledgements too),
    `channel` (ENet's; -1 for unsequenced packets, numbered over all channels), `numbered` (packets the sender gave a
    number), `seen` (at the leg nearest the sender), `missing_before` (numbered, and never seen there: thrown away by
    the sender's own throttle, or lost before that leg; only of unreliable packets), `resent` (copies of reliable
    commands), `late` (first seen behind a higher number, at the far leg where there is one), `lost_behind` (seen near
    the sender and not at the far leg, or dropped by `fates`; missing where neither tells), `seen_behind`.

    Notes
    -----
    ENet 1.3.18, ``enet_protocol_check_outgoing_commands``: a packet gets its number first, the throttle decides
    then, and what it throws away leaves a gap. Unreliable sequenced numbers start anew with each reliable command
    on their channel.
    """
    columns = view.units
    kind = columns["kind"]
    rows: list[tuple[object, ...]] = []
    dropped = None if fates is None else lost_rows(fates)[columns["row"]]
    for connection in view.connections:
        if connection.links[0].transport != "enet":
            continue
        for from_client in (True, False):
            link, far = connection.nearest(from_client), connection.farthest(from_client)
            out = link.from_client if from_client else 1 - link.from_client
            mine = (columns["link"] == link.index) & (columns["out"] == out)
            if not mine.any():
                continue
            theirs = np.zeros(len(kind), np.bool_)
            if far is not None:
                far_out = far.from_client if from_client else 1 - far.from_client
                theirs = (columns["link"] == far.index) & (columns["out"] == far_out)
            way = (connection.index, "client" if from_client else "server")
            rows.append(
                (*way, DATAGRAM, -1, *_datagrams(view, mine, theirs if far is not None else None, dropped))
            )
            others = {(m, c): part for m, c, part in _groups(columns, theirs)}
            for mode, channel, chosen in _groups(columns, mine):
                numbers = _numbers(columns, chosen, mode, known_start=link.connected)
                seen, late = int(numbers.first.sum()), numbers.late
                reached: Ints | None = None
                if far is not None:
                    reached = np.empty(0, np.int64)
                    if (mode, channel) in others:
                        there = _numbers(columns, others[mode, channel], mode, known_start=far.connected)
                        reached, late = there.keys, there.late
                elif dropped is not None:
                    reached = numbers.keys[~dropped[chosen]]
                behind = None if reached is None else len(np.intersect1d(numbers.keys, reached))
                missing = numbers.missing if mode != RELIABLE else 0
                resent = int(columns["again"][chosen].sum())
                lost = None if behind is None else seen - behind
                rows.append((*way, mode, channel, seen + missing, seen, missing, resent, late, lost, behind))
    table = pd.DataFrame(rows, columns=list(_COLUMNS))
    return table.astype({"lost_behind": "Int64", "seen_behind": "Int64"}) if rows else table


def lost_rows(fates: pd.Series) -> npt.NDArray[np.bool_]:
    """Which rows were lost behind the place of capture, by what their column `fate` tells."""
    return fates.astype(str).str.lower().isin(_GONE).to_numpy(dtype=np.bool_)


def _datagrams(
    view: View,
    mine: npt.NDArray[np.bool_],
    theirs: npt.NDArray[np.bool_] | None,
    dropped: npt.NDArray[np.bool_] | None,
) -> tuple[object, ...]:
    """The last seven columns for whole datagrams, matched by their bytes on the two legs."""
    rows = np.unique(view.units["row"][mine])
    seen = len(rows)
    lost: int | None = None
    if theirs is not None:
        arrived = Counter(view.payload(row) for row in np.unique(view.units["row"][theirs]).tolist())
        sent = Counter(view.payload(row) for row in rows.tolist())
        lost = (sent - arrived).total()
    elif dropped is not None:
        lost = len(np.unique(view.units["row"][mine & dropped]))
    return seen, seen, 0, 0, 0, lost, None if lost is None else seen - lost


def _groups(columns: dict[str, Ints], mine: npt.NDArray[np.bool_]) -> list[tuple[str, int, Ints]]:
    """Units that are numbered together."""
    kind, channel, flags = columns["kind"], columns["channel"], columns["flags"]
    found: list[tuple[str, int, Ints]] = []
    wants = mine & (flags & 0x80 > 0) & (kind < 16)
    ordered = mine & ((kind == 7) | (kind == 12))
    for mode, chosen in ((RELIABLE, wants), (ORDERED, ordered)):
        found += [
            (mode, int(number), np.flatnonzero(chosen & (channel == number)))
            for number in np.unique(channel[chosen])
        ]
    free = np.flatnonzero(mine & (kind == 9))
    if len(free):
        found.append((UNRELIABLE, -1, free))
    return found


def _numbers(columns: dict[str, Ints], chosen: Ints, mode: str, *, known_start: bool) -> Numbers:
    if mode == ORDERED:
        return _ordered(columns, chosen)
    raw = columns["sequence" if mode == RELIABLE else "number"][chosen]
    keys = unwrapped(raw)
    _, at = np.unique(keys, return_index=True)
    first = np.zeros(len(keys), np.bool_)
    first[at] = True
    distinct = int(first.sum())
    begin = 1 if known_start and len(keys) and 1 <= keys.min() < 32_768 else int(keys.min())
    missing = int(keys.max()) - begin + 1 - distinct
    highest = np.maximum.accumulate(keys)
    return Numbers(keys, first, missing, int((first & (keys < highest)).sum()))


def _ordered(columns: dict[str, Ints], chosen: Ints) -> Numbers:
    """Numbers that start anew behind each reliable command of the channel; fragments of a packet share one."""
    outer, inner = unwrapped(columns["sequence"][chosen]), columns["number"][chosen]
    keys = outer * 65_536 + inner
    missing = late = 0
    first = np.zeros(len(keys), np.bool_)
    order = np.argsort(outer, kind="stable")
    starts = np.flatnonzero(np.diff(outer[order], prepend=outer[order[:1]] - 1))
    for part in np.split(order, starts[1:]):
        own = unwrapped(inner[part])
        keys[part] = (int(outer[part[0]]) << 40) + own
        _, at = np.unique(own, return_index=True)
        first[part[at]] = True
        begin = 1 if 1 <= own.min() < 32_768 else int(own.min())
        missing += int(own.max()) - begin + 1 - len(at)
        late += int((first[part] & (own < np.maximum.accumulate(own))).sum())
    return Numbers(keys, first, missing, late)
