"""The sans-I/O ping matcher: probe messages to round trips.

A probe is JSON text, in a message of its own::

    {"probe": "ping", "seq": 17, "t_us": 123456789}

or, as a game sends it with `put_var`, a Variant: the Dictionary with the same keys, ``"probe"`` the first of them.
`t_us` is the sender's clock in microseconds; whoever answers need not understand it. The answer is the same
with ``"pong"``, and may add `r_us` and `s_us`: when the answerer received the ping and sent the answer, on
its own clock. The unchanged ping sent back is an answer, too, so any echo server will do. Godot's JSON turns
integers into floats (``17.0``); those count as integers. The answer has the form of the ping.

Nothing here reads a clock: time is an argument, in nanoseconds of whatever clock the caller stamps with.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final

#: How probes begin: those of JSON, and those that are Variants, which have the number of their keys (4 bytes) between
#: the type and the first key.
JSON_PREFIX: Final = b'{"probe"'
VARIANT_PREFIX: Final = b"\x1b\0\0\0"
VARIANT_KEY: Final = b"\4\0\0\0\5\0\0\0probe\0\0\0"
VARIANT_KEY_AT: Final = len(VARIANT_PREFIX) + 4

#: Longer payloads are no probes. A pong with all its fields takes about 120 bytes.
MAX_PROBE_BYTES: Final = 512

#: So many settled probes are remembered, to tell late and duplicated answers from unexpected ones.
REMEMBERED: Final = 4096

_MAX_INTEGER: Final = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Probe:
    """One probe message.

    Attributes
    ----------
    is_pong : an answer; else a ping, or the echo of one.
    t_us : when the ping was sent, on its sender's clock.
    r_us, s_us : when the ping was received and the pong sent, on the answerer's clock; None if not stated.
    """

    is_pong: bool
    seq: int
    t_us: int
    r_us: int | None = None
    s_us: int | None = None


@dataclass(frozen=True, slots=True)
class RoundTrip:
    """An answered ping.

    Attributes
    ----------
    sent_ns, received_ns : the ping's sending and the answer's arrival, on our clock.
    held_ns : from receiving to answering, as the answerer says; None if it says nothing, or what cannot be.
    offset_ns : the answerer's clock minus ours, as NTP estimates it (RFC 5905 section 8); None as `held_ns`.
    late : it came after the timeout, and is counted as unanswered.
    """

    seq: int
    sent_ns: int
    received_ns: int
    held_ns: int | None = None
    offset_ns: int | None = None
    late: bool = False

    @property
    def rtt_ns(self) -> int:
        """The round-trip time, the answerer's share included: a game answers once per frame."""
        return self.received_ns - self.sent_ns

    @property
    def offset_error_ns(self) -> int | None:
        """How wrong `offset_ns` can be at most, either way: half of the time on the way."""
        if self.held_ns is None:
            return None
        return max(0, self.rtt_ns - self.held_ns + 1) // 2 + 1000  # and the microsecond the message rounds to


@dataclass(frozen=True, slots=True)
class ProbeStatistics:
    """Counts of a `Pinger`; ``sent == answered + unanswered + waiting``.

    Attributes
    ----------
    unanswered : no answer within the timeout; `late` of these were answered after it.
    duplicated : further answers to a ping that had one.
    unexpected : answers to what was never sent, or so long ago that it is forgotten.
    """

    sent: int
    answered: int
    unanswered: int
    waiting: int
    late: int
    duplicated: int
    unexpected: int


def _dumps(fields: dict[str, Any]) -> bytes:
    from gdlab.variant import dumps  # a listener that never pings need not load it

    return dumps(fields)


def _loads(payload: bytes) -> Any:
    from gdlab.variant import loads

    return loads(payload)


