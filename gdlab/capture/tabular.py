"""What a live capture and a loaded one have in common: a table, and everything that is made of it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from gdlab.capture import html
from gdlab.codecs import Codec, decode
from gdlab.store import write_csv

if TYPE_CHECKING:
    from matplotlib.axes import Axes


class Plots:
    """Pictures of a table; each returns the Axes it drew on. matplotlib is loaded when the first is drawn."""

    def __init__(self, source: Tabular) -> None:
        self._source = source

    def rates(self, ax: Axes | None = None, **options: Any) -> Axes:
        """Messages and bytes per second over time; see `gdlab.plots.rates`."""
        from gdlab import plots

        return plots.rates(self._source.df, ax=ax, **options)

    def latency(self, ax: Axes | None = None, **options: Any) -> Axes:
        """Round-trip times where probes were answered, else the time between arrivals; see `gdlab.plots.latency`."""
        from gdlab import plots

        return plots.latency(self._source.df, ax=ax, **options)


class Tabular(ABC):
    """A table of messages with its pictures, its measures and its file form."""

    @property
    @abstractmethod
    def df(self) -> pd.DataFrame:
        """The table, with the columns of `gdlab.messages.SCHEMA`; yours to change."""

    @property
    @abstractmethod
    def provenance(self) -> dict[str, Any]:
        """Where the table comes from: endpoints, limits, counters; JSON-able, written beside exported files."""

    def tail(self, rows: int = 10) -> pd.DataFrame:
        """Return the last rows of the table."""
        return self.df.tail(rows)

    def decoded(self, codec: str | Codec | Callable[[bytes], Any] = "auto") -> pd.DataFrame:
        """Return the table with its payloads decoded into `value` and typed columns; see `gdlab.codecs.decode`."""
        return decode(self.df, codec)

    @property
    def plot(self) -> Plots:
        """Pictures: `plot.rates()`, `plot.latency()`."""
        return Plots(self)

    def to_csv(self, path: str | Path, *, raw: bool = False) -> Path:
        """Write the table as CSV, with a sidecar `*.gdlab.json` that `gdlab.load` restores the dtypes from.

        Parameters
        ----------
        path : the file; it appears under this name only when it is complete.
        raw : write text as it is. Otherwise text that a spreadsheet would run as a formula gets an apostrophe in
            front, which `load` takes away again.

        Returns
        -------
        The path. A capture that is still running writes what has arrived so far.
        """
        return write_csv(self.df, Path(path), raw=raw, provenance=self.provenance)

    def _repr_html_(self) -> str:
        return html.summary(self._headline(), self.tail(8))

    @abstractmethod
    def _headline(self) -> html.Headline:
        """Return what the HTML form says above the table."""
