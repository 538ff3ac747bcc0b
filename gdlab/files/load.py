"""Reading any file that holds a table; what a file is, its content says and not its name."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from pathlib import Path

from gdlab.errors import LoadError
from gdlab.files import budget, csvread, parquet, pcapread, spillread, unpack
from gdlab.files.loaded import Loaded
from gdlab.files.progress import ProgressFunction

_CAN_READ = (
    "gdlab reads its CSV and Parquet files, spill folders, and pcap and pcapng files of any program, also compressed "
    "with gzip, zstd or lz4"
)


def load(
    path: str | Path, *, columns: Sequence[str] | None = None, progress: ProgressFunction | None = None
) -> Loaded:
    """Read a table from a file that gdlab wrote, or from a pcap or pcapng file of any program.

    Parameters
    ----------
    path : a CSV or Parquet file of `write_csv` and `write_parquet`, a folder of a spilled capture, or a pcap or
        pcapng file; CSV and captures also compressed. For several of them, see `sources.load_all`.
    columns : only these, of Parquet read without the others; all by default.
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
    loaded = _load(Path(path), columns, progress)
    if columns is None:
        return loaded
    return Loaded(loaded.table[list(columns)], loaded.provenance, loaded.notes)


def _load(path: Path, columns: Sequence[str] | None, progress: ProgressFunction | None) -> Loaded:
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            if spillread.is_spill(path):
                return spillread.read_spill(path)
            raise LoadError(f"{path} is a folder without a spilled capture. {_CAN_READ}")
        if not stat.S_ISREG(mode):
            raise LoadError(
                f"{path} is no ordinary file (a pipe or a device). Save what it gives as a file. {_CAN_READ}"
            )
        with path.open("rb") as file:
            beginning = file.read(1024)
        size = path.stat().st_size
    except FileNotFoundError as error:
        raise LoadError(f"there is no file {path}; the current folder is {Path.cwd()}") from error
    except (OSError, ValueError) as error:
        # A name with a zero in it is a ValueError.
        why = (error.strerror if isinstance(error, OSError) else None) or str(error)
        raise LoadError(
            f"{os.fspath(path)!r} cannot be read: {why}. Give a file that you may read"
        ) from error
    if not beginning:
        raise LoadError(f"{path} is empty: not even a header was written. {_CAN_READ}; write the file again")
    budget.check(path, size, size)
    compressed = unpack.compression(beginning)
    try:
        content = unpack.unpack(path, compressed) if compressed else None
        return _read(path, content, beginning if content is None else content[:1024], columns, progress)
    except OSError as error:
        raise LoadError(
            f"{path} cannot be read: {error.strerror or error}. Give a file that you may read"
        ) from error


def _read(
    path: Path,
    content: bytes | None,
    beginning: bytes,
    columns: Sequence[str] | None,
    progress: ProgressFunction | None,
) -> Loaded:
    if pcapread.is_capture(beginning):
        return pcapread.read_capture(path, content, progress)
    if content is None and parquet.is_parquet(beginning):
        return parquet.read_parquet(path, progress, columns)
    if csvread.is_csv(beginning):
        return csvread.read_csv(path, content, progress)
    raise LoadError(f"{path} is none of the files that gdlab knows. {_CAN_READ}{_guess(beginning)}")


def _guess(beginning: bytes) -> str:
    """A hint on what a foreign file is, and what to do with it."""
    if beginning.startswith(b"PK\x03\x04"):
        return "; this one is a zip archive, perhaps a spreadsheet: unpack it, or export it as CSV from gdlab again"
    if beginning.lstrip().startswith((b"{", b"[")):
        return "; this one looks like JSON: if it is a sidecar, give the CSV or Parquet file beside it"
    if b"," in beginning.split(b"\n", 1)[0]:
        return "; this one may be a CSV of another program: read it with pandas.read_csv"
    return ""
