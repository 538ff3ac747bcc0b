"""A capture that was loaded from a file."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, Self

import pandas as pd

from gdlab.capture import html
from gdlab.capture.tabular import Tabular
from gdlab.facts import Statement
from gdlab.words import stated

#: How the name of the program begins that wrote a packet capture of ours.
_OURS: Final = "gdlab "

if TYPE_CHECKING:
    from gdlab.files.sources import Source
    from gdlab.framing import FramingLike


class Recording(Tabular):
    """A table from a file, with the same plots and measures as a live capture.

    Attributes
    ----------
    path : where it was loaded from.
    about : what the file records about itself: versions, clock, schema, when it was written; empty without a sidecar.
    """

    def __init__(
        self, table: pd.DataFrame, about: Mapping[str, object], path: Path, told: Sequence[Statement] = ()
    ) -> None:
        self._table = table
        self.about = about
        self.path = path
        self._told = tuple(told)
        # Of another program: what it saw of a stream is not cut into messages, either way.
        self._is_foreign = not str(about.get("application", _OURS)).startswith(_OURS)
        saved = about.get("provenance")
        if isinstance(saved, Mapping) and "decode" in saved:
            from gdlab.codecs import from_json  # not before it is needed

            self.decode_with = from_json(saved["decode"])

    @property
    def df(self) -> pd.DataFrame:
        """The table; yours to change."""
        table = self._table.copy(deep=False)
        self._remember(table)
        return table

    @property
    def notes(self) -> tuple[str, ...]:
        """What to know about the file, such as a missing sidecar; in the language of `gdlab.language`."""
        return tuple(map(stated, self._told))

    @property
    def provenance(self) -> dict[str, object]:
        """What the file records about where its rows come from, and how payloads are read now."""
        told = self.about.get("provenance")
        kept = (
            {key: value for key, value in told.items() if key != "decode"}
            if isinstance(told, Mapping)
            else {}
        )
        return kept | self._decode_told()

    @property
    def truth(self) -> pd.DataFrame | None:
        """What a relay did to each packet, where the file was saved by one; None elsewhere.

        The columns are those of `gdlab.relays.TRUTH_SCHEMA`; `row_in` and `row_out` are positions in `df`.
        """
        from gdlab.files import read_truth  # not before it is needed: `import gdlab` stays light

        return read_truth(self.path)

    def with_truth(self) -> tuple[pd.DataFrame, pd.DataFrame | None]:
        """The table, and the truth beside it, or None."""
        return self.df, self.truth

    @property
    def until_ns(self) -> int | None:
        """The moment until which it listened, UTC nanoseconds; None where the file does not state it."""
        try:
            began = pd.Timestamp(str(self.provenance["began"]))
            counters = self.provenance["statistics"]
            seconds = float(counters["seconds"]) if isinstance(counters, dict) else 0.0
            return int(began.value + seconds * 1e9)
        except (KeyError, TypeError, ValueError, OverflowError):
            return None

    def reframe(self, framing: FramingLike) -> Self:
        """Read the TCP streams again in another framing, with the times of their reads; see `Capture.reframe`."""
        from gdlab.capture.reframing import reframed

        self._table = reframed(self._table, framing, both_ways=self._is_foreign)
        return self

    def __len__(self) -> int:
        return len(self._table)

    def __repr__(self) -> str:
        return f"<Recording: {self._text()}>"

    def _text(self) -> str:
        if not len(self._table):
            return f"{self.path.name}, no rows"
        first, last = self._table.time.iloc[0], self._table.time.iloc[-1]
        # Not by subtracting timestamps: a file may hold times that are further apart than 64 bits of nanoseconds.
        seconds = (int(last.value) - int(first.value)) / 1e9
        return (
            f"{self.path.name}, {len(self._table)} rows, {seconds:.1f} s from {first:%Y-%m-%d %H:%M:%S} UTC"
        )

    def _headline(self) -> html.Headline:
        return html.Headline("loaded", self._text(), "; ".join(self.notes))


def load(
    path: Source, *, framing: FramingLike | None = None, reader: Literal["gdlab", "tshark"] | None = None
) -> Recording:
    """Load a capture from a file: of gdlab, or a pcap or pcapng file of any program; or from several files at once.

    Parameters
    ----------
    path : a file that `to_csv`, `to_parquet` or `to_pcapng` wrote, a spill folder, or a packet capture (also
        compressed with gzip, zstd or lz4). A folder, a pattern such as ``"runs/*.csv"`` or a list gives all
        rows of all of them, in order of time.
    framing : how TCP streams are divided into messages, as for `gdlab.listen`; without it, rows of gdlab's files are as
        they were written, and those of other programs' captures are what each segment added. See `Recording.reframe`.
    reader : ``"tshark"`` opens packet captures with tshark, which must be installed; ``"gdlab"`` never does. Without
        it, tshark is the last resort, where it is installed: for capture formats and link layers that gdlab does not
        know. A note says so. It finds the IP packets; what they carry is read as in any capture.

    Returns
    -------
    Recording, whose `df` has the dtypes and values of the capture that was written. In another program's packet
    capture, a row is a UDP datagram (fragments put together), what a TCP segment added to its stream (each byte once,
    in order), or a WebSocket message; its time is that of the packet that completed it, its endpoint the side that was
    spoken to first. What the capturing program lost is a row of event `gap`; what gives no row is counted in `notes`.

    Raises
    ------
    LoadError : the file is missing, damaged, or not a capture, or would fill the memory; the message says which.
    FramingError : there is no such framing.
    MissingDependency : Parquet, spill folders, and files compressed with zstd or lz4 need pyarrow.
    """
    from gdlab.analysis.probes import mark  # not before it is needed: `import gdlab` stays light
    from gdlab.files.sources import load_all

    if not isinstance(path, (str, os.PathLike)):
        path = list(path)
    loaded = load_all(path, reader=reader)
    if loaded.provenance.get("version", 1) == 1:
        mark(loaded.table)
    if isinstance(path, (str, os.PathLike)):
        shown = Path(path)
    else:
        shown = Path(path[0]) if len(path) == 1 else Path(f"{len(path)} files")
    recording = Recording(loaded.table, loaded.provenance, shown, loaded.told)
    return recording if framing is None else recording.reframe(framing)
