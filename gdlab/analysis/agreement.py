"""What was measured beside what is true: a relay knows what it did to each packet."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gdlab.analysis.columns import messages, times_ns
from gdlab.analysis.source import Source, table_of

#: A measured delay may be so much larger than the true one: the way from the relay to the receiver, on one machine.
TOLERANCE_MS = 1.0


def agreement(truth: pd.DataFrame, receiver: Source) -> pd.DataFrame:
    """Compare what a receiver's capture shows with what a relay did, measure by measure.

    Parameters
    ----------
    truth : one way of a relay's truth table with the packets' payloads in a column `payload`, as `Relay.agreement`
        makes it. Payloads must differ, by a number in each, because packets are told apart by them.
    receiver : a capture of the program behind the relay, on this machine: both times are then of one clock.

    Returns
    -------
    One row per measure: `measure` (index: `arrived`, `lost`, `duplicated`, `reordered`, `delay_p50_ms`,
    `delay_p99_ms`, `spread_ms`), `measured`, `true`, `difference` (float64), `n` (int64, the sample size),
    `agrees` (bool: counts are of the very same packets; delays differ by no more than the way from the relay to the
    receiver takes, 1 ms, and the relay's own lateness).

    Raises
    ------
    ValueError : payloads that are not all different.

    Notes
    -----
    `reordered` are packets with a number below one that came before (RFC 4737 section 3.3), by the numbers of the
    truth table. `spread_ms` is the standard deviation of the delay.
    """
    first = truth[truth["copy"] == 0]
    if first["payload"].duplicated().any():
        raise ValueError(
            "some payloads are equal, and packets are told apart by them: let the sender number its messages"
        )
    numbers = {bytes(payload): n for payload, n in zip(first["payload"], first["n"], strict=True)}
    sent_ns = pd.Series(times_ns(first), index=first["n"].to_numpy())
    table = table_of(receiver)
    came = table[messages(table, "in")]
    found = np.array([numbers.get(bytes(payload), -1) for payload in came["payload"]], dtype=np.int64)
    order = np.argsort(times_ns(came), kind="stable")
    order = order[found[order] >= 0]
    measured_numbers, measured_ns = found[order], times_ns(came)[order]
    passed = truth[truth["fate"] == "passed"].sort_values("sent", kind="stable")
    true_numbers, true_ns = passed["n"].to_numpy(), times_ns(passed.assign(time=passed["sent"]))
    late_ms = float(passed["late_us"].quantile(0.99)) / 1e3 if len(passed) else 0.0

    rows: list[tuple[str, float, float, int, bool]] = []
    for name, of in (
        ("arrived", _distinct),
        ("lost", _missing),
        ("duplicated", _twice),
        ("reordered", _behind),
    ):
        found_out, happened = of(measured_numbers, sent_ns), of(true_numbers, sent_ns)
        rows.append((name, float(len(found_out)), float(len(happened)), len(first), found_out == happened))
    pair = [_delays(measured_numbers, measured_ns, sent_ns), _delays(true_numbers, true_ns, sent_ns)]
    for name, figure in (("delay_p50_ms", _median), ("delay_p99_ms", _tail), ("spread_ms", _spread)):
        measured, true = (figure(each) if len(each) else np.nan for each in pair)
        near = bool(abs(measured - true) <= TOLERANCE_MS + max(0.0, late_ms))
        rows.append((name, measured, true, len(pair[0]), near))
    frame = pd.DataFrame(rows, columns=["measure", "measured", "true", "n", "agrees"]).set_index("measure")
    frame.insert(2, "difference", frame["measured"] - frame["true"])
    return frame


def _distinct(numbers: NDArray[np.int64], _sent: pd.Series) -> set[int]:
    return set(numbers.tolist())


def _missing(numbers: NDArray[np.int64], sent: pd.Series) -> set[int]:
    return set(sent.index.tolist()) - set(numbers.tolist())


def _twice(numbers: NDArray[np.int64], _sent: pd.Series) -> set[int]:
    values, counts = np.unique(numbers, return_counts=True)
    return set(values[counts > 1].tolist())


def _behind(numbers: NDArray[np.int64], _sent: pd.Series) -> set[int]:
    """Those whose first copy came after a higher number."""
    _, firsts = np.unique(numbers, return_index=True)
    arrived = numbers[np.sort(firsts)]
    if not len(arrived):
        return set()
    return set(arrived[arrived < np.maximum.accumulate(arrived)].tolist())


def _delays(numbers: NDArray[np.int64], at_ns: NDArray[np.int64], sent: pd.Series) -> NDArray[np.float64]:
    """Milliseconds of each first copy."""
    values, firsts = np.unique(numbers, return_index=True)
    result: NDArray[np.float64] = (at_ns[firsts] - sent.reindex(values).to_numpy()) / 1e6
    return result


def _median(delays: NDArray[np.float64]) -> float:
    return float(np.percentile(delays, 50))


def _tail(delays: NDArray[np.float64]) -> float:
    return float(np.percentile(delays, 99))


def _spread(delays: NDArray[np.float64]) -> float:
    return float(np.std(delays))
