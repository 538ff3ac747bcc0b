"""How the numbers of a report are defined, in the words that stand beside them."""

from __future__ import annotations

from typing import Final

#: Of each measure of `gdlab.analysis.measures`, by the beginning of its name.
MEASURES: Final = {
    "duration": "from the first to the last row of any kind",
    "messages in": "messages received, over the duration",
    "goodput in": "payload bytes received, over the duration; no headers",
    "payload in": "mean size of the messages received, without headers",
    "round trip": "time from our probe to its first answer, both on this computer's clock; what the game takes until "
    "it answers is in it. Lost probes count as later than all",
    "inter-arrival": "time between one message of a peer and its next; what the sender does and what the network does "
    "are both in it, and it is not a delay",
    "loss of numbered": "numbers that are missing between the lowest and the highest of each run of numbered messages; "
    "where they went is another question",
    "loss of round trips": "probes without an answer within 2 s; either way may have lost it, or the game not answered",
}

#: What is true of all of them.
GENERAL: Final = (
    (
        "A percentile is shown where at least ten values are expected beyond it (20 values for the median, 200 "
        "for 95 %, 1,000 for 99 %). It is exact: the values are sorted, not put into bins; between two values it "
        "is interpolated."
    ),
    (
        "Probes are sent on a schedule that does not wait for answers, so that a slow answer keeps no other probe "
        "from being sent (coordinated omission); where this side paused itself, a finding says so."
    ),
    (
        "Intervals are at 95 %: of percentiles by order statistics, of shares by Wilson's score method. They "
        "suppose values that do not depend on each other, which in frames and bursts is not quite so: read them as the "
        "least uncertainty. Facts of the capture, such as its duration, have none."
    ),
    (
        "Jitter is the estimator of RFC 3550, section 6.4.1. It needs the sender's clock in the messages; the two "
        "clocks are never subtracted from each other."
    ),
    (
        "Sizes on the wire are estimates: payload, and headers of WebSocket, TCP or UDP, and IP as they usually "
        "are."
    ),
    (
        "The time of a row with the time source 'kernel' was taken by the system when the packet arrived; with 'user' "
        "it was taken when Python read it, later by the time Python was busy."
    ),
)

#: Of each counter of `Capture.statistics`.
STATISTICS: Final = {
    "seconds": "since the capture began, until it was stopped",
    "received": "messages since the capture began",
    "received_bytes": "their payloads",
    "sent": "messages sent",
    "sent_bytes": "their payloads",
    "peers": "remote addresses seen",
    "pings_sent": "gdlab's own pings, which are not counted as messages",
    "answers_received": "answers to gdlab's own pings, which are not counted as messages either",
    "problem_s": "age of the last problem, in seconds",
    "errors": "rows of event 'error'",
    "kernel_drops": "messages the system dropped because the receive buffer was full; None where it does not count",
    "evicted_rows": "rows evicted because of the capture's limit: they are not in this report",
    "rows_kept": "rows that were still in memory",
    "bytes_kept": "memory they took",
    "decoded_bytes": "memory that their decoded values took",
    "receive_buffer_bytes": "as the system granted it; the smallest of the endpoints",
    "last_received_s": "age of the newest message",
    "connections": "open TCP and WebSocket connections",
    "opening": "connections whose handshake is not complete",
    "waiting_bytes": "bytes of streams that have arrived and are not a whole message yet",
    "awaited_bytes": "length of the longest message that is on its way, as it announces it",
    "unsent_bytes": "bytes that wait until their peers read them",
    "problem": "what went wrong last: an error, a refused connection, a visitor who left",
}

#: Of the columns of `gdlab.analysis.conversations` that do not explain themselves.
CONVERSATIONS: Final = (
    "One row for each endpoint and peer, most messages first; bytes are payload, except wire bytes, which is both ways "
    "with headers. mean hz in is the number of arrivals minus one, divided by the time from the first to the last."
)


def of_measure(name: str) -> str:
    """The definition of a measure; empty for one that has none here."""
    return next((text for start, text in MEASURES.items() if name.startswith(start)), "")
