"""Pictures of the measures: artists made once on an Axes, then updated; never pyplot."""

from __future__ import annotations

from gdlab.plots.canvas import png, save
from gdlab.plots.field import FieldPlot, field
from gdlab.plots.frame_phase import FramePhasePlot, frame_phase
from gdlab.plots.histogram import HistogramPlot, histogram
from gdlab.plots.jitter import JitterPlot, jitter
from gdlab.plots.ladder import LadderPlot, ladder
from gdlab.plots.lanes import lanes_figure
from gdlab.plots.latency import LatencyPlot, latency
from gdlab.plots.live import LiveRates
from gdlab.plots.live_frames import LiveFrames
from gdlab.plots.live_latency import LiveLatency
from gdlab.plots.overhead import OverheadPlot, overhead
from gdlab.plots.percentiles import PercentilesPlot, percentiles
from gdlab.plots.rates import RatesPlot, rates
from gdlab.plots.sequence import SequencePlot, sequence
from gdlab.plots.shares import SharesPlot, shares
from gdlab.plots.sizes import sizes
from gdlab.plots.timeline import TimelinePlot, timeline
from gdlab.plots.together import together
from gdlab.plots.truth import truth

__all__ = [
    "FieldPlot",
    "FramePhasePlot",
    "HistogramPlot",
    "JitterPlot",
    "LadderPlot",
    "LatencyPlot",
    "LiveFrames",
    "LiveLatency",
    "LiveRates",
    "OverheadPlot",
    "PercentilesPlot",
    "RatesPlot",
    "SequencePlot",
    "SharesPlot",
    "TimelinePlot",
    "field",
    "frame_phase",
    "histogram",
    "jitter",
    "ladder",
    "lanes_figure",
    "latency",
    "overhead",
    "percentiles",
    "png",
    "rates",
    "save",
    "sequence",
    "shares",
    "sizes",
    "timeline",
    "together",
    "truth",
]
