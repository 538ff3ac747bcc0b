"""The expert's list: what the numbers of a table show, in words."""

from __future__ import annotations

import pandas as pd

from gdlab.analysis.columns import require
from gdlab.analysis.numbers import counting_field, with_numbers
from gdlab.analysis.rules import RULES, Evidence, Finding
from gdlab.analysis.rules.finding import COLUMNS
from gdlab.analysis.rules.relayed import relay_findings
from gdlab.analysis.source import Source, table_of
from gdlab.analysis.text_table import Findings
from gdlab.analysis.together import together
from gdlab.analysis.truths import truth_of
from gdlab.analysis.watched import Watched
from gdlab.messages import SCHEMA


def findings(
    table: Source,
    statistics: object = None,
    *,
    seq: str | None = None,
    sender: Source | None = None,
    relay: Source | None = None,
    watched: Watched | None = None,
) -> pd.DataFrame:
    """What is remarkable about a table, most certain first.

    Parameters
    ----------
    table : a message table with all columns of the schema.
    statistics : counters of the capture, as a mapping or an object with attributes; `kernel_drops` is used. By
        default those that a capture or recording has.
    seq : column with the numbers of the messages, such as ``"v.seq"``; by default those of probes, and with a
        `sender` that sent none, a field of the messages that counts up.
    sender, relay : what the program that sent the messages captured, and one between the two, so that the place of
        a loss can be named; see `where_lost`. A relay's own truth is used.
    watched : a watch of the game, as `gdlab.debugger` makes it: slow frames, breaks and errors then explain what the
        messages alone cannot. By default the one that a capture has.

    Returns
    -------
    A table, shown with whole sentences, one row per finding: `rule`, `certainty` (float64, 0 to 1), `what`,
    `evidence` (numbers and sample sizes), `next_step`, `lesson` (text), `rows` (tuples of positions in the
    table, at most 20). No rows where no rule applies, which says that nothing was recognised, not that all
    is well.

    Raises
    ------
    TypeError : another capture in place of `statistics`; say what it is: ``sender=`` or ``relay=``.
    """
    if isinstance(statistics, pd.DataFrame) or hasattr(statistics, "df"):
        raise TypeError("name what the other capture is: findings(sender=other) or findings(relay=other)")
    if statistics is None and not isinstance(table, pd.DataFrame):
        statistics = getattr(table, "provenance", {}).get("statistics")
    if watched is None:
        watched = getattr(table, "watched", None)
    if seq is None and sender is not None:
        seq = counting_field(sender)
    own = truth_of(table)
    relayed = [] if own is None else relay_findings(own[1])
    until_ns = getattr(table, "until_ns", None)
    ended = getattr(table, "provenance", {}).get("ended_in_order") is not False
    with together():
        table = with_numbers(table_of(table, seq), seq)
        sender = None if sender is None else table_of(sender, seq)
        if relay is not None and truth_of(relay) is None:
            relay = table_of(relay, seq)
        require(table, [column.name for column in SCHEMA])
        evidence = Evidence(
            table,
            statistics,
            seq,
            sender=sender,
            relay=relay,
            watched=watched,
            ended_in_order=ended,
            until_ns=until_ns,
        )
        return listed([*relayed, *(finding for rule in RULES for finding in rule(evidence))])


def listed(found: list[Finding]) -> pd.DataFrame:
    """Findings as a table, most certain first; see `findings`."""
    found = list(found)
    found.sort(key=lambda finding: -finding.certainty)
    frame = Findings([finding.cells() for finding in found], columns=list(COLUMNS))
    return frame if len(frame) else frame.astype({"certainty": "float64"})
