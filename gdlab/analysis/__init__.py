"""Measures: pure functions from the message table to tables of numbers that describe themselves."""

from __future__ import annotations

from gdlab.analysis.agreement import agreement
from gdlab.analysis.arrivals import inter_arrival, jitter
from gdlab.analysis.clocks import clock_offsets, one_way_delay
from gdlab.analysis.compare import compare, measures
from gdlab.analysis.conversations import conversations
from gdlab.analysis.delay_variation import delay_above_least
from gdlab.analysis.findings import findings
from gdlab.analysis.frame_rates import FrameRate, frame_rate
from gdlab.analysis.latency import latency, response_times, round_trips
from gdlab.analysis.loss_location import where_lost
from gdlab.analysis.merged import Merged, MergedPath
from gdlab.analysis.merging_path import merge
from gdlab.analysis.overhead import overhead
from gdlab.analysis.percentiles import TAIL_SAMPLES, percentiles
from gdlab.analysis.playout import playout
from gdlab.analysis.probes import probes
from gdlab.analysis.rates import rates
from gdlab.analysis.sequence import numbered, sequence
from gdlab.analysis.text_table import Worded
from gdlab.analysis.visitors import visitors

__all__ = [
    "TAIL_SAMPLES",
    "FrameRate",
    "Merged",
    "MergedPath",
    "Worded",
    "agreement",
    "clock_offsets",
    "compare",
    "conversations",
    "delay_above_least",
    "findings",
    "frame_rate",
    "inter_arrival",
    "jitter",
    "latency",
    "measures",
    "merge",
    "numbered",
    "one_way_delay",
    "overhead",
    "percentiles",
    "playout",
    "probes",
    "rates",
    "response_times",
    "round_trips",
    "sequence",
    "visitors",
    "where_lost",
]
