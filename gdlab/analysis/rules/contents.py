"""Rules about what is in the messages, and how large they are."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import numpy as np

from gdlab.analysis.rules.facts import POINTED, pointed
from gdlab.analysis.rules.finding import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gdlab.analysis.rules.facts import Facts

#: WebSocketPeer.inbound_buffer_size and outbound_buffer_size of Godot 4.6: the largest message each way.
GODOT_WEBSOCKET_BYTES: Final = 65_535
#: What an Ethernet frame of 1,500 bytes leaves for a UDP payload over IPv4; and ENet's MTU in Godot 4.6.
ETHERNET_UDP_BYTES: Final = 1472
ENET_BYTES: Final = 1392

_STRING: Final = re.compile(rb'"(?:[^"\\]|\\.)*"')
_INTEGER: Final = re.compile(rb"(?<![\w.+-])-?(\d{16,20})(?![\d.eE])")
#: The end of a JSON value directly followed by the start of another one.
_GLUED: Final = re.compile(rb"[}\]]\s*[{\[]")


def glued_or_split(facts: Facts) -> Iterator[Finding]:
    """Chunks of a TCP stream that hold several JSON values, or part of one."""
    stream = facts.transport("tcp") & facts.arrived
    rows, payloads = facts.payloads(stream)
    several: list[int] = []
    parts: list[int] = []
    values = 0
    for row, payload in zip(rows, payloads, strict=True):
        text = payload.strip()
        bare = _STRING.sub(b'""', text)
        opens, closes = text[:1] in (b"{", b"["), text[-1:] in (b"}", b"]")
        values += opens and closes
        if opens and closes and _GLUED.search(bare) and _depth_returns(bare):
            several.append(row)
        elif opens != closes and abs(_depth(bare)) > 0:
            parts.append(row)
    if not several and not (parts and values):
        return
    n = len(rows)
    yield Finding(
        "glued-or-split",
        0.9,
        "TCP messages arrive stuck together or in pieces: the stream has no framing that this listener "
        "knows.",
        f"of {n} chunks {len(several)} hold several JSON values, {len(parts)} begin or end in the middle of "
        f"one",
        "Send each message with its length (put_var, put_utf8_string, PacketPeerStream) or one a line, and "
        "choose that framing for the listener; framing='json' splits JSON values.",
        "TCP carries bytes in order and knows no messages: where one ends, the two programs must agree.",
        tuple(sorted([*several, *parts])[:POINTED]),
    )


def _depth(bare: bytes) -> int:
    """Brackets opened less those closed."""
    return bare.count(b"{") + bare.count(b"[") - bare.count(b"}") - bare.count(b"]")


def _depth_returns(bare: bytes) -> bool:
    """Whether a value ends before the text does, so that another one follows it."""
    brackets = np.frombuffer(bare, dtype=np.uint8)
    steps = np.isin(brackets, (0x7B, 0x5B)).astype(np.int64) - np.isin(brackets, (0x7D, 0x5D))
    level = np.cumsum(steps)
    ends = np.flatnonzero((level == 0) & (steps < 0))
    return len(ends) > 1


def large_integers(facts: Facts) -> Iterator[Finding]:
    """JSON with integers that a reader which knows only floats will change."""
    text = facts.arrived | facts.sent
    rows, payloads = facts.payloads(text & (facts.size >= 16) & (facts.size <= 65_536))
    found: list[tuple[int, int]] = []
    for row, payload in zip(rows, payloads, strict=True):
        if payload[:1] not in (b"{", b"["):
            continue
        numbers = [int(n) for n in _INTEGER.findall(_STRING.sub(b'""', payload))]
        large = [n for n in numbers if n > 2**53 and int(float(n)) != n]
        if large:
            found.append((row, large[0]))
    if found:
        example = found[0][1]
        yield Finding(
            "large-integers",
            1.0,
            "JSON messages hold integers over 2^53, which Godot's JSON rounds.",
            f"{len(found)} of the first {len(rows)} messages; {example} becomes {int(float(example))} there",
            "Send such numbers as text, or the message as a Variant (put_var, var_to_bytes), which keeps 64 "
            "bits.",
            "JSON numbers are floating-point for most readers: 53 bits are exact (RFC 8259 section 6).",
            tuple(row for row, _ in found[:POINTED]),
        )


def lost_characters(facts: Facts) -> Iterator[Finding]:
    """A text came back with spaces for its non-ASCII characters, as put_string makes them."""
    out_rows, out = facts.payloads(facts.sent)
    damaged: dict[bytes, str] = {}
    for payload in out:
        try:
            text = payload.decode()
        except UnicodeDecodeError:
            continue
        if not text.isascii():
            damaged["".join(c if c.isascii() else " " for c in text).encode()] = text
    if not damaged:
        return
    rows, arrived = facts.payloads(facts.arrived)
    hits = [(row, damaged[payload]) for row, payload in zip(rows, arrived, strict=True) if payload in damaged]
    if hits:
        yield Finding(
            "lost-characters",
            0.95,
            "Characters outside ASCII came back as spaces: the game writes with put_string.",
            f"{len(hits)} of {len(rows)} messages equal one of ours but for those characters, such as "
            f"{hits[0][1][:40]!r} (n={len(out_rows)} sent)",
            "Use put_utf8_string and get_utf8_string.",
            "A text is not bytes: both sides must use the same encoding, and one that has all its "
            "characters.",
            tuple(row for row, _ in hits[:POINTED]),
        )


def too_large(facts: Facts) -> Iterator[Finding]:
    """Messages over a limit at which Godot or the network treats them differently."""
    said = facts.arrived | facts.sent
    to_game = facts.sent & facts.transport("ws", "wss") & (facts.size > GODOT_WEBSOCKET_BYTES)
    if to_game.any():
        yield Finding(
            "over-websocket-buffer",
            0.95,
            f"{int(to_game.sum())} WebSocket messages to the game are over its default of 65,535 bytes.",
            f"largest {facts.size[to_game].max():,} bytes of {int(facts.sent.sum())} messages sent; Godot 4 "
            f"closes "
            "the connection with code 1009",
            "Set inbound_buffer_size of the game's WebSocketPeer before it connects, or send smaller "
            "messages.",
            "Every receiver has a largest message; ask for it before you meet it.",
            pointed(to_game),
        )
    fragmented = said & facts.transport("udp") & (facts.size > ETHERNET_UDP_BYTES)
    if fragmented.any():
        yield Finding(
            "over-mtu",
            0.9,
            f"{int(fragmented.sum())} datagrams are larger than an Ethernet frame holds.",
            f"largest {facts.size[fragmented].max():,} bytes of {int((said & facts.transport('udp')).sum())} "
            f"datagrams; over {ETHERNET_UDP_BYTES} bytes (IPv4) they travel as several IP fragments",
            "Keep datagrams under about 1,200 bytes, or split them yourself and number the parts.",
            "Of a fragmented datagram one lost fragment loses all; some networks drop fragments altogether.",
            pointed(fragmented),
        )
    enet = said & facts.transport("udp") & (facts.size > ENET_BYTES) & ~fragmented
    if enet.any():
        yield Finding(
            "over-enet-mtu",
            0.6,
            f"{int(enet.sum())} datagrams fit Ethernet but not ENet's packets of {ENET_BYTES} bytes.",
            f"largest {facts.size[enet].max():,} bytes",
            "If the same data shall travel by Godot's ENet later, keep it under 1,350 bytes (the limit of "
            "its "
            "synchronisers), or ENet will split it.",
            "Each layer takes its share of the frame before your payload gets the rest.",
            pointed(enet),
        )
