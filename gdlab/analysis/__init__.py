"""Measures: pure functions from the message table to tables of numbers that say what they are."""

from __future__ import annotations

from gdlab.analysis.arrivals import inter_arrival, jitter
from gdlab.analysis.compare import compare
from gdlab.analysis.conversations import conversations
from gdlab.analysis.frames import FrameRate, frame_rate
from gdlab.analysis.latency import response_times, round_trips
from gdlab.analysis.overhead import overhead
from gdlab.analysis.percentiles import percentiles
from gdlab.analysis.probes import probes
from gdlab.analysis.rates import rates
from gdlab.analysis.sequence import numbered, sequence

__all__ = [
    "FrameRate",
    "compare",
    "conversations",
    "frame_rate",
    "inter_arrival",
    "jitter",
    "numbered",
    "overhead",
    "percentiles",
    "probes",
    "rates",
    "response_times",
    "round_trips",
    "sequence",
]
