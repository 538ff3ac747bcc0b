"""Measures: pure functions from the message table to tables of numbers that say what they are."""

from __future__ import annotations

from gdlab.analysis.arrivals import inter_arrival, jitter
from gdlab.analysis.latency import response_times, round_trips
from gdlab.analysis.percentiles import percentiles
from gdlab.analysis.probes import probes
from gdlab.analysis.rates import rates

__all__ = ["inter_arrival", "jitter", "percentiles", "probes", "rates", "response_times", "round_trips"]
