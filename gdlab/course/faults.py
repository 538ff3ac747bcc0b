"""Hidden faults: what is wrong with a path, by a seed."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final

from gdlab.impair import Link
from gdlab.impair.streams import Stream

#: Where a fault may be, in the order in which a message comes by, each as a student may call it.
PLACES: Final = {
    "up": ("up", "way up", "to the server", "client to server", "sender to relay", "a"),
    "server": ("server", "the server", "program", "the program", "in the server", "relay", "b"),
    "down": ("down", "way down", "to the client", "server to client", "relay to receiver", "c"),
}
#: How much of what, and what it does. Sizes are those that a student can measure.
KINDS: Final = {
    "loss": ("%", "messages are missing, each by itself"),
    "burst": ("%", "messages are missing, several in a row"),
    "delay": ("ms", "every message takes longer, all about the same: the median of the one-way delay"),
    "jitter": (
        "ms",
        "messages take differently long, for a while each: the standard deviation of the one-way delay",
    ),
    "duplicate": ("%", "messages come twice"),
    "reorder": ("%", "messages come after one that set out later"),
}
#: What a healthy way does.
HEALTHY: Final = Link(delay_ms=20, jitter_ms=1, jitter_over_ms=20)
#: A reordered message is held back for so long.
_HELD_MS: Final = 60.0
#: The least and the most of each kind.
_SIZES: Final = {
    "loss": (4, 14),
    "burst": (10, 16),
    "delay": (60, 200),
    "jitter": (25, 55),
    "duplicate": (4, 12),
    "reorder": (3, 10),
}
#: Short enough that 600 messages have many runs, and none of them could pass for chance.
_RUNS: Final = (3, 4)


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault.

    Attributes
    ----------
    place, kind : of `PLACES`, `KINDS`.
    set_to : what is set: a share in per cent; of a delay or a jitter milliseconds.
    run : of a burst, messages in a row on average.
    """

    place: str
    kind: str
    set_to: int
    run: int = 1

    def link(self, way: str) -> Link:
        """What a way does to packets."""
        if way != self.place:
            return HEALTHY
        share = self.set_to / 100
        changes: dict[str, object] = {
            "loss": {"loss": share},
            "burst": {"loss": share, "burst": float(self.run)},
            "delay": {"delay_ms": float(self.set_to)},
            "jitter": {
                "delay_ms": HEALTHY.delay_ms + self.set_to,
                "jitter_ms": float(self.set_to),
                "jitter_over_ms": 60.0,
            },
            "duplicate": {"duplicate": share},
            "reorder": {"reorder": share, "reorder_ms": _HELD_MS},
        }[self.kind]  # type: ignore[assignment]
        return HEALTHY.with_(changes)


def number_of(seed: int | str) -> int:
    """A seed as a number: a student's name gives always the same one."""
    if isinstance(seed, int):
        return seed
    return int.from_bytes(hashlib.sha256(seed.strip().casefold().encode()).digest()[:4], "big")


def fault_of(seed: int) -> Fault:
    """The fault that a seed stands for: each kind at each place where it can be is equally likely."""

    def chance(stage: str) -> float:
        return Stream(seed, 0, "mystery", stage).at(0)

    able = [
        (place, kind) for place in PLACES for kind in KINDS if place != "server" or kind == "loss"
    ]  # what a server does to time and order shows on its way to the client, as the network's does
    place, kind = able[int(chance("fault") * len(able))]
    least, most = _SIZES[kind]
    set_to = least + int(chance("size") * (most - least + 1))
    run = _RUNS[0] + int(chance("run") * (_RUNS[1] - _RUNS[0] + 1)) if kind == "burst" else 1
    return Fault(place, kind, set_to, run)
