"""What a message costs: in memory, in each encoding, with headers, at a rate."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd

from gdlab.messages import wire_bytes
from gdlab.sizes import rpc
from gdlab.sizes.by_hand import Layout
from gdlab.sizes.compression import deflate_bytes, zstd_bytes
from gdlab.sizes.errors import NoSize
from gdlab.sizes.footnotes import footnotes
from gdlab.sizes.godot_text import json_text
from gdlab.sizes.interchange import cbor, messagepack
from gdlab.sizes.memory import memory_bytes, packed_element
from gdlab.sizes.report import SizeReport
from gdlab.variant.codec import dumps
from gdlab.variant.kinds import Type
from gdlab.variant.types import type_of

TRANSPORTS: Final = ("udp", "tcp", "ws")
#: Of more messages than this, so many are measured, evenly spread.
MAX_MESSAGES: Final = 2000
#: Length prefix of a message in a TCP stream, as ``StreamPeer.put_var`` writes one.
PREFIX_BYTES: Final = 4


@dataclass(frozen=True, slots=True)
class _Encoding:
    """A row of the table: how the bytes of a message are made, or None for the layout of all; and what survives."""

    key: str
    label: str
    write: Callable[[Any, bool], bytes] | None
    keeps: str


def _rpc_argument(value: Any, double: bool) -> bytes:
    if type_of(value) is Type.PACKED_BYTE_ARRAY:
        return bytes(value)  # alone it goes bare
    return rpc.argument(value, double=double)


_ENCODINGS: Final = (
    _Encoding(
        "variant", "var_to_bytes, put_var", lambda value, double: dumps(value, double=double), "every type"
    ),
    _Encoding("rpc", "argument of an RPC", _rpc_argument, "every type"),
    _Encoding(
        "json",
        "JSON.stringify",
        lambda value, _: json_text(value).encode(),
        "text, lists, names; Godot reads every number back as a float",
    ),
    _Encoding(
        "messagepack",
        "MessagePack",
        lambda value, _: messagepack(value),
        "numbers, text, bytes, lists, names",
    ),
    _Encoding("cbor", "CBOR", lambda value, _: cbor(value), "numbers, text, bytes, lists, names"),
    _Encoding(
        "by_hand",
        "packed by hand (encode_*)",
        None,
        "values only: both sides must know the layout",
    ),
)


def _written(encoding: _Encoding, messages: Sequence[Any], double: bool) -> list[bytes]:
    if encoding.write is not None:
        return [encoding.write(value, double) for value in messages]
    layout = Layout(messages, double=double)  # one for all of them, as a reader could know only one
    return [layout.pack(value) for value in messages]


def measure(
    value: object,
    *,
    each: bool = False,
    rate_hz: float | None = None,
    peers: int | None = None,
    over: str | None = None,
    double: bool = False,
) -> SizeReport:
    """What a message costs, as Godot and others would hold and send it.

    Parameters
    ----------
    value : one message, any value of `gdlab.variant`; a list is one message, an Array.
    each : every element of `value` is a message of its own (always so for a pandas Series, whose missing values are
        left out). The figures then are means.
    rate_hz : messages per second, to each peer; adds bytes per second.
    peers : receivers; each gets every message. 1 by default.
    over : ``udp``, ``tcp`` or ``ws``; by default all three.
    double : in a double-precision build of Godot.

    Returns
    -------
    A `SizeReport`; its `table` has one row for each way to hold or send the message, and these columns:
    ``bytes``; ``deflate_bytes`` and ``zstd_bytes``, compressed message by message; ``udp_bytes``, ``tcp_bytes`` and
    ``ws_bytes``, with headers and uncompressed (`gdlab.messages.wire_bytes`; the server's side, IPv4); with a rate
    ``udp_bytes_s`` and so on; ``keeps``; ``reason``, why a figure is missing. All figures are Float64, NA if missing.

    Raises
    ------
    VariantEncodeError : Godot could not hold the value; `path` says where in it.
    ValueError : a rate or number of peers that is not positive, an unknown transport, or no message at all.

    Notes
    -----
    Over TCP each message has a length prefix of 4 bytes, as ``put_var`` writes it. An RPC is a call with this one
    argument, with its node, method and count (4 bytes), over UDP in an unreliable packet of ENet (10 bytes).
    """
    _check(rate_hz, peers, over)
    messages, of = _messages(value, each)
    transports = TRANSPORTS if over is None else (over,)
    # First, because what Godot cannot hold is refused here with its place in the value.
    encoded = [_encoded_row(encoding, messages, transports, double) for encoding in _ENCODINGS]
    rows = [_memory_row(messages, double), *_packed_rows(messages, double), *encoded]
    if rate_hz is not None:
        for row in rows:
            for transport in transports:
                cost = row.get(f"{transport}_bytes")
                row[f"{transport}_bytes_s"] = None if cost is None else cost * rate_hz * (peers or 1)
    figures = ["bytes"]
    if len(messages) > 1:
        figures += ["min_bytes", "max_bytes"]
    figures += ["deflate_bytes", "zstd_bytes", *(f"{name}_bytes" for name in transports)]
    if rate_hz is not None:
        figures += [f"{name}_bytes_s" for name in transports]
    table = pd.DataFrame(rows, columns=["encoding", "label", *figures, "keeps", "reason"]).set_index(
        "encoding"
    )
    for name in figures:
        table[name] = pd.array(table[name].tolist(), dtype="Float64")
    for name in ("label", "keeps", "reason"):
        table[name] = table[name].astype("string")
    return SizeReport(
        table=table,
        notes=footnotes(messages, table, of=of, double=double),
        value=messages[0] if len(messages) == 1 else None,
        messages=len(messages),
        of_messages=of,
        rate_hz=rate_hz,
        peers=peers or 1,
        over=over,
    )


def _check(rate_hz: float | None, peers: int | None, over: str | None) -> None:
    if rate_hz is not None and not (0 < rate_hz < float("inf")):
        raise ValueError(f"rate_hz is {rate_hz}; it is messages per second, more than 0")
    if peers is not None and (peers != int(peers) or peers < 1):
        raise ValueError(f"peers is {peers}; it is the number of receivers, at least 1")
    if peers is not None and rate_hz is None:
        raise ValueError("peers only matters at a rate; give rate_hz, too")
    if over is not None and over not in TRANSPORTS:
        raise ValueError(f"over is {over!r}; it is one of {', '.join(TRANSPORTS)}")


def _messages(value: Any, each: bool) -> tuple[list[Any], int]:
    """The messages to measure, and of how many they were taken."""
    if isinstance(value, pd.Series):
        found = [item for item in value if not (item is None or item is pd.NA)]
        if not found:
            raise ValueError("the column holds no value to measure; decode the payloads first")
    elif each:
        found = list(value)
        if not found:
            raise ValueError("there is no message to measure in an empty list")
    else:
        return [value], 1
    step = np.linspace(0, len(found) - 1, min(len(found), MAX_MESSAGES)).round().astype(int)
    return [found[index] for index in step.tolist()], len(found)


def _memory_row(messages: Sequence[Any], double: bool) -> dict[str, Any]:
    found = [memory_bytes(value, double=double) for value in messages]
    label = "in memory, as a Variant" + (" (double precision)" if double else "")
    return {"encoding": "memory", "label": label, **_spread(found), "keeps": "every type"}


def _packed_rows(messages: Sequence[Any], double: bool) -> list[dict[str, Any]]:
    """What bare elements would take, where a packed array can hold the values."""
    arrays = all(type_of(value) is Type.ARRAY and value for value in messages)
    if arrays:
        # All messages together, so that one array type serves them all.
        element = packed_element([item for value in messages for item in value], double=double)
        label, counts = "its elements in a {}", [len(value) for value in messages]
    else:
        element = packed_element(list(messages), double=double)
        label, counts = "in memory, element of a {}", [1] * len(messages)
    row = {"encoding": "packed", "label": "in memory, bare element of a packed array", "keeps": "one type"}
    if element is None:
        return [row | {"reason": "no packed array holds this type"}]
    row["label"] = label.format(element.array.godot_name)
    if element.array is Type.PACKED_STRING_ARRAY:
        row["keeps"] = "one type; the text itself lies outside"
    return [row | _spread([count * element.bytes for count in counts])]


def _encoded_row(
    encoding: _Encoding, messages: Sequence[Any], transports: Sequence[str], double: bool
) -> dict[str, Any]:
    row: dict[str, Any] = {"encoding": encoding.key, "label": encoding.label, "keeps": encoding.keeps}
    try:
        encoded = _written(encoding, messages, double)
    except NoSize as error:
        return row | {"reason": str(error)}
    row |= _spread([len(data) for data in encoded])
    row["deflate_bytes"] = statistics.fmean(map(deflate_bytes, encoded))
    try:
        row["zstd_bytes"] = statistics.fmean(map(zstd_bytes, encoded))
    except NoSize as error:
        row["reason"] = f"zstd {error}"
    for transport in transports:
        if encoding.key == "rpc" and transport == "tcp":
            row["reason"] = "; ".join(filter(None, (row.get("reason"), "there are no RPCs over plain TCP")))
            continue
        row[f"{transport}_bytes"] = statistics.fmean(
            _on_the_wire(encoding.key, value, len(data), transport, double)
            for value, data in zip(messages, encoded, strict=True)
        )
    return row


def _on_the_wire(encoding: str, value: object, size: int, transport: str, double: bool) -> int:
    if encoding == "rpc":
        size = rpc.call_bytes(value, double=double) + (rpc.ENET_BYTES if transport == "udp" else 0)
    elif transport == "tcp":
        size += PREFIX_BYTES
    return wire_bytes(transport, size)


def _spread(found: list[int]) -> dict[str, float]:
    return {"bytes": statistics.fmean(found), "min_bytes": min(found), "max_bytes": max(found)}