def ping(seq: int, now_ns: int, *, as_variant: bool = False) -> bytes:
    """The ping to send now: JSON, or a Variant for who reads nothing else."""
    fields = {"probe": "ping", "seq": seq, "t_us": now_ns // 1000}
    return _dumps(fields) if as_variant else json.dumps(fields).encode()


def parse(payload: bytes) -> Probe | None:
    """The probe that a payload is, or None; never raises, whatever the bytes are."""
    # Every message of a busy stream comes by here: the cheap questions first.
    if len(payload) > MAX_PROBE_BYTES:
        return None
    try:
        if is_variant(payload):
            fields = _loads(payload)
        elif b'"probe"' in payload:
            fields = json.loads(payload.rstrip(b"\0").decode())
        else:
            return None
    except (ValueError, RecursionError):
        return None
    kind = fields.get("probe") if isinstance(fields, dict) else None
    if not isinstance(kind, str) or kind not in {"ping", "pong"}:
        return None
    seq, t_us = _integer(fields.get("seq")), _integer(fields.get("t_us"))
    if seq is None or t_us is None:
        return None
    return Probe(kind == "pong", seq, t_us, _integer(fields.get("r_us")), _integer(fields.get("s_us")))


def is_variant(payload: bytes) -> bool:
    """Whether a payload begins as a probe that is a Variant."""
    return payload.startswith(VARIANT_KEY, VARIANT_KEY_AT) and payload.startswith(VARIANT_PREFIX)


def answer(payload: bytes, received_ns: int, now_ns: int) -> bytes | None:
    """The pong for a payload that is a ping, in the same form, else None.

    Parameters
    ----------
    received_ns, now_ns : when the ping arrived and when the pong is sent, on our clock.
    """
    probe = parse(payload)
    if probe is None or probe.is_pong:
        return None
    fields: dict[str, Any] = {
        "probe": "pong",
        "seq": probe.seq,
        "t_us": probe.t_us,
        "r_us": received_ns // 1000,
        "s_us": now_ns // 1000,
    }
    return _dumps(fields) if is_variant(payload) else json.dumps(fields).encode()


class Pinger:
    """Numbers pings to one peer, and matches what comes back.

    A ping and its answer agree in `seq` and in `t_us`, so an answer to an earlier run is not taken for a new
    one.

    Parameters
    ----------
    timeout_ns : an answer that takes longer is late.
    """

    def __init__(self, timeout_ns: int) -> None:
        if timeout_ns <= 0:
            raise ValueError(f"timeout_ns is {timeout_ns}, but must be positive")
        self.timeout_ns = timeout_ns
        self._waiting: dict[int, int] = {}  # seq: sent_ns, in the order of sending
        self._settled: dict[int, tuple[int, bool]] = {}  # seq: sent_ns and whether it was answered
        self._expired: dict[int, None] = {}  # seqs that `expire` has still to report, in order
        self._sent = self._answered = self._unanswered = self._late = 0
        self._duplicated = self._unexpected = 0

    def send(self, now_ns: int) -> bytes:
        """The next ping, to be sent now."""
        self._give_up(now_ns)
        seq = self._sent
        self._sent += 1
        self._waiting[seq] = now_ns
        return ping(seq, now_ns)

    def receive(self, payload: bytes, now_ns: int) -> RoundTrip | None:
        """The round trip that a payload completes, a late one included, else None.

        Pings of the peer's own are none of ours and not counted; `answer` is for those, unless `is_own` says
        that they are echoes.
        """
        probe = parse(payload)
        if probe is None:
            return None
        self._give_up(now_ns)
        if not self._knows(probe):
            self._unexpected += probe.is_pong
            return None
        sent_ns = self._waiting.pop(probe.seq, None)
        late = sent_ns is None
        if sent_ns is None:
            sent_ns, answered = self._settled[probe.seq]
            if answered:
                self._duplicated += 1
                return None
            self._late += 1
        else:
            self._answered += 1
        self._settle(probe.seq, sent_ns, answered=True)
        return _round_trip(probe, sent_ns, now_ns, late=late)

    def is_own(self, payload: bytes) -> bool:
        """Whether a payload is a ping of ours or an answer to one; answering its echo would never end."""
        probe = parse(payload)
        return probe is not None and self._knows(probe)

    def expire(self, now_ns: int) -> list[int]:
        """The sequence numbers of pings whose timeout has passed since the last call, oldest first."""
        self._give_up(now_ns)
        expired, self._expired = self._expired, {}
        return list(expired)

    def statistics(self) -> ProbeStatistics:
        """The counts so far."""
        return ProbeStatistics(
            sent=self._sent,
            answered=self._answered,
            unanswered=self._unanswered,
            waiting=len(self._waiting),
            late=self._late,
            duplicated=self._duplicated,
            unexpected=self._unexpected,
        )

    def _knows(self, probe: Probe) -> bool:
        sent_ns = self._waiting.get(probe.seq)
        if sent_ns is None:
            sent_ns = self._settled.get(probe.seq, (-1, False))[0]
        return sent_ns // 1000 == probe.t_us

    def _give_up(self, now_ns: int) -> None:
        """Settle the pings whose timeout has passed; sending is in order, so they are the first ones."""
        while self._waiting:
            seq, sent_ns = next(iter(self._waiting.items()))
            if now_ns - sent_ns <= self.timeout_ns:
                return
            del self._waiting[seq]
            self._unanswered += 1
            self._settle(seq, sent_ns, answered=False)
            self._expired[seq] = None
            if len(self._expired) > REMEMBERED:  # nobody asks
                del self._expired[next(iter(self._expired))]

    def _settle(self, seq: int, sent_ns: int, *, answered: bool) -> None:
        self._settled[seq] = sent_ns, answered
        if len(self._settled) > REMEMBERED:
            del self._settled[next(iter(self._settled))]


def _integer(value: object) -> int | None:
    """A JSON number as the integer it is, or None; Godot writes 17 as 17.0."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if type(value) is int and 0 <= value <= _MAX_INTEGER:
        return value
    return None


def _round_trip(probe: Probe, sent_ns: int, received_ns: int, *, late: bool) -> RoundTrip:
    held_ns = offset_ns = None
    if probe.r_us is not None and probe.s_us is not None:
        held = (probe.s_us - probe.r_us) * 1000
        # Both stamps are cut to microseconds, so the time between them may seem up to one longer.
        if 0 <= held <= received_ns - sent_ns + 1000:
            held_ns = held
            offset_ns = (probe.r_us * 1000 - sent_ns + probe.s_us * 1000 - received_ns) // 2
    return RoundTrip(probe.seq, sent_ns, received_ns, held_ns, offset_ns, late)
