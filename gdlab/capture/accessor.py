"""`df.gdlab`: what gdlab offers on a message table that a user holds; registered when this module is imported."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd

from gdlab import analysis
from gdlab.capture.plot_namespace import Plots
from gdlab.codecs import Codec, decode
from gdlab.sizes import SizeReport
from gdlab.sizes.call import sizes


@pd.api.extensions.register_dataframe_accessor("gdlab")
class TableAccessor:
    """Delegates; it knows nothing itself."""

    def __init__(self, table: pd.DataFrame) -> None:
        if "payload" not in table.columns:
            raise AttributeError("df.gdlab works on a table of messages; this one has no column 'payload'")
        self._table = table

    def decoded(self, codec: str | Codec | Callable[[bytes], Any] = "auto") -> pd.DataFrame:
        """The table with its payloads decoded; see `gdlab.codecs.decode`."""
        return decode(self._table, codec)

    def sizes(self, **options: Any) -> SizeReport:
        """What the messages cost in other encodings; see `gdlab.sizes.call.Sizes`."""
        return sizes(self._table, **options)

    @property
    def plot(self) -> Plots:
        """Pictures of the table, with the names and defaults of `Capture.plot`."""
        return Plots(lambda: self._table)

    def findings(self, **options: Any) -> pd.DataFrame:
        """What the table shows, in words; see `gdlab.analysis.findings`."""
        return analysis.findings(self._table, **options)

    def rates(self, **options: Any) -> pd.DataFrame:
        """Messages and bytes per second; see `gdlab.analysis.rates`."""
        return analysis.rates(self._table, **options)

    def round_trips(self, **options: Any) -> pd.DataFrame:
        """Answered probes; see `gdlab.analysis.round_trips`."""
        return analysis.round_trips(self._table, **options)

    def inter_arrival(self, **options: Any) -> Any:
        """Times between arrivals; see `gdlab.analysis.inter_arrival`."""
        return analysis.inter_arrival(self._table, **options)

    def jitter(self, **options: Any) -> Any:
        """Inter-arrival jitter (RFC 3550); see `gdlab.analysis.jitter`."""
        return analysis.jitter(self._table, **options)

    def sequence(self, **options: Any) -> pd.DataFrame:
        """Loss, duplicates and reordering; see `gdlab.analysis.sequence`."""
        return analysis.sequence(self._table, **options)

    def conversations(self, **options: Any) -> pd.DataFrame:
        """One row a peer; see `gdlab.analysis.conversations`."""
        return analysis.conversations(self._table, **options)

    def overhead(self, **options: Any) -> pd.DataFrame:
        """Bytes by layer; see `gdlab.analysis.overhead`."""
        return analysis.overhead(self._table, **options)

    def numbered(self, **options: Any) -> pd.DataFrame:
        """What became of each numbered message; see `gdlab.analysis.numbered`."""
        return analysis.numbered(self._table, **options)

    def where_lost(self, receiver: pd.DataFrame, **options: Any) -> pd.DataFrame:
        """Where messages of this table, the sender's, were lost; see `gdlab.analysis.where_lost`."""
        return analysis.where_lost(self._table, receiver, **options)

    def response_times(self, **options: Any) -> pd.DataFrame:
        """Times until the peer's next message; see `gdlab.analysis.response_times`."""
        return analysis.response_times(self._table, **options)

    def frame_rate(self, **options: Any) -> analysis.FrameRate | None:
        """The frame rate in the round trips; see `gdlab.analysis.frame_rate`."""
        return analysis.frame_rate(self._table, **options)

    def clock_offsets(self) -> pd.DataFrame:
        """The other sides' clocks against this one; see `gdlab.analysis.clock_offsets`."""
        return analysis.clock_offsets(self._table)

    def one_way_delay(self, **options: Any) -> pd.DataFrame:
        """Delay of each message, with its error; see `gdlab.analysis.one_way_delay`."""
        return analysis.one_way_delay(self._table, **options)

    def measures(self, **options: Any) -> pd.DataFrame:
        """All measures in short; see `gdlab.analysis.measures`."""
        return analysis.measures(self._table, **options)

    def compare(self, other: pd.DataFrame, **options: Any) -> pd.DataFrame:
        """The table beside another; see `gdlab.analysis.compare`."""
        return analysis.compare(self._table, other, **options)
