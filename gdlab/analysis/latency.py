"""Round trips: how long the other side took to answer.

Both ends of a round trip are stamped by the same clock, the capture's, so no clock offset is in it. What is
in it: the way there, the wait until the program reads (in a game that polls once per frame: up to a frame, half
of one on average), its work, its wait until it sends, and the way back. RFC 2681 defines the round-trip delay
of a packet so, as the time from its sending to the arrival of the answer that was sent at once; where the
answerer says how long it held the probe, that is a column, and never subtracted behind the reader's back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from gdlab.analysis.arrivals import UNIT_US
from gdlab.analysis.clocks import one_way_delay
from gdlab.analysis.columns import equals, firsts, groups, in_time, order, require, time_index, times_ns
from gdlab.analysis.gathering import at, column_at, picked
from gdlab.analysis.placing import by_row
from gdlab.analysis.probes import messages_of, probes
from gdlab.analysis.source import Source, table_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

#: What became of a ping.
OUTCOMES: Final = ("answered", "lost", "pending")


@by_row
def round_trips(table: Source, *, timeout_s: float = 2.0) -> pd.DataFrame:
    """Round-trip time of each probe that the capture sent.

    Parameters
    ----------
    table : columns `time`, `endpoint`, `peer`, `direction`, `event`, `size_bytes`, `payload`; may be empty.
    timeout_s : a ping without an answer is `lost` once the capture has run this much longer, else `pending`. An
        answer that comes later still counts as an answer.

    Returns
    -------
    One row for each ping sent (the sample size is the number of rows that are `answered`), in order of
    sending: `time` (when it was sent), `endpoint`, `peer`, `seq`, `t_us` (int64), `rtt_ms` (float64, NaN
    where there is no answer), `turnaround_ms` (float64: how long the answerer reports to have held the probe, by
    its own clock; NaN where it does not), `outcome` (`answered`, `lost`, `pending`), `answers` (int64; over 1:
    the answer was duplicated, the first one counts).

    Notes
    -----
    A ping and its answers have the same endpoint, peer, `seq` and `t_us`. Whoever sent the first message of
    such a set asked: pings that come *in* are the game's own measurement, and what goes out after them is our
    answer, not a round trip of ours. A ping whose bytes are sent again later is a ping of its own; an answer
    belongs to the latest ping before it.

    Lost pings stay in the result, and `percentiles` counts them as later than any answer: leaving them out
    would praise a connection for what it lost. Pings should be sent on a schedule that does not wait for
    answers; where the sender waits, slow answers keep it from asking, and they are undercounted ("coordinated
    omission"): see `percentiles`, `expected_ms`.
    """
    table = table_of(table)
    stamps = times_ns(table)
    found = probes(table)
    rows = found["row"].to_numpy()
    out = equals(table, "direction", "out")[rows]
    pong = found["pong"].to_numpy()
    seq, t_us = found["seq"].to_numpy(), found["t_us"].to_numpy()

    times, ours = picked(stamps, rows), found["ours"].to_numpy()
    asked, answer, of = _answered(found["exchange"].to_numpy(), times, ours & out & ~pong, ours & ~out)
    count = len(asked)
    answers = np.bincount(of, minlength=count)
    first = np.full(count, -1, dtype=np.int64)
    first[of[::-1]] = answer[::-1]
    answered = first >= 0
    sent = at(times, asked)
    rtt, held = np.full(count, np.nan), np.full(count, np.nan)
    source = first[answered]
    rtt[answered] = (at(times, source) - sent[answered]) / 1e6
    if found["held"].any():
        says = found["held"].to_numpy()[source]
        took = found["s_us"].to_numpy()[source] - found["r_us"].to_numpy()[source]
        held[answered] = np.where(says, took / 1e3, np.nan)
    last = int(stamps.max()) if len(stamps) else 0
    of_asked = at(rows, asked)
    result = pd.DataFrame(
        {
            "time": time_index(sent),
            "endpoint": column_at(table, "endpoint", of_asked),
            "peer": column_at(table, "peer", of_asked),
            "seq": at(seq, asked),
            "t_us": at(t_us, asked),
            "rtt_ms": rtt,
            "turnaround_ms": held,
            "outcome": outcomes(answered, sent, last, timeout_s),
            "answers": answers.astype(np.int64),
        },
        index=pd.Index(of_asked, copy=False),
        copy=False,
    )
    if in_time(sent) and in_time(of_asked):
        return result
    return result.iloc[np.lexsort((of_asked, sent))]


def _answered(
    exchange: Ints, times: Ints, ping: NDArray[np.bool_], answer: NDArray[np.bool_]
) -> tuple[Ints, Ints, Ints]:
    """Which of some rows are pings, which are answers, and the number of the latest ping before each of those.

    Parameters
    ----------
    exchange, times : (n,) int64. ping, answer : (n,) bool; the first row of an exchange that has answers is a ping.

    Returns
    -------
    Positions of the pings; positions of the answers, those of a ping in order of time; and for each the position of
    its ping among the pings.
    """
    if in_time(times):  # as a rule, each exchange has one ping and its rows are in order as they are
        asked, answers = np.flatnonzero(ping), np.flatnonzero(answer)
        number = np.zeros(int(exchange.max(initial=-1)) + 1, dtype=np.int64)
        own = at(exchange, asked)
        number[own] = np.arange(len(asked))
        if np.array_equal(at(number, own), np.arange(len(asked))):
            return asked, answers, at(number, at(exchange, answers))
    sequence = order(exchange, times)
    ping, answer = ping[sequence], answer[sequence]
    return sequence[ping], sequence[answer], (np.cumsum(ping) - 1)[answer]


def outcomes(
    answered: NDArray[np.bool_], sent: NDArray[np.int64], last: int, timeout_s: float
) -> pd.Categorical[str]:
    """What became of pings that were sent at `sent`, seen from the last row of the capture; both in nanoseconds."""
    waited = (last - sent) / 1e9 >= timeout_s
    codes = np.where(answered, np.int8(0), np.where(waited, np.int8(1), np.int8(2)))
    return pd.Categorical.from_codes(codes, categories=pd.Index(OUTCOMES), validate=False)


def latency(
    table: Source, *, sent: str | None = None, received: str | None = None, unit: str = "us"
) -> pd.DataFrame:
    """How long messages took by times that the game itself wrote into them.

    Parameters
    ----------
    table : columns `time`, `endpoint`, `peer`, `direction`, `event` and the fields; may be empty.
    sent : field with the time at which a message, or what it answers, was sent, such as ``"v.t_us"``.
        By default, without `received`, the `t_us` that the messages of `Capture.gdscript` carry.
    received : field with the time at which it was received, of the same clock as `sent`. Without it the arrival counts,
        which is by our clock: then the offset of the clocks must be known, see `one_way_delay`.
    unit : what the fields count in: ``s``, ``ms``, ``us`` or ``ns``.

    Returns
    -------
    One row per message that arrived and has the fields, in order of time: `time`, `endpoint`, `peer`, `latency_ms`
    (float64), `error_ms` (float64: by how much it may be wrong; 0 where one clock wrote both).

    Raises
    ------
    KeyError
        If there is no such column.
    ValueError
        If `unit` is not known, or two clocks would be subtracted whose offset is not known.
    """
    if received is None:
        delays = one_way_delay(table, sent=sent, unit=unit)
        return delays.rename(columns={"delay_ms": "latency_ms"})
    if sent is None:
        raise ValueError(
            f"latency(received={received!r}) needs the field with the time of sending as well: sent="
        )
    if unit not in UNIT_US:
        raise ValueError(f"unit is one of {', '.join(UNIT_US)}, not {unit!r}")
    decoded = table_of(table, sent, received)
    require(decoded, ("time", "endpoint", "peer", "direction", "event", sent, received))
    # Whole numbers are subtracted before they become floats: nanoseconds since 1970 do not fit into one.
    between = pd.to_numeric(decoded[received], errors="coerce") - pd.to_numeric(
        decoded[sent], errors="coerce"
    )
    took = between.to_numpy(dtype=np.float64, na_value=np.nan) * UNIT_US[unit] / 1e3
    rows = np.flatnonzero(messages_of(decoded, "in") & np.isfinite(took))
    rows = rows[np.argsort(times_ns(decoded)[rows], kind="stable")]
    found = decoded[["time", "endpoint", "peer"]].iloc[rows].reset_index(drop=True)
    return found.assign(latency_ms=took[rows], error_ms=0.0)


@by_row
def response_times(table: Source) -> pd.DataFrame:
    """Time from a message sent to a peer until that peer's next message, where that can be an answer.

    Parameters
    ----------
    table : columns `time`, `endpoint`, `peer`, `direction`, `event`; may be empty.

    Returns
    -------
    One row for each message sent that was directly followed by one from the same peer, in order of sending:
    `time` (sent), `endpoint`, `peer`, `response_ms` (float64), `prompted` (float64, 0 to 1: the share of
    this peer's messages that directly follow one of ours), `peer_messages` (int64: of how many).

    Notes
    -----
    Without a number in the messages nothing proves that the second message answers the first. Where the peer
    also speaks unasked (`prompted` well below 1), or where both sides send on a clock of their own, these are
    waiting times and not response times; that is why peers with fewer than nine in ten messages
    prompted are left out, and why the plot names the measure as it is. Probes (`round_trips`) prove it.
    """
    table = table_of(table)
    require(table, ("time", "endpoint", "peer", "direction", "event"))
    stamps = times_ns(table)
    rows = np.flatnonzero(messages_of(table))
    subset = table.iloc[rows]
    ids, labels = groups(subset, ("endpoint", "peer"))
    sequence = order(ids, stamps[rows])
    ids, when = ids[sequence], stamps[rows][sequence]
    ours = equals(subset, "direction", "out")[sequence]
    follows = ~firsts(ids)
    prompted = follows & ~ours
    prompted[1:] &= ours[:-1]
    heard = np.bincount(ids[~ours], minlength=len(labels))
    share = np.bincount(ids[prompted], minlength=len(labels)) / np.maximum(heard, 1)
    answer = np.flatnonzero(prompted & (share[ids] >= 0.9))
    result = pd.DataFrame(
        {
            "time": time_index(when[answer - 1]),
            "endpoint": labels["endpoint"].array.take(ids[answer]),
            "peer": labels["peer"].array.take(ids[answer]),
            "response_ms": (when[answer] - when[answer - 1]) / 1e6,
            "prompted": share[ids[answer]],
            "peer_messages": heard[ids[answer]].astype(np.int64),
        },
        index=pd.Index(rows[sequence[answer - 1]]),
    )
    return result.iloc[np.lexsort((result.index.to_numpy(), when[answer - 1]))]
