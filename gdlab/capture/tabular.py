"""What a live capture and a loaded one have in common: a table, and everything that is made of it."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

import pandas as pd

from gdlab.capture import html
from gdlab.capture.measures import Measures
from gdlab.capture.plot_namespace import Plots
from gdlab.text import count

if TYPE_CHECKING:
    from gdlab.analysis.watched import Watched
    from gdlab.capture.multiplayer import Multiplayer
    from gdlab.codecs import Decoder
    from gdlab.codecs.table import DecodeWith
    from gdlab.multiplayer.names import Names, NamesFrom
    from gdlab.variant import Explanation

#: Of the folder beside a saved capture, with what was watched meanwhile.
WATCH_SUFFIX: Final = ".watch"

#: Finds what watched the game while a capture ran; `gdlab.watching` puts itself here once it is loaded.
find_watch: Callable[[Tabular], Watched | None] | None = None


class Tabular(Measures):
    """A table of messages with its pictures, its measures and its file form."""

    #: What `decoded` reads payloads with unless it is told otherwise.
    decode_with: DecodeWith = "auto"
    _decoder: Decoder | None = None

    _watched: Watched | None = None
    #: What was given to `multiplayer` last.
    _rpc_names: Names | None = None

    @property
    def watched(self) -> Watched | None:
        """The watch of the captured game, see `gdlab.debugger`; by default the one that ran at the time."""
        if self._watched is None and find_watch is not None:
            found = find_watch(self)
            if not hasattr(self, "endpoints"):  # a recording's does not change: it is read once
                self._watched = found
            return found
        return self._watched

    @watched.setter
    def watched(self, value: Watched | None) -> None:
        self._watched = value

    @property
    @abstractmethod
    def provenance(self) -> dict[str, object]:
        """Where the table comes from: endpoints, limits, counters; JSON-able, written beside exported files."""

    def tail(self, rows: int = 10) -> pd.DataFrame:
        """Return the last rows of the table."""
        return self.df.tail(rows)

    def _remember(self, table: pd.DataFrame) -> None:
        """Have a table decoded as this object's own are."""
        if self.decode_with != "auto":
            from gdlab.codecs import remember

            remember(table, self.decode_with)

    def _decode_told(self) -> dict[str, object]:
        """What a file says of how payloads are read; nothing where that is a guess, or known to Python alone."""
        if self.decode_with == "auto":
            return {}
        from gdlab.codecs import as_json

        told = as_json(self.decode_with)
        return {} if told is None else {"decode": told}

    def decoded(self, codec: DecodeWith | None = None, *, probes: bool = False) -> pd.DataFrame:
        """Return the table with its payloads decoded into `value` and typed columns; see `gdlab.codecs.decode`.

        What was decoded before is not decoded again: while a capture runs, only the rows that are new cost time.

        Parameters
        ----------
        codec : by default `decode_with`, which is ``"auto"`` unless something else was chosen.
        probes : also decode our own pings and their answers.
        """
        from gdlab.codecs import Decoder

        decoder = self._decoder
        if decoder is None:
            decoder = self._decoder = Decoder()
        return decoder.decode(self.df, self.decode_with if codec is None else codec, probes=probes)

    def explain(self, row: int | pd.Series = -1) -> Explanation:
        """What every byte of a message is for, as the payloads of this capture are read; see `gdlab.codecs.explain`.

        Parameters
        ----------
        row : its position in the table, from the end where it is negative; or a row of the table, as
            ``cap.df.iloc[3]`` is one.

        Raises
        ------
        IndexError : the table has fewer rows.
        """
        from gdlab.codecs import explain, remembered

        table = self.df
        if isinstance(row, pd.Series):
            return explain(row["payload"] or b"", remembered(table))
        if not -len(table) <= row < len(table):
            raise IndexError(f"there is no row {row:,}: the table has {count(len(table), 'row')}")
        return explain(table["payload"].iloc[row] or b"", remembered(table))

    def where(self, filter: str) -> pd.DataFrame:  # noqa: A002 (what it is called on the dashboard)
        """Return the rows that match a filter, decoded; the filter language is that of the dashboard.

        Parameters
        ----------
        filter : such as ``'v.type == 1 and 10 < v.hp < 20'`` or ``'"CHAT" in text'``; see `gdlab.live.expression`.
            It is never run as code.

        Raises
        ------
        ExpressionError : it is not a valid filter, or names something that does not exist; the message says which part.
        """
        from gdlab.live.selecting import select

        return select(self._decoded_table(), filter)

    @property
    def plot(self) -> Plots:
        """Plots: `plot.rates()`, `plot.latency()` and more, see `Plots`."""
        return Plots(self)

    def multiplayer(self, *, project: str | Path | None = None, names: NamesFrom = None) -> Multiplayer:
        """Take Godot's high-level multiplayer apart: which RPC takes the bytes; see `Multiplayer`.

        Parameters
        ----------
        project : folder of the game's project, whose scripts and scenes name methods and properties.
        names : names of RPC methods by node path (``{"Main/Game": ["hello", "tick"]}``), instead of a project. Without
            either, those that a sample brings with it.
        """
        from gdlab.capture.multiplayer import Multiplayer  # not before it is needed

        if project is None and names is None:
            names = cast("NamesFrom", self.provenance.get("rpc_methods"))
            return Multiplayer(self.df, names=names)
        made = Multiplayer(self.df, project=project, names=names)
        self._rpc_names = made.view.names
        return made

    def to_csv(
        self,
        path: str | Path,
        *,
        decoded: bool | None = None,
        raw: bool = False,
        anonymise: bool = False,
        sep: str = ",",
        decimal: str = ".",
        excel: bool = False,
    ) -> Path:
        """Write the table as CSV, with a sidecar `*.gdlab.json` that describes it.

        Parameters
        ----------
        path : the file; it appears under this name only when it is complete. ``run.csv.gz`` (or ``.zst``, ``.lz4``) is
            compressed that way; not with `decoded`.
        decoded : write the decoded fields as flat typed columns, for other tools: seconds since the first message, ISO
            time, peer, and each field. Without it the file is the capture itself, which `gdlab.load` reads back. A
            table that is decoded already, ``cap.decoded().gdlab``, is written this way by default.
        raw : write text as it is. Otherwise text that a spreadsheet would run as a formula gets an apostrophe in
            front, which `load` removes again.
        anonymise : peers become P01, P02 ...; payloads are not touched.
        sep, decimal : with `decoded`: between cells, and within numbers; ``sep=";", decimal=","`` suits Excel in many
            European settings.
        excel : begin with a byte order mark, by which Excel knows that the text is UTF-8.

        Returns
        -------
        The path. A capture that is still running writes what has arrived so far.

        Raises
        ------
        ValueError : the name is that of another kind of file, or an option works only with `decoded`.
        """
        from gdlab.files import (  # not before it is needed: `import gdlab` stays light
            write_csv,
            write_fields_csv,
        )

        if self._is_decoded() if decoded is None else decoded:
            return write_fields_csv(
                self._decoded_table(),
                path,
                raw=raw,
                anonymise=anonymise,
                sep=sep,
                decimal=decimal,
                excel=excel,
                provenance=self.provenance,
            )
        if (sep, decimal) != (",", "."):
            raise ValueError(
                "sep= and decimal= go with decoded=True: the file of a capture has one form, so that gdlab.load "
                "reads it everywhere"
            )
        return write_csv(self.df, path, raw=raw, anonymise=anonymise, excel=excel, provenance=self.provenance)

    def to_parquet(self, path: str | Path, *, decoded: bool | None = None, anonymise: bool = False) -> Path:
        """Write the table as Parquet, smaller and faster than CSV; needs pyarrow (the extra `arrow`).

        With `decoded` it has the decoded fields as flat typed columns, as for `to_csv`.
        """
        from gdlab.files import write_fields_parquet, write_parquet

        if self._is_decoded() if decoded is None else decoded:
            return write_fields_parquet(
                self._decoded_table(), path, anonymise=anonymise, provenance=self.provenance
            )
        return write_parquet(self.df, path, anonymise=anonymise, provenance=self.provenance)

    def _is_decoded(self) -> bool:
        """Whether the table is decoded already; a capture's own never is."""
        return False

    def _decoded_table(self) -> pd.DataFrame:
        """The decoded table; of a table that is decoded already, that one."""
        return self.df if self._is_decoded() else self.decoded()

    def to_pcapng(self, path: str | Path, *, anonymise: bool = False) -> Path:
        """Write the messages as a capture file for Wireshark, in IP packets made up around the payloads.

        A packet of Godot's multiplayer has its node, method and arguments as a comment: by the names that
        `multiplayer()` was given last, else those of a sample, else numbers. `gdlab.load` returns the comments
        as `detail`.
        """
        from gdlab.capture.multiplayer import Multiplayer, holds_multiplayer
        from gdlab.files import write_pcapng

        table = self.df
        if holds_multiplayer(table):
            names = self._rpc_names or cast("NamesFrom", self.provenance.get("rpc_methods"))
            table = Multiplayer(table, names=names).named()
        return write_pcapng(table, path, anonymise=anonymise, provenance=self.provenance)

    def report(self, folder: str | Path, *, seq: str | None = None, anonymise: bool = False) -> Path:
        """Write a folder that documents the capture: ``report.html``, and the data as ``capture.csv``.

        The page is one file that needs no other and loads nothing: figures, findings, every number with its
        definition, unit and sample size, conversations, settings, versions.

        Parameters
        ----------
        folder : made if it is not there; what an earlier report wrote in it is replaced.
        seq : column with the sender's numbers, as for `sequence`.
        anonymise : peers become P01, P02 ... in the page and in the data; payloads are not touched.

        Returns
        -------
        The path of the page. A capture that is still running is reported as it is now.

        Raises
        ------
        OSError : the folder or a file in it cannot be written.
        """
        from gdlab.report.report import write_report  # matplotlib comes with it

        return write_report(
            self.df,
            folder,
            title=self._headline().text,
            provenance=self.provenance,
            seq=seq,
            anonymise=anonymise,
        )

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """The table for other engines: ``pl.DataFrame(cap)``, ``pa.table(cap)``, ``duckdb.sql("from cap")``."""
        from gdlab.files import handover

        return handover.stream(self.df).__arrow_c_stream__(requested_schema)

    def __bool__(self) -> bool:
        """True: also of one without a row, so that ``if cap:`` asks whether there is a capture."""
        return True

    def _repr_html_(self) -> str:
        return html.summary(self._headline(), self.tail(8))

    @abstractmethod
    def _headline(self) -> html.Headline:
        """Return what the HTML form says above the table."""
