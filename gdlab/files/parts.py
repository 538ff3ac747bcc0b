"""Closed Parquet parts of a capture that goes on, which every engine opens: ``server=.../date=.../*.parquet``.

The open part is a stream of Arrow batches (`spill`) in the folder ``_running``, which engines pass over as its name
begins with ``_``. When its time is up, the next stream is begun; one period later, when no row of it can be taken back
any more, it becomes a Parquet file, whole under its name or not there, and the stream is removed.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from gdlab.errors import GdlabError
from gdlab.files import arrow, spillread
from gdlab.files import to_schema as conform
from gdlab.files.parquet import read_parquet, write_parquet

#: Where the open part is.
RUNNING: Final = "_running"
#: A shorter period makes more files than rows.
SHORTEST_S: Final = 1.0
_UNITS: Final = {"s": 1.0, "min": 60.0, "h": 3600.0}


class PeriodError(GdlabError, ValueError):
    """A period of parts that cannot be understood."""


def period_s(text: str | float) -> float:
    """Seconds of a period such as ``"1min"``, ``"30s"`` or ``"1h"``.

    Raises
    ------
    PeriodError : not of that form, or shorter than a second.
    """
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*(s|min|h)\s*", str(text))
    seconds = float(found[1]) * _UNITS[found[2]] if found else 0.0
    if seconds < SHORTEST_S:
        raise PeriodError(
            f"parts={text!r} is no period: give one of a second or more, such as '1min', '30s' or '1h'"
        )
    return seconds


class Parts:
    """Turns streams that are closed into Parquet files.

    Parameters
    ----------
    folder : of the capture.
    every_s : how long a part is.
    """

    def __init__(self, folder: Path, every_s: float) -> None:
        self.folder = folder
        self.every_s = every_s
        # Of each stream the parts: number of the first row, rows, and file.
        self._closed: dict[str, list[tuple[int, int, Path]]] = {}
        self._next = time.monotonic() + every_s

    def is_due(self) -> bool:
        """Whether the time of the open part is up; if so, that of the next begins."""
        now = time.monotonic()
        if now < self._next:
            return False
        self._next = now + self.every_s
        return True

    def close(
        self,
        ready: Sequence[Path],
        later: Sequence[Path],
        endpoint: str,
        provenance: Mapping[str, Any] | None,
    ) -> None:
        """Write streams of an endpoint that will not change any more, oldest first, and remove them.

        Parameters
        ----------
        later : the streams behind those, which may have taken back some of their rows.

        Raises
        ------
        OSError : the disk does not take it. What was not written is still there.
        """
        for number, path in enumerate(ready):
            batches, first = spillread.standing(path, [*ready[number + 1 :], *later])
            name = path.name.rpartition("-")[0]
            self._take_back(name, first, provenance)
            rows = sum(len(batch) for batch in batches)
            if rows:
                part = self._write(batches, path.stem, endpoint, provenance)
                self._closed.setdefault(name, []).append((first, rows, part))
            path.unlink(missing_ok=True)

    def _write(
        self, batches: Sequence[Any], stem: str, endpoint: str, provenance: Mapping[str, Any] | None
    ) -> Path:
        import pyarrow as pa

        table = arrow.table(pa.Table.from_batches(batches))
        began = datetime.fromtimestamp(int(conform.time_ns(table).min()) / 1e9, UTC)
        server = re.sub(r"[^0-9A-Za-z.]+", "-", endpoint).strip("-") or "none"
        folder = self.folder / f"server={server}" / f"date={began:%Y-%m-%d}"
        folder.mkdir(parents=True, exist_ok=True)
        return write_parquet(
            table, folder / f"{began:%H%M%S}-{stem}.parquet", provenance=provenance, progress=_silent
        )

    def _take_back(self, stream: str, row: int, provenance: Mapping[str, Any] | None) -> None:
        """Leave the rows from a number on out of closed parts: a framing was changed, and they are written anew."""
        kept = self._closed.get(stream, [])
        while kept and kept[-1][0] + kept[-1][1] > row:
            first, _, path = kept.pop()
            if first < row:
                table = read_parquet(path, _silent).table.iloc[: row - first]
                write_parquet(table, path, provenance=provenance, progress=_silent)
                kept.append((first, row - first, path))
                return
            path.unlink(missing_ok=True)


def _silent(_done: int, _total: int) -> None:
    """A bar would be drawn by the thread that writes."""
