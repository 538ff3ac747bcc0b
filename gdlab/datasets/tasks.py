"""What workers do: a measure of some rows, as far as it can be taken of them.

Every task is a function of a module and takes one picklable unit, so that any executor can run it, and run it again.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from gdlab.analysis.columns import equals, messages, times_ns
from gdlab.analysis.conversations import tallied as talks_tallied
from gdlab.analysis.latency import outcomes
from gdlab.analysis.overhead import tallied as layers_tallied
from gdlab.analysis.probes import candidates, mark, messages_of, probes
from gdlab.analysis.rates import Counted
from gdlab.analysis.rates import counted as rates_counted
from gdlab.analysis.rates import grouped as rates_grouped
from gdlab.analysis.stamps import known
from gdlab.codecs import decode
from gdlab.datasets import noted
from gdlab.datasets.glanced import glanced
from gdlab.datasets.reading import Rows, own, shares_of
from gdlab.datasets.sketch import Sketch
from gdlab.datasets.units import BY_STREAM, COLUMN, Unit, by_stream, keys
from gdlab.files import to_schema as conform

Ints: TypeAlias = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Answer:
    """The results of a unit, one for each share of its streams, and fields that no payload in it has (others may)."""

    results: tuple[Any, ...]
    lacking: frozenset[str]


def work(unit: Unit) -> Answer:
    """Do what a unit says."""
    results: list[Any] = []
    lacking = frozenset(unit.fields)
    for rows in shares_of(unit.part, functools.partial(_slim, unit) if unit.slim else None):
        result, missed = _done(rows, unit)
        del rows  # the next share is put together while this one is here
        results.append(result)
        lacking &= missed
    return Answer(tuple(results), lacking)


def _done(rows: Rows, unit: Unit) -> tuple[Any, frozenset[str]]:
    if unit.marks:
        mark(rows.table)
    lacking: frozenset[str] = frozenset()
    if unit.decode_with is not None:
        decoded = rows.table if unit.slim else decode(rows.table, unit.decode_with)
        lacking = frozenset(name for name in unit.fields if name not in decoded.columns)
        rows = Rows(decoded.assign(**dict.fromkeys(sorted(lacking), np.nan)), rows.place)
    with known(unit.writing):
        return TASKS[unit.task](rows, unit), lacking


def _slim(unit: Unit, table: pd.DataFrame) -> pd.DataFrame:
    """The fields of some rows in place of their payloads, or of those that are no pings."""
    decoded = decode(table, unit.decode_with)
    fields = [name for name in unit.fields if name in decoded.columns]
    if unit.slim == "probes":
        kept = np.full(len(table), -1)
        at = candidates(table)
        kept[at] = at
        payloads = table["payload"].array.take(kept, allow_fill=True)
        return own(table.assign(payload=payloads, **{name: decoded[name] for name in fields}))
    dropped = {"payload", "size_bytes", "kind"} - set(unit.fields)
    return decoded[[*(name for name in table.columns if name not in dropped), *fields]]


def sketched(rows: Rows, unit: Unit) -> Sketch:
    """The values of a measure, counted in buckets."""
    found = by_stream(rows, unit)
    sketch = Sketch()
    if isinstance(found, str):
        return sketch
    values = found.table[COLUMN[unit.measure]].to_numpy(dtype=np.float64)
    lost = 0
    if unit.measure == "round_trips":
        ends = outcomes(
            ~np.isnan(values), found.time, unit.options["last"], unit.options.get("timeout_s", 2.0)
        )
        lost = int((ends == "lost").sum())
    return sketch.add(values, missing=lost)


def paced(rows: Rows, unit: Unit) -> tuple[Counted, Ints]:
    """What `rates` counts, and time and place of each group's first row."""
    counted = rates_counted(rows.table, **unit.options)
    return counted, keys(rows, counted.first)


def grouped(rows: Rows, unit: Unit) -> tuple[pd.DataFrame, Ints, int]:
    """The groups of `rates` alone: labels, time and place of their first rows, messages in all."""
    labels, first, n = rates_grouped(rows.table, **unit.options)
    return labels, keys(rows, first), n


