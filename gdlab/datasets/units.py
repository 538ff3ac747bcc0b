"""Units of work on a data set: measures of some rows, stream by stream."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from gdlab import analysis
from gdlab.analysis.clocks import NoOffset
from gdlab.analysis.columns import times_ns
from gdlab.analysis.placing import placed
from gdlab.analysis.stamps import Writing
from gdlab.codecs.table import DecodeWith
from gdlab.datasets.reading import Part, Rows

Ints: TypeAlias = npt.NDArray[np.int64]

#: Measures of one row for each message, probe or stream, by name.
BY_STREAM: Final[Mapping[str, Callable[..., pd.DataFrame]]] = {
    "clock_offsets": analysis.clock_offsets,
    "delay_above_least": analysis.delay_above_least,
    "inter_arrival": analysis.inter_arrival,
    "jitter": analysis.jitter,
    "numbered": analysis.numbered,
    "one_way_delay": analysis.one_way_delay,
    "response_times": analysis.response_times,
    "round_trips": analysis.round_trips,
    "sequence": analysis.sequence,
}
#: Of measures with a value for each row, the column it is in.
COLUMN: Final = {
    "delay_above_least": "above_ms",
    "inter_arrival": "iat_ms",
    "jitter": "jitter_ms",
    "one_way_delay": "delay_ms",
    "response_times": "response_ms",
    "round_trips": "rtt_ms",
}
#: Those that fall back to what messages carry of number and time, by the option that names the field otherwise.
STAMPED: Final = {
    "delay_above_least": "sent",
    "jitter": "sent",
    "numbered": "seq",
    "one_way_delay": "sent",
    "sequence": "seq",
}
#: Those of them for which any probe of the other side's own outweighs what all messages carry.
TIMED: Final = {"delay_above_least", "jitter", "one_way_delay"}
#: Those of them that take no fields of messages by themselves.
UNDECODED: Final = {"delay_above_least"}
#: Those that need nothing of payloads but the fields that are named.
OF_FIELDS: Final = {"delay_above_least", "inter_arrival", "jitter", "numbered", "response_times", "sequence"}
#: Those that refuse a table in which nobody shows what they need.
REFUSING: Final = {"delay_above_least", "one_way_delay"}


@dataclass(frozen=True, slots=True)
class Unit:
    """A part of the data set and what to do with it.

    Attributes
    ----------
    part : the rows.
    task : which of `TASKS`.
    measure : the name of the measure that it is for.
    options : of the task or the measure.
    marks : whether our pings must be told by what is in them, as no file marks them.
    decode_with : how payloads are read, where fields of them are needed; None where none is.
    fields : those fields.
    slim : what of each file's payloads is kept beside the fields: with ``probes`` those that may be pings, with
        ``none`` none, else all.
    writing : how messages of the whole data set carry number and time, where the measure asks for it.
    """

    part: Part
    task: str
    measure: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    marks: bool = False
    decode_with: DecodeWith | None = None
    fields: tuple[str, ...] = ()
    writing: Writing | None = None
    slim: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """Rows of a measure, and where and when the row is that each stands for."""

    table: pd.DataFrame
    place: Ints
    time: Ints


def keys(rows: Rows, at: npt.NDArray[np.integer]) -> Ints:
    """(n, 2) int64: time and place of some rows."""
    return np.stack([times_ns(rows.table)[at], rows.place[at]], axis=1)


def _options(unit: Unit) -> dict[str, Any]:
    return {name: value for name, value in unit.options.items() if name != "last"}


def by_stream(rows: Rows, unit: Unit) -> Found | str:
    """A measure of some streams; why there is none, where it refuses."""
    try:
        table = placed(BY_STREAM[unit.measure])(rows.table, **_options(unit))
    except ValueError as error:
        if unit.measure not in REFUSING or (
            unit.measure == "one_way_delay" and not isinstance(error, NoOffset)
        ):
            raise
        return str(error)
    at = table.index.to_numpy(dtype=np.int64)
    return Found(table.reset_index(drop=True), rows.place[at], times_ns(rows.table)[at])
