"""Where numbered messages were lost, from captures at several places of their way."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from gdlab.analysis.columns import groups
from gdlab.analysis.interval import wilson
from gdlab.analysis.numbers import with_numbers
from gdlab.analysis.sequence import numbered
from gdlab.analysis.source import Source, table_of
from gdlab.analysis.truths import FATES, truth_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: Rounds of a counter that are looked at: of one of 8 bits some 250,000 messages.
_MOST_ROUNDS = 1000


def where_lost(
    sender: Source,
    receiver: Source,
    *,
    relay: Source | None = None,
    seq: str | None = None,
    bits: int | None = None,
    kernel_drops: int | None = None,
) -> pd.DataFrame:
    """How many messages each part of the way lost.

    Parameters
    ----------
    sender : message table of the program that sent them, one stream of numbered messages going out.
    receiver : message table of the program that got them, the same stream coming in.
    relay : message table of a program between the two: the stream in, and out again. A `Relay`, or what one has
        saved, has its truth taken into account: of all its streams it is the one with the sender's numbers, and each
        fate has a row.
    seq, bits : the numbers, as for `numbered`; by default those of the probes that the sender sent.
    kernel_drops : datagrams that the kernel dropped before the receiver read them, from its statistics.

    Returns
    -------
    One row per part of the way, in order: `place` (text: `sender to receiver`, or with a relay `sender to
    relay`, `relay` and `relay to receiver`; for a relay with its truth `relay: loss`, `relay: queue` and so on in place
    of `relay` where it took packets away; `receiver's buffer` where `kernel_drops` is given), `entered`
    (int64: different numbers that came into it, the sample size), `lost` (int64: those that did not come out), `loss`
    (their share, float64; NaN for none entered), `loss_low`, `loss_high` (its 95 % Wilson interval).

    Raises
    ------
    ValueError
        If a table has more than one stream of numbered messages that way, so that the same number may mean two
        messages; filter it by `peer` and `endpoint` first. Also if `kernel_drops` is negative.

    Notes
    -----
    What `receiver` has and the place before it has not, because that capture began later, is not counted. Messages
    still on the way when a capture ended count as lost: stop the sender first. A receiver's buffer may have dropped
    other messages, too, so that at most as many as are missing are put down to it.
    """
    if kernel_drops is not None and kernel_drops < 0:
        raise ValueError(f"kernel_drops counts datagrams and cannot be {kernel_drops}")
    numbers = {
        "sender": _numbers(sender, "sender", "out", seq, bits),
        "receiver": _numbers(receiver, "receiver", "in", seq, bits),
    }
    parts = [("sender to receiver", numbers["sender"], numbers["receiver"])]
    if bits is not None:
        numbers["receiver"] = _aligned(numbers["receiver"], numbers["sender"], 1 << bits)
        parts = [("sender to receiver", numbers["sender"], numbers["receiver"])]
    known = truth_of(relay)
    if known is not None:
        parts = _by_truth(*known, numbers["sender"], numbers["receiver"], seq, bits)
    elif relay is not None:
        into, out_of = _numbers(relay, "relay", "in", seq, bits), _numbers(relay, "relay", "out", seq, bits)
        if bits is not None:
            into, out_of = (_aligned(each, numbers["sender"], 1 << bits) for each in (into, out_of))
        parts = [
            ("sender to relay", numbers["sender"], into),
            ("relay", into, out_of),
            ("relay to receiver", out_of, numbers["receiver"]),
        ]
    rows = [(place, len(before), len(before.difference(after, sort=False))) for place, before, after in parts]
    if kernel_drops is not None:
        place, entered, lost = rows.pop()
        dropped = min(kernel_drops, lost)
        reached = entered - (lost - dropped)
        rows += [(place, entered, lost - dropped), ("receiver's buffer", reached, dropped)]
    frame = pd.DataFrame(rows, columns=["place", "entered", "lost"]).astype(
        {"entered": "int64", "lost": "int64"}
    )
    n, missing = frame["entered"].to_numpy(), frame["lost"].to_numpy()
    low, high = wilson(missing, n)
    return frame.assign(
        loss=np.where(n > 0, missing / np.maximum(n, 1), np.nan),
        loss_low=np.where(n > 0, low, np.nan),
        loss_high=np.where(n > 0, high, np.nan),
    )


def _by_truth(
    table: pd.DataFrame,
    truth: pd.DataFrame,
    sent: pd.MultiIndex,
    received: pd.MultiIndex,
    seq: str | None,
    bits: int | None,
) -> list[tuple[str, pd.MultiIndex, pd.MultiIndex]]:
    """The parts of the way through a relay that knows what it did to each packet."""
    table = table_of(table, seq)
    rows_in = truth["row_in"]
    best, fitting = sent[:0], truth[:0]
    for _, part in truth[rows_in.notna()].groupby(["client", "way"], observed=True, sort=False):
        numbers = _taken(table, part["row_in"], "in", seq, bits, sent)
        if len(numbers.intersection(sent)) > len(best.intersection(sent)):
            best, fitting = numbers, part
    if not len(best):
        raise ValueError(
            "none of the sender's numbers came into the relay; is it the one between these two, and are the numbers in "
            "the same field?"
        )
    passed = fitting[fitting["fate"] == "passed"]
    out_of = _taken(table, passed["row_in"], "in", seq, bits, sent)
    parts, before = [("sender to relay", sent, best)], best
    # A packet is lost with its first copy, unless another one came through.
    gone = fitting[(fitting["copy"] == 0) & ~fitting["n"].isin(set(passed["n"]))]
    for fate in FATES:
        numbers = _taken(table, gone[gone["fate"] == fate]["row_in"], "in", seq, bits, sent)
        after = before.difference(numbers, sort=False)
        if len(after) < len(before):
            parts.append((f"relay: {fate}", before, after))
        before = after
    if len(parts) == 1:
        parts.append(("relay", best, out_of))
    return [*parts, ("relay to receiver", out_of, received)]


def _taken(
    table: pd.DataFrame,
    rows: pd.Series,
    direction: str,
    seq: str | None,
    bits: int | None,
    sent: pd.MultiIndex,
) -> pd.MultiIndex:
    """The different numbers of some rows."""
    numbers = _numbers(table.iloc[rows.to_numpy(dtype=np.int64)], "relay", direction, seq, bits)
    return numbers if bits is None else _aligned(numbers, sent, 1 << bits)


def _aligned(numbers: pd.MultiIndex, sent: pd.MultiIndex, modulus: int) -> pd.MultiIndex:
    """Numbers of a counter that had wrapped before this capture began, counted on as the sender's are.

    A capture counts on from the first number that it has. By how many rounds that is behind the sender's is told by
    where most of the numbers are the same.
    """
    if not len(numbers) or not len(sent):
        return numbers
    theirs = np.asarray(sent.get_level_values("seq"), np.int64)
    ours = np.asarray(numbers.get_level_values("seq"), np.int64)
    most = min((int(theirs.max()) - int(ours.min())) // modulus, _MOST_ROUNDS)
    least = max((int(theirs.min()) - int(ours.max())) // modulus, -_MOST_ROUNDS)
    rounds = sorted(range(least, most + 1), key=abs)
    if len(rounds) < 2 and rounds in ([], [0]):
        return numbers
    known = np.unique(theirs)
    same = [int(np.isin(_shifted(ours, each * modulus), known).sum()) for each in rounds]
    moved = _shifted(ours, rounds[int(np.argmax(same))] * modulus)
    return pd.MultiIndex.from_arrays([numbers.get_level_values("run"), moved], names=numbers.names)


def _shifted(numbers: NDArray[np.int64], by: int) -> NDArray[np.int64]:
    """Numbers moved on, modulo 2^64."""
    return (numbers.view(np.uint64) + np.uint64(by % 2**64)).view(np.int64)


def _numbers(table: Source, name: str, direction: str, seq: str | None, bits: int | None) -> pd.MultiIndex:
    """The different numbers of the only stream of a direction, each with its run."""
    rows = with_numbers(table_of(table, seq), seq, direction)
    each = numbered(rows, seq=seq, direction=direction, bits=bits)
    _, streams = groups(each, ("endpoint", "peer"))
    if len(streams) > 1:
        peers = ", ".join(map(str, streams["peer"].tolist()[:5]))
        raise ValueError(
            f"the table of the {name} has {len(streams)} streams of numbered messages going {direction} ({peers}); "
            "where one number went can only be told of one stream: filter the table by peer and endpoint first"
        )
    # Modulo 2^64, so that numbers of one capture that are over 2^63 compare with those of another that are not.
    same_type = each[["run"]].assign(seq=each["seq"].to_numpy().view(np.int64))
    return pd.MultiIndex.from_frame(same_type).unique()
