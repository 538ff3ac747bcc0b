"""Rules about what did not arrive: ENet's own throttle, the network, a side that stands still or is slow."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from gdlab.analysis.multiplayer.evidence import Evidence
from gdlab.analysis.rules.finding import Finding
from gdlab.facts import Statement
from gdlab.multiplayer.view import Ints, View

#: Reliable commands that came in order are the proof that the way before the capture loses nothing.
_PROOF: Final = 10
#: Silence of a side while the other repeats itself.
STILL_NS: Final = 3_000_000_000
REPETITIONS: Final = 3
#: Round trips of a side that is slow: at least so long, and so many times its usual ones.
SLOW_MS: Final = 40.0
SLOWER: Final = 3.0
SLOW_SAMPLES: Final = 4


def _missing(evidence: Evidence) -> Iterator[tuple[int, str, int, int, int, int]]:
    """Connection, side, unreliable packets missing and numbered, reliable commands and how many came late."""
    table = evidence.losses
    if table.empty:
        return
    for key, part in table.groupby(["connection", "from"], sort=False):
        connection, side = int(part["connection"].iloc[0]), str(key[1])
        free = part[part["mode"].isin(["unreliable", "unreliable_ordered"])]
        sure = part[part["mode"] == "reliable"]
        missing = int(free["missing_before"].sum())
        if missing:
            yield (
                connection,
                side,
                missing,
                int(free["numbered"].sum()),
                int(sure["seen"].sum()),
                _reliable_late(evidence, connection, side),
            )


def _reliable_late(evidence: Evidence, connection: int, side: str) -> int:
    """Reliable commands that were first seen behind a later one of their channel, at the leg nearest the sender."""
    view = evidence.view
    units = view.units
    mine = (view.connection == connection) & (view.from_client == (side == "client")) & view.near
    chosen = np.flatnonzero(mine & (units["flags"] & 0x80 > 0) & (units["kind"] < 16) & (units["again"] == 0))
    late = 0
    for channel in np.unique(units["channel"][chosen]):
        own = units["sequence"][chosen[units["channel"][chosen] == channel]]
        late += int((np.diff(own) % 65_536 > 32_768).sum())
    return late


def _rose(evidence: Evidence, connection: int) -> Statement | str:
    pace = evidence.pace(connection).sum(axis=1, min_count=2).dropna()
    if len(pace) < 2 or pace.max() < pace.min() * 1.5:
        return ""
    return Statement.of("enet-throttle/rose", low_ms=float(pace.min()), high_ms=float(pace.max()))


def thrown_away(evidence: Evidence) -> Iterator[Finding]:
    """The sender's ENet gave packets a number and then threw them away, as nothing on the way loses anything."""
    for connection, side, missing, numbered, reliable, late in _missing(evidence):
        if late or reliable < _PROOF:
            continue
        yield Finding.of(
            "enet-throttle",
            0.95,
            who=evidence.who(connection, side),
            missing=missing,
            numbered=numbered,
            rose=_rose(evidence, connection),
            reliable=reliable,
        )


def lost_before(evidence: Evidence) -> Iterator[Finding]:
    """Packets are missing, and so are reliable ones: the capture is behind a lossy part of the way."""
    for connection, side, missing, numbered, reliable, late in _missing(evidence):
        if not late and reliable >= _PROOF:
            continue
        yield Finding.of(
            "lost-before-capture",
            0.6,
            who=evidence.who(connection, side),
            missing=missing,
            numbered=numbered,
            told=Statement.of(
                f"lost-before-capture/{'late' if late else 'few'}", late=late, reliable=reliable
            ),
        )


def lost_on_the_way(evidence: Evidence) -> Iterator[Finding]:
    """The far leg, or the relay's own record, tells what the network lost."""
    table = evidence.losses
    if table.empty:
        return
    found = table[(table["mode"] == "datagram") & table["lost_behind"].notna()]
    for connection, part in found.groupby("connection", sort=False):
        share = {
            str(row["from"]): (int(row["lost_behind"]), int(row["seen"])) for row in part.to_dict("records")
        }
        if sum(lost for lost, _ in share.values()) < 3:
            continue
        far = {
            "client": Statement("who/server"),
            "server": evidence.who(int(str(connection)), "client"),
        }
        packets = table[
            (table["connection"] == connection) & table["mode"].isin(["unreliable", "unreliable_ordered"])
        ]
        yield Finding.of(
            "network-loss",
            1.0,
            parts=tuple(
                Statement.of("network-loss/to", share=lost / seen, who=far[side])
                for side, (lost, seen) in share.items()
                if seen
            ),
            counts=tuple(
                Statement.of(f"network-loss/from {side}", lost=lost, seen=seen)
                for side, (lost, seen) in share.items()
            ),
            gone=int(packets["lost_behind"].sum()),
        )


