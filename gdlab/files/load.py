"""Reading any file that holds a table; what a file is, its content says and not its name."""

from __future__ import annotations

from pathlib import Path

from gdlab.errors import LoadError
from gdlab.files import csvread, parquet, pcapread, spillread
from gdlab.files.loaded import Loaded

_CAN_READ = "gdlab reads its CSV and Parquet files, spill folders, and pcap and pcapng files of any program"


def load(path: str | Path) -> Loaded:
    """Read a table from a file that gdlab wrote, or from a pcap or pcapng file of any program.

    Parameters
    ----------
    path : a CSV or Parquet file of `write_csv` and `write_parquet`, a folder of a spilled capture, or a pcap or
        pcapng file.

    Returns
    -------
    The table, what is known about where it came from, and notes on what is missing or was assumed.

    Raises
    ------
    LoadError : there is no such file, or it is empty, damaged, cut short or of something else.
    MissingDependency : Parquet and spilled captures need pyarrow.
    """
    path = Path(path)
    if path.is_dir():
        if spillread.is_spill(path):
            return spillread.read_spill(path)
        raise LoadError(f"{path} is a folder without a spilled capture. {_CAN_READ}")
    try:
        with path.open("rb") as file:
            beginning = file.read(1024)
    except FileNotFoundError as error:
        raise LoadError(f"there is no file {path}; the current folder is {Path.cwd()}") from error
    except OSError as error:
        raise LoadError(f"{path} cannot be read: {error.strerror}. Give a file that you may read") from error
    if not beginning:
        raise LoadError(f"{path} is empty: not even a header was written. {_CAN_READ}; write the file again")
    if csvread.is_csv(beginning):
        return csvread.read_csv(path)
    if parquet.is_parquet(beginning):
        return parquet.read_parquet(path)
    if pcapread.is_capture(beginning):
        return pcapread.read_capture(path)
    raise LoadError(f"{path} is none of the files that gdlab knows. {_CAN_READ}{_guess(beginning)}")


def _guess(beginning: bytes) -> str:
    """A hint on what a foreign file is, and what to do with it."""
    if beginning.startswith(b"\x1f\x8b"):
        return "; this one is compressed with gzip: unpack it first"
    if beginning.startswith(b"PK\x03\x04"):
        return "; this one is a zip archive, perhaps a spreadsheet: unpack it, or export it as CSV from gdlab again"
    if beginning.lstrip().startswith((b"{", b"[")):
        return "; this one looks like JSON: if it is a sidecar, give the CSV or Parquet file beside it"
    if b"," in beginning.split(b"\n", 1)[0]:
        return "; this one may be a CSV of another program: read it with pandas.read_csv"
    return ""
