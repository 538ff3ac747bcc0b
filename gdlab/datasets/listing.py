"""The files of a data set: looked at once, when something is first asked."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from gdlab.analysis.columns import time_index
from gdlab.datasets.running import run
from gdlab.datasets.survey import Survey, survey
from gdlab.errors import LoadError
from gdlab.text import count

if TYPE_CHECKING:
    from gdlab.files.progress import ProgressFunction


class Listed:
    """Files with what they hold; those that cannot be read are named, with the reason."""

    def __init__(
        self, files: Sequence[str], executor: Executor | None, progress: ProgressFunction | None
    ) -> None:
        self.paths = tuple(files)
        self.executor = executor
        self._progress = progress
        self._surveys: list[Survey] | None = None

    @property
    def files(self) -> pd.DataFrame:
        """One row per file, looked at when this is first asked.

        Columns: `path`, `bytes` (of the file), `rows` (int64), `first`, `last` (times; NaT without rows), `endpoints`
        (tuples of text), `peers` (int64), `broken` (text: why it cannot be read; empty where it can), `notes` (text).
        """
        found = self._looked_at()
        frame = pd.DataFrame(
            {
                "path": [each.path for each in found],
                "bytes": [each.file_bytes for each in found],
                "rows": [each.rows for each in found],
                "endpoints": [tuple(dict.fromkeys(end for end, _ in each.streams)) for each in found],
                "peers": [sum(peer != "" for _, peer in each.streams) for each in found],
                "broken": [each.broken for each in found],
                "notes": ["; ".join(each.notes) for each in found],
            }
        )
        empty = np.array([not each.rows for each in found], dtype=np.bool_)
        for position, name in ((3, "first"), (4, "last")):
            times = time_index(np.array([getattr(each, name) for each in found], dtype=np.int64))
            frame.insert(position, name, pd.Series(times).mask(empty))
        return frame

    @property
    def broken(self) -> pd.DataFrame:
        """The files that cannot be read, with the reason; they take no part in anything."""
        files = self.files
        return files.loc[files["broken"] != "", ["path", "broken"]].reset_index(drop=True)

    def __len__(self) -> int:
        """Return the rows of all files."""
        return sum(each.rows for each in self._whole())

    def __bool__(self) -> bool:
        return True

    def __repr__(self) -> str:
        return f"<Dataset: {self._text()}>"

    def _repr_html_(self) -> str:
        shown = self.files if self._surveys is not None else pd.DataFrame({"path": self.paths})
        return f"<p>{self._text()}</p>{shown.head(20).to_html(escape=True)}"

    def _text(self) -> str:
        if self._surveys is None:
            return f"{count(len(self.paths), 'file')}, not looked at yet"
        rows, first, last = self._span()
        broken = sum(bool(each.broken) for each in self._surveys)
        told = count(len(self.paths), "file") + (f" ({broken} broken)" if broken else "")
        return f"{told}, {rows:,} rows, {(last - first) / 1e9:.1f} s"

    def _looked_at(self) -> list[Survey]:
        if self._surveys is None:
            found = dict(
                run(
                    survey,
                    self.paths,
                    executor=self.executor,
                    label="looking at files",
                    progress=self._progress,
                )
            )
            self._surveys = [found[number] for number in range(len(self.paths))]
        return self._surveys

    def _whole(self) -> list[Survey]:
        found = [each for each in self._looked_at() if not each.broken]
        if not found:
            first = self._looked_at()[0]
            raise LoadError(f"none of {len(self.paths)} files can be read; the first: {first.broken}")
        return found

    def _numbered(self) -> list[tuple[int, Survey]]:
        self._whole()
        return [(number, each) for number, each in enumerate(self._looked_at()) if not each.broken]

    def _span(self) -> tuple[int, int, int]:
        some = [each for each in self._whole() if each.rows]
        if not some:
            return 0, 0, 0
        return sum(each.rows for each in some), min(e.first for e in some), max(e.last for e in some)
