"""Rules about where delay comes from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from gdlab.analysis.columns import codes
from gdlab.analysis.frame_rates import MIN_SAMPLES, frame_rate
from gdlab.analysis.rules.finding import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gdlab.analysis.rules.evidence import Evidence

#: Peers looked at for a frame rate: those with most answers.
PEERS: Final = 8
#: Where delayed acknowledgements put round trips: Linux waits 40 ms at least, Windows and macOS up to 200
#: (RFC 1122 section 4.2.3.2 allows 500).
PLATEAUS_MS: Final = ((40, 37.0, 49.0), (200, 190.0, 225.0))
#: Parts of the time in which a climb must go on from each to the next, and the answers needed in each.
PARTS: Final = 5
IN_PART: Final = 8
#: A climb ends at a second at least, and at so many times where it began; a part may fall short of the one before by
#: so much, as a full queue stays where it is.
CLIMBED_MS: Final = 1000.0
CLIMBED: Final = 5.0
SLACK: Final = 0.9


def frame_quantisation(evidence: Evidence) -> Iterator[Finding]:
    """Answers come at the beat of the game's frames."""
    trips = evidence.trips
    answered = trips[trips["rtt_ms"].notna()]
    if len(answered) < MIN_SAMPLES:
        return
    for peer in answered["peer"].value_counts().index[:PEERS].tolist():
        found = frame_rate(trips, peer=str(peer), trips=trips)
        if found is None or _is_timed(_of_streams(answered[answered["peer"] == peer])):
            continue
        yield Finding.of(
            "frame-rate",
            0.99,
            peer=found.peer,
            hz=found.hz,
            concentration=found.concentration,
            n=found.n,
            wait_ms=found.wait_ms,
            rtt_ms=found.rtt_ms,
            path_ms=found.path_ms,
            explained=found.explained,
        )


def nagle(evidence: Evidence) -> Iterator[Finding]:
    """Round trips of a stream pile up where delayed acknowledgements would put them."""
    rtt = _of_streams(evidence.trips)
    for name, low, high, inside, beside in _plateaus(rtt):
        yield Finding.of(
            "nagle",
            0.8,
            at_ms=name,
            inside=inside,
            of=len(rtt),
            low_ms=low,
            high_ms=high,
            beside=beside,
            width_ms=2 * (high - low),
            median_ms=np.median(rtt),
        )


def _of_streams(trips: pd.DataFrame) -> npt.NDArray[np.float64]:
    """The round trips over streams, in milliseconds."""
    endpoint, names = codes(trips, "endpoint")
    stream = np.array([*(str(name).startswith(("tcp:", "ws:", "wss:")) for name in names), False])[endpoint]
    rtt = trips["rtt_ms"].to_numpy(dtype=np.float64)[stream]
    known: npt.NDArray[np.float64] = rtt[~np.isnan(rtt)]
    return known


def _is_timed(rtt: npt.NDArray[np.float64]) -> bool:
    """Whether most answers waited for a delayed acknowledgement: those come at the beat of the system's own timer."""
    return any(2 * inside >= len(rtt) for *_, inside, _ in _plateaus(rtt))


def _plateaus(rtt: npt.NDArray[np.float64]) -> Iterator[tuple[int, float, float, int, int]]:
    """Where round trips pile up as `PLATEAUS_MS` says: its numbers, how many are there and beside."""
    if len(rtt) < 30:
        return
    for name, low, high in PLATEAUS_MS:
        inside = int(((rtt >= low) & (rtt < high)).sum())
        width = high - low
        beside = int(
            ((rtt >= low - width) & (rtt < low)).sum() + ((rtt >= high) & (rtt < high + width)).sum()
        )
        # A plateau: a tenth of all, and ten times as dense as its surroundings.
        if inside >= max(10, 0.1 * len(rtt)) and inside > 5 * beside:
            yield name, low, high, inside, beside


def climbing(evidence: Evidence) -> Iterator[Finding]:
    """Round trips grow and grow: messages come faster than they are read."""
    trips = evidence.trips
    answered = trips[trips["rtt_ms"].notna()]
    if len(answered) < PARTS * IN_PART:
        return
    for peer in answered["peer"].value_counts().index[:PEERS].tolist():
        mine = answered[answered["peer"] == peer]
        if len(mine) < PARTS * IN_PART:
            break
        rtt = mine["rtt_ms"].to_numpy(dtype=np.float64)
        # A single stall is no climb: after it the round trips fall.
        parts = np.array([np.median(part) for part in np.array_split(rtt, PARTS)])
        first, last = parts[0], parts[-1]
        if last < CLIMBED_MS or last < CLIMBED * first or (parts[1:] < SLACK * parts[:-1]).any():
            continue
        when = mine["time"]
        took_s = (when.iloc[-1] - when.iloc[0]).total_seconds()
        end = when.iloc[-1] + pd.Timedelta(milliseconds=float(rtt[-1]))
        asked, heard = evidence.said(str(peer), *(each.as_unit("ns").value for each in (when.iloc[0], end)))
        yield Finding.of(
            "overload",
            0.9,
            evidence.rows_at(when.iloc[-1:]),
            peer=str(peer),
            rtt_s=last / 1e3,
            medians_ms=tuple(f"{part:.0f}" for part in parts),
            seconds=took_s,
            n=len(mine),
            asked=asked,
            heard=heard,
        )
