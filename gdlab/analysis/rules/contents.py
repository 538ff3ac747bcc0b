"""Rules about what is in the messages, and how large they are."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import numpy as np

from gdlab.analysis.rules.finding import Finding
from gdlab.analysis.rules.masks import (
    ENET_BYTES,
    ETHERNET_UDP_BYTES,
    GODOT_WEBSOCKET_BYTES,
    arrived,
    datagrams,
    in_a_stream,
    may_have_large_integers,
    over_enet_mtu,
    over_mtu,
    over_websocket_buffer,
    sent,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gdlab.analysis.rules.evidence import Evidence

_STRING: Final = re.compile(rb'"(?:[^"\\]|\\.)*"')
_INTEGER: Final = re.compile(rb"(?<![\w.+-])-?(\d{16,20})(?![\d.eE])")
#: The end of a JSON value directly followed by the start of another one.
_GLUED: Final = re.compile(rb"[}\]]\s*[{\[]")


def glued_or_split(evidence: Evidence) -> Iterator[Finding]:
    """Chunks of a TCP stream that hold several JSON values, or part of one."""
    rows, payloads = evidence.payloads(in_a_stream(evidence))
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
    yield Finding.of(
        "glued-or-split",
        0.9,
        evidence.at(sorted([*several, *parts])),
        chunks=len(rows),
        several=len(several),
        parts=len(parts),
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


def large_integers(evidence: Evidence) -> Iterator[Finding]:
    """JSON with integers that a reader which knows only floats will change."""
    rows, payloads = evidence.payloads(may_have_large_integers(evidence))
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
        yield Finding.of(
            "large-integers",
            1.0,
            evidence.at([row for row, _ in found]),
            messages=len(found),
            of=len(rows),
            example=example,
            becomes=int(float(example)),
        )


def lost_characters(evidence: Evidence) -> Iterator[Finding]:
    """A text came back with spaces for its non-ASCII characters, as put_string makes them."""
    out_rows, out = evidence.payloads(sent(evidence))
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
    rows, came = evidence.payloads(arrived(evidence))
    hits = [(row, damaged[payload]) for row, payload in zip(rows, came, strict=True) if payload in damaged]
    if hits:
        yield Finding.of(
            "lost-characters",
            0.95,
            evidence.at([row for row, _ in hits]),
            messages=len(hits),
            of=len(rows),
            example=hits[0][1][:40],
            sent=len(out_rows),
        )


def too_large(evidence: Evidence) -> Iterator[Finding]:
    """Messages over a limit at which Godot or the network treats them differently."""
    if (found := evidence.selected(over_websocket_buffer)).n:
        yield Finding.of(
            "over-websocket-buffer",
            0.95,
            found.rows,
            messages=found.n,
            most=GODOT_WEBSOCKET_BYTES,
            largest=found.largest,
            sent=evidence.selected(sent).n,
        )
    if (found := evidence.selected(over_mtu)).n:
        yield Finding.of(
            "over-mtu",
            0.9,
            found.rows,
            datagrams=found.n,
            largest=found.largest,
            of=evidence.selected(datagrams).n,
            most=ETHERNET_UDP_BYTES,
        )
    if (found := evidence.selected(over_enet_mtu)).n:
        yield Finding.of(
            "over-enet-mtu",
            0.6,
            found.rows,
            datagrams=found.n,
            most=ENET_BYTES,
            largest=found.largest,
        )
