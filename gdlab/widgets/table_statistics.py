"""What a capture that had received the rows of a table would count."""

from __future__ import annotations

import pandas as pd

from gdlab.capture import Statistics
from gdlab.facts import Reason
from gdlab.messages import Direction, Event


def statistics_of(table: pd.DataFrame) -> Statistics:
    """Counts of a message table."""
    message = table["event"] == Event.MESSAGE
    probe = message & (table["reason"] == Reason.PROBE)
    message &= ~probe
    received = message & (table["direction"] == Direction.IN)
    sent = message & (table["direction"] == Direction.OUT)
    lost = table.loc[table["reason"] == "kernel_drop", "count"]
    return Statistics(
        seconds=(table["time"].max() - table["time"].min()).total_seconds() if len(table) else 0.0,
        received=int(received.sum()),
        received_bytes=int(table.loc[received, "size_bytes"].sum()),
        sent=int(sent.sum()),
        sent_bytes=int(table.loc[sent, "size_bytes"].sum()),
        peers=int(table["peer"].replace("", pd.NA).nunique()),
        errors=int((table["event"] == Event.ERROR).sum()),
        kernel_drops=int(lost.sum()) if len(lost) else None,
        evicted_rows=0,
        rows_kept=len(table),
        bytes_kept=int(table["size_bytes"].sum()),
        receive_buffer_bytes=0,
        last_received_s=None,
        pings_sent=int((probe & (table["direction"] == Direction.OUT)).sum()),
        answers_received=int((probe & (table["direction"] == Direction.IN)).sum()),
    )
