"""Two captures of one session as one table: each message where it was sent and where it arrived."""

from __future__ import annotations

import numpy as np
import pandas as pd

from gdlab.analysis.clock_bounds import ClockBounds, Contradiction, bounds
from gdlab.analysis.columns import messages, require, times_ns
from gdlab.analysis.matching import (
    Way,
    contents_of,
    in_rounds,
    keys_of,
    match,
    one_conversation,
    refuse_the_ambiguous,
)
from gdlab.analysis.merged import By, Merged
from gdlab.analysis.merged_tables import WAYS, clock_table, rows_of, ways_of
from gdlab.analysis.source import Source, table_of


def merge_two(a: Source, b: Source, *, by: By, seq: str | None, bits: int | None, same_clock: bool) -> Merged:
    """Align two captures of one session; see `gdlab.analysis.merge`."""
    if by not in ("auto", "payload", "probe", "seq"):
        raise ValueError(f"by is auto, payload, probe or seq, not {by!r}")
    if (by == "seq") and seq is None:
        raise ValueError('by="seq" needs the column with the numbers: seq="v.seq"')
    if bits is not None and (seq is None or not 2 <= bits <= 32):
        raise ValueError(f"bits is the width of the numbers of seq=, 2 to 32, not {bits}")
    chosen = ("payload" if seq is None else "seq") if by == "auto" else by
    tables = [table_of(each, seq if chosen == "seq" else None) for each in (a, b)]
    for table in tables:
        require(table, ("time", "endpoint", "peer", "direction", "event", "size_bytes", "payload"))
    contents = contents_of(*tables)
    rows = [np.flatnonzero(messages(table)) for table in tables]
    rows = list(one_conversation(tables, rows, contents))
    keys = keys_of(tables, contents, chosen, seq)
    rows = [each[key[each] >= 0] for each, key in zip(rows, keys, strict=True)]
    stamps = [times_ns(table) for table in tables]
    out = [table["direction"].eq("out").to_numpy(dtype=np.bool_) for table in tables]

    ways = []
    for sender, receiver in ((0, 1), (1, 0)):
        sent = rows[sender][out[sender][rows[sender]]]
        got = rows[receiver][~out[receiver][rows[receiver]]]
        sent_keys, got_keys = keys[sender][sent], keys[receiver][got]
        if bits is not None:
            sent, got = (
                each[np.argsort(ns[each], kind="stable")]
                for each, ns in ((sent, stamps[sender]), (got, stamps[receiver]))
            )
            counters = [
                tables[side][seq].iloc[each].to_numpy(dtype=np.int64)
                for side, each in ((sender, sent), (receiver, got))
            ]
            sent_keys, got_keys = in_rounds(
                counters[0], stamps[sender][sent], counters[1], stamps[receiver][got], bits
            )
        ways.append(match(sent, sent_keys, stamps[sender], got, got_keys, stamps[receiver]))
    refuse_the_ambiguous(ways, chosen)
    start = int(stamps[0].min())
    base, clock = (0, None) if same_clock else _clock(ways, start)
    known = same_clock or clock is not None
    parts = [
        rows_of(way, number, tables[number], base, clock, start, known=known)
        for number, way in enumerate(ways)
    ]
    table = pd.concat(parts, ignore_index=True)
    table["way"] = pd.Categorical.from_codes(table["way"].to_numpy(), categories=pd.Index(WAYS))
    table = table.sort_values("time", kind="stable", ignore_index=True)
    peers = tuple(str(t["peer"].iloc[r[0]]) for t, r in zip(tables, rows, strict=True))
    return Merged(
        table,
        ways_of(table),
        clock_table(base, clock, start, ways, same=same_clock),
        chosen,
        (peers[0], peers[1]),
    )


def _clock(ways: list[Way], start: int) -> tuple[int, ClockBounds | None]:
    """How b's clock stands to a's: a whole number of nanoseconds, and the line on top of it."""
    clear = [(way.got >= 0) & (way.copies == 1) for way in ways]
    if not all(each.any() for each in clear):
        return 0, None
    (forth, back), (there, here) = ways, clear
    # Whole numbers until only small differences are left: nanoseconds since 1970 exceed a float's 53 bits.
    above = forth.got_ns[there] - forth.sent_ns[there]
    below = back.sent_ns[here] - back.got_ns[here]
    base = int(above.min())
    x = (forth.sent_ns[there] - start) / 1e9, (back.got_ns[here] - start) / 1e9
    try:
        return base, bounds((x[0], (above - base) / 1e3), (x[1], (below - base) / 1e3))
    except Contradiction as error:
        raise ValueError(
            "ambiguous: as matched, messages would arrive before they were sent, whatever the clocks' offset "
            f"and drift (by {error.by_us / 1e3:.1f} ms). Either contents repeat so that others were taken for "
            "them (give seq=, or by='probe'), or a clock was set meanwhile: merge the time before and after it"
        ) from None
