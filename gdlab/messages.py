"""The message: what one row of a capture holds, and the table's schema.

`SCHEMA` is the only definition of the columns. The store, the CSV and its sidecar, the documentation and the
tests read it from here.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple

from gdlab.facts import PEER, SYSTEM, US, Reason


class Event(StrEnum):
    """What a row reports."""

    MESSAGE = "message"  # a payload arrived or was sent
    OPEN = "open"  # a connection began
    CLOSE = "close"  # a connection ended; `reason`, `by` and `code` say why
    ERROR = "error"  # something failed; `reason` says what, `payload` keeps the bytes if there were any
    GAP = "gap"  # something is missing here; `count` and `reason` say how much and why
    SETTING = "setting"  # a relay's conditions changed; `detail` says how, as JSON


class Direction(StrEnum):
    """Which way a message went, seen from the capture."""

    IN = "in"
    OUT = "out"


class Kind(StrEnum):
    """Whether a payload is text. WebSocket tells; for the other transports valid UTF-8 without controls is text."""

    TEXT = "text"
    BINARY = "binary"


class TimeSource(StrEnum):
    """Timestamp source of a row: the system's kernel on arrival, or gdlab on reading it."""

    KERNEL = "kernel"
    USER = "user"


class Peer(NamedTuple):
    """A remote endpoint."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Column:
    """One column of the table: its dtype as pandas spells it, its unit, its meaning."""

    name: str
    dtype: str
    unit: str
    meaning: str


SCHEMA: Final[tuple[Column, ...]] = (
    Column(
        "time",
        "datetime64[ns, UTC]",
        "ns",
        "arrival, or sending where `direction` is `out`; the kernel's timestamp where `time_source` is `kernel`",
    ),
    Column("time_source", "category", "", "`kernel` or `user`: the source of the timestamp"),
    Column(
        "endpoint",
        "category",
        "",
        "the capture's own side, such as `udp://127.0.0.1:4242`; of `gdlab.connect` the address connected to",
    ),
    Column("peer", "category", "", "the other side, such as `127.0.0.1:53211`; empty where there is none"),
    Column("direction", "category", "", "`in` or `out`"),
    Column(
        "event",
        "category",
        "",
        "`message`, `open`, `close`, `error`, `gap` (what was dropped, and how many) or `setting` (of a relay)",
    ),
    Column(
        "kind", "category", "", "`text` or `binary`; WebSocket tells them apart, for the others it is guessed"
    ),
    Column(
        "framing",
        "category",
        "",
        "TCP: how a message was cut out of its stream, such as `u32le`, with what does not follow from the name (see "
        "`framing.marks`); empty for others",
    ),
    Column("size_bytes", "int64", "bytes", "length of `payload`"),
    Column(
        "wire_bytes",
        "int64",
        "bytes",
        "estimate: payload plus headers of WebSocket, TCP or UDP, and IP (see `messages.wire_bytes`)",
    ),
    Column(
        "payload",
        "payload",
        "",
        "the bytes, never changed; of a row `open` or `error` of a WebSocket the request, as it came",
    ),
    Column(
        "reason",
        "category",
        "",
        "why the row is there or what is special about it, one of `facts.Reason`, such as `peer_closed` or "
        "`kernel_drop`; empty for a plain message",
    ),
    Column(
        "by", "category", "", "who did that: `us` (gdlab), `peer` or `system`; empty for nobody in particular"
    ),
    Column("code", "Int32", "", "close code of WebSocket, HTTP status or errno; missing where there is none"),
    Column(
        "count",
        "Int64",
        "",
        "how many messages, rows or bytes the reason stands for (see `facts.Reason`); missing where `reason` is empty",
    ),
    Column(
        "detail",
        "string",
        "",
        "`reason` as a sentence, with the other side's own words, for people to read; of a `setting` what was set, as "
        "JSON; else empty",
    ),
)

#: The categories of the closed columns, in a fixed order, so that tables of different runs concatenate.
CATEGORIES: Final[dict[str, tuple[str, ...]]] = {
    "time_source": tuple(TimeSource),
    "direction": tuple(Direction),
    "event": tuple(Event),
    "kind": tuple(Kind),
    "reason": ("", *Reason),
    "by": ("", US, PEER, SYSTEM),
}
#: The numbers that stand for them inside the tables.
CODES: Final[dict[str, dict[str, int]]] = {
    column: {category: code for code, category in enumerate(categories)}
    for column, categories in CATEGORIES.items()
}

#: Longer messages of streams are errors unless more is allowed: twice what `StreamPeer.put_var` can send with Godot's
#: default `encode_buffer_max_size` of 8 MiB.
DEFAULT_MAX_MESSAGE_BYTES: Final = 16 * 1024 * 1024

IPV4_HEADER_BYTES: Final = 20
IPV6_HEADER_BYTES: Final = 40
UDP_HEADER_BYTES: Final = 8
TCP_HEADER_BYTES: Final = 32  # 20 and the time-stamp option, which Linux, macOS and Windows send by default


def wire_bytes(transport: str, payload_bytes: int, *, ipv6: bool = False, masked: bool = False) -> int:
    """Estimate of the bytes a message takes on the wire, IP header included, link layer not.

    Parameters
    ----------
    transport : ``udp``, ``tcp`` or ``ws``.
    payload_bytes : length of the payload; for TCP framing included.
    ipv6 : the message travels over IPv6.
    masked : WebSocket only: the frame carries a mask, as those from clients do.

    Notes
    -----
    UDP: payload + 8 + 20 (IPv4) or 40 (IPv6); a datagram over the MTU is counted as one (fragments add an IP
    header each). TCP and WebSocket: as if each message travelled in one segment of its own; Nagle's algorithm
    and segmentation make it less or more. WebSocket frame header: 2, 4 or 10 bytes, and 4 for a mask
    (RFC 6455 section 5.2).
    """
    ip = IPV6_HEADER_BYTES if ipv6 else IPV4_HEADER_BYTES
    if transport == "udp":
        return payload_bytes + UDP_HEADER_BYTES + ip
    frame = 0
    if transport == "ws":
        frame = 2 if payload_bytes < 126 else 4 if payload_bytes < 65536 else 10
        frame += 4 if masked else 0
    return payload_bytes + frame + TCP_HEADER_BYTES + ip


#: Control characters that text does not hold: all of C0 but tab, line feed and carriage return, and DEL.
_CONTROLS: Final = bytes({*range(32), 127} - {9, 10, 13})


def guess_kind(payload: bytes) -> Kind:
    """Text where the payload is valid UTF-8 without control characters (an empty one is text), else binary."""
    if payload.translate(None, _CONTROLS) != payload:
        return Kind.BINARY
    try:
        payload.decode()
    except UnicodeDecodeError:
        return Kind.BINARY
    return Kind.TEXT


@dataclass(frozen=True, slots=True)
class Message:
    """One message or event, as reply functions get it.

    Attributes
    ----------
    time_ns : UTC nanoseconds since 1970, from the clock that `time_source` names.
    endpoint : the capture's own side.
    peer : the other side, or None where there is none.
    payload : the bytes, never changed.
    wire_bytes : estimate with headers, see `wire_bytes`.
    """

    time_ns: int
    endpoint: str
    peer: Peer | None
    payload: bytes = b""
    direction: Direction = Direction.IN
    event: Event = Event.MESSAGE
    kind: Kind = Kind.BINARY
    time_source: TimeSource = TimeSource.USER
    wire_bytes: int = 0
    detail: str = ""

    @property
    def size_bytes(self) -> int:
        """Length of the payload."""
        return len(self.payload)

    @property
    def text(self) -> str:
        """The payload as UTF-8 text; bytes that are not UTF-8 become U+FFFD."""
        return self.payload.decode(errors="replace")
