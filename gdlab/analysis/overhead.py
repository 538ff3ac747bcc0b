"""Bytes by layer: what of the traffic is payload, and what is headers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from gdlab.analysis.columns import codes, group_rows, groups, labels_of, require
from gdlab.analysis.probes import messages_of
from gdlab.analysis.source import Source, table_of
from gdlab.messages import (
    IPV4_HEADER_BYTES,
    IPV6_HEADER_BYTES,
    TCP_HEADER_BYTES,
    UDP_HEADER_BYTES,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

#: The layers from the inside out.
LAYERS: Final = ("payload", "websocket", "transport", "ip")


def overhead(
    table: Source, *, by: Sequence[str] = ("endpoint", "direction"), probes: bool = False
) -> pd.DataFrame:
    """Bytes of each layer: payload, WebSocket frame, UDP or TCP header, IP header.

    Parameters
    ----------
    table : columns `event`, `endpoint`, `peer`, `size_bytes`, `wire_bytes` and those of `by`; may be empty.
    by : columns that tell groups apart; ``()`` for all messages together.
    probes : include our own pings and their answers, which are gdlab's messages and not the game's.

    Returns
    -------
    One row for each group and layer, groups in order of first message, layers from the inside out: the
    columns `by`, `layer` (category: `payload`, `websocket`, `transport`, `ip`), `bytes` (int64, total),
    `mean_bytes` (float64, per message), `share` (float64 of all bytes of the group), `messages` (int64, the
    sample size).

    Notes
    -----
    An estimate, as `wire_bytes` is (see `gdlab.messages.wire_bytes`): each message as if it travelled in a
    datagram or segment of its own, acknowledgements and the link layer left out. UDP header 8 bytes (RFC
    768), TCP header 32 with the time-stamp option (RFC 9293, RFC 7323), IPv4 header 20 (RFC 791), IPv6 header
    40 (RFC 8200). What is left of `wire_bytes` after those is the WebSocket frame (RFC 6455 section 5.2); a
    framing inside a TCP stream, such as a length prefix, counts towards it as well, where the capture
    counts it.
    """
    table = table_of(table, *by)
    require(table, ("event", "endpoint", "peer", "size_bytes", "wire_bytes", *by))
    return finished(tallied(table, by=by, probes=probes), by=by)


def tallied(table: pd.DataFrame, *, by: Sequence[str], probes: bool) -> pd.DataFrame:
    """Bytes of each layer of each group: `LAYERS`, `wire` and `messages` (all float64); the index is the first row."""
    rows = np.flatnonzero(messages_of(table, probes=probes))
    ids, first = group_rows(table, by, rows)
    n = len(first)
    payload, wire = (
        np.bincount(ids, weights=table[name].to_numpy(dtype=np.float64)[rows], minlength=n)
        for name in ("size_bytes", "wire_bytes")
    )
    udp, ipv6 = _is(table, "endpoint", _udp)[rows], _is(table, "peer", _ipv6)[rows]
    count = np.bincount(ids, minlength=n).astype(np.float64)

    def headers(longer: NDArray[np.bool_], size: int, other: int) -> NDArray[np.float64]:
        many = np.bincount(ids[longer], minlength=n)
        return many * float(size) + (count - many) * other

    transport, ip = (
        headers(udp, UDP_HEADER_BYTES, TCP_HEADER_BYTES),
        headers(ipv6, IPV6_HEADER_BYTES, IPV4_HEADER_BYTES),
    )
    sums = dict(zip(LAYERS, (payload, wire - payload - transport - ip, transport, ip), strict=True))
    at = rows[first]
    return (
        labels_of(table, by, at)
        .set_axis(pd.Index(at), axis=0)
        .assign(**{f"#{name}": total for name, total in {**sums, "wire": wire, "messages": count}.items()})
    )


def added(tallies: pd.DataFrame, by: Sequence[str]) -> pd.DataFrame:
    """Tallies of several parts below each other, those of the same group added up."""
    ids, labels = groups(tallies, by)
    names = [name for name in tallies.columns if str(name).startswith("#")]
    return labels.assign(
        **{name: np.bincount(ids, weights=tallies[name].to_numpy(), minlength=len(labels)) for name in names}
    )


def finished(tallies: pd.DataFrame, *, by: Sequence[str]) -> pd.DataFrame:
    """The table of `overhead` of its tallies."""
    n = len(tallies)
    sums = tallies[[f"#{name}" for name in LAYERS]].to_numpy(dtype=np.float64).ravel()
    count = tallies["#messages"].to_numpy(dtype=np.int64)
    total = np.repeat(tallies["#wire"].to_numpy(dtype=np.float64), len(LAYERS))
    result = tallies[list(by)].iloc[np.repeat(np.arange(n), len(LAYERS))].reset_index(drop=True)
    return result.assign(
        layer=pd.Categorical.from_codes(np.tile(np.arange(len(LAYERS)), n), categories=pd.Index(LAYERS)),
        bytes=sums.astype(np.int64),
        mean_bytes=sums / np.repeat(count, len(LAYERS)),
        share=sums / np.where(total > 0, total, np.nan),
        messages=np.repeat(count, len(LAYERS)),
    )


def _is(table: pd.DataFrame, name: str, holds: Callable[[str], bool]) -> NDArray[np.bool_]:
    """Ask the distinct values of a column, and give each row its answer."""
    numbers, values = codes(table, name)
    answers = np.array([holds(str(value)) for value in values] + [False], dtype=np.bool_)
    return np.asarray(answers[numbers])


def _udp(endpoint: str) -> bool:
    return endpoint.startswith("udp:")


def _ipv6(peer: str) -> bool:
    return peer.startswith("[")
