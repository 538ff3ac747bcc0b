"""The work of a data set in units: what each reads, and what must be known of all rows before."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from gdlab.analysis.rates import Gaps
from gdlab.analysis.stamps import SEQ, T_US, Writing, writing_of
from gdlab.codecs.table import DecodeWith
from gdlab.datasets import partition
from gdlab.datasets.glanced import all_related, judged
from gdlab.datasets.listing import Listed
from gdlab.datasets.measured import TooLarge, needed_fields, of_streams
from gdlab.datasets.reading import BASE, Part, Streams, rows_in_order
from gdlab.datasets.running import run
from gdlab.datasets.survey import asks, together
from gdlab.datasets.tasks import Answer, needs, row_bytes, work
from gdlab.datasets.units import OF_FIELDS, STAMPED, TIMED, UNDECODED, Unit
from gdlab.files import to_schema as conform

if TYPE_CHECKING:
    from gdlab.files.progress import ProgressFunction

#: What is read of payloads: WebSocket tells by the kind what may be in them.
STAMPS: Final = ("size_bytes", "kind", "payload")
#: What a whole row takes about. A task holds so many bytes for each of the rows that it looks at at a time: of narrow
#: rows it holds those of several shares, so that files are read less often.
ROW_BYTES: Final = 128
#: So many other rows a ping counts for.
PING_ROWS: Final = 4
#: Of an executor's tasks there are so many at least, if each has as many rows as it may look at at a time.
TASKS_AT_LEAST: Final = 16


class Planned(Listed):
    """Files, and the units of work that a measure of them takes."""

    def __init__(
        self,
        files: Sequence[str],
        *,
        executor: Executor | None,
        decode_with: DecodeWith,
        most_bytes: int,
        rows_at_once: int,
        progress: ProgressFunction | None,
    ) -> None:
        super().__init__(files, executor, progress)
        self.decode_with = decode_with
        self.most_bytes = most_bytes
        self.rows_at_once = rows_at_once
        self._unmarked: bool | None = None
        self._glances: dict[str, list[Any]] = {}
        self._found_writing: Writing | None = None
        self._asked: bool | None = None
        self._found_gaps: Gaps | None = None

    def _part(self, columns: Sequence[str] = (), **more: Any) -> Part:
        files = tuple((number, each.path) for number, each in self._numbered())
        return Part(files, tuple(columns), together(self._looked_at()), **more)

    def _must_mark(self) -> bool:
        """Whether our pings must be told by their contents: no file marks any, and there may be some."""
        if self._unmarked is None:
            whole = self._whole()
            one_of_today = len(whole) == 1 and whole[0].about.get("version", 1) != 1
            if one_of_today or any(each.marked for each in whole):
                self._unmarked = False
            else:
                categories = together(self._looked_at())
                single = [
                    Part(((number, each.path),), (), categories, probes_only=True)
                    for number, each in self._numbered()
                    if each.sent  # who sends nothing asks nothing
                ]
                found = run(
                    asks,
                    single,
                    executor=self.executor,
                    label="looking for pings",
                    progress=self._progress,
                )
                self._unmarked = any(each for _, each in found)
        return self._unmarked

    def _glance(self, *questions: str) -> list[Any]:
        """The answers of all parts to the first of some questions of `glanced`; all are asked at once."""
        new = [name for name in questions if name not in self._glances]
        if new:
            units = self._units("glanced", "", {"questions": tuple(new)}, (), whole=False)
            found = self._run(units, "looking at messages", ())
            self._glances |= {name: [each[name] for each in found] for name in new}
        return self._glances[questions[0]]

    def _reading(self) -> DecodeWith:
        """How payloads are read; where that is guessed, by what is in all of them and not in those of one task."""
        return judged(self._glance("doubtful")) if self.decode_with == "auto" else self.decode_with

    def _writing(self, measure: str) -> Writing:
        """How messages carry number and time, where a measure falls back to that."""
        if self._found_writing is None:
            found = self._glance("stamped")
            self._found_writing = writing_of(rows_in_order(found, self._part(), (*BASE, *STAMPS))[0])
        if not self._found_writing or measure not in TIMED:
            return self._found_writing
        if self._asked is None:
            units = self._units("asking", "round_trips", {}, (), whole=False)
            self._asked = any(self._run(units, "pings of theirs", ()))
        return Writing(fields=False, how={}) if self._asked else self._found_writing

    def _units(
        self,
        task: str,
        measure: str,
        options: Mapping[str, Any],
        fields: Sequence[str | None],
        *,
        whole: bool,
    ) -> list[Unit]:
        writing = None
        if measure in STAMPED and options.get(STAMPED[measure]) is None:
            writing = self._writing(measure)
        decoded = needed_fields(fields)
        columns, probes_only = needs(measure)
        probes_only &= not writing and not [name for name in fields if name is not None and name not in BASE]
        if writing is not None and writing.fields and measure not in UNDECODED:
            decoded = tuple(dict.fromkeys((*decoded, SEQ, T_US)))
        marks = self._must_mark()
        columns = (*columns, *(STAMPS if decoded or marks or not measure else ()))
        columns += tuple(name for name in fields if name in conform.NAMES)
        part = self._part(columns, probes_only=probes_only)
        slim = "" if marks or not of_streams(measure) else _slim(measure, task, decoded, writing)
        reading = self._reading() if decoded else None

        def unit(files: Iterable[tuple[int, str]], shares: tuple[Streams, ...] = ()) -> Unit:
            mine = Part(tuple(files), part.columns, part.categories, shares, probes_only)
            return Unit(mine, task, measure, dict(options), marks, reading, decoded, writing, slim)

        if whole:
            self._afford("all rows at once, as streams are told apart by a field", 64)
            return [unit(part.files)]
        if not of_streams(measure) and not marks:
            return [unit((file,)) for file in part.files]
        tasks = self._by_stream_of(probes_only=probes_only, held=self._held(unit(())))
        return [unit(files, shares) for files, shares in tasks]

    def _by_stream_of(self, *, probes_only: bool, held: int) -> list[tuple[list[partition.File], Any]]:
        files, at_once = self._numbered(), self.rows_at_once
        wanted: partition.Wanted = {number: each.streams for number, each in files}
        if probes_only and sum(each.rows for _, each in files) > self.rows_at_once:
            related = all_related(self._glance("related"))
            wanted = {number: related.get(number, {}) for number, _ in files}
            # Each of these is read as a ping, whose numbers take several times what other rows take.
            at_once, held = max(at_once // PING_ROWS, 1), max(held // PING_ROWS, 1)
        return partition.by_stream(files, wanted, at_once, held)

    def _held(self, unit: Unit) -> int:
        """How many rows a task of such a unit may hold."""
        rows = sum(each.rows for each in self._whole())
        payload = sum(each.payload_bytes for each in self._whole()) // max(rows, 1)
        held = self.rows_at_once * ROW_BYTES // row_bytes(unit, payload)
        if self.executor is not None:  # who has many workers wants work for them
            held = min(held, rows // TASKS_AT_LEAST)
        return max(held, self.rows_at_once)

    def _run(self, units: Sequence[Unit], label: str, fields: Sequence[str | None]) -> list[Any]:
        answers: dict[int, Answer] = dict(
            run(work, units, executor=self.executor, label=label, progress=self._progress)
        )
        for name in needed_fields(fields):
            if all(name in each.lacking for each in answers.values()):
                raise KeyError(
                    f"no payload of these files has the field {name!r}. Look at .df(until=...).gdlab.decoded() for "
                    "those there are, or give decode_with= where the data set is made"
                )
        return [result for number in range(len(units)) for result in answers[number].results]

    def _afford(self, what: str, row_bytes: int) -> None:
        needed = len(self) * row_bytes
        if needed > self.most_bytes:
            raise TooLarge(
                f"{what} would take about {needed >> 20} MiB for {len(self):,} rows, and {self.most_bytes >> 20} MiB "
                "are allowed. Take a part of the files, .quantiles(...), which needs no table, or more (most_bytes=)"
            )

    def _as_done(self, units: Sequence[Unit], label: str) -> Iterator[Any]:
        for _, each in run(work, units, executor=self.executor, label=label, progress=self._progress):
            yield from each.results

    def _gaps(self) -> Gaps:
        if self._found_gaps is None:
            part = self._part()
            files = [(number, each.path) for number, each in self._numbered() if each.gaps]
            units = [Unit(Part((file,), (), part.categories), "gaps", "rates") for file in files]
            found = self._run(units, "gaps", ())
            all_of_them = np.concatenate(found) if found else np.zeros((0, 3), np.int64)
            before = np.full(len(all_of_them), np.iinfo(np.int64).min)
            if len(all_of_them):
                asked = {"gaps": all_of_them}
                ends = {part.categories["endpoint"][number] for number in set(all_of_them[:, 0].tolist())}
                near = [
                    Unit(Part(((number, each.path),), (), part.categories), "before_gaps", "rates", asked)
                    for number, each in self._numbered()
                    if ends & {endpoint for endpoint, _ in each.streams}
                ]
                before = np.max(self._run(near, "rows before gaps", ()), axis=0)
            endpoints = pd.Index(list(part.categories["endpoint"]), dtype=object)
            self._found_gaps = Gaps(endpoints, all_of_them[:, 0], all_of_them[:, 1], before)
        return self._found_gaps


def _slim(measure: str, task: str, fields: Sequence[str], writing: Writing | None) -> str:
    """What of payloads a measure of streams needs beside the fields; see `Unit`."""
    if not fields or (writing is not None and not writing.fields):
        return ""
    return "none" if measure in OF_FIELDS and writing is None and task != "followed" else "probes"
