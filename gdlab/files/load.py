"""Reading any file that holds a table; what a file is, its content says and not its name."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from gdlab.errors import LoadError
from gdlab.facts import Statement
from gdlab.files import budget, csvform, csvread, parquet, pcapread, spillread, tsharkread, unpack
from gdlab.files.loaded import Loaded
from gdlab.files.progress import ProgressFunction

#: What `reader` may be.
READERS: Final = ("gdlab", "tshark")

_CAN_READ = Statement("load/can read")
#: What CSV and captures take in memory, with the table that is made of them, for each of their bytes.
_TIMES_AS_TABLE: Final = 3
_OFFER = Statement("note/offer tshark")


def load(
    path: str | Path,
    *,
    columns: Sequence[str] | None = None,
    reader: str | None = None,
    progress: ProgressFunction | None = None,
) -> Loaded:
    """Read a table from a file that gdlab wrote, or from a pcap or pcapng file of any program.

    Parameters
    ----------
    path : a CSV or Parquet file of `write_csv` and `write_parquet`, a folder of a spilled capture, or a pcap or
        pcapng file; CSV and captures also compressed. For several of them, see `sources.load_all`.
    columns : only these, of Parquet read without the others; all by default.
    reader : ``"tshark"`` has packet captures opened by tshark, ``"gdlab"`` never; without, tshark is the last resort
        for formats and link layers that gdlab does not know, where it is installed.
    progress : called with rows (packets of a capture) done and in all. Else there is a bar after a second, where tqdm
        is installed.

    Returns
    -------
    The table, what is known about where it came from, and notes on what is missing or was assumed.

    Raises
    ------
    LoadError : there is no such file, or it is empty, damaged, cut short, of something else, or would fill the
        memory (see `budget`).
    MissingDependency : Parquet and spilled captures, and files compressed with zstd or lz4, need pyarrow.
    """
    if reader not in {None, *READERS}:
        raise ValueError(f"reader={reader!r}: there are {' and '.join(map(repr, READERS))}")
    loaded = _load(Path(path), columns, reader, progress)
    if columns is None:
        return loaded
    return Loaded(loaded.table[list(columns)], loaded.provenance, loaded.told)


def _load(
    path: Path, columns: Sequence[str] | None, reader: str | None, progress: ProgressFunction | None
) -> Loaded:
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            if spillread.is_spill(path):
                return spillread.read_spill(path, progress)
            raise LoadError(Statement.of("load/folder", path=path, can_read=_CAN_READ))
        if not stat.S_ISREG(mode):
            raise LoadError(Statement.of("load/device", path=path, can_read=_CAN_READ))
        with path.open("rb") as file:
            beginning = file.read(1024)
        size = path.stat().st_size
    except FileNotFoundError as error:
        raise LoadError(Statement.of("load/missing", path=path, folder=Path.cwd())) from error
    except (OSError, ValueError) as error:
        # A name with a zero in it is a ValueError.
        why = (error.strerror if isinstance(error, OSError) else None) or str(error)
        raise LoadError(Statement.of("load/unreadable", path=repr(os.fspath(path)), why=why)) from error
    if not beginning:
        raise LoadError(Statement.of("load/empty", path=path, can_read=_CAN_READ))
    budget.check(path, size, size)
    if not parquet.is_parquet(beginning):  # whose footer tells more
        if unpack.compression(beginning):
            way = Statement.of("load/unpack", path=repr(str(path.with_suffix(""))))
        else:
            way = Statement.of("load/by pieces", path=repr(str(path)))
        budget.afford(path, size, _TIMES_AS_TABLE * size, way)
    if reader == "tshark":
        return pcapread.read_with_tshark(path, progress)
    compressed = unpack.compression(beginning)
    try:
        content = unpack.unpack(path, compressed, progress) if compressed else None
        beginning = beginning if content is None else content[:1024]
        return _read(path, content, beginning, columns, reader, progress)
    except OSError as error:
        raise LoadError(
            Statement.of("load/unreadable", path=path, why=error.strerror or str(error))
        ) from error


def _read(
    path: Path,
    content: bytes | None,
    beginning: bytes,
    columns: Sequence[str] | None,
    reader: str | None,
    progress: ProgressFunction | None,
) -> Loaded:
    if pcapread.is_capture(beginning):
        found = pcapread.read_capture(path, content, progress)
        if reader is None and pcapread.unknown_links(found):
            found = _with_tshark(path, progress) or Loaded(
                found.table, found.provenance, (*found.told, _OFFER)
            )
        return found
    if content is None and parquet.is_parquet(beginning):
        return parquet.read_parquet(path, progress, columns)
    if csvread.is_csv(beginning):
        return csvread.read_csv(path, content, progress)
    guess = _guess(beginning)
    if not guess and reader is None and b"\0" in beginning:  # no text: perhaps a capture in another format
        by_tshark = _with_tshark(path, progress)
        if by_tshark is not None:
            return by_tshark
        guess = Statement("load/ask tshark")
    raise LoadError(Statement.of("load/foreign", path=path, can_read=_CAN_READ, guess=guess))


def _with_tshark(path: Path, progress: ProgressFunction | None) -> Loaded | None:
    """What tshark makes of a file that gdlab cannot read, or not wholly; None where it has nothing, or is not there."""
    if not tsharkread.is_installed():
        return None
    with contextlib.suppress(LoadError):
        found = pcapread.read_with_tshark(path, progress)
        return found if len(found.table) else None
    return None


def _guess(beginning: bytes) -> Statement | str:
    """A hint on what a foreign file is, and what to do with it."""
    if beginning.startswith(b"PK\x03\x04"):
        return Statement("load/zip")
    if beginning.lstrip().startswith((b"{", b"[")):
        return Statement("load/json")
    wrong = csvform.wrong(beginning)
    if wrong is not None:
        return wrong
    if b"," in beginning.split(b"\n", 1)[0]:
        return Statement("load/csv")
    return ""