def before_gaps(rows: Rows, unit: Unit) -> Ints:
    """For each gap the time of the last row of its endpoint before it; the least integer where there is none here."""
    gaps = unit.options["gaps"]
    endpoints = rows.table["endpoint"].cat.codes.to_numpy()
    times = times_ns(rows.table)
    result = np.full(len(gaps), np.iinfo(np.int64).min)
    for number, (endpoint, at_ns, place) in enumerate(gaps):
        mine = endpoints == endpoint
        earlier = mine & ((times < at_ns) | ((times == at_ns) & (rows.place < place)))
        if earlier.any():
            result[number] = times[earlier].max()
    return result


def gaps(rows: Rows, _unit: Unit) -> Ints:
    """(n, 3) int64: endpoint's number, time, place of each gap."""
    at = np.flatnonzero(equals(rows.table, "event", "gap"))
    endpoints = rows.table["endpoint"].cat.codes.to_numpy(dtype=np.int64)
    return np.stack([endpoints[at], times_ns(rows.table)[at], rows.place[at]], axis=1)


def tallied(rows: Rows, unit: Unit) -> tuple[pd.DataFrame, Ints]:
    """What `conversations` or `overhead` adds up, and time and place of each group's first row."""
    tally: Callable[..., pd.DataFrame] = {"conversations": talks_tallied, "overhead": layers_tallied}[
        unit.measure
    ]
    table = tally(rows.table, **unit.options)
    at = table.index.to_numpy(dtype=np.int64)
    return table.reset_index(drop=True), keys(rows, at)


def arrived(rows: Rows, unit: Unit) -> tuple[int, float]:
    """Messages that came in, and their bytes."""
    came = messages_of(rows.table, "in", probes=unit.options["probes"])
    return int(came.sum()), float(rows.table["size_bytes"].to_numpy(dtype=np.float64)[came].sum())


def kept(rows: Rows, unit: Unit) -> Rows:
    """The rows themselves, those of the columns that were asked for."""
    return Rows(own(rows.table[list(unit.options["columns"])]), rows.place)


def asking(rows: Rows, _unit: Unit) -> bool:
    """Whether the other side has sent probes of its own, whose times then count and not those of its messages."""
    found = probes(rows.table)
    theirs = ~found["ours"].to_numpy() & ~found["pong"].to_numpy()
    return bool(messages(rows.table, "in")[found["row"].to_numpy()[theirs]].any())


def values(rows: Rows, unit: Unit) -> npt.NDArray[np.float64]:
    """One column of a measure, as numbers."""
    found = by_stream(rows, unit)
    if isinstance(found, str):
        return np.zeros(0)
    return found.table[COLUMN[unit.measure]].to_numpy(dtype=np.float64)


#: By what `Unit` calls them.
TASKS: Final[Mapping[str, Callable[[Rows, Unit], Any]]] = {
    each.__name__: each
    for each in (
        arrived,
        asking,
        noted.before,
        noted.between,
        noted.fetched,
        noted.followed,
        noted.ranked,
        before_gaps,
        by_stream,
        glanced,
        gaps,
        grouped,
        kept,
        paced,
        sketched,
        tallied,
        values,
    )
}


def row_bytes(unit: Unit, payload_bytes: int) -> int:
    """About what a row takes that a unit holds, with so many bytes of payload as a rule."""
    narrow = 24 + 16 * len(unit.fields)
    if unit.slim == "none":
        return narrow
    narrow += 8 * ("size_bytes" in unit.part.columns)
    if "payload" not in unit.part.columns:
        return narrow
    return narrow + 16 + (0 if unit.slim else payload_bytes)


def needs(measure: str) -> tuple[tuple[str, ...], bool]:
    """Columns beyond those that all need, and whether probes alone are looked at unless a field is named."""
    if measure == "findings":
        return conform.NAMES, False
    if not measure:
        return ("size_bytes",), False
    if measure in ("inter_arrival", "response_times"):
        return (), False
    if measure in BY_STREAM:
        return ("size_bytes", "payload"), True
    return ("size_bytes", "wire_bytes"), False
