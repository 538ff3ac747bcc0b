"""A capture's state in words: what is bound, what has arrived, what has not happened yet, what to try."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Self

from gdlab.text import age
from gdlab.transports import Address, Endpoint, State, lan_address
from gdlab.words import phrase, sentence

#: Without a message for this long a capture is called quiet.
QUIET_AFTER_S = 2.0


class Light(Enum):
    """The colour of the status light."""

    WAITING = "waiting"  # listening, nothing has come yet
    RECEIVING = "receiving"
    QUIET = "quiet"  # something has come, but not lately
    STOPPED = "stopped"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Statistics:
    """Counters of a capture, at one moment and since it began.

    Attributes
    ----------
    seconds : time since the capture began; until its end when it has been stopped.
    received, sent : messages, without gdlab's pings and their answers. received_bytes, sent_bytes : their payloads.
    peers : remote addresses seen.
    errors : rows of event `error`.
    kernel_drops : messages the kernel dropped because the receive buffer was full; None where it does not report them.
    evicted_rows : rows evicted because of the capture's limit.
    rows_kept, bytes_kept : what the store holds now. decoded_bytes : what is kept beside it so that `decoded` need not
        decode a row twice; 512 MiB at most.
    receive_buffer_bytes : as the system granted it; the smallest of the endpoints.
    last_received_s : age of the newest message or answer to a ping; None before the first.
    connections : open TCP and WebSocket connections; UDP has none. opening : those whose handshake is not complete.
    waiting_bytes, awaited_bytes : of messages that have begun to arrive, and the length that the longest announces.
    unsent_bytes : what waits until its peers read it.
    problem : what went wrong last, as text; empty where nothing has. problem_s : its age.
    pings_sent, answers_received : gdlab's own pings, and what came back of them.
    """

    seconds: float
    received: int
    received_bytes: int
    sent: int
    sent_bytes: int
    peers: int
    errors: int
    kernel_drops: int | None
    evicted_rows: int
    rows_kept: int
    bytes_kept: int
    receive_buffer_bytes: int
    last_received_s: float | None
    connections: int = 0
    opening: int = 0
    waiting_bytes: int = 0
    awaited_bytes: int = 0
    unsent_bytes: int = 0
    decoded_bytes: int = 0
    problem: str = ""
    problem_s: float | None = None
    pings_sent: int = 0
    answers_received: int = 0

    def __call__(self) -> Self:
        """The counters themselves: `cap.statistics()` is `cap.statistics`."""
        return self

    @property
    def dropped(self) -> int:
        """Messages lost where gdlab can see it: in the kernel's buffer, or to the capture's limit."""
        return (self.kernel_drops or 0) + self.evicted_rows


@dataclass(frozen=True, slots=True)
class Status:
    """The light, its text, and a hint where something needs to be done."""

    light: Light
    text: str
    hint: str = ""

    def __call__(self) -> Self:
        """The status itself: `cap.status()` is `cap.status`."""
        return self

    def __str__(self) -> str:
        return phrase("status", text=self.text, hint=self.hint) if self.hint else self.text


def describe(endpoints: Sequence[Endpoint], statistics: Statistics) -> Status:
    """Say how a capture is."""
    names = ", ".join(str(endpoint.address) for endpoint in endpoints)
    for endpoint in endpoints:
        if endpoint.state is State.FAILED:
            error = endpoint.error
            return Status(
                Light.FAILED,
                phrase("failed", address=endpoint.address, error=f"{type(error).__name__}: {error}"),
                phrase("failed/hint"),
            )
    counts = phrase(
        "counts",
        messages=_messages(statistics),
        peers=_counted(statistics.peers, "peer"),
        dropped=_dropped(statistics),
    )
    doing = phrase(endpoints[0].doing, names=names)
    if all(endpoint.state is not State.LISTENING for endpoint in endpoints):
        text = phrase("stopped", seconds=statistics.seconds, names=names, counts=counts)
        return Status(Light.STOPPED, text)
    open_to_all = any(endpoint.address.is_lan and not endpoint.is_client for endpoint in endpoints)
    lan = phrase("lan") if open_to_all else ""
    if statistics.last_received_s is None:
        text = phrase("waiting", doing=doing, lan=lan, seconds=statistics.seconds)
        if statistics.connections:
            text += phrase("and") + _counted(statistics.connections, "connection")
        text += _waiting(statistics)
        hint = _reply_hint(endpoints) or _first_message_hint(endpoints, statistics) or _pings_hint(endpoints)
        return Status(Light.WAITING, text, hint)
    silent_s = statistics.last_received_s
    light = Light.RECEIVING if silent_s < QUIET_AFTER_S else Light.QUIET
    waiting = _waiting(statistics) if light is Light.QUIET else ""
    remarks = dict.fromkeys(endpoint.remark for endpoint in endpoints if endpoint.remark)
    # What was heard after it went wrong is the better news.
    is_news = statistics.problem_s is not None and statistics.problem_s <= silent_s
    problem = phrase("hint/problem", problem=statistics.problem) if is_news else ""
    hints = (_reply_hint(endpoints) or problem, _loss_hint(statistics), _pings_hint(endpoints), *remarks)
    hint = phrase("or").join(filter(None, hints))
    text = phrase("running", doing=doing, lan=lan, counts=counts, age=age(silent_s, phrase("units").split()))
    return Status(light, text + waiting, hint)


def _messages(statistics: Statistics) -> str:
    """How many messages, and beside them how many pings of ours were answered."""
    said = _counted(statistics.received, "message")
    if not statistics.pings_sent:
        return said
    return said + phrase("pings", answers=statistics.answers_received, pings=statistics.pings_sent)


def _counted(value: int, noun: str) -> str:
    return phrase(f"{noun}s", number=value)


def _first_message_hint(endpoints: Sequence[Endpoint], statistics: Statistics) -> str:
    first = endpoints[0].address
    if statistics.problem:
        return phrase("hint/problem", problem=statistics.problem)
    if statistics.waiting_bytes:
        return phrase("hint/incomplete")
    if statistics.opening and not endpoints[0].is_client:
        return phrase("hint/opening", peers=_counted(statistics.opening, "peer"))
    if statistics.peers and not statistics.connections and first.transport != "udp":
        return phrase("hint/left", peers=_counted(statistics.peers, "peer"))
    if statistics.connections:
        return "" if statistics.sent or statistics.pings_sent else _silence_hint(first)
    if endpoints[0].is_client:
        return (
            phrase("hint/ask")
            if first.transport == "udp"
            else phrase("hint/server", host=first.host, port=first.port)
        )
    reach = (
        phrase("hint/reach", host=_seen_from_outside(first), port=first.port)
        if first.is_lan
        else phrase("hint/here")
    )
    return (
        phrase("hint/udp", port=first.port, transport=first.transport.upper(), reach=reach)
        if first.transport == "udp"
        else phrase("hint/stream", port=first.port, reach=reach)
    )


def _waiting(statistics: Statistics) -> str:
    """What has arrived of messages that are not complete."""
    if not statistics.waiting_bytes:
        return ""
    if statistics.awaited_bytes:
        return phrase("incomplete/of", held=statistics.waiting_bytes, whole=statistics.awaited_bytes)
    return phrase("incomplete", held=statistics.waiting_bytes)


def _seen_from_outside(address: Address) -> str:
    """What other machines send to, as far as it is known."""
    every = address.host == "lan" or ipaddress.ip_address(address.host).is_unspecified
    return (lan_address() if every else address.host) or phrase("this machine")


def _silence_hint(address: Address) -> str:
    """What to try where somebody has connected and never sent."""
    call = "StreamPeerTCP.poll()" if address.transport == "tcp" else "WebSocketPeer.poll()"
    hint = phrase("hint/silent", call=call)
    if address.transport == "tcp":
        hint += phrase("hint/framing")
    return hint


def _loss_hint(statistics: Statistics) -> str:
    if statistics.kernel_drops:
        buffer = statistics.receive_buffer_bytes // 1024
        return phrase("hint/loss", drops=statistics.kernel_drops, buffer=buffer)
    return ""


def _reply_hint(endpoints: Sequence[Endpoint]) -> str:
    """What to do where the user's reply function raises."""
    problems = [endpoint.reply_problem for endpoint in endpoints if endpoint.reply_problem is not None]
    if not problems:
        return ""
    times = sum(problem.count for problem in problems)
    return phrase("hint/reply", problem=sentence(problems[-1]), times=times)


