"""Several runs in one table, each beginning at zero and under its own name, so that one picture holds them all."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd

from gdlab.analysis.columns import times_ns
from gdlab.analysis.source import Source, table_of
from gdlab.capture.measures import Measures
from gdlab.capture.plot_namespace import Plots
from gdlab.codecs import decode

if TYPE_CHECKING:
    from collections.abc import Callable


def overlay(runs: Mapping[str, Source] | None = None, /, **named: Source) -> Overlay:
    """Put several runs into one plot, each with its name in the legend, all beginning at zero.

    ::

        gd.overlay(before=run1, after=run2).plot.latency()

    Parameters
    ----------
    runs, named : captures, recordings or tables by name; a dict for names that are not Python identifiers.

    Returns
    -------
    An object with `.plot` and the measures of a capture. Where a run has one peer, the run's name stands for it in the
    column `peer` and in legends; where it has several, they are called ``"before: 127.0.0.1:4242"``.

    Raises
    ------
    ValueError : there are fewer than two runs. TypeError : a run without a name.
    """
    if runs is not None and not isinstance(runs, Mapping):
        raise TypeError("each run has a name in the picture: gd.overlay(before=run1, after=run2)")
    chosen = {**(runs or {}), **named}
    if len(chosen) < 2:
        raise ValueError(
            f"an overlay is of two runs at least, and {len(chosen)} was given: gd.overlay(before=run1, after=run2)"
        )
    return Overlay(chosen)


class Overlay(Measures):
    """Several runs as one table; see `overlay`."""

    def __init__(self, runs: Mapping[str, Source]) -> None:
        self.runs = dict(runs)

    @property
    def df(self) -> pd.DataFrame:
        """All rows in order of time, which counts from the first row of each run."""
        return self._together(table_of)

    def decoded(self) -> pd.DataFrame:
        """The same with the payloads decoded, those of each run as that run reads them."""
        return self._together(_decoded)

    @property
    def plot(self) -> Plots:
        """Pictures of all runs, with their names in the legend; see `Plots`."""
        return Plots(self)

    def _together(self, table: Callable[[Source], pd.DataFrame]) -> pd.DataFrame:
        together = pd.concat(
            [_renamed(table(run), name) for name, run in self.runs.items()], ignore_index=True, sort=False
        )
        for name in (
            "endpoint",
            "peer",
            "direction",
            "event",
            "kind",
            "time_source",
            "framing",
            "reason",
            "by",
        ):
            if name in together.columns:
                together[name] = together[name].astype("category")
        together = together.sort_values("time", kind="stable", ignore_index=True)
        together.attrs["gdlab_runs"] = list(self.runs)  # by which pictures tell them apart
        return together

    def __repr__(self) -> str:
        return f"<Overlay of {', '.join(self.runs)}>"


def _decoded(run: Source) -> pd.DataFrame:
    decoded: Any = getattr(run, "decoded", None)
    if callable(decoded):
        return decoded()  # type: ignore[no-any-return]  # of a capture or a recording
    table = table_of(run)
    return table if "decode_error" in table.columns else decode(table)


def _renamed(table: pd.DataFrame, name: str) -> pd.DataFrame:
    """A run's table from zero on, its peers called by the run's name."""
    stamps = times_ns(table)
    zero = int(stamps.min()) if len(stamps) else 0
    peers = table["peer"].astype(object).where(table["peer"].notna(), "")
    several = len(set(peers) - {""}) > 1
    changed: dict[str, Any] = {
        "time": pd.to_datetime(stamps - zero, utc=True),
        "peer": [(f"{name}: {peer}" if several else name) if peer else "" for peer in peers],
    }
    for column in table.columns:
        if isinstance(table[column].dtype, pd.CategoricalDtype) and column not in changed:
            changed[str(column)] = table[column].astype(object)
    found = table.assign(**changed)
    found.attrs = {}
    return found
