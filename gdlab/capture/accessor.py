"""`df.gdlab`: what gdlab offers on a message table that a user holds; registered when this module is imported."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd

from gdlab import analysis
from gdlab.capture.pictures import Plots
from gdlab.capture.sizes import sizes
from gdlab.codecs import Codec, decode
from gdlab.variant.sizes import SizeReport


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
        """What the messages cost in other encodings; see `gdlab.capture.sizes.Sizes`."""
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
