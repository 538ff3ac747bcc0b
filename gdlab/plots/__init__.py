"""Pictures of the measures: artists made once on an Axes, then updated; never pyplot."""

from __future__ import annotations

from gdlab.plots.latency import LatencyPlot, latency
from gdlab.plots.live import LiveRates
from gdlab.plots.rates import RatesPlot, rates
from gdlab.plots.sizes import sizes

__all__ = ["LatencyPlot", "LiveRates", "RatesPlot", "latency", "rates", "sizes"]
