"""Files from the command line: reports of captures, and captures in another form."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from gdlab.capture import load
from gdlab.errors import GdlabError

#: What a name ends with, and how it is written.
_CSV: Final = (".csv", ".csv.gz", ".csv.zst", ".csv.lz4")


class UnknownForm(GdlabError, ValueError):
    """A file was asked for whose name does not say what it should be."""


def report(source: str, out: Path | None) -> int:
    """Write a report of a file, a folder or a pattern; return the exit status."""
    recording = load(source)
    for note in recording.notes:
        print(f"note: {note}")
    folder = Path(f"{Path(source).name.split('.')[0] or 'capture'}-report") if out is None else out
    print(f"wrote {recording.report(folder)}")
    return 0


def convert(source: str, target: Path) -> int:
    """Write what a file, folder or pattern holds in the form that the target's name says; return the exit status."""
    name = target.name.lower()
    if not name.endswith((*_CSV, ".parquet", ".pcapng")):
        raise UnknownForm(
            f"{target.name} does not say what to write: end it with {', '.join(_CSV)}, .parquet or .pcapng"
        )
    recording = load(source)
    for note in recording.notes:
        print(f"note: {note}")
    if name.endswith(".parquet"):
        path = recording.to_parquet(target)
    elif name.endswith(".pcapng"):
        path = recording.to_pcapng(target)
    else:
        path = recording.to_csv(target)
    print(f"wrote {len(recording)} rows to {path}")
    return 0
