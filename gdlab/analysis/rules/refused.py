"""Rules about those who did not get in, and about whom we did not reach."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from gdlab.analysis.rules.evidence import pointed
from gdlab.analysis.rules.finding import Finding
from gdlab.facts import Reason

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from gdlab.analysis.rules.evidence import Evidence

#: Which rows each rule reports.
RULES: Final[dict[str, frozenset[Reason]]] = {
    "refused-visitors": frozenset(
        {
            Reason.REFUSED_LIMIT,
            Reason.REFUSED_ORIGIN,
            Reason.REFUSED_PATH,
            Reason.REFUSED_HANDSHAKE,
            Reason.HANDSHAKE_TIMEOUT,
            Reason.HANDSHAKE_CUT,
        }
    ),
    "nobody-there": frozenset(
        {Reason.NOBODY_LISTENS, Reason.NO_ANSWER, Reason.CONNECT_FAILED, Reason.NOT_WEBSOCKET}
    ),
    "refused-datagrams": frozenset({Reason.UNREACHABLE}),
    "sub-protocol": frozenset({Reason.SUBPROTOCOL}),
    "encrypted": frozenset({Reason.ENCRYPTED}),
}
#: Different sentences that a finding repeats.
_TOLD: Final = 3


def refused(evidence: Evidence) -> Iterator[Finding]:
    """Connections and datagrams that came to nothing, by what was wrong."""
    for rule, reasons in RULES.items():
        rows = rows_of(evidence, reasons)
        if rows.any():
            told = dict.fromkeys(str(detail) for detail in evidence.table["detail"][rows][:1000])
            yield Finding.of(
                rule,
                0.95,
                pointed(rows),
                times=int(rows.sum()),
                peers=int(evidence.table["peer"][rows].nunique()),
                told=tuple(told)[:_TOLD],
            )


def rows_of(evidence: Evidence, reasons: frozenset[Reason]) -> NDArray[np.bool_]:
    """The rows of event `error` with one of these reasons."""
    of = evidence.table["reason"].isin([str(reason) for reason in reasons]).to_numpy(dtype=np.bool_)
    found: NDArray[np.bool_] = of & evidence.event("error")
    return found


def any_refused(evidence: Evidence) -> bool:
    """Whether another rule tells why nothing came."""
    return bool(rows_of(evidence, frozenset().union(*RULES.values())).any())
