"""What a session hands back: what happened on its connection, for the endpoint to act on.

A session knows a protocol and nothing else: no socket, no store, no endpoint. Its methods are iterators of these, and
the endpoint acts on each before it asks for the next one. So what answers a message is encoded before what comes behind
it, and is no plain message, is looked at, as a game sees it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple, TypeAlias, Union

import numpy as np
import numpy.typing as npt

from gdlab.facts import Fact
from gdlab.messages import Event, Kind, TimeSource
from gdlab.payloads import Int64, UInt8

if TYPE_CHECKING:
    from gdlab.framing import Read


class Arrived(NamedTuple):
    """A message.

    Attributes
    ----------
    wire_bytes : what it took on the wire, headers included.
    word : how it was cut out of a stream.
    asks : whether it may be answered; False where it has been before.
    """

    payload: bytes
    kind: Kind
    wire_bytes: int
    time_ns: int
    time_source: TimeSource
    fact: Fact | None = None
    word: str = ""
    asks: bool = True


class ManyArrived(NamedTuple):
    """Messages of one read, or of several.

    Attributes
    ----------
    payloads : one behind the other. sizes, wire_bytes : (n,) int64. kinds : (n,) codes of `kind`.
    time_ns : of all, or (n,) of each; of all where they may be answered.
    asks : whether they may be answered; they do stand one behind the other then.
    starts : (n,) int64, where each begins in `payloads`, which then holds more; None where they stand as said.
    words : of those that were cut out otherwise, with their numbers.
    """

    payloads: UInt8
    sizes: Int64
    wire_bytes: Int64
    kinds: npt.NDArray[np.int8]
    time_ns: int | Int64
    time_source: TimeSource
    word: str = ""
    asks: bool = False
    starts: Int64 | None = None
    words: Sequence[tuple[int, str]] = ()


class Noted(NamedTuple):
    """Something that becomes a row and is no message."""

    event: Event
    fact: Fact
    payload: bytes
    time_ns: int
    time_source: TimeSource
    word: str = ""


class Opened(NamedTuple):
    """The protocol is ready for messages, from `time_ns` on; 0 is now. `request` is what the peer asked with."""

    fact: Fact
    time_ns: int = 0
    request: bytes = b""


class Write(NamedTuple):
    """Bytes for the peer that are no message: handshakes, pongs, close frames."""

    data: bytes


class Ending(NamedTuple):
    """Why the connection ends when it does, whoever ends it; the first reason counts."""

    reason: Fact


class Finish(NamedTuple):
    """The connection ends in order: what waits is sent, then our side ends, then the peer's.

    Attributes
    ----------
    at_once : the peer's end need not be waited for.
    """

    reason: Fact
    at_once: bool = False


class Drop(NamedTuple):
    """The connection ends at once; `reset` tells the peer so."""

    reason: Fact
    reset: bool = False


class Later(NamedTuple):
    """There is more to do after some seconds, unless the connection is closed by then."""

    delay_s: float
    go_on: Callable[[], Iterable[Effect]]


class AfterReading(NamedTuple):
    """There is more to do when the peer has had the time to read the last message; at once where there was none."""

    go_on: Callable[[], Iterable[Effect]]


class Withdrawn(NamedTuple):
    """The rows of this connection do not hold any more: they follow anew."""


class Again(NamedTuple):
    """The stream is to be read again from its first byte: its rows are taken back, and `go_on` gets what they held."""

    go_on: Callable[[Sequence[Read]], Iterable[Effect]]


Effect: TypeAlias = Union[  # noqa: UP007 (the names above are quoted until here)
    Arrived,
    ManyArrived,
    Noted,
    Opened,
    Write,
    Ending,
    Finish,
    Drop,
    Later,
    AfterReading,
    Withdrawn,
    Again,
]
Effects: TypeAlias = Iterator[Effect]