def _pings_hint(endpoints: Sequence[Endpoint]) -> str:
    """What to do where pings are sent, and nothing answers them."""
    sent = sum(endpoint.unanswered_pings for endpoint in endpoints)
    return phrase("hint/pings", sent=sent) if sent else ""


def diagnosis(
    endpoints: Sequence[Endpoint],
    statistics: Statistics,
    arrived: int,
    wanted: int,
    timeout_s: float,
    *,
    more: bool = False,
) -> str:
    """Say why a wait has ended without what was waited for; `more` where only what came since it began counts."""
    status = describe(endpoints, statistics)
    said = phrase(
        "wait/more" if more else "wait",
        received=arrived,
        wanted=wanted,
        seconds=timeout_s,
        text=status.text,
    )
    if status.light in {Light.WAITING, Light.FAILED} or status.hint:
        return phrase("wait/try", said=said, hint=status.hint)
    if status.light is Light.STOPPED:
        anew = "gdlab.connect" if endpoints and endpoints[0].is_client else "gdlab.listen"
        return phrase("wait/stopped", said=said, anew=anew)
    return phrase("wait/slow", said=said)


def _dropped(statistics: Statistics) -> str:
    if not statistics.dropped:
        return phrase("none dropped")
    parts = []
    if statistics.kernel_drops:
        parts.append(phrase("dropped/kernel", number=statistics.kernel_drops))
    if statistics.evicted_rows:
        parts.append(phrase("dropped/limit", number=statistics.evicted_rows))
    return phrase("and").join(parts)
