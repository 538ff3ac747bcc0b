"""What happened, as data: the closed vocabulary of reasons.

Whoever notices something writes a `Fact` on its row; nobody below the screen writes a sentence. `gdlab.words` makes
sentences of facts, in the reader's language. So an analysis counts and compares facts, and what a peer wrote can
never steer it: the peer's own words stand apart in `said`, are shown and are never interpreted.
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import PurePath
from typing import Final, NamedTuple, TypeAlias, Union


class Reason(StrEnum):
    """Why a row is there, or what is special about it; the table has it in its column `reason`.

    What `Fact.count` counts, where it is not 1: datagrams for KERNEL_DROP, packets for CAPTURE_DROP, rows for EVICTED
    and SPILL_MISSED, bytes for SKIPPED, UNSENT, MAY_NOT_FIT and NOT_CAPTURED.
    """

    # ---- a connection
    OPENED = "opened"  # it is ready for messages
    PEER_CLOSED = "peer_closed"  # the peer ended it; `code` is that of its close frame, 1006 for none at all
    PEER_RESET = "peer_reset"  # the peer's system refused what was sent
    BROKEN = "broken"  # the network or this system gave it up; `code` is the errno
    WE_CLOSED = "we_closed"  # gdlab ended it because of what the peer sent; `code` is that of our close frame
    SLOW_READER = "slow_reader"  # gdlab ended it, as too much waited to be read by the peer
    HELD_TOO_MUCH = "held_too_much"  # gdlab ended it, as messages that are not complete took too much memory
    STOPPED = "stopped"  # the capture was stopped
    INTERNAL = "internal"  # an error in gdlab ended it
    LINGERED = "lingered"  # the peer did not end its side in time

    # ---- a connection that did not come about
    REFUSED_LIMIT = "refused_limit"  # too many connections are open
    REFUSED_ORIGIN = "refused_origin"  # a web page that may not connect
    REFUSED_PATH = "refused_path"  # a path at which no listener is
    REFUSED_HANDSHAKE = (
        "refused_handshake"  # what came was no WebSocket handshake, or one that cannot be accepted
    )
    HANDSHAKE_TIMEOUT = "handshake_timeout"  # the WebSocket handshake was not complete in time
    HANDSHAKE_CUT = "handshake_cut"  # the connection ended before the handshake was complete
    SUBPROTOCOL = (
        "subprotocol"  # it is there, but none of the sub-protocols that the client offers was agreed
    )
    ENCRYPTED = "encrypted"  # the peer speaks TLS, which nothing here can read
    NOT_WEBSOCKET = "not_websocket"  # the server that was connected to speaks something else
    OUT_OF_FILES = (
        "out_of_files"  # this system has no more files or memory for connections; `code` is the errno
    )
    CONNECT_FAILED = "connect_failed"  # an attempt to connect came to nothing; `code` is the errno
    NOBODY_LISTENS = "nobody_listens"  # nobody listens at the port connected to
    NO_ANSWER = "no_answer"  # the address connected to does not answer
    UNREACHABLE = "unreachable"  # a datagram of ours found nobody

    # ---- one message
    MALFORMED = "malformed"  # the bytes are not what framing or protocol promise
    OVERSIZED = "oversized"  # longer than max_message_bytes
    NOT_UTF8 = "not_utf8"  # a text message of WebSocket that is no text
    INCOMPLETE = "incomplete"  # the stream ended inside it
    NOT_SENT = "not_sent"  # it could not be sent
    UNFRAMABLE = "unframable"  # the framing cannot carry it
    TOO_BIG = "too_big"  # it does not fit into one datagram
    ENDING = "ending"  # its connection is ending
    SYSTEM_ERROR = "system_error"  # the system would not; `code` is the errno
    UNSENT = "unsent"  # bytes that waited to be sent when the connection ended
    REPLY_RAISED = "reply_raised"  # the user's reply function raised an exception
    FRAMING_GUESSED = "framing_guessed"  # the first message behind a guessed framing
    MAY_NOT_FIT = "may_not_fit"  # more than a Godot peer receives unless it was told to
    PROBE = "probe"  # a ping, or the answer to one, of `gdlab.probe`
    NOT_CAPTURED = "not_captured"  # the program that wrote the file did not keep all bytes
    CLOSE_SEEN = "close_seen"  # a close frame that another program recorded; `code` is its code
    CAPTURE_DROP = "capture_drop"  # packets that the capturing program lost

    COMPRESSED = "compressed"  # of permessage-deflate, shown as it passed a relay

    # ---- a relay
    SETTING = "setting"  # its conditions changed
    IDLE = "idle"  # a client was silent for so long that its socket was closed
    UNTOLD = "untold"  # rows that the notebook was too busy to take

    # ---- an endpoint
    ENDPOINT_FAILED = "endpoint_failed"  # an error ended it

    # ---- something is missing here
    KERNEL_DROP = "kernel_drop"  # the receive buffer was full
    EVICTED = "evicted"  # the oldest rows went, for the limit of the store
    PAUSED = "paused"  # the capture was stopped for a while
    SKIPPED = "skipped"  # bytes dropped to find the next frame
    SPILL_MISSED = "spill_missed"  # rows that went before the disk had taken them


#: Who did it. This machine's system, and what lies between it and the peer, is `system`.
US: Final = "us"
PEER: Final = "peer"
SYSTEM: Final = "system"

#: The longest text of others that a fact keeps, in characters.
SAID_CHARACTERS: Final = 10_000

#: The `case` of a fact that was read from a file: its sentence stands in `said`, as it was written.
RECORDED: Final = "recorded"

#: What the `more` of a fact or a statement may hold: a fact there is the cause of the one it stands in, a statement a
#: part of the sentence, a tuple a list.
Value: TypeAlias = Union[int, float, str, "Fact", "Statement", tuple["Value", ...], None]


class Statement(NamedTuple):
    """Something to be reported that is no row of a table, such as why a file cannot be read.

    Attributes
    ----------
    key : of its sentence in the tables of `gdlab.words`.
    more : what the sentence names, as pairs of name and value.
    """

    key: str
    more: tuple[tuple[str, Value], ...] = ()

    @classmethod
    def of(cls, key: str, /, **more: Value | BaseException | PurePath) -> Statement:
        """A statement whose `more` is given by name; an exception there is its own statement, or its text."""
        return cls(key, tuple((name, _value(value)) for name, value in more.items()))


def _value(value: Value | BaseException | PurePath) -> Value:
    if isinstance(value, BaseException):
        told = getattr(value, "statement", None)
        return told if isinstance(told, Fact | Statement) else str(value)
    return str(value) if isinstance(value, PurePath) else value


class Fact(NamedTuple):
    """What happened.

    Attributes
    ----------
    by : who did it: `US`, `PEER`, `SYSTEM`, or nobody in particular.
    code : close code of WebSocket, HTTP status or errno, see `Reason`; None where there is none.
    count : how many messages, rows or bytes it stands for, see `Reason`.
    limit : the parameter that was hit, as the user writes it; empty where it cannot be set.
    said : the other side's own words; shown, never interpreted.
    case : which case of the reason it is, where their sentences differ.
    more : what else the sentence names, as pairs of name and value.
    """

    reason: Reason
    by: str = ""
    code: int | None = None
    count: int = 1  # type: ignore[assignment]  # a tuple has a method of that name, which no fact needs
    limit: str = ""
    said: str = ""
    case: str = ""
    more: tuple[tuple[str, Value], ...] = ()

    @classmethod
    def of(
        cls,
        reason: Reason,
        *,
        by: str = "",
        code: int | None = None,
        count: int = 1,
        limit: str = "",
        said: str = "",
        case: str = "",
        **more: Value,
    ) -> Fact:
        """A fact whose `more` is given by name."""
        return cls(reason, by, code, count, limit, said, case, tuple(more.items()))

    def also(self, **more: Value) -> Fact:
        """The same with further values."""
        return self._replace(more=(*self.more, *more.items()))


def clean(text: str) -> str:
    """Make one printable line out of text that a peer may have written.

    Control characters and what is not valid Unicode are written as backslash escapes, so that a note fits into any
    file and any table and can be read back as it is.
    """
    text = text[:SAID_CHARACTERS]
    if text.isprintable():
        return text
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode("ascii") for char in text
    )


def cleaned(fact: Fact) -> Fact:
    """The fact with all its texts bounded and printable, see `clean`."""
    if not fact.said and not fact.more:
        return fact
    return fact._replace(said=clean(fact.said), more=_clean_pairs(fact.more))


def _clean_pairs(more: tuple[tuple[str, Value], ...]) -> tuple[tuple[str, Value], ...]:
    return tuple((name, _clean_value(value)) for name, value in more)


def _clean_value(value: Value) -> Value:
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, Fact):
        return cleaned(value)
    if isinstance(value, Statement):
        return value._replace(more=_clean_pairs(value.more))
    return tuple(map(_clean_value, value)) if isinstance(value, tuple) else value
