"""What is recorded of each copy of a packet: its fate, and each stage's share of its time."""

from __future__ import annotations

import struct
from enum import IntEnum, IntFlag
from typing import Any, Final

UP: Final = 0
DOWN: Final = 1
WAYS: Final = ("up", "down")


class Fate(IntEnum):
    """What became of a copy."""

    PASSED = 0
    LOSS = 1  # the link's loss
    QUEUE = 2  # no room before the bottleneck
    CUT = 3  # the line was down
    MTU = 4  # too large for the link, which does not fragment
    LIMIT = 5  # the relay itself held too much
    STOPPED = 6  # it was on the line when the relay stopped
    UNSENT = 7  # the system refused to send it


class Also(IntFlag):
    """What else happened to a copy."""

    NOTHING = 0
    COPY = 1
    DAMAGED = 2
    REORDERED = 4
    HELD = 8
    RESENT = 16


# Operations on members of a flag cost microseconds; where packets pass by the thousand these numbers are used.
COPY: Final = Also.COPY.value
DAMAGED: Final = Also.DAMAGED.value
REORDERED: Final = Also.REORDERED.value
HELD: Final = Also.HELD.value
RESENT: Final = Also.RESENT.value


class Copy:
    """One copy of one packet on its way; times are nanoseconds.

    Attributes
    ----------
    time : arrival. release : when it is due. sent : when it was handed to the system, 0 before.
    delay, queue, serial, order, slot, reorder, hold, stall : what each stage added; ``release`` is ``time`` and these.
    floor : the release before it, which it may not pass where order is kept.
    rank : its place among those of one release; for who sends it, as is `handle`, the packet itself.
    """

    __slots__ = (
        "also",
        "backlog",
        "client",
        "copy",
        "delay",
        "fate",
        "floor",
        "fragments",
        "handle",
        "hold",
        "leave",
        "n",
        "order",
        "pipe",
        "queue",
        "rank",
        "release",
        "reorder",
        "resends",
        "sent",
        "serial",
        "setting",
        "size",
        "slot",
        "stall",
        "state",
        "time",
        "way",
        "wire",
    )

    also: int
    backlog: int
    client: int
    copy: int
    delay: int
    fate: int
    floor: int
    fragments: int
    handle: Any
    hold: int
    leave: int
    n: int
    order: int
    pipe: Any
    queue: int
    rank: int
    release: int
    reorder: int
    resends: int
    sent: int
    serial: int
    setting: int
    size: int
    slot: int
    stall: int
    state: int
    time: int
    way: int
    wire: int

    def __init__(
        self, pipe: Any, way: int, client: int, n: int, copy: int, time: int, size: int, setting: int
    ) -> None:
        self.pipe = pipe
        self.way = way
        self.client = client
        self.n = n
        self.copy = copy
        self.time = time
        self.size = size
        self.setting = setting
        self.fragments = 1
        self.wire = self.fate = self.also = self.state = self.backlog = self.resends = self.sent = 0
        self.delay = self.queue = self.serial = self.order = self.slot = self.reorder = 0
        self.hold = self.stall = self.floor = self.rank = 0
        self.leave = self.release = time
        self.handle = None

    def __lt__(self, other: object) -> bool:
        """Nothing: in a heap behind release and rank, where only the same copy can be twice."""
        return False

    def packed(self) -> bytes:
        """The numbers of `FIELDS`, as the relay's process sends them."""
        return RECORD.pack(
            self.way,
            self.client,
            self.n,
            self.copy,
            self.time,
            self.size,
            self.wire,
            self.fragments,
            self.fate,
            self.also,
            self.state,
            self.delay,
            self.queue,
            self.serial,
            self.backlog,
            self.order,
            self.slot,
            self.reorder,
            self.hold,
            self.stall,
            self.resends,
            self.release,
            self.sent,
            self.setting,
        )


#: Order of the numbers of a record, all int64.
FIELDS: Final = (
    "way",
    "client",
    "n",
    "copy",
    "time",
    "size",
    "wire",
    "fragments",
    "fate",
    "also",
    "state",
    "delay",
    "queue",
    "serial",
    "backlog",
    "order",
    "slot",
    "reorder",
    "hold",
    "stall",
    "resends",
    "release",
    "sent",
    "setting",
)
RECORD: Final = struct.Struct(f"={len(FIELDS)}q")
