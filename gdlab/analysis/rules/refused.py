"""Rules about those who did not get in, and about whom we did not reach."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from gdlab.analysis.rules.finding import Finding
from gdlab.facts import Reason

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from gdlab.analysis.rules.evidence import Evidence

#: Connections that came to us and did not get in.
VISITORS: Final = frozenset(
    {
        Reason.REFUSED_LIMIT,
        Reason.REFUSED_ORIGIN,
        Reason.REFUSED_PATH,
        Reason.REFUSED_HANDSHAKE,
        Reason.HANDSHAKE_TIMEOUT,
        Reason.HANDSHAKE_CUT,
    }
)
#: Connections of ours that came to nothing.
NOBODY: Final = frozenset(
    {Reason.NOBODY_LISTENS, Reason.NO_ANSWER, Reason.CONNECT_FAILED, Reason.NOT_WEBSOCKET}
)
DATAGRAMS: Final = frozenset({Reason.UNREACHABLE})
SUBPROTOCOLS: Final = frozenset({Reason.SUBPROTOCOL})
ENCRYPTED: Final = frozenset({Reason.ENCRYPTED})
#: Different sentences that a finding repeats.
_TOLD: Final = 3
_CERTAIN: Final = 0.95


class _Seen(NamedTuple):
    rows: tuple[int, ...]
    times: int
    told: tuple[str, ...]


def refused(evidence: Evidence) -> Iterator[Finding]:
    """Connections and datagrams that came to nothing, by what was wrong."""
    if not evidence.event("error").any():  # as a rule
        return
    if seen := _seen(evidence, VISITORS):
        yield Finding.of("refused-visitors", _CERTAIN, seen.rows, times=seen.times, told=seen.told)
    if seen := _seen(evidence, NOBODY):
        yield Finding.of("nobody-there", _CERTAIN, seen.rows, times=seen.times, told=seen.told)
    if seen := _seen(evidence, DATAGRAMS):
        yield Finding.of("refused-datagrams", _CERTAIN, seen.rows, times=seen.times, told=seen.told)
    if seen := _seen(evidence, SUBPROTOCOLS):
        yield Finding.of("sub-protocol", _CERTAIN, seen.rows, times=seen.times, told=seen.told)
    if seen := _seen(evidence, ENCRYPTED):
        yield Finding.of("encrypted", _CERTAIN, seen.rows, times=seen.times, told=seen.told)


def _seen(evidence: Evidence, reasons: frozenset[Reason]) -> _Seen | None:
    rows = rows_of(evidence, reasons)
    if not rows.any():
        return None
    told = dict.fromkeys(str(detail) for detail in evidence.table["detail"][rows][:1000])
    return _Seen(evidence.pointed(rows), int(rows.sum()), tuple(told)[:_TOLD])


def rows_of(evidence: Evidence, reasons: frozenset[Reason]) -> NDArray[np.bool_]:
    """The rows of event `error` with one of these reasons."""
    found = evidence.event("error").copy()
    if not found.any():
        return found
    told = evidence.table["reason"].iloc[np.flatnonzero(found)]
    found[found] = told.isin([str(reason) for reason in reasons]).to_numpy(dtype=np.bool_)
    return found


def any_refused(evidence: Evidence) -> bool:
    """Whether another rule tells why nothing came."""
    return bool(rows_of(evidence, VISITORS | NOBODY | DATAGRAMS | SUBPROTOCOLS | ENCRYPTED).any())
