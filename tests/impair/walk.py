"""Packets through a path under virtual time."""

from __future__ import annotations

from collections.abc import Iterable

from gdlab.impair import Copy, Link, Path
from gdlab.impair.loss import Streams, deciding

START_NS = 1_700_000_000_000_000_000


def walk(
    link: Link, count: int, *, rate: float = 1000.0, size: int = 100, seed: int = 7, streams: bool = False
) -> list[Copy]:
    """Copies of evenly spaced packets of one client going up."""
    path = Path(seed, link, link, streams=streams)
    if streams:
        path.pipe(1, "down")
    return through(path, (START_NS + round(i * 1e9 / rate) for i in range(count)), size)


def through(
    path: Path, times: Iterable[int], size: int = 100, client: int = 1, way: str = "up"
) -> list[Copy]:
    """Copies of packets that come at these times."""
    copies: list[Copy] = []
    for time_ns in times:
        copies += path.arrive(client, way, time_ns, size)
    return copies


def lost(copies: Iterable[Copy]) -> set[int]:
    """Numbers of the packets that were lost by the link's loss."""
    return {copy.n for copy in copies if copy.fate == 1 and not copy.copy}


def lost_by(link: Link, count: int, *, rate: float = 1000.0, seed: int = 7) -> list[int]:
    """Numbers that what decides on losses loses of so many packets: those of `lost(walk(...))`, without their ways.

    That they are the same is looked at for the first of them; a packet's way takes five times as long.
    """
    losing = deciding(
        Streams(seed, 1, "up"),
        loss=link.loss,
        burst=link.burst,
        burst_ms=link.burst_ms,
        model=link.loss_model,
        began_ns=START_NS,
    )
    gone = [i for i in range(count) if losing.loses(i, START_NS + round(i * 1e9 / rate), 1)]
    assert {i for i in gone if i < 5000} == lost(walk(link, min(count, 5000), rate=rate, seed=seed))
    return gone


def bursts(numbers: Iterable[int]) -> int:
    """Runs of numbers that follow on each other."""
    known = set(numbers)
    return sum(number - 1 not in known for number in known)
