"""A capture's state in words: what is bound, what has arrived, what has not happened yet, what to try."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from gdlab.text import age, count, number
from gdlab.transports import Address, Endpoint, State, lan_address

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
    received, sent : messages. received_bytes, sent_bytes : their payloads.
    peers : remote addresses seen.
    errors : rows of event `error`.
    kernel_drops : messages the kernel dropped because the receive buffer was full; None where it does not tell.
    evicted_rows : rows that went because of the capture's limit.
    rows_kept, bytes_kept : what the store holds now.
    receive_buffer_bytes : as the system granted it; the smallest of the endpoints.
    last_received_s : age of the newest message; None before the first.
    connections : open TCP and WebSocket connections; UDP has none.
    waiting_bytes, awaited_bytes : of messages that have begun to arrive, and the length that the longest announces.
    problem : what went wrong last, in words; empty where nothing has.
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
    waiting_bytes: int = 0
    awaited_bytes: int = 0
    problem: str = ""

    @property
    def dropped(self) -> int:
        """Messages lost where gdlab can see it: in the kernel's buffer, or to the capture's limit."""
        return (self.kernel_drops or 0) + self.evicted_rows


@dataclass(frozen=True, slots=True)
class Status:
    """The light, its words, and a hint where something is to be done."""

    light: Light
    text: str
    hint: str = ""

    def __str__(self) -> str:
        return f"{self.text}. To try: {self.hint}" if self.hint else self.text


def describe(endpoints: Sequence[Endpoint], statistics: Statistics) -> Status:
    """Say how a capture is."""
    names = ", ".join(str(endpoint.address) for endpoint in endpoints)
    for endpoint in endpoints:
        if endpoint.state is State.FAILED:
            error = endpoint.error
            return Status(
                Light.FAILED,
                f"{endpoint.address} failed: {type(error).__name__}: {error}",
                "run the cell that called listen again; what had arrived is kept",
            )
    counts = (
        f"{count(statistics.received, 'message')}, {count(statistics.peers, 'peer')}, {_dropped(statistics)}"
    )
    doing = f"{endpoints[0].doing} {names}"
    if all(endpoint.state is not State.LISTENING for endpoint in endpoints):
        return Status(Light.STOPPED, f"stopped after {statistics.seconds:.1f} s, {names}: {counts}")
    open_to_all = any(endpoint.address.is_lan and not endpoint.is_client for endpoint in endpoints)
    lan = " (open to the whole network)" if open_to_all else ""
    if statistics.last_received_s is None:
        text = f"{doing}{lan}, nothing received for {statistics.seconds:.0f} s"
        if statistics.connections:
            text += f", {count(statistics.connections, 'connection')}"
        text += _waiting(statistics)
        return Status(Light.WAITING, text, _first_message_hint(endpoints, statistics))
    silent_s = statistics.last_received_s
    light = Light.RECEIVING if silent_s < QUIET_AFTER_S else Light.QUIET
    waiting = _waiting(statistics) if light is Light.QUIET else ""
    remarks = dict.fromkeys(endpoint.remark for endpoint in endpoints if endpoint.remark)
    hint = "; ".join(filter(None, (_loss_hint(statistics), *remarks)))
    return Status(light, f"{doing}{lan}, {counts}, last message {age(silent_s)} ago{waiting}", hint)


def _first_message_hint(endpoints: Sequence[Endpoint], statistics: Statistics) -> str:
    first = endpoints[0].address
    if statistics.problem:
        return f"see what went wrong last: {statistics.problem}"
    if statistics.waiting_bytes:
        return "what has arrived is no whole message yet: wait, or read it otherwise with .reframe(...)"
    if statistics.peers and not statistics.connections and first.transport != "udp":
        return (
            f"{count(statistics.peers, 'peer')} connected and left without a message: does the game send before it "
            "closes, and call poll() until that is done?"
        )
    if statistics.connections:
        return "" if statistics.sent else _silence_hint(first)
    if endpoints[0].is_client:
        return (
            "it answers only what it is sent: use .send(...). A Godot UDPServer must be polled in every frame"
            if first.transport == "udp"
            else f"is a server running at {first.host}, port {first.port}, and does it call poll() in every frame?"
        )
    reach = (
        f"on other machines send to {_seen_from_outside(first)}, port {first.port} (a firewall may be in the way)"
        if first.is_lan
        else 'from another machine it cannot be reached unless you listen with host="lan"'
    )
    return (
        f"is the game running, and does it send to port {first.port} with {first.transport.upper()}? "
        f"UDP gives no error when nobody listens; {reach}"
        if first.transport == "udp"
        else f"is the game running, does it connect to port {first.port} and call poll() in every frame? {reach}"
    )


def _waiting(statistics: Statistics) -> str:
    """What has arrived of messages that are not complete."""
    if not statistics.waiting_bytes:
        return ""
    of = (
        f" of a message of {number(statistics.awaited_bytes)}"
        if statistics.awaited_bytes
        else " of a message"
    )
    have = "has" if statistics.waiting_bytes == 1 else "have"
    return f", {count(statistics.waiting_bytes, 'byte')}{of} {have} arrived"


def _seen_from_outside(address: Address) -> str:
    """What other machines send to, as far as it is known."""
    every = address.host == "lan" or ipaddress.ip_address(address.host).is_unspecified
    return (lan_address() if every else address.host) or "this machine's address"


def _silence_hint(address: Address) -> str:
    """What to try where somebody has connected and never sent."""
    call = "StreamPeerTCP.poll()" if address.transport == "tcp" else "WebSocketPeer.poll()"
    hint = (
        f"a peer has connected and has not sent anything: does the game call {call} in every frame? Without it the "
        "game's side stays in the state CONNECTING, although the connection is there"
    )
    if address.transport == "tcp":
        hint += ". What was sent may also be an incomplete message: see framing="
    return hint


def _loss_hint(statistics: Statistics) -> str:
    if statistics.kernel_drops:
        return (
            f"{statistics.kernel_drops} datagrams were lost in this computer's receive buffer "
            f"({statistics.receive_buffer_bytes // 1024} KiB), not on the network: send slower, or raise the "
            "system's limit (on Linux: sysctl net.core.rmem_max)"
        )
    return ""


def diagnosis(endpoints: Sequence[Endpoint], statistics: Statistics, wanted: int, timeout_s: float) -> str:
    """Say why a wait has ended without what was waited for."""
    status = describe(endpoints, statistics)
    said = (
        f"{statistics.received} of {wanted} messages had arrived after {timeout_s:g} s. Now: {status.text}."
    )
    if status.light in {Light.WAITING, Light.FAILED} or status.hint:
        return f"{said} To try: {status.hint}"
    if status.light is Light.STOPPED:
        anew = "gdlab.connect" if endpoints and endpoints[0].is_client else "gdlab.listen"
        return f"{said} A stopped capture receives nothing more; its start() goes on, {anew} begins anew"
    return f"{said} The game sends more slowly than that, or has ended; a longer timeout= waits on"


def _dropped(statistics: Statistics) -> str:
    if not statistics.dropped:
        return "0 dropped"
    parts = []
    if statistics.kernel_drops:
        parts.append(f"{number(statistics.kernel_drops)} dropped by the kernel")
    if statistics.evicted_rows:
        parts.append(f"{number(statistics.evicted_rows)} oldest rows gone (limit)")
    return ", ".join(parts)
