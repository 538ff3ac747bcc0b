"""A capture that was loaded from a file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from gdlab.capture import html
from gdlab.capture.tabular import Tabular


class Recording(Tabular):
    """A table from a file, with the same pictures and measures as a live capture.

    Attributes
    ----------
    path : where it was loaded from.
    about : what the file tells of itself: versions, clock, schema, when it was written; empty without a sidecar.
    notes : what the reader should know of the file, such as a missing sidecar.
    """

    def __init__(
        self, table: pd.DataFrame, about: dict[str, Any], path: Path, notes: Sequence[str] = ()
    ) -> None:
        self._table = table
        self.about = about
        self.path = path
        self.notes = tuple(notes)

    @property
    def df(self) -> pd.DataFrame:
        """The table; yours to change."""
        return self._table.copy(deep=False)

    @property
    def provenance(self) -> dict[str, object]:
        """What the file says of where its rows come from."""
        return dict(self.about.get("provenance") or {})

    def __len__(self) -> int:
        return len(self._table)

    def __repr__(self) -> str:
        return f"<Recording: {self._text()}>"

    def _text(self) -> str:
        if not len(self._table):
            return f"{self.path.name}, no rows"
        first, last = self._table.time.iloc[0], self._table.time.iloc[-1]
        seconds = (last - first).total_seconds()
        return (
            f"{self.path.name}, {len(self._table)} rows, {seconds:.1f} s from {first:%Y-%m-%d %H:%M:%S} UTC"
        )

    def _headline(self) -> html.Headline:
        return html.Headline("loaded", self._text(), "; ".join(self.notes))


def load(path: str | Path) -> Recording:
    """Load a capture from a file that `to_csv` wrote.

    Returns
    -------
    Recording, whose `df` has the dtypes and values of the capture that was written.

    Raises
    ------
    LoadError : the file is missing, damaged, or not a capture; the message says which.
    """
    from gdlab.files import load as load_file

    loaded = load_file(Path(path))
    return Recording(loaded.table, loaded.provenance, Path(path), loaded.notes)