def stood_still(evidence: Evidence) -> Iterator[Finding]:
    """One side is silent for seconds while the other repeats what it wants acknowledged."""
    for connection in evidence.view.connections:
        if connection.links[0].transport != "enet":
            continue
        silences = [_silence(evidence.view, connection.index, side) for side in ("server", "client")]
        found = [silence for silence in silences if silence is not None]
        if not found:
            continue
        # Where both were silent, the second one is the first one's doing: it had given up.
        side, start, stop, repeated, tries, last, answered = min(found, key=lambda silence: silence[1])
        what = evidence.who(connection.index, side)
        other = evidence.who(connection.index, "client" if side == "server" else "server")
        end = (
            Statement.of("stood-still/answered", who=what)
            if answered
            else Statement.of("stood-still/gave up", other=other, seconds=(last - start) / 1e9)
        )
        yield Finding.of(
            "stood-still",
            0.9,
            tuple(int(row) for row in evidence.view.positions[evidence.view.units["row"][repeated[:20]]]),
            case="peer",
            who=what,
            seconds=(stop - start) / 1e9,
            other=other,
            end=end,
            repetitions=len(repeated),
            tries=tries,
        )


def _silence(view: View, connection: int, side: str) -> tuple[str, int, int, Ints, int, int, bool] | None:
    """The longest silence of a side that the other filled with repetitions.

    Given are the side, start and stop, the repetitions, how often one command was repeated, when the other sent
    last, and whether it was still there afterwards.
    """
    units = view.units
    own = (view.connection == connection) & view.near
    theirs = np.sort(view.time_ns[own & (view.from_client == (side == "client"))])
    mine = own & (view.from_client == (side == "server"))
    again = np.flatnonzero(mine & (units["again"] == 1) & (units["flags"] & 0x80 > 0))
    if not len(again) or not len(theirs):
        return None
    edges = np.append(theirs, max(int(view.time_ns[mine].max()), int(theirs[-1])))
    place = int(np.argmax(np.diff(edges)))
    start, stop = int(edges[place]), int(edges[place + 1])
    inside = again[(view.time_ns[again] > start) & (view.time_ns[again] <= stop)]
    if stop - start < STILL_NS or len(inside) < REPETITIONS:
        return None
    numbers = units["channel"][inside] * 65_536 + units["sequence"][inside]
    tries = int(np.unique(numbers, return_counts=True)[1].max())
    if tries < REPETITIONS:
        return None
    last = int(view.time_ns[mine & (view.time_ns <= stop)].max())
    answered = place + 1 < len(theirs) and bool((view.time_ns[mine] > stop).any())
    return side, start, stop, inside, tries, last, answered


def slow_side(evidence: Evidence) -> Iterator[Finding]:
    """One side answers late for a while, and the other does not: its frames are long, the way is not."""
    for connection in evidence.view.connections:
        pace = evidence.pace(connection.index, samples=SLOW_SAMPLES)
        if len(pace) < 4:
            continue
        for side, other in (("server", "client"), ("client", "server")):
            usual, theirs = pace[side].quantile(0.25), pace[other].quantile(0.25)
            # A way that became long shows on both sides, if not in the same second then in the next.
            also = pace[other].rolling(3, center=True, min_periods=1).max() > max(SLOW_MS, 2 * theirs)
            slow = pace[(pace[side] > max(SLOW_MS, SLOWER * usual)) & ~also]
            if slow.empty or len(slow) > len(pace) / 2 or pace[side].max() > 1000:
                continue
            who = evidence.who(connection.index, side)
            yield Finding.of(
                "slow-side",
                0.7,
                who=who,
                seconds=len(slow),
                worst_ms=slow[side].max(),
                usual_ms=usual,
                least_ms=slow[side].min(),
                other_ms=slow[other].max(),
            )
