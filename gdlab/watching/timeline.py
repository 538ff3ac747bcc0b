"""Packets and what the game told of itself, on one axis of time."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from gdlab import analysis
from gdlab.analysis.columns import times_ns
from gdlab.analysis.latency import round_trips
from gdlab.analysis.source import Source, table_of
from gdlab.analysis.watched import causes, explained, stalls
from gdlab.capture.html import legible
from gdlab.capture.tabular import WATCH_SUFFIX

if TYPE_CHECKING:
    from gdlab.plots.canvas import NotebookFigure
    from gdlab.plots.style import ThemeName
    from gdlab.watching.watcher import Watch

#: Characters of a payload in the column `text`.
_PREVIEW: Final = 60


def together(capture: Source, watch: Watch) -> Together:
    """Put a capture and a watch on one axis of time.

    Parameters
    ----------
    capture : a capture, a recording or a message table; `capture.findings()` uses the watch from now on.
    watch : the watch of the game in it, see `gdlab.debugger`.

    Returns
    -------
    Together: `df` (one table of packets, log rows and game frames), `plot()`, `explained`, `findings()`.
    """
    if not isinstance(capture, pd.DataFrame) and hasattr(type(capture), "watched"):
        capture.watched = watch  # type: ignore[attr-defined]  # what `Source` asks for is less
    return Together(capture, watch)


class Together:
    """One axis of time for a capture and a watch; made by `gdlab.together`.

    Attributes
    ----------
    capture, watch : what it was made of; both may still run: every table is a snapshot.
    """

    def __init__(self, capture: Source, watch: Watch) -> None:
        self.capture, self.watch = capture, watch

    @property
    def df(self) -> pd.DataFrame:
        """Packets, rows of the log, and game frames, in order of time.

        Returns
        -------
        DataFrame with ``time`` (packets: arrival or sending; log: when it happened, as well as that is known; frames:
        their end), ``what`` (packet, log, frame, break), ``source`` (the peer or the game), ``kind`` (direction or
        event; kind of the log's row; ``slow`` for a slow frame), ``text``, ``size_bytes``, ``ms`` (round trip of a
        probe that was sent, busy time of a frame, length of a break), ``game_frame``, ``row`` (position in its own
        table), ``packet`` (log: position of the packet in the capture that caused it, NA where the facts do not show
        it).
        """
        table, log, frames, breaks = (
            table_of(self.capture),
            self.watch.log,
            self.watch.frames,
            self.watch.break_times,
        )
        slow = {stall.row for stall in stalls(self.watch) if stall.what == "frame"}
        packets = _part(
            times_ns(table),
            "packet",
            table["peer"].astype(object).fillna("").astype(str).tolist(),
            [
                str(direction) if event == "message" else str(event)
                for event, direction in zip(
                    table["event"].astype(str), table["direction"].astype(str), strict=True
                )
            ],
            [
                legible(payload, _PREVIEW) if payload else str(detail)
                for payload, detail in zip(table["payload"].array, table["detail"].fillna(""), strict=True)
            ],
            size=table["size_bytes"].tolist(),
            ms=_trip_ms(table),
        )
        told = _part(
            times_ns(log.assign(time=log["happened"])),
            "log",
            log["game"].astype(str).tolist(),
            log["kind"].astype(str).tolist(),
            log["text"].astype(str).tolist(),
            number=log["game_frame"].tolist(),
            packet=causes(log, table, frame_ms=self._frame_ms(frames)).tolist(),
        )
        drawn = _part(
            times_ns(frames),
            "frame",
            frames["game"].astype(str).tolist(),
            ["slow" if row in slow else "" for row in range(len(frames))],
            [""] * len(frames),
            ms=frames["busy_ms"].tolist(),
            number=frames["game_frame"].tolist(),
        )
        stood = _part(
            times_ns(breaks),
            "break",
            breaks["game"].astype(str).tolist(),
            [""] * len(breaks),
            breaks["text"].astype(str).tolist(),
            ms=breaks["stood_ms"].astype("float64").tolist(),
        )
        whole = pd.concat([packets, told, drawn, stood], ignore_index=True)
        whole["what"] = whole["what"].astype("category")
        return whole.sort_values("time", kind="stable", ignore_index=True)

    @property
    def explained(self) -> pd.DataFrame:
        """The long round trips and the slow frame or break behind each; see `gdlab.analysis.watched.explained`."""
        return explained(self.capture, self.watch)

    @property
    def causes(self) -> pd.Series[Any]:
        """For each row of ``watch.log`` the position of its packet in the capture; NA where no fact shows it."""
        found = causes(self.watch.log, self.capture, frame_ms=self._frame_ms(self.watch.frames))
        return pd.Series(found, dtype="Int64", name="packet").mask(found < 0)

    def plot(
        self, *, between: tuple[float, float] | None = None, theme: ThemeName = "auto"
    ) -> NotebookFigure:
        """Draw packets, game frames and the log one above the other; see `gdlab.plots.together`."""
        from gdlab import plots

        return plots.together(table_of(self.capture), self.watch, between=between, theme=theme)

    def findings(self, **options: Any) -> pd.DataFrame:
        """What both show, most certain first; see `gdlab.analysis.findings`."""
        return analysis.findings(self.capture, watched=self.watch, **options)

    def save(self, path: str | Path) -> Path:
        """Write the capture as CSV, and the watch into a folder beside it.

        `gdlab.load(path).watched` is the watch again.

        Returns
        -------
        The path of the CSV.
        """
        from gdlab.files import write_csv

        file = Path(path)
        self.watch.save(file.with_suffix(WATCH_SUFFIX))
        about = getattr(self.capture, "provenance", None)
        return write_csv(table_of(self.capture), file, provenance=about)

    def __repr__(self) -> str:
        return f"<Together: {self.capture!r} and {self.watch!r}>"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        return {"text/plain": repr(self), "image/png": self.plot().png()}

    def _frame_ms(self, frames: pd.DataFrame) -> float | None:
        usual = float(frames["interval_ms"].median()) if len(frames) else float("nan")
        return usual if np.isfinite(usual) else None


def _trip_ms(table: pd.DataFrame) -> list[float]:
    """The round trip of each probe at the row that sent it; NaN elsewhere."""
    trips = round_trips(table)
    known = {
        (time, peer): rtt
        for time, peer, rtt in zip(
            times_ns(trips).tolist(), trips["peer"].astype(str), trips["rtt_ms"].tolist(), strict=True
        )
    }
    out = (table["direction"].astype(str) == "out").tolist()
    peers = table["peer"].astype(str).tolist()
    return [
        known.get((time, peer), float("nan")) if sent else float("nan")
        for time, peer, sent in zip(times_ns(table).tolist(), peers, out, strict=True)
    ]


def _part(
    stamps: np.ndarray[Any, np.dtype[np.int64]],
    what: str,
    source: list[str],
    kind: list[str],
    text: list[str],
    *,
    size: list[int] | None = None,
    ms: list[float] | None = None,
    number: list[Any] | None = None,
    packet: list[int] | None = None,
) -> pd.DataFrame:
    n = len(stamps)
    data: dict[str, object] = {
        "time": pd.Series(stamps.view("datetime64[ns]")).dt.tz_localize("UTC"),
        "what": what,
        "source": source,
        "kind": kind,
        "text": pd.Series(text, dtype="string"),
        "size_bytes": pd.Series(size if size is not None else [pd.NA] * n, dtype="Int64"),
        "ms": pd.Series(ms if ms is not None else [np.nan] * n, dtype="float64"),
        "game_frame": pd.Series(number if number is not None else [pd.NA] * n, dtype="Int64"),
        "row": np.arange(n, dtype=np.int64),
        "packet": pd.Series(
            [pd.NA if row < 0 else row for row in packet] if packet is not None else [pd.NA] * n,
            dtype="Int64",
        ),
    }
    return pd.DataFrame(data)
